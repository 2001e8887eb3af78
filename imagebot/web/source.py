"""What pages are made of: the store, and what whoever runs the service lets them know and do."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from imagebot.agenda.values import Now, View
from imagebot.image.reference import Repository
from imagebot.settings.operator import Settings
from imagebot.store.store import Store


@dataclass(frozen=True, slots=True)
class Source:
    """The service as pages see it; all of it may be called by any thread."""

    store: Store
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
    find_fault: Callable[[], str]
    """What is wrong with the settings file as it is now, if it is not the one that counts; else empty."""
    is_stopping: Callable[[], bool]
