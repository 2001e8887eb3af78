"""A store of its own for each test, on both databases where it is asked for by `place` or `store`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.secret import Secret
from imagebot.store.place import Place
from imagebot.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return tmp_path / "data" / "store.db"
    return Secret(request.getfixturevalue("database"))


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with Store.open(place) as store:
        yield store
