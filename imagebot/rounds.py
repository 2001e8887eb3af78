"""The steps of both rounds, each for one target or one repository: what `once` does in turn, and the worker when due.

What fails concerns one target or one repository: it becomes the result, and everything else goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from imagebot.connect import ask_git, open_forge, open_git
from imagebot.errors import ImagebotError, InvalidInput, NeedsOperator, Transient
from imagebot.git import Oid, UnknownBranch
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.inquire import Inquiry
from imagebot.life.checks import check_forge
from imagebot.life.issue import has_reported, report_fault, withdraw_fault
from imagebot.life.memory import Memory
from imagebot.life.round import Round
from imagebot.log import bound_fields, log
from imagebot.look import Look, look
from imagebot.poll import Doubt, poll, refresh
from imagebot.proposal.cautions import find_left
from imagebot.proposal.choose import Listings, Unlisted
from imagebot.proposal.image_state import list_image_states
from imagebot.proposal.outcome import Outcome
from imagebot.proposal.plan import make_changes, make_groups
from imagebot.registry.client import Registries
from imagebot.settings.operator import Settings, TargetSettings
from imagebot.settings.policy_file import MissingPolicyFile
from imagebot.store.store import Store
from imagebot.update import find_retry, update
from imagebot.wording import Wording

_T = TypeVar("_T")


class RenamedBranch(NeedsOperator):
    """The target's branch is gone, and the project has another default branch."""

    def __init__(self, branch: str, default: str) -> None:
        super().__init__(
            f"there is no branch {branch}; the default branch of the project is {default}: "
            "if it was renamed, set `branch` of the target to match"
        )
        self.branch = branch
        self.default = default


@dataclass(frozen=True, slots=True)
class Rounds:
    """What the steps need, whichever target they are for; dry ones read everything, and push and propose nothing."""

    settings: Settings
    store: Store
    registries: Registries
    is_dry: bool = False

    def list_branches(self, target: TargetSettings, *, now: datetime) -> Mapping[str, Oid] | Outcome:
        """Ask the git server which branches the target's repo has, and where they are; an outcome is a failed one."""
        return self._isolate(target, lambda: ask_git(self.settings, target), now=now)

    def look(self, target: TargetSettings, *, now: datetime) -> Look | Outcome:
        """Look at a target; an outcome is one that failed."""

        def step() -> Look:
            try:
                with open_git(self.settings, target) as git:
                    return look(target, git=git, store=self.store, now=now)
            except MissingPolicyFile:
                raise
            except InvalidInput as error:
                self._report_fault(target, error, now=now)
                raise
            except UnknownBranch as error:
                raise self._explain_branch(target, error, now=now) from error

        return self._isolate(target, step, now=now)

    def poll(self, repository: Repository, *, now: datetime) -> Snapshot | Unlisted:
        return self._poll_by(poll, repository, now=now)

    def refresh(self, repository: Repository, *, now: datetime) -> bool | Unlisted:
        """Poll, and tell whether anything changed."""
        return self._poll_by(refresh, repository, now=now)

    def _poll_by(self, step: Callable[..., _T], repository: Repository, *, now: datetime) -> _T | Unlisted:
        doubt = Doubt(self.settings.max_shrink, self.settings.shrink_patience)
        try:
            return step(repository, registries=self.registries, store=self.store, doubt=doubt, now=now)
        except Exception as error:  # noqa: BLE001 - a bug concerns one repository, and the others go on
            log.exception("poll_ended_by_a_bug", repository=str(repository))
            failed = Unlisted.by_bug(repository, error)
            try:
                self.store.history.keep_failure(repository, failed.reason, at=now)
            except ImagebotError as failure:
                log.warning("failure_not_kept", error=str(failure))
            return failed

    def update(self, seen: Look, *, inquiry: Inquiry, listings: Listings, now: datetime) -> Outcome:
        """Choose for what was seen of a target, propose it, and keep what came of it."""
        target = seen.target

        def step() -> Outcome:
            choices = inquiry.choose(seen.survey, listings)
            memory = self._make_memory(target, now=now)
            with open_git(self.settings, target) as git, open_forge(self.settings, target) as forge:
                warnings = check_forge(forge, memory=memory, now=now)
                if target.report_faults and not self.is_dry and has_reported(memory):
                    withdraw_fault(target, forge=forge, memory=memory)
                wording = Wording(seen, forge, inquiry.describe, find_left(seen.survey, make_changes(choices)))
                round_ = Round(seen, git, forge, now, memory, wording, self.is_dry)
                outcome = update(round_, listings=listings, choices=choices)
                outcome = replace(outcome, warnings=(*warnings, *wording.faults.values()))
            if not self.is_dry:
                self.store.keep_outcome(target.name, at=now, summary=_summarize(outcome, seen, listings, now=now))
            log.info("target_updated", head=outcome.head, **outcome.count_actions())
            return outcome

        return self._isolate(target, step, now=now)

    def _make_memory(self, target: TargetSettings, *, now: datetime) -> Memory:
        forge = target.forge
        name = f"{forge.kind} {getattr(forge, 'url', '')} {getattr(forge, 'project', target.url)}"
        return Memory(self.store, target.name, forge=name, now=now, is_dry=self.is_dry)

    def _report_fault(self, target: TargetSettings, error: InvalidInput, *, now: datetime) -> None:
        """Have an issue say what is wrong with the policy file; if that fails as well, it is told in the outcome."""
        if self.is_dry or not target.report_faults:
            return
        try:
            with open_forge(self.settings, target) as forge:
                report_fault(error, target, forge=forge, memory=self._make_memory(target, now=now))
        except ImagebotError as failure:
            log.warning("fault_not_reported", error=str(failure))

    def _explain_branch(self, target: TargetSettings, error: UnknownBranch, *, now: datetime) -> ImagebotError:
        """Say which branch the forge has instead, if it tells."""
        try:
            with open_forge(self.settings, target) as forge:
                default = forge.check(now=now).default_branch
        except ImagebotError:
            return error
        is_other = not error.is_empty and default not in (None, target.branch)
        return RenamedBranch(target.branch, str(default)) if is_other else error

    def _isolate(self, target: TargetSettings, step: Callable[[], _T], *, now: datetime) -> _T | Outcome:
        """Do one step for a target; an error, and even a bug, ends the round of this target and of no other."""
        with bound_fields(target=target.name):
            try:
                return step()
            except ImagebotError as error:
                is_transient = isinstance(error, Transient)
                level = log.warning if is_transient else log.error
                level("target_failed", error=str(error))
                failed = Outcome(
                    target.name,
                    error=str(error),
                    is_dry=self.is_dry,
                    is_transient=is_transient,
                    retry_at=find_retry(error, now=now),
                )
                self._keep_failure(failed, is_of_policy=isinstance(error, InvalidInput), now=now)
            except Exception as error:  # noqa: BLE001 - a bug ends its round with a traceback, and the others go on
                log.exception("target_ended_by_a_bug")
                text = f"a bug ended the round, please report it: {type(error).__name__}: {error}"
                failed = Outcome(target.name, error=text, is_dry=self.is_dry, is_bug=True)
                self._keep_failure(failed, is_of_policy=False, now=now)
            return failed

    def _keep_failure(self, failed: Outcome, *, is_of_policy: bool, now: datetime) -> None:
        """Keep the error beside what came of the last update that came to its end: it still stands."""
        if self.is_dry:
            return
        try:
            kept = self.store.find_outcome(failed.target)
            before = kept.summary if kept is not None else failed.summarize()
            summary = {**before, "error": failed.error, "is_of_policy": is_of_policy}
            self.store.keep_outcome(failed.target, at=now, summary=summary)
        except ImagebotError as error:
            log.warning("failure_not_kept", error=str(error))


def _summarize(outcome: Outcome, seen: Look, listings: Listings, *, now: datetime) -> Mapping[str, object]:
    """Make what is kept of an update: its summary, when it was, and how each image stands."""
    rules = seen.policy.merge_requests
    groups = make_groups(make_changes(outcome.choices), branch_prefix=seen.prefix, group_by=rules.group_by)
    rows = list_image_states(outcome.choices, listings=listings, groups=groups, results=outcome.results)
    images = [row.summarize() for row in rows]
    return {**outcome.summarize(), "updated_at": now.isoformat(), "images": images}
