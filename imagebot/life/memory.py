"""What was found out about a target at its forge, by the store. What fails there costs requests, and nothing else."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from imagebot.errors import ImagebotError
from imagebot.log import log
from imagebot.store.store import Store
from imagebot.yamledit.kept import hash_facts

_T = TypeVar("_T")


class Memory:
    """Remembers one text for each topic, as long as the target's forge is the same; a dry one keeps nothing."""

    def __init__(self, store: Store | None, target: str, *, forge: str, now: datetime, is_dry: bool = False) -> None:
        """`forge` stands for the forge and the project in it."""
        self._store = store
        self._target = target
        self._forge = forge
        self._now = now
        self._is_dry = is_dry

    def find(self, topic: str, *facts: object) -> str | None:
        """Return the text, if it was kept for the same facts."""
        key = hash_facts(self._forge, *facts)
        return self._ask(lambda store: store.memos.find(self._target, topic, facts=key))

    def keep(self, topic: str, text: str, *facts: object) -> None:
        """Keep a text in the place of the one before, whatever facts that was for."""
        key = hash_facts(self._forge, *facts)
        if not self._is_dry:
            self._ask(lambda store: store.memos.keep(self._target, topic, text, facts=key, at=self._now))

    def _ask(self, step: Callable[[Store], _T]) -> _T | None:
        if self._store is None:
            return None
        try:
            return step(self._store)
        except ImagebotError as error:
            log.warning("forge_not_remembered", error=str(error))
            self._store = None
            return None
