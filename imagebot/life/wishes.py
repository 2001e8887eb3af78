"""What is wanted of all groups together, and what that depends on."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagebot.life.history import History
from imagebot.proposal.limits import Limits
from imagebot.proposal.plan import Group
from imagebot.proposal.waver import Images


@dataclass(frozen=True, slots=True)
class Wishes:
    """The groups that a round proposes, what is known of images and of merge requests, and how much room there is."""

    groups: Sequence[Group]
    images: Images
    history: History
    limits: Limits
