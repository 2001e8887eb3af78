"""The store on real SQLite files, from one and from many threads and processes' worth of connections."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from imagebot.errors import NeedsOperator
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.store.schema import VERSION
from imagebot.store.store import KeptDigest, KeptOutcome, Store, StoreBroken, StoreBusy, StoreRefused, StoreUnavailable

API = Repository("ghcr.io", "acme/api")
NGINX = Repository("docker.io", "library/nginx")
MONDAY = datetime(2026, 3, 2, 8, 30, 0, 123456, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
DIGEST = f"sha256:{64 * 'a'}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as store:
        yield store


def count_written_rows(path: Path, store: Store, tags: list[str], *, at: datetime) -> int:
    """Keep a snapshot and return how many rows that changed, as SQLite counts them."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE written (row INTEGER);
            CREATE TRIGGER a AFTER INSERT ON tags BEGIN INSERT INTO written VALUES (1); END;
            CREATE TRIGGER b AFTER DELETE ON tags BEGIN INSERT INTO written VALUES (1); END;
            CREATE TRIGGER c AFTER UPDATE ON tags BEGIN INSERT INTO written VALUES (1); END;
            CREATE TRIGGER d AFTER UPDATE ON repositories BEGIN INSERT INTO written VALUES (1); END;
        """)
        store.keep_snapshot(API, tags, at=at)
        return int(connection.execute("SELECT count(*) FROM written").fetchone()[0])


def test_nothing_is_found_of_a_repository_that_was_never_kept(store):
    store.keep_snapshot(NGINX, ["1.25"], at=MONDAY)

    assert store.find_snapshot(API) is None


def test_a_snapshot_is_found_as_it_was_kept(store):
    kept = store.keep_snapshot(API, ["1.0", "1.1"], at=MONDAY)

    assert kept == Snapshot(API, MONDAY, {"1.0": MONDAY, "1.1": MONDAY})
    assert store.find_snapshot(API) == kept


def test_a_known_tag_keeps_when_it_was_first_seen(store):
    store.keep_snapshot(API, ["1.0"], at=MONDAY)

    kept = store.keep_snapshot(API, ["1.1", "1.0"], at=TUESDAY)

    assert kept == Snapshot(API, TUESDAY, {"1.0": MONDAY, "1.1": TUESDAY})
    assert store.find_snapshot(API) == kept


def test_a_tag_that_vanished_is_forgotten(store):
    store.keep_snapshot(API, ["1.0", "1.1"], at=MONDAY)

    kept = store.keep_snapshot(API, ["1.1"], at=TUESDAY)

    assert kept == Snapshot(API, TUESDAY, {"1.1": MONDAY})
    assert store.find_snapshot(API) == kept


def test_tags_that_differ_in_case_or_script_are_different_tags(store):
    kept = store.keep_snapshot(API, ["v1", "V1", "ß", "ss"], at=MONDAY)

    assert store.find_snapshot(API) == kept
    assert sorted(kept.first_seen) == ["V1", "ss", "v1", "ß"]


def test_an_empty_list_of_tags_is_a_snapshot_too(store):
    store.keep_snapshot(API, ["1.0"], at=MONDAY)

    kept = store.keep_snapshot(API, [], at=TUESDAY)

    assert kept == Snapshot(API, TUESDAY, {})
    assert store.find_snapshot(API) == kept


def test_a_tag_that_is_listed_twice_is_kept_once(store):
    assert store.keep_snapshot(API, ["1.0", "1.0"], at=MONDAY).first_seen == {"1.0": MONDAY}


def test_an_instant_is_read_back_in_utc_whatever_its_zone_was(store):
    at = datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=2)))

    store.keep_snapshot(API, ["1.0"], at=at)
    found = store.find_snapshot(API)

    assert found.listed_at.isoformat() == "2026-03-02T08:30:00+00:00"


def test_twenty_thousand_tags_with_nothing_new_cost_one_written_row(store, path):
    tags = [f"1.{number}" for number in range(20_000)]
    store.keep_snapshot(API, tags, at=MONDAY)

    assert count_written_rows(path, store, tags, at=TUESDAY) == 1
    assert store.find_snapshot(API) == Snapshot(API, TUESDAY, dict.fromkeys(tags, MONDAY))


def test_twenty_thousand_tags_with_one_new_and_one_gone_cost_three_written_rows(store, path):
    tags = [f"1.{number}" for number in range(20_000)]
    store.keep_snapshot(API, tags, at=MONDAY)

    assert count_written_rows(path, store, [*tags[1:], "2.0"], at=TUESDAY) == 3


def test_a_digest_is_found_as_it_was_last_kept(store):
    store.keep_snapshot(API, ["1.0", "1.1"], at=MONDAY)
    store.keep_digest(API, "1.0", f"sha256:{64 * 'b'}", at=MONDAY)

    store.keep_digest(API, "1.0", DIGEST, at=TUESDAY)

    assert store.find_digest(API, "1.0") == KeptDigest(DIGEST, TUESDAY)


def test_a_digest_stays_when_the_tags_are_listed_again(store):
    store.keep_snapshot(API, ["1.0"], at=MONDAY)
    store.keep_digest(API, "1.0", DIGEST, at=MONDAY)

    store.keep_snapshot(API, ["1.0", "1.1"], at=TUESDAY)

    assert store.find_digest(API, "1.0") == KeptDigest(DIGEST, MONDAY)


@pytest.mark.parametrize(
    ("repository", "tag"),
    [
        pytest.param(API, "1.1", id="a tag without a digest"),
        pytest.param(API, "2.0", id="a tag that is not listed"),
        pytest.param(NGINX, "1.0", id="the same tag of another repository"),
    ],
)
def test_no_digest_is_found_where_none_was_kept(store, repository, tag):
    store.keep_snapshot(API, ["1.0", "1.1"], at=MONDAY)
    store.keep_snapshot(NGINX, ["1.0"], at=MONDAY)
    store.keep_digest(API, "1.0", DIGEST, at=MONDAY)

    assert store.find_digest(repository, tag) is None


def test_a_digest_of_a_tag_that_is_not_listed_does_not_list_it(store):
    kept = store.keep_snapshot(API, ["1.0"], at=MONDAY)

    store.keep_digest(API, "2.0", DIGEST, at=TUESDAY)

    assert store.find_snapshot(API) == kept


def test_an_outcome_takes_the_place_of_the_one_before(store):
    store.keep_outcome("fleet@main", at=MONDAY, summary={"result": "proposed"})

    store.keep_outcome("fleet@main", at=TUESDAY, summary={"result": "up to date", "files": [1, None, "ü"]})

    expected = KeptOutcome(TUESDAY, {"result": "up to date", "files": [1, None, "ü"]})
    assert store.find_outcome("fleet@main") == expected
    assert store.find_outcome("fleet@staging") is None


def test_what_was_kept_is_there_when_the_file_is_opened_again(path):
    with Store.open(path) as store:
        kept = store.keep_snapshot(API, ["1.0"], at=MONDAY)

    with Store.open(path) as store:
        assert store.find_snapshot(API) == kept
        assert store.set_aside is None


def test_a_store_whose_file_was_deleted_begins_empty(path):
    with Store.open(path) as store:
        store.keep_snapshot(API, ["1.0"], at=MONDAY)
    path.unlink()

    with Store.open(path) as store:
        assert store.find_snapshot(API) is None
        assert store.keep_snapshot(API, ["1.0"], at=TUESDAY).first_seen == {"1.0": TUESDAY}


@pytest.mark.parametrize(
    ("name"), [pytest.param("a?b#c%41 ü.db", id="signs of URLs"), pytest.param("'x';.db", id="signs of SQL")]
)
def test_the_file_may_have_any_name(tmp_path, name):
    with Store.open(tmp_path / name) as store:
        kept = store.keep_snapshot(API, ["1.0"], at=MONDAY)

        assert store.find_snapshot(API) == kept
    assert (tmp_path / name).stat().st_size > 0


def test_threads_that_keep_snapshots_at_once_lose_nothing(store):
    repositories = [Repository("ghcr.io", f"acme/app{number}") for number in range(8)]

    def poll(round_number: int) -> None:
        repository = repositories[round_number % 8]
        store.keep_snapshot(repository, [f"1.{tag}" for tag in range(20)], at=MONDAY + timedelta(hours=round_number))
        store.keep_digest(repository, "1.3", DIGEST, at=MONDAY)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(poll, range(64)))

    assert {len(store.find_snapshot(repository).first_seen) for repository in repositories} == {20}
    assert {store.find_digest(repository, "1.3") for repository in repositories} == {KeptDigest(DIGEST, MONDAY)}


def test_two_stores_on_one_file_see_each_others_tags_as_known(path):
    """Each keeps the same growing list; whoever comes second to a tag must find it known, and not fail."""
    with Store.open(path) as one, Store.open(path) as other, ThreadPoolExecutor(4) as pool:
        rounds = [
            pool.submit(store.keep_snapshot, API, [f"1.{tag}" for tag in range(number)], at=MONDAY)
            for number in range(1, 30)
            for store in (one, other)
        ]
        for done in rounds:
            done.result()

        found = one.find_snapshot(API)
        assert found == other.find_snapshot(API)
        assert found is not None
        assert set(found.first_seen.values()) == {MONDAY}


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
        assert store.keep_snapshot(API, ["1.0"], at=MONDAY) == store.find_snapshot(API)
    assert path.with_name("store.db.broken").read_text() == "# notes\n" * 1000


def break_pages(path: Path) -> None:
    """Overwrite the database from its second page on, as a failing disk may."""
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def test_a_broken_database_is_set_aside(path):
    with Store.open(path) as store:
        store.keep_snapshot(API, [f"1.{number}" for number in range(1000)], at=MONDAY)
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
        store.keep_snapshot(API, [f"1.{number}" for number in range(1000)], at=MONDAY)
    with Store.open(path) as store:
        break_pages(path)
        store._engine.dispose()  # or SQLite answers from what it read before

        with pytest.raises(StoreBroken, match=r"the store .*store\.db is broken \(.*\): start imagebot again"):
            store.find_snapshot(API)


def test_a_store_that_stays_locked_is_busy(path):
    with Store.open(path, busy_timeout_s=0.05) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreBusy, match=r"store\.db was locked for too long"):
            store.keep_snapshot(API, ["1.0"], at=MONDAY)
        assert store.find_snapshot(API) is None


def test_a_newer_store_is_refused_in_words_and_left_as_it_is(path):
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()

    with pytest.raises(StoreRefused, match=f"has version {VERSION + 1}, and this imagebot knows versions up to 1"):
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
