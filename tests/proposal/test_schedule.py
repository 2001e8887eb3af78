"""Windows of time: which lines are taken, which minutes they match, and when the next of them comes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot.proposal.schedule import ClosedUntil, Cron, InvalidCron, Open, find_window, parse_cron

BERLIN = ZoneInfo("Europe/Berlin")


def _at(text: str) -> datetime:
    """Make an instant of `2026-03-01 12:00`, in UTC."""
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("* * * *", id="four fields"),
        pytest.param("* * * * * *", id="six fields"),
        pytest.param("", id="nothing"),
        pytest.param("@daily", id="a name for a line"),
        pytest.param("60 * * * *", id="minute 60"),
        pytest.param("* 24 * * *", id="hour 24"),
        pytest.param("* * 0 * *", id="day 0"),
        pytest.param("* * 32 * *", id="day 32"),
        pytest.param("* * * 13 *", id="month 13"),
        pytest.param("* * * * 8", id="weekday 8"),
        pytest.param("*/0 * * * *", id="a step of 0"),
        pytest.param("a * * * *", id="a word"),
        pytest.param("mon * * * *", id="a weekday for a minute"),
        pytest.param("-1 * * * *", id="a negative number"),
        pytest.param("1- * * * *", id="a range without end"),
        pytest.param(", * * * *", id="an empty list"),
        pytest.param("* * L * *", id="the last day, which not all crons know"),
        pytest.param("* * * * mon#1", id="the first Monday, which not all crons know"),
        pytest.param("H * * * *", id="a hash, which not all crons know"),
        pytest.param("* * ? * *", id="a question mark, which not all crons know"),
        pytest.param("* * 30 2 *", id="30 February"),
        pytest.param("* * 31 4,6,9,11 *", id="a 31st that no month has"),
        pytest.param("0," * 150 + "0 * * * *", id="a long text"),
    ],
)
def test_a_text_that_is_no_line_is_refused(text):
    with pytest.raises(InvalidCron):
        parse_cron(text)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        pytest.param("* * * * *", ["2026-03-01 00:00", "2026-12-31 23:59"], [], id="every minute"),
        pytest.param(
            "* 8-17 * * mon-fri",
            ["2026-03-02 08:00", "2026-03-06 17:59"],
            ["2026-03-02 07:59", "2026-03-02 18:00", "2026-03-07 12:00", "2026-03-08 12:00"],
            id="working hours",
        ),
        pytest.param("* * * * 0", ["2026-03-01 12:00"], ["2026-03-02 12:00", "2026-02-28 12:00"], id="0 is Sunday"),
        pytest.param("* * * * 7", ["2026-03-01 12:00"], ["2026-03-02 12:00", "2026-02-28 12:00"], id="7 is Sunday"),
        pytest.param("* * * * SUN", ["2026-03-01 12:00"], ["2026-03-02 12:00"], id="names in any case"),
        pytest.param("* * * * 6-7", ["2026-02-28 12:00", "2026-03-01 12:00"], ["2026-03-02 12:00"], id="Saturday on"),
        pytest.param("* * * * fri-mon", ["2026-03-06 12:00", "2026-03-02 12:00"], ["2026-03-03 12:00"], id="weekend"),
        pytest.param("* 22-5 * * *", ["2026-03-01 22:00", "2026-03-01 05:59"], ["2026-03-01 06:00"], id="over night"),
        pytest.param("*/20 * * * *", ["2026-03-01 12:40"], ["2026-03-01 12:41"], id="a step"),
        pytest.param("5/20 * * * *", ["2026-03-01 12:05", "2026-03-01 12:45"], ["2026-03-01 12:00"], id="a step from"),
        pytest.param(
            "* * 13 * 5", ["2026-02-13 12:00", "2026-03-06 12:00", "2026-05-13 12:00"], ["2026-03-05 12:00"], id="or"
        ),
        pytest.param("* * */2 * 1", ["2026-03-09 12:00"], ["2026-03-02 12:00", "2026-03-03 12:00"], id="and"),
        pytest.param("* * 29 feb *", ["2028-02-29 12:00"], ["2026-02-28 12:00"], id="a leap day"),
        pytest.param("*,1 * * * *", ["2026-03-01 12:30"], [], id="a star in a list"),
    ],
)
def test_a_line_is_open_in_its_minutes(text, inside, outside):
    cron = parse_cron(text)

    assert [each for each in inside if find_window([cron], UTC, now=_at(each)) != Open()] == []
    assert [each for each in outside if find_window([cron], UTC, now=_at(each)) == Open()] == []


@pytest.mark.parametrize(
    ("schedule", "now", "until"),
    [
        pytest.param(["* 8-17 * * mon-fri"], "2026-03-06 18:00:30", "2026-03-09 08:00", id="over the weekend"),
        pytest.param(["* 8-17 * * *"], "2026-03-06 07:59:59.9", "2026-03-06 08:00", id="in less than a second"),
        pytest.param(["0 12 * * *", "0 6 * * *"], "2026-03-06 05:00", "2026-03-06 06:00", id="the earlier of two"),
        pytest.param(["* * 29 2 *"], "2026-03-06 12:00", "2028-02-29 00:00", id="the next leap day"),
        pytest.param(["* * 29 2 *"], "2097-03-06 12:00", "2104-02-29 00:00", id="2100 has none"),
        pytest.param(["* * */31 2 2"], "2026-03-06 12:00", "2028-02-01 00:00", id="a first of February on a Tuesday"),
    ],
)
def test_what_is_closed_says_when_it_opens(schedule, now, until):
    assert find_window([parse_cron(each) for each in schedule], UTC, now=_at(now)) == ClosedUntil(_at(until))


def test_without_lines_it_is_always_open():
    assert find_window((), BERLIN, now=_at("2026-03-01 12:00")) == Open()


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        # In Berlin clocks go from 2:00 to 3:00 on 2026-03-29, from 3:00 to 2:00 on 2026-10-25, at 01:00 UTC.
        pytest.param("* 8 * * *", "2026-03-28 08:00", "2026-03-29 06:00", id="8:00 comes an hour earlier in summer"),
        pytest.param("* 8 * * *", "2026-10-24 07:00", "2026-10-25 07:00", id="8:00 comes an hour later in winter"),
        pytest.param("30 2 * * *", "2026-03-28 12:00", "2026-03-30 00:30", id="a minute that is skipped"),
        pytest.param("* 2-3 * * *", "2026-03-29 00:59", "2026-03-29 01:00", id="a window of which half is skipped"),
        pytest.param("30 2 * * *", "2026-10-25 00:00", "2026-10-25 00:30", id="the first of two"),
        pytest.param("30 2 * * *", "2026-10-25 00:31", "2026-10-25 01:30", id="the second of two"),
        pytest.param("30 2 * * *", "2026-10-25 01:31", "2026-10-26 01:30", id="after both"),
        pytest.param("30 2 * * *", "2026-10-25 00:30", None, id="open the first time"),
        pytest.param("30 2 * * *", "2026-10-25 01:30", None, id="open the second time"),
    ],
)
def test_windows_go_by_the_clock_on_the_wall(text, now, expected):
    window = find_window([parse_cron(text)], BERLIN, now=_at(now))

    assert window == (Open() if expected is None else ClosedUntil(_at(expected)))


@pytest.mark.parametrize(
    ("zone", "text", "now", "until"),
    [
        pytest.param("Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00", "2026-10-04 15:15", id="half an hour"),
        pytest.param("Asia/Kathmandu", "0 8 * * *", "2026-03-01 12:00", "2026-03-02 02:15", id="45 minutes beside"),
        pytest.param("Pacific/Apia", "* * 30 12 *", "2011-12-01 12:00", "2012-12-29 10:00", id="a day that was not"),
        pytest.param("Pacific/Kiritimati", "0 0 * * *", "2026-03-01 12:00", "2026-03-02 10:00", id="14 hours ahead"),
    ],
)
def test_odd_time_zones(zone, text, now, until):
    assert find_window([parse_cron(text)], ZoneInfo(zone), now=_at(now)) == ClosedUntil(_at(until))


def test_what_clocks_always_skip_is_closed_for_years():
    # In Iran clocks went from 0:00 to 1:00 on 21 or 22 March, until 2022.
    window = find_window([parse_cron("30 0 22 3 *")], ZoneInfo("Asia/Tehran"), now=_at("2017-04-01 12:00"))

    assert isinstance(window, ClosedUntil)
    assert window.at > _at("2020-01-01 00:00")


_LINES = st.builds(
    lambda *fields: parse_cron(" ".join(fields)),
    st.sampled_from(["*", "0", "30", "*/15", "55-5"]),
    st.sampled_from(["*", "2", "8-17", "22-3", "*/6"]),
    st.sampled_from(["*", "1", "28-31", "*/2"]),
    st.sampled_from(["*", "3", "10", "nov-feb"]),
    st.sampled_from(["*", "sun", "1-5", "fri-mon"]),
)
_ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
# Around the days on which clocks are put on and back.
_INSTANTS = st.builds(
    lambda day, minutes: _at(day) + timedelta(minutes=minutes),
    st.sampled_from(["2026-03-07 12:00", "2026-03-28 12:00", "2026-10-03 12:00", "2026-10-24 12:00"]),
    st.integers(0, 48 * 60),
)


@settings(max_examples=60, deadline=None)
@given(schedule=st.lists(_LINES, min_size=1, max_size=3), zone=_ZONES, now=_INSTANTS)
def test_it_opens_when_it_says_and_not_before(schedule: list[Cron], zone: str, now: datetime):
    timezone = ZoneInfo(zone)

    window = find_window(schedule, timezone, now=now)

    if isinstance(window, ClosedUntil):
        assert window.at > now
        assert find_window(schedule, timezone, now=window.at) == Open()
        minutes = min(int((window.at - now) / timedelta(minutes=1)), 3000)
        between = (now + timedelta(minutes=n) for n in range(minutes))
        assert not any(cron.has_minute(each.astimezone(timezone)) for each in between for cron in schedule)
