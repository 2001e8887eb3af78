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


def make_reference(occurrence: Occurrence, *, tag: str, digest: str | None) -> Reference:
    """Return what the occurrence will name: the name as written, the tag, and the digest if it has one now.

    Raises InvalidReference if the tag or the digest is none.
    """
    if occurrence.has_digest and digest is None:
        raise ValueError(f"{occurrence.reference} has a digest, and there is no new one for the tag {tag}")
    new_digest = parse_digest(digest) if occurrence.has_digest and digest is not None else None
    return replace(occurrence.reference, tag=parse_tag(tag), digest=new_digest)


def make_edits(occurrence: Occurrence, *, tag: str, digest: str | None) -> tuple[Edit, ...]:
    """Make one edit for each scalar of the occurrence; the digest is dropped where the occurrence has none.

    Raises InvalidReference if the tag or the digest is none, and ValueError if a digest is needed and not given.
    """
    reference = make_reference(occurrence, tag=tag, digest=digest)
    texts = {
        Holds.REFERENCE: str(reference),
        Holds.TAG: tag,
        Holds.TAG_AND_DIGEST: f"{tag}@{reference.digest}",
        Holds.DIGEST: str(reference.digest),
    }
    return tuple(Edit(part.start, part.end, part.text, texts[part.holds]) for part in occurrence.parts)
