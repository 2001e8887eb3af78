"""The bare repository on disk: made if missing, made anew if broken, and worked on by one process at a time.

A mirror is a memory of what the server holds: it can be deleted at any time. What is not a mirror of ours is never
touched, though it may stand where one should be.
"""

import fcntl
import shutil
from pathlib import Path
from typing import IO

from imagebot.errors import NeedsOperator, Transient
from imagebot.git.faults import MirrorDamaged, clean
from imagebot.git.program import GitProgram
from imagebot.log import log

# Git's own place for a repository's name: it tells people, and us, whose folder this is.
_LABEL_FILE = "description"
_LABEL = "A mirror kept by imagebot; it can be deleted at any time.\n"

# What a git that was killed leaves behind. The lock files would stop every later one, the others only take up room.
_LEFTOVERS = (
    "*.lock", "refs/**/*.lock", "objects/*.lock", "objects/info/**/*.lock",
    "objects/pack/tmp_*", "objects/??/tmp_obj_*", "fast_import_crash_*",
)  # fmt: skip

_TIDY = ("-c", "gc.auto=6700", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet", "--prune=now")


class MirrorInUse(Transient):
    """Another process, or a git it left behind, works on the mirror."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"another process works on the mirror at {path}")
        self.path = path


class ForeignFolder(NeedsOperator):
    """What stands at the mirror's path was not made by imagebot."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is no mirror kept by imagebot and is left alone; move it away or choose another folder"
        )
        self.path = path


def lock_mirror(path: Path) -> IO[bytes]:
    """Take the lock that stands beside the mirror; return its file, which holds it until it is closed.

    Raises MirrorInUse at once if it is taken. The lock file stays: removing it would let two processes hold two locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise MirrorInUse(path) from None
    return lock


def prepare_mirror(path: Path, program: GitProgram) -> None:
    """Make the mirror fit for use: by whoever holds its lock, with a git that works in it."""
    if not path.exists():
        _make_mirror(path, program)
        return
    if not _is_ours(path):
        raise ForeignFolder(path)
    remove_leftovers(path)
    if program.run("rev-parse", "--is-bare-repository").status != 0:
        log.warning("mirror_rebuilt", path=str(path))
        shutil.rmtree(path)
        _make_mirror(path, program)
    # Every fetch leaves objects or a pack: when there are many, git packs them now, while nobody works on the mirror.
    program.run(*_TIDY)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed git left; whoever holds the mirror's lock knows that no git needs it any more."""
    for pattern in _LEFTOVERS:
        for leftover in path.glob(pattern):
            leftover.unlink(missing_ok=True)


def condemn_mirror(path: Path) -> None:
    """Have the mirror made anew the next time it is opened: without HEAD it is no repository to git."""
    (path / "HEAD").unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    label = path / _LABEL_FILE
    if not label.is_file():
        return path.is_dir() and not any(path.iterdir())
    # A power cut may have left the beginning of it, or nothing.
    return _LABEL.startswith(label.read_text(errors="replace"))


def _make_mirror(path: Path, program: GitProgram) -> None:
    path.mkdir(exist_ok=True)
    (path / _LABEL_FILE).write_text(_LABEL)
    made = program.run("init", "--quiet", "--bare", "--template=", "--initial-branch=none")
    if made.status != 0:
        raise MirrorDamaged(path, clean(made.stderr, secrets=()))
