"""The files of a checkout: listed as git sees them, read without following links, replaced by rename.

In a git work tree these are the files git tracks and those it would not ignore, so that a preview shows what an update
would; elsewhere all files below the folder.
"""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from imagebot.errors import InvalidInput, NeedsOperator
from imagebot.proposal.survey import Unread

_MAX_BYTES = 5_000_000
_GIT_TIMEOUT_S = 60


class ChangedMeanwhile(InvalidInput):
    """A file is not what it was when it was read; it is left as it is now."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} was changed by someone else meanwhile, and is left as it is")
        self.path = path


def list_paths(directory: Path) -> tuple[str, ...]:
    """List the paths of all files below the directory, relative and with `/`, in order; `.git` is left out."""
    # No file system monitor: it is a program that the checkout's own configuration names.
    command = ["git", "-C", str(directory), "-c", "core.fsmonitor=false", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=False, timeout=_GIT_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return _walk(directory)
    if listed.returncode != 0:
        return _walk(directory)
    return tuple(sorted({os.fsdecode(path) for path in listed.stdout.split(b"\0") if path}))


def _walk(directory: Path) -> tuple[str, ...]:
    paths = []
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if name != ".git"]
        inside = PurePosixPath(Path(folder).relative_to(directory).as_posix())
        paths += [str(inside / name) for name in names]
    return tuple(sorted(paths))


def read_files(directory: Path, paths: Iterable[str]) -> tuple[Mapping[str, bytes], tuple[Unread, ...]]:
    """Read files; second, those that are not read, each with its reason."""
    files: dict[str, bytes] = {}
    unread: list[Unread] = []
    for path in paths:
        try:
            content = read_file(directory, path)
        except FileNotFoundError:
            continue  # tracked by git, and deleted in the work tree
        except OSError as error:
            content = error.strerror or str(error)
        if isinstance(content, bytes):
            files[path] = content
        else:
            unread.append(Unread(path, None, None, content))
    return files, tuple(unread)


def read_file(directory: Path, path: str) -> bytes | str:
    """Read one file, or return why it is not read. Raises OSError."""
    full = directory / path
    status = full.lstat()
    if not stat.S_ISREG(status.st_mode):
        return "a symbolic link or submodule, which is not followed"
    if status.st_size > _MAX_BYTES:
        return "too large to be read"
    return full.read_bytes()


def replace_file(directory: Path, path: str, *, before: bytes, after: bytes) -> None:
    """Put new content in the place of a file, whole or not at all, with its mode kept.

    Raises ChangedMeanwhile if the file is not what it was, and NeedsOperator if it cannot be written.
    """
    full = directory / path
    try:
        if read_file(directory, path) != before:
            raise ChangedMeanwhile(path)
        handle, name = tempfile.mkstemp(dir=full.parent, prefix=f".{full.name}.")
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(after)
            new.chmod(stat.S_IMODE(full.stat().st_mode))
            new.replace(full)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NeedsOperator(f"{path} cannot be written: {error.strerror or error}") from error
