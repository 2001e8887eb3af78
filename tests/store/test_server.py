"""What may be wrong with a PostgreSQL that a store is to be in, told in words, and what passes by itself."""

from datetime import UTC, datetime

import psycopg
import pytest

from imagebot.errors import Transient
from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.secret import Secret
from imagebot.store.fault import StoreAway, StoreBusy, StoreRefused, StoreUnavailable
from imagebot.store.schema import VERSION
from imagebot.store.store import Store
from tests.servers.closed_port import hold_closed_port
from tests.servers.postgres import PASSWORD, PostgresServer
from tests.store.places import execute

API = Repository("ghcr.io", "acme/api")
MONDAY = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def test_a_server_that_stops_is_away_and_the_call_after_its_start_works(database: str, postgres: PostgresServer):
    with Store.open(Secret(database)) as store:
        store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)
        postgres.stop()
        try:
            with pytest.raises(StoreAway, match=r"the store postgresql://127\.0\.0\.1:\d+/test_\d+ cannot be reached"):
                store.find_snapshot(API)
            with pytest.raises(StoreAway):
                store.ping()
        finally:
            postgres.start()

        kept = store.find_snapshot(API)
        assert kept is not None
        assert kept.first_seen == {"1.0": MONDAY}
        store.ping()


def test_a_connection_that_the_server_ended_is_made_anew(database: str):
    with Store.open(Secret(database)) as store:
        store.ping()
        with psycopg.connect(database) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

        store.ping()


def test_a_server_that_is_not_there_is_away():
    with hold_closed_port() as address, pytest.raises(StoreAway) as raised:
        Store.open(Secret(f"postgresql://imagebot:s3cret-word@{address}/store"))

    assert isinstance(raised.value, Transient)
    assert "refused" in str(raised.value)
    assert "s3cret-word" not in str(raised.value)


def test_a_wrong_password_is_told_and_shown_nowhere(database: str):
    with pytest.raises(StoreAway, match="password authentication failed") as raised:
        Store.open(Secret(database.replace(PASSWORD, "an0ther-password")))

    assert "an0ther-password" not in str(raised.value)


def test_a_database_that_is_not_there_is_told(postgres: PostgresServer):
    with pytest.raises(StoreAway, match='database "nowhere" does not exist'):
        Store.open(Secret(postgres.url("nowhere")))


@pytest.mark.parametrize("url", ["postgresql://imagebot:s3cret%zz@db.example.com/store", "postgresql://[::1"])
def test_a_url_that_libpq_does_not_read_is_refused_without_showing_it(url: str):
    with pytest.raises(StoreUnavailable, match="its URL is none that PostgreSQL's libpq reads") as raised:
        Store.open(Secret(url))

    assert "s3cret" not in str(raised.value)


def test_the_database_of_another_program_is_left_alone(database: str):
    execute(Secret(database), "CREATE TABLE photos (name TEXT)")

    with pytest.raises(StoreRefused, match="the database of another program"):
        Store.open(Secret(database))


def test_a_newer_store_is_refused_in_words(database: str):
    Store.open(Secret(database)).close()
    execute(Secret(database), "UPDATE imagebot_version SET version_num = '9999'")

    with pytest.raises(StoreRefused, match=f"has version 9999, and this imagebot knows versions up to {VERSION}"):
        Store.open(Secret(database))


def test_a_lock_that_another_keeps_is_waited_for_only_so_long(database: str):
    with Store.open(Secret(database), busy_timeout_s=0.05) as store:
        store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)
        with psycopg.connect(database) as other:
            other.execute("SELECT * FROM repositories FOR UPDATE")

            with pytest.raises(StoreBusy, match="was locked for too long"):
                store.keep_snapshot(API, TagList(("1.1",)), at=MONDAY)


def test_a_user_who_may_not_make_tables_is_told(database: str, postgres: PostgresServer):
    execute(
        Secret(database),
        "CREATE ROLE reader LOGIN PASSWORD 'reader'",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )
    try:
        with pytest.raises(StoreUnavailable, match="permission denied for schema public"):
            Store.open(Secret(database.replace(f"imagebot:{PASSWORD}", "reader:reader")))
    finally:
        execute(Secret(database), "DROP ROLE reader")
