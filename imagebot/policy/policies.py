"""The policies: what of a tag is ordered, and what is a candidate. One for each entry; `select` applies them.

Each is a value that prints as it is written in a policy file.
"""

import enum
from dataclasses import dataclass

from imagebot.policy.calver import CalverFormat
from imagebot.policy.flux_range import FluxRange
from imagebot.policy.npm_range import NpmRange
from imagebot.policy.range import Range


class Level(enum.Enum):
    """How far a version may move from the one now written: PATCH keeps major and minor, MINOR keeps major."""

    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


class Order(enum.Enum):
    """Which end of an order wins: ASC the greatest, DESC the least, as in Flux."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class SemverRange:
    """The newest version that the range admits."""

    range: Range | NpmRange | FluxRange

    def __str__(self) -> str:
        dialect = ", dialect: npm" if isinstance(self.range, NpmRange) else ""
        return f"semver: {self.range}{dialect}"


@dataclass(frozen=True, slots=True)
class SemverLevel:
    """The newest version no further than the level from the one now written.

    A release never moves to a prerelease; a prerelease moves to later ones of the same release, and to releases.
    """

    level: Level

    def __str__(self) -> str:
        return f"semver: {self.level.value}"


@dataclass(frozen=True, slots=True)
class Calver:
    """The latest date in a format of calver.org."""

    format: CalverFormat

    def __str__(self) -> str:
        return f"calver: {self.format}"


@dataclass(frozen=True, slots=True)
class Numeric:
    """The greatest or the least number, compared exactly."""

    order: Order

    def __str__(self) -> str:
        return f"numeric: {self.order.value}"


@dataclass(frozen=True, slots=True)
class Alphabetical:
    """The last or the first text, by code points."""

    order: Order

    def __str__(self) -> str:
        return f"alphabetical: {self.order.value}"


class Moment(enum.Enum):
    """Which time of a tag orders: when it was pushed, or else first seen, or when its image was built."""

    PUSHED = "pushed"
    BUILT = "built"


@dataclass(frozen=True, slots=True)
class Newest:
    """The tag whose time is the latest: for tags that carry no order."""

    by: Moment

    def __str__(self) -> str:
        return f"newest: {self.by.value}"


@dataclass(frozen=True, slots=True)
class Follow:
    """What one movable tag points to: only digests are written."""

    tag: str

    def __str__(self) -> str:
        return f"digest: {self.tag}"


Policy = SemverRange | SemverLevel | Calver | Numeric | Alphabetical | Newest | Follow
