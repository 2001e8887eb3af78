"""What stands on a branch whose name begins with the prefix, and whose that is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from imagebot.git import Change, Commit, GitRepo, Oid, hash_blob
from imagebot.look import Look, find_oids
from imagebot.proposal.commit import Trailers, find_trailers
from imagebot.proposal.plan import Group, make_fingerprint

# How far back the head's history is read to find what a branch was built on; what is older is built anew.
HISTORY = 256
# Who commits where a forge makes the commit itself, on behalf of the author.
_FORGES_EMAILS = {"noreply@github.com"}


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
    parent: Oid | None
    changes: frozenset[Change]
    trailers: Trailers
    is_on_base: bool
    owner: Owner


def find_standing(seen: Look, branch: str, *, git: GitRepo, prefix: str | None = None) -> Standing | None:
    """Read what stands on a branch that begins with the prefix; None if there is no such branch.

    It is ours if its commit says that it is for a branch of this name, and still makes the very changes that we
    committed, also where the base was merged into it: someone who adds to it, amends it or rebases it makes it theirs.
    Without `prefix` that of the target counts.
    """
    oid = seen.branches.get(branch)
    if oid is None:
        return None
    commit = git.describe_commit(oid)
    # Forges have a button that brings a branch up to date: a merge in which nothing but what we committed differs.
    made = commit if len(commit.parents) != 2 else git.describe_commit(commit.parents[0])
    trailers = find_trailers(made.message)
    theirs = Standing(oid, None, frozenset(), trailers, is_on_base=False, owner=Owner.PERSON)
    if not _is_made_by_us(made) or trailers.name_branch(seen.prefix if prefix is None else prefix) != branch:
        return theirs
    parent = commit.parents[-1]
    changes = frozenset(git.list_changes(parent, oid))
    if fingerprint_files(changes) != trailers.files:
        return theirs
    if trailers.target != seen.target.branch:
        return replace(theirs, owner=Owner.OTHER_TARGET)
    is_on_base = trailers.onto == seen.base and git.contains(parent, branch=seen.base, head=seen.head, depth=HISTORY)
    return Standing(oid, parent, changes, trailers, is_on_base, Owner.OURS)


def _is_made_by_us(commit: Commit) -> bool:
    is_by_one = commit.author == commit.committer or commit.committer.email in _FORGES_EMAILS
    return len(commit.parents) == 1 and is_by_one


def fingerprint_files(changes: Iterable[Change]) -> str:
    """Stand for the blobs that a commit puts in the place of others."""
    return make_fingerprint((change.path, change.old_oid, change.new_oid) for change in changes)


def still_holds(standing: Standing, group: Group, *, seen: Look, git: GitRepo) -> bool:
    """Whether the branch makes the changes of the group to files that are on the head as they were when it was made.

    Told without rewriting anything: from the blobs, and from what the commit says was planned.
    """
    is_same = {change.path for change in standing.changes} == {change.path for change in group.changes}
    is_same = is_same and standing.is_on_base and standing.trailers.plan == group.fingerprint
    return is_same and is_untouched(standing, seen=seen, git=git)


def is_untouched(standing: Standing, *, seen: Look, git: GitRepo) -> bool:
    """Whether the files that the branch changes are on the head as they were when it was made."""
    oids = find_oids(seen, {change.path for change in standing.changes}, git=git)
    return all(change.old_oid == oids.get(change.path) for change in standing.changes)


def list_changes(files: Mapping[str, bytes], *, seen: Look) -> frozenset[Change]:
    """List what a commit changes that makes these files so on the head."""
    return frozenset(
        Change(path, seen.oids[path], hash_blob(data, like=seen.oids[path])) for path, data in files.items()
    )


def merges_to(standing: Standing, files: Mapping[str, bytes], *, seen: Look, git: GitRepo) -> bool:
    """Whether merging the branch into the head makes the files what they should be, and changes no other."""
    if not standing.is_on_base or {change.path for change in standing.changes} != files.keys():
        return False
    if standing.changes == list_changes(files, seen=seen):
        return True
    oids = seen.oids
    wanted = (oid for each in standing.changes for oid in (each.old_oid, each.new_oid, oids[each.path]) if oid)
    blobs = git.read_blobs(wanted)
    for each in standing.changes:
        base = blobs.get(each.old_oid) if each.old_oid else None
        theirs = blobs.get(each.new_oid) if each.new_oid else None
        ours = blobs.get(oids[each.path])
        if base is None or ours is None or theirs is None:
            return False
        if git.merge_blobs(base=base, ours=ours, theirs=theirs) != files[each.path]:
            return False
    return True
