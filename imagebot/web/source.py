"""What pages are made of: the store, and what whoever runs the service lets them know and do."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from imagebot.agenda.values import Now, View
from imagebot.image.reference import Repository
from imagebot.jobs.standing import Standing
from imagebot.policy.reading import Rules
from imagebot.settings.operator import Settings
from imagebot.store.store import Store
from imagebot.web.board import Board, TargetState
from imagebot.web.events import Events


@dataclass(frozen=True, slots=True)
class Source:
    """The service as pages see it; all of it may be called by any thread."""

    store: Store
    board: Board
    clock: Callable[[], Now]
    settings: Callable[[], Settings]
    """The settings that count now."""
    view: Callable[[], View]
    beaten_at: Callable[[], Now | None]
    """When it was last seen what is due."""
    make_due: Callable[[Collection[str], Collection[Repository]], int]
    """Let these targets be updated and these repositories be polled; returns how many of them there are."""
    find_prefix: Callable[[str], str | None]
    """Find what a target's branches begin with that are imagebot's; None if it was not looked at yet."""
    find_rules: Callable[[str, str, int], Rules | None]
    """Find the rules of a target's entry, by what it is called and its line; None if the target was not updated yet."""
    find_left: Callable[[str], int | None]
    """Find how many requests a host has left to us; None if it does not say."""
    events: Events
    find_fault: Callable[[], str]
    """What is wrong with the settings file as it is now, if it is not the one that counts; else empty."""
    is_stopping: Callable[[], bool]
    find_standing: Callable[[], Standing] | None = None
    """Find which of several replicas has the clock; None where there is one process, which has it."""

    def list_targets(self) -> list[TargetState]:
        """List how the targets of the settings stand, in their order."""
        return self.board.read(target.name for target in self.settings().targets)
