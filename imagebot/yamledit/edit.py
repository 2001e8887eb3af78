"""From an occurrence and what it shall name to the edits that make it so."""

from dataclasses import dataclass, replace

from imagebot.image.reference import Reference, parse_digest, parse_tag
from imagebot.yamledit.occurrence import Holds, Occurrence


@dataclass(frozen=True, slots=True)
class Edit:
    """A new text for one scalar: the bytes it occupies, what it means now, and what it shall mean.

    How the text is spelled (quotes, escapes) is not said here: `rewrite` keeps what the file has.
    """

    start: int
    end: int
    old: str
    new: str


def make_reference(occurrence: Occurrence, *, tag: str | None, digest: str | None) -> Reference:
    """Return what the occurrence will name: the name as written, with just this tag and digest.

    Raises InvalidReference if the tag or the digest is none. Raises ValueError if the occurrence has a tag or a digest
    and is given none, if it has no tag and is given one, or if it cannot hold the digest.
    """
    reference = occurrence.reference
    if reference.tag is not None and tag is None:
        raise ValueError(f"{reference} has a tag, and there is no new one")
    if reference.tag is None and tag is not None:
        raise ValueError(f"{reference} has no tag, and {tag} is not added")
    if occurrence.has_digest and digest is None:
        raise ValueError(f"{reference} has a digest, and there is no new one")
    if digest is not None and not occurrence.can_hold_digest:
        raise ValueError(f"{reference} stands where no digest can be added, and {digest} is given")
    new_tag = None if tag is None else parse_tag(tag)
    return replace(reference, tag=new_tag, digest=None if digest is None else parse_digest(digest))


def make_edits(occurrence: Occurrence, *, tag: str | None, digest: str | None) -> tuple[Edit, ...]:
    """Make one edit for each scalar of the occurrence that then reads otherwise; none if it says all this already.

    Raises what `make_reference` raises.
    """
    reference = make_reference(occurrence, tag=tag, digest=digest)
    texts = {
        Holds.REFERENCE: str(reference),
        Holds.TAG: f"{reference.tag}",
        Holds.TAG_AND_DIGEST: f"{reference.tag}@{reference.digest}",
        Holds.DIGEST: f"{reference.digest}",
        Holds.SHA256: f"{reference.digest}".removeprefix("sha256:"),
    }
    parts = {part.start: part for part in occurrence.parts}
    if reference.digest is not None and occurrence.room is not None:
        parts[occurrence.room.start] = occurrence.room
    is_other = not f"{reference.digest}".startswith("sha256:")
    if is_other and reference.digest is not None and any(part.holds is Holds.SHA256 for part in parts.values()):
        raise ValueError(f"{reference} stands where only the digits of a sha256 digest can be written")
    edits = (
        Edit(part.start, part.end, part.text, part.before + texts[part.holds] + part.after) for part in parts.values()
    )
    return tuple(edit for edit in edits if edit.new != edit.old)
