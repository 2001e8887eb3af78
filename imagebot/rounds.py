"""The steps of both rounds, each for one target or one repository: what `once` does in turn, and the worker when due.

What fails concerns one target or one repository: it becomes the result, and everything else goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from imagebot.connect import open_forge, open_git
from imagebot.errors import ImagebotError, Transient
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.inquire import Inquiry
from imagebot.log import bound_fields, log
from imagebot.look import Look, look
from imagebot.poll import Doubt, poll
from imagebot.proposal.choose import Listings, Unlisted
from imagebot.proposal.outcome import Outcome
from imagebot.registry.client import Registries
from imagebot.settings.operator import Settings, TargetSettings
from imagebot.store.store import Store
from imagebot.update import Round, update

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rounds:
    """What the steps need, whichever target they are for; dry ones read everything, and push and propose nothing."""

    settings: Settings
    store: Store
    registries: Registries
    is_dry: bool = False

    def look(self, target: TargetSettings, *, now: datetime) -> Look | Outcome:
        """Look at a target; an outcome is one that failed."""

        def step() -> Look:
            with open_git(self.settings, target) as git:
                return look(target, git=git, store=self.store, now=now)

        return self._isolate(target, step)

    def poll(self, repository: Repository, *, now: datetime) -> Snapshot | Unlisted:
        doubt = Doubt(self.settings.max_shrink, self.settings.shrink_patience)
        try:
            return poll(repository, registries=self.registries, store=self.store, doubt=doubt, now=now)
        except Exception as error:  # noqa: BLE001 - a bug concerns one repository, and the others go on
            log.exception("poll_ended_by_a_bug", repository=str(repository))
            return Unlisted.by_bug(repository, error)

    def update(self, seen: Look, *, inquiry: Inquiry, listings: Listings, now: datetime) -> Outcome:
        """Choose for what was seen of a target, propose it, and keep what came of it."""
        target = seen.target

        def step() -> Outcome:
            choices = inquiry.choose(seen.survey, listings)
            with open_git(self.settings, target) as git, open_forge(self.settings, target) as forge:
                round_ = Round(seen, git, forge, now, self.is_dry)
                outcome = update(round_, listings=listings, choices=choices)
            if not self.is_dry:
                self.store.keep_outcome(target.name, at=now, summary=outcome.summarize())
            log.info("target_updated", head=outcome.head, **outcome.count_actions())
            return outcome

        return self._isolate(target, step)

    def _isolate(self, target: TargetSettings, step: Callable[[], _T]) -> _T | Outcome:
        """Do one step for a target; an error, and even a bug, ends the round of this target and of no other."""
        with bound_fields(target=target.name):
            try:
                return step()
            except ImagebotError as error:
                is_transient = isinstance(error, Transient)
                level = log.warning if is_transient else log.error
                level("target_failed", error=str(error))
                return Outcome(target.name, error=str(error), is_dry=self.is_dry, is_transient=is_transient)
            except Exception as error:  # noqa: BLE001 - a bug ends its round with a traceback, and the others go on
                log.exception("target_ended_by_a_bug")
                text = f"a bug ended the round, please report it: {type(error).__name__}: {error}"
                return Outcome(target.name, error=text, is_dry=self.is_dry, is_bug=True)
