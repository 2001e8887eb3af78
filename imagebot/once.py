"""Both rounds, once, for every target: what `imagebot once` does and the demo shows.

All targets are looked at first; then each repository that any of them names is polled, once; then for each target
choices are made, and it is updated. What fails concerns one target or one repository: everything else goes on.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TypeVar

from imagebot.connect import make_registries, open_forge, open_git
from imagebot.errors import ImagebotError, Transient
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.inquire import Inquiry
from imagebot.log import bound_fields, log
from imagebot.look import Look, look
from imagebot.poll import Doubt, make_pool, poll
from imagebot.proposal.choose import Listings, Unlisted
from imagebot.proposal.outcome import Outcome
from imagebot.registry.client import Registries
from imagebot.settings.operator import Settings, TargetSettings
from imagebot.store.store import Store
from imagebot.update import Round, update

_In = TypeVar("_In")
_Out = TypeVar("_Out")


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

    def run(self) -> tuple[Outcome, ...]:
        """Do both rounds; the outcomes are in the order of the settings' targets."""
        targets = self.settings.targets
        threads = self.settings.parallel_polls
        # Updates wait for inquiries, so these have threads of their own.
        with make_registries(self.settings) as registries, make_pool(threads) as pool, make_pool(threads) as askers:
            seen = self._map(pool, Stage.LOOK, self._look, targets)
            wanted = sorted({each for one in seen if isinstance(one, Look) for each in one.survey.repositories})
            doubt = Doubt(self.settings.max_shrink, self.settings.shrink_patience)
            poll_one = partial(self._poll, registries=registries, doubt=doubt)
            listings = dict(zip(wanted, self._map(pool, Stage.POLL, poll_one, wanted), strict=True))
            inquiry = Inquiry(registries, self.store, pool=askers, now=self.now)
            update_one = partial(self._update, inquiry=inquiry, listings=listings)
            return self._map(pool, Stage.UPDATE, update_one, seen)

    def _map(
        self, pool: ThreadPoolExecutor, stage: Stage, step: Callable[[_In], _Out], inputs: Sequence[_In]
    ) -> tuple[_Out, ...]:
        """Do a step for each input, in parallel, and report each that is done; the results are in the inputs' order."""
        self.progress(stage, 0, len(inputs))
        results = []
        for done, result in enumerate(pool.map(step, inputs), start=1):
            results.append(result)
            self.progress(stage, done, len(inputs))
        return tuple(results)

    def _look(self, target: TargetSettings) -> Look | Outcome:
        def step() -> Look:
            with open_git(self.settings, target) as git:
                return look(target, git=git, store=self.store, now=self.now)

        return self._isolate(target, step)

    def _poll(self, repository: Repository, *, registries: Registries, doubt: Doubt) -> Snapshot | Unlisted:
        try:
            return poll(repository, registries=registries, store=self.store, doubt=doubt, now=self.now)
        except Exception as error:  # noqa: BLE001 - a bug concerns one repository, and the others go on
            log.exception("poll_ended_by_a_bug", repository=str(repository))
            return Unlisted.by_bug(repository, error)

    def _update(self, seen: Look | Outcome, *, inquiry: Inquiry, listings: Listings) -> Outcome:
        if isinstance(seen, Outcome):
            return seen
        target = seen.target

        def step() -> Outcome:
            choices = inquiry.choose(seen.survey, listings)
            with open_git(self.settings, target) as git, open_forge(self.settings, target) as forge:
                round_ = Round(seen, git, forge, self.now, self.is_dry)
                outcome = update(round_, listings=listings, choices=choices)
            if not self.is_dry:
                self.store.keep_outcome(target.name, at=self.now, summary=outcome.summarize())
            log.info("target_updated", head=outcome.head, **outcome.count_actions())
            return outcome

        return self._isolate(target, step)

    def _isolate(self, target: TargetSettings, step: Callable[[], _Out]) -> _Out | Outcome:
        """Do one step for a target; an error, and even a bug, ends the round of this target and of no other."""
        with bound_fields(target=target.name):
            try:
                return step()
            except ImagebotError as error:
                level = log.warning if isinstance(error, Transient) else log.error
                level("target_failed", error=str(error))
                return Outcome(target.name, error=str(error), is_dry=self.is_dry)
            except Exception as error:  # noqa: BLE001 - a bug ends its round with a traceback, and the others go on
                log.exception("target_ended_by_a_bug")
                text = f"a bug ended the round, please report it: {type(error).__name__}: {error}"
                return Outcome(target.name, error=text, is_dry=self.is_dry, is_bug=True)
