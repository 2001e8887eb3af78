"""Memory does not grow with rounds."""

import gc
from pathlib import Path

import pytest

from tests.worker.conftest import Scene

_PAGE_KB = 4
_MOST_KB = 4096


def read_memory_kb() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KB


@pytest.mark.parametrize(
    "rounds", [pytest.param(120, id="some"), pytest.param(10_000, id="many", marks=pytest.mark.long)]
)
def test_memory_does_not_grow_with_rounds(scene: Scene, rounds: int):
    scene.settings.update(interval="10s", recheck="60s")
    scene.start()
    count = 0
    while count < rounds / 2:
        count += live(scene)
    before_kb = read_memory_kb()

    while count < rounds * 3 / 2:
        count += live(scene)

    assert read_memory_kb() - before_kb < _MOST_KB


def live(scene: Scene) -> int:
    """Let some time pass, and forget what the servers note of it; return how many rounds there were."""
    scene.live(60)
    count = len(scene.finished)
    for noted in (scene.finished, scene.registry.requests, scene.git.requests):
        noted.clear()
    return count
