"""Where a file names an image, and what looks like such a place but is left alone."""

from dataclasses import dataclass
from enum import Enum

from imagebot.image.reference import Reference
from imagebot.yamledit.nodes import Path


class Place(Enum):
    """The form in which an image is named."""

    IMAGE = "image"
    """`image: name:tag[@digest]`, and other scalars that hold a whole reference."""
    KUSTOMIZE = "kustomize"
    """An item of `images:` with `name` and any of `newName`, `newTag` and `digest`."""
    SPLIT = "split"
    """Parts in scalars of their own, as `registry`, `repository`, `tag` and `digest` of a mapping."""
    SITE = "site"
    """Where a site of the policy file says: a whole reference, or parts."""
    ANSIBLE = "ansible"
    """An Ansible task about an image, by `name` and perhaps `tag`; a digest is not added to these."""


class Holds(Enum):
    """Which part of a reference a scalar spells."""

    REFERENCE = "reference"
    TAG = "tag"
    TAG_AND_DIGEST = "tag and digest"
    DIGEST = "digest"
    SHA256 = "the digits of a sha256 digest"


@dataclass(frozen=True, slots=True)
class Part:
    """A scalar that is to be edited: its bytes, quotes included, and the text it stands for.

    Of the text, `before` and `after` are no part of what it holds, and stay.
    """

    holds: Holds
    start: int
    end: int
    text: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An image that a file names; line and column are those of the first scalar to be edited.

    `room` is the scalar that a digest would be added to, with what it holds then: one of the parts, or an empty scalar
    beside them. It is None if there is a digest already, or no place for one. `entry` is the name of the entry that a
    marker in the file binds it to.
    """

    place: Place
    reference: Reference
    parts: tuple[Part, ...]
    room: Part | None
    line: int
    column: int
    path: Path
    entry: str | None = None

    @property
    def has_digest(self) -> bool:
        return self.reference.digest is not None

    @property
    def can_hold_digest(self) -> bool:
        return self.has_digest or self.room is not None

    @property
    def yaml_path(self) -> str:
        """The path of the image as text; two occurrences may have the same one, their offsets differ."""
        return str(self.path)


class About(Enum):
    """What it is that is left alone."""

    TEXT = "text"
    """A text that looks like an image."""
    MARKER = "marker"
    """A comment that is meant as a marker and binds nothing, or what one binds to an entry that is about others."""
    FLUX = "flux"
    """An object of Flux's that cannot be an entry."""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A text that is not edited, and why: `reason` is a clause about the text.

    `unknown` is the name that a marker gives, if there is no entry of that name.
    """

    line: int
    column: int
    text: str
    reason: str
    about: About = About.TEXT
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """What a file names, each in the order of the text."""

    occurrences: tuple[Occurrence, ...]
    left_alone: tuple[LeftAlone, ...]
