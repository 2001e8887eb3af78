"""Which tag each governed occurrence should have.

No decision is taken from a repository whose tags could not be listed: its occurrences stay as they are, and so do the
merge requests that concern it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.policy.select import NoCandidate, Selection, select
from imagebot.proposal.survey import Governed, Survey

if TYPE_CHECKING:
    from imagebot.policy.reading import Rules


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The tags of a repository are not known, or not to be trusted, and why: a sentence a person can act on.

    `needs_operator` tells what only a setting or a permission can mend from what may pass by itself.
    """

    repository: Repository
    reason: str
    needs_operator: bool = False


Listings = Mapping[Repository, Snapshot | Unlisted]
"""What is known of each repository's tags."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A governed occurrence and what its policy says about it."""

    governed: Governed
    verdict: Selection | NoCandidate | Unlisted

    @property
    def current_tag(self) -> str | None:
        return self.governed.occurrence.reference.tag

    @property
    def is_settled(self) -> bool:
        """Whether the occurrence is known to stay as it is: by a decision, not for lack of one."""
        return self.new_tag is None and not isinstance(self.verdict, Unlisted)

    @property
    def new_tag(self) -> str | None:
        """The tag to write, or None if the occurrence stays as it is."""
        if isinstance(self.verdict, Selection) and self.verdict.tag != self.current_tag:
            return self.verdict.tag
        return None


def choose(survey: Survey, listings: Listings) -> tuple[Choice, ...]:
    """Apply to each governed occurrence the policy of its entry; occurrences that are alike are decided once."""
    decided: dict[tuple[Repository, Rules, str | None], Selection | NoCandidate | Unlisted] = {}
    choices = []
    for governed in survey.governed:
        current = governed.occurrence.reference.tag
        key = (governed.repository, governed.entry.rules, current)
        if key not in decided:
            listing = listings.get(governed.repository)
            decided[key] = _decide(governed, listing or Unlisted(governed.repository, "its tags were not listed"))
        choices.append(Choice(governed, decided[key]))
    return tuple(choices)


def _decide(governed: Governed, listing: Snapshot | Unlisted) -> Selection | NoCandidate | Unlisted:
    if isinstance(listing, Unlisted):
        return listing
    current = governed.occurrence.reference.tag
    if current is not None and current not in listing.first_seen:
        listed = len(listing.first_seen)
        reason = f"the registry lists {listed} tags, but not {current}, which is written: nothing is decided from that"
        return Unlisted(governed.repository, reason)
    return select(listing.first_seen.keys(), governed.entry.rules, current=current)


def find_undecided(choices: Iterable[Choice]) -> Mapping[Repository, str]:
    """Find the repositories about which nothing was decided, for one of their places or for all, with the reasons."""
    reasons: dict[Repository, list[str]] = {}
    for choice in choices:
        if isinstance(choice.verdict, Unlisted):
            known = reasons.setdefault(choice.verdict.repository, [])
            known += [choice.verdict.reason] if choice.verdict.reason not in known else []
    return {image: "; ".join(known) for image, known in sorted(reasons.items())}


def list_stuck(choices: Iterable[Choice]) -> tuple[str, ...]:
    """List the places whose policy admits no tag at all, each with the reason."""
    return tuple(
        f"{choice.governed}: {choice.verdict.reason}" for choice in choices if isinstance(choice.verdict, NoCandidate)
    )
