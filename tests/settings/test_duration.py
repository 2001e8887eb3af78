"""Durations as people write them."""

from datetime import timedelta

import pytest

from imagebot.settings.duration import find_seconds, make_duration
from imagebot.settings.section import Refused


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("250ms", 0.25, id="milliseconds"),
        pytest.param("30s", 30, id="seconds"),
        pytest.param("1.5m", 90, id="a part of a minute"),
        pytest.param("2h", 7200, id="hours"),
        pytest.param("3d", 259200, id="days"),
        pytest.param("0s", 0, id="none at all"),
        pytest.param("30", None, id="no unit"),
        pytest.param("s", None, id="no number"),
        pytest.param("-1s", None, id="negative"),
        pytest.param("1 s", None, id="a blank"),
        pytest.param("1m30s", None, id="two units"),
        pytest.param("1M", None, id="a capital"),
        pytest.param("٣s", None, id="digits of another script"),
        pytest.param("1e3s", None, id="an exponent"),
        pytest.param("1s\n", None, id="a line break"),
    ],
)
def test_a_duration_has_one_number_and_one_unit(text, seconds):
    assert find_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        pytest.param("250ms", timedelta(milliseconds=250), id="a short one"),
        pytest.param("0.000001s", timedelta(microseconds=1), id="the shortest"),
        pytest.param("24h", timedelta(days=1), id="the longest, in another unit"),
    ],
)
def test_a_duration_is_made_to_the_microsecond(text, duration):
    assert make_duration(text, longest="1d") == duration


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        pytest.param("1 day", None, id="no duration"),
        pytest.param("0d", "a duration of more than 0s and at most 1d", id="none at all"),
        pytest.param("0.0000001s", "a duration of more than 0s and at most 1d", id="less than a microsecond"),
        pytest.param("86400001ms", "a duration of more than 0s and at most 1d", id="a little too long"),
        pytest.param("999999999.9d", "a duration of more than 0s and at most 1d", id="longer than any timedelta"),
    ],
)
def test_a_duration_beyond_its_limits_is_refused(text, accepted):
    with pytest.raises(Refused) as refused:
        make_duration(text, longest="1d")

    assert refused.value.accepted == accepted
