"""How a store of an earlier version becomes one of this version, on both databases and through every accident."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.secret import Secret
from imagebot.store.engine import limit_transaction, make_engine
from imagebot.store.migrations import is_of_store, upgrade
from imagebot.store.opening import APPLICATION_ID
from imagebot.store.place import Place
from imagebot.store.schema import VERSION, metadata, versions
from imagebot.store.store import Store
from tests.store.places import execute

API = Repository("ghcr.io", "acme/api")
MONDAY = datetime(2026, 3, 2, 8, 30, 0, 123456, tzinfo=UTC)
_HELD = (
    "INSERT INTO repositories (id, registry, path, listed_at) VALUES (7, 'ghcr.io', 'acme/api', 1772440200123456)",
    "INSERT INTO tags (repository, tag, first_seen) VALUES (7, '1.0', 1772440200123456)",
)
EARLIER = range(1, VERSION)


def within(place: Place, act: Callable[[Connection], Any]) -> Any:
    """Do it in a transaction that writes."""
    if isinstance(place, Path):
        place.parent.mkdir(exist_ok=True)
    engine = make_engine(place, busy_timeout_s=10)
    try:
        with limit_transaction(engine, immediate=True).begin() as connection:
            return act(connection)
    finally:
        engine.dispose()


def make_earlier(place: Place, version: int) -> None:
    """Make a store of an earlier version, with a tag in it; files did not keep their version in a table then."""
    within(place, lambda connection: upgrade(connection, f"{version:04}"))
    execute(place, *_HELD)
    if isinstance(place, Path) and version <= 5:
        execute(
            place,
            "DROP TABLE imagebot_version",
            f"PRAGMA application_id = {APPLICATION_ID}",
            f"PRAGMA user_version = {version}",
        )


def describe(place: Place) -> dict[str, Any]:
    """Say all that the database says of its tables, in no order."""

    def read(connection: Connection) -> dict[str, Any]:
        found = inspect(connection)
        names = [name for name in found.get_table_names() if is_of_store(name, "table", {})]
        return {
            name: (
                sorted(
                    (each["name"], str(each["type"]), each["nullable"], str(each["default"]))
                    for each in found.get_columns(name)
                ),
                found.get_pk_constraint(name)["constrained_columns"],
                sorted(str(each["column_names"]) for each in found.get_unique_constraints(name)),
                sorted(str((each["constrained_columns"], each["options"])) for each in found.get_foreign_keys(name)),
                sorted(f"{each['name']} {each['column_names']}" for each in found.get_indexes(name)),
            )
            for name in names
        }

    return within(place, read)  # type: ignore[no-any-return]  # what it returns is read's


def assert_held(place: Place) -> None:
    with Store.open(place) as store:
        kept = store.find_snapshot(API)
        assert kept is not None
        assert kept.first_seen == {"1.0": MONDAY}
        store.keep_snapshot(API, TagList(("1.0", "1.1")), at=MONDAY)


@pytest.mark.parametrize("version", EARLIER)
def test_a_store_of_each_earlier_version_keeps_what_it_holds(place: Place, version: int):
    make_earlier(place, version)

    assert_held(place)


def test_the_steps_lead_to_the_tables_of_a_new_store(place: Place, request: pytest.FixtureRequest, tmp_path: Path):
    Store.open(place).close()
    made = describe(place)
    if isinstance(place, Path):
        stepped: Place = tmp_path / "stepped.db"
    else:
        with request.getfixturevalue("postgres").make_database() as url:
            stepped = Secret(url)
            within(stepped, upgrade)
            assert describe(stepped) == made
        return
    within(stepped, upgrade)
    assert describe(stepped) == made


def test_the_tables_are_as_the_program_believes(place: Place):
    within(place, upgrade)

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"include_name": is_of_store, "compare_type": True})
        return [each for each in compare_metadata(context, metadata) if versions.name not in str(each)]

    assert within(place, compare) == []


def test_a_store_that_many_open_at_once_is_brought_forward_once(place: Place):
    make_earlier(place, 1)

    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: Store.open(place), range(6)))
    for store in stores:
        store.close()

    assert execute(place, "SELECT version_num FROM imagebot_version") == [(f"{VERSION:04}",)]
    assert_held(place)


def test_a_store_that_many_make_at_once_is_made_once(place: Place):
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: Store.open(place), range(6)))
    for store in stores:
        store.close()

    assert execute(place, "SELECT version_num FROM imagebot_version") == [(f"{VERSION:04}",)]


# Opens the store in a process that dies where it would execute the statement: no clean-up of any kind runs.
DIE = """
import os, signal, sys
from sqlalchemy import Engine, event
from imagebot.secret import Secret
from imagebot.store.store import Store

def die(connection, cursor, statement, *_):
    if statement.lstrip().startswith(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", die)
Store.open(Secret(os.environ["STORE_URL"]))
"""


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("ALTER TABLE tags", id="with one table changed"),
        pytest.param("CREATE TABLE chores", id="before the last table"),
        pytest.param("UPDATE imagebot_version SET version_num='0006'", id="with all but the version written"),
    ],
)
def test_an_upgrade_on_a_server_that_is_killed_is_done_by_the_next(database: str, statement: str):
    place = Secret(database)
    make_earlier(place, 1)
    before = describe(place)

    died = subprocess.run([sys.executable, "-c", DIE, statement], env={"STORE_URL": database}, check=False, timeout=60)

    assert died.returncode == -9
    assert describe(place) == before
    assert_held(place)


def test_whoever_opens_a_store_of_this_version_does_not_load_alembic(tmp_path: Path):
    Store.open(tmp_path / "store.db").close()
    program = (
        "import sys; from pathlib import Path; from imagebot.store.store import Store;"
        f" Store.open(Path({str(tmp_path / 'store.db')!r})).close(); print('alembic' in sys.modules)"
    )

    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"
