"""A world for whole rounds: a git server and a forge on the same bare repository, and settings that name them.

All of it is real HTTP on loopback, with logins. A test brings the registry.
"""

import contextlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagebot.cli.once import run_once
from imagebot.demo.registry import LoopbackRegistry
from imagebot.registry.pacing import Pacing
from tests.servers.contract import Contract
from tests.servers.faulty_registry import FaultyRegistry
from tests.servers.forge_project import StoredMergeRequest
from tests.servers.forges import start_forge
from tests.servers.gitserver import GitServer, find_head, git, read_branch, seed
from tests.servers.loopback_forge import TOKEN, LoopbackForge, NoForge

PROJECT = "acme/infra"
POLICY = b"""\
version: 1
images:
  - image: "*"
    policy: {semver: minor}
"""
BOT, BOT_PASSWORD = "bot", "git-s3cret"
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SECRETS = {"GIT_PASSWORD": BOT_PASSWORD, "FORGE_TOKEN": TOKEN, "REGISTRY_PASSWORD": "s3cret"}


@dataclass(frozen=True, slots=True)
class Ran:
    """What one `imagebot once` came to: its exit code, and for each target what `--format json` printed of it."""

    exit_code: int
    targets: Mapping[str, Mapping[str, Any]]

    def actions(self, target: str = "infra") -> dict[str, str]:
        """Return what was done, by branch."""
        return {result["branch"]: result["action"] for result in self.targets[target]["results"]}

    def details(self, target: str = "infra") -> dict[str, str]:
        """Return what was said about what was done, by branch."""
        return {result["branch"]: result["detail"] for result in self.targets[target]["results"]}

    def __getitem__(self, key: str) -> Any:
        """Return one field of what was printed of the world's own target."""
        return self.targets["infra"][key]


@dataclass
class World:
    """What stands ready. The settings are written anew for every run, from what is here; `now` is moved by tests."""

    folder: Path
    git: GitServer
    forge: LoopbackForge | NoForge
    bare: Path
    registries: dict[str, object] = field(default_factory=dict)
    targets: list[dict[str, Any]] = field(default_factory=list)
    author: dict[str, str] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    now: datetime = NOW
    pacing: Pacing | None = None
    """By what registries are paced; None is by this machine's clock."""

    @property
    def gitlab(self) -> LoopbackForge:
        """The forge, for tests that are about one with merge requests."""
        assert isinstance(self.forge, LoopbackForge)
        return self.forge

    def commit(self, files: Mapping[str, bytes | None], *, branch: str = "main") -> str:
        return seed(self.bare, files, branch=branch)

    def read(self, branch: str = "main") -> dict[str, bytes]:
        return read_branch(self.bare, branch)

    def git_head(self, branch: str) -> str | None:
        return find_head(self.bare, branch)

    def amend(self, branch: str, files: Mapping[str, bytes | None]) -> str:
        """Put other files into the last commit of a branch, its message and author kept, as a person would."""
        message, parent = self.read_message(branch), f"{branch}^"
        author = git(self.bare, "log", "-1", "--format=%an <%ae>", branch).decode().strip()
        self.set_head(f"{branch}.amended", git(self.bare, "rev-parse", parent).decode().strip())
        oid = seed(self.bare, files, branch=f"{branch}.amended", message=message, author=author)
        git(self.bare, "update-ref", "-d", f"refs/heads/{branch}.amended")
        self.set_head(branch, oid)
        return oid

    def set_head(self, branch: str, oid: str) -> None:
        git(self.bare, "update-ref", f"refs/heads/{branch}", oid)

    def delete_head(self, branch: str) -> None:
        git(self.bare, "update-ref", "-d", f"refs/heads/{branch}")

    def read_message(self, branch: str) -> str:
        return git(self.bare, "cat-file", "commit", branch).decode().partition("\n\n")[2]

    def count_commits(self, branch: str) -> int:
        """Count the commits that a branch has and main has not."""
        return int(git(self.bare, "rev-list", "--count", branch, "^main"))

    def only_request(self) -> StoredMergeRequest:
        (request,) = self.forge.merge_requests.values()
        return request

    def count_writes(self) -> int:
        """Count what was sent to change anything: at the forge, and pushes to the git repo."""
        return len(self.forge.writes) + sum(each.is_push for each in self.git.requests)

    def forget(self) -> None:
        """Delete all that imagebot keeps between two runs."""
        shutil.rmtree(self.folder / "data")

    def write_settings(self) -> Path:
        path = self.folder / "imagebot.yaml"
        settings = {
            "data_dir": str(self.folder / "data"),
            "docker_config": None,
            "author": self.author,
            "registries": self.registries,
            "targets": self.targets,
            **self.settings,
        }
        path.write_text(json.dumps(settings))  # JSON is YAML
        return path

    def run(self, *, is_dry: bool = False) -> Ran:
        """Run `imagebot once` at this world's instant, in this process, where the contract is watched."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exit_code = run_once(self.write_settings(), is_dry=is_dry, as_json=True, now=self.now, pacing=self.pacing)
        return Ran(exit_code, {each["target"]: each for each in json.loads(printed.getvalue())})


@contextmanager
def make_world(folder: Path, contract: Contract | None, *, forge: str = "gitlab") -> Iterator[World]:
    """Start git server and forge for one project, `acme/infra`, which is the target `infra`.

    `forge` is gitlab, github, gitea, forgejo, or git for none. At the end nothing was sent that the forge would ignore,
    and every request and answer fits its description, where one is given.
    """
    with ExitStack() as stack:
        git = stack.enter_context(GitServer(folder / "repos", users={BOT: BOT_PASSWORD}))
        bare = git.create(PROJECT)
        server = stack.enter_context(start_forge(forge, bare, contract))
        world = World(folder, git, server, bare)
        if isinstance(server, LoopbackForge):
            server.project.clock = lambda: world.now
        world.targets.append(make_target("infra", git.url(PROJECT), server))
        yield world


def make_target(name: str, url: str, forge: LoopbackForge | NoForge | None) -> dict[str, Any]:
    """Write one target's settings; without a forge its branches are its proposals."""
    login = {"username": BOT, "password": {"env": "GIT_PASSWORD"}}
    settings = NoForge.settings if forge is None else forge.settings
    return {"name": name, "url": url, "plain_http": True, "forge": dict(settings), **login}


def make_policy(rules: str) -> bytes:
    """Write a policy file of one entry for all images, with these rules."""
    return f'version: 1\nimages:\n  - {{image: "*", {rules}}}\n'.encode()


def make_pod(registry: LoopbackRegistry | FaultyRegistry, path: str, tag: str = "1.0.0") -> bytes:
    return f"kind: Pod\nspec:\n  containers:\n  - image: {registry.address}/{path}:{tag}\n".encode()


def branch_of(registry: LoopbackRegistry | FaultyRegistry, path: str) -> str:
    """Return the branch on which imagebot proposes an image of `GROUP/NAME`, without hyphens."""
    return f"imagebot/{registry.address.replace(':', '_')}-{path.replace('/', '-')}"
