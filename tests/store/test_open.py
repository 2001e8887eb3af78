"""How a file becomes a store: made, set aside, refused, locked, and brought to this version in place."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot.errors import NeedsOperator
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Sighting, Snapshot
from imagebot.image.tag_list import TagList
from imagebot.store.fault import StoreBroken, StoreBusy, StoreRefused, StoreUnavailable
from imagebot.store.schema import VERSION
from imagebot.store.store import KeptOutcome, Store

API = Repository("ghcr.io", "acme/api")
MONDAY = datetime(2026, 3, 2, 8, 30, 0, 123456, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


def test_a_store_whose_file_was_deleted_begins_empty(path):
    with Store.open(path) as store:
        store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)
    path.unlink()

    with Store.open(path) as store:
        assert store.find_snapshot(API) is None
        assert store.keep_snapshot(API, TagList(("1.0",)), at=TUESDAY).first_seen == {"1.0": TUESDAY}


@pytest.mark.parametrize(
    ("name"), [pytest.param("a?b#c%41 ü.db", id="signs of URLs"), pytest.param("'x';.db", id="signs of SQL")]
)
def test_the_file_may_have_any_name(tmp_path, name):
    with Store.open(tmp_path / name) as store:
        kept = store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)

        assert store.find_snapshot(API) == kept
    assert (tmp_path / name).stat().st_size > 0


def test_a_store_can_be_opened_by_many_at_once(path):
    def open_and_keep(number: int) -> Path | None:
        with Store.open(path) as store:
            store.keep_outcome(f"target {number}", at=MONDAY, summary={})
            return store.set_aside

    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with ThreadPoolExecutor(8) as pool:
        set_aside = list(pool.map(open_and_keep, range(8)))

    assert sorted(map(str, set_aside)) == sorted([*["None"] * 7, f"{path}.broken"])
    with Store.open(path) as store:
        assert all(store.find_outcome(f"target {number}") for number in range(8))


def test_a_file_that_is_no_database_is_set_aside(path):
    path.parent.mkdir()
    path.write_text("# notes\n" * 1000)

    with Store.open(path) as store:
        assert store.set_aside == path.with_name("store.db.broken")
        assert store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY) == store.find_snapshot(API)
    assert path.with_name("store.db.broken").read_text() == "# notes\n" * 1000


def break_pages(path: Path) -> None:
    """Overwrite the database from its second page on, as a failing disk may."""
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def test_a_broken_database_is_set_aside(path):
    with Store.open(path) as store:
        store.keep_snapshot(API, TagList(tuple(f"1.{number}" for number in range(1000))), at=MONDAY)
    break_pages(path)

    with Store.open(path) as store:
        assert store.set_aside == path.with_name("store.db.broken")
        assert store.find_snapshot(API) is None


def test_a_store_that_was_set_aside_before_gives_its_place_to_the_next(path):
    path.parent.mkdir()
    for text in ("first" * 1000, "second" * 1000):
        path.write_text(text)
        Store.open(path).close()

    assert path.with_name("store.db.broken").read_text() == "second" * 1000
    assert not list(path.parent.glob("*.broken?*"))


def test_a_store_that_breaks_in_use_needs_the_operator(path):
    with Store.open(path) as store:
        store.keep_snapshot(API, TagList(tuple(f"1.{number}" for number in range(1000))), at=MONDAY)
    with Store.open(path) as store:
        break_pages(path)
        store._engine.dispose()  # or SQLite answers from what it read before

        with pytest.raises(StoreBroken, match=r"the store .*store\.db is broken \(.*\): start imagebot again"):
            store.find_snapshot(API)


def test_a_store_that_stays_locked_is_busy(path):
    with Store.open(path, busy_timeout_s=0.05) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreBusy, match=r"store\.db was locked for too long"):
            store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)
        assert store.find_snapshot(API) is None


def test_a_newer_store_is_refused_in_words_and_left_as_it_is(path):
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE imagebot_version SET version_num = ?", [f"{VERSION + 1:04}"])
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()

    with pytest.raises(
        StoreRefused, match=f"has version {VERSION + 1}, and this imagebot knows versions up to {VERSION}"
    ):
        Store.open(path)
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_left_alone(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")

    with pytest.raises(StoreRefused, match="the database of another program"):
        Store.open(path)


@pytest.mark.parametrize(
    "path_in",
    [
        pytest.param("a file/store.db", id="below a file"),
        pytest.param("a folder", id="a folder"),
    ],
)
def test_a_path_where_no_file_can_be_written_needs_the_operator(tmp_path, path_in):
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()

    with pytest.raises(StoreUnavailable) as raised:
        Store.open(tmp_path / path_in)
    assert str(raised.value).startswith(f"the store {tmp_path / path_in} cannot be used: ")
    assert isinstance(raised.value, NeedsOperator)


# What version 1 made, as it stands in files in the field.
VERSION_1 = """
    CREATE TABLE repositories (
        id INTEGER NOT NULL, registry TEXT NOT NULL, path TEXT NOT NULL, listed_at BIGINT NOT NULL,
        PRIMARY KEY (id), UNIQUE (registry, path)
    );
    CREATE TABLE outcomes (
        target TEXT NOT NULL, finished_at BIGINT NOT NULL, summary TEXT NOT NULL, PRIMARY KEY (target)
    ) WITHOUT ROWID;
    CREATE TABLE tags (
        repository INTEGER NOT NULL, tag TEXT NOT NULL, first_seen BIGINT NOT NULL, digest TEXT, digest_seen BIGINT,
        PRIMARY KEY (repository, tag), FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
    ) WITHOUT ROWID;
    PRAGMA application_id = 1768777570;
    PRAGMA user_version = 1;
    PRAGMA journal_mode = WAL;
    INSERT INTO repositories VALUES (7, 'ghcr.io', 'acme/api', 1772526600123456);
    INSERT INTO tags VALUES (7, '1.0', 1772440200123456, 'sha256:kept', 1772526600123456);
    INSERT INTO tags VALUES (7, '1.1', 1772526600123456, NULL, NULL);
    INSERT INTO outcomes VALUES ('fleet@main', 1772440200123456, '{"result": "proposed"}');
"""
VERSION_1_HELD = Snapshot(
    API,
    TUESDAY,
    {"1.0": MONDAY, "1.1": TUESDAY},
    sightings={"1.0": Sighting("sha256:kept", TUESDAY, is_repushed=False)},
)


@pytest.fixture
def old_path(path: Path) -> Path:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
    return path


def read_tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the columns of every table with all that SQLite says of them, and the version under an empty name."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        tables = {name: connection.execute(f"PRAGMA table_xinfo({name})").fetchall() for name in names}
        return tables | {"": connection.execute("PRAGMA user_version").fetchall()}


def test_a_store_of_version_1_keeps_all_that_it_holds(old_path):
    with Store.open(old_path) as store:
        assert store.set_aside is None
        assert store.find_snapshot(API) == VERSION_1_HELD
        assert store.find_outcome("fleet@main") == KeptOutcome(MONDAY, {"result": "proposed"})


def test_a_digest_that_version_1_kept_is_the_one_before_when_the_tag_moves(old_path):
    with Store.open(old_path) as store:
        same = store.keep_sighting(API, "1.0", "sha256:kept", at=TUESDAY + timedelta(days=1))
        other = store.keep_sighting(API, "1.0", "sha256:other", at=TUESDAY + timedelta(days=2))

    assert same == VERSION_1_HELD.sightings["1.0"]
    assert other == Sighting("sha256:other", TUESDAY + timedelta(days=2), is_repushed=True)


def test_a_store_of_version_1_gets_the_tables_of_a_new_store(old_path, tmp_path):
    Store.open(old_path).close()
    Store.open(tmp_path / "new.db").close()

    assert read_tables(old_path) == read_tables(tmp_path / "new.db")


def test_a_store_of_version_1_that_many_open_at_once_is_brought_forward_once(old_path):
    def open_and_find(_: int) -> Snapshot | None:
        with Store.open(old_path) as store:
            return store.find_snapshot(API)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(open_and_find, range(8)))

    assert found == [VERSION_1_HELD] * 8


# Opens the store in a process that dies where it would execute the statement: no clean-up of any kind runs.
DIE = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from imagebot.store.store import Store

def die(connection, cursor, statement, *_):
    if statement.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", die)
Store.open(Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("ALTER TABLE tags", id="with one table changed"),
        pytest.param("PRAGMA user_version =", id="with all but the version written"),
    ],
)
def test_an_upgrade_that_is_killed_leaves_version_1_and_is_done_by_the_next(old_path, statement):
    before = read_tables(old_path)

    died = subprocess.run([sys.executable, "-c", DIE, old_path, statement], check=False, timeout=60)

    assert died.returncode == -9
    assert read_tables(old_path) == before
    with Store.open(old_path) as store:
        assert store.find_snapshot(API) == VERSION_1_HELD
