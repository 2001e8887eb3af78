"""The choice of a tag: which of a repository's tags satisfy an entry's rules, which of them wins, and why not others.

What a tag means by itself is for `reading` to say; here tags meet each other and the one that is written. A version is
judged without its suffix, and the variant judges the suffix, whatever the range says: `>=1.2.3-alpine` is a range with
the prerelease `alpine`, so it lets prereleases in, but `-alpine` is kept only because the tag now written has it.

A tag now written that means nothing to the policy, as `latest` to a range, is not in the way: every candidate is newer.
A level has nothing to start from then.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from imagebot.policy.policies import Alphabetical, Numeric, Order, Policy, SemverLevel, SemverRange
from imagebot.policy.reading import Key, Reader, Rule, Rules, make_reader
from imagebot.policy.version import Jump, find_jump


@dataclass(frozen=True, slots=True)
class Selection:
    """The tag to be written, which is the current one if nothing better is there.

    `jump` is None unless both tags are versions to the policy. `refused` has the reason for every other tag of those
    that were `considered`, in no order.
    """

    tag: str
    jump: Jump | None
    refused: Mapping[str, Rule]
    considered: int


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """No tag may be written: why, as a sentence without its full stop, and what refused each tag that was judged."""

    reason: str
    refused: Mapping[str, Rule]


@dataclass(frozen=True, slots=True)
class Previous:
    """What was selected before, by which rules and beside which tag: spares judging the same tags again."""

    rules: Rules
    current: str | None
    selection: Selection | NoCandidate


def select(
    tags: Collection[str], rules: Rules, *, current: str | None, previous: Previous | None = None
) -> Selection | NoCandidate:
    """Choose the tag that comes last in the policy's order, of those that the rules admit.

    `current` is the tag now written, None if there is none; it need not be among the tags. If the rules admit it, it is
    a candidate, and it stays unless a better tag is there. Of other tags with equal keys (`1.02` and `1.2`) the greater
    text wins, so the answer depends neither on the order of the tags nor on repetitions. Nor does it depend on
    `previous`, which is of use if it has the same rules and current tag, whichever tags came or went since.
    """
    reader = make_reader(rules, current=current)
    written = None if isinstance(reader.written, Rule) else reader.written
    if isinstance(rules.policy, SemverLevel) and written is None:
        rule = f"the tag {current} is {reader.written.value}" if isinstance(reader.written, Rule) else None
        return NoCandidate(f"{rule or 'no tag is written'}, so {rules} has nothing to start from", {})
    listed = frozenset(tags)
    refused: dict[str, Rule] = {}
    unjudged: Collection[str] = listed
    if previous is not None and (previous.rules, previous.current) == (rules, current):
        refused, unjudged = _recall(previous.selection, listed, current=current)
    candidates = _sift(unjudged, rules, reader=reader, refused=refused)
    if current is not None and not isinstance(key := reader.judge(current), Rule):
        candidates[current] = key
    if not candidates:
        return NoCandidate(_explain(rules, refused, current=current), refused)
    tag = _find_best(candidates, is_descending=_is_descending(rules.policy), current=current)
    refused.update((other, Rule.LOWER_PRECEDENCE) for other in candidates if other != tag and other in listed)
    is_semver = isinstance(rules.policy, SemverRange | SemverLevel)
    jump = find_jump(written, candidates[tag]) if is_semver and written is not None else None
    return Selection(tag, jump, refused, len(listed))


def _recall(
    selection: Selection | NoCandidate, listed: frozenset[str], *, current: str | None
) -> tuple[dict[str, Rule], Collection[str]]:
    """Return the refusals that still stand, and the listed tags that are to be judged.

    A tag that lost loses again if the tag that it lost to is there as well.
    """
    refused = selection.refused
    has_winner = isinstance(selection, NoCandidate) or selection.tag in listed or selection.tag == current
    standing, unjudged = dict(refused), listed.difference(refused)
    if len(listed) - len(unjudged) < len(refused):
        for vanished in set(refused).difference(listed):
            del standing[vanished]
    if not has_winner:
        standing = {tag: rule for tag, rule in standing.items() if rule is not Rule.LOWER_PRECEDENCE}
        unjudged = listed.difference(standing)
    return standing, unjudged


def _sift(tags: Iterable[str], rules: Rules, *, reader: Reader, refused: dict[str, Rule]) -> dict[str, Key]:
    """Return the candidates with their keys, and add the other tags to the refused ones."""
    judge = reader.judge
    bound = None if rules.allows_downgrade or isinstance(reader.written, Rule) else reader.written
    is_descending = _is_descending(rules.policy)
    candidates: dict[str, Key] = {}
    for tag in tags:
        key = judge(tag)
        if isinstance(key, Rule):
            refused[tag] = key
        elif bound is not None and (key > bound if is_descending else key < bound):
            refused[tag] = Rule.OLDER_THAN_CURRENT
        else:
            candidates[tag] = key
    return candidates


def _find_best(candidates: Mapping[str, Key], *, is_descending: bool, current: str | None) -> str:
    best = (min if is_descending else max)(candidates.values())
    equals = [tag for tag, key in candidates.items() if key == best]
    return current if current is not None and current in equals else max(equals)


def _is_descending(policy: Policy) -> bool:
    return isinstance(policy, Numeric | Alphabetical) and policy.order is Order.DESC


def _explain(rules: Rules, refused: Mapping[str, Rule], *, current: str | None) -> str:
    """Say in a sentence why there is no candidate."""
    counts = dict(count_by_rule(refused))
    if not counts:
        return "the repository has no tags"
    if Rule.OLDER_THAN_CURRENT in counts:
        return f"the current tag {current} is newer than every tag that {rules} admits"
    reasons = ", ".join(f"{count} {rule.value}" for rule, count in counts.items())
    return f"none of {len(refused)} tags is a candidate under {rules}: {reasons}"


def count_by_rule(refused: Mapping[str, Rule]) -> tuple[tuple[Rule, int], ...]:
    """Count the tags that each rule refused, in the order of the rules, without those that refused none."""
    counts = Counter(refused.values())
    return tuple((rule, counts[rule]) for rule in Rule if counts[rule])
