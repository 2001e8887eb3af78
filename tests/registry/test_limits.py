"""What answers say of how many requests their server takes, in every form in use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPHeaderDict

from imagebot.registry.limits import find_pause, parse_retry_after

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
EPOCH = 1792567680  # the same instant


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        pytest.param(None, None, None, id="no header"),
        pytest.param("120", None, 120.0, id="seconds"),
        pytest.param(" 1.5 ", None, 1.5, id="a fraction, as some write it"),
        pytest.param("Wed, 21 Oct 2026 07:28:10 GMT", DATE, 10.0, id="a date"),
        pytest.param("Wed, 21 Oct 2026 07:27:00 GMT", DATE, 0.0, id="a date gone by"),
        pytest.param("Wed, 21 Oct 2026 07:28:10 GMT", None, None, id="a date without one to count from"),
        pytest.param("Wed, 21 Oct 2026 07:28:10", DATE, 10.0, id="without an offset"),
        pytest.param(str(EPOCH + 10), DATE, 10.0, id="seconds since 1970"),
        pytest.param(str(EPOCH + 10), None, None, id="seconds since 1970 without a date to count from"),
        pytest.param("-5", None, None, id="a negative number"),
        pytest.param("soon", DATE, None, id="a word"),
        pytest.param("1e9", None, None, id="an exponent"),
        pytest.param("9999999999999999999", DATE, None, id="more digits than any instant has"),
    ],
)
def test_retry_after(value, date, seconds):
    assert parse_retry_after(value, date) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="none"),
        pytest.param(
            {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"}, None, id="Docker Hub's, some left"
        ),
        pytest.param(
            {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600"}, 900.0, id="Docker Hub's, none left"
        ),
        pytest.param({"ratelimit-remaining": "0;w=20"}, 20.0, id="a window that can be waited out"),
        pytest.param({"RateLimit-Limit": "10", "RateLimit-Remaining": "0", "RateLimit-Reset": "7"}, 7.0, id="seconds"),
        pytest.param(
            {"RateLimit-Remaining": "0", "RateLimit-Reset": str(EPOCH + 30), "Date": DATE}, 30.0, id="GitLab's instant"
        ),
        pytest.param(
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH + 5), "Date": DATE}, 5.0, id="Docker's API"
        ),
        pytest.param({"X-RateLimit-Remaining": "0"}, 60.0, id="it does not say until when"),
        pytest.param({"RateLimit-Remaining": "1", "RateLimit-Reset": "7"}, None, id="one is left"),
        pytest.param({"RateLimit-Remaining": "none", "RateLimit-Reset": "7"}, None, id="no number"),
        pytest.param({"RateLimit-Remaining": "-1", "RateLimit-Reset": "7"}, None, id="a negative number"),
        pytest.param({"RateLimit": "limit=100, remaining=0, reset=30"}, 30.0, id="one header, fields"),
        pytest.param({"RateLimit": "limit=100, remaining=5, reset=30"}, None, id="one header, fields, some left"),
        pytest.param({"RateLimit": '"default";r=0;t=12'}, 12.0, id="one header, a policy"),
        pytest.param({"RateLimit": '"a";r=0;t=12, "b";r=0;t=600, "c";r=9;t=999'}, 600.0, id="the longest of policies"),
        pytest.param({"RateLimit": '"default";r=50;t=30'}, None, id="one header, a policy, some left"),
        pytest.param({"RateLimit": '"default"; r=0; pk=:cjA7dD0x:'}, 60.0, id="a policy without its end"),
        pytest.param({"RateLimit": "0"}, None, id="another program's header"),
        pytest.param({"RateLimit": "x" * 100_000}, None, id="a long one"),
    ],
)
def test_for_how_long_nothing_is_left(headers, seconds):
    assert find_pause(HTTPHeaderDict(headers)) == seconds


NAMES = ("RateLimit", "RateLimit-Remaining", "RateLimit-Reset", "X-RateLimit-Remaining", "Date", "Retry-After")


@given(st.dictionaries(st.sampled_from(NAMES), st.text(alphabet='0123456789;=,rtw" remainingEGMT:', max_size=60)))
def test_whatever_stands_there_is_no_pause_or_one_of_some_seconds(headers):
    for seconds in (find_pause(headers), parse_retry_after(headers.get("Retry-After"), headers.get("Date"))):
        assert seconds is None or 0 <= seconds < float("inf")
