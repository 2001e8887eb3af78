"""Looking at a target of 10,000 files: for the first time, again, and after one file has changed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from imagebot.git import GitRemote, GitRepo, Signature
from imagebot.look import Look, look
from imagebot.proposal.survey import Governed
from imagebot.settings.operator import TargetSettings
from imagebot.store.store import Store
from tests.bench.repository import write_repository
from tests.servers.gitserver import seed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Looking:
    """A target, its mirror and the store; what changes it does so at the server."""

    target: TargetSettings
    upstream: Path
    mirror: GitRepo
    mirror_path: Path
    store: Store
    changes: int = 0

    def look_without_memory(self) -> Look:
        return self._look(None)

    def look_again(self) -> Look:
        return self._look(self.store)

    def look_again_at_all(self) -> tuple[Governed, ...]:
        """Look again, and make the places of all images too, as a round does in which some are to be chosen for."""
        return tuple(self.look_again().survey.governed)

    def _look(self, store: Store | None) -> Look:
        return look(self.target, git=self.mirror, store=store, now=NOW)

    def change_one_file(self) -> None:
        self.changes += 1
        text = b"image: registry.example.org/team1/service-001:1.0.%d\n" % self.changes
        seed(self.upstream, {"clusters/env-0/app-0000/0-deployment.yaml": text})

    def list_tree(self) -> None:
        """Run what any look at an unknown tree has to run."""
        self._run("ls-tree", "-r", "--full-tree", "refs/imagebot/main")

    def ask_and_list_tree(self) -> None:
        """Ask the server for its branches, and list the tree, as a program does that remembers nothing."""
        self._run("ls-remote", "--heads", f"file://{self.upstream}")
        self.list_tree()

    def change_and_look(self) -> Look:
        self.change_one_file()
        return self.look_again()

    def _run(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", str(self.mirror_path), *arguments], capture_output=True, check=True)


@contextmanager
def open_target(folder: Path) -> Iterator[Looking]:
    """Make the repository and a store that remembers its head."""
    upstream = folder / "infra.git"
    write_repository(upstream)
    author = Signature("bench", "bench@example.org")
    remote = GitRemote(url=f"file://{upstream}")
    with (
        GitRepo(folder / "mirror", remote, author=author, timeout_s=120) as mirror,
        Store.open(folder / "store.sqlite") as store,
    ):
        target = TargetSettings.model_validate({"name": "bench", "url": f"file://{upstream}"})
        looking = Looking(target, upstream, mirror, folder / "mirror", store)
        looking.look_again()
        yield looking
