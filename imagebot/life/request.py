"""The merge request of a group: opened once, told anew where it tells something else, closed with a reason.

What people do to it stays: their part of the text, labels, reviewers, whether it is a draft or merged automatically.
"""

import json
from dataclasses import replace

from imagebot.forge import MergeRequest, NewMergeRequest
from imagebot.life.round import Round
from imagebot.life.standing import Owner, Standing
from imagebot.log import log
from imagebot.proposal.block import (
    Block,
    compose_body,
    count_foreign,
    find_block,
    fit_block,
    format_block,
    make_block,
    replace_block,
)
from imagebot.proposal.group import GroupKey, GroupKind, Pair
from imagebot.proposal.outcome import Action, Result
from imagebot.proposal.plan import Group
from imagebot.proposal.request_rules import AutoMerge

_UNFINISHED = "unfinished"
_LEFT = (
    "Someone else committed to this branch, so imagebot leaves it alone: nothing is overwritten. "
    "It goes on as soon as these commits are gone."
)


def ensure_request(
    round_: Round, result: Result, group: Group, *, request: MergeRequest | None, declined: tuple[Pair, ...]
) -> Result:
    """Let there be one open merge request for the branch, with the text of the group."""
    if not round_.forge.has_merge_requests:
        return result
    old = request.body if request else ""
    known, is_moved = find_block(old), result.action is not Action.UNCHANGED
    block = _make_block(round_, group, request=request, known=known, declined=declined)
    if is_moved and known is not None and request is not None:
        # A push may end what the forge was told before; what a person ended is not asked for again.
        block = replace(block, is_auto_merged=known.is_auto_merged and not request.is_auto_merging)
    result = replace(result, title=round_.wording.make_title(group))
    is_new = request is None or result.branch in _list_unfinished(round_)
    if request is not None and not (is_new or is_moved) and block.tells_same(known):
        return result if round_.is_dry else _ensure_auto_merge(round_, result, request, known or block)
    result = replace(result, action=_name_action(is_new=is_new, is_moved=is_moved))
    if round_.is_dry:
        return result
    room = round_.forge.body_limit - len(format_block(block)) - count_foreign(old)
    text = round_.wording.write_text(group, limit=room)
    body = compose_body(text.body, block, old=old)
    if request is None or is_new:
        result, told = _open(round_, result, body)
    else:
        told = round_.forge.edit(request, title=text.title, body=body)
        log.info("merge_request_edited", branch=result.branch, url=request.url)
    return _ensure_auto_merge(round_, result, told, block)


def _make_block(
    round_: Round, group: Group, *, request: MergeRequest | None, known: Block | None, declined: tuple[Pair, ...]
) -> Block:
    opened_at = round_.now if request is None else known.opened_at if known else None
    block = make_block(
        group,
        policy_file=round_.look.target.policy_file,
        opened_at=opened_at,
        declined=declined,
        rest=round_.wording.describe_rest(group),
    )
    block = replace(block, is_auto_merged=known is not None and known.is_auto_merged)
    return fit_block(block, round_.forge.body_limit // 2)


def _name_action(*, is_new: bool, is_moved: bool) -> Action:
    if is_new:
        return Action.OPENED
    return Action.MOVED if is_moved else Action.RETOLD


def _open(round_: Round, result: Result, body: str) -> tuple[Result, MergeRequest]:
    """Open it, and remember until that is done that it may lack labels, reviewers and the like."""
    rules, unfinished = round_.look.policy.merge_requests, _list_unfinished(round_)
    round_.memory.keep(_UNFINISHED, json.dumps(sorted({*unfinished, result.branch})))
    opened = round_.forge.open(
        NewMergeRequest(
            branch=result.branch,
            target=round_.look.base,
            title=result.title,
            body=body,
            labels=rules.labels,
            reviewers=rules.reviewers,
            assignees=rules.assignees,
            is_draft=rules.is_draft,
            teams=rules.teams,
            milestone=rules.milestone,
            deletes_branch=rules.deletes_branch,
        )
    )
    request = opened.merge_request
    round_.memory.keep(_UNFINISHED, json.dumps(sorted(unfinished - {result.branch})))
    log.info("merge_request_opened", branch=result.branch, url=request.url)
    return add_detail(replace(result, url=request.url), *opened.unmet), request


def _list_unfinished(round_: Round) -> set[str]:
    """List the branches of which the merge requests were not opened to the end."""
    return set(json.loads(round_.memory.find(_UNFINISHED) or "[]"))


def _ensure_auto_merge(round_: Round, result: Result, request: MergeRequest, block: Block) -> Result:
    """Have the forge merge it when its checks pass, if the policy file says so; once, whatever people do after that.

    That it was done stands in the block. What keeps the forge from it may pass, as where no check has begun.
    """
    is_wanted = round_.look.policy.merge_requests.auto_merge is AutoMerge.WHEN_GREEN
    if not is_wanted or block.is_auto_merged or request.is_draft:
        return result
    if fault := round_.forge.set_auto_merge(request):
        return add_detail(result, fault)
    marked = replace_block(request.body, replace(find_block(request.body) or block, is_auto_merged=True))
    round_.forge.edit(request, title=request.title, body=marked)
    log.info("auto_merge_set", branch=result.branch, url=request.url)
    return result


def add_detail(result: Result, *sentences: str) -> Result:
    """Put sentences behind what is said already."""
    return replace(result, detail="; ".join(each for each in (result.detail, *sentences) if each))


def close_request(round_: Round, request: MergeRequest, *, note: str) -> None:
    """Close a merge request as one that imagebot closed: that says no to nothing."""
    if round_.is_dry:
        return
    known = find_block(request.body)
    bare = Block(GroupKey(GroupKind.ALL, ""), (), "", policy_file=round_.look.target.policy_file)
    body = replace_block(request.body, replace(known or bare, is_retired=True))
    told = round_.forge.edit(request, title=request.title, body=body)
    round_.forge.close(told, note=note)
    log.info("merge_request_closed", branch=request.branch, url=request.url, reason=note)


def leave(round_: Round, result: Result, standing: Standing, *, request: MergeRequest | None) -> Result:
    """Leave a branch to whose it is, and say so: to people once, below their merge request."""
    if standing.owner is Owner.OTHER_TARGET:
        advice = "delete it if that is no target any more, or else give each target a branch_prefix of its own"
        detail = f"the branch holds a proposal for {standing.trailers.target}: {advice}"
        return replace(result, action=Action.FAILED, detail=detail)
    if request is not None and not round_.is_dry:
        _say_once(round_, request)
    return replace(result, action=Action.LEFT_ALONE, detail="someone else committed to the branch")


def _say_once(round_: Round, request: MergeRequest) -> None:
    """Tell people in a note; the forge knows what was said, the memory saves asking it."""
    said = json.loads(round_.memory.find("left") or "[]")
    if request.number not in said:
        round_.forge.comment(request, note=_LEFT)
        round_.memory.keep("left", json.dumps([*said, request.number][-1000:]))
