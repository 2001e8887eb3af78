"""`imagebot plan`: what would change in a checkout, without forge, token or store; `--write` edits the files.

It goes the way of `update`, by the same functions: survey, choose, changes, rewrite.
"""

import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from imagebot.cli.checkout import list_paths, read_file, read_files, replace_file
from imagebot.cli.display import count, make_console, show_changes, show_diff, show_list
from imagebot.connect import make_registries
from imagebot.errors import InvalidInput
from imagebot.image.reference import Repository
from imagebot.policy.select import NoCandidate
from imagebot.poll import find_digests, list_tags
from imagebot.proposal.choose import Choice, Unlisted, choose
from imagebot.proposal.diff import unified_diff
from imagebot.proposal.plan import Applied, apply_changes, find_wanted_digests, make_changes
from imagebot.proposal.survey import Survey, survey
from imagebot.settings.operator import Settings, load_settings, make_default_settings
from imagebot.settings.policy_file import MissingPolicyFile, PolicyFile, parse_policy_file


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change, and all that stands in the way of more."""

    files: Mapping[str, bytes]
    survey: Survey
    choices: tuple[Choice, ...]
    applied: Applied
    missing: Mapping[Repository, str]

    @property
    def unlisted(self) -> Mapping[Repository, str]:
        """The repositories that could not be asked, each with the reason."""
        verdicts = {each.governed.repository: each.verdict for each in self.choices}
        unlisted = {image: verdict.reason for image, verdict in verdicts.items() if isinstance(verdict, Unlisted)}
        return dict(sorted({**unlisted, **self.missing}.items()))


def run_plan(directory: Path, policy_file: str, *, settings: Path | None, write: bool, as_json: bool) -> int:
    """Plan, show, and edit if that is wanted; return the exit code."""
    made = make_plan(directory, policy_file, settings=load_or_default(settings))
    diff = "".join(unified_diff(path, made.files[path], new) for path, new in sorted(made.applied.files.items()))
    if as_json:
        sys.stdout.write(json.dumps(summarize(made, diff), indent=2) + "\n")
    else:
        show_plan(make_console(), made, diff)
    if write:
        for path, new in sorted(made.applied.files.items()):
            replace_file(directory, path, before=made.files[path], after=new)
        if not as_json:
            make_console().print(f"\nEdited {count(len(made.applied.files), 'file')}.")
    return 1 if made.unlisted or made.applied.refused else 0


def load_or_default(path: Path | None) -> Settings:
    """Load the settings, or take the defaults where no file is named: docker's logins, HTTPS, public authorities."""
    return load_settings(path, os.environ) if path else make_default_settings(os.environ)


def make_plan(directory: Path, policy_file: str, *, settings: Settings) -> Plan:
    """Find out what would change. Raises InvalidPolicyFile, MissingPolicyFile."""
    policy = _read_policy(directory, policy_file)
    paths = [path for path in list_paths(directory) if policy.includes(path) and path != policy_file]
    files, unread = read_files(directory, paths)
    found = survey(files, policy.entries)
    found = replace(found, unreadable=(*unread, *found.unreadable))
    with make_registries(settings) as registries, ThreadPoolExecutor(settings.parallel_polls) as pool:
        wanted = sorted(found.repositories)
        list_one = partial(list_tags, registries=registries, now=datetime.now(UTC))
        listings = dict(zip(wanted, pool.map(list_one, wanted), strict=True))
        choices = choose(found, listings)
        digests, missing = find_digests(find_wanted_digests(choices), find=registries.fetch_digest)
    changes = make_changes(choices, digests)
    return Plan(files, found, choices, apply_changes(changes, files), missing)


def _read_policy(directory: Path, policy_file: str) -> PolicyFile:
    try:
        content = read_file(directory, policy_file)
    except FileNotFoundError:
        raise MissingPolicyFile(policy_file, str(directory)) from None
    if isinstance(content, str):
        raise InvalidInput(f"{policy_file}: {content}")
    return parse_policy_file(content, file=policy_file)


def summarize(plan: Plan, diff: str) -> Mapping[str, object]:
    """Make what `--format json` prints."""
    return {
        "changes": [
            {
                "path": change.path,
                "line": change.line,
                "image": str(change.governed.repository),
                "before": str(change.before),
                "after": str(change.after),
                "jump": change.selection.jump.value if change.selection.jump else None,
                "entry": change.governed.entry.label,
                "policy": str(change.governed.entry.policy),
            }
            for change in plan.applied.made
        ],
        "diff": diff,
        "unlisted": {str(image): reason for image, reason in plan.unlisted.items()},
        "refused": [str(each) for each in plan.applied.refused],
        "left_alone": [str(each) for each in plan.survey.left_alone],
        "unreadable": [str(each) for each in plan.survey.unreadable],
        "ungoverned": [f"{path}:{each.line}: {each.reference}" for path, each in plan.survey.ungoverned],
    }


def show_plan(console: Console, plan: Plan, diff: str) -> None:
    """Print the table, the diff, what stands in the way, and a summary."""
    if plan.applied.made:
        show_changes(console, plan.applied.made)
        console.print()
        show_diff(console, diff)
    verdicts = [(each.governed, each.verdict) for each in plan.choices]
    stuck = [f"{governed}: {verdict.reason}" for governed, verdict in verdicts if isinstance(verdict, NoCandidate)]
    show_list(
        console, "Could not be asked", [f"{image}: {reason}" for image, reason in plan.unlisted.items()], style="red"
    )
    show_list(console, "Not edited", [str(each) for each in plan.applied.refused], style="red")
    show_list(console, "No tag to move to", stuck)
    show_list(console, "Left alone", [str(each) for each in plan.survey.left_alone])
    show_list(console, "Not read", [str(each) for each in plan.survey.unreadable], style="yellow")
    console.print(f"\n{_conclude(plan)}")


def _conclude(plan: Plan) -> str:
    made = plan.applied.made
    images = len({change.governed.repository for change in made})
    moving = (
        f"{count(images, 'image')} can move, in {count(len(made), 'place')} of {count(len(plan.applied.files), 'file')}"
    )
    asked = len(plan.survey.repositories)
    others = [f"{count(asked, 'image')} governed by the policy file"]
    if plan.survey.ungoverned:
        others.append(f"{count(len(plan.survey.ungoverned), 'place')} that no entry governs")
    return f"{moving if made else 'Nothing to change'} ({', '.join(others)})."
