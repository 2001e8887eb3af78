"""`imagebot plan`: what would change in a checkout, without forge, token or store; `--write` edits the files.

It goes the way of `update`, by the same functions: survey, choose, changes, rewrite.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from imagebot.cli.checkout import replace_file
from imagebot.cli.display import count, make_console, show_changes, show_diff, show_list
from imagebot.cli.policy import normalise, read_included, read_policy
from imagebot.connect import make_registries
from imagebot.errors import ImagebotError
from imagebot.image.reference import Repository
from imagebot.inquire import Inquiry
from imagebot.poll import list_tags
from imagebot.proposal.choose import (
    Choice,
    find_undecided,
    list_held,
    list_stuck,
    list_unfit,
    list_waiting,
    summarize_waiting,
)
from imagebot.proposal.diff import unified_diff
from imagebot.proposal.flux_survey import survey_with_flux
from imagebot.proposal.plan import Applied, Change, apply_changes, make_changes
from imagebot.proposal.survey import Survey, survey
from imagebot.registry.lanes import Lanes
from imagebot.settings.operator import Settings, load_registry_settings, make_default_settings


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change, and all that stands in the way of more."""

    files: Mapping[str, bytes]
    survey: Survey
    choices: tuple[Choice, ...]
    applied: Applied

    @property
    def unlisted(self) -> Mapping[Repository, str]:
        """The repositories about which nothing was decided, each with the reason."""
        return find_undecided(self.choices)


@dataclass(frozen=True, slots=True)
class Written:
    """Which files were edited, and a sentence for each that was to be and is not."""

    paths: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def run_plan(directory: Path, policy_file: str, *, settings: Path | None, write: bool, as_json: bool) -> int:
    """Plan, edit if that is wanted, and show; return the exit code."""
    made = make_plan(directory, policy_file, settings=load_or_default(settings))
    written = write_files(directory, made) if write else Written()
    diff = "".join(unified_diff(path, made.files[path], new) for path, new in sorted(made.applied.files.items()))
    if as_json:
        sys.stdout.write(json.dumps(summarize(made, written, diff), indent=2) + "\n")
    else:
        console = make_console()
        show_plan(console, made, diff)
        if write:
            show_list(console, "Not written", written.errors, style="red")
            console.print(f"\nEdited {count(len(written.paths), 'file')}.")
    return 1 if made.unlisted or made.applied.refused or written.errors else 0


def load_or_default(path: Path | None) -> Settings:
    """Load what is said of registries, or take the defaults where no file is named: docker's logins, HTTPS."""
    return load_registry_settings(path, os.environ) if path else make_default_settings(os.environ)


def make_plan(directory: Path, policy_file: str, *, settings: Settings) -> Plan:
    """Find out what would change. Raises InvalidPolicyFile, MissingPolicyFile, Unlistable."""
    policy_file = normalise(policy_file)
    policy = read_policy(directory, policy_file)
    files, unread = read_included(directory, policy, policy_file=policy_file)
    survey_all = survey_with_flux if policy.flux else survey
    found = survey_all(files, policy.entries, sites=policy.sites)
    found = replace(found, unreadable=(*unread, *found.unreadable))
    with make_registries(settings, store=None) as registries, Lanes(settings.parallel_polls) as lanes:
        wanted = sorted(found.repositories)
        now = datetime.now(UTC)
        list_one = partial(list_tags, registries=registries, now=now)
        listings = dict(zip(wanted, lanes.map(list_one, wanted), strict=True))
        choices = Inquiry(registries, None, pool=lanes, now=now).choose(found, listings)
    return Plan(files, found, choices, apply_changes(make_changes(choices), files))


def write_files(directory: Path, plan: Plan) -> Written:
    """Replace each file that changes; one that cannot be replaced does not keep the others from it."""
    paths, errors = [], []
    for path, new in sorted(plan.applied.files.items()):
        try:
            replace_file(directory, path, before=plan.files[path], after=new)
            paths.append(path)
        except ImagebotError as error:
            errors.append(str(error))
    return Written(tuple(paths), tuple(errors))


def summarize(plan: Plan, written: Written, diff: str) -> Mapping[str, object]:
    """Make what `--format json` prints."""
    return {
        "changes": [
            {
                "path": change.path,
                "line": change.line,
                "image": str(change.governed.repository),
                "before": str(change.before),
                "after": str(change.after),
                "jump": _name_jump(change),
                "entry": change.governed.entry.label,
                "policy": str(change.governed.entry.rules),
            }
            for change in plan.applied.made
        ],
        "diff": diff,
        "written": list(written.paths),
        "not_written": list(written.errors),
        "unlisted": {str(image): reason for image, reason in plan.unlisted.items()},
        "stuck": list_stuck(plan.choices),
        "unfit": list_unfit(plan.choices),
        "held": list_held(plan.choices),
        "waiting": summarize_waiting(plan.choices),
        "refused": [str(each) for each in plan.applied.refused],
        "left_alone": [str(each) for each in plan.survey.left_alone],
        "unreadable": [str(each) for each in plan.survey.unreadable],
        "ungoverned": [f"{path}:{each.line}: {each.reference}" for path, each in plan.survey.ungoverned],
    }


def _name_jump(change: Change) -> str | None:
    if not change.moves_tag:
        return "digest"
    return change.selection.jump.value if change.selection.jump else None


def show_plan(console: Console, plan: Plan, diff: str) -> None:
    """Print the table, the diff, what stands in the way, and a summary."""
    if plan.applied.made:
        show_changes(console, plan.applied.made)
        console.print()
        show_diff(console, diff)
    show_list(console, "Not decided", [f"{image}: {reason}" for image, reason in plan.unlisted.items()], style="red")
    show_list(console, "Not edited", [str(each) for each in plan.applied.refused], style="red")
    show_list(console, "No tag to move to", list_stuck(plan.choices))
    show_list(console, "Passed over for their images", list_unfit(plan.choices))
    show_list(console, "Digests left as they are", list_held(plan.choices))
    show_list(console, "Waiting", _list_waiting(plan))
    show_list(console, "Left alone", [str(each) for each in plan.survey.left_alone])
    show_list(console, "Not read", [str(each) for each in plan.survey.unreadable], style="yellow")
    console.print(f"\n{_conclude(plan)}")


def _list_waiting(plan: Plan) -> list[str]:
    waiting = list_waiting(plan.choices)
    is_ageless = any(each.since is None for _, each in waiting)
    return [
        *(f"{image.familiar}: {each}" for image, each in waiting),
        *(["A plan remembers nothing: it knows how old a tag is only where the registry says so."] * is_ageless),
    ]


def _conclude(plan: Plan) -> str:
    made = plan.applied.made
    images = len({change.governed.repository for change in made})
    moving = (
        f"{count(images, 'image')} can move, in {count(len(made), 'place')} of {count(len(plan.applied.files), 'file')}"
    )
    asked = len(plan.survey.repositories)
    others = [f"{count(asked, 'image')} governed by the policy file"]
    if plan.unlisted:
        others.append(f"{len(plan.unlisted)} not decided")
    if plan.survey.ungoverned:
        others.append(f"{count(len(plan.survey.ungoverned), 'place')} that no entry governs")
    return f"{moving if made else 'Nothing to change'} ({', '.join(others)})."
