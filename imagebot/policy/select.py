"""The choice of a tag: which of a repository's tags satisfy a policy, which of them wins, and why the others do not.

A tag is judged by the rules in the order of `Rule`; the first that refuses it is its reason. What moves and what stays
of a tag is said in `variant`, what a range admits in `range`. A range judges the version without the suffix; the suffix
has to be that of the tag now written whatever the range says. So in `>=1.2.3-alpine` the `alpine` is a prerelease: it
lets prereleases in, as `-0` would, and selects no `-alpine`.

A tag now written that is no version, as `latest`, binds neither a `v` nor a number of parts: all tags without a suffix
are candidates of a range, dates and build numbers among them. A level has nothing to start from then.
"""

import enum
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from imagebot.policy.range import Range, Refusal
from imagebot.policy.variant import Variant, split_tag
from imagebot.policy.version import Jump, Version, find_jump


class Level(enum.Enum):
    """How far a version may move from the one now written: PATCH keeps major and minor, MINOR keeps major."""

    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


_KEPT_NUMBERS = {Level.PATCH: 2, Level.MINOR: 1, Level.MAJOR: 0}


@dataclass(frozen=True, slots=True)
class SemverRange:
    """The newest version that the range admits."""

    range: Range

    def __str__(self) -> str:
        return f"semver: {self.range}"


@dataclass(frozen=True, slots=True)
class SemverLevel:
    """The newest version no further than the level from the one now written.

    A release never moves to a prerelease; a prerelease moves to later ones of the same release, and to releases.
    """

    level: Level

    def __str__(self) -> str:
        return f"semver: {self.level.value}"


Policy = SemverRange | SemverLevel


class Rule(enum.Enum):
    """Why a tag was not chosen, in the order in which the rules are asked; the value says it of the tag or of many."""

    NOT_A_VERSION = "not a version"
    OTHER_VARIANT = "another variant"
    OUTSIDE_RANGE = "outside the range"
    BEYOND_LEVEL = "further away than the level allows"
    PRERELEASE = "a prerelease"
    OLDER_THAN_CURRENT = "older than the current tag"
    LOWER_PRECEDENCE = "not the newest candidate"


@dataclass(frozen=True, slots=True)
class Selection:
    """The tag to be written, which is the current one if nothing better is there.

    `version` is that of the tag without its suffix. `jump` is None if the current tag is no version. `refused` has the
    reason for every other tag that was `considered`.
    """

    tag: str
    version: Version
    jump: Jump | None
    refused: Mapping[str, Rule]
    considered: int


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """No tag may be written: why, as a sentence without its full stop, and what refused each tag that was judged."""

    reason: str
    refused: Mapping[str, Rule]


_Judge = Callable[[Version], Rule | None]


def select(tags: Collection[str], policy: Policy, *, current: str | None) -> Selection | NoCandidate:
    """Choose the tag with the highest precedence that the policy admits and that is not older than the current one.

    `current` is the tag now written, None if there is none; it need not be among the tags. If the policy admits it, it
    is a candidate, and it stays unless a tag of higher precedence is there. Of other tags of equal precedence (`1.02`
    and `1.2`) the greater text wins, so the answer depends neither on the order of the tags nor on repetitions.
    """
    written = split_tag(current) if current is not None else None
    if isinstance(policy, SemverRange):
        judge: _Judge = partial(_judge_by_range, range_=policy.range)
    elif written is not None:
        kept = written[1].key[: _KEPT_NUMBERS[policy.level]]
        judge = partial(_judge_by_level, kept=kept, written=written[1])
    else:
        what = "no tag is written" if current is None else f"the tag {current} is no version"
        return NoCandidate(f"{what}, so {policy} has nothing to start from", {})
    listed = dict.fromkeys(tags)
    candidates, refused = _sift(listed, judge, written=written)
    if current is not None and written is not None and judge(written[1]) is None:
        candidates[current] = written[1]
    if not candidates:
        return NoCandidate(_explain(policy, refused, current=current), refused)
    tag = max(candidates, key=lambda tag: (candidates[tag].key, tag == current, tag))
    refused.update((other, Rule.LOWER_PRECEDENCE) for other in candidates if other != tag and other in listed)
    jump = find_jump(written[1], candidates[tag]) if written else None
    return Selection(tag, candidates[tag], jump, refused, len(listed))


def _sift(
    tags: Collection[str], judge: _Judge, *, written: tuple[Variant, Version] | None
) -> tuple[dict[str, Version], dict[str, Rule]]:
    """Part the candidates from the refused tags."""
    candidates: dict[str, Version] = {}
    refused: dict[str, Rule] = {}
    for tag in tags:
        split = split_tag(tag)
        rule = Rule.NOT_A_VERSION if split is None else _find_rule(split, judge, written=written)
        if rule is not None:
            refused[tag] = rule
        elif split is not None:
            candidates[tag] = split[1]
    return candidates, refused


def _find_rule(
    split: tuple[Variant, Version], judge: _Judge, *, written: tuple[Variant, Version] | None
) -> Rule | None:
    variant, version = split
    if written is None:
        return Rule.OTHER_VARIANT if variant.suffix else judge(version)
    if variant != written[0]:
        return Rule.OTHER_VARIANT
    rule = judge(version)
    if rule is None and version.key < written[1].key:
        return Rule.OLDER_THAN_CURRENT
    return rule


def _judge_by_range(version: Version, *, range_: Range) -> Rule | None:
    match range_.refusal(version):
        case Refusal.OUTSIDE:
            return Rule.OUTSIDE_RANGE
        case Refusal.PRERELEASE:
            return Rule.PRERELEASE
    return None


def _judge_by_level(version: Version, *, kept: tuple[object, ...], written: Version) -> Rule | None:
    if version.key > written.key and version.key[: len(kept)] != kept:
        return Rule.BEYOND_LEVEL
    if version.prerelease and not (written.prerelease and version.numbers == written.numbers):
        return Rule.PRERELEASE
    return None


def _explain(policy: Policy, refused: Mapping[str, Rule], *, current: str | None) -> str:
    """Say in a sentence why there is no candidate."""
    counts = dict(count_by_rule(refused))
    if not counts:
        return "the repository has no tags"
    if Rule.OLDER_THAN_CURRENT in counts:
        return f"the current tag {current} is newer than every tag that {policy} admits"
    reasons = ", ".join(f"{count} {rule.value}" for rule, count in counts.items())
    return f"none of {len(refused)} tags is a candidate under {policy}: {reasons}"


def count_by_rule(refused: Mapping[str, Rule]) -> tuple[tuple[Rule, int], ...]:
    """Count the tags that each rule refused, in the order of the rules, without those that refused none."""
    counts = Counter(refused.values())
    return tuple((rule, counts[rule]) for rule in Rule if counts[rule])
