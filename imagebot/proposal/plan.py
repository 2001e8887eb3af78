"""Which occurrences move together, on which branch, and what the files then hold.

One proposal for one image: all its occurrences in the target, whatever the tags they move to. Its branch is named after
the image alone, so that the next tag moves the same branch and the same merge request.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from imagebot.image.reference import Reference, Repository
from imagebot.policy.select import Selection
from imagebot.proposal.choose import Choice
from imagebot.proposal.survey import Governed, Unread
from imagebot.yamledit.edit import Edit, make_edits, make_reference
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite

# Git keeps a ref in a file of its name, and file systems end at 255 bytes; what is longer is told apart by a digest.
_MAX_SLUG = 180


@dataclass(frozen=True, slots=True)
class Change:
    """One occurrence that moves to another tag or digest; `digest` is what stands beside the tag then, if anything."""

    governed: Governed
    selection: Selection
    digest: str | None

    @property
    def path(self) -> str:
        return self.governed.path

    @property
    def line(self) -> int:
        return self.governed.occurrence.line

    @property
    def before(self) -> Reference:
        return self.governed.occurrence.reference

    @property
    def after(self) -> Reference:
        return make_reference(self.governed.occurrence, tag=self._written_tag, digest=self.digest)

    @property
    def edits(self) -> tuple[Edit, ...]:
        return make_edits(self.governed.occurrence, tag=self._written_tag, digest=self.digest)

    @property
    def _written_tag(self) -> str | None:
        """The tag as it will stand in the file, which may name the image by its digest alone."""
        return None if self.before.tag is None else self.selection.tag

    @property
    def moves_tag(self) -> bool:
        """Whether another tag is written, not only another digest of the same."""
        return self._written_tag != self.before.tag

    @property
    def proposed(self) -> str:
        """What a person says no to: the tag, whatever its digest, or else the digest that the tag has now."""
        return self.selection.tag if self.moves_tag else f"{self.selection.tag}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Applied:
    """Files with changes made: new content by path, the changes that are in it, and those that were refused."""

    files: Mapping[str, bytes]
    made: tuple[Change, ...]
    refused: tuple[Unread, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The changes that are proposed together, and the branch they stand on."""

    repository: Repository
    branch: str
    changes: tuple[Change, ...]

    @property
    def proposed(self) -> tuple[str, ...]:
        """The tags that are proposed, `tag@digest` where only the digest changes, in the order of their texts."""
        return tuple(sorted({change.proposed for change in self.changes}))

    @property
    def fingerprint(self) -> str:
        """What is to be changed from what to what, and where: the same for the same edits, wherever the lines are."""
        return make_fingerprint((change.path, str(change.before), str(change.after)) for change in self.changes)


def make_fingerprint(facts: Iterable[tuple[object, ...]]) -> str:
    """Make a short text that is the same for the same facts, in whatever order, and for no others."""
    return sha256(json.dumps(sorted(facts), default=str).encode()).hexdigest()[:32]


def make_changes(choices: Iterable[Choice]) -> tuple[Change, ...]:
    """Make a change of every choice that moves."""
    return tuple(
        Change(choice.governed, choice.verdict, choice.pin.digest)
        for choice in choices
        if isinstance(choice.verdict, Selection) and not choice.is_settled
    )


def make_groups(changes: Iterable[Change], *, branch_prefix: str) -> tuple[Group, ...]:
    """Put the changes of each image together, in the order of the images' names."""

    def repository(change: Change) -> Repository:
        return change.governed.repository

    return tuple(
        Group(image, make_branch_name(branch_prefix, image), tuple(together))
        for image, together in groupby(sorted(changes, key=lambda c: (repository(c), c.path, c.line)), key=repository)
    )


def apply_changes(changes: Sequence[Change], files: Mapping[str, bytes]) -> Applied:
    """Rewrite the files that the changes concern.

    A file that cannot be rewritten safely stays as it is and is reported; all others go on.
    """
    written: dict[str, bytes] = {}
    made: list[Change] = []
    refused: list[Unread] = []
    for path, group in groupby(sorted(changes, key=lambda c: (c.path, c.line)), key=lambda c: c.path):
        together = tuple(group)
        try:
            written[path] = rewrite(files[path], [edit for change in together for edit in change.edits])
            made.extend(together)
        except UnsafeRewrite as error:
            refused.append(Unread(path, error.line, None, f"not edited: {error.reason}"))
    return Applied(written, tuple(made), tuple(refused))


def make_branch_name(prefix: str, repository: Repository) -> str:
    """Name the branch of an image: `imagebot/ghcr.io-acme-api`.

    Two images never share a name. `/` becomes `-` and `-` becomes `--`; as no part of a path begins or ends with `-`,
    an odd run of them is a `/`. `:` and brackets, which only hosts hold and refs may not, become `_`, which no host
    holds.
    """
    registry = repository.registry.translate(str.maketrans(":[]", "___"))
    slug = f"{registry}/{repository.path}".replace("-", "--").replace("/", "-")
    if len(slug) > _MAX_SLUG:
        # A `.` never follows a `-` in the short form, so no short name looks like a cut one.
        slug = f"{slug[:_MAX_SLUG]}-.{sha256(str(repository).encode()).hexdigest()[:16]}"
    # git refuses a ref that ends in .lock, and no path ends in `_`.
    return prefix + slug + ("_" if slug.endswith(".lock") else "")
