"""`imagebot store check` and `imagebot store vacuum`, as an operator runs them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.secret import Secret
from imagebot.store.place import Place
from imagebot.store.schema import VERSION
from imagebot.store.store import Store
from tests.cli.conftest import Run
from tests.store.places import execute

API = Repository("ghcr.io", "acme/api")
LONG_AGO = datetime.now(UTC) - timedelta(days=400)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return tmp_path / "data" / "store.sqlite"
    return Secret(request.getfixturevalue("database"))


@pytest.fixture
def settings(place: Place, tmp_path: Path) -> Path:
    file = tmp_path / "settings.yaml"
    store = f"sqlite:///{place}" if isinstance(place, Path) else {"env": "STORE_URL"}
    file.write_text(json.dumps({"store": store}))
    return file


@pytest.fixture
def store_command(run: Run, place: Place, settings: Path) -> Callable[..., Any]:
    environment = {} if isinstance(place, Path) else {"STORE_URL": place.reveal()}
    return lambda *words: run("store", *words, "--settings", settings, env=environment)


def test_check_shows_what_is_in_a_store(store_command: Callable[..., Any], place: Place):
    with Store.open(place) as store:
        store.keep_snapshot(API, TagList(("1.0", "1.1")), at=datetime(2026, 3, 2, 8, 30, tzinfo=UTC))

    done = store_command("check")

    assert done.returncode == 0
    assert f"is sound: version {VERSION}, " in done.stdout
    assert "s3cret" not in done.stdout
    (line,) = [line.split() for line in done.stdout.splitlines() if line.startswith("tags")]
    assert line == ["tags", "2", "2026-03-02", "08:30", "2026-03-02", "08:30"]
    report = json.loads(store_command("check", "--format", "json").stdout)
    assert (report["version"], report["faults"]) == (VERSION, [])
    assert {"table": "heads", "rows": 0, "oldest": None, "newest": None} in report["tables"]


@pytest.mark.parametrize("command", ["check", "vacuum"])
def test_no_store_is_made_where_there_is_none(store_command: Callable[..., Any], place: Place, command: str):
    done = store_command(command)

    assert done.returncode == 2
    assert ("there is no such file" if isinstance(place, Path) else "it is empty") in done.stderr
    if isinstance(place, Path):
        assert not place.exists()


def test_check_says_what_is_broken_and_leaves_it_where_it_is(run: Run, tmp_path: Path):
    file = tmp_path / "store.sqlite"
    with Store.open(file) as store:
        store.keep_snapshot(API, TagList(tuple(f"1.{number}" for number in range(3000))), at=LONG_AGO)
    data = bytearray(file.read_bytes())
    data[40960:53248] = b"\xa5" * 12288
    file.write_bytes(data)
    (tmp_path / "settings.yaml").write_text(json.dumps({"store": f"sqlite:///{file}"}))

    done = run("store", "check", "--settings", tmp_path / "settings.yaml")
    vacuumed = run("store", "vacuum", "--settings", tmp_path / "settings.yaml")

    assert (done.returncode, vacuumed.returncode) == (1, 2)
    assert "is broken:" in done.stdout
    assert "it is broken; `imagebot store check` says" in vacuumed.stderr
    assert file.read_bytes() == data
    (tmp_path / "store.sqlite").write_bytes(b"no database" * 1000)
    assert run("store", "check", "--settings", tmp_path / "settings.yaml").returncode == 1


def test_vacuum_forgets_what_is_past_its_bound_and_gives_the_space_back(
    store_command: Callable[..., Any], place: Place
):
    with Store.open(place) as running:
        texts = {(f"blob {number}", "rules"): "text " * 400 for number in range(2000)}
        running.located.keep(texts, used=[], at=LONG_AGO)

        done = store_command("vacuum", "--full", "--format", "json")

        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["forgotten"] == {"located": 2000}
        assert report["after_bytes"] < report["before_bytes"] / 2
        assert "Forgotten, as it is kept for no longer: nothing." in store_command("vacuum").stdout
        running.ping()
    assert execute(place, "SELECT count(*) FROM located") == [(0,)]
