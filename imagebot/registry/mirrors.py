"""Mirrors of a registry are asked before it, in their order, until one answers; then, if it may be, the registry.

The names that are asked about stay those of the registry: what comes from a mirror passes for the registry's own. An
error speaks of whom it met, by the mirror's name for the repository.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from imagebot.errors import ImagebotError, Transient
from imagebot.image.reference import Repository
from imagebot.log import log
from imagebot.registry.errors import UnknownManifest, UnknownRepository
from imagebot.registry.host import RegistryHost

_T = TypeVar("_T")


class Mirrors:
    """The mirrors of one registry; they may be none. All threads share it."""

    def __init__(self, host: RegistryHost) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._failing: dict[str, str] = {}
        """What was last reported of a mirror, so that it is said once and not for every repository."""

    def ask(self, repository: Repository, ask: Callable[[Repository], _T]) -> _T:
        """Ask at one place after the other until there is an answer.

        Raises what the registry itself raises. If that may not be asked, it is what the first mirror raises that may
        answer another time, or else the last of them.
        """
        mirrors = [mirror.locate(repository) for mirror in self._host.mirrors]
        failures: list[ImagebotError] = []
        for place in mirrors:
            try:
                answer = ask(place)
            except ImagebotError as error:
                failures.append(error)
                self._report(place, error)
            else:
                self._forget(place)
                return answer
        if not self._host.mirrors_only:
            return ask(repository)
        raise next((error for error in failures if isinstance(error, Transient)), failures[-1])

    def _report(self, place: Repository, error: ImagebotError) -> None:
        if isinstance(error, UnknownRepository | UnknownManifest):
            log.debug("mirror_lacks_image", mirror=str(place), registry=self._host.name)
            return
        kind = type(error).__name__
        with self._lock:
            is_known = self._failing.get(place.registry) == kind
            self._failing[place.registry] = kind
        if not is_known:
            log.warning("mirror_passed_over", mirror=str(place), registry=self._host.name, error=str(error))

    def _forget(self, place: Repository) -> None:
        with self._lock:
            self._failing.pop(place.registry, None)
