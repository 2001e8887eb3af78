"""A story of one config repository and its registry, told the same way whichever forge it has.

    story.push("api", "1.0.0", "1.1.0")      # tags of acme/api
    story.write("api.yaml", api="1.0.0")     # a file of main that names them
    story.run()                              # one `imagebot once`
    story.close(story.branch("api"))         # what people do

A story that forgets deletes what imagebot keeps after every run: that must make no difference.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.once import Once
from imagebot.settings.operator import load_settings
from imagebot.store.store import Store
from tests.servers.contract import Contract
from tests.servers.forge_project import StoredMergeRequest
from tests.servers.gitserver import git, list_heads, seed
from tests.servers.loopback_forge import LoopbackForge
from tests.stories.world import POLICY, Ran, World, make_world

# What no forge has a part in is told on one.
ONE_STORY = pytest.mark.parametrize("story", ["gitlab"], indirect=True)
ONE_OF_ANY = pytest.mark.parametrize("any_story", ["gitlab"], indirect=True)


@dataclass
class Story:
    """One world, the registry beside it, and whether it forgets; after the last run nothing is left to do."""

    world: World
    registry: LoopbackRegistry
    kind: str
    is_forgetful: bool = False
    is_unsettled: bool = False
    """Set by a story at whose end something is left to be done by the next round."""
    undescribed: tuple[str, ...] = ()
    """What the forge's description leaves out, of what this story is about: words of the contract's faults."""
    ran: list[Ran] = field(default_factory=list)

    @property
    def forge(self) -> LoopbackForge:
        """The forge, of a story that has merge requests."""
        assert isinstance(self.world.forge, LoopbackForge)
        return self.world.forge

    @property
    def has_requests(self) -> bool:
        return self.kind != "git"

    # What there is

    def push(self, name: str, *tags: str) -> None:
        for tag in tags:
            push_image(self.registry.address, f"acme/{name}", tag)

    def image(self, name: str, tag: str) -> str:
        return f"{self.registry.address}/acme/{name}:{tag}"

    def render(self, **tags: str) -> bytes:
        """Write a file that names images of these names at these tags."""
        lines = [f"  - image: {self.image(name, tag)}\n" for name, tag in tags.items()]
        return "".join(["kind: Pod\nspec:\n  containers:\n", *lines]).encode()

    def write(self, path: str, *, branch: str = "main", **tags: str) -> None:
        self.world.commit({path: self.render(**tags)}, branch=branch)

    def set_policy(self, requests: str = "", *, branch: str = "main", policy: bytes = POLICY) -> None:
        """Write a policy file in which `merge_requests` says this."""
        more = f"merge_requests: {{{requests}}}\n".encode() if requests else b""
        self.world.commit({".imagebot.yaml": policy + more}, branch=branch)

    def branch(self, name: str) -> str:
        """Name the branch on which an image is proposed by itself."""
        return f"imagebot/{self.registry.address.replace(':', '_')}-acme-{name}"

    def read(self, branch: str, path: str) -> bytes:
        return self.world.read(branch)[path]

    @property
    def branches(self) -> set[str]:
        """The branches that are not main."""
        return set(list_heads(self.world.bare)) - {"main"}

    def request(self, branch: str) -> StoredMergeRequest:
        """Return the newest merge request from the branch."""
        return max((each for each in self._requests() if each.branch == branch), key=lambda each: each.number)

    @property
    def open(self) -> set[str]:
        """What is proposed now: the branches of open merge requests, or where there are none all of imagebot's."""
        if not self.has_requests:
            return {branch for branch in self.branches if branch.startswith("imagebot/")}
        return {each.branch for each in self._requests() if each.state == "opened"}

    def _requests(self) -> list[StoredMergeRequest]:
        return list(self.world.forge.merge_requests.values()) if self.has_requests else []

    # What happens

    def run(self, *, is_dry: bool = False) -> Ran:
        ran = self.world.run(is_dry=is_dry)
        self.ran.append(ran)
        if self.is_forgetful:
            self.forget_store()
        return ran

    def run_other(self) -> list[str]:
        """Run as another worker with a memory of its own; return what was done. It may be in the middle of a run."""
        settings = load_settings(self.world.write_settings(), os.environ)
        settings = settings.model_copy(update={"data_dir": self.world.folder / "other"})
        with Store.open(settings.data_dir / "store.sqlite") as store:
            outcomes = Once(settings, store, self.world.now, lambda *_: None).run()
        return [result.action.value for outcome in outcomes for result in outcome.results]

    def forget_store(self) -> None:
        """Delete the store, with what SQLite keeps beside it."""
        for file in (self.world.folder / "data").glob("store.sqlite*"):
            file.unlink()

    def act(self) -> dict[str, str]:
        """Run, and return what was done, by branch."""
        return self.run().actions()

    def commit(self, files: Mapping[str, bytes | None], *, branch: str = "main") -> str:
        return seed(self.world.bare, files, branch=branch)

    def close(self, branch: str) -> None:
        self.forge.close(self.request(branch).number)

    def reopen(self, branch: str) -> None:
        self.forge.reopen(self.request(branch).number)

    def merge(self, branch: str, *, leaves_branch: bool = False) -> None:
        """Merge as people do: with the button, or with git where there is none."""
        if self.has_requests:
            request = self.request(branch)
            if leaves_branch:
                request.removes_branch = False
            self.forge.merge(request.number)
            return
        self.merge_into("main", branch)

    def merge_into(self, branch: str, other: str) -> None:
        """Merge another branch into a branch with git."""
        heads = list_heads(self.world.bare)
        tree = git(self.world.bare, "merge-tree", "--write-tree", heads[branch], heads[other]).decode().strip()
        who = ("-c", "user.name=person", "-c", "user.email=person@example.com")
        parents = ("-p", heads[branch], "-p", heads[other])
        merged = git(self.world.bare, *who, "commit-tree", tree, *parents, "-m", "Merge")
        self.world.set_head(branch, merged.decode().strip())

    def forgive(self) -> None:
        """Let nothing go wrong any more."""
        self.world.git.fault = lambda _: None
        self.forge.fault = lambda _: None
        self.forge._rules.clear()

    def count_requests(self) -> int:
        return len(self.world.forge.requests)

    def is_pardoned(self, fault: str) -> bool:
        return any(words in fault for words in self.undescribed)

    def settle(self) -> None:
        """See that one more round finds nothing to do."""
        if self.is_unsettled:
            return
        before = self.world.count_writes()
        again = self.world.run()
        assert self.world.count_writes() == before, again.actions()


@contextmanager
def tell_story(folder: Path, forge: str, contract: Contract | None, *, is_forgetful: bool = False) -> Iterator[Story]:
    with make_world(folder, contract, forge=forge) as world, LoopbackRegistry() as registry:
        world.registries[registry.address] = {"plain_http": True}
        world.commit({".imagebot.yaml": POLICY})
        story = Story(world, registry, forge, is_forgetful)
        yield story
        story.settle()
        if contract is not None:
            contract.faults[:] = [
                each for each in contract.faults if not any(map(each.__contains__, story.undescribed))
            ]
