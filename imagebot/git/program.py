"""One run of the git program: its environment, its limits, and its end.

Git sees nothing of the machine's or the user's configuration and asks nobody anything; what it prints has a limit, and
if it does not end in time it is killed with all that it started. What its exit status means is for others to say.
"""

import os
import re
import select
import selectors
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imagebot.errors import NeedsOperator
from imagebot.git.faults import GitUnavailable

OLDEST_VERSION = (2, 34)

OUTPUT_LIMIT_BYTES = 64 * 2**20
_PIECE_BYTES = 65536
_GRACE_S = 2.0

_PASSED_ON = (
    "PATH", "TMPDIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip

_CONFIG = (
    ("core.hooksPath", "/dev/null"),
    ("gc.auto", "0"),  # a collection in the background would race with the next command
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("credential.helper", ""),
    ("http.followRedirects", "false"),  # a redirect would take the credential to where it leads
)


class UnusableGit(NeedsOperator):
    """There is no git program on PATH, or one that does not start or is too old."""

    def __init__(self, found: str) -> None:
        oldest = ".".join(map(str, OLDEST_VERSION))
        super().__init__(f"{found}; imagebot needs git {oldest} or newer on PATH")
        self.found = found


class OutputTooLarge(NeedsOperator):
    """Git printed more than is read: the repository is absurdly large, or built to exhaust whoever reads it."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"git printed more than {limit_bytes} bytes: the repository is too large")
        self.limit_bytes = limit_bytes


@dataclass(frozen=True, slots=True)
class Completed:
    """What a run of git left: its exit status and what it printed."""

    status: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class GitProgram:
    """Runs git with one environment, on behalf of a repository at an URL."""

    url: str
    environment: Mapping[str, str]
    timeout_s: float
    # Git and its children hold the mirror's lock as well: whoever gets it next knows that none of them still writes.
    lock_fd: int | None = None

    def run(self, *arguments: str, stdin: bytes = b"", limit_bytes: int = OUTPUT_LIMIT_BYTES) -> Completed:
        """Run one git command to its end, whatever its exit status.

        Raises GitUnavailable after `timeout_s`, OutputTooLarge after `limit_bytes`, UnusableGit if git does not start.
        """
        deadline = time.monotonic() + self.timeout_s
        with self._start(arguments) as process:
            try:
                stdout, stderr = _exchange(process, stdin, limit_bytes=limit_bytes, deadline=deadline)
                return Completed(process.wait(_GRACE_S), stdout, stderr)
            except (TimeoutError, subprocess.TimeoutExpired):
                _kill_group(process)
                raise GitUnavailable(self.url, f"git {arguments[0]} took longer than {self.timeout_s:g} s") from None
            except BaseException:
                _kill_group(process)
                raise

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["git", *arguments],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=() if self.lock_fd is None else (self.lock_fd,),
                start_new_session=True,  # one group to kill, and no terminal on which ssh could ask
            )
        except FileNotFoundError:
            raise UnusableGit("there is no git program") from None
        except OSError as error:
            raise UnusableGit(f"git cannot be started: {error.strerror}") from error

    def require_version(self) -> None:
        """Raise UnusableGit unless git is there and not older than OLDEST_VERSION."""
        printed = self.run("version").stdout.decode(errors="replace").strip()
        version = re.search(r"(\d+)\.(\d+)", printed)
        if not version or (int(version[1]), int(version[2])) < OLDEST_VERSION:
            raise UnusableGit(f"this is {printed or 'no git'!r}")


def make_environment(
    repo: Path, *, config: Iterable[tuple[str, str]] = (), variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return all the environment that git gets for a repository: PATH and proxies of ours, and what is given here."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {
        "GIT_DIR": str(repo),
        "HOME": str(repo),  # unset, libcurl would look up the user's own home and read .netrc there
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        **(variables or {}),
    }
    pairs = (*_CONFIG, *config)
    environment["GIT_CONFIG_COUNT"] = str(len(pairs))
    for index, (key, value) in enumerate(pairs):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def _exchange(
    process: subprocess.Popen[bytes], stdin: bytes, *, limit_bytes: int, deadline: float
) -> tuple[bytes, bytes]:
    """Feed git its input while reading both of its outputs to their ends.

    `Popen.communicate` does the same without a limit, but a dozen objects can make a tree that lists for ever.
    """
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - all three are pipes
    unwritten = memoryview(stdin)
    outputs = {pipe.fileno(): bytearray() for pipe in (process.stdout, process.stderr)}
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdin, selectors.EVENT_WRITE)
        for fd in outputs:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in _wait(selector, deadline=deadline):
                if key.fileobj is process.stdin:
                    unwritten = _write_some(key.fd, unwritten)
                    if not unwritten:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                elif piece := os.read(key.fd, _PIECE_BYTES):
                    outputs[key.fd] += piece
                else:
                    selector.unregister(key.fd)
            if sum(map(len, outputs.values())) > limit_bytes:
                raise OutputTooLarge(limit_bytes)
    stdout, stderr = outputs.values()
    return bytes(stdout), bytes(stderr)


def _wait(selector: selectors.BaseSelector, *, deadline: float) -> list[tuple[selectors.SelectorKey, int]]:
    left_s = deadline - time.monotonic()
    ready = selector.select(left_s) if left_s > 0 else []
    if not ready:
        raise TimeoutError
    return ready


def _write_some(fd: int, unwritten: memoryview) -> memoryview:
    """Write as much as a ready pipe takes without waiting; nothing is left for a reader that is gone."""
    try:
        return unwritten[os.write(fd, unwritten[: select.PIPE_BUF]) :]
    except BrokenPipeError:
        return memoryview(b"")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End git and all that it started; first politely, so that it removes its lock files."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
