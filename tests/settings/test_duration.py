"""Durations as people write them."""

import pytest

from imagebot.settings.duration import find_seconds


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
