"""Whether a candidate names an image that can be edited: then it is a draft of an occurrence, or else why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from imagebot.image.reference import InvalidReference, Reference, Repository, parse_reference, parse_repository
from imagebot.yamledit.candidate import Candidate, find_scalar, text_of
from imagebot.yamledit.occurrence import Holds, LeftAlone, Part
from imagebot.yamledit.scan import Alias, Node, Scalar, YamlFile
from imagebot.yamledit.variables import MAX_REFERENCE, find_literal_tag, find_variable, may_name

_ADVICE = "; a marker can say which image it is, and then its tag is edited: # imagebot: ENTRY"
_MANY = ", and the entry that it is bound to is about more than one image"


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A candidate that names an image; `scalars` are those to be edited, with aliases resolved."""

    candidate: Candidate
    reference: Reference
    scalars: tuple[Scalar, ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """Where the scalars, or the aliases of them, stand."""
        return tuple(map(start_of, self.candidate.editable))

    @property
    def holds(self) -> tuple[Holds, ...]:
        if self.candidate.whole is not None:
            return (Holds.REFERENCE,)
        if self.candidate.digest is not None:
            return (self.digest_holds,) if self.candidate.tag is None else (Holds.TAG, self.digest_holds)
        return (Holds.TAG_AND_DIGEST if self.reference.digest else Holds.TAG,)

    @property
    def digest_holds(self) -> Holds:
        return Holds.SHA256 if self.candidate.is_sha256 else Holds.DIGEST

    @property
    def identity(self) -> object:
        """What all who share a scalar have to agree on, for one edit to be right for all."""
        return self.reference.repository, self.scalars, self.holds, self.candidate.entry

    def make_part(self, holds: Holds, scalar: Scalar) -> Part:
        return Part(holds, scalar.start, scalar.end, scalar.value, self.candidate.before, self.candidate.after)


def judge(candidate: Candidate, file: YamlFile, *, images: Mapping[str, Repository | None]) -> Draft | LeftAlone | None:
    """Make a draft of a candidate; None if it names no image and need not be spoken of.

    `images` are those that entries are about, by the names that markers give.
    """
    candidate = _take_name(candidate, images)
    editable = candidate.editable
    reason = _find_unreadable(candidate.nodes) or candidate.problem
    if reason is not None:
        return leave(candidate, file, reason)
    scalars = tuple([scalar for scalar in map(find_scalar, editable) if scalar is not None])
    text = candidate.spell()
    if not all(map(file.is_on_one_line, scalars)):
        spans = "the text spans several lines or is a block, and only scalars on one line are edited"
        is_told = _names_an_image(text.strip()) or not all(scalar.is_literal for scalar in scalars)
        return leave(candidate, file, spans) if is_told else None
    if any(map(file.goes_on, scalars)):
        return leave(candidate, file, "a template may write more right behind it, from a line below")
    reference = _read(text)
    if isinstance(reference, str):
        return leave(candidate, file, reference + _advise(candidate))
    if candidate.whole is None and candidate.spell_name() != reference.name:
        return leave(candidate, file, "the repository holds more than a name")
    return Draft(candidate, reference, scalars)


def leave(candidate: Candidate, file: YamlFile, reason: str) -> LeftAlone:
    """Report a candidate that is left alone."""
    line, column = file.positions.to_line_and_column(start_of(candidate.nodes[0]))
    return LeftAlone(line, column, candidate.spell()[:MAX_REFERENCE], reason)


def start_of(node: Node) -> int:
    return node.start if isinstance(node, Scalar | Alias) else 0


def _take_name(candidate: Candidate, images: Mapping[str, Repository | None]) -> Candidate:
    """Let an image whose name holds variables have the name that its entry or its site says."""
    if candidate.problem is not None or not (candidate.entry or candidate.known_name):
        return candidate
    image = images.get(candidate.entry or "") or _find_repository(candidate.known_name)
    divided = None if image is None else _divide(candidate, image.familiar)
    if image is None or divided is None:
        return candidate
    name, named = divided
    if may_name(name, image):
        return named
    return replace(candidate, problem=f"it names {name}, and it is bound to {image.familiar}")


def _find_repository(name: str) -> Repository | None:
    try:
        return parse_repository(name)
    except InvalidReference:
        return None


def _divide(candidate: Candidate, known_name: str) -> tuple[str, Candidate] | None:
    """Return the name if there are variables in it, and the candidate with the other name; None if there are none.

    Of a scalar that holds a tag too, nothing but the literal tag is left to be edited.
    """
    name = candidate.spell_name()
    if candidate.whole is None and len(name) <= MAX_REFERENCE and find_variable(name):
        return name, replace(candidate, known_name=known_name, name=())
    is_alone = not (candidate.name or candidate.digest or candidate.empty_digest)
    node = candidate.whole or (candidate.tag if is_alone else None)
    text = text_of(node)[len(candidate.before) :] if node is not None else ""
    start = find_literal_tag(text)
    if start is None:
        return None
    before = candidate.before + text[:start]
    return text[: start - 1], replace(candidate, whole=None, tag=node, known_name=known_name, before=before)


def _find_unreadable(nodes: tuple[Node, ...]) -> str | None:
    """Say which of the nodes has no text that can be trusted."""
    for node in nodes:
        scalar = find_scalar(node)
        if scalar is None:
            return f"the alias {text_of(node)} has no anchor before it"
        if not scalar.is_string:
            return f"the tag {scalar.tag} may make something else of the text"
    return None


def _read(text: str) -> Reference | str:
    """Return the reference, or why there is none with a tag or a digest."""
    if len(text) > MAX_REFERENCE:
        return f"it is no image reference: it has {len(text)} characters"
    return _read_short(text)


@lru_cache(maxsize=4096)
def _read_short(text: str) -> Reference | str:
    """Do so once for a text: the files of a repository name the same images again and again."""
    variable = find_variable(text)
    if variable is not None:
        return f"it holds the variable {variable[:80]}"
    try:
        reference = parse_reference(text)
    except InvalidReference as error:
        return f"it is no image reference: {error.reason}"
    return reference if reference.tag or reference.digest else "no tag is written"


def _advise(candidate: Candidate) -> str:
    """Say what more it takes to edit a literal tag behind a name with variables."""
    if candidate.whole is None or find_literal_tag(candidate.spell()) is None:
        return ""
    return _ADVICE if candidate.entry is None else _MANY


def _names_an_image(text: str) -> bool:
    return isinstance(_read(text), Reference)
