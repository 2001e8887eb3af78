"""A target's git repository, kept as a bare mirror and driven through the git program: no checkout, no work tree.

    remote.py    where the repository is, and which credentials and certificates go with it
    program.py   one run of git: clean environment, limits, an end for what hangs
    mirror.py    the folder on disk: one process at a time, made anew when it is broken
    signing.py   the key that signs commits, made ready for git
    plumbing.py  what git reads and prints, as values
    faults.py    what goes wrong, and how it is recognised
    repo.py      GitRepo, which joins them

Which files are read and what is written into them is decided elsewhere.
"""

from imagebot.git.faults import (
    BranchMoved,
    GitAccessDenied,
    GitUnavailable,
    MirrorDamaged,
    MirrorFull,
    PushOptionsRefused,
    PushRefused,
    UnknownBranch,
    UnknownProject,
    UntrustedServer,
)
from imagebot.git.mirror import ForeignFolder, MirrorInUse, MirrorUnavailable
from imagebot.git.plumbing import Change, Commit, FileMode, Oid, Signature, TreeFile, hash_blob
from imagebot.git.program import OutputTooLarge, UnusableGit
from imagebot.git.remote import GitRemote, RefusedUrl
from imagebot.git.repo import BLOBS_LIMIT_BYTES, GitRepo, InvalidBranchName, list_branches
from imagebot.git.signing import KeyKind, SigningFailed, SigningKey

__all__ = [
    "BLOBS_LIMIT_BYTES",
    "BranchMoved",
    "Change",
    "Commit",
    "FileMode",
    "ForeignFolder",
    "GitAccessDenied",
    "GitRemote",
    "GitRepo",
    "GitUnavailable",
    "InvalidBranchName",
    "KeyKind",
    "MirrorDamaged",
    "MirrorFull",
    "MirrorInUse",
    "MirrorUnavailable",
    "Oid",
    "OutputTooLarge",
    "PushOptionsRefused",
    "PushRefused",
    "RefusedUrl",
    "Signature",
    "SigningFailed",
    "SigningKey",
    "TreeFile",
    "UnknownBranch",
    "UnknownProject",
    "UntrustedServer",
    "UnusableGit",
    "hash_blob",
    "list_branches",
]
