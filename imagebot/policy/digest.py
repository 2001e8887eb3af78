"""The choice of a digest: which one is to stand beside the tag that was chosen, and why a newer one is not proposed.

A digest that a file has moves with its tag. Where the rules pin digests, one is added where none is, and a new one is
proposed when the tag was pushed again: not before it is old enough, and not if it would lose a platform, or if no
platform that matters changed.
"""

from dataclasses import dataclass, replace

from imagebot.image.snapshot import Sighting
from imagebot.policy.gates import Waiting, find_both, find_lacking, find_waiting
from imagebot.policy.known import Known, Unknown
from imagebot.policy.reading import Rules


@dataclass(frozen=True, slots=True)
class Pin:
    """The digest to be written, None for none; and why not the one that the tag has now, if that is another."""

    digest: str | None
    held: str = ""
    waiting: Waiting | None = None


def select_digest(tag: str, rules: Rules, *, moves: bool, can_hold: bool, known: Known) -> Pin | Unknown:
    """Choose the digest to stand beside the tag; `moves` says that the file has another tag now.

    `can_hold` says that the place can hold a digest, which it does if `known.written` is one.
    """
    written = known.written
    if not (rules.pins_digest or (moves and written)):
        return Pin(written)
    if not can_hold:
        return Pin(None, "no digest can be written there")
    sighting = known.find_sighting(tag, is_fresh=True)
    if isinstance(sighting, Unknown):
        return sighting
    if sighting is None:
        return Pin(written, f"the registry lists {tag}, but has no image of it")
    if moves or sighting.digest == written:
        return Pin(sighting.digest)
    waiting = rules.min_age and find_waiting(tag, rules.min_age, known=_remember_push(tag, sighting, known))
    return Pin(written, waiting=waiting) if waiting else _weigh(written, sighting.digest, rules, known=known)


def _remember_push(tag: str, sighting: Sighting, known: Known) -> Known:
    """Add that the tag was pushed again, as a file proves that has another digest beside it."""
    if known.written is None or not known.snapshot.has_history or tag in known.snapshot.pushed_at:
        return known
    sightings = {**known.answers.sightings, tag: replace(sighting, is_repushed=True)}
    return replace(known, answers=replace(known.answers, sightings=sightings))


def _weigh(old: str | None, new: str, rules: Rules, *, known: Known) -> Pin | Unknown:
    """Say whether a new digest of the same tag is worth being proposed."""
    if old is None:
        return Pin(new)
    both = find_both(old, new, known=known)
    if isinstance(both, Unknown):
        return both
    before, after = both
    if lacking := find_lacking(before, after, rules):
        return Pin(old, f"its new digest has no {lacking}, which the digest now written has")
    if rules.platforms and before and all(before.get(each) == after.get(each) for each in rules.platforms):
        return Pin(old, "of its new digest only platforms changed that the entry does not name")
    return Pin(new)
