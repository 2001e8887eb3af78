"""Metrics for Prometheus, in a registry of their own: rounds as they end, all else as it stands when asked for."""

from collections.abc import Iterator

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
from imagebot.agenda.values import Finished, View
from imagebot.web.source import Source

_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Hears of every round, and writes all metrics out."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._rounds = Counter(
            "imagebot_rounds", "Rounds that ended, by what they came to.", ["kind", "result"], registry=self._registry
        )
        self._seconds = Histogram(
            "imagebot_round_seconds", "How long rounds took.", ["kind"], buckets=_BUCKETS_S, registry=self._registry
        )
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def observe(self, finished: Finished) -> None:
        self._rounds.labels(finished.kind, finished.result).inc()
        self._seconds.labels(finished.kind).observe(finished.duration_s)

    def watch(self, source: Source) -> None:
        """Tell also how the service stands."""
        self._registry.register(_Standing(source))

    def format(self) -> bytes:
        return generate_latest(self._registry)


class _Standing:
    """What is read off the service each time that somebody asks."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand: to be registered is no reason to look at everything."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("imagebot_info", "The version of imagebot, as a label.", labels=["version"])
        info.add_metric([imagebot.__version__], 1)
        yield info
        yield from _tell_agenda(self._source.view())


def _tell_agenda(view: View) -> Iterator[Metric]:
    due = GaugeMetricFamily("imagebot_target_due_seconds", "In how many seconds a target is due.", labels=["target"])
    failures = GaugeMetricFamily(
        "imagebot_target_failures", "How many rounds of a target in a row failed.", labels=["target"]
    )
    for name, timing in view.targets.items():
        failures.add_metric([name], timing.failures)
        if timing.due_in_s is not None:
            due.add_metric([name], timing.due_in_s)
    yield from (due, failures)
    repositories = GaugeMetricFamily(
        "imagebot_repositories", "Image repositories, by where they stand.", labels=["phase"]
    )
    phases = [timing.phase.value for timing in view.repositories.values()]
    for phase in sorted(set(phases)):
        repositories.add_metric([phase], phases.count(phase))
    yield repositories
    paused = GaugeMetricFamily(
        "imagebot_registry_paused_seconds", "For how long a registry is left alone.", labels=["host"]
    )
    ready = GaugeMetricFamily("imagebot_registry_ready_polls", "Polls that wait for their turn.", labels=["host"])
    for name, host in view.hosts.items():
        paused.add_metric([name], host.paused_s)
        ready.add_metric([name], host.ready)
    yield from (paused, ready)
