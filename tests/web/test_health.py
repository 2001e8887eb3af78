"""What makes the service unready, what only degrades it, and what it says then."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from imagebot.agenda.values import HostTiming, Now, Phase, Timing, View
from imagebot.errors import NeedsOperator
from imagebot.image.reference import Repository
from imagebot.jobs.standing import Standing
from imagebot.web.health import Check, Health, check_clock, check_replicas, check_rounds, check_store

NOW = Now(datetime(2026, 9, 1, tzinfo=UTC), 1000.0)
WELL, SICK = Check(is_ok=True, detail=""), Check(is_ok=False, detail="")


@pytest.mark.parametrize(
    ("beaten_at", "is_ok"),
    [
        pytest.param(None, False, id="never"),
        pytest.param(replace(NOW, steady_s=941.0), True, id="a minute ago"),
        pytest.param(replace(NOW, steady_s=930.0), False, id="longer ago"),
        pytest.param(replace(NOW, wall=datetime(2020, 1, 1, tzinfo=UTC)), True, id="whatever the wall says"),
    ],
)
def test_a_clock_that_has_not_beaten_for_a_minute_has_stopped(beaten_at: Now | None, is_ok: bool):
    assert check_clock(beaten_at, NOW).is_ok is is_ok


def test_a_store_that_cannot_be_written_to_says_why():
    def fail() -> None:
        raise NeedsOperator("the store x cannot be used: disk full")

    assert check_store(fail) == Check(is_ok=False, detail="the store x cannot be used: disk full")


@pytest.mark.parametrize(
    ("standing", "is_ok", "detail"),
    [
        pytest.param(Standing(), False, "no replica has the clock yet", id="nobody ever"),
        pytest.param(Standing("one", 2.0, 3, is_held=True), True, "one has the clock, of 3 replicas", id="one of them"),
        pytest.param(Standing("one", 40.0, 3), False, "no replica has had the clock for 40 s", id="nobody any more"),
        pytest.param(
            Standing(replicas=1, is_held=True),
            True,
            "a replica of another version has the clock; this one waits until it ends",
            id="one of another version, which a rollout ends when this is ready",
        ),
    ],
)
def test_some_replica_has_to_have_the_clock(standing: Standing, is_ok: bool, detail: str):
    assert check_replicas(lambda: standing) == Check(is_ok, detail)


def test_rounds_that_fail_are_counted_and_nothing_is_named():
    view = View(
        {"secret-project": Timing(Phase.WAITING, 5, failures=2), "other": Timing(Phase.WAITING, 5)},
        {Repository("ghcr.io", "acme/api"): Timing(Phase.WAITING, 5)},
        {"ghcr.io": HostTiming(0, 0, 1, 30.0)},
    )

    check = check_rounds(view)

    assert not check.is_ok
    assert check.detail == "failing: 1 of 2 targets, 0 of 1 repositories; 1 registries are left alone for now"


@pytest.mark.parametrize(
    ("checks", "status", "is_ready"),
    [
        pytest.param([WELL, WELL], "ready", True, id="all well"),
        pytest.param([WELL, replace(SICK, may_degrade=True)], "degraded", True, id="rounds fail"),
        pytest.param([SICK, replace(SICK, may_degrade=True)], "unready", False, id="the store fails"),
    ],
)
def test_what_fails_outside_does_not_make_it_unready(checks: list[Check], status: str, is_ready: bool):
    health = Health(dict(enumerate(checks)))  # type: ignore[arg-type]  # any names do

    assert (health.status, health.is_ready) == (status, is_ready)
