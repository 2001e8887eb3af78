"""What of a tag is the version that moves, and what is the variant that stays.

    tag = ["v"] number ["." number ["." number]] ["-" prerelease] ["-" suffix]

`1.25.3-alpine` moves to other three-part tags that end in `-alpine`, `1.25` to other two-part tags without a suffix,
and `v1.25` to those that begin with `v`. What follows the numbers is read by its words between hyphens:

- The first of them are the prerelease, as long as they are numbers (`-0`, `-12.4`) or a stage of a release, with
  numbers or without and whatever the case (`-rc.1`, `-beta-2`, `-SNAPSHOT`, `-ea-17`, `-dev.20240131.abc`).
- The rest is the suffix. It is kept to the letter: `-alpine3.19` and `-debian-12-r3` only go with themselves. It need
  not be semver: `-ubuntu22.04` is a suffix, though no identifier of semver may be `04`.

A tag that ends in a hyphen is no version, and neither is one whose part before the suffix is none to the dialect.
"""

import re
from typing import NamedTuple

_MAX_CHARACTERS = 128

_STAGE = (
    r"(?:(?:alpha|beta|canary|cr|dev|devel|ea|milestone|nightly|pre|prerelease|preview|rc|snapshot|unstable)[0-9]*"
    r"|[abm][0-9]+)"
)
# Whatever stands in one word after a stage belongs to it, but 4.el8 is no prerelease for beginning with a number.
_PRERELEASE_WORD = rf"(?i:{_STAGE}(?:\.[0-9a-z]+)*|[0-9]+(?:\.(?:[0-9]+|{_STAGE}))*)(?![^-])"
_TAG = re.compile(
    rf"(v?)([0-9]+(?:\.[0-9]+){{0,2}})(?:-{_PRERELEASE_WORD})*+(?:-(?P<suffix>[0-9A-Za-z_.-]*[0-9A-Za-z_.]))?", re.ASCII
)


# One is made for almost every tag of a listing: a dataclass would add a tenth to the time of a selection.
class Variant(NamedTuple):
    """What a tag keeps when its version moves: a leading `v`, how many numbers it has (1 to 3), and its suffix."""

    has_v: bool
    components: int
    suffix: str


def split_tag(tag: str) -> tuple[Variant, str] | None:
    """Split a tag into its variant and the text of its version, which is for a dialect to read.

    None if it does not begin with numbers, or has what no version and no suffix has.
    """
    match = _TAG.fullmatch(tag) if len(tag) <= _MAX_CHARACTERS else None
    if match is None:
        return None
    v, numbers, suffix = match.groups("")
    text = tag[: -len(suffix) - 1] if suffix else tag
    return Variant(bool(v), numbers.count(".") + 1, suffix), text
