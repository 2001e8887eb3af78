"""Threads to ask registries with: each registry has threads of its own, so that one which hangs holds up no other."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from imagebot.image.reference import Repository
from imagebot.log import carry_fields

_Out = TypeVar("_Out")

# Registries beyond that share one lane: a config repository may name as many hosts as it likes.
_MOST_LANES = 64


class Lanes:
    """Up to `width` threads for each registry, made when there is work for them, and ended by leaving the context."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # After an interrupt they are not waited for: they may hang on a registry.
        is_interrupted = isinstance(error, KeyboardInterrupt)
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=error is not None)
        for lane in self._lanes.values():
            lane.shutdown(wait=not is_interrupted)

    def submit(self, step: Callable[[Repository], _Out], repository: Repository) -> Future[_Out]:
        """Do the step once a thread of the registry is free; those of one registry begin in their order."""
        with self._lock:
            name = repository.registry
            if name not in self._lanes and len(self._lanes) >= _MOST_LANES - 1:
                name = ""
            lane = self._lanes.get(name)
            if lane is None:
                lane = self._lanes[name] = ThreadPoolExecutor(self._width, thread_name_prefix=f"registry-{name}")
        return lane.submit(carry_fields(step), repository)

    def map(self, step: Callable[[Repository], _Out], repositories: Iterable[Repository]) -> Iterator[_Out]:
        """Begin the step for all repositories, and yield the results in their order."""
        futures = [self.submit(step, repository) for repository in repositories]
        return (future.result() for future in futures)
