"""What there is before anything is decided: a target's head, its policy file, its files, and the branches beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from imagebot.errors import InvalidInput
from imagebot.git import Change, GitRepo, Oid, TreeFile
from imagebot.image.reference import InvalidReference, parse_repository
from imagebot.proposal.commit import Trailers, find_trailers
from imagebot.proposal.plan import make_branch_name, make_fingerprint
from imagebot.proposal.survey import Survey, Unread, survey
from imagebot.settings.operator import TargetSettings
from imagebot.settings.policy_file import MissingPolicyFile, PolicyFile, parse_policy_file
from imagebot.yamledit.scan import MAX_BYTES

# A branch of ours is one commit on the head it was made for: with its parent, all that has to be known of it is there.
_DEPTH = 2
# How far back the head's history is read to find what a branch was built on; what is older is built anew.
_HISTORY = 256


class UnusablePrefix(InvalidInput):
    """The target's own branch begins with the prefix of imagebot's branches."""

    def __init__(self, prefix: str, branch: str) -> None:
        super().__init__(
            f"branch_prefix is {prefix!r}, with which the branch {branch} itself begins; "
            "choose one that no other branch begins with, as imagebot/"
        )


@dataclass(frozen=True, slots=True)
class Look:
    """A target as it stood at one instant.

    `branches` are all that the server has; `oids` are the blobs of the paths in `files`.
    """

    target: TargetSettings
    head: Oid
    branches: Mapping[str, Oid]
    prefix: str
    policy: PolicyFile
    files: Mapping[str, bytes]
    oids: Mapping[str, Oid]
    survey: Survey


class Owner(Enum):
    """Whose a branch is; only what is ours is touched."""

    OURS = "ours"
    PERSON = "someone else's"
    OTHER_TARGET = "another target's"


@dataclass(frozen=True, slots=True)
class Standing:
    """A branch as it stands at the server: its last commit, what that says of itself, and what it changes, if ours.

    `is_on_base` tells whether it was built on what still is the base's history: if not, merging it could bring back
    what was taken out of that.
    """

    oid: Oid
    changes: frozenset[Change]
    trailers: Trailers
    is_on_base: bool
    owner: Owner


def look(target: TargetSettings, *, git: GitRepo) -> Look:
    """Fetch the target's branch and imagebot's own, and survey the files that the policy file lets be read.

    Raises InvalidPolicyFile, MissingPolicyFile, UnusablePrefix, and what git raises.
    """
    branches = git.list_branches()
    head = git.fetch([target.branch], depth=_DEPTH, heads=branches)[target.branch]
    tree = git.list_files(head)
    policy = _read_policy(target, git=git, tree=tree)
    prefix = target.branch_prefix or policy.branch_prefix
    if target.branch.startswith(prefix):
        raise UnusablePrefix(prefix, target.branch)
    git.fetch((name for name in branches if name.startswith(prefix)), depth=_DEPTH, heads=branches)

    included = [file for file in tree if policy.includes(file.path) and file.path != target.policy_file]
    blobs = git.read_blobs((file.oid for file in included if file.is_regular), limit_bytes=MAX_BYTES)
    oids = {file.path: file.oid for file in included if file.is_regular and file.oid in blobs}
    files = {path: blobs[oid] for path, oid in oids.items()}
    found = survey(files, policy.entries)
    unread = tuple(_explain_unread(file) for file in included if file.path not in files)
    found = replace(found, unreadable=(*unread, *found.unreadable))
    return Look(target, head, branches, prefix, policy, files, oids, found)


def look_again(seen: Look, branch: str, *, git: GitRepo) -> Look:
    """Read anew where the branches are, after one of them was found to have moved."""
    branches = git.list_branches()
    if branch in branches:
        git.fetch([branch], depth=_DEPTH, heads=branches)
    return replace(seen, branches=branches)


def _read_policy(target: TargetSettings, *, git: GitRepo, tree: Iterable[TreeFile]) -> PolicyFile:
    file = next((file for file in tree if file.path == target.policy_file), None)
    if file is None:
        raise MissingPolicyFile(target.policy_file, target.branch)
    data = git.read_blobs([file.oid]).get(file.oid) if file.is_regular else None
    if data is None:
        raise InvalidInput(f"{target.policy_file} on {target.branch} is {_explain_unread(file).reason}")
    return parse_policy_file(data, file=target.policy_file)


def _explain_unread(file: TreeFile) -> Unread:
    if file.has_odd_path:
        reason = "a file whose name is not UTF-8, which is not read"
    elif file.is_regular:
        reason = "too large to be read"
    else:
        reason = "a symbolic link or submodule, which is not followed"
    return Unread(file.path, None, None, reason)


def find_standing(seen: Look, branch: str, *, git: GitRepo) -> Standing | None:
    """Read what stands on a branch that begins with the prefix; None if there is no such branch.

    It is ours if its commit says that it is about the image that the branch is named after, and still makes the very
    changes that we committed: someone who adds to it, amends it or rebases it makes it theirs.
    """
    oid = seen.branches.get(branch)
    if oid is None:
        return None
    commit = git.describe_commit(oid)
    trailers = find_trailers(commit.message)
    theirs = Standing(oid, frozenset(), trailers, is_on_base=False, owner=Owner.PERSON)
    if len(commit.parents) != 1 or commit.author != commit.committer or not _is_named_after(branch, trailers, seen):
        return theirs
    changes = frozenset(git.list_changes(commit.parents[0], oid))
    if fingerprint_files(changes) != trailers.files:
        return theirs
    if trailers.target != seen.target.branch:
        return replace(theirs, owner=Owner.OTHER_TARGET)
    parent = commit.parents[0]
    is_on_base = git.contains(parent, branch=seen.target.branch, head=seen.head, depth=_HISTORY)
    return Standing(oid, changes, trailers, is_on_base, Owner.OURS)


def _is_named_after(branch: str, trailers: Trailers, seen: Look) -> bool:
    try:
        return trailers.image is not None and make_branch_name(seen.prefix, parse_repository(trailers.image)) == branch
    except InvalidReference:
        return False


def fingerprint_files(changes: Iterable[Change]) -> str:
    """Stand for the blobs that a commit puts in the place of others."""
    return make_fingerprint((change.path, change.old_oid, change.new_oid) for change in changes)
