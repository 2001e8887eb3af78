"""The second round: bring one target up to date with the tags last listed for its images.

    git head + policy file -> look -> survey -> choose -> changes -> commit, push, merge request -> Outcome

Read downwards: `look` reads everything from git, `update` decides and acts. Every effect may happen twice: a branch
that already holds the change is not pushed again, and a merge request is looked for before it is opened. What belongs
to people is left to them: a branch with their commits, and a merge request that they closed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from imagebot.errors import ImagebotError, InvalidInput, Transient
from imagebot.forge import Forge, MergeRequest, NewMergeRequest
from imagebot.git import BranchMoved, GitRepo, Oid, TreeFile, hash_blob
from imagebot.git import Change as TreeChange
from imagebot.image.reference import Repository
from imagebot.log import log
from imagebot.proposal.block import Block, find_block, remove_block
from imagebot.proposal.choose import Choice, Listings, choose
from imagebot.proposal.outcome import Action, Outcome, Result
from imagebot.proposal.plan import (
    Digests,
    Group,
    apply_changes,
    find_wanted_digests,
    make_branch_name,
    make_changes,
    make_groups,
)
from imagebot.proposal.survey import Survey, Unread, survey
from imagebot.proposal.text import Text, find_target, make_text
from imagebot.settings.operator import TargetSettings
from imagebot.settings.policy_file import MissingPolicyFile, PolicyFile, parse_policy_file

# A branch of ours is one commit on the head it was made for: with its parent, all that has to be known of it is there.
_DEPTH = 2

FindDigests = Callable[[Iterable[tuple[Repository, str]]], tuple[Digests, Mapping[Repository, str]]]
"""Finds the digests of tags; second, for which repositories that failed, and why."""


@dataclass(frozen=True, slots=True)
class Look:
    """A target as it stood at one instant: its head, all branches, its files and what they say.

    `oids` are the blobs of the paths in `files`.
    """

    target: TargetSettings
    head: Oid
    branches: Mapping[str, Oid]
    policy: PolicyFile
    files: Mapping[str, bytes]
    oids: Mapping[str, Oid]
    survey: Survey


@dataclass(frozen=True, slots=True)
class Round:
    """What every step of one update needs. A dry round reads everything and changes nothing."""

    look: Look
    git: GitRepo
    forge: Forge
    now: datetime
    is_dry: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A branch of imagebot's as it stands at the remote.

    `changes` are what its one commit changes. `claim` says whose it is if it is not ours to touch.
    """

    oid: Oid
    changes: frozenset[TreeChange]
    claim: str | None = None


def look(target: TargetSettings, *, git: GitRepo) -> Look:
    """Fetch the target's branch and imagebot's own, and survey the files that the policy file lets be read.

    Raises InvalidPolicyFile or MissingPolicyFile, and what git raises.
    """
    branches = git.list_branches()
    head = git.fetch([target.branch], depth=_DEPTH, heads=branches)[target.branch]
    tree = git.list_files(head)
    policy = _read_policy(target, git=git, tree=tree)
    git.fetch((name for name in branches if name.startswith(policy.branch_prefix)), depth=_DEPTH, heads=branches)

    included = {file.path: file for file in tree if policy.includes(file.path) and file.path != target.policy_file}
    blobs = git.read_blobs(file.oid for file in included.values() if file.is_regular)
    oids = {path: file.oid for path, file in included.items() if file.oid in blobs}
    files = {path: blobs[oid] for path, oid in oids.items()}
    found = survey(files, policy.entries)
    unread = tuple(_explain_unread(file) for file in included.values() if file.path not in files)
    return Look(target, head, branches, policy, files, oids, replace(found, unreadable=(*unread, *found.unreadable)))


def _read_policy(target: TargetSettings, *, git: GitRepo, tree: Iterable[TreeFile]) -> PolicyFile:
    oid = next((file.oid for file in tree if file.path == target.policy_file and file.is_regular), None)
    if oid is None:
        raise MissingPolicyFile(target.policy_file, target.branch)
    data = git.read_blobs([oid]).get(oid)
    if data is None:
        raise InvalidInput(f"{target.policy_file} is too large to be read")
    return parse_policy_file(data, file=target.policy_file)


def _explain_unread(file: TreeFile) -> Unread:
    reason = "too large to be read" if file.is_regular else "a symbolic link or submodule, which is not followed"
    return Unread(file.path, None, None, reason)


def update(round_: Round, *, listings: Listings, find_digests: FindDigests) -> Outcome:
    """Propose what has to change, and retire the proposals that nothing asks for any more.

    What fails concerns one branch: all others go on. Raises what the forge raises if it cannot be asked at all.
    """
    look, prefix = round_.look, round_.look.policy.branch_prefix
    choices = choose(look.survey, listings)
    digests, missing = find_digests(find_wanted_digests(choices))
    changes = [each for each in make_changes(choices, digests) if each.governed.repository not in missing]
    requests = {each.branch: each for each in round_.forge.list_open(branch_prefix=prefix, target=look.target.branch)}
    groups = make_groups(changes, branch_prefix=prefix)
    results = [
        _attempt(round_, group.branch, partial(_propose, group=group, request=requests.get(group.branch)))
        for group in groups
    ]
    results += [
        Result(make_branch_name(prefix, image), image.familiar, Action.FAILED, detail=why)
        for image, why in missing.items()
    ]
    results += [
        _attempt(round_, branch, partial(_retire, branch=branch, request=requests.get(branch), note=note))
        for branch, note in _find_stale(look, choices, {*look.branches, *requests} - {group.branch for group in groups})
    ]
    done = tuple(result for result in results if result is not None)
    return Outcome(look.target.name, look.head, done, choices, look.survey, is_dry=round_.is_dry)


def _attempt(round_: Round, branch: str, step: Callable[[Round], Result | None]) -> Result | None:
    """Take a step; an error that imagebot knows becomes its result, and the round goes on.

    A branch that was moved between our reading and our push is read again, and the step taken once more.
    """
    try:
        try:
            return step(round_)
        except BranchMoved:
            return step(_read_again(round_, branch))
    except ImagebotError as error:
        level = log.warning if isinstance(error, Transient) else log.error
        level("proposal_failed", branch=branch, error=str(error))
        return Result(branch, branch, Action.FAILED, detail=str(error))


def _read_again(round_: Round, branch: str) -> Round:
    branches = round_.git.list_branches()
    if branch in branches:
        round_.git.fetch([branch], depth=_DEPTH, heads=branches)
    return replace(round_, look=replace(round_.look, branches=branches))


def _propose(round_: Round, *, group: Group, request: MergeRequest | None) -> Result:
    """Bring the branch and the merge request of one group to what they should be."""
    applied = apply_changes(group.changes, round_.look.files)
    group = replace(group, changes=applied.made)
    if not group.changes:
        reason = "nothing of it can be edited safely"
        return Result(group.branch, group.repository.familiar, Action.FAILED, detail=reason, refused=applied.refused)
    text = make_text(group, policy_file=round_.look.target.policy_file, target=round_.look.target.branch)
    result = Result(
        group.branch,
        text.title,
        Action.UNCHANGED,
        url=request.url if request else None,
        changes=group.changes,
        refused=applied.refused,
    )
    standing = _find_standing(round_, group.branch)
    if standing is not None and standing.claim:
        return replace(result, action=Action.LEFT_ALONE, detail=standing.claim)
    if request is None and _is_declined(round_, group.branch, text.block):
        return replace(result, action=Action.DECLINED, detail="exactly this was closed unmerged")
    is_moved = _ensure_branch(round_, group.branch, applied.files, standing=standing, message=text.commit_message)
    return _ensure_request(round_, result, text, request=request, is_moved=is_moved)


def _find_standing(round_: Round, branch: str) -> Standing | None:
    """Read what stands on a branch of imagebot's; None if there is no such branch.

    It is ours if its last commit was committed under our name, for our target: someone who adds to it, amends it or
    rebases it makes it theirs.
    """
    oid = round_.look.branches.get(branch)
    if oid is None:
        return None
    commit = round_.git.describe_commit(oid)
    if commit.committer != round_.git.author or len(commit.parents) != 1:
        return Standing(oid, frozenset(), claim="someone else committed to the branch")
    if find_target(commit.message) != round_.look.target.branch:
        other = find_target(commit.message) or "another branch"
        claim = f"the branch holds a proposal for {other}: give each target a branch_prefix of its own"
        return Standing(oid, frozenset(), claim=claim)
    return Standing(oid, frozenset(round_.git.list_changes(commit.parents[0], oid)))


def _is_declined(round_: Round, branch: str, block: Block) -> bool:
    """Whether a person closed a merge request for exactly this image and these tags."""
    closed = round_.forge.find_closed(branch=branch, target=round_.look.target.branch)
    blocks = [find_block(each.body) for each in closed]
    return any(each and (each.image, each.tags) == (block.image, block.tags) for each in blocks)


def _ensure_branch(
    round_: Round, branch: str, files: Mapping[str, bytes], *, standing: Standing | None, message: str
) -> bool:
    """Let the branch hold one commit that makes these files so on the head; return whether it had to be pushed.

    A branch whose commit makes the same change to the same blobs stays, on whatever head it was built: it merges as it
    is, and the approvals it has are not thrown away.
    """
    oids = round_.look.oids
    wanted = frozenset(TreeChange(path, oids[path], hash_blob(data, like=oids[path])) for path, data in files.items())
    if standing is not None and standing.changes == wanted:
        return False
    if not round_.is_dry:
        commit = round_.git.commit(files, parent=round_.look.head, message=message, at=round_.now)
        round_.git.push(branch, commit, expected=standing.oid if standing else None)
        log.info("branch_pushed", branch=branch, oid=commit, was=standing.oid if standing else None)
    return True


def _ensure_request(
    round_: Round, result: Result, text: Text, *, request: MergeRequest | None, is_moved: bool
) -> Result:
    """Let there be one open merge request for the branch, with this text."""
    if not round_.forge.has_merge_requests:
        was_there = result.branch in round_.look.branches
        return replace(result, action=(Action.MOVED if was_there else Action.OPENED) if is_moved else Action.UNCHANGED)
    if request is None:
        return _open_request(round_, result, text)
    if not is_moved and find_block(request.body) == text.block:
        return result
    if not round_.is_dry:
        round_.forge.edit(request, title=text.title, body=text.body)
        log.info("merge_request_edited", branch=result.branch, url=request.url)
    return replace(result, action=Action.MOVED if is_moved else Action.RETOLD)


def _open_request(round_: Round, result: Result, text: Text) -> Result:
    target, policy = round_.look.target, round_.look.policy
    new = NewMergeRequest(
        branch=result.branch,
        target=target.branch,
        title=text.title,
        body=text.body,
        labels=policy.labels,
        reviewers=policy.reviewers,
        assignees=policy.assignees,
        is_draft=policy.draft,
    )
    if round_.is_dry:
        return replace(result, action=Action.OPENED)
    opened = round_.forge.open(new)
    log.info("merge_request_opened", branch=result.branch, url=opened.merge_request.url)
    unknown = ", ".join(opened.unknown_users)
    detail = f"the forge knows no user {unknown}, named in {target.policy_file}" if unknown else ""
    return replace(result, action=Action.OPENED, url=opened.merge_request.url, detail=detail)


def _find_stale(look: Look, choices: Iterable[Choice], own: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Find branches of imagebot's that nothing asks for any more, each with a sentence that says why.

    Only what is known for sure retires a proposal: it stays if tags could not be listed, or the current tag is not in
    the list.
    """
    prefix = look.policy.branch_prefix
    by_branch: dict[str, list[Choice]] = {}
    for choice in choices:
        by_branch.setdefault(make_branch_name(prefix, choice.governed.repository), []).append(choice)
    settled = f"{look.target.branch} holds what was proposed here, or something newer: nothing is left to do."
    orphaned = f"Nothing that {look.target.policy_file} governs on {look.target.branch} names this image any more."
    for branch in sorted(each for each in own if each.startswith(prefix)):
        concerned = by_branch.get(branch, [])
        if all(choice.is_settled for choice in concerned):
            yield branch, settled if concerned else orphaned


def _retire(round_: Round, *, branch: str, request: MergeRequest | None, note: str) -> Result | None:
    """Close a merge request with a note and delete its branch; None if that has to wait, or is not ours to do.

    It waits while a file that the branch changes cannot be read: the image may still be named there.
    """
    standing = _find_standing(round_, branch)
    title, url = (request.title, request.url) if request else (branch, None)
    if standing is not None and standing.claim:
        return Result(branch, title, Action.LEFT_ALONE, url=url, detail=standing.claim) if request else None
    unreadable = {unread.path for unread in round_.look.survey.unreadable}
    if standing is not None and any(change.path in unreadable for change in standing.changes):
        return None
    if not round_.is_dry:
        if request is not None:
            told = round_.forge.edit(request, title=request.title, body=remove_block(request.body))
            round_.forge.close(told, note=note)
        if standing is not None:
            round_.git.delete_branch(branch, expected=standing.oid)
        log.info("proposal_retired", branch=branch, url=url, reason=note)
    return Result(branch, title, Action.CLOSED, url=url, detail=note)
