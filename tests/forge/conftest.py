"""A loopback GitLab over a small bare repository, and a GitLabForge that talks to it without ever sleeping."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebot.forge import Forge, ForgeProject
from imagebot.forge.gitlab import GitLabForge
from imagebot.secret import Secret
from tests.servers.contract import Contract
from tests.servers.forges import load_contract, start_forge
from tests.servers.loopback_forge import TOKEN, LoopbackForge

BRANCH = "imagebot/nginx"

Push = Callable[..., None]
Connect = Callable[..., Forge]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "infra.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
    return path


@pytest.fixture
def push(repository: Path) -> Push:
    """Return a function that commits files to a branch of the repository, on top of another branch if one is named."""

    def push(branch: str, files: Mapping[str, str], *, onto: str | None = None) -> None:
        commit = f"commit refs/heads/{branch}\ncommitter person <person@example.com> 0 +0000\ndata 6\nchange\n"
        start = f"from refs/heads/{onto}\n" if onto else ""
        changes = "".join(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items())
        stream = (commit + start + changes).encode()
        subprocess.run(
            ["git", "--git-dir", str(repository), "fast-import", "--quiet", "--force"], input=stream, check=True
        )

    return push


@pytest.fixture(scope="session")
def contract() -> Contract | None:
    return load_contract("gitlab")


@pytest.fixture
def server(repository: Path, push: Push, contract: Contract | None) -> Iterator[LoopbackForge]:
    """A GitLab whose project has the branches `main` and BRANCH."""
    push("main", {"app.yaml": "image: nginx:1.2"})
    push(BRANCH, {"app.yaml": "image: nginx:1.3"}, onto="main")
    with start_forge("gitlab", repository, contract) as server:
        assert isinstance(server, LoopbackForge)
        yield server


@pytest.fixture
def waits() -> list[float]:
    """The seconds the forge would have waited."""
    return []


@pytest.fixture
def connect(server: LoopbackForge, waits: list[float]) -> Iterator[Connect]:
    """Return a function that makes a forge for the server's project; its arguments replace what is usual."""
    with ExitStack() as stack:

        def connect(
            *, url: str = server.url, path: str = "acme/infra", token: str = TOKEN, timeout_s: float = 10
        ) -> GitLabForge:
            project = ForgeProject(url, path, Secret(token), plain_http=True)
            return stack.enter_context(GitLabForge(project, timeout_s=timeout_s, wait=waits.append))

        yield connect


@pytest.fixture
def forge(connect: Connect) -> Forge:
    return connect()
