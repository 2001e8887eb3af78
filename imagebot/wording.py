"""What one target's merge requests say: the words are the core's, and what they need to know is found out here.

Images are asked what they say of themselves only for a text that is going to be written, not in quiet rounds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from imagebot.forge import Forge
from imagebot.image.description import Description
from imagebot.image.reference import Repository
from imagebot.look import Look
from imagebot.proposal.cautions import Left
from imagebot.proposal.moves import list_identifiers
from imagebot.proposal.plan import Group
from imagebot.proposal.request_rules import AutoMerge
from imagebot.proposal.text import Setting, Text, make_text, make_title

Describe = Callable[[Repository, Iterable[str]], Mapping[str, Description]]
"""Finds what images of a repository, named by tags or digests, say of themselves; what cannot be had is missing."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Writes the texts of one round; `left` are the places that stay at versions which others leave."""

    look: Look
    forge: Forge
    describe: Describe
    left: tuple[Left, ...] = ()

    def make_title(self, group: Group) -> str:
        return make_title(group)

    def write_text(self, group: Group, *, limit: int) -> Text:
        """Write title and body, of at most `limit` characters; asks what the images say of themselves."""
        described = {image: self.describe(image, wanted) for image, wanted in list_identifiers(group).items()}
        auto_merge = self.look.policy.merge_requests.auto_merge
        setting = Setting(
            self.look.target.policy_file,
            self._find_url,
            described,
            self.left,
            merges_by_itself=auto_merge is not AutoMerge.NEVER,
        )
        return make_text(group, setting, limit=limit)

    def _find_url(self, path: str, line: int) -> str | None:
        """Find the address of a line as it stood when the text was written: lines of later commits are others."""
        return self.forge.file_url(self.look.head, path, line=line)
