"""Versions and their precedence, read as leniently as Masterminds/semver 3.5 does (`NewVersion`).

    version = ["v"] number ["." number ["." number]] ["-" prerelease] ["+" build]

Missing numbers are 0 and leading zeros of a number do not count, so `1.2`, `v1.2.0` and `2024.01.31` are versions.
As there, a number of 2^64 or more and a text of more than 256 characters are none, and a numeric identifier of a
prerelease that is 2^64 or more has the precedence of a word. Whether what follows a `-` is a prerelease or the variant
of an image is for `variant` to say; here it is always a prerelease.
"""

import enum
import re
from dataclasses import dataclass

_MAX_CHARACTERS = 256
_MAX_NUMBER = 2**64 - 1

_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)

PrereleaseKey = tuple[tuple[int, int | str], ...]
Key = tuple[int, int, int, PrereleaseKey]

# Numbers come before words (semver §11.4.3), and the release after all of its prereleases.
_NUMBER, _WORD, _NO_IDENTIFIER = 0, 1, 2
RELEASE_KEY: PrereleaseKey = ((_NO_IDENTIFIER, 0),)


@dataclass(frozen=True, slots=True)
class Version:
    """A text that parses as a version; `key` orders by precedence (semver §11), to which build metadata is nothing."""

    text: str
    key: Key
    prerelease: str

    def __str__(self) -> str:
        return self.text

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Major, minor and patch."""
        return self.key[:3]


class Jump(enum.Enum):
    """The most significant part in which two versions differ."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    PRERELEASE = "prerelease"
    NONE = "none"


def find_version(text: str) -> Version | None:
    """Read the text as a version, or find that it is none."""
    match = _VERSION.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    if match is None:
        return None
    major, minor, patch, prerelease = match.groups()
    numbers = int(major), int(minor or 0), int(patch or 0)
    if max(numbers) > _MAX_NUMBER:
        return None
    key = make_prerelease_key(prerelease, max_number=_MAX_NUMBER) if prerelease else RELEASE_KEY
    return Version(text, (*numbers, key), prerelease or "")


def make_prerelease_key(prerelease: str, *, max_number: float) -> PrereleaseKey:
    """Make the key that orders prereleases (semver §11.4); a number above `max_number` has the precedence of a word."""
    return tuple(
        [
            (_NUMBER, int(identifier))
            if identifier.isdigit() and int(identifier) <= max_number
            else (_WORD, identifier)
            for identifier in prerelease.split(".")
        ]
    )


def find_jump(old: Key, new: Key) -> Jump:
    """Find the most significant part in which the keys of two versions differ."""
    for jump, before, after in zip(Jump, old, new, strict=False):
        if before != after:
            return jump
    return Jump.NONE
