"""A loopback forge of each kind over a small bare repository, and a client for it that never sleeps.

What is claimed of all forges is tested on all: `kind` runs through them. A module about one says so with a `kind` of
its own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from imagebot.forge import Forge, ForgeProject
from imagebot.forge.gitea import GiteaForge
from imagebot.forge.github import GitHubForge
from imagebot.forge.gitlab import GitLabForge
from imagebot.secret import Secret
from tests.servers.contract import Contract
from tests.servers.forges import FORGES, load_contract, start_forge
from tests.servers.gitserver import create_repo, git, seed
from tests.servers.loopback_forge import TOKEN, LoopbackForge

BRANCH = "imagebot/nginx"
CLIENTS: Mapping[str, Any] = {
    "gitlab": GitLabForge,
    "github": GitHubForge,
    "gitea": GiteaForge,
    "forgejo": GiteaForge,
}

Push = Callable[..., str]
Connect = Callable[..., Forge]

_load_contract = cache(load_contract)


@pytest.fixture(params=FORGES)
def kind(request: pytest.FixtureRequest) -> str:
    """The forge a test is about."""
    return str(request.param)


@pytest.fixture
def contract(kind: str) -> Contract | None:
    return _load_contract(kind)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return create_repo(tmp_path / "infra.git")


@pytest.fixture
def push(repository: Path) -> Push:
    """Return a function that commits files to a branch, which is made of `onto` if that is named."""

    def push(branch: str, files: Mapping[str, str], *, onto: str | None = None) -> str:
        if onto:
            git(repository, "update-ref", f"refs/heads/{branch}", f"refs/heads/{onto}")
        return seed(repository, {path: text.encode() for path, text in files.items()}, branch=branch)

    return push


@pytest.fixture
def server(kind: str, repository: Path, push: Push, contract: Contract | None) -> Iterator[LoopbackForge]:
    """A forge whose project has the branches `main` and BRANCH."""
    push("main", {"app.yaml": "image: nginx:1.2"})
    push(BRANCH, {"app.yaml": "image: nginx:1.3"}, onto="main")
    with start_forge(kind, repository, contract) as server:
        assert isinstance(server, LoopbackForge)
        yield server


@pytest.fixture
def waits() -> list[float]:
    """The seconds the client would have waited."""
    return []


@pytest.fixture
def connect(kind: str, server: LoopbackForge, waits: list[float]) -> Iterator[Connect]:
    """Return a function that makes a client for the server's project; its arguments replace what is usual."""
    with ExitStack() as stack:

        def connect(
            *, url: str = server.url, path: str = "acme/infra", token: str = TOKEN, timeout_s: float = 10, **others: Any
        ) -> Forge:
            project = ForgeProject(url, path, Secret(token), plain_http=True)
            made: Forge = CLIENTS[kind](project, timeout_s=timeout_s, wait=waits.append, **others)
            return stack.enter_context(made)

        yield connect


@pytest.fixture
def forge(connect: Connect) -> Forge:
    return connect()
