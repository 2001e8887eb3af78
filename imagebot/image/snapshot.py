"""What a registry was last seen to hold for one repository."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from imagebot.image.reference import Repository


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tags of one repository as listed at one instant, each with when imagebot first saw it.

    Instants are aware and in UTC. The registry's order of the tags is not kept: it means nothing.
    """

    repository: Repository
    listed_at: datetime
    first_seen: Mapping[str, datetime]
