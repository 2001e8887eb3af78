"""What a tag means to an entry: the key it is ordered by, or the rule that refuses it whatever the other tags are.

A tag is read in steps, and the first that refuses it names the rule: what is no image, the filter, the policy's own
grammar, and what the policy admits. The policies `semver` also ask for the variant. They read a tag as follows:

    variant: keep   as `variant` splits it. The suffix is that of the tag now written, and so are the number of parts
                    and the `v`. A tag that is no version has no suffix and binds nothing else.
    variant: TEXT   split in the same way. The suffix is TEXT, and the rest is bound if the tag now written has it too.
    variant: any    whole, so that to them a suffix is a prerelease.

The dialect reads the version without its suffix, only of tags of the right variant: to npm, if not loose, `1.25-alpine`
is no version, because `1.25` is none. What `variant` does not split is none either, `1.2.3beta` for one; loose, it is a
version to `variant: any`.

The tag now written is read in the same way, but what it is excluded by or what admits it is not asked. So excluding a
release that turned out bad lets nothing step back from it, and a tag that is not included means nothing to the policy.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from imagebot.image.platform import Platform
from imagebot.policy.numbers import find_number
from imagebot.policy.policies import (
    Alphabetical,
    Calver,
    Follow,
    Level,
    Moment,
    Newest,
    Numeric,
    Policy,
    SemverLevel,
    SemverRange,
)
from imagebot.policy.range import Refusal
from imagebot.policy.tag_filter import FilterRefusal, TagFilter, is_attachment
from imagebot.policy.variant import Variant, split_tag
from imagebot.policy.version import Version, find_version


class Rule(enum.Enum):
    """Why a tag was not chosen; the value says it of the tag or of many."""

    ATTACHMENT = "a signature or attestation"
    NOT_INCLUDED = "not included"
    EXCLUDED = "excluded"
    NOTHING_EXTRACTED = "nothing extracted"
    NOT_A_VERSION = "not a version"
    NOT_A_DATE = "not in the format"
    NOT_A_NUMBER = "not a number"
    NOT_FOLLOWED = "not the tag that is followed"
    NO_TIME = "of unknown time"
    OTHER_VARIANT = "another variant"
    OUTSIDE_RANGE = "outside the range"
    BEYOND_LEVEL = "further away than the level allows"
    PRERELEASE = "a prerelease"
    OLDER_THAN_CURRENT = "older than the current tag"
    TOO_YOUNG = "younger than min_age"
    AGE_UNKNOWN = "of unknown age"
    NO_IMAGE = "listed without an image that can be read"
    LACKS_PLATFORM = "without a platform of the current image"
    UNEXAMINED = "not looked at"
    LOWER_PRECEDENCE = "not the newest candidate"


class Keep(enum.Enum):
    """What of its variant a tag keeps: all, or nothing. A text in the place of these is the suffix that tags need."""

    KEEP = "keep"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Rules:
    """All that an entry says about which tag and digest are chosen.

    `variant` only matters to the policies `semver`. Without `platforms` all that an image has count. `pins_digest`
    wants the digest written beside the tag, and kept up to date.
    """

    policy: Policy
    filter: TagFilter | None = None
    variant: Keep | str = Keep.KEEP
    allows_downgrade: bool = False
    min_age: timedelta | None = None
    platforms: frozenset[Platform] = frozenset()
    pins_digest: bool = False

    @property
    def asks_for_times(self) -> bool:
        """Whether it matters when tags were pushed, or is told of the digests that are written."""
        is_by_push = isinstance(self.policy, Newest) and self.policy.by is Moment.PUSHED
        return is_by_push or self.min_age is not None or self.pins_digest

    def __str__(self) -> str:
        return str(self.policy)


Key = Any
"""What tags are ordered by: of one policy all keys compare."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How an entry reads tags beside the one that is written.

    `written` is the key of that one, or the rule by which it has none; it is None if no tag is written.
    """

    filter: TagFilter | None
    find_key: Callable[[str], Key | Rule]
    written: Key | Rule | None

    def judge(self, tag: str) -> Key | Rule:
        text = find_text(tag, self.filter)
        return text if isinstance(text, Rule) else self.find_key(text)


_RULES_OF_FILTER = {
    FilterRefusal.NOT_INCLUDED: Rule.NOT_INCLUDED,
    FilterRefusal.EXCLUDED: Rule.EXCLUDED,
    FilterRefusal.NOTHING_EXTRACTED: Rule.NOTHING_EXTRACTED,
}
_RULES_OF_RANGE = {Refusal.OUTSIDE: Rule.OUTSIDE_RANGE, Refusal.PRERELEASE: Rule.PRERELEASE}
_KEPT_NUMBERS = {Level.PATCH: 2, Level.MINOR: 1, Level.MAJOR: 0}


def make_reader(rules: Rules, *, current: str | None, times: Mapping[str, datetime] = MappingProxyType({})) -> Reader:
    """Make the reader for a tag now written; `current` is None if there is none.

    `times` are what `newest` orders by: to it a tag that is not there is no candidate.
    """
    text = None if current is None else find_text(current, rules.filter, even_if_excluded=True)
    find_key: Callable[[str], Key | Rule]
    match rules.policy:
        case SemverRange() | SemverLevel():
            return _make_version_reader(rules, rules.policy, written=text)
        case Calver(format=form):
            find_key = partial(_find_key, find=form.find_key, otherwise=Rule.NOT_A_DATE)
        case Numeric():
            find_key = partial(_find_key, find=find_number, otherwise=Rule.NOT_A_NUMBER)
        case Newest():
            find_key = partial(_find_key, find=times.get, otherwise=Rule.NO_TIME)
        case Alphabetical() | Follow():
            find_key = str
    return Reader(rules.filter, find_key, find_key(text) if isinstance(text, str) else text)


def find_text(tag: str, tag_filter: TagFilter | None, *, even_if_excluded: bool = False) -> str | Rule:
    """Find what of a tag is ordered, or the rule by which it is no candidate whatever it is ordered by."""
    if is_attachment(tag):
        return Rule.ATTACHMENT
    if tag_filter is None:
        return tag
    text = tag_filter.apply(tag, even_if_excluded=even_if_excluded)
    return text if isinstance(text, str) else _RULES_OF_FILTER[text]


def _find_key(text: str, *, find: Callable[[str], Key | None], otherwise: Rule) -> Key | Rule:
    key = find(text)
    return otherwise if key is None else key


@dataclass(frozen=True, slots=True)
class _VersionReader:
    """How a `semver` policy reads texts.

    `wanted` is the variant that they need, or its suffix if nothing binds the rest; None if they are read whole.
    """

    find_version: Callable[[str], Version | None]
    find_refusal: Callable[[Version], Rule | None]
    wanted: Variant | str | None

    def find_key(self, text: str) -> Key | Rule:
        if self.wanted is not None:
            split = split_tag(text)
            if split is None:
                return Rule.NOT_A_VERSION
            variant, text = split
            if self.wanted not in (variant, variant.suffix):
                return Rule.OTHER_VARIANT
        version = self.find_version(text)
        if version is None:
            return Rule.NOT_A_VERSION
        return self.find_refusal(version) or version.key


def _make_version_reader(rules: Rules, policy: SemverRange | SemverLevel, *, written: str | Rule | None) -> Reader:
    read = policy.range.find_version if isinstance(policy, SemverRange) else find_version
    variant = version = None
    if isinstance(written, str):
        split = (None, written) if rules.variant is Keep.ANY else split_tag(written)
        variant, text = split or (None, "")
        version = read(text)
    key = version.key if version else Rule.NOT_A_VERSION if isinstance(written, str) else written
    wanted = _find_wanted(rules.variant, variant if version else None)
    return Reader(rules.filter, _VersionReader(read, _make_find_refusal(policy, version), wanted).find_key, key)


def _find_wanted(keep: Keep | str, written: Variant | None) -> Variant | str | None:
    match keep:
        case Keep.ANY:
            return None
        case Keep.KEEP:
            return written or ""
        case suffix:
            return written if written and written.suffix == suffix else suffix


def _make_find_refusal(policy: SemverRange | SemverLevel, written: Version | None) -> Callable[[Version], Rule | None]:
    if isinstance(policy, SemverRange):
        find_in_range = policy.range.refusal
        return lambda version: None if (refusal := find_in_range(version)) is None else _RULES_OF_RANGE[refusal]
    return partial(_find_refusal_by_level, level=policy.level, written=written)


def _find_refusal_by_level(version: Version, *, level: Level, written: Version | None) -> Rule | None:
    if written is None:
        return Rule.BEYOND_LEVEL
    kept = _KEPT_NUMBERS[level]
    if version.key > written.key and version.numbers[:kept] != written.numbers[:kept]:
        return Rule.BEYOND_LEVEL
    if version.prerelease and not (written.prerelease and version.numbers == written.numbers):
        return Rule.PRERELEASE
    return None
