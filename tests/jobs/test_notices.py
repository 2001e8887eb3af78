"""What holds across replicas: turns at a host, and what each of them may read."""

import psycopg
import pytest

from imagebot.jobs.standing import Standing
from tests.jobs.conftest import Bench
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.slow


def test_turns_at_a_host_are_in_one_row_for_all_replicas(bench: Bench):
    one, other = bench.make_notices(), bench.make_notices()

    turns_s = [notices.take_turn("docker.io", 100.0) for notices in (one, other, one, other)]

    assert turns_s == pytest.approx([0, 100, 200, 300], abs=5)
    assert other.take_turn("ghcr.io", 100.0) == pytest.approx(0, abs=5)


def test_a_host_that_was_not_asked_for_long_owes_no_turns(bench: Bench):
    notices = bench.make_notices()
    notices.take_turn("docker.io", 0.001)
    bench.execute("UPDATE turns SET next_at = now() - interval '1 hour'")

    assert notices.take_turn("docker.io", 100.0) == 0
    assert notices.take_turn("docker.io", 100.0) == pytest.approx(100, abs=5)


def test_it_is_seen_that_a_replica_of_another_version_has_the_clock(bench: Bench):
    notices, key = bench.make_notices(), bench.database.clock_key
    with psycopg.connect(bench.url, autocommit=True) as other:
        for strange in (key + 1, key + 2**32):
            other.execute("SELECT pg_advisory_lock(%s)", [strange])
        assert notices.read_standing() == Standing()

        other.execute("SELECT pg_advisory_lock(%s)", [key])

        assert notices.read_standing() == Standing(is_held=True)


def test_without_its_database_nobody_knows_whose_turn_it_is(bench: Bench, postgres: PostgresServer):
    notices = bench.make_notices()

    notices.take_turn("docker.io", 1.0)

    postgres.stop()
    assert notices.take_turn("docker.io", 1.0) is None

    # What the server has ended is not tried for long when it is back.
    postgres.start()
    assert notices.take_turn("docker.io", 1.0) is not None
