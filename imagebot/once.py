"""Both rounds, once, for every target: what `imagebot once` does and the demo shows.

All targets are looked at first; then each repository that any of them names is polled, once; then for each target
choices are made, and it is updated.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TypeVar

from imagebot.connect import make_registries
from imagebot.inquire import Inquiry
from imagebot.look import Look
from imagebot.poll import make_pool
from imagebot.proposal.outcome import Outcome
from imagebot.registry.lanes import Lanes
from imagebot.registry.pacing import Pacing
from imagebot.rounds import Rounds
from imagebot.settings.operator import Settings
from imagebot.store.store import Store

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Submit = Callable[[Callable[[_In], _Out], _In], Future[_Out]]


class Stage(Enum):
    """What is reported as progress, in this order."""

    LOOK = "Reading config repositories"
    POLL = "Asking registries"
    UPDATE = "Proposing changes"


ReportProgress = Callable[[Stage, int, int], None]
"""Told the stage, how many of its steps are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Once:
    """One run over all targets of the settings; a dry one reads everything, and pushes and proposes nothing."""

    settings: Settings
    store: Store
    now: datetime
    progress: ReportProgress
    is_dry: bool = False
    pacing: Pacing | None = None
    """By what registries are paced; None is by this machine's clock."""

    def run(self) -> tuple[Outcome, ...]:
        """Do both rounds; the outcomes are in the order of the settings' targets."""
        targets = self.settings.targets
        threads = self.settings.parallel_polls
        registries = make_registries(self.settings, store=self.store, pacing=self.pacing)
        # Updates wait for what is asked for them, so that has threads of its own.
        with registries, make_pool(threads) as pool, Lanes(threads) as lanes:
            rounds = Rounds(self.settings, self.store, registries, self.is_dry)
            seen = self._map(pool.submit, Stage.LOOK, partial(rounds.look, now=self.now), targets)
            wanted = sorted({each for one in seen if isinstance(one, Look) for each in one.survey.repositories})
            polled = self._map(lanes.submit, Stage.POLL, partial(rounds.poll, now=self.now), wanted)
            inquiry = Inquiry(registries, self.store, pool=lanes, now=self.now)
            listings = dict(zip(wanted, polled, strict=True))
            update = partial(rounds.update, inquiry=inquiry, listings=listings, now=self.now)
            return self._map(pool.submit, Stage.UPDATE, lambda one: update(one) if isinstance(one, Look) else one, seen)

    def _map(
        self, submit: _Submit[_In, _Out], stage: Stage, step: Callable[[_In], _Out], inputs: Sequence[_In]
    ) -> tuple[_Out, ...]:
        """Do a step for each input, in parallel, and report each that is done; the results are in the inputs' order."""
        self.progress(stage, 0, len(inputs))
        futures = [submit(step, each) for each in inputs]
        for done, _ in enumerate(as_completed(futures), start=1):
            self.progress(stage, done, len(inputs))
        return tuple(future.result() for future in futures)
