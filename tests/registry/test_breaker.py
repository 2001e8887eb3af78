"""A host that fails again and again is left alone, for longer each time, and one request finds out whether it works."""

from datetime import timedelta

import pytest

from imagebot.registry.breaker import Breaker
from imagebot.registry.errors import LeftAlone, RateLimited, RegistryUnavailable, UnexpectedAnswer, UntrustedCertificate
from tests.registry.conftest import START

DOWN = RegistryUnavailable("ghcr.io", "it answered 500")


@pytest.fixture
def breaker(pacing):
    return Breaker("ghcr.io", pacing)


def attempt(breaker: Breaker, error: Exception | None = None) -> str:
    """Try once, and tell how it ended."""
    try:
        with breaker.attempt():
            if error is not None:
                raise error
    except LeftAlone as left:
        return "left alone" if left is not error else "passed on"
    except type(error or DOWN):
        return "failed"
    return "done"


def test_five_failures_in_a_row_and_the_host_is_left_alone_for_half_a_minute(breaker, clock):
    assert [attempt(breaker, DOWN) for _ in range(6)] == ["failed"] * 5 + ["left alone"]

    with pytest.raises(LeftAlone) as caught, breaker.attempt():
        pass

    assert caught.value.until == START + timedelta(seconds=30)
    assert str(caught.value) == (
        "ghcr.io is left alone until 2026-09-01 12:00:30 UTC: "
        "its last 5 requests failed, the last one because it answered 500"
    )
    clock.now += 30
    assert attempt(breaker) == "done"


def test_a_success_between_ends_the_row(breaker):
    for _ in range(3):
        assert [attempt(breaker, DOWN) for _ in range(4)] == ["failed"] * 4
        assert attempt(breaker) == "done"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(UnexpectedAnswer("ghcr.io", "no JSON"), id="an answer of no use"),
        pytest.param(RateLimited("ghcr.io", None, until=START), id="a 429"),
    ],
)
def test_an_answer_of_any_kind_ends_the_row(breaker, error):
    for _ in range(4):
        attempt(breaker, DOWN)
    assert attempt(breaker, error) == "failed"
    assert [attempt(breaker, DOWN) for _ in range(5)] == ["failed"] * 5


def test_one_request_finds_out_while_the_others_are_turned_away(breaker, clock):
    for _ in range(5):
        attempt(breaker, DOWN)
    clock.now += 30

    with breaker.attempt():
        with pytest.raises(LeftAlone, match="one request finds out now whether it works again") as caught:
            breaker.attempt().__enter__()
        assert caught.value.until is None

    assert [attempt(breaker) for _ in range(3)] == ["done"] * 3


def test_each_rest_is_longer_than_the_one_before_up_to_a_quarter_of_an_hour(breaker, clock):
    for _ in range(5):
        attempt(breaker, DOWN)
    rests = []
    for _ in range(8):
        began = clock.now
        while attempt(breaker, DOWN) == "left alone":
            clock.now += 1
        rests.append(clock.now - began)

    assert rests == [30, 60, 120, 240, 480, 900, 900, 900]


def test_after_a_success_the_next_rest_is_short_again(breaker, clock):
    for _ in range(5):
        attempt(breaker, DOWN)
    clock.now += 30
    attempt(breaker, DOWN)
    clock.now += 60
    assert attempt(breaker) == "done"
    for _ in range(5):
        assert attempt(breaker, DOWN) == "failed"
    clock.now += 30

    assert attempt(breaker) == "done"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(UntrustedCertificate("ghcr.io", "expired"), id="what a person has to mend"),
        pytest.param(LeftAlone("ghcr.io", "it limits our requests"), id="a pause"),
        pytest.param(KeyError("a bug"), id="a bug"),
    ],
)
def test_what_says_nothing_of_the_host_leaves_the_finding_out_to_the_next(breaker, clock, error):
    for _ in range(5):
        attempt(breaker, DOWN)
    clock.now += 30

    assert attempt(breaker, error) in ("failed", "passed on")
    assert attempt(breaker, DOWN) == "failed"
    assert attempt(breaker) == "left alone"


def test_a_failure_that_began_before_the_rest_does_not_make_it_longer(breaker, clock):
    late = breaker.attempt()
    late.__enter__()
    for _ in range(5):
        attempt(breaker, DOWN)
    clock.now += 30
    with breaker.attempt():
        late.__exit__(type(DOWN), DOWN, None)

    assert attempt(breaker) == "done"


def test_an_answer_that_began_before_the_rest_ends_it(breaker):
    late = breaker.attempt()
    late.__enter__()
    for _ in range(5):
        attempt(breaker, DOWN)
    assert attempt(breaker) == "left alone"

    late.__exit__(None, None, None)

    assert attempt(breaker) == "done"


def test_a_clock_that_was_ahead_keeps_no_host_alone(breaker, clock):
    clock.now += 1_000_000
    for _ in range(5):
        attempt(breaker, DOWN)
    clock.now -= 1_000_000

    assert attempt(breaker) == "done"
