"""Each registry has threads of its own: one that hangs holds up none of the others."""

import threading

import pytest

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.image.reference import Repository
from imagebot.registry.client import Registries
from imagebot.registry.host import RegistryHost
from imagebot.registry.lanes import Lanes

PAGE = Reply(200, b'{"tags": ["1.0"]}')


def test_a_registry_that_never_answers_does_not_delay_the_polls_of_another(pacing):
    """It answers only when the other was asked for all it has: were a thread missing for that, neither would end."""
    all_asked = threading.Event()
    asked: list[str] = []

    def hold(call: Call) -> Reply:
        return PAGE if all_asked.wait(15) else Reply(500)

    def serve(call: Call) -> Reply:
        asked.append(call.target)
        if len(asked) == 40:
            all_asked.set()
        return PAGE

    with LoopbackServer(hold) as hole, LoopbackServer(serve) as good:
        hosts = {each.address: RegistryHost(each.address, plain_http=True) for each in (hole, good)}
        repositories = [Repository(each.address, f"acme/{n}") for each in (hole, good) for n in range(40)]
        with (
            Registries(hosts, timeout_s=20, user_agent="test", pacing=pacing) as registries,
            Lanes(8) as lanes,
        ):
            tags = [listed.tags for listed in lanes.map(registries.list_tags, repositories)]

    assert tags == [("1.0",)] * 80


def test_results_come_in_the_order_of_what_was_given():
    repositories = [Repository(f"r{n % 3}.example", str(n)) for n in range(30)]

    with Lanes(4) as lanes:
        assert list(lanes.map(str, repositories)) == [str(each) for each in repositories]


def test_registries_without_number_share_some_threads():
    names = set()

    def note(repository: Repository) -> None:
        names.add(threading.current_thread().name.rpartition("_")[0])

    with Lanes(1) as lanes:
        list(lanes.map(note, [Repository(f"r{n}.example", "x") for n in range(500)]))

    assert len(names) == 64


def test_what_has_not_begun_is_left_when_the_work_ends_early():
    begun: list[str] = []
    go, has_begun = threading.Event(), threading.Event()

    def work(repository: Repository) -> None:
        begun.append(repository.path)
        has_begun.set()
        go.wait(10)

    def fail(lanes: Lanes) -> None:
        futures = [lanes.submit(work, Repository("r.example", str(n))) for n in range(9)]
        futures[-1].add_done_callback(lambda _: go.set())  # it is done by being cancelled
        has_begun.wait(10)
        raise KeyError

    with pytest.raises(KeyError), Lanes(1) as lanes:
        fail(lanes)

    assert begun == ["0"]


def test_after_an_interrupt_nothing_is_waited_for():
    never = threading.Event()

    def interrupt(lanes: Lanes) -> None:
        lanes.submit(lambda _: never.wait(60), Repository("r.example", "x"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Lanes(1) as lanes:
        interrupt(lanes)

    never.set()
