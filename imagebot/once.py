"""Both rounds, once, for every target: what `imagebot once` does and the demo shows.

All targets are looked at first; then each repository that any of them names is polled, once; then each target is
updated. What fails concerns one target or one repository: everything else goes on.
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
from imagebot.log import bound_fields, log
from imagebot.poll import find_digest, find_digests, poll
from imagebot.proposal.choose import Listings
from imagebot.proposal.outcome import Outcome
from imagebot.registry.client import Registries
from imagebot.settings.operator import Settings, TargetSettings
from imagebot.store.store import Store
from imagebot.update import Look, Round, look, update

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
    """One run over all targets of the settings; a dry one reads everything and changes nothing but the mirrors."""

    settings: Settings
    store: Store
    now: datetime
    progress: ReportProgress
    is_dry: bool = False

    def run(self) -> tuple[Outcome, ...]:
        """Do both rounds; the outcomes are in the order of the settings' targets."""
        targets = self.settings.targets
        with (
            make_registries(self.settings) as registries,
            ThreadPoolExecutor(self.settings.parallel_polls, thread_name_prefix="once") as pool,
        ):
            seen = self._map(pool, Stage.LOOK, self._look, targets)
            wanted = sorted({each for one in seen if isinstance(one, Look) for each in one.survey.repositories})
            poll_one = partial(poll, registries=registries, store=self.store, now=self.now)
            listings = dict(zip(wanted, self._map(pool, Stage.POLL, poll_one, wanted), strict=True))
            update_one = partial(self._update, registries=registries, listings=listings)
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
        with bound_fields(target=target.name):
            try:
                with open_git(self.settings, target) as git:
                    return look(target, git=git)
            except ImagebotError as error:
                return self._fail(target, error)

    def _update(self, seen: Look | Outcome, *, registries: Registries, listings: Listings) -> Outcome:
        if isinstance(seen, Outcome):
            return seen
        target = seen.target
        find = partial(find_digest, registries=registries, store=self.store, now=self.now)
        with bound_fields(target=target.name):
            try:
                with open_git(self.settings, target) as git, open_forge(self.settings, target) as forge:
                    round_ = Round(seen, git, forge, self.now, self.is_dry)
                    outcome = update(round_, listings=listings, find_digests=partial(find_digests, find=find))
                if not self.is_dry:
                    self.store.keep_outcome(target.name, at=self.now, summary=outcome.summarize())
            except ImagebotError as error:
                return self._fail(target, error)
            log.info("target_updated", head=outcome.head, **outcome.count_actions())
            return outcome

    def _fail(self, target: TargetSettings, error: ImagebotError) -> Outcome:
        level = log.warning if isinstance(error, Transient) else log.error
        level("target_failed", error=str(error))
        return Outcome(target.name, error=str(error), is_dry=self.is_dry)
