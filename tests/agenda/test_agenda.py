"""What is due when, told in single stories; the laws are in test_laws."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from imagebot.agenda.agenda import LEAST_GAP_S, PATIENCE_S, Limits
from imagebot.agenda.values import Cause, Phase, Plan, Poll, Polled, Trouble, Update, Updated
from imagebot.proposal.schedule import parse_cron
from tests.agenda.simulation import API, CACHE, MINUTES_5, START, WEB, Simulation, end_well, simulate, uses

FULL = Updated(uses(API, CACHE), was_full=True)


@pytest.fixture
def fleet() -> Simulation:
    """One target that uses two images of two registries, and was updated once."""
    simulation = simulate({"fleet": MINUTES_5})
    simulation.beat()
    simulation.end("fleet", FULL)
    return simulation


def test_a_new_target_is_updated_in_full_at_once():
    assert simulate({"fleet": MINUTES_5}).beat() == (Update("fleet"),)


def test_what_a_target_uses_is_polled_within_the_interval_and_then_again_and_again(fleet: Simulation):
    fleet.live(1500, end_well({"fleet": uses(API, CACHE)}))

    for key in (API, CACHE, "fleet"):
        gaps = [later - earlier for earlier, later in pairwise(fleet.began[key])]
        assert len(gaps) >= 4
        assert max(gaps) <= 301


def test_an_update_without_a_reason_is_only_a_look_until_a_recheck_is_due():
    simulation = simulate({"fleet": MINUTES_5}, limits=Limits(polls=1, polls_of_host=1, updates=1, recheck_s=1200))

    began = simulation.live(1500, end_well({"fleet": uses()}))

    assert [due.is_full for due in began if isinstance(due, Update)] == [True, False, False, False, False, True]


def test_news_of_an_image_lets_the_targets_that_use_it_be_updated_at_once_and_no_others():
    simulation = simulate({"edge": MINUTES_5, "fleet": MINUTES_5})
    simulation.beat()
    simulation.end("edge", Updated(uses(WEB), was_full=True))
    simulation.end("fleet", FULL)
    simulation.advance(LEAST_GAP_S)
    simulation.agenda.make_repository_due(API, simulation.now)
    assert simulation.beat() == (Poll(API),)

    simulation.end(API, Polled(moved=True))

    assert simulation.beat() == (Update("fleet"),)


def test_news_that_comes_while_the_target_is_updated_lets_it_be_updated_once_more(fleet: Simulation):
    fleet.advance(LEAST_GAP_S)
    fleet.agenda.make_target_due("fleet", fleet.now)
    fleet.agenda.make_repository_due(API, fleet.now)
    fleet.beat()
    fleet.end(API, Polled(moved=True))
    fleet.advance(LEAST_GAP_S)
    assert fleet.beat() == ()

    fleet.end("fleet", FULL)

    assert fleet.beat() == (Update("fleet"),)


def test_what_is_asked_for_all_the_time_keeps_a_distance(fleet: Simulation):
    for _ in range(100):
        fleet.advance(1)
        fleet.agenda.make_repository_due(API, fleet.now)
        for _ in fleet.beat():
            fleet.end(API, Polled())

    assert len(fleet.began[API]) == pytest.approx(100 / LEAST_GAP_S, abs=1)


def test_tags_are_watched_for_all_targets_that_use_the_image():
    simulation = simulate({"edge": MINUTES_5, "fleet": MINUTES_5})
    simulation.beat()
    simulation.end("edge", Updated({API: frozenset({"latest"})}, was_full=True))
    simulation.end("fleet", Updated({API: frozenset({"1.4"})}, was_full=True))
    simulation.agenda.make_repository_due(API, simulation.now)

    assert simulation.beat() == (Poll(API, frozenset({"1.4", "latest"})),)


def test_an_update_waits_for_the_first_polls_of_its_images_even_if_they_fail():
    simulation = simulate({"fleet": MINUTES_5})
    simulation.beat()
    simulation.end("fleet", Updated(uses(API, CACHE), awaits=frozenset({API, CACHE})))
    assert set(simulation.beat()) == {Poll(API), Poll(CACHE)}
    simulation.end(API, Polled(moved=True))
    assert simulation.beat() == ()

    simulation.end(CACHE, Polled(trouble=Trouble(Cause.OPERATOR)))

    assert simulation.beat() == (Update("fleet"),)


def test_a_registry_that_does_not_answer_holds_up_an_update_only_for_so_long():
    simulation = simulate({"fleet": MINUTES_5})
    simulation.beat()
    simulation.end("fleet", Updated(uses(API), awaits=frozenset({API})))
    simulation.beat()
    simulation.advance(PATIENCE_S - 1)
    assert simulation.beat() == ()

    simulation.advance(1)

    assert simulation.beat() == (Update("fleet", may_await=False),)


def test_a_decision_that_time_changes_is_made_again_at_that_instant(fleet: Simulation):
    fleet.agenda.make_target_due("fleet", fleet.now)
    fleet.advance(LEAST_GAP_S)
    fleet.beat()
    fleet.end("fleet", Updated(uses(), was_full=True, due_at=fleet.now.wall + timedelta(seconds=20)))
    fleet.advance(19)
    assert fleet.beat() == ()

    fleet.advance(1)

    assert fleet.beat() == (Update("fleet"),)


def test_an_instant_that_a_sleeping_machine_missed_is_met_when_it_wakes(fleet: Simulation):
    fleet.advance(LEAST_GAP_S)
    fleet.agenda.make_target_due("fleet", fleet.now)
    fleet.beat()
    fleet.end("fleet", Updated(uses(), was_full=True, due_at=fleet.now.wall + timedelta(hours=3)))
    fleet.advance(LEAST_GAP_S)

    fleet.advance(0, step_s=8 * 3600)  # the steady clock stands still while the machine sleeps

    assert fleet.beat() == (Update("fleet"),)


@pytest.mark.parametrize("step_s", [-86400, 86400], ids=["put back", "put on"])
def test_the_clock_on_the_wall_has_no_say_in_intervals(fleet: Simulation, step_s: float):
    fleet.advance(0, step_s=step_s)
    assert fleet.beat() == ()

    fleet.live(300, end_well({"fleet": uses(API, CACHE)}))

    assert {key: len(began) for key, began in fleet.began.items()} == {"fleet": 2, API: 1, CACHE: 1}


def test_after_a_long_pause_everything_is_done_once_and_then_in_slots_of_its_own():
    plans = {f"t{number:02}": MINUTES_5 for number in range(40)}
    simulation = simulate(plans, limits=Limits(polls=40, polls_of_host=40, updates=40, recheck_s=1e9))
    simulation.live(600, end_well(dict.fromkeys(plans, uses())))
    simulation.advance(6 * 3600)
    simulation.began.clear()

    simulation.live(285, end_well(dict.fromkeys(plans, uses())))

    assert {name: len(began) for name, began in simulation.began.items()} == dict.fromkeys(plans, 2)
    again = sorted(began[1] for began in simulation.began.values())
    assert max(sum(at <= each < at + 30 for each in again) for at in again) < 15


def test_targets_are_spread_over_the_interval():
    plans = {f"t{number:03}": MINUTES_5 for number in range(300)}
    simulation = simulate(plans, limits=Limits(polls=1, polls_of_host=1, updates=300, recheck_s=1e9))
    simulation.live(301, end_well(dict.fromkeys(plans, uses())))
    simulation.began.clear()

    simulation.live(300, end_well(dict.fromkeys(plans, uses())))

    instants = sorted(at for began in simulation.began.values() for at in began)
    assert max(sum(at <= each < at + 10 for each in instants) for at in instants) <= 3 * 10


def test_a_repository_is_polled_at_the_shortest_interval_of_those_who_use_it_but_not_below_its_registrys():
    limits = Limits(polls=4, polls_of_host=2, updates=2, recheck_s=1e9, floors_s={"docker.io": 600})
    simulation = simulate({"fast": Plan(60), "slow": Plan(3600)}, limits=limits)

    simulation.live(3600, end_well({"fast": uses(API, CACHE), "slow": uses(API, WEB)}))

    counts = {key: len(began) for key, began in simulation.began.items()}
    assert 60 <= counts[API] <= 68
    assert 6 <= counts[CACHE] <= 7
    assert 1 <= counts[WEB] <= 2


def test_a_repository_that_nobody_uses_any_more_is_forgotten(fleet: Simulation):
    fleet.advance(LEAST_GAP_S)
    fleet.agenda.make_target_due("fleet", fleet.now)
    fleet.agenda.make_repository_due(CACHE, fleet.now)
    fleet.beat()

    fleet.end("fleet", Updated(uses(), was_full=True))
    fleet.end(CACHE, Polled())

    assert fleet.agenda.view(fleet.now).repositories == {}
    assert not fleet.agenda.make_repository_due(API, fleet.now)


def test_what_may_pass_is_tried_again_soon_and_then_less_and_less_often(fleet: Simulation):
    fleet.advance(300)
    fleet.beat()
    waits = []
    for _ in range(6):
        fleet.end("fleet", Updated(trouble=Trouble(Cause.PASSING)))
        waits.append(fleet.agenda.view(fleet.now).targets["fleet"].due_in_s)
        fleet.advance(300)
        assert Update("fleet") in fleet.beat()

    assert waits == [pytest.approx(each * 0.95) for each in (30, 60, 120, 240, 300, 300)]


def test_what_asks_for_a_pause_is_not_tried_before_it_is_over(fleet: Simulation):
    fleet.advance(300)
    fleet.beat()
    fleet.end("fleet", Updated(trouble=Trouble(Cause.PASSING, pause_s=1800)))

    assert fleet.agenda.view(fleet.now).targets["fleet"].due_in_s == 1800


def test_what_needs_a_person_is_tried_again_ever_more_rarely_and_at_once_when_the_settings_change(fleet: Simulation):
    fleet.advance(300)
    fleet.beat()
    waits = []
    for _ in range(6):
        fleet.end("fleet", Updated(trouble=Trouble(Cause.OPERATOR)))
        waits.append(fleet.agenda.view(fleet.now).targets["fleet"].due_in_s)
        fleet.advance(3600)
        fleet.beat()
    fleet.end("fleet", Updated(trouble=Trouble(Cause.OPERATOR)))
    fleet.advance(60)

    fleet.agenda.configure({"fleet": Plan(300, version=1)}, fleet.agenda._limits, fleet.now)

    assert waits == [pytest.approx(each * 0.95, rel=0.06) for each in (300, 600, 1200, 2400, 3600, 3600)]
    assert Update("fleet") in fleet.beat()


def test_a_host_in_trouble_is_left_alone_and_then_asked_by_one_poll_at_a_time():
    simulation = simulate({"fleet": MINUTES_5})
    simulation.beat()
    simulation.end("fleet", Updated(uses(API, CACHE, WEB), awaits=frozenset({API, CACHE, WEB})))
    assert len(simulation.beat()) == 3
    for key in (API, WEB):
        simulation.end(key, Polled(trouble=Trouble(Cause.HOST, pause_s=100)))
    simulation.end(CACHE, Polled())
    host = simulation.agenda.view(simulation.now).hosts["ghcr.io"]
    assert (host.ready, host.running, host.paused_s >= 100) == (2, 0, True)
    simulation.advance(99)
    assert not any(isinstance(due, Poll) for due in simulation.beat())

    simulation.advance(5)

    assert simulation.beat() == (Poll(API),)
    simulation.end(API, Polled())
    assert Poll(WEB) in simulation.beat()


def test_what_failed_is_tried_again_at_once_when_it_is_forgiven():
    simulation = simulate({"fleet": MINUTES_5})
    simulation.beat()
    simulation.end("fleet", Updated(uses(API, CACHE), awaits=frozenset({API, CACHE})))
    simulation.beat()
    simulation.end(API, Polled(trouble=Trouble(Cause.HOST, pause_s=3600)))
    simulation.end(CACHE, Polled(trouble=Trouble(Cause.OPERATOR)))
    simulation.beat()
    simulation.end("fleet", Updated(trouble=Trouble(Cause.OPERATOR)))
    simulation.advance(LEAST_GAP_S)
    assert simulation.beat() == ()

    simulation.agenda.forgive(simulation.now)

    assert set(simulation.beat()) == {Poll(API), Poll(CACHE), Update("fleet")}


def test_one_host_never_takes_all_the_threads():
    mine = [CACHE, *(type(API)("slow.example.com", f"a/{number}") for number in range(20))]
    simulation = simulate({"fleet": MINUTES_5})
    simulation.beat()
    simulation.end("fleet", Updated(uses(*mine), awaits=frozenset(mine)))

    began = [due.repository.registry for due in simulation.beat() if isinstance(due, Poll)]

    assert sorted(began) == ["docker.io", "slow.example.com", "slow.example.com"]


def test_a_recovered_repository_lets_those_who_use_it_be_updated(fleet: Simulation):
    fleet.advance(LEAST_GAP_S)
    fleet.agenda.make_repository_due(API, fleet.now)
    fleet.beat()
    fleet.end(API, Polled(trouble=Trouble(Cause.OPERATOR)))
    fleet.advance(LEAST_GAP_S)
    fleet.agenda.make_repository_due(API, fleet.now)
    fleet.beat()

    fleet.end(API, Polled(moved=False))

    assert fleet.beat() == (Update("fleet"),)


def test_settings_that_name_other_targets_end_those_that_are_gone_even_while_they_run():
    simulation = simulate({"edge": MINUTES_5, "fleet": MINUTES_5})
    simulation.beat()
    simulation.end("edge", Updated(uses(WEB), was_full=True))

    simulation.agenda.configure({"new": MINUTES_5}, simulation.agenda._limits, simulation.now)
    simulation.end("fleet", FULL)

    view = simulation.agenda.view(simulation.now)
    assert (list(view.targets), view.repositories) == (["new"], {})
    assert simulation.beat() == (Update("new"),)


def test_a_target_that_is_gone_and_comes_back_while_it_runs_is_updated_once_more():
    simulation = simulate({"fleet": MINUTES_5})
    simulation.beat()
    for plans in ({}, {"fleet": MINUTES_5}):
        simulation.agenda.configure(plans, simulation.agenda._limits, simulation.now)
    simulation.advance(LEAST_GAP_S)
    assert simulation.beat() == ()

    simulation.end("fleet", FULL)

    assert simulation.beat() == (Update("fleet"),)


def schedule(*lines: str, zone: str = "UTC") -> Plan:
    return Plan(300, tuple(map(parse_cron, lines)), ZoneInfo(zone))


def test_a_schedule_says_when_a_target_is_updated_and_its_images_are_polled_before():
    simulation = simulate({"fleet": schedule("30 12 * * *")})
    assert simulation.live(1799, end_well({})) == []
    assert simulation.agenda.view(simulation.now).targets["fleet"].at == START + timedelta(minutes=30)
    first = simulation.live(2, end_well({"fleet": uses(API)}))
    assert first == [Update("fleet")]

    second = simulation.live(24 * 3600, end_well({"fleet": uses(API)}), beat_s=10)

    assert second == [Poll(API), Update("fleet")]


def test_news_does_not_move_a_target_that_has_a_schedule_but_somebody_who_asks_does():
    simulation = simulate({"fleet": schedule("30 12 * * *"), "fast": Plan(60)})
    simulation.live(1860, end_well({"fleet": uses(API), "fast": uses(API)}))
    simulation.agenda.make_repository_due(API, simulation.now)
    simulation.advance(LEAST_GAP_S)
    simulation.beat()
    simulation.end(API, Polled(moved=True))
    simulation.advance(LEAST_GAP_S)
    assert simulation.beat() == (Update("fast"),)

    simulation.agenda.make_target_due("fleet", simulation.now)

    assert simulation.beat() == (Update("fleet"),)


@pytest.mark.parametrize(
    ("lines", "zone", "begins", "expected"),
    [
        pytest.param(["0 6 * * *"], "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T04:00", id="summer time begins"),
        pytest.param(["0 6 * * *"], "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T05:00", id="summer time ends"),
        pytest.param(["0 6 * * 0"], "UTC", "2026-09-01T12:00", "2026-09-06T06:00", id="0 is Sunday"),
        pytest.param(["0 6 * * 1", "0 7 * * *"], "UTC", "2026-09-01T12:00", "2026-09-02T07:00", id="the first of two"),
        pytest.param(["0 12 * * *"], "UTC", "2026-09-01T12:00", "2026-09-02T12:00", id="not the minute that it is"),
    ],
)
def test_the_next_time_of_a_schedule(lines: list[str], zone: str, begins: str, expected: str):
    simulation = simulate({})
    simulation.advance(0, step_s=(datetime.fromisoformat(begins).replace(tzinfo=UTC) - START).total_seconds())

    simulation.agenda.configure({"fleet": schedule(*lines, zone=zone)}, simulation.agenda._limits, simulation.now)

    at = simulation.agenda.view(simulation.now).targets["fleet"].at
    assert at == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_scheduled_minute_that_comes_while_the_target_runs_is_not_lost():
    simulation = simulate({"fleet": schedule("30 12 * * *", "31 12 * * *")})
    simulation.advance(1800)
    simulation.beat()
    simulation.advance(60)

    simulation.end("fleet", FULL)

    assert simulation.live(70, end_well({"fleet": uses()})) == [Poll(CACHE), Poll(API), Update("fleet")]


def test_a_clock_that_is_put_back_leaves_no_scheduled_time_out():
    simulation = simulate({"fleet": schedule("0 * * * *")})
    simulation.advance(1800, step_s=-86400)

    assert simulation.live(1800, end_well({"fleet": uses()})) == [Update("fleet")]


def test_a_view_tells_where_everything_stands(fleet: Simulation):
    fleet.agenda.make_repository_due(API, fleet.now)
    fleet.beat()

    view = fleet.agenda.view(fleet.now)

    assert view.targets["fleet"].phase is Phase.WAITING
    assert 0 < (view.targets["fleet"].due_in_s or 0) <= 300
    assert view.repositories[API].phase is Phase.RUNNING
    assert view.hosts["ghcr.io"].running == 1


def test_news_that_somebody_else_polled_lets_the_targets_that_use_the_image_be_updated(fleet: Simulation):
    fleet.advance(LEAST_GAP_S)

    fleet.agenda.hear_moved(API, fleet.now)
    fleet.agenda.hear_moved(WEB, fleet.now)

    assert fleet.beat() == (Update("fleet"),)


def test_news_that_somebody_else_polled_counts_for_an_update_that_may_have_read_what_was_before():
    simulation = simulate({"fleet": MINUTES_5})
    simulation.beat()

    simulation.agenda.hear_moved(API, simulation.now)

    simulation.end("fleet", FULL)
    simulation.advance(LEAST_GAP_S)
    assert simulation.beat() == (Update("fleet"),)


def test_more_room_lets_more_begin_and_less_lets_what_runs_end():
    simulation = simulate({"edge": MINUTES_5, "fleet": MINUTES_5, "web": MINUTES_5}, limits=Limits(1, 1, 1, 3600))
    assert len(simulation.beat()) == 1

    simulation.agenda.make_room(polls=1, updates=2)
    assert len(simulation.beat()) == 1

    simulation.agenda.make_room(polls=1, updates=1)
    simulation.end("edge", Updated(was_full=True))
    assert simulation.beat() == ()
