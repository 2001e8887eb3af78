"""A poll asks the registry once, keeps what it says, and never turns a failure into an empty answer."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.poll import find_digest, poll
from imagebot.proposal.choose import Unlisted
from imagebot.registry.client import Registries
from imagebot.registry.host import RegistryHost
from imagebot.store.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)


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
    with Registries({registry.address: host}, docker_config=None, timeout_s=5, user_agent="test") as registries:
        yield registries


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite", busy_timeout_s=0.01) as store:
        yield store


def test_a_tag_keeps_the_instant_at_which_it_was_first_seen(
    registry: LoopbackRegistry, registries: Registries, store: Store
):
    repository = Repository(registry.address, "acme/api")
    poll(repository, registries=registries, store=store, now=NOW)
    push_image(registry.address, "acme/api", "1.1.0")
    later = NOW + timedelta(hours=1)

    snapshot = poll(repository, registries=registries, store=store, now=later)

    assert isinstance(snapshot, Snapshot)
    assert dict(snapshot.first_seen) == {"1.0.0": NOW, "1.1.0": later}


def test_a_registry_that_fails_leaves_what_is_kept_as_it_is(
    registry: LoopbackRegistry, registries: Registries, store: Store
):
    repository = Repository(registry.address, "acme/api")
    kept = poll(repository, registries=registries, store=store, now=NOW)
    registry.fault = lambda _method, _target: Reply(403)

    answer = poll(repository, registries=registries, store=store, now=NOW + timedelta(hours=1))

    assert isinstance(answer, Unlisted)
    assert answer.needs_operator
    assert store.find_snapshot(repository) == kept


def test_a_store_that_cannot_be_written_costs_only_the_times(
    registry: LoopbackRegistry, registries: Registries, store: Store
):
    repository = Repository(registry.address, "acme/api")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    snapshot = poll(repository, registries=registries, store=store, now=NOW)

    other.close()
    assert isinstance(snapshot, Snapshot)
    assert set(snapshot.first_seen) == {"1.0.0"}


def test_a_digest_is_asked_for_once(registry: LoopbackRegistry, registries: Registries, store: Store):
    repository = Repository(registry.address, "acme/api")
    poll(repository, registries=registries, store=store, now=NOW)
    registry.requests.clear()

    digests = {find_digest(repository, "1.0.0", registries=registries, store=store, now=NOW) for _ in range(3)}

    assert len(digests) == 1
    assert [request.method for request in registry.requests] == ["HEAD"]
