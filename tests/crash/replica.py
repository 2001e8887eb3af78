"""A real `imagebot run` that is killed in the middle of what it does, and what it leaves behind."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

_LIMIT_S = 60.0


class Replica:
    """One process, and what it has logged. It ends by `kill`, at the latest with the `with` block."""

    def __init__(self, settings_file: Path) -> None:
        self.name = settings_file.stem
        self.events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._is_over = False
        environment = {
            **os.environ,
            "HOME": str(settings_file.parent),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "IMAGEBOT_SETTINGS": str(settings_file),
        }
        command = [sys.executable, "-m", "imagebot", "run"]
        self.process = subprocess.Popen(command, env=environment, cwd=settings_file.parent, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Replica":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(is_alone=False)

    def wait_for(self, *names: str) -> dict[str, Any]:
        """Wait until it has logged one of these events, and return the first of them."""

        def find() -> list[dict[str, Any]]:
            return [event for event in self.events if event["event"] in names]

        with self._changed:
            self._changed.wait_for(lambda: find() or self._is_over, _LIMIT_S)
            found = find()
        assert found, f"it logs none of {names}: {self.events[-5:]}"
        return found[0]

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds, which is looked at whenever a line is logged."""
        with self._changed:
            assert self._changed.wait_for(holds, _LIMIT_S), self.events[-5:]

    def look_no_more(self) -> None:
        """Let whoever waits for an event wait no more."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def get(self, path: str) -> Any:
        """Read JSON from its web server."""
        url = self.wait_for("service_started")["url"]
        return requests.get(f"{url}{path}", timeout=_LIMIT_S).json()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it stand still, once what it has asked git for is done."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            while not all(map(_has_ended, _list_children(self.process.pid))):
                pass
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def kill(self, *, is_alone: bool) -> None:
        """Kill it, and if not alone all that it started, as the end of a container does."""
        children = [] if is_alone else _list_children(self.process.pid)
        self.process.kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.wait(_LIMIT_S)
        self._reader.join(_LIMIT_S)

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                # The kill may cut the last line short.
                with suppress(ValueError), self._changed:
                    self.events.append(json.loads(line))
                    self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


def _list_children(pid: int) -> list[int]:
    """List the processes below this one."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_list_children(int(child))]
    return found


def _has_ended(pid: int) -> bool:
    """Whether the process is gone, or waits only for its parent to notice that it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@contextmanager
def no_git_at_work(data_dir: Path) -> Iterator[None]:
    """Wait for what git may still do for a process that was killed: it holds the lock of its mirror."""
    files = [path.open("ab") for path in sorted(data_dir.glob("git/*.lock"))]
    try:
        for file in files:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        for file in files:
            file.close()


def list_leavings(data_dir: Path) -> list[str]:
    """List what killed gits left in the mirrors that would stop or slowly fill them."""
    mirrors = [path for path in data_dir.glob("git/*") if path.is_dir()]
    found = [each for mirror in mirrors for name in ("*.lock", "tmp_*", "imagebot-*") for each in mirror.rglob(name)]
    return sorted(str(each) for each in found if "refs/heads" not in str(each))
