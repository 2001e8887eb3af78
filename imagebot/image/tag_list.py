"""What a registry answers when it is asked for the tags of a repository, before anything is remembered of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class TagList:
    """What one answer of a registry lists: tags sorted as text, each once, and what it says of them.

    `pushed_at` is when it says that a tag was pushed, and `digests` what it says that a tag points to. `dropped` counts
    the texts among the tags that are none. `cut_at` is None if these are all tags, else how many were asked for.
    """

    tags: tuple[str, ...]
    pushed_at: Mapping[str, datetime] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    dropped: int = 0
    cut_at: int | None = None

    @property
    def fingerprint(self) -> str:
        """A text that is the same for lists of the same tags and times."""
        hashed = sha256("\n".join(self.tags).encode())
        times = (f"\n{tag} {at.timestamp()}" for tag, at in sorted(self.pushed_at.items()))
        hashed.update("".join(times).encode())
        return hashed.hexdigest()
