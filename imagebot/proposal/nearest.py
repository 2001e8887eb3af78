"""Finding what stands nearest to a file: in the smallest folder of the repository that holds both."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Hashable)

# To say that things differ, and where.
_MOST_KEPT = 2
# Bounds what a deep path costs; folders further in are taken for the last one.
_MOST_FOLDERS = 50


class Nearest(Generic[K, T]):
    """What stands in which files, by a key; of what is equal the first counts, and of a folder two are kept."""

    def __init__(self) -> None:
        self._found: dict[tuple[K, str], dict[T, None]] = {}

    def add(self, key: K, path: str, thing: T) -> None:
        for folder in _list_folders(path):
            kept = self._found.setdefault((key, folder), {})
            if len(kept) < _MOST_KEPT:
                kept[thing] = None

    def find(self, key: K, path: str) -> tuple[T, ...]:
        """Return what is nearest to the file: nothing, one, or two that differ."""
        for folder in _list_folders(path):
            if (key, folder) in self._found:
                return tuple(self._found[key, folder])
        return ()


def _list_folders(path: str) -> Iterator[str]:
    """Yield the folders that hold the file, from the innermost to the root."""
    parts = path.split("/")[:-1][:_MOST_FOLDERS]
    return ("/".join(parts[:end]) for end in range(len(parts), -1, -1))
