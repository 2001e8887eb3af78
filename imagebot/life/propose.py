"""One group: from what is wanted to the branch and the merge request that propose it, or to the reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagebot.forge import MergeRequest
from imagebot.life.branch import find_rival, push_branch
from imagebot.life.history import History
from imagebot.life.request import close_request, ensure_request, leave
from imagebot.life.retire import claim, close_elsewhere, retire
from imagebot.life.round import Round
from imagebot.life.standing import Owner, Standing, find_standing, merges_to, still_holds
from imagebot.life.wishes import Wishes
from imagebot.look import read_files
from imagebot.proposal.block import find_block
from imagebot.proposal.choose import Unlisted
from imagebot.proposal.group import Pair
from imagebot.proposal.limits import Limits, Wait
from imagebot.proposal.outcome import Action, Result
from imagebot.proposal.plan import Change, Group, apply_changes
from imagebot.proposal.refusal import No, Refusal
from imagebot.proposal.waver import Image, Images, explain_vanished, find_vanished, stands_without

_SUPERSEDED = "What is chosen now is something else, and that was closed unmerged before."


@dataclass(frozen=True, slots=True)
class _Proposal:
    """What may be proposed of a group, and where that stands already: on a branch, in a merge request."""

    group: Group
    standing: Standing | None
    request: MergeRequest | None
    refused: tuple[tuple[Change, Refusal], ...] = ()
    declined: tuple[Pair, ...] = ()

    @property
    def is_stuck(self) -> bool:
        """Whether the forge will not merge what stands there: for a conflict, or until it has what the base has."""
        request, standing = self.request, self.standing
        if request is None or standing is None or request.head not in (None, standing.oid):
            return False
        return request.has_conflicts is True or request.is_behind


def propose(round_: Round, *, group: Group, wishes: Wishes) -> Result:
    """Bring the branch and the merge request of one group to what they should be."""
    requests = wishes.history.requests.get(group.branch, ())
    request = requests[0] if requests else None
    standing = find_standing(round_.look, group.branch, git=round_.git)
    standing = claim(group.branch, standing, wishes=wishes)
    result = Result(
        group.branch, round_.wording.make_title(group), Action.UNCHANGED, url=request.url if request else None
    )
    if rival := find_rival(group.branch, round_.look.branches):
        detail = f"its branch cannot exist beside the branch {rival}; choose another branch_prefix"
        return replace(result, action=Action.FAILED, detail=detail)
    if standing is not None and standing.owner is not Owner.OURS:
        return leave(round_, result, standing, request=request)
    proposal = _Proposal(group, standing, request)
    if held := _find_hold(round_, proposal, images=wishes.images):
        return replace(result, title=request.title if request else result.title, detail=held)
    for duplicate in requests[1:]:
        close_request(round_, duplicate, note=f"{requests[0].url} is open for the same branch.")
    proposal = _filter(proposal, history=wishes.history)
    if proposal.group.changes:
        return _carry_out(round_, result, proposal, limits=wishes.limits)
    step = request and retire(round_, branch=group.branch, requests=requests[:1], wishes=wishes, note=_SUPERSEDED)
    detail = "; ".join(dict.fromkeys(str(refusal) for _, refusal in proposal.refused))
    return step or replace(result, action=Action.DECLINED, detail=detail)


def _find_hold(round_: Round, proposal: _Proposal, *, images: Images) -> str:
    """Say what keeps a proposal as it is, where that is not known which it depends on; else empty."""
    standing = proposal.standing
    if standing is None or (proposal.request is None and round_.forge.has_merge_requests):
        return ""
    vanished = find_vanished(standing.trailers.pairs, images)
    if vanished and not stands_without(proposal.group.changes, vanished, images):
        return explain_vanished(vanished)
    paths = {change.path for change in standing.changes}
    for image in sorted({pair.image for pair in standing.trailers.pairs}):
        for choice in images.get(image, Image()).choices:
            if isinstance(choice.verdict, Unlisted) and choice.governed.path in paths:
                return f"nothing is decided about {choice.governed.repository.familiar}: {choice.verdict.reason}"
    return ""


def _filter(proposal: _Proposal, *, history: History) -> _Proposal:
    """Leave out what people said no to.

    What stands there is as it was wanted then: nothing was refused of that which is open.
    """
    group, standing, request = proposal.group, proposal.standing, proposal.request
    known = find_block(request.body) if request else None
    is_open = request is not None and not (known and known.is_retired)
    if standing is not None and is_open and known is not None and standing.trailers.plan == group.fingerprint:
        return replace(proposal, declined=known.declined)
    refusals = history.get_refusals() if request is not None else history.look_back(group.branch)
    pairs = standing.trailers.pairs if standing else frozenset()
    paths = {change.path for change in standing.changes} if standing else set()
    unmarked = refusals.find_unmarked(group.branch, standing.oid) if standing and request is None else None
    found: list[tuple[Change, Refusal | None]] = []
    for change in group.changes:
        is_standing = change.pair in pairs and change.path in paths
        refusal = None if is_standing and is_open else refusals.find(change)
        found.append((change, refusal or (unmarked if is_standing else None)))
    refused = tuple((change, refusal) for change, refusal in found if refusal is not None)
    allowed = replace(group, changes=tuple(change for change, refusal in found if refusal is None))
    return replace(
        proposal, group=allowed, refused=refused, declined=refusals.list_declined(allowed, _list_closed(refused))
    )


def _list_closed(refused: Sequence[tuple[Change, Refusal]]) -> list[Change]:
    return [change for change, refusal in refused if refusal.how is No.CLOSED]


def _carry_out(round_: Round, result: Result, proposal: _Proposal, *, limits: Limits) -> Result:
    """Bring branch and merge request to what they should be, unless that has to wait."""
    look, group, standing = round_.look, proposal.group, proposal.standing
    result = replace(result, title=round_.wording.make_title(group), changes=group.changes)
    is_open = proposal.request is not None or (standing is not None and not round_.forge.has_merge_requests)
    if not is_open and (wait := limits.find_wait_to_open()):
        return _wait(result, wait)
    is_outdated = proposal.is_stuck and standing is not None and standing.parent != look.head
    if is_outdated or standing is None or not still_holds(standing, group, seen=look, git=round_.git):
        paths = {change.path for change in group.changes}
        applied = apply_changes(group.changes, read_files(look, paths, git=round_.git))
        result = replace(result, changes=applied.made, refused=applied.refused)
        if not applied.made:
            return replace(result, action=Action.FAILED, detail="nothing of it can be edited safely")
        group = replace(group, changes=applied.made)
        if is_outdated or standing is None or not merges_to(standing, applied.files, seen=look, git=round_.git):
            if is_open and (wait := limits.find_wait_to_move()):
                return _wait(result, wait)
            if not round_.is_dry:
                close_elsewhere(round_, group.branch, standing)
                push_branch(round_, group, applied.files, standing=standing)
            result = replace(result, action=Action.MOVED if is_open else Action.OPENED)
    result = ensure_request(round_, result, group, request=proposal.request, declined=proposal.declined)
    if result.action is Action.OPENED:
        limits.count_opened()
    return result


def _wait(result: Result, wait: Wait) -> Result:
    return replace(result, action=Action.WAITING, detail=wait.reason, until=wait.until)
