"""One delivery of a webhook, what it says, and how to read JSON that came from outside."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from imagebot.errors import InvalidInput
from imagebot.image.reference import InvalidReference, Repository, parse_repository

_MOST_ITEMS = 1000


class InvalidDelivery(InvalidInput):
    """The body is not what its sender is documented to send."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body of the webhook cannot be read: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came: headers by their names in lower case, the token of the address, if any, and the body.

    `registry` is the one that the settings say the webhook is about; it counts more than what the body says.
    """

    headers: Mapping[str, str]
    body: bytes
    token: str = ""
    registry: str | None = None

    def read(self) -> "Payload":
        try:
            return Payload(json.loads(self.body))
        except (ValueError, RecursionError) as error:
            raise InvalidDelivery("it is no JSON") from error

    def name_repository(self, registry: str, path: str) -> Repository:
        """Make the repository of a path, at the registry of the settings or else at the one that is said."""
        return parse_name(f"{self.registry or registry}/{path}")


@dataclass(frozen=True, slots=True)
class MovedBranch:
    """Something that happened to a branch of a git repo: a push, or the end of a merge request that goes to it.

    `repo` is the path of the git repo, `source` the branch that a merge request comes from.
    """

    repo: str
    branch: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What may have changed."""

    repositories: frozenset[Repository] = field(default_factory=frozenset)
    branches: frozenset[MovedBranch] = field(default_factory=frozenset)


NOTHING = Notice()


@dataclass(frozen=True, slots=True)
class Payload:
    """A value of JSON, of which nothing is known yet."""

    value: Any

    def find(self, *keys: str) -> Any:
        """Return what is there under the keys, one in the other; None if anything is missing."""
        value = self.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, *keys: str) -> str:
        """Return the text under the keys; raises InvalidDelivery if there is none."""
        value = self.find(*keys)
        if not isinstance(value, str) or not value:
            raise InvalidDelivery(f"it has no text under {'.'.join(keys)}")
        return value

    def items(self, *keys: str) -> "Iterator[Payload]":
        """Return the items of the list under the keys, or what is there itself if it is no list."""
        value = self.find(*keys)
        items = value if isinstance(value, list) else [value]
        if value is None or len(items) > _MOST_ITEMS:
            where = ".".join(keys) or "at its top"
            raise InvalidDelivery(f"it has no list, or one of more than {_MOST_ITEMS} items, {where}")
        return map(Payload, items)


def parse_name(text: str) -> Repository:
    """Parse the name of a repository, as an image reference has it; raises InvalidDelivery."""
    try:
        return parse_repository(text)
    except InvalidReference as error:
        raise InvalidDelivery(f"what it names is no repository ({error.reason})") from error
