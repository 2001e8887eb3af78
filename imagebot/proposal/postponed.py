"""A sequence whose items are made when the first of them is asked for."""

from collections.abc import Callable, Sequence
from operator import eq
from typing import TypeVar, overload

T = TypeVar("T")


class Postponed(Sequence[T]):
    """A sequence of a known length; it is equal to any other that has the same items."""

    __slots__ = ("_items", "_length", "_make")
    __hash__ = None  # type: ignore[assignment]  # as a list: to hash it would make all items

    def __init__(self, length: int, make: Callable[[], Sequence[T]]) -> None:
        self._length = length
        self._make = make
        self._items: Sequence[T] | None = None

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[T]: ...
    def __getitem__(self, number: int | slice) -> T | Sequence[T]:
        if self._items is None:
            self._items = self._make()
        return self._items[number]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __repr__(self) -> str:
        return f"Postponed({self._length})" if self._items is None else f"Postponed({self._items})"
