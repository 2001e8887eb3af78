"""Which tag each governed occurrence should have.

No decision is taken from a repository whose tags could not be listed: its occurrences stay as they are, and so do the
merge requests that concern it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.policy.select import NoCandidate, Policy, Selection, select
from imagebot.proposal.survey import Governed, Survey


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The tags of a repository are not known, and why: a sentence a person can act on.

    `needs_operator` tells what only a setting or a permission can mend from what may pass by itself.
    """

    repository: Repository
    reason: str
    needs_operator: bool = False


Listings = Mapping[Repository, Snapshot | Unlisted]
"""What is known of each repository's tags."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A governed occurrence and what its policy says about it.

    A current tag that the registry does not list any more makes the listing doubtful.
    """

    governed: Governed
    verdict: Selection | NoCandidate | Unlisted
    is_current_listed: bool

    @property
    def current_tag(self) -> str | None:
        return self.governed.occurrence.reference.tag

    @property
    def is_settled(self) -> bool:
        """Whether the occurrence is known to be right as it is."""
        return isinstance(self.verdict, Selection) and self.verdict.tag == self.current_tag and self.is_current_listed

    @property
    def new_tag(self) -> str | None:
        """The tag to write, or None if the occurrence stays as it is."""
        if isinstance(self.verdict, Selection) and self.verdict.tag != self.current_tag:
            return self.verdict.tag
        return None


def choose(survey: Survey, listings: Listings) -> tuple[Choice, ...]:
    """Apply to each governed occurrence the policy of its entry; occurrences that are alike are decided once."""
    decided: dict[tuple[Repository, Policy, str | None], Selection | NoCandidate] = {}
    choices = []
    for governed in survey.governed:
        listing = listings.get(governed.repository)
        if listing is None:
            listing = Unlisted(governed.repository, "its tags have not been listed yet")
        if isinstance(listing, Unlisted):
            choices.append(Choice(governed, listing, is_current_listed=False))
            continue
        key = (governed.repository, governed.entry.policy, governed.occurrence.reference.tag)
        if key not in decided:
            decided[key] = select(listing.first_seen.keys(), governed.entry.policy, current=key[2])
        choices.append(Choice(governed, decided[key], is_current_listed=key[2] in listing.first_seen))
    return tuple(choices)
