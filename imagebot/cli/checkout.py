"""The files of a checkout: listed as git sees them, read without following links, replaced by rename.

In a git work tree these are the files git tracks and those it would not ignore, so that a preview shows what an update
would; elsewhere, or where there is no git, all files below the folder.
"""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from imagebot.errors import InvalidInput, NeedsOperator
from imagebot.proposal.survey import Unread
from imagebot.yamledit.scan import MAX_BYTES

LINK = "a symbolic link, which is not followed"
FOLDER = "a folder or submodule"

_GIT_TIMEOUT_S = 60
_GIT_OPTIONS = (
    # In a container the checkout often belongs to another user. Nothing it holds is run by listing its files: ...
    "safe.directory=*",
    # ... but for the file system monitor, a program that the checkout's own configuration names.
    "core.fsmonitor=false",
)


class Unlistable(NeedsOperator):
    """The folder is in a git work tree whose files git does not list; `reason` is what git says."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"git cannot list the files of {directory}: {reason}")
        self.directory = directory
        self.reason = reason


class ChangedMeanwhile(InvalidInput):
    """A file is not what it was when it was read; it is left as it is now."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} was changed by someone else meanwhile, and is left as it is")
        self.path = path


def find_work_tree(directory: Path) -> Path | None:
    """Find the root of the git work tree that the folder is in, by the `.git` there."""
    full = directory.resolve()
    return next((folder for folder in (full, *full.parents) if os.path.lexists(folder / ".git")), None)


def list_paths(directory: Path) -> tuple[str, ...]:
    """List the paths of all files below the directory, relative and with `/`, in order; `.git` is left out.

    Bytes that are not UTF-8 are surrogates. Raises Unlistable.
    """
    if find_work_tree(directory) is None:
        return _walk(directory)
    options = [word for option in _GIT_OPTIONS for word in ("-c", option)]
    command = ["git", "-C", str(directory), *options, "ls-files", "-z", "-co", "--exclude-standard"]
    # A git hook or alias that runs us names its own repository and index in such variables.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        listed = subprocess.run(command, capture_output=True, check=False, timeout=_GIT_TIMEOUT_S, env=environment)
    except FileNotFoundError:
        return _walk(directory)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unlistable(directory.resolve(), str(error)) from error
    if listed.returncode != 0:
        raise Unlistable(directory.resolve(), listed.stderr.decode(errors="replace").strip())
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
        except (FileNotFoundError, NotADirectoryError):
            continue  # tracked by git, and deleted in the work tree
        except OSError as error:
            content = error.strerror or str(error)
        if isinstance(content, bytes):
            files[path] = content
        else:
            shown = os.fsencode(path).decode(errors="backslashreplace")
            unread.append(Unread(shown, None, None, content))
    return files, tuple(unread)


def read_file(directory: Path, path: str) -> bytes | str:
    """Read one file, or return why it is not read. Raises OSError."""
    if has_odd_name(path):
        return "a file whose name is not UTF-8, which is not read"
    full = directory / path
    folders = [directory / folder for folder in PurePosixPath(path).parents][:-1]
    status = full.lstat()
    if stat.S_ISLNK(status.st_mode) or any(folder.is_symlink() for folder in folders):
        return LINK
    if stat.S_ISDIR(status.st_mode):
        return FOLDER
    if not stat.S_ISREG(status.st_mode):
        return "a device, socket or pipe"
    if status.st_size > MAX_BYTES:
        return "a file too large to be read"
    return full.read_bytes()


def has_odd_name(path: str) -> bool:
    """Say whether the path is not UTF-8, by the surrogates that stand for its bytes."""
    return any("\ud800" <= character <= "\udfff" for character in path)


def replace_file(directory: Path, path: str, *, before: bytes, after: bytes) -> None:
    """Put new content in the place of a file, whole or not at all, with its mode and if possible its owner kept.

    Raises ChangedMeanwhile if the file is not what it was, and NeedsOperator if it cannot be written.
    """
    full = directory / path
    try:
        if read_file(directory, path) != before:
            raise ChangedMeanwhile(path)
        # A name of its own, and short: the file's may be as long as names can be.
        handle, name = tempfile.mkstemp(dir=full.parent, prefix=".imagebot-")
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(after)
            status = full.stat()
            with suppress(OSError):
                os.chown(new, status.st_uid, status.st_gid)
            new.chmod(stat.S_IMODE(status.st_mode))
            new.replace(full)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except FileNotFoundError:
        raise ChangedMeanwhile(path) from None
    except OSError as error:
        raise NeedsOperator(f"{path} cannot be written: {error.strerror or error}") from error
