"""A git server with one project, mirrors of it, and the shortest ways to look into them."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebot.git import GitRemote, GitRepo, Oid, Signature
from imagebot.secret import Secret
from tests.servers.gitserver import GitServer, seed

TOKEN = "glpat-Zq8-very-secret"
AUTHOR = Signature("imagebot", "imagebot@example.org")
REAL_GIT = shutil.which("git")
FILES = {"app.yaml": b"image: nginx:1.2\n", "docs/README": b"hello\n"}

Opener = Callable[..., GitRepo]


def fetch_main(repo: GitRepo) -> Oid:
    return repo.fetch(["main"], depth=1)["main"]


def read_files(repo: GitRepo, commit: Oid) -> dict[str, bytes]:
    """Read every file of a commit through the mirror."""
    files = repo.list_files(commit)
    blobs = repo.read_blobs([file.oid for file in files])
    return {file.path: blobs[file.oid] for file in files}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """Serve acme/infra, with two files on main, to `bot` and to `reader`, who may not push."""
    with GitServer(tmp_path / "served", users={"bot": TOKEN, "reader": TOKEN}) as server:
        server.readonly.add("reader")
        seed(server.create("acme/infra"), FILES)
        yield server


@pytest.fixture
def upstream(server: GitServer) -> Path:
    """Return the bare repository that the server shows as acme/infra."""
    return server.path("acme/infra")


@pytest.fixture
def open_repo(server: GitServer, tmp_path: Path) -> Iterator[Opener]:
    """Return a function that opens mirrors: of the server's acme/infra as bot, or as the arguments say."""
    with ExitStack() as opened:

        def open_repo(
            url: str | None = None, *, name: str = "mirror", timeout_s: float = 20, **remote: object
        ) -> GitRepo:
            settings: dict[str, object] = {
                "url": url or server.url("acme/infra"),
                "username": "bot",
                "password": Secret(TOKEN),
                "plain_http_hosts": frozenset({"127.0.0.1"}),
            }
            made = GitRemote(**(settings | remote))  # type: ignore[arg-type]
            return opened.enter_context(GitRepo(tmp_path / name, made, author=AUTHOR, timeout_s=timeout_s))

        yield open_repo


@pytest.fixture
def repo(open_repo: Opener) -> GitRepo:
    return open_repo()


@pytest.fixture
def put_git_on_path(tmp_path, monkeypatch):
    """Return a function that puts a shell script in the place of git."""

    def put(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put
