"""A poll asks the registry once, keeps what it says, and never turns a failure into an empty answer."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.history import Failing
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.poll import Doubt, list_tags, poll, refresh
from imagebot.proposal.choose import Unlisted
from imagebot.registry.client import Registries
from imagebot.registry.host import RegistryHost
from imagebot.store.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOUBT = Doubt(max_shrink=0.5, patience=24 * HOUR)

PollAt = Callable[..., Snapshot | Unlisted]


@pytest.fixture
def registry() -> Iterator[LoopbackRegistry]:
    configure_logging(LogLevel.ERROR, LogFormat.JSON)
    with LoopbackRegistry() as registry:
        push_image(registry.address, "acme/api", "1.0.0")
        yield registry
    structlog.reset_defaults()


@pytest.fixture
def registries(registry: LoopbackRegistry) -> Iterator[Registries]:
    host = RegistryHost(registry.address, plain_http=True)
    with Registries({registry.address: host}, timeout_s=5, user_agent="test") as registries:
        yield registries


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite", busy_timeout_s=0.01) as store:
        yield store


@pytest.fixture
def repository(registry: LoopbackRegistry) -> Repository:
    return Repository(registry.address, "acme/api")


@pytest.fixture
def poll_at(registries: Registries, store: Store, repository: Repository) -> PollAt:
    """Poll at an instant, with the usual doubt or another."""

    def poll_at(at: datetime, doubt: Doubt = DOUBT) -> Snapshot | Unlisted:
        return poll(repository, registries=registries, store=store, doubt=doubt, now=at)

    return poll_at


def _push(registry: LoopbackRegistry, count: int) -> Sequence[str]:
    """Let the repository have as many tags as that, beside the one it has; return the new ones."""
    tags = [f"2.{number}.0" for number in range(count - 1)]
    for tag in tags:
        push_image(registry.address, "acme/api", tag)
    return tags


def _delete(registry: LoopbackRegistry, tags: Sequence[str]) -> None:
    for tag in tags:
        registry.delete_tag("acme/api", tag)


def test_a_tag_keeps_the_instant_at_which_it_was_first_seen(registry: LoopbackRegistry, poll_at: PollAt):
    poll_at(NOW)
    push_image(registry.address, "acme/api", "1.1.0")

    snapshot = poll_at(NOW + HOUR)

    assert isinstance(snapshot, Snapshot)
    assert dict(snapshot.first_seen) == {"1.0.0": NOW, "1.1.0": NOW + HOUR}
    assert snapshot.has_history


def test_a_registry_that_fails_leaves_what_is_kept_as_it_is(
    registry: LoopbackRegistry, poll_at: PollAt, store: Store, repository: Repository
):
    kept = poll_at(NOW)
    registry.fault = lambda _method, _target: Reply(403)

    answer = poll_at(NOW + HOUR)

    assert isinstance(answer, Unlisted)
    assert answer.needs_operator
    assert store.find_snapshot(repository) == kept
    assert store.history.list_failing() == {repository: Failing(NOW + HOUR, NOW + HOUR, 1, answer.reason)}


def test_a_registry_that_lists_no_tags_leaves_what_is_kept_as_it_is(
    registry: LoopbackRegistry, poll_at: PollAt, store: Store, repository: Repository
):
    kept = poll_at(NOW)
    _delete(registry, ["1.0.0"])

    answer = poll_at(NOW + HOUR, Doubt(max_shrink=1, patience=HOUR))

    assert answer == Unlisted(
        repository, f"the registry lists no tags of {repository}: nothing is decided from that", needs_operator=False
    )
    assert store.find_snapshot(repository) == kept


def test_a_store_that_cannot_be_written_costs_only_the_times(store: Store, poll_at: PollAt):
    other = sqlite3.connect(store.name, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    snapshot = poll_at(NOW)

    other.close()
    assert isinstance(snapshot, Snapshot)
    assert set(snapshot.first_seen) == {"1.0.0"}
    assert not snapshot.has_history


def test_the_times_that_a_registry_gives_are_kept_with_its_tags(registry: LoopbackRegistry, poll_at: PollAt):
    registry.upload_clock = lambda: NOW - HOUR
    push_image(registry.address, "acme/api", "1.1.0")

    snapshot = poll_at(NOW)

    assert isinstance(snapshot, Snapshot)
    assert dict(snapshot.pushed_at) == {"1.1.0": NOW - HOUR}


def test_where_nothing_is_remembered_a_listing_has_no_history(
    registry: LoopbackRegistry, registries: Registries, repository: Repository
):
    registry.upload_clock = lambda: NOW - HOUR
    digest = push_image(registry.address, "acme/api", "1.1.0")

    snapshot = list_tags(repository, registries=registries, now=NOW)

    assert snapshot == Snapshot(
        repository,
        NOW,
        dict.fromkeys(("1.0.0", "1.1.0"), NOW),
        {"1.1.0": NOW - HOUR},
        has_history=False,
        digests={"1.1.0": digest},
    )


def test_a_list_that_shrank_too_much_is_not_believed_and_what_is_kept_stays(
    registry: LoopbackRegistry, poll_at: PollAt, store: Store, repository: Repository
):
    tags = _push(registry, 10)
    kept = poll_at(NOW)
    _delete(registry, tags[:6])

    answer = poll_at(NOW + HOUR)

    assert answer == Unlisted(
        repository,
        f"the registry lists 4 tags of {repository}, and listed 10 before: nothing is decided from that, "
        "unless it stays so until 2026-03-02 01:00 UTC (settings: max_shrink, shrink_patience)",
    )
    assert store.find_snapshot(repository) == kept


def test_a_list_that_stays_short_is_believed_when_the_patience_is_over(registry: LoopbackRegistry, poll_at: PollAt):
    tags = _push(registry, 10)
    poll_at(NOW)
    _delete(registry, tags[:6])

    answers = [poll_at(NOW + hours * HOUR) for hours in (1, 24, 25, 26)]

    assert [isinstance(answer, Unlisted) for answer in answers] == [True, True, False, False]


def test_a_good_list_in_between_ends_the_doubt(registry: LoopbackRegistry, poll_at: PollAt):
    tags = _push(registry, 10)
    poll_at(NOW)
    _delete(registry, tags[:6])
    poll_at(NOW + HOUR)
    _push(registry, 10)
    good = poll_at(NOW + 2 * HOUR)
    _delete(registry, tags[:6])

    answer = poll_at(NOW + 26 * HOUR)

    assert isinstance(good, Snapshot)
    assert isinstance(answer, Unlisted)
    assert "until 2026-03-03 02:00 UTC" in answer.reason


def test_the_first_list_of_a_repository_is_believed(poll_at: PollAt):
    assert isinstance(poll_at(NOW, Doubt(max_shrink=0, patience=HOUR)), Snapshot)


@pytest.mark.parametrize(
    ("before", "after", "max_shrink", "is_believed"),
    [
        pytest.param(10, 5, 0.5, True, id="exactly the share"),
        pytest.param(10, 4, 0.5, False, id="one more than the share"),
        pytest.param(100, 71, 0.29, True, id="exactly the share, the product of which is less in floats"),
        pytest.param(100, 70, 0.29, False, id="one more than that share"),
        pytest.param(10, 1, 1, True, id="100% never doubts"),
        pytest.param(10, 9, 0, False, id="0% doubts each loss"),
        pytest.param(10, 10, 0, True, id="0% and none is lost"),
        pytest.param(10, 11, 0, True, id="0% and one came"),
    ],
)
def test_a_list_may_shrink_by_the_share_and_no_more(
    registry: LoopbackRegistry, poll_at: PollAt, before: int, after: int, max_shrink: float, is_believed: bool
):
    doubt = Doubt(max_shrink, patience=HOUR)
    registry.fault = lambda _method, _target: _list_tags(before)
    poll_at(NOW, doubt)
    registry.fault = lambda _method, _target: _list_tags(after)

    answer = poll_at(NOW + timedelta(minutes=1), doubt)

    assert isinstance(answer, Snapshot) is is_believed


def _list_tags(count: int) -> Reply:
    tags = ", ".join(f'"1.{number}"' for number in range(count))
    return Reply(200, f'{{"name": "acme/api", "tags": [{tags}]}}'.encode(), {"Content-Type": "application/json"})


def test_of_a_list_that_is_cut_nothing_is_decided(
    registry: LoopbackRegistry, store: Store, repository: Repository, poll_at: PollAt
):
    kept = poll_at(NOW)
    _push(registry, 3)
    host = RegistryHost(registry.address, plain_http=True, max_tags=2)

    with Registries({registry.address: host}, timeout_s=5, user_agent="test") as registries:
        answers = [
            poll(repository, registries=registries, store=store, doubt=DOUBT, now=NOW + HOUR),
            list_tags(repository, registries=registries, now=NOW + HOUR),
        ]

    reason = (
        f"the registry lists more than 2 tags of {repository}: nothing is decided from some of them;"
        " the setting max_tags lets more be listed"
    )
    assert answers == 2 * [Unlisted(repository, reason, needs_operator=True)]
    assert store.find_snapshot(repository) == kept


def test_a_refresh_says_whether_anything_changed(
    registry: LoopbackRegistry, registries: Registries, store: Store, repository: Repository
):
    def refresh_at(hours: int) -> bool | Unlisted:
        return refresh(repository, registries=registries, store=store, doubt=DOUBT, now=NOW + hours * HOUR)

    answers = [refresh_at(0), refresh_at(1)]
    push_image(registry.address, "acme/api", "1.1.0")
    answers += [refresh_at(2), refresh_at(3)]
    registry.fault = lambda _method, _target: Reply(403)
    failed = refresh_at(4)

    assert answers == [True, False, True, False]
    assert isinstance(failed, Unlisted)
    assert store.find_snapshot(repository) == Snapshot(
        repository, NOW + 3 * HOUR, {"1.0.0": NOW, "1.1.0": NOW + 2 * HOUR}
    )


def test_a_refresh_that_cannot_be_remembered_counts_as_a_change(
    registries: Registries, store: Store, repository: Repository
):
    refresh(repository, registries=registries, store=store, doubt=DOUBT, now=NOW)
    with closing(sqlite3.connect(store.name, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert refresh(repository, registries=registries, store=store, doubt=DOUBT, now=NOW + HOUR) is True
