"""Where jobs are, and what is said where they cannot be."""

import psycopg
import pytest

from imagebot.jobs.database import Database, JobsAway, JobsRefused
from imagebot.secret import Secret
from tests.jobs.conftest import Bench
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.slow


def test_a_second_replica_finds_what_the_first_has_made(bench: Bench):
    again = Database.prepare(Secret(bench.url))

    assert (again.schema, again.clock_key) == (bench.database.schema, bench.database.clock_key)
    assert bench.execute("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_two_stores_in_one_database_share_neither_jobs_nor_clock(bench: Bench):
    bench.execute("CREATE SCHEMA second")

    second = Database.prepare(Secret(f"{bench.url}?options=-csearch_path%3Dsecond"))

    assert second.schema != bench.database.schema
    assert second.clock_key != bench.database.clock_key


def test_a_user_who_may_not_make_a_schema_is_told_what_is_missing(database: str, postgres: PostgresServer):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE lowly LOGIN PASSWORD 'lowly'")
    try:
        with pytest.raises(JobsRefused, match="GRANT CREATE ON DATABASE"):
            Database.prepare(Secret(f"{database.replace('imagebot:s3cret-of-the-database', 'lowly:lowly')}"))
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DROP ROLE lowly")


def test_a_url_that_is_none_is_refused_without_a_word_of_its_password():
    with pytest.raises(JobsRefused) as caught:
        Database.prepare(Secret("postgresql://bot:p%ss@host/db"))

    assert "p%ss" not in str(caught.value)


def test_a_server_that_is_not_there_is_away(bench: Bench, postgres: PostgresServer):
    postgres.stop()

    with pytest.raises(JobsAway, match="cannot be reached"):
        Database.prepare(Secret(bench.url))
    postgres.start()
