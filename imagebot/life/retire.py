"""What nothing asks for any more: its merge request is closed with a word why, and its branch deleted.

It waits while a file that the branch changes cannot be read: the image may still be named there. What is proposed stays
if it is only the registry that does not give it any more, or tells one digest and then another.
"""

import re
from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass, replace

from imagebot.forge import MergeRequest
from imagebot.life.request import close_request, leave
from imagebot.life.round import Round
from imagebot.life.standing import HISTORY, Owner, Standing, find_standing, is_untouched
from imagebot.life.wishes import Wishes
from imagebot.log import log
from imagebot.look import Look
from imagebot.policy.select import NoCandidate
from imagebot.proposal.block import Block, find_block
from imagebot.proposal.choose import Choice, list_waiting
from imagebot.proposal.group import GroupKey, GroupKind, Pair, make_branch_name
from imagebot.proposal.markup import code
from imagebot.proposal.outcome import Action, Result
from imagebot.proposal.refusal import is_about
from imagebot.proposal.waver import Image, Images, explain_vanished, find_returned, find_vanished

_MERGED = "What stood on it was merged."
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]*")


def retire(
    round_: Round, *, branch: str, requests: Sequence[MergeRequest], wishes: Wishes, note: str = ""
) -> Result | None:
    """Close the merge requests of a branch and delete it; None if that has to wait, or is not ours to do."""
    look, request = round_.look, requests[0] if requests else None
    block = find_block(request.body) if request else None
    found = find_standing(look, branch, git=round_.git, prefix=_find_prefix(look, branch, block))
    standing = claim(branch, found, wishes=wishes)
    note = note if standing is found else _MERGED
    result = Result(branch, request.title if request else branch, Action.CLOSED, url=request.url if request else None)
    is_stray = not branch.startswith(look.prefix)
    if standing is not None and standing.owner is not Owner.OURS:
        return leave(round_, result, standing, request=request) if request and not is_stray else None
    if standing is None and (block is None or is_stray):
        return None
    pairs = standing.trailers.pairs if standing else frozenset(block.pairs if block else ())
    images = _find_concerned(pairs, standing, key=block.key if block else None, images=wishes.images)
    is_known = all(image.is_decided for image in images.values())
    if not is_known or _changes_unread(look, standing) or _is_kept(round_, branch, standing, wishes=wishes):
        return None
    return _end(
        round_,
        replace(result, detail=note),
        _Concerned(standing, pairs, images),
        requests=requests,
        wishes=wishes,
    )


@dataclass(frozen=True, slots=True)
class _Concerned:
    """What stands on a branch, what it proposes, and what is known of the places that it is about."""

    standing: Standing | None
    pairs: frozenset[Pair]
    images: Images

    @property
    def choices(self) -> Sequence[Choice]:
        return [choice for image in self.images.values() for choice in image.choices]


def _end(
    round_: Round, result: Result, concerned: _Concerned, *, requests: Sequence[MergeRequest], wishes: Wishes
) -> Result:
    """End what is known not to be wanted where it stands, unless that wavers or has to wait."""
    standing, choices = concerned.standing, concerned.choices
    if wavering := _find_wavering(round_, concerned, is_open=bool(requests)):
        return replace(result, action=Action.UNCHANGED, detail=wavering)
    others = _find_others(choices, result.branch, wishes)
    if others and (wait := wishes.limits.find_wait_to_move()):
        return replace(result, action=Action.WAITING, detail=wait.reason, until=wait.until)
    note = result.detail or _explain_others(round_.look, result.branch, others)
    note = note or _explain_end(round_.look, choices, concerned.pairs)
    for request in requests:
        close_request(round_, request, note=note)
    if standing is not None and not round_.is_dry:
        close_elsewhere(round_, result.branch, standing)
        round_.git.delete_branch(result.branch, expected=standing.oid)
        log.info("branch_deleted", branch=result.branch, reason=note)
    return replace(result, detail=note)


def close_elsewhere(round_: Round, branch: str, standing: Standing | None) -> None:
    """Close what is open from the branch onto another base, where merge requests went before the policy changed."""
    onto = standing.trailers.onto if standing else None
    if onto is None or onto == round_.look.base:
        return
    for request in round_.forge.list_open(branch_prefix=branch, target=onto):
        if request.branch == branch:
            close_request(round_, request, note=f"Merge requests go to {code(round_.look.base)} now.")


def _find_prefix(look: Look, branch: str, block: Block | None) -> str:
    """Find the prefix that the branch was named with: it is another where the settings changed."""
    if branch.startswith(look.prefix) or block is None:
        return look.prefix
    return branch.removesuffix(make_branch_name("", block.key))


def _changes_unread(look: Look, standing: Standing | None) -> bool:
    unreadable = {unread.path for unread in look.survey.unreadable}
    return standing is not None and any(change.path in unreadable for change in standing.changes)


def _is_kept(round_: Round, branch: str, standing: Standing | None, *, wishes: Wishes) -> bool:
    """Whether the branch was merged, and is to be left there after that."""
    look = round_.look
    if standing is None or look.policy.merge_requests.deletes_branch or branch in wishes.history.requests:
        return False
    is_in_base = round_.git.contains(standing.oid, branch=look.base, head=look.head, depth=HISTORY)
    return is_in_base or wishes.history.get_refusals().was_merged(branch, standing.oid)


def claim(branch: str, standing: Standing | None, *, wishes: Wishes) -> Standing | None:
    """Take for ours what others added to a proposal, once it was merged: nothing of theirs can get lost then."""
    if standing is None or standing.owner is not Owner.PERSON or branch in wishes.history.requests:
        return standing
    is_merged = wishes.history.get_refusals().was_merged(branch, standing.oid, is_proposal=True)
    return replace(standing, owner=Owner.OURS) if is_merged else standing


def _find_concerned(
    pairs: Iterable[Pair], standing: Standing | None, *, key: GroupKey | None, images: Images
) -> Images:
    """Find what is known of the places that the proposal is about."""
    paths = {change.path for change in standing.changes} if standing else set()

    def is_concerned(choice: Choice) -> bool:
        if key is not None and key.kind in (GroupKind.IMAGE, GroupKind.ALL):
            return True
        path, group = choice.governed.path, choice.governed.entry.group
        return path in paths or (key is not None and is_about(key, path, group))

    found = {}
    for image in sorted({pair.image for pair in pairs}):
        known = images.get(image, Image())
        name = make_branch_name("", GroupKey(GroupKind.IMAGE, image))
        is_named = standing is not None and standing.trailers.name_branch("") == name
        choices = known.choices if is_named else tuple(filter(is_concerned, known.choices))
        found[image] = replace(known, choices=choices)
    return found


def _find_wavering(round_: Round, concerned: _Concerned, *, is_open: bool) -> str:
    """Say how the registry contradicts itself, where that is all that speaks against a proposal; else empty."""
    standing = concerned.standing
    if standing is None or not is_untouched(standing, seen=round_.look, git=round_.git):
        return ""
    named = {image: known for image, known in concerned.images.items() if known.choices}
    is_proposed = is_open or not round_.forge.has_merge_requests
    if is_proposed and (vanished := find_vanished(concerned.pairs, named)):
        return explain_vanished(vanished)
    return find_returned(concerned.pairs, named, now=round_.now)


def _find_others(choices: Collection[Choice], branch: str, wishes: Wishes) -> Set[str]:
    """Find the other branches on which these places are proposed now."""
    places = {id(choice.governed) for choice in choices}
    return {
        group.branch
        for group in wishes.groups
        if group.branch != branch and any(id(change.governed) in places for change in group.changes)
    }


def _explain_others(look: Look, branch: str, others: Set[str]) -> str:
    if not others:
        return ""
    names = ", ".join(code(other) for other in sorted(others)[:3]) + (", ..." if len(others) > 3 else "")
    if not branch.startswith(look.prefix):
        return f"Branches of imagebot begin with {code(look.prefix)} now: this goes on in {names}."
    return f"{code(look.target.policy_file)} groups changes otherwise now: this goes on in {names}."


def _explain_end(look: Look, choices: Sequence[Choice], pairs: Set[Pair]) -> str:
    """Say why nothing of what was proposed is wanted any more."""
    base = look.base if _PLAIN_NAME.fullmatch(look.base) else code(look.base)
    holds = f"{base} holds what was proposed here"
    if not choices:
        images = "this image" if len({pair.image for pair in pairs}) == 1 else "these images"
        return f"Nothing that {look.target.policy_file} governs on {base} names {images} any more."
    if {(str(choice.governed.repository), choice.current_tag) for choice in choices} <= pairs:
        return f"{holds}: nothing is left to do."
    held = [choice.pin.held for choice in choices if choice.pin.held]
    waiting = [str(each) for _, each in list_waiting(choices)]
    reasons = [choice.verdict.reason for choice in choices if isinstance(choice.verdict, NoCandidate)]
    if waiting:
        return f"What is newer has to wait: {code(waiting[0])}."
    if reasons or held:
        return f"{look.target.policy_file} allows nothing else now: {code((reasons or held)[0])}."
    return f"{holds}, or nothing newer than what it holds is known now."
