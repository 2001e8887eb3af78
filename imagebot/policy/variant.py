"""What of a tag is the version that moves, and what is the variant that stays.

    tag = ["v"] number ["." number ["." number]] ["-" prerelease] ["-" suffix]

`1.25.3-alpine` moves to other three-part tags that end in `-alpine`, `1.25` to other two-part tags without a suffix,
and `v1.25` to those that begin with `v`. What follows the numbers is read by its words between hyphens:

- The first of them are the prerelease, as long as they are numbers (`-0`, `-12.4`) or a stage of a release, with
  numbers or without and whatever the case (`-rc.1`, `-beta-2`, `-SNAPSHOT`, `-ea-17`, `-dev.20240131.abc`).
- The rest is the suffix. It is kept to the letter: `-alpine3.19` and `-debian-12-r3` only go with themselves. It need
  not be semver: `-ubuntu22.04` is a suffix, though no identifier of semver may be `04`.

A tag that ends in a hyphen is no version.
"""

import re
from dataclasses import dataclass
from itertools import takewhile

from imagebot.policy.version import Version, find_version

_MAX_CHARACTERS = 128

_TAG = re.compile(r"(v?)([0-9]+(?:\.[0-9]+){0,2})(?:-([0-9A-Za-z_.-]*[0-9A-Za-z_.]))?")

_STAGE = (
    r"(?:(?:alpha|beta|canary|cr|dev|devel|ea|milestone|nightly|pre|prerelease|preview|rc|snapshot|unstable)[0-9]*"
    r"|[abm][0-9]+)"
)
# Whatever stands in one word after a stage belongs to it, but 4.el8 is no prerelease for beginning with a number.
_PRERELEASE_WORD = re.compile(rf"{_STAGE}(?:\.[0-9a-z]+)*|[0-9]+(?:\.(?:[0-9]+|{_STAGE}))*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Variant:
    """What a tag keeps when its version moves: a leading `v`, how many numbers it has (1 to 3), and its suffix."""

    has_v: bool
    components: int
    suffix: str


def split_tag(tag: str) -> tuple[Variant, Version] | None:
    """Split a tag into its variant and its version without the suffix; None if it does not begin with a version."""
    match = _TAG.fullmatch(tag) if len(tag) <= _MAX_CHARACTERS else None
    if match is None:
        return None
    v, numbers, rest = match.groups()
    text, suffix = _split_off_suffix(tag, rest) if rest else (tag, "")
    version = find_version(text)
    return None if version is None else (Variant(bool(v), numbers.count(".") + 1, suffix), version)


def _split_off_suffix(tag: str, rest: str) -> tuple[str, str]:
    words = rest.split("-")
    count = sum(1 for _ in takewhile(_PRERELEASE_WORD.fullmatch, words))
    suffix = "-".join(words[count:])
    return tag.removesuffix(f"-{suffix}") if suffix else tag, suffix
