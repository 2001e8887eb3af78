"""The PostgreSQL of tests: a database for each, and an outage that loses nothing."""

import psycopg
import pytest
from psycopg import sql

from tests.servers.postgres import PostgresServer


def read_names(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [str(name) for (name,) in rows]


def test_each_database_begins_empty(postgres: PostgresServer):
    with postgres.make_database() as first, psycopg.connect(first, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id integer)")

        with postgres.make_database() as second:
            assert (read_names(first), read_names(second)) == (["kept"], [])


def test_what_was_committed_outlives_an_outage_and_connections_do_not(postgres: PostgresServer, database: str):
    connection = psycopg.connect(database, autocommit=True)
    connection.execute("CREATE TABLE kept (id integer)")

    postgres.stop()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database, connect_timeout=5)
    postgres.start()
    assert read_names(database) == ["kept"]


def test_a_wrong_password_is_refused(postgres: PostgresServer, database: str):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database.replace("s3cret", "guessed"), connect_timeout=5)


def test_an_outage_in_one_test_is_over_in_the_next(postgres: PostgresServer):
    with postgres.make_database():
        postgres.stop()

    with postgres.make_database() as url:
        postgres.execute(sql.SQL("CREATE TABLE kept (id integer)"), database=url.rpartition("/")[2])
        assert read_names(url) == ["kept"]
