"""Why a tag was chosen and every other was not: told again from what is kept, asking no registry.

Names and ages are judged as they were. What takes a look at the image itself (its platforms, when it was built) is in
the reason that the last update left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from imagebot.image.snapshot import Since, Snapshot
from imagebot.policy.gates import find_waiting
from imagebot.policy.known import Known
from imagebot.policy.policies import Alphabetical, Numeric, Order
from imagebot.policy.reading import Rule, Rules
from imagebot.policy.select import NoCandidate, Ranking, rank
from imagebot.proposal.image_state import ImageState

_CHOSEN, _WRITTEN = "chosen", "written now"
_RULES = {rule: number for number, rule in enumerate(Rule)}


@dataclass(frozen=True, slots=True)
class TagReason:
    """One tag: what speaks against it, since when it is known, and until when it has to wait."""

    tag: str
    reason: str
    is_candidate: bool
    since: Since | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reasons:
    """All tags of a repository for one image of a target, candidates first and best first; or why that is not known."""

    tags: Sequence[TagReason] = ()
    listed_at: datetime | None = None
    unknown: str = ""


def explain(image: ImageState, rules: Rules | None, listing: Snapshot | None, *, now: datetime) -> Reasons:
    """Judge every listed tag by the rules of the image's entry."""
    if rules is None:
        return Reasons(unknown="its policy is known again after the next update of the target")
    if listing is None:
        return Reasons(unknown="its tags were not listed yet")
    known = Known(listing, now)
    ranking = rank(listing.first_seen, rules, current=image.tag, known=known)
    if isinstance(ranking, NoCandidate):
        refused = [_refuse(tag, rule, listing) for tag, rule in _sort(ranking.refused)]
        return Reasons(refused, listing.listed_at, ranking.reason)
    if not isinstance(ranking, Ranking):
        return Reasons((), listing.listed_at, "its order takes more than names: when images were built")
    candidates = _sort_candidates(ranking, rules)
    told = [_tell(tag, image, rules, known) for tag in candidates if tag in listing.first_seen]
    return Reasons([*told, *(_refuse(tag, rule, listing) for tag, rule in _sort(ranking.refused))], listing.listed_at)


def _sort_candidates(ranking: Ranking, rules: Rules) -> list[str]:
    is_descending = isinstance(rules.policy, Numeric | Alphabetical) and rules.policy.order is Order.DESC
    by_name = sorted(ranking.candidates, reverse=True)
    return sorted(by_name, key=ranking.candidates.__getitem__, reverse=not is_descending)


def _sort(refused: Mapping[str, Rule]) -> list[tuple[str, Rule]]:
    return sorted(refused.items(), key=lambda item: (_RULES[item[1]], item[0]))


def _tell(tag: str, image: ImageState, rules: Rules, known: Known) -> TagReason:
    since = known.find_since(tag)
    if tag == image.tag:
        both = f"{_WRITTEN}, {_CHOSEN}" if tag == image.allowed else _WRITTEN
        return TagReason(tag, both, is_candidate=True, since=since)
    if tag == image.allowed:
        return TagReason(tag, _CHOSEN, is_candidate=True, since=since)
    waiting = find_waiting(tag, rules.min_age, known=known) if rules.min_age is not None else None
    if waiting is not None:
        rule = Rule.TOO_YOUNG if waiting.since is not None else Rule.AGE_UNKNOWN
        return TagReason(tag, rule.value, is_candidate=True, since=since, until=waiting.until)
    return TagReason(tag, Rule.LOWER_PRECEDENCE.value, is_candidate=True, since=since)


def _refuse(tag: str, rule: Rule, listing: Snapshot) -> TagReason:
    return TagReason(tag, rule.value, is_candidate=False, since=listing.find_since(tag))
