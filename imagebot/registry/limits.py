"""What an answer says of how many requests its server takes: how long to wait, and whether one is left. Pure.

`Retry-After` is RFC 9110 §10.2.3. The RateLimit headers never became a standard, so each form of the drafts is in use
(https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/): three headers with and without `X-`, as Docker
Hub and GitLab send them; one header with `limit=, remaining=, reset=`; one with a list of policies `"NAME";r=;t=`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MAX_HEADER = 2048
_NUMBER = re.compile(r"\s*(\d{1,10}(?:\.\d{1,9})?)\s*")
# A greater number is no pause but an instant, in seconds since 1970: GitLab's and Docker Hub's API write these.
_LONGEST_S = 1e9
# Where nothing is left and it is not said until when, a window as long as Docker Hub's six hours is not waited out.
_UNSAID_S = 60.0
_LONGEST_WINDOW_S = 900.0
_WINDOW = re.compile(r";\s*w\s*=\s*(\d{1,9})")
_NAMED = re.compile(r"\b(remaining|reset|r|t)\s*=\s*(\d{1,10})\b")


def parse_retry_after(value: str | None, date: str | None) -> float | None:
    """Return the seconds that `Retry-After` asks for, None if it does not say.

    A date is counted from the `Date` of the same answer, so that a clock that is off, here or there, does no harm.
    """
    if value is None:
        return None
    if (seconds := _find_seconds(value, date)) is not None:
        return seconds
    until, now = _find_date(value), _find_date(date or "")
    return max(0.0, (until - now).total_seconds()) if until is not None and now is not None else None


def find_pause(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds no request is left; None if some are, or if the headers do not say."""
    pauses = [*_read_three(headers, ""), *_read_three(headers, "X-"), *_read_one(headers)]
    return max(pauses, default=None)


def _read_three(headers: Mapping[str, str], prefix: str) -> Iterator[float]:
    """Read `RateLimit-Remaining: 0` or `0;w=21600`, and `RateLimit-Reset`."""
    remaining = headers.get(f"{prefix}RateLimit-Remaining", "")[:_MAX_HEADER]
    if not remaining:
        return
    reset_s = _find_seconds(headers.get(f"{prefix}RateLimit-Reset", ""), headers.get("Date"))
    for policy in remaining.split(","):
        if _find_number(policy.partition(";")[0]) != 0:
            continue
        window = _WINDOW.search(policy)
        unsaid_s = min(float(window[1]), _LONGEST_WINDOW_S) if window else _UNSAID_S
        yield reset_s if reset_s is not None else unsaid_s


def _read_one(headers: Mapping[str, str]) -> Iterator[float]:
    """Read `RateLimit: "default";r=0;t=30, "daily";r=7;t=600`, and `RateLimit: limit=10, remaining=0, reset=30`."""
    header = headers.get("RateLimit", "")[:_MAX_HEADER]
    # The commas of the older form part the fields of one policy, those of the newer one policies.
    for policy in [header] if "remaining" in header else header.split(","):
        fields = {name: float(number) for name, number in _NAMED.findall(policy)}
        if fields.get("remaining", fields.get("r")) == 0:
            yield fields.get("reset", fields.get("t", _UNSAID_S))


def _find_seconds(value: str, date: str | None) -> float | None:
    """Read a number of seconds, or an instant in seconds since 1970 as the seconds from the answer's `Date` to it."""
    number = _find_number(value)
    if number is None or number < _LONGEST_S:
        return number
    now = _find_date(date or "")
    return max(0.0, number - now.timestamp()) if now is not None else None


def _find_number(text: str) -> float | None:
    match = _NUMBER.fullmatch(text)
    return float(match[1]) if match else None


def _find_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # All of HTTP's dates are GMT, whether they say so or not.
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
