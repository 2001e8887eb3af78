"""A store in a file of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as store:
        yield store
