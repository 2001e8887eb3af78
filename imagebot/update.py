"""The second round: bring one target up to date with the tags last listed for its images.

    look, choices -> changes -> groups -> commit, push, merge request -> Outcome

Every effect may happen twice: a branch that already holds the change is not pushed again, and a merge request is looked
for before it is opened. What belongs to people is left to them: a branch with their commits, and a merge request that
they closed.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from imagebot.errors import ImagebotError, Transient
from imagebot.forge import Forge, MergeRequest, MergeRequestState, NewMergeRequest
from imagebot.git import BranchMoved, Change, GitRepo, hash_blob
from imagebot.image.snapshot import Snapshot
from imagebot.log import log
from imagebot.look import Look, Owner, Standing, find_oids, find_standing, fingerprint_files, look_again, read_files
from imagebot.policy.policies import Moment, Newest
from imagebot.policy.reading import Rule
from imagebot.policy.select import NoCandidate, Selection, select
from imagebot.proposal.block import (
    Block,
    compose_body,
    count_foreign,
    find_block,
    format_block,
    make_block,
    replace_block,
)
from imagebot.proposal.choose import Choice, Listings, Unlisted, list_waiting
from imagebot.proposal.commit import Trailers, make_commit_message, make_commit_text
from imagebot.proposal.group import GroupKey, GroupKind, Pair, make_branch_name
from imagebot.proposal.markup import code
from imagebot.proposal.outcome import Action, Outcome, Result
from imagebot.proposal.plan import Change as ProposedChange
from imagebot.proposal.plan import Group, apply_changes, make_changes, make_groups
from imagebot.proposal.text import make_text, make_title

# A tag that points back to an earlier digest may be served by a registry whose replicas disagree.
_STEADY = timedelta(days=1)
_SUPERSEDED = "What is chosen now is something else, and that was closed unmerged before."


@dataclass(frozen=True, slots=True)
class Round:
    """What every step of one update needs. A dry round reads everything, and pushes and proposes nothing."""

    look: Look
    git: GitRepo
    forge: Forge
    now: datetime
    is_dry: bool


def update(round_: Round, *, listings: Listings, choices: tuple[Choice, ...]) -> Outcome:
    """Propose what has to change, and retire the proposals that nothing asks for any more.

    What fails concerns one branch: all others go on. Raises what the forge raises if it cannot be asked at all.
    """
    look, target = round_.look, round_.look.target
    groups = make_groups(make_changes(choices), branch_prefix=look.prefix)
    images = _gather(look, listings, choices)
    requests = {each.branch: each for each in round_.forge.list_open(branch_prefix=look.prefix, target=target.branch)}
    results = [
        _attempt(
            round_,
            group.branch,
            partial(_propose, group=group, request=requests.get(group.branch), image=images[group.branch]),
        )
        for group in groups
    ]
    own = {*look.branches, *requests} - {group.branch for group in groups}
    results += [
        _attempt(round_, branch, partial(_retire, branch=branch, request=requests.get(branch), image=image))
        for branch in sorted(each for each in own if each.startswith(look.prefix))
        for image in [images.get(branch, _Image(None, ()))]
        if image.is_settled
    ]
    done = tuple(result for result in results if result is not None)
    return Outcome(target.name, look.head, done, choices, look.survey, is_dry=round_.is_dry)


@dataclass(frozen=True, slots=True)
class _Image:
    """What is known of one image: how it was listed, and what was decided for its places; nothing if it has none."""

    listing: Snapshot | None
    choices: tuple[Choice, ...]

    @property
    def is_settled(self) -> bool:
        """Whether it is known for sure that nothing is to be proposed, by decisions for all places.

        Where the store failed, it is not known how old tags are: too little to say that they are not wanted.
        """
        is_remembered = self.listing is None or self.listing.has_history
        return is_remembered and all(choice.is_settled for choice in self.choices)

    @property
    def tags(self) -> Set[str]:
        """The tags that are listed, and of which the registry does not refuse the image."""
        if self.listing is None:
            return frozenset()
        unfit = [choice.verdict.unfit for choice in self.choices if not isinstance(choice.verdict, Unlisted)]
        return self.listing.first_seen.keys() - {tag for each in unfit for tag in each if each[tag] is Rule.NO_IMAGE}


def _gather(look: Look, listings: Listings, choices: Iterable[Choice]) -> Mapping[str, _Image]:
    """Put together what is known of each image, by the branch on which it is proposed."""
    together: dict[str, list[Choice]] = {}
    listed: dict[str, Snapshot | None] = {}
    for choice in choices:
        repository = choice.governed.repository
        branch, listing = make_branch_name(look.prefix, GroupKey.of_image(repository)), listings.get(repository)
        together.setdefault(branch, []).append(choice)
        listed[branch] = listing if isinstance(listing, Snapshot) else None
    return {branch: _Image(listed[branch], tuple(concerned)) for branch, concerned in together.items()}


def _attempt(round_: Round, branch: str, step: Callable[[Round], Result | None]) -> Result | None:
    """Take a step; an error that imagebot knows becomes its result, and the round goes on.

    A branch that was moved between our reading and our push is read again, and the step taken once more.
    """
    try:
        try:
            return step(round_)
        except BranchMoved:
            return step(replace(round_, look=look_again(round_.look, branch, git=round_.git)))
    except ImagebotError as error:
        level = log.warning if isinstance(error, Transient) else log.error
        level("proposal_failed", branch=branch, error=str(error))
        return Result(branch, branch, Action.FAILED, detail=str(error))


def _propose(round_: Round, *, group: Group, request: MergeRequest | None, image: _Image) -> Result:
    """Bring the branch and the merge request of one group to what they should be."""
    standing = find_standing(round_.look, group.branch, git=round_.git)
    result = Result(group.branch, make_title(group), Action.UNCHANGED, url=request.url if request else None)
    if standing is not None and standing.owner is not Owner.OURS:
        return _leave(result, standing)
    vanished = _find_vanished(round_, standing, request=request, listed=image.tags)
    if vanished and not all(_comes_before(change, vanished, image) for change in group.changes):
        title = request.title if request else result.title
        return replace(result, title=title, detail=_explain_vanished(vanished))

    declined = _find_declined(round_, group.branch, request=request, standing=standing)
    wanted = tuple(change for change in group.changes if change.pair not in declined)
    if not wanted:
        result = replace(result, action=Action.DECLINED, detail="a person closed exactly this unmerged")
        retire = partial(_retire, branch=group.branch, request=request, image=image, note=_SUPERSEDED)
        return (request and retire(round_)) or result
    group = replace(group, changes=wanted)
    result = replace(result, title=make_title(group), changes=wanted)
    if standing is None or not _still_holds(standing, group, round_):
        applied = apply_changes(wanted, read_files(round_.look, {each.path for each in wanted}, git=round_.git))
        result = replace(result, changes=applied.made, refused=applied.refused)
        if not applied.made:
            return replace(result, action=Action.FAILED, detail="nothing of it can be edited safely")
        group = replace(group, changes=applied.made)
        if _ensure_branch(round_, group, applied.files, standing=standing):
            result = replace(result, action=Action.OPENED if standing is None else Action.MOVED)
    return _ensure_request(round_, result, group, request=request, declined=declined)


def _find_vanished(
    round_: Round, standing: Standing | None, *, request: MergeRequest | None, listed: Set[str]
) -> Set[str]:
    """Find the tags that are proposed and that the registry does not give any more."""
    is_open = request is not None or not round_.forge.has_merge_requests
    pairs = standing.trailers.pairs if standing and is_open else frozenset()
    return {pair.tag.partition("@")[0] for pair in pairs} - listed


def _explain_vanished(vanished: Set[str]) -> str:
    return f"the registry does not give {min(vanished)} any more, which is proposed: nothing is decided from that"


def _comes_before(change: ProposedChange, vanished: Set[str], image: _Image) -> bool:
    """Whether the change would be chosen even if the registry listed these tags: then nothing depends on them.

    To `newest` a tag that is gone comes after all until it is known to be older, or is forgotten.
    """
    rules, tag = change.governed.entry.rules, change.selection.tag
    if isinstance(rules.policy, Newest):
        since, listing = change.selection.since, image.listing
        seen = {**listing.gone, **listing.first_seen} if listing else {}
        is_older = {each: since is not None and seen[each] < since.at for each in vanished & seen.keys()}
        return all(is_older.values()) and (rules.policy.by is Moment.PUSHED or not is_older)
    verdict = select({tag, *vanished}, rules, current=change.before.tag)
    return isinstance(verdict, Selection) and verdict.tag == tag != change.before.tag


def _leave(result: Result, standing: Standing) -> Result:
    """Leave a branch to whose it is, and say so."""
    if standing.owner is Owner.PERSON:
        return replace(result, action=Action.LEFT_ALONE, detail="someone else committed to the branch")
    advice = "delete it if that is no target any more, or else give each target a branch_prefix of its own"
    detail = f"the branch holds a proposal for {standing.trailers.target}: {advice}"
    return replace(result, action=Action.FAILED, detail=detail)


def _find_declined(
    round_: Round, branch: str, *, request: MergeRequest | None, standing: Standing | None
) -> frozenset[Pair]:
    """Find what people said no to on the branch, by closing a merge request that proposed it.

    An open merge request remembers what was declined before it. One that a person closed after taking its block
    out said no to what is still on the branch.
    """
    if request is not None:
        block = find_block(request.body)
        return frozenset(block.declined) if block else frozenset()
    declined: set[Pair] = set()
    for ended in round_.forge.find_ended(branch=branch, target=round_.look.target.branch):
        if ended.state is not MergeRequestState.CLOSED:
            continue
        block = find_block(ended.body)
        if block is None:
            declined |= standing.trailers.pairs if standing else set()
        elif not block.is_retired:
            declined |= {*block.pairs, *block.declined}
    return frozenset(declined)


def _still_holds(standing: Standing, group: Group, round_: Round) -> bool:
    """Whether the branch makes the changes of the group to files that are on the head as they were when it was made.

    Told without rewriting anything: from the blobs, and from what the commit says was planned.
    """
    is_same = {change.path for change in standing.changes} == {change.path for change in group.changes}
    is_same = is_same and _is_untouched(standing, round_)
    return is_same and standing.is_on_base and standing.trailers.plan == group.fingerprint


def _is_untouched(standing: Standing, round_: Round) -> bool:
    """Whether the files that the branch changes are on the head as they were when it was made."""
    oids = find_oids(round_.look, {change.path for change in standing.changes}, git=round_.git)
    return all(change.old_oid == oids.get(change.path) for change in standing.changes)


def _ensure_branch(round_: Round, group: Group, files: Mapping[str, bytes], *, standing: Standing | None) -> bool:
    """Let the branch hold one commit that makes these files so on the head; return whether it had to be pushed.

    A branch that would merge to just these files stays, on whatever head it was built: the approvals it has are not
    thrown away.
    """
    look = round_.look
    changes = frozenset(
        Change(path, look.oids[path], hash_blob(data, like=look.oids[path])) for path, data in files.items()
    )
    if standing is not None and standing.is_on_base and _merges_to(round_, standing, files, changes=changes):
        return False
    if not round_.is_dry:
        trailers = Trailers(
            frozenset(group.pairs),
            group=group.branch.removeprefix(look.prefix),
            plan=group.fingerprint,
            files=fingerprint_files(changes),
            target=look.target.branch,
        )
        message = make_commit_message(make_commit_text(make_title(group), group), trailers)
        commit = round_.git.commit(files, parent=look.head, message=message, at=round_.now)
        round_.git.push(group.branch, commit, expected=standing.oid if standing else None)
        log.info("branch_pushed", branch=group.branch, oid=commit, was=standing.oid if standing else None)
    return True


def _merges_to(round_: Round, standing: Standing, files: Mapping[str, bytes], *, changes: frozenset[Change]) -> bool:
    """Whether merging the branch into the head makes the files what they should be, and changes no other."""
    if standing.changes == changes:
        return True
    if {change.path for change in standing.changes} != files.keys():
        return False
    oids = round_.look.oids
    wanted = (oid for each in standing.changes for oid in (each.old_oid, each.new_oid, oids[each.path]) if oid)
    blobs = round_.git.read_blobs(wanted)
    for each in standing.changes:
        base = blobs.get(each.old_oid) if each.old_oid else None
        theirs = blobs.get(each.new_oid) if each.new_oid else None
        ours = blobs.get(oids[each.path])
        if base is None or ours is None or theirs is None:
            return False
        if round_.git.merge_blobs(base=base, ours=ours, theirs=theirs) != files[each.path]:
            return False
    return True


def _ensure_request(
    round_: Round, result: Result, group: Group, *, request: MergeRequest | None, declined: frozenset[Pair]
) -> Result:
    """Let there be one open merge request for the branch, with the text of the group."""
    policy_file, old = round_.look.target.policy_file, request.body if request else ""
    known = find_block(old)
    opened_at = known.opened_at if known and known.opened_at else round_.now
    block = make_block(group, policy_file=policy_file, opened_at=opened_at, declined=declined)
    limit = round_.forge.body_limit - len(format_block(block)) - count_foreign(old)
    text = make_text(group, policy_file=policy_file, limit=limit)
    result, body = replace(result, title=text.title), compose_body(text.body, block, old=old)
    if not round_.forge.has_merge_requests:
        return result
    if request is None:
        return _open_request(round_, result, body)
    is_moved = result.action is not Action.UNCHANGED
    if not is_moved and block.tells_same(known):
        return result
    if not round_.is_dry:
        round_.forge.edit(request, title=text.title, body=body)
        log.info("merge_request_edited", branch=result.branch, url=request.url)
    return replace(result, action=Action.MOVED if is_moved else Action.RETOLD)


def _open_request(round_: Round, result: Result, body: str) -> Result:
    target, rules = round_.look.target, round_.look.policy.merge_requests
    if round_.is_dry:
        return replace(result, action=Action.OPENED)
    new = NewMergeRequest(
        branch=result.branch,
        target=target.branch,
        title=result.title,
        body=body,
        labels=rules.labels,
        reviewers=rules.reviewers,
        assignees=rules.assignees,
        is_draft=rules.is_draft,
    )
    opened = round_.forge.open(new)
    log.info("merge_request_opened", branch=result.branch, url=opened.merge_request.url)
    return replace(result, action=Action.OPENED, url=opened.merge_request.url, detail="; ".join(opened.unmet))


def _explain_end(look: Look, image: _Image, proposed: Set[Pair]) -> str:
    """Say why nothing of what was proposed is wanted any more."""
    holds = f"{look.target.branch} holds what was proposed here"
    written = {choice.current_tag for choice in image.choices}
    if not image.choices:
        return f"Nothing that {look.target.policy_file} governs on {look.target.branch} names this image any more."
    if written <= {pair.tag for pair in proposed}:
        return f"{holds}: nothing is left to do."
    held = [choice.pin.held for choice in image.choices if choice.pin.held]
    waiting = [str(each) for _, each in list_waiting(image.choices)]
    reasons = [choice.verdict.reason for choice in image.choices if isinstance(choice.verdict, NoCandidate)]
    if waiting:
        return f"What is newer has to wait: {code(waiting[0])}."
    if reasons or held:
        return f"{look.target.policy_file} allows nothing else now: {code((reasons or held)[0])}."
    return f"{holds}, or nothing newer than what it holds is known now."


def _retire(
    round_: Round, *, branch: str, request: MergeRequest | None, image: _Image, note: str = ""
) -> Result | None:
    """Close a merge request with a note and delete its branch; None if that has to wait, or is not ours to do.

    It waits while a file that the branch changes cannot be read: the image may still be named there. What is proposed
    stays if it is only the registry that does not give it any more, or tells one digest and then another.
    """
    standing = find_standing(round_.look, branch, git=round_.git)
    block = find_block(request.body) if request else None
    title, url = (request.title, request.url) if request else (branch, None)
    if standing is not None and standing.owner is not Owner.OURS:
        return _leave(Result(branch, title, Action.LEFT_ALONE, url=url), standing) if request else None
    if standing is None and block is None:
        return None
    unreadable = {unread.path for unread in round_.look.survey.unreadable}
    if standing is not None and any(change.path in unreadable for change in standing.changes):
        return None
    if wavering := _find_wavering(round_, standing, request=request, image=image):
        return Result(branch, title, Action.UNCHANGED, url=url, detail=wavering)
    proposed = standing.trailers.pairs if standing else frozenset(block.pairs) if block else frozenset()
    note = note or _explain_end(round_.look, image, proposed)
    if not round_.is_dry:
        if request is not None:
            retired = replace(block or Block(GroupKey(GroupKind.ALL, ""), (), ""), is_retired=True)
            told = round_.forge.edit(request, title=request.title, body=replace_block(request.body, retired))
            round_.forge.close(told, note=note)
        if standing is not None:
            round_.git.delete_branch(branch, expected=standing.oid)
        log.info("proposal_retired", branch=branch, url=url, reason=note)
    return Result(branch, title, Action.CLOSED, url=url, detail=note)


def _find_wavering(round_: Round, standing: Standing | None, *, request: MergeRequest | None, image: _Image) -> str:
    """Say how the registry contradicts itself, where that is all that speaks against a proposal; else empty."""
    if standing is None or image.listing is None or not _is_untouched(standing, round_):
        return ""
    if vanished := _find_vanished(round_, standing, request=request, listed=image.tags):
        return _explain_vanished(vanished)
    followed = {
        c.verdict.tag
        for c in image.choices
        if isinstance(c.verdict, Selection) and c.governed.entry.rules.pins_digest
        if not c.pin.held and not c.pin.waiting
    }
    for pair in sorted(standing.trailers.pairs):
        tag, _, digest = pair.tag.partition("@")
        sighting = image.listing.sightings.get(tag) if digest and tag in followed else None
        # The sighting is the one before this round: it is the proposed one if that has changed just now.
        is_new = sighting is not None and round_.now - sighting.first_seen < _STEADY
        if sighting is not None and (sighting.digest == digest or (sighting.is_repushed and is_new)):
            return f"{tag} points to an earlier digest again: believed when it has stayed so for a day"
    return ""
