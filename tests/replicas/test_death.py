"""What happens when a replica dies, freezes or goes: another has the clock, and what was begun is done by others."""

import signal
from datetime import UTC, datetime
from threading import Event

import pytest

from tests.replicas.conftest import LIMIT_S, Site, list_overlaps, measure_s

pytestmark = pytest.mark.slow


def hold_first_poll(site: Site) -> tuple[Event, Event]:
    """Let the first list of tags hang until it is let go; returns what is set when it was asked for, and that."""
    asked, answer = Event(), Event()

    def hold(_method: str, target: str) -> None:
        if "/tags/list" in target and not asked.is_set():
            asked.set()
            answer.wait(LIMIT_S)

    site.registry.fault = hold
    site.stack.callback(answer.set)
    return asked, answer


def test_a_killed_replica_loses_clock_and_jobs_to_another_which_finishes_the_work(site: Site):
    site.add_target("fleet", "acme/api")
    asked, _ = hold_first_poll(site)
    leader = site.start()
    assert asked.wait(LIMIT_S)
    other = site.start()
    other.wait_for("clock_found_taken")

    leader.signal(signal.SIGKILL)
    killed_at = datetime.now(UTC)

    assert measure_s(killed_at, other.wait_for("clock_taken")) < 15
    other.wait_for("target_updated")
    assert site.read_proposal("fleet", "acme/api") == "1.1.0"


def test_a_frozen_replica_loses_the_clock_and_defers_nothing_when_it_wakes(site: Site):
    site.add_target("fleet", "acme/api")
    leader = site.start()
    leader.wait_for("target_updated")
    other = site.start()
    other.wait_for("clock_found_taken")

    leader.signal(signal.SIGSTOP)
    frozen_at = datetime.now(UTC)
    taken = other.wait_for("clock_taken")
    other.wait_for("target_updated")
    leader.signal(signal.SIGCONT)
    leader.wait_for("jobs_away")
    leader.wait_for("clock_found_taken")

    assert measure_s(frozen_at, taken) < 15
    assert list_overlaps(site.list_done()) == []


def test_a_replica_that_is_to_end_gives_up_the_clock_before_its_rounds_have_ended(site: Site):
    site.add_target("fleet", "acme/api")
    asked, answer = hold_first_poll(site)
    leader = site.start()
    assert asked.wait(LIMIT_S)
    other = site.start()
    other.wait_for("clock_found_taken")

    leader.signal(signal.SIGTERM)
    other.wait_for("clock_taken")
    assert leader.process.poll() is None
    answer.set()

    other.wait_for("target_updated")
    assert leader.process.wait(LIMIT_S) == 0
    assert site.read_proposal("fleet", "acme/api") == "1.1.0"
    assert list_overlaps(site.list_done()) == []
