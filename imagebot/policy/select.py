"""The choice of a tag: which of a repository's tags satisfy an entry's rules, which of them wins, and why not others.

What a tag means by itself is for `reading` to say; here tags meet each other and the one that is written. A version is
judged without its suffix, and the variant judges the suffix, whatever the range says: `>=1.2.3-alpine` is a range with
the prerelease `alpine`, so it lets prereleases in, but `-alpine` is kept only because the tag now written has it.

A tag now written that means nothing to the policy, as `latest` to a range, is not in the way: every candidate is newer.
A level has nothing to start from then.

A choice has two steps. `rank` judges and orders by the names of tags alone, which is the work; `settle` takes the best
candidate that passes the gates, for which it may have to know more.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest, nsmallest

from imagebot.image.snapshot import Since
from imagebot.policy.gates import Lacking, Waiting, examine, find_waiting
from imagebot.policy.known import Fact, Known, Question, Unknown
from imagebot.policy.newest import find_build_times
from imagebot.policy.policies import Alphabetical, Follow, Moment, Newest, Numeric, Order, SemverLevel, SemverRange
from imagebot.policy.reading import Key, Reader, Rule, Rules, find_text, make_reader
from imagebot.policy.version import Jump, find_jump

# The tags that would be chosen next are watched while they wait, so that it is noticed if they are pushed again.
_MOST_WATCHED = 3
# Each costs requests.
_MOST_EXAMINED = 10
_RULES_OF_GATES = frozenset([Rule.TOO_YOUNG, Rule.AGE_UNKNOWN, Rule.NO_IMAGE, Rule.LACKS_PLATFORM, Rule.UNEXAMINED])


@dataclass(frozen=True, slots=True)
class Selection:
    """The tag to be written, which is the current one if nothing better is there.

    `jump` is None unless both tags are versions to the policy. `refused` has the reason for every other tag of those
    that were `considered`, in no order. `unfit` has those of them whose image was the reason, with what it lacks.
    `since` is None if the age of the tag is not known.

    `waiting` are the best of the tags that would be chosen if they were older, best first, and `due_at` is the instant
    at which the first of all such tags becomes a candidate.
    """

    tag: str
    jump: Jump | None
    refused: Mapping[str, Rule]
    considered: int
    since: Since | None = None
    unfit: Mapping[str, Rule | Lacking] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """No tag may be written: why, as a sentence without its full stop, and what refused each tag that was judged.

    `unfit`, `waiting` and `due_at` are as in a `Selection`.
    """

    reason: str
    refused: Mapping[str, Rule]
    unfit: Mapping[str, Rule | Lacking] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Previous:
    """What was selected before, by which rules and beside which tag: spares judging the same tags again."""

    rules: Rules
    current: str | None
    selection: Selection | NoCandidate


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates by their names alone, with the keys that order them, and the tags that are none.

    It is partial if what lost before was not judged again: then only its best candidate is the best of all.
    """

    rules: Rules
    current: str | None
    listed: frozenset[str]
    candidates: Mapping[str, Key]
    refused: dict[str, Rule]
    written: Key | None
    is_partial: bool


def select(
    tags: Collection[str],
    rules: Rules,
    *,
    current: str | None,
    known: Known | None = None,
    previous: Previous | None = None,
) -> Selection | NoCandidate | Unknown:
    """Choose the tag that comes last in the policy's order, of those that the rules admit.

    `current` is the tag now written, None if there is none; it need not be among the tags. If the rules admit it, it is
    a candidate, and it stays unless a better tag is there. Of other tags with equal keys (`1.02` and `1.2`) the greater
    text wins, so the answer depends neither on the order of the tags nor on repetitions. Nor does it depend on
    `previous`, which is of use if it has the same rules and current tag, whichever tags came or went since.

    Without `known`, names are all that counts: no gate is asked, and to `newest` no tag has a time. With it the answer
    may be that more has to be known first.
    """
    ranking = rank(tags, rules, current=current, known=known, previous=previous)
    return settle(ranking, known) if isinstance(ranking, Ranking) else ranking


def rank(
    tags: Collection[str],
    rules: Rules,
    *,
    current: str | None,
    known: Known | None = None,
    previous: Previous | None = None,
) -> Ranking | NoCandidate | Unknown:
    """Judge all tags by their names, or by their times if the policy says so; see `select`."""
    listed = frozenset(tags)
    if isinstance(rules.policy, Follow):
        return _rank_followed(listed, rules, rules.policy.tag, current=current)
    times = _find_times(listed, rules, current=current, known=known)
    if isinstance(times, NoCandidate | Unknown):
        return times
    reader = make_reader(rules, current=current, times=times)
    written = None if isinstance(reader.written, Rule) else reader.written
    if isinstance(rules.policy, SemverLevel) and written is None:
        rule = f"the tag {current} is {reader.written.value}" if isinstance(reader.written, Rule) else None
        return NoCandidate(f"{rule or 'no tag is written'}, so {rules} has nothing to start from", {})
    refused: dict[str, Rule] = {}
    unjudged: Collection[str] = listed
    is_partial = previous is not None and (previous.rules, previous.current) == (rules, current)
    # Times change: what they refused or ordered before tells nothing.
    is_partial = is_partial and not isinstance(rules.policy, Newest)
    if previous is not None and is_partial:
        refused, unjudged = _recall(previous.selection, listed, rules=rules, current=current)
    candidates = _sift(unjudged, rules, reader=reader, refused=refused)
    if current is not None and not isinstance(key := reader.judge(current), Rule):
        candidates[current] = key
    return Ranking(rules, current, listed, candidates, refused, written, is_partial)


def _rank_followed(listed: frozenset[str], rules: Rules, tag: str, *, current: str | None) -> Ranking | NoCandidate:
    refused = dict.fromkeys(listed - {tag}, Rule.NOT_FOLLOWED)
    if current not in (None, tag):
        return NoCandidate(f"the tag {current} is written, and {rules} changes nothing but digests of {tag}", refused)
    candidates = {tag: ""} if tag in listed else {}
    return Ranking(rules, current, listed, candidates, refused, None, is_partial=False)


def _find_times(
    listed: Collection[str], rules: Rules, *, current: str | None, known: Known | None
) -> Mapping[str, datetime] | NoCandidate | Unknown:
    """Find the times that `newest` orders by; nothing for other policies."""
    if known is None or not isinstance(rules.policy, Newest):
        return {}
    if rules.policy.by is Moment.PUSHED:
        # A registry that tells when tags were pushed may not tell it of all: first sights compare with no such time.
        told = known.snapshot.pushed_at.keys() & listed or listed
        pushed = {tag: since.at for tag in told if (since := known.find_since(tag)) is not None}
        is_read = current is not None and isinstance(find_text(current, rules.filter, even_if_excluded=True), str)
        if is_read and current in listed and current not in pushed:
            return NoCandidate(f"it is not known when {current} was pushed, which is written: {rules} needs that", {})
        return pushed
    times = find_build_times(listed, rules, current=current, known=known)
    return NoCandidate(times, {}) if isinstance(times, str) else times


def settle(ranking: Ranking, known: Known | None) -> Selection | NoCandidate | Unknown:
    """Take the best candidate that passes the gates, and say which tags only wait.

    A ranking that was settled is used up, as its refusals go into the answer; only after Unknown it is not.
    """
    if known is None or isinstance(ranking.rules.policy, Follow):
        return _conclude(ranking, {}, {}, known=known)
    held = _hold_young(ranking, known)
    unasked = [tag for tag in _list_watched(held, ranking, known) if tag not in known.answers.sightings]
    refusals = _examine_best({tag: key for tag, key in ranking.candidates.items() if tag not in held}, ranking, known)
    if unasked or isinstance(refusals, Unknown):
        questions = refusals.questions if isinstance(refusals, Unknown) else frozenset()
        return Unknown(questions.union(Question(tag, Fact.DIGEST) for tag in unasked))
    if ranking.is_partial and refusals:
        whole = rank(ranking.listed, ranking.rules, current=ranking.current, known=known)
        return settle(whole, known) if isinstance(whole, Ranking) else whole
    return _conclude(ranking, held, refusals, known=known)


def _hold_young(ranking: Ranking, known: Known) -> dict[str, Waiting]:
    """Find the candidates that have to wait; the tag now written never has to."""
    min_age, current = ranking.rules.min_age, ranking.current
    if min_age is None:
        return {}
    found = ((tag, find_waiting(tag, min_age, known=known)) for tag in ranking.candidates if tag != current)
    return {tag: waiting for tag, waiting in found if waiting is not None}


def _list_watched(held: Mapping[str, Waiting], ranking: Ranking, known: Known) -> Collection[str]:
    """List the best of the tags that wait, and the one that is due first: nobody sees if others are pushed again."""
    if not held or not known.snapshot.has_history:
        return ()
    due = [(waiting.until, tag) for tag, waiting in held.items() if waiting.until is not None]
    return {*_list_best(held, ranking), *([min(due)[1]] if due else [])}


def _list_best(tags: Collection[str], ranking: Ranking) -> list[str]:
    """List the few best of the candidates, best first."""
    find_few = nsmallest if _is_descending(ranking.rules) else nlargest
    # Both keep the order of equals, of which the greater text wins.
    return find_few(_MOST_WATCHED, sorted(tags, reverse=True), key=ranking.candidates.__getitem__)


def _list_better(tags: Collection[str], ranking: Ranking, *, than: str | None) -> Collection[str]:
    """List the candidates that come before the one that is chosen without them, if any is."""
    if than is None:
        return tags
    keys, is_descending = ranking.candidates, _is_descending(ranking.rules)
    pairs = ((tag, {tag: keys[tag], than: keys[than]}) for tag in tags)
    return [tag for tag, pair in pairs if tag == _find_best(pair, is_descending=is_descending, current=ranking.current)]


def _examine_best(candidates: dict[str, Key], ranking: Ranking, known: Known) -> Mapping[str, Rule | Lacking] | Unknown:
    """Refuse the best candidate until its image is one that may be written, or it is the one that is."""
    refusals: dict[str, Rule | Lacking] = {}
    while candidates:
        tag = _find_best(candidates, is_descending=_is_descending(ranking.rules), current=ranking.current)
        if tag == ranking.current:
            break
        if len(refusals) == _MOST_EXAMINED:
            refusals.update((other, Rule.UNEXAMINED) for other in candidates if other != ranking.current)
            break
        verdict = examine(tag, ranking.rules, current=ranking.current, known=known)
        if isinstance(verdict, Unknown):
            return verdict
        if verdict is None:
            break
        refusals[tag] = verdict
        del candidates[tag]
    return refusals


def _conclude(
    ranking: Ranking, held: Mapping[str, Waiting], refusals: Mapping[str, Rule | Lacking], *, known: Known | None
) -> Selection | NoCandidate:
    """Choose of the candidates that are left, and give every other tag its reason."""
    rules, current, refused = ranking.rules, ranking.current, ranking.refused
    for tag, waiting in held.items():
        refused[tag] = Rule.AGE_UNKNOWN if waiting.since is None else Rule.TOO_YOUNG
    for tag, verdict in refusals.items():
        refused[tag] = Rule.LACKS_PLATFORM if isinstance(verdict, Lacking) else verdict
    candidates = ranking.candidates
    if held or refusals:
        candidates = {tag: key for tag, key in candidates.items() if tag not in held and tag not in refusals}
    best = _find_best(candidates, is_descending=_is_descending(rules), current=current) if candidates else None
    better = _list_better(held, ranking, than=best)
    waits = tuple(held[each] for each in _list_best(better, ranking))
    due_at = min((until for each in better if (until := held[each].until) is not None), default=None)
    if best is None:
        return NoCandidate(_explain(rules, refused, current=current), refused, refusals, waits, due_at)
    refused.update((other, Rule.LOWER_PRECEDENCE) for other in candidates if other != best and other in ranking.listed)
    is_semver = isinstance(rules.policy, SemverRange | SemverLevel)
    jump = find_jump(ranking.written, candidates[best]) if is_semver and ranking.written is not None else None
    since = known.find_since(best) if known is not None else None
    return Selection(best, jump, refused, len(ranking.listed), since, refusals, waits, due_at)


def _recall(
    selection: Selection | NoCandidate, listed: frozenset[str], *, rules: Rules, current: str | None
) -> tuple[dict[str, Rule], Collection[str]]:
    """Return the refusals that still stand, and the listed tags that are to be judged.

    A tag that lost loses again if the tag that it lost to is there as well, unless it is too young now. What a gate
    refused may pass it now.
    """
    refused: Mapping[str, Rule] = selection.refused
    if rules.min_age is not None or selection.unfit:
        refused = {tag: rule for tag, rule in refused.items() if rule not in _RULES_OF_GATES}
    is_there = isinstance(selection, NoCandidate) or selection.tag in listed or selection.tag == current
    has_winner = is_there and rules.min_age is None
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
    is_descending = _is_descending(rules)
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


def _is_descending(rules: Rules) -> bool:
    return isinstance(rules.policy, Numeric | Alphabetical) and rules.policy.order is Order.DESC


def _explain(rules: Rules, refused: Mapping[str, Rule], *, current: str | None) -> str:
    """Say in a sentence why there is no candidate."""
    counts = dict(count_by_rule(refused))
    if not counts:
        return "the repository has no tags"
    if Rule.OLDER_THAN_CURRENT in counts and _RULES_OF_GATES.isdisjoint(counts):
        return f"the current tag {current} is newer than every tag that {rules} admits"
    reasons = ", ".join(f"{count} {rule.value}" for rule, count in counts.items())
    return f"none of {len(refused)} tags is a candidate under {rules}: {reasons}"


def count_by_rule(refused: Mapping[str, Rule]) -> tuple[tuple[Rule, int], ...]:
    """Count the tags that each rule refused, in the order of the rules, without those that refused none."""
    counts = Counter(refused.values())
    return tuple((rule, counts[rule]) for rule in Rule if counts[rule])
