"""The bare repository on disk: made if missing, made anew if broken, and worked on by one process at a time.

A mirror is a memory of what the server holds: it can be deleted at any time. What is not a mirror of ours is never
touched, though it may stand where one should be.
"""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from imagebot.errors import NeedsOperator, Transient
from imagebot.git.faults import clean
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

_FOLDER_PREFIX = "imagebot-"

# Two runs that overlap for a moment are no fault.
LOCK_WAIT_S = 3.0
_LOCK_POLL_S = 0.1

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


class MirrorUnavailable(NeedsOperator):
    """The system does not let us make, lock, write or remove the mirror's files."""

    def __init__(self, path: Path, reason: str) -> None:
        needs = "it needs a folder that can be made and written"
        super().__init__(f"the mirror at {path} cannot be used: {reason}; {needs}")
        self.path = path
        self.reason = reason


def lock_mirror(path: Path, *, wait_s: float = LOCK_WAIT_S) -> IO[bytes]:
    """Take the lock that stands beside the mirror; return its file, which holds it until it is closed.

    Raises MirrorInUse if it is still taken after `wait_s`, and MirrorUnavailable. The lock file stays: removing it
    would let two processes hold two locks.
    """
    with _explain_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f"{path.name}.lock").open("ab")
        try:
            _wait_for_lock(lock, path, wait_s=wait_s)
        except BaseException:
            lock.close()
            raise
    return lock


def prepare_mirror(path: Path, program: GitProgram) -> None:
    """Make the mirror fit for use: by whoever holds its lock, with a git that works in it.

    Raises ForeignFolder and MirrorUnavailable.
    """
    with _explain_refusals(path):
        if not path.exists():
            _make_mirror(path, program)
            return
        if not _is_ours(path):
            raise ForeignFolder(path)
        remove_leftovers(path)
        if program.run("rev-parse", "--is-bare-repository").status != 0:
            if path.is_symlink():
                raise MirrorUnavailable(path, "it is damaged, and as a symbolic link it is not removed")
            log.warning("mirror_rebuilt", path=str(path))
            shutil.rmtree(path)
            _make_mirror(path, program)
    # Every fetch leaves objects or a pack: when there are many, git packs them now, while nobody works on the mirror.
    program.run(*_TIDY)


def remove_leftovers(path: Path) -> None:
    """Remove what was left by a git or an imagebot that was killed; raises MirrorUnavailable.

    Whoever holds the mirror's lock knows that nobody needs it any more.
    """
    with _explain_refusals(path):
        for pattern in _LEFTOVERS:
            for leftover in path.glob(pattern):
                leftover.unlink(missing_ok=True)
        for folder in path.glob(f"{_FOLDER_PREFIX}*"):
            shutil.rmtree(folder)


def condemn_mirror(path: Path) -> None:
    """Have the mirror made anew the next time it is opened: without HEAD it is no repository to git."""
    with _explain_refusals(path):
        (path / "HEAD").unlink(missing_ok=True)


def find_cut_ends(path: Path) -> frozenset[str]:
    """Read the oids of the commits whose parents were not fetched; git keeps them in the file `shallow`."""
    with _explain_refusals(path):
        shallow = path / "shallow"
        return frozenset(shallow.read_text().split()) if shallow.exists() else frozenset()


@contextmanager
def open_folder(path: Path) -> Iterator[Path]:
    """Lend an empty folder in the mirror, and remove it; MirrorUnavailable tells why it cannot be made or filled."""
    with _explain_refusals(path), TemporaryDirectory(prefix=_FOLDER_PREFIX, dir=path) as folder:
        yield Path(folder)


@contextmanager
def _explain_refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f": {error.filename!r}" if error.filename else ""
        raise MirrorUnavailable(path, f"{error.strerror or error}{where}") from error


def _wait_for_lock(lock: IO[bytes], path: Path, *, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise MirrorInUse(path) from None
            time.sleep(_LOCK_POLL_S)
        else:
            return


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
        raise MirrorUnavailable(path, clean(made.stderr, secrets=()))
