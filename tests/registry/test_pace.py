"""How one host is pressed: its bounds hold for all threads together, and what it asks for is heeded by all of them."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from urllib3 import HTTPHeaderDict

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.image.reference import Repository
from imagebot.registry.errors import LeftAlone, RateLimited
from imagebot.registry.host import Limits
from imagebot.registry.message import Answer, Request
from imagebot.registry.pace import Pace
from imagebot.registry.pacing import KeptPauses, Pacing
from tests.registry.conftest import START

LISTING = Request("GET", "https://ghcr.io/v2/acme/api/tags/list", 1)
PULL = Request("GET", "https://ghcr.io/v2/acme/api/manifests/1.0", 1)
LOOK = Request("HEAD", "https://ghcr.io/v2/acme/api/manifests/1.0", 1)
DAY = timedelta(days=1)


def make_pace(pacing: Pacing, *, in_flight: int = 8, per_second: float | None = None) -> Pace:
    return Pace("ghcr.io", Limits(in_flight, per_second), pacing)


def answer(status: int, **headers: str) -> Answer:
    return Answer("https://ghcr.io/", status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def is_let_go(pace: Pace, request: Request) -> bool:
    try:
        with pace.take_turn(request):
            return True
    except LeftAlone:
        return False


def test_forty_threads_never_have_more_in_flight_than_the_bound(connect):
    """And as many as the bound: the server answers none before four are there."""
    there = threading.Barrier(4, timeout=20)
    lock = threading.Lock()
    now, most = 0, 0

    def serve(call: Call) -> Reply:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        there.wait()
        with lock:
            now -= 1
        return Reply(200, b'{"tags": ["1.0"]}')

    with LoopbackServer(serve) as server, ThreadPoolExecutor(40) as pool:
        registries = connect(server.address, limits=Limits(4, None))
        repositories = [Repository(server.address, f"acme/api{n}") for n in range(40)]
        listed = list(pool.map(registries.list_tags, repositories))

    assert len(listed) == 40
    assert most == 4


def test_forty_threads_never_begin_more_in_a_second_than_the_bound(pacing, clock):
    """The clock stands still, so what each thread waits is when it begins."""
    begun: list[float] = []
    pace = make_pace(replace(pacing, wait=begun.append), in_flight=40, per_second=5.0)

    with ThreadPoolExecutor(40) as pool:
        assert all(pool.map(lambda _: is_let_go(pace, LISTING), range(40)))

    instants = sorted([0.0, *begun])  # the first did not wait
    assert len(instants) == 40
    assert max(Counter(int(instant + 1e-6) for instant in instants).values()) == 5
    assert all(later - earlier >= 1.0 - 1e-6 for earlier, later in zip(instants, instants[5:], strict=False))


def test_a_host_that_was_not_asked_for_a_while_owes_no_turns(pacing, clock):
    pace = make_pace(pacing, per_second=2.0)
    for _ in range(3):
        is_let_go(pace, LISTING)
        clock.now += 60

    assert clock.waits == []


def test_a_pause_is_heeded_by_whoever_was_waiting_for_a_place(pacing):
    pace = make_pace(pacing, in_flight=1)
    waiting = threading.Event()

    def send(_: int) -> bool:
        waiting.set()
        return is_let_go(pace, LISTING)

    with ThreadPoolExecutor(3) as pool:
        with pace.take_turn(LISTING):
            results = pool.map(send, range(3))
            assert waiting.wait(10)
            with pytest.raises(RateLimited):
                pace.heed(LISTING, answer(429, Retry_After="60"))
        assert list(results) == [False] * 3


def test_a_brief_pause_is_waited_out_and_a_longer_one_is_not(pacing, clock):
    pace = make_pace(pacing)
    pace.heed(LISTING, answer(503, Retry_After="10"))
    assert is_let_go(pace, LISTING)
    assert clock.waits == [10.0]

    until = pace.heed(LISTING, answer(503, Retry_After="11"))

    assert until == START + timedelta(seconds=21)
    with pytest.raises(LeftAlone, match=r"ghcr\.io is left alone until 2026-09-01 12:00:21 UTC: it asked to be"):
        pace.take_turn(LISTING).__enter__()


def test_a_host_that_asks_for_one_brief_pause_after_the_other_is_left_alone(pacing):
    pace = make_pace(replace(pacing, wait=lambda _: None))  # as if it asked again each time
    pace.heed(LISTING, answer(503, Retry_After="5"))

    with pytest.raises(LeftAlone, match="one brief pause after the other"):
        pace.take_turn(LISTING).__enter__()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry_After": "999999999"}, 24 * 3600, id="a pause of a life"),
        pytest.param({"Retry_After": "120"}, 120, id="seconds"),
        pytest.param({"Retry_After": "0"}, 0, id="none"),
        pytest.param({"RateLimit": '"default";r=0;t=40'}, 40, id="it says when there are requests again"),
        pytest.param({"Retry_After": "12", "RateLimit": '"x";r=0;t=40'}, 12, id="Retry-After counts before that"),
        pytest.param({}, 30, id="it does not say"),
    ],
)
def test_how_long_a_429_is_heeded(pacing, headers, seconds):
    with pytest.raises(RateLimited) as caught:
        make_pace(pacing).heed(LISTING, answer(429, **headers))

    assert caught.value.until == START + timedelta(seconds=seconds)


def test_a_pause_that_no_registry_means_is_reported_with_what_is_kept_of_it(pacing):
    with pytest.raises(RateLimited) as caught:
        make_pace(pacing).heed(LISTING, answer(429, Retry_After="999999999"))

    assert str(caught.value) == (
        "ghcr.io is limiting our requests (429) and asks for a pause of 999999999 s: it is left alone until"
        " 2026-09-02 12:00:00 UTC; a login, a mirror or a lower requests_per_second may help (settings: registries)"
    )


def test_refusals_without_a_time_are_heeded_longer_each_time_until_another_answer(pacing, clock):
    pace = make_pace(pacing)
    kept = []
    for _ in range(7):
        with pytest.raises(RateLimited) as caught:
            pace.heed(LISTING, answer(429))
        kept.append((caught.value.until - clock.read()).total_seconds())
        clock.now += kept[-1]

    assert kept == [30, 60, 120, 240, 480, 900, 900]
    pace.heed(LISTING, answer(200))
    with pytest.raises(RateLimited) as caught:
        pace.heed(LISTING, answer(429))
    assert caught.value.until - clock.read() == timedelta(seconds=30)


def test_refusals_of_requests_that_were_sent_together_count_as_one(pacing):
    pace = make_pace(pacing)
    ends = set()
    for _ in range(8):
        with pytest.raises(RateLimited) as caught:
            pace.heed(LISTING, answer(429))
        ends.add(caught.value.until)

    assert ends == {START + timedelta(seconds=30)}


@pytest.mark.parametrize(
    ("told", "status", "headers", "let_go"),
    [
        pytest.param(LOOK, 200, {"ratelimit-remaining": "0;w=21600"}, {"list", "look"}, id="no pulls left, says HEAD"),
        pytest.param(PULL, 200, {"ratelimit-remaining": "0;w=21600"}, {"list", "look"}, id="no pulls left, says GET"),
        pytest.param(PULL, 429, {"Retry-After": "3600"}, {"list", "look"}, id="a pull is refused"),
        pytest.param(LOOK, 429, {"Retry-After": "3600"}, set(), id="HEAD is refused, so this is no matter of pulls"),
        pytest.param(LISTING, 429, {"Retry-After": "3600"}, set(), id="a listing is refused"),
        pytest.param(LISTING, 200, {"RateLimit-Remaining": "0", "RateLimit-Reset": "99"}, set(), id="no requests left"),
        pytest.param(PULL, 503, {"Retry-After": "3600"}, set(), id="it is down"),
        pytest.param(LISTING, 404, {"Retry-After": "3600"}, {"list", "look", "pull"}, id="a 404 asks for no pause"),
        pytest.param(PULL, 200, {"ratelimit-remaining": "9;w=1"}, {"list", "look", "pull"}, id="some pulls left"),
    ],
)
def test_what_is_paused(pacing, *, told, status, headers, let_go):
    pace = make_pace(pacing)

    with pytest.raises(RateLimited) if status == 429 else nullcontext():
        pace.heed(told, Answer(told.url, status, HTTPHeaderDict(headers), b""))

    requests = {"list": LISTING, "look": LOOK, "pull": PULL}
    assert {name for name, request in requests.items() if is_let_go(pace, request)} == let_go


class Memory:
    """What outlasts a process."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], object] = {}

    def make(self, *, found_every_s: float | None = None) -> KeptPauses:
        def find(host):
            return {scope: until for (of, scope), until in self.kept.items() if of == host}

        def keep(host, scope, until):
            self.kept[host, scope] = until

        return KeptPauses(find, keep, found_every_s)


def test_a_pause_outlasts_a_restart_and_ends_on_time(pacing, clock):
    pacing = replace(pacing, pauses=Memory().make())
    make_pace(pacing).heed(LISTING, answer(503, Retry_After="3600"))
    again = make_pace(pacing)

    assert not is_let_go(again, LISTING)
    clock.now += 3600
    assert is_let_go(again, LISTING)


def test_a_pause_that_another_process_was_asked_for_is_heeded_within_seconds(pacing, clock):
    memory = Memory()
    here = make_pace(replace(pacing, pauses=memory.make(found_every_s=2.0)))
    assert is_let_go(here, LISTING)

    make_pace(replace(pacing, pauses=memory.make())).heed(LISTING, answer(503, Retry_After="3600"))
    clock.now += 2

    assert not is_let_go(here, LISTING)
    assert not is_let_go(here, PULL)


def test_a_turn_is_taken_among_all_processes_where_there_are_others(pacing, clock):
    asked = []

    def take(host, gap_s):
        asked.append((host, gap_s))
        return 7.0 if len(asked) == 1 else None

    pace = make_pace(replace(pacing, turns=take), per_second=4)

    assert is_let_go(pace, LISTING)
    assert (asked, clock.waits) == ([("ghcr.io", 0.25)], [7.0])
    # Where nobody knows, this process goes by its own.
    assert is_let_go(pace, LISTING)
    assert is_let_go(pace, LISTING)
    assert clock.waits[1:] == [0.25]


def test_a_brief_pause_is_not_worth_keeping(pacing):
    memory = Memory()
    make_pace(replace(pacing, pauses=memory.make())).heed(LISTING, answer(503, Retry_After="10"))

    assert memory.kept == {}


def test_a_pause_of_a_clock_that_was_ahead_is_not_believed(pacing):
    memory = Memory()
    memory.kept["ghcr.io", "all"] = START + 3 * DAY

    assert is_let_go(make_pace(replace(pacing, pauses=memory.make())), LISTING)
