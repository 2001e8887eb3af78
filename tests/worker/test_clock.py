from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest

from imagebot.worker.clock import Clock, read_clocks

LIMIT_S = 30


@pytest.fixture
def beaten() -> Event:
    return Event()


@pytest.fixture
def clock(beaten: Event) -> Iterator[Clock]:
    clock = Clock(beaten.set)
    clock.start()
    yield clock
    clock.stop()


def test_it_beats_again_and_again(clock: Clock, beaten: Event):
    for _ in range(2):
        assert beaten.wait(LIMIT_S)
        beaten.clear()


def test_it_beats_on_though_the_clock_on_the_wall_was_put_back(clock: Clock, beaten: Event):
    # As APScheduler finds it after such a step: the next beat is hours ahead.
    clock._job.modify(next_run_time=read_clocks().wall + timedelta(hours=5))
    beaten.clear()

    clock.look_after(read_clocks().wall)

    assert beaten.wait(LIMIT_S)


def test_the_next_beat_is_left_alone_where_it_is_near(clock: Clock):
    due_at = clock._job.next_run_time

    clock.look_after(due_at - timedelta(seconds=1))

    assert clock._job.next_run_time - due_at <= timedelta(seconds=LIMIT_S)


def test_a_beat_that_fails_does_not_end_the_clock(beaten: Event):
    def fail() -> None:
        beaten.set()
        raise RuntimeError

    clock = Clock(fail)
    clock.start()
    for _ in range(2):
        assert beaten.wait(LIMIT_S)
        beaten.clear()
    clock.stop()
