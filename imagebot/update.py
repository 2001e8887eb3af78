"""The second round: bring one target up to date with the tags last listed for its images.

    look, choices -> changes -> groups -> commit, push, merge request -> Outcome

Every effect may happen twice: a branch that already holds the change is not pushed again, and a merge request is looked
for before it is opened. What belongs to people is left to them: a branch with their commits, and a merge request that
they closed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from imagebot.errors import ImagebotError, Transient
from imagebot.forge.errors import (
    ForgeAccessDenied,
    ForgeMoved,
    ForgeRateLimited,
    ForgeUnavailable,
    TokenTooWeak,
    UnfitProject,
    UnknownProject,
    UntrustedForge,
)
from imagebot.git import BranchMoved, GitAccessDenied, GitUnavailable, UntrustedServer
from imagebot.git import UnknownProject as UnknownGitProject
from imagebot.life.history import History
from imagebot.life.propose import propose
from imagebot.life.retire import retire
from imagebot.life.round import Round
from imagebot.life.wishes import Wishes
from imagebot.log import log
from imagebot.look import fetch_branches, look_again
from imagebot.proposal.choose import Choice, Listings
from imagebot.proposal.limits import Limits
from imagebot.proposal.outcome import Action, Outcome, Result
from imagebot.proposal.plan import make_changes, make_groups
from imagebot.proposal.waver import gather_images

if TYPE_CHECKING:
    from imagebot.forge import MergeRequest

# What meets one branch so meets all of them: to go on would only be more of the same.
_CONCERNS_ALL = (
    ForgeAccessDenied,
    ForgeMoved,
    ForgeRateLimited,
    GitAccessDenied,
    TokenTooWeak,
    UnfitProject,
    UnknownGitProject,
    UnknownProject,
    UntrustedForge,
    UntrustedServer,
)
_UNAVAILABLE = (ForgeUnavailable, GitUnavailable)
_MOST_UNAVAILABLE = 2


def update(round_: Round, *, listings: Listings, choices: tuple[Choice, ...]) -> Outcome:
    """Propose what has to change, and retire the proposals that nothing asks for any more.

    What fails concerns one branch: all others go on, unless it would meet them all. Raises what the forge raises if it
    cannot be asked at all.
    """
    look, rules = round_.look, round_.look.policy.merge_requests
    groups = make_groups(make_changes(choices), branch_prefix=look.prefix, group_by=rules.group_by)
    history = History(round_, choices)
    wishes = Wishes(
        groups,
        gather_images(listings, choices),
        history,
        Limits(rules, list_opened_at=history.list_opened_at, now=round_.now),
    )
    steps = _Steps(round_)
    # Closing makes room for what is opened.
    retired = steps.take(_list_retirements(round_, wishes))
    wishes.limits.count_open(_count_open(round_, wishes, retired))
    proposed = steps.take((group.branch, partial(propose, group=group, wishes=wishes)) for group in groups)
    outcome = Outcome(look.target.name, look.head, (*proposed, *retired), choices, look.survey, is_dry=round_.is_dry)
    return steps.conclude(outcome)


def _list_retirements(round_: Round, wishes: Wishes) -> Iterator[tuple[str, "_Step"]]:
    """List the branches that no group stands on any more, each with the step that retires it."""
    look, requests = round_.look, wishes.history.requests
    own = {branch for branch in look.branches if branch.startswith(look.prefix)} | requests.keys()
    for branch in sorted(own - {group.branch for group in wishes.groups}):
        yield branch, partial(retire, branch=branch, requests=requests.get(branch, ()), wishes=wishes)
    strays: dict[str, list[MergeRequest]] = {}
    for request in wishes.history.strays:
        strays.setdefault(request.branch, []).append(request)
    fetch_branches(look, [branch for branch in strays if branch in look.branches], git=round_.git)
    for branch in sorted(strays):
        yield branch, partial(retire, branch=branch, requests=strays[branch], wishes=wishes)


def _count_open(round_: Round, wishes: Wishes, retired: Iterable[Result]) -> int:
    """Count the proposals that are open still: merge requests, or where there are none branches."""
    if not round_.forge.has_merge_requests:
        return sum(group.branch in round_.look.branches for group in wishes.groups)
    closed = {result.branch for result in retired if result.action is Action.CLOSED}
    return sum(branch not in closed for branch in wishes.history.requests)


_Step = Callable[[Round], Result | None]


@dataclass
class _Steps:
    """Takes the steps of a round until one fails that shows that all others would."""

    round_: Round
    ended_by: ImagebotError | None = None
    unavailable: int = 0

    def take(self, steps: Iterable[tuple[str, _Step]]) -> tuple[Result, ...]:
        results = []
        for branch, step in steps:
            if self.ended_by is not None:
                break
            result = self._attempt(branch, step)
            results += [result] if result is not None else []
        return tuple(results)

    def _attempt(self, branch: str, step: _Step) -> Result | None:
        """Take a step; an error that imagebot knows becomes its result.

        A branch that was moved between our reading and our push is read again, and the step taken once more.
        """
        try:
            try:
                result = step(self.round_)
            except BranchMoved:
                seen = look_again(self.round_.look, [branch], git=self.round_.git)
                result = step(replace(self.round_, look=seen))
        except ImagebotError as error:
            level = log.warning if isinstance(error, Transient) else log.error
            level("proposal_failed", branch=branch, error=str(error))
            self.unavailable += isinstance(error, _UNAVAILABLE)
            if isinstance(error, _CONCERNS_ALL) or self.unavailable == _MOST_UNAVAILABLE:
                self.ended_by = error
            return Result(branch, branch, Action.FAILED, detail=str(error))
        self.unavailable = 0
        return result

    def conclude(self, outcome: Outcome) -> Outcome:
        """Say why the round ended early, if it did."""
        error = self.ended_by
        if error is None:
            return outcome
        return replace(
            outcome,
            error=f"the round ended early: {error}",
            is_transient=isinstance(error, Transient),
            retry_at=find_retry(error, now=self.round_.now),
        )


def find_retry(error: ImagebotError, *, now: datetime) -> datetime | None:
    """Find the instant from which on a forge may be asked again, if it said so."""
    wait_s = error.retry_after_s if isinstance(error, ForgeRateLimited) else None
    return None if wait_s is None else now + timedelta(seconds=wait_s)
