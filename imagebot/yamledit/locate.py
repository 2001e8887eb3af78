"""Finding every image that a file names, and saying why what looks like one is left alone.

Places are recognised by what the file says (`image:`, Kustomize's `images:`, `repository` with `tag` or `digest`),
never by the file's name. Which image may move is not asked here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from imagebot.image.reference import InvalidReference, Reference, Repository, parse_reference, parse_repository
from imagebot.yamledit.binding import bind_markers
from imagebot.yamledit.candidate import Candidate, find_scalar, text_of
from imagebot.yamledit.candidates import NEEDS as FORM_NEEDS
from imagebot.yamledit.candidates import make_candidates
from imagebot.yamledit.kinds import NEEDS as KIND_NEEDS
from imagebot.yamledit.kinds import find_by_kind
from imagebot.yamledit.kinds_flux import find_image_objects
from imagebot.yamledit.markers import NEEDS as MARKER_NEEDS
from imagebot.yamledit.merges import find_lent, find_merged
from imagebot.yamledit.nested import NEEDS as NESTED_NEEDS
from imagebot.yamledit.nested import locate_nested
from imagebot.yamledit.occurrence import Holds, LeftAlone, Located, Occurrence, Part, Place
from imagebot.yamledit.scan import Alias, Node, Scalar, YamlFile, scan
from imagebot.yamledit.search import Sieve, make_need
from imagebot.yamledit.sites import Site, find_at_sites
from imagebot.yamledit.variables import MAX_REFERENCE, find_literal_tag, find_variable, may_name

# Whatever finds a place is only tried where its need is met, and all needs are here.
_SIEVE = Sieve((*FORM_NEEDS, *KIND_NEEDS, *MARKER_NEEDS, *NESTED_NEEDS))
_DIGEST_NEEDS = (make_need("digest", "sha"),)
_DIGEST = re.compile(r"sha(?:256|512):[0-9a-f]{64}")
_ADVICE = "; a marker can say which image it is, and then its tag is edited: # imagebot: ENTRY"
_MANY = ", and the entry that it is bound to is about more than one image"


@dataclass(frozen=True, slots=True)
class Bindings:
    """What a policy file says about places: its sites, and for the names of its entries the images they are about.

    The image of an entry that is about more than one is None. `reads_flux` is whether Flux's markers count.
    """

    sites: tuple[Site, ...] = ()
    images: Mapping[str, Repository | None] = field(default_factory=dict)
    reads_flux: bool = False


_NO_BINDINGS = Bindings()


def can_name_image(data: bytes, *, path: str = "", bindings: Bindings = _NO_BINDINGS) -> bool:
    """Search the bytes for what all places are made of: where it is missing, `locate` finds nothing.

    A file of a site may name an image under any key. A file with NUL bytes may be UTF-16 and is for `locate` to refuse.
    """
    if _SIEVE.lets_through(data) or b"\0" in data:
        return True
    return any(site.match(path) is not None for site in bindings.sites)


def locate(data: bytes, *, path: str = "", bindings: Bindings = _NO_BINDINGS) -> Located:
    """Find the occurrences of a file; its path only matters to the sites.

    Scalars shared through an anchor make one occurrence if every use of them names the same image, and are left alone
    otherwise. Raises NotYaml.
    """
    file = scan(data)
    located = _locate(file, path=path, bindings=bindings)
    nested = locate_nested(file, lambda inner: _locate_inner(inner, bindings))
    return Located(
        tuple(sorted((*located.occurrences, *nested.occurrences), key=lambda found: found.parts[0].start)),
        tuple(sorted((*located.left_alone, *nested.left_alone), key=lambda left: (left.line, left.column))),
    )


def _locate_inner(data: bytes, bindings: Bindings) -> Located:
    """Locate what a text in a file names; sites speak of whole files."""
    bindings = replace(bindings, sites=())
    return _locate(scan(data), path="", bindings=bindings) if can_name_image(data) else Located((), ())


def _locate(file: YamlFile, *, path: str, bindings: Bindings) -> Located:
    found = _collect(file, path=path, sites=bindings.sites)
    bound, faults = bind_markers(found, file, images=bindings.images, reads_flux=bindings.reads_flux)
    guarded = _guard_digests(bound, file)
    judged = [_judge(_take_name(candidate, bindings.images), file) for candidate in guarded]
    drafts = [verdict for verdict in judged if isinstance(verdict, _Draft)]
    left_alone = [*faults, *(verdict for verdict in judged if isinstance(verdict, LeftAlone))]
    sharing = _Sharing(file, drafts)
    groups: dict[tuple[Scalar, ...], list[_Draft]] = {}
    for draft in drafts:
        reason = sharing.find_conflict(draft)
        if reason is not None:
            left_alone.append(_leave(draft.candidate, file, reason))
        else:
            groups.setdefault(draft.scalars, []).append(draft)
    occurrences = (_make_occurrence(group, file, sharing) for group in groups.values())
    return Located(tuple(occurrences), tuple(left_alone))


def _collect(file: YamlFile, *, path: str, sites: Sequence[Site]) -> list[Candidate]:
    """Collect what each way of looking finds; a node belongs to the first that finds it: the particular come first."""
    found: list[Candidate] = []
    taken: set[int] = set()
    for candidate in (*find_at_sites(file, path, sites), *find_by_kind(file), *_find_by_form(file)):
        nodes = {id(node) for node in candidate.editable}
        if not nodes & taken:
            found.append(candidate)
            taken |= nodes
    return found


def _find_by_form(file: YamlFile) -> Iterator[Candidate]:
    if not file.search.meets(FORM_NEEDS):
        return
    merged, lent = find_merged(file.mappings), find_lent(file.mappings)
    nameless = find_image_objects(file)
    for mapping in file.mappings:
        if mapping not in nameless:
            yield from make_candidates(mapping, merged=merged, lent=lent)


def _guard_digests(candidates: Sequence[Candidate], file: YamlFile) -> Iterable[Candidate]:
    """Leave alone what would move without the digest that stands beside it, for that would be another image's."""
    if not file.search.meets(_DIGEST_NEEDS):
        return candidates
    known = {each.digest for each in candidates}
    stale = {
        id(node): key
        for mapping in file.mappings
        for key, digests in mapping.values.items()
        if key.lower().endswith("digest") and any(_is_digest(each) and each not in known for each in digests)
        for nodes in mapping.values.values()
        for node in nodes
    }
    return [_guard(each, stale) for each in candidates]


def _guard(candidate: Candidate, stale: Mapping[int, str]) -> Candidate:
    key = stale.get(id(candidate.whole or candidate.tag))
    if key is None or candidate.problem is not None:
        return candidate
    return replace(candidate, problem=f"the digest beside it, under the key {key}, would stay that of another image")


def _is_digest(node: Node) -> bool:
    scalar = find_scalar(node)
    return scalar is not None and _DIGEST.match(scalar.value) is not None


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """A candidate that names an image; `scalars` are those to be edited, with aliases resolved."""

    candidate: Candidate
    reference: Reference
    scalars: tuple[Scalar, ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """Where the scalars, or the aliases of them, stand."""
        return tuple(_start_of(node) for node in self.candidate.editable)

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


def _take_name(candidate: Candidate, images: Mapping[str, Repository | None]) -> Candidate:
    """Let an image whose name holds variables have the name that its entry or its site says."""
    image = images.get(candidate.entry or "") or _find_repository(candidate.known_name)
    if image is None or candidate.problem is not None:
        return candidate
    divided = _divide(candidate, image.familiar)
    if divided is None:
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


def _judge(candidate: Candidate, file: YamlFile) -> _Draft | LeftAlone | None:
    text = candidate.spell()
    reason = _find_unreadable(candidate) or candidate.problem
    if reason is not None:
        return _leave(candidate, file, reason)
    scalars = tuple(scalar for scalar in map(find_scalar, candidate.editable) if scalar is not None)
    if not all(file.is_on_one_line(scalar) for scalar in scalars):
        spans = "the text spans several lines or is a block, and only scalars on one line are edited"
        is_told = _names_an_image(text.strip()) or not all(scalar.is_literal for scalar in scalars)
        return _leave(candidate, file, spans) if is_told else None
    reference = _read(text)
    if isinstance(reference, str):
        return _leave(candidate, file, reference + _advise(candidate))
    if candidate.whole is None and candidate.spell_name() != reference.name:
        return _leave(candidate, file, "the repository holds more than a name")
    return _Draft(candidate, reference, scalars)


def _find_unreadable(candidate: Candidate) -> str | None:
    """Say which of the nodes has no text that can be trusted."""
    for node in (*candidate.editable, *candidate.name):
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


def _leave(candidate: Candidate, file: YamlFile, reason: str) -> LeftAlone:
    node = (*candidate.editable, *candidate.name)[0]
    line, column = file.positions.to_line_and_column(_start_of(node))
    return LeftAlone(line, column, candidate.spell()[:MAX_REFERENCE], reason)


def _start_of(node: Node) -> int:
    return node.start if isinstance(node, Scalar | Alias) else 0


def _make_occurrence(group: Sequence[_Draft], file: YamlFile, sharing: "_Sharing") -> Occurrence:
    """Make one occurrence of the drafts that share all their scalars; a digest has room only where it has for all."""
    draft = group[0]
    parts = tuple(draft.make_part(holds, scalar) for holds, scalar in zip(draft.holds, draft.scalars, strict=True))
    rooms = {_find_room(each, file, sharing) for each in group}
    line, column = file.positions.to_line_and_column(parts[0].start)
    return Occurrence(
        place=draft.candidate.place,
        reference=draft.reference,
        parts=parts,
        room=rooms.pop() if len(rooms) == 1 else None,
        line=line,
        column=column,
        path=draft.candidate.path,
        entry=draft.candidate.entry,
    )


def _find_room(draft: _Draft, file: YamlFile, sharing: "_Sharing") -> Part | None:
    """Find the scalar that a digest would be added to.

    Beside a name in parts this is an empty digest. Kustomize takes a digest behind the tag too; charts make a label of
    the tag, and no label holds `@` or so many characters.
    """
    place, empty = draft.candidate.place, draft.candidate.empty_digest
    if draft.reference.digest is not None or draft.candidate.is_merged:
        return None
    is_reference = draft.candidate.whole is not None or draft.candidate.before
    if is_reference and place in (Place.IMAGE, Place.SITE):
        holds = Holds.REFERENCE if draft.candidate.whole is not None else Holds.TAG_AND_DIGEST
        return draft.make_part(holds, draft.scalars[0])
    if empty is not None and file.is_on_one_line(empty) and not sharing.has_alias(empty):
        return draft.make_part(draft.digest_holds, empty)
    return draft.make_part(Holds.TAG_AND_DIGEST, draft.scalars[0]) if place is Place.KUSTOMIZE else None


class _Sharing:
    """The scalars that aliases use a second time, and whether all uses of one are the same image."""

    def __init__(self, file: YamlFile, drafts: Iterable[_Draft]) -> None:
        self._aliases: dict[Scalar, list[Alias]] = {}
        for alias in file.aliases:
            if isinstance(alias.target, Scalar):
                self._aliases.setdefault(alias.target, []).append(alias)
        self._users: dict[Scalar, list[_Draft]] = {}
        for draft in drafts:
            for scalar in draft.scalars:
                self._users.setdefault(scalar, []).append(draft)
        self._to_line = file.positions.to_line
        # One answer for each scalar, however many aliases ask.
        self._conflicts: dict[Scalar, _Conflict | None] = {}

    def has_alias(self, scalar: Scalar) -> bool:
        return scalar in self._aliases

    def find_conflict(self, draft: _Draft) -> str | None:
        """Say why the scalars of the draft cannot be edited for all who use them."""
        for scalar in draft.scalars:
            if scalar not in self._aliases:
                continue
            if scalar not in self._conflicts:
                self._conflicts[scalar] = self._find_stranger(scalar) or self._find_disagreement(scalar)
            conflict = self._conflicts[scalar]
            if conflict is not None:
                start = conflict.starts[0] if conflict.starts[0] not in draft.starts else conflict.starts[-1]
                return f"the text is shared as &{scalar.anchor} with line {self._to_line(start)}, {conflict.reason}"
        return None

    def _find_stranger(self, scalar: Scalar) -> "_Conflict | None":
        in_place = {start for draft in self._users[scalar] for start in draft.starts}
        for start in (scalar.start, *(alias.start for alias in self._aliases[scalar])):
            if start not in in_place:
                return _Conflict((start,), "where it is no part of an image that imagebot edits")
        return None

    def _find_disagreement(self, scalar: Scalar) -> "_Conflict | None":
        first, *others = self._users[scalar]
        for other in others:
            if other.identity != first.identity:
                starts = (first.starts[0], other.starts[0])
                return _Conflict(starts, "where it names another image or stands with other parts")
        return None


@dataclass(frozen=True, slots=True)
class _Conflict:
    """Where uses of one scalar contradict the others; of two places a draft is told the one that is not its own."""

    starts: tuple[int, ...]
    reason: str
