"""How many may be open, how many may be opened in an hour, and when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from imagebot.proposal.limits import Limits, Wait
from imagebot.proposal.request_rules import RequestRules
from imagebot.proposal.schedule import parse_cron

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def _make(rules: RequestRules, *, ago: tuple[timedelta, ...] = (), now: datetime = NOW, now_open: int = 0) -> Limits:
    limits = Limits(rules, list_opened_at=lambda: [now - each for each in ago], now=now)
    limits.count_open(now_open)
    return limits


def test_without_limits_nothing_waits():
    limits = _make(RequestRules(max_open=None), now_open=999)

    assert (limits.find_wait_to_open(), limits.find_wait_to_move()) == (None, None)


def test_what_is_opened_in_a_round_counts_in_it():
    limits = _make(RequestRules(max_open=2), now_open=1)

    first = limits.find_wait_to_open()
    limits.count_opened()
    second = limits.find_wait_to_open()

    assert first is None
    assert second == Wait("2 are open, and max_open is 2: it is opened when one of them is done", None)
    assert limits.find_wait_to_move() is None


@pytest.mark.parametrize(
    ("ago", "until"),
    [
        pytest.param((), None, id="none was opened"),
        pytest.param((20 * MINUTE,), None, id="there is room for one more"),
        pytest.param((20 * MINUTE, HOUR), None, id="an hour ago is not within an hour"),
        pytest.param((20 * MINUTE, 50 * MINUTE), NOW + 10 * MINUTE, id="until the first of them is an hour ago"),
        pytest.param((20 * MINUTE, 50 * MINUTE, 55 * MINUTE), NOW + 10 * MINUTE, id="or as many as there are too many"),
        pytest.param((-5 * MINUTE, 20 * MINUTE), None, id="a clock that was ahead counts for nothing"),
    ],
)
def test_how_many_may_be_opened_in_an_hour(ago: tuple[timedelta, ...], until: datetime | None):
    wait = _make(RequestRules(max_per_hour=2), ago=ago).find_wait_to_open()

    assert (wait and wait.until) == until


def test_what_is_opened_in_a_round_counts_for_its_hour():
    limits = _make(RequestRules(max_per_hour=1))
    limits.count_opened()

    assert limits.find_wait_to_open() == Wait("max_per_hour is 1: it is opened at 2026-03-02 13:30 UTC", NOW + HOUR)


def test_outside_of_the_schedule_nothing_is_opened_or_moved():
    rules = RequestRules(schedule=(parse_cron("* 8-17 * * mon-fri"),), timezone=ZoneInfo("Europe/Berlin"))
    friday = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)

    limits = _make(rules, now=friday)

    wait = Wait("the schedule opens at 2026-03-09 08:00 CET", datetime(2026, 3, 9, 7, tzinfo=UTC))
    assert (limits.find_wait_to_open(), limits.find_wait_to_move()) == (wait, wait)
    assert _make(rules, now=friday - MINUTE).find_wait_to_move() is None
