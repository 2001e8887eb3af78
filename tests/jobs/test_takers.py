"""Jobs are taken while there is room, and none is held for ever."""

import psycopg
import pytest

from imagebot.agenda.values import Poll
from tests.jobs.conftest import API, LIMIT_S, Bench, defer, end_at_once

pytestmark = pytest.mark.slow

_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not now''; END';
CREATE TRIGGER refuse BEFORE DELETE ON procrastinate_jobs EXECUTE FUNCTION refuse();
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NOTIFY let_go; RETURN NULL; END';
CREATE TRIGGER tell AFTER UPDATE ON procrastinate_jobs
    FOR EACH ROW WHEN (new.status = 'doing' AND new.worker_id IS NULL) EXECUTE FUNCTION tell()
"""


def test_a_job_whose_end_could_not_be_written_is_let_go_by_the_worker_that_did_it(bench: Bench):
    lead = bench.take_clock()
    bench.execute(_REFUSE)
    with psycopg.connect(bench.url, autocommit=True) as watcher:
        watcher.execute("LISTEN let_go")
        takers = bench.start_takers(end_at_once)

        defer(lead, Poll(API))
        lead.give_up()

        assert list(watcher.notifies(timeout=LIMIT_S, stop_after=1))
        takers.stop()
    bench.execute("DROP TRIGGER refuse ON procrastinate_jobs")
    assert bench.take_clock("other").revive(lambda _: False) == [API]
    assert bench.execute("SELECT count(*) FROM procrastinate_jobs") == [(0,)]
