"""A throwaway PostgreSQL on loopback, and an empty database in it for each test.

    with PostgresServer() as server:
        with server.make_database() as url:     # postgresql://imagebot:...@127.0.0.1:PORT/test_1
            server.stop()                       # at once, as when its machine fails: no client is told
            server.start()                      # on the same port, with all that was committed

Tests take the fixtures `database` (the URL) and `postgres` (the server), which starts once for each worker of pytest.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from tests.programs import require_program

USER, PASSWORD = "imagebot", "s3cret-of-the-database"

_START_LIMIT_S = 30.0
_READY = "database system is ready to accept connections"
# Nothing that it holds has to survive the machine, and everything has to be quick.
_SETTINGS = (
    "fsync=off", "full_page_writes=off", "autovacuum=off", "jit=off", "wal_level=minimal",
    "max_wal_senders=0", "shared_buffers=32MB", "max_connections=200", "unix_socket_directories=",
    "listen_addresses=127.0.0.1",
)  # fmt: skip


class PostgresServer:
    """Runs while inside `with`; skips the test where PostgreSQL is not installed."""

    def __init__(self, *, settings: Sequence[str] = ()) -> None:
        """Take further settings for it, each NAME=VALUE."""
        self._settings = (*_SETTINGS, *settings)
        self._programs = Path(require_program("postgres")).resolve().parent
        # It refuses to run as root.
        self._user = _find_user() if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self.port = 0

    def __enter__(self) -> Self:
        # Not below pytest's own folder, which is closed to other users.
        self._folder = Path(tempfile.mkdtemp(prefix="imagebot-postgres-"))
        try:
            if self._user is not None:
                shutil.chown(self._folder, self._user)
            self._make_cluster()
            self.port = _find_free_port()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process whose children serve the connections; it has to run."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it takes connections; nothing if it runs."""
        if self.is_running:
            return
        arguments = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), "-p", str(self.port)]
        for setting in self._settings:
            arguments += ["-c", setting]
        log_file = self._folder / "log"
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                arguments, stdout=log, stderr=subprocess.STDOUT, user=self._user, cwd=self._folder
            )
        ends_at = time.monotonic() + _START_LIMIT_S
        while _READY not in log_file.read_text(errors="replace"):
            if self._process.poll() is not None or time.monotonic() > ends_at:
                raise RuntimeError(f"PostgreSQL did not start:\n{log_file.read_text(errors='replace')}")
            time.sleep(0.01)  # of its 100 ms

    def stop(self) -> None:
        """End it at once, with every connection; nothing if it does not run."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    @contextmanager
    def make_database(self) -> Iterator[str]:
        """Make an empty database that is there inside `with`, and give its URL."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.start()
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            self.start()
            self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: sql.SQL | sql.Composed, *, database: str = "postgres") -> None:
        """Execute a statement as its administrator, outside of a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def _make_cluster(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(PASSWORD)
        if self._user is not None:
            shutil.chown(password_file, self._user)
        arguments = [str(self._programs / "initdb"), "-D", str(self._folder / "data"), "-U", USER, "--no-sync"]
        arguments += ["-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--locale=C"]
        subprocess.run(arguments, check=True, capture_output=True, user=self._user, cwd=self._folder, timeout=120)


def _find_user() -> str:
    """Find a user who is not root."""
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
