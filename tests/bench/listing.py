"""Tag lists: of 200 repositories, as whole processes, and of one with 200,000 tags; and what stands beside them."""

import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from imagebot.demo.push import push_image
from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.registry.page import Pages, parse_page
from imagebot.store.store import Store
from tests.servers.docker_registry import DockerRegistry

REPOSITORIES = 200
TAGS = 200_000
_PAGE = 1000
_NOW = datetime(2026, 9, 1, tzinfo=UTC)
_API = Repository("registry.example.org", "acme/api")

_OURS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from imagebot.image.reference import Repository
from imagebot.registry.client import Registries
from imagebot.registry.host import RegistryHost

address, *paths = sys.argv[1:]
hosts = {address: RegistryHost(address, plain_http=True)}
with Registries(hosts, timeout_s=30, user_agent="imagebot/bench") as registries, ThreadPoolExecutor(8) as pool:
    for listed in pool.map(lambda path: registries.list_tags(Repository(address, path)), paths):
        assert len(listed.tags) == 100
"""
_BARE = """
import sys
from concurrent.futures import ThreadPoolExecutor
import urllib3

address, *paths = sys.argv[1:]
manager = urllib3.PoolManager(maxsize=8)
with ThreadPoolExecutor(8) as pool:
    for answer in pool.map(lambda path: manager.request("GET", f"http://{address}/v2/{path}/tags/list?n=1000"), paths):
        assert answer.status == 200
"""


@dataclass(frozen=True, slots=True)
class Cost:
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """A real registry with 200 repositories of 100 tags."""

    address: str
    paths: Sequence[str]

    def list_tags(self) -> Cost:
        return _run(_OURS, self.address, *self.paths)

    def fetch(self) -> Cost:
        return _run(_BARE, self.address, *self.paths)


@contextmanager
def make_fleet(folder: Path) -> Iterator[Fleet]:
    paths = [f"team{number % 7}/app{number:03}" for number in range(REPOSITORIES)]
    with DockerRegistry(folder) as registry:
        digest = push_image(registry.address, "seed/app", "1.0.0")
        registry.write_tags("seed/app", (f"1.0.{number}" for number in range(1, 100)), digest)
        registry.copy_repository("seed/app", paths)
        fleet = Fleet(registry.address, paths)
        # What is compiled at the first start is there at the next.
        fleet.list_tags()
        fleet.fetch()
        yield fleet


def _run(program: str, *arguments: str) -> Cost:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, start = _read_cpu_s(), time.perf_counter()
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, env=environ)
    return Cost(time.perf_counter() - start, _read_cpu_s() - before)


def _read_cpu_s() -> float:
    """Read what all processes used that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make_pages() -> Sequence[bytes]:
    """Make the pages of a repository with 200,000 tags."""
    tags = sorted(f"{number % 30}.{number // 1000}.{number % 1000}-build.{number * 7919}" for number in range(TAGS))
    return [json.dumps({"name": "acme/api", "tags": tags[at : at + _PAGE]}).encode() for at in range(0, TAGS, _PAGE)]


def read_pages(pages: Sequence[bytes]) -> TagList:
    read = Pages(most=TAGS)
    for page in pages:
        read.add(parse_page(page, "registry.example.org"))
    return read.make_list()


def load_pages(pages: Sequence[bytes]) -> Sequence[object]:
    return [json.loads(page) for page in pages]


def measure_bytes(step: Callable[[], object]) -> int:
    """Return the most that was in use at a time, beyond what was before."""
    tracemalloc.start()
    kept = step()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return peak_bytes


@dataclass(slots=True)
class Again:
    """A store that holds the repository, which is listed again with nothing new."""

    store: Store
    listed: TagList
    polls: int = 0

    def keep_listing(self) -> None:
        self.polls += 1
        assert not self.store.keep_listing(_API, self.listed, at=_NOW + self.polls * timedelta(hours=1))

    def keep_snapshot(self) -> None:
        self.polls += 1
        self.store.keep_snapshot(_API, self.listed, at=_NOW + self.polls * timedelta(hours=1))


@contextmanager
def open_again(folder: Path, pages: Sequence[bytes]) -> Iterator[Again]:
    with Store.open(folder / "store.sqlite") as store:
        listed = read_pages(pages)
        store.keep_listing(_API, listed, at=_NOW)
        yield Again(store, listed)
