"""Metrics for Prometheus, in a registry of their own: what happens, and how things stand when somebody asks."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Lock

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric

import imagebot
from imagebot.agenda.values import Finished, Timing, View
from imagebot.errors import ImagebotError
from imagebot.log import log
from imagebot.traffic import Exchange
from imagebot.web.board import TargetState
from imagebot.web.source import Source

_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
# Config repositories may name as many hosts as they like; those beyond are counted together.
_MOST_HOSTS = 200
_OTHERS = "others"


class Metrics:
    """Hears of every round and every request, and writes all metrics out. Safe for threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._rounds = Counter(
            "imagebot_rounds", "Rounds that ended, by what they came to.", ["kind", "result"], registry=self._registry
        )
        self._seconds = Histogram(
            "imagebot_round_seconds", "How long rounds took.", ["kind"], buckets=_BUCKETS_S, registry=self._registry
        )
        self._requests = Counter(
            "imagebot_requests",
            "Requests to registries and forges, by host and status; none is no answer.",
            ["host", "status"],
            registry=self._registry,
        )
        self._left: dict[str, int | None] = {}
        self._lock = Lock()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def observe(self, finished: Finished) -> None:
        self._rounds.labels(finished.kind, finished.result).inc()
        self._seconds.labels(finished.kind).observe(finished.duration_s)

    def count(self, exchange: Exchange) -> None:
        with self._lock:
            is_known = exchange.host in self._left
            host = exchange.host if is_known or len(self._left) < _MOST_HOSTS else _OTHERS
            if exchange.left is not None or not is_known:
                self._left[host] = exchange.left
        self._requests.labels(host, exchange.status if exchange.status is not None else "none").inc()

    def find_left(self, host: str) -> int | None:
        """Find how many requests the host said are left to us, the last time that it said so."""
        with self._lock:
            return self._left.get(host)

    def watch(self, source: Source) -> None:
        """Tell also how the service stands."""
        self._registry.register(_Standing(source, self))

    def list_left(self) -> list[tuple[str, int]]:
        with self._lock:
            return [(host, left) for host, left in sorted(self._left.items()) if left is not None]

    def format(self) -> bytes:
        return generate_latest(self._registry)


class _Standing:
    """What is read off the service each time that somebody asks."""

    def __init__(self, source: Source, metrics: Metrics) -> None:
        self._source, self._metrics = source, metrics

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand: to be registered is no reason to look at everything."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        yield _make("imagebot_info", "The version of imagebot, as a label.", "version", [(imagebot.__version__, 1)])
        left = self._metrics.list_left()
        yield _make("imagebot_requests_left", "How many requests a host said are left to us.", "host", left)
        now = self._source.clock().wall
        yield from _tell_replicas(self._source)
        yield from _tell_agenda(self._source.view(), now)
        yield from _tell_targets(self._source.list_targets(), now)


def _tell_replicas(source: Source) -> Iterator[Metric]:
    """Tell how the clock is, where several replicas share the work; nothing while their database is away."""
    if source.find_standing is None:
        return
    try:
        standing = source.find_standing()
    except ImagebotError as error:
        log.warning("standing_not_found", error=str(error))
        return
    yield GaugeMetricFamily("imagebot_replicas", "Replicas that take jobs.", value=standing.replicas)
    if standing.beaten_s is not None:
        text = "How long ago a replica showed that it has the clock."
        yield GaugeMetricFamily("imagebot_clock_age_seconds", text, value=standing.beaten_s)


def _tell_agenda(view: View, now: datetime) -> Iterator[Metric]:
    due = [(name, each) for name, timing in view.targets.items() if (each := _find_due_s(timing, now)) is not None]
    yield _make("imagebot_target_due_seconds", "In how many seconds a target is due.", "target", due)
    failures = [(name, timing.failures) for name, timing in view.targets.items()]
    yield _make("imagebot_target_failures", "How many rounds of a target failed in a row.", "target", failures)
    phases = [timing.phase.value for timing in view.repositories.values()]
    counts = [(phase, phases.count(phase)) for phase in sorted(set(phases))]
    yield _make("imagebot_repositories", "Image repositories, by where they stand.", "phase", counts)
    paused = [(name, host.paused_s) for name, host in view.hosts.items()]
    yield _make("imagebot_registry_paused_seconds", "For how long a registry is left alone.", "host", paused)
    ready = [(name, host.ready) for name, host in view.hosts.items()]
    yield _make("imagebot_registry_ready_polls", "Polls that wait for their turn.", "host", ready)


def _find_due_s(timing: Timing, now: datetime) -> float | None:
    """Find in how many seconds something is due, by its interval or an instant, whichever comes first."""
    at_s = None if timing.at is None else max(0.0, (timing.at - now).total_seconds())
    return min((each for each in (timing.due_in_s, at_s) if each is not None), default=None)


def _tell_targets(targets: Sequence[TargetState], now: datetime) -> Iterator[Metric]:
    """Tell how far behind targets are, and how they are."""
    behind = [(each.name, len(each.behind)) for each in targets]
    yield _make("imagebot_images_behind", "Images that are to move and have not yet.", "target", behind)
    ages = [(each.name, (now - each.behind_since).total_seconds()) for each in targets if each.behind_since]
    yield _make("imagebot_oldest_unmerged_seconds", "Since when the first of these is behind.", "target", ages)
    open_requests = GaugeMetricFamily(
        "imagebot_merge_requests", "Proposals of a target, open or waiting to be opened.", labels=["target", "state"]
    )
    for each in targets:
        open_requests.add_metric([each.name, "open"], each.open_count)
        open_requests.add_metric([each.name, "waiting"], each.waiting_count)
    yield open_requests
    images = GaugeMetricFamily("imagebot_images", "Images of a target, by state.", labels=["target", "state"])
    conditions = GaugeMetricFamily("imagebot_target_condition", "How a target is.", labels=["target", "condition"])
    for each in targets:
        conditions.add_metric([each.name, each.condition.value], 1)
        for state, count in sorted(each.counts.items()):
            images.add_metric([each.name, state.value], count)
    yield from (images, conditions)


def _make(name: str, help_text: str, label: str, values: Sequence[tuple[str, float]]) -> Metric:
    gauge = GaugeMetricFamily(name, help_text, labels=[label])
    for value, number in values:
        gauge.add_metric([value], number)
    return gauge
