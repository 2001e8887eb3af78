"""Keys by when they are due: the earliest comes first, of equals the one that was put first."""

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class DueQueue(Generic[K]):
    """Each key has one time, in any unit; to put it again moves it."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._current: dict[K, tuple[float, int]] = {}
        self._numbers = count()

    def put(self, key: K, due: float) -> None:
        number = next(self._numbers)
        self._current[key] = due, number
        heapq.heappush(self._heap, (due, number, key))
        # Keys that are moved often would fill it with what is no longer true.
        if len(self._heap) > 2 * len(self._current) + 64:
            self._heap = [(at, each, known) for known, (at, each) in self._current.items()]
            heapq.heapify(self._heap)

    def discard(self, key: K) -> None:
        self._current.pop(key, None)

    def find(self, key: K) -> float | None:
        return self._current[key][0] if key in self._current else None

    def pop_due(self, now: float) -> list[K]:
        """Take out all keys that are due."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            at, number, key = heapq.heappop(self._heap)
            if self._current.get(key) == (at, number):
                del self._current[key]
                due.append(key)
        return due
