"""The clock is in one replica at a time, and what only that one does fails for all others."""

from concurrent.futures import Future
from threading import Event
from urllib.parse import urlsplit

import pytest
from procrastinate.exceptions import AlreadyEnqueued

from imagebot.agenda.values import DueRound, Poll, Polled, Update, Updated, View
from imagebot.jobs.database import Database, JobsAway
from imagebot.jobs.lead import Asked, Lead
from imagebot.secret import Secret
from tests.jobs.conftest import API, LIMIT_S, WEB, Bench, defer, end_at_once
from tests.servers.postgres import PASSWORD, USER

pytestmark = pytest.mark.slow


def test_one_replica_has_the_clock_until_it_gives_it_up(bench: Bench):
    one, other = bench.take_clock("one"), bench.make_lead("other")
    assert not other.try_take(before=None)

    one.give_up()

    assert other.try_take(before=None)
    assert bench.make_notices().read_standing().replica == "other"


def test_a_session_that_was_ended_has_lost_the_clock_and_defers_nothing(bench: Bench):
    lead = bench.take_clock()
    bench.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")

    with pytest.raises(JobsAway, match="cannot be reached"):
        defer(lead, Poll(API))

    assert lead.term is None
    assert bench.execute("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_a_term_goes_on_after_its_session_unless_another_replica_had_the_clock(bench: Bench):
    lead, other = bench.take_clock(), bench.make_lead("other")
    term = lead.term
    lead.give_up()
    assert lead.try_take(before=term)
    assert lead.term == term

    lead.give_up()
    assert other.try_take(before=None)
    other.give_up()

    assert lead.try_take(before=term)
    assert lead.term != term


def test_what_waits_is_not_deferred_twice_and_goes_with_its_term(bench: Bench):
    lead = bench.take_clock()
    kept, _ = defer(lead, Update("fleet"), Poll(API))
    with pytest.raises(AlreadyEnqueued):
        defer(lead, Poll(WEB), Poll(API))

    lead.clear({kept}.__contains__)

    assert lead.list_tokens() == {kept}


def test_rounds_are_done_by_takers_and_what_came_of_them_is_read_once(bench: Bench):
    lead = bench.take_clock()
    ended = Event()

    def do(due: DueRound) -> Future[Polled | Updated]:
        ended.set()
        return end_at_once(due)

    takers = bench.start_takers(do)
    (token,) = defer(lead, Poll(API, frozenset({"latest"})))
    assert ended.wait(LIMIT_S)
    takers.stop()
    assert takers.wait(LIMIT_S)

    (ending,) = lead.take_endings()
    assert (ending.token, ending.due, ending.ended) == (token, Poll(API, frozenset({"latest"})), Polled())
    assert lead.take_endings() == []
    assert lead.list_tokens() == set()


@pytest.mark.parametrize("is_wanted", [True, False], ids=["of this term", "of a term before"])
def test_the_job_of_a_worker_that_died_is_done_again_or_dropped(bench: Bench, is_wanted: bool):
    lead = bench.take_clock()
    (token,) = defer(lead, Poll(API))
    bench.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')")
    bench.execute("SELECT procrastinate_fetch_job_v2(NULL, (SELECT max(id) FROM procrastinate_workers))")

    dropped = lead.revive(lambda each: is_wanted and each == token)

    assert list(dropped) == ([] if is_wanted else [API])
    assert bench.execute("SELECT status::text FROM procrastinate_jobs") == ([("todo",)] if is_wanted else [])
    if is_wanted:
        # What the first had found may not have been said.
        bench.start_takers(end_at_once)
        bench.wait_for_rows("endings")
        assert [ending.ended for ending in lead.take_endings()] == [Polled(moved=True)]


def test_a_round_of_a_target_that_is_unknown_here_is_left_to_a_replica_that_knows_it(bench: Bench):
    lead = bench.take_clock()
    asked = Event()

    def refuse(_: DueRound) -> None:
        asked.set()

    takers = bench.start_takers(refuse)
    defer(lead, Update("new"))
    assert asked.wait(LIMIT_S)
    takers.stop()
    assert takers.wait(LIMIT_S)

    bench.start_takers(end_at_once)
    bench.wait_for_rows("endings")
    assert [ending.ended for ending in lead.take_endings()] == [Updated()]


def test_what_others_ask_for_and_what_room_they_have_is_read_by_who_has_the_clock(bench: Bench):
    lead, other, notices = bench.take_clock(), bench.make_lead("other"), bench.make_notices()
    lead.show_up(polls=4, updates=2)
    other.show_up(polls=8, updates=1)
    notices.ask(["fleet"], [API])

    assert lead.take_asks() == [Asked(("fleet",), (API,))]
    assert lead.take_asks() == []
    assert lead.count_room() == (12, 3)
    other.leave()
    assert lead.count_room() == (4, 2)


def test_what_is_due_can_be_read_by_all(bench: Bench):
    notices = bench.make_notices()
    assert notices.read_view() == View()

    bench.take_clock().publish(View({}, {}, {}))

    assert notices.read_view() == View()


@pytest.mark.parametrize(
    ("led", "seen", "is_dropped"),
    [
        pytest.param("2 hours", None, True, id="nobody is there any more"),
        pytest.param("1 minute", None, False, id="somebody had the clock lately"),
        pytest.param("2 hours", "3 seconds", False, id="replicas wait for the clock for long"),
        pytest.param(None, "3 seconds", False, id="replicas of a new version never had the clock"),
    ],
)
def test_schemas_of_other_versions_go_when_nobody_was_seen_there_for_an_hour(
    bench: Bench, led: str | None, seen: str | None, is_dropped: bool
):
    bench.execute("CREATE SCHEMA imagebot_jobs_other")
    for table, age in (("lead", led), ("replicas", seen)):
        bench.execute(
            f"CREATE TABLE imagebot_jobs_other.{table} AS"
            f" SELECT now() - interval '{age or 0}' AS beaten_at WHERE {age is not None}"
        )

    assert bench.take_clock().drop_abandoned() == (["imagebot_jobs_other"] if is_dropped else [])


def test_schemas_of_other_users_are_none_of_its_business(bench: Bench):
    name = urlsplit(bench.url).path[1:]
    bench.execute(
        f"CREATE ROLE neighbour LOGIN PASSWORD 'next-door'; GRANT CREATE ON DATABASE {name} TO neighbour;"
        "CREATE SCHEMA second AUTHORIZATION neighbour"
    )
    try:
        url = bench.url.replace(f"{USER}:{PASSWORD}", "neighbour:next-door")
        lead = Lead(Database.prepare(Secret(f"{url}?options=-csearch_path%3Dsecond")), replica="next door")
        assert lead.try_take(before=None)

        assert lead.drop_abandoned() == []
        lead.give_up()
    finally:
        bench.execute("DROP OWNED BY neighbour CASCADE; DROP ROLE neighbour")
