"""What must always hold holds after each of many days, whatever people, registry and forge do on them."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.servers.contract import Contract
from tests.servers.forges import FORGES
from tests.stories.month import Month
from tests.stories.story import tell_story


def live(folder: Path, kind: str, contract: Contract | None, *, seed: int, days: int) -> None:
    with tell_story(folder, kind, contract) as story:
        month = Month(story, random.Random(seed))
        month.note(f"seed {seed} on {kind}")
        month.begin()
        for day in range(days):
            month.note(f"day {day}")
            month.live_a_day()


@pytest.mark.slow
@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize("kind", FORGES)
def test_a_few_days(kind: str, tmp_path: Path, contracts: Mapping[str, Contract | None]):
    live(tmp_path, kind, contracts.get(kind), seed=FORGES.index(kind), days=4)


@pytest.mark.long
@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize("kind", FORGES)
@pytest.mark.parametrize("seed", range(3))
def test_a_month(seed: int, kind: str, tmp_path: Path, contracts: Mapping[str, Contract | None]):
    live(tmp_path, kind, contracts.get(kind), seed=100 + seed, days=30)
