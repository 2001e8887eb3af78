"""Finding every image that a file names, and saying why what looks like one is left alone.

Places are recognised by what the file says (`image:`, Kustomize's `images:`, `repository` with `tag` or `digest`),
never by the file's name. Which image may move is not asked here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from imagebot.image.reference import Repository
from imagebot.yamledit.binding import bind_markers
from imagebot.yamledit.candidate import MAX_PLACES, Candidate, find_scalar
from imagebot.yamledit.candidates import NEEDS as FORM_NEEDS
from imagebot.yamledit.candidates import make_candidates
from imagebot.yamledit.drafts import Draft, judge, start_of
from imagebot.yamledit.gather import gather
from imagebot.yamledit.kinds import NEEDS as KIND_NEEDS
from imagebot.yamledit.kinds import find_by_kind
from imagebot.yamledit.kinds_flux import find_image_objects
from imagebot.yamledit.markers import NEEDS as MARKER_NEEDS
from imagebot.yamledit.merges import find_lent, find_merged
from imagebot.yamledit.nested import NEEDS as NESTED_NEEDS
from imagebot.yamledit.nested import locate_nested
from imagebot.yamledit.occurrence import LeftAlone, Located
from imagebot.yamledit.scan import Node, NotYaml, YamlFile, scan
from imagebot.yamledit.search import Sieve, make_need
from imagebot.yamledit.sites import Site, find_at_sites

# Whatever finds a place is only tried where its need is met, and all needs are here.
_SIEVE = Sieve((*FORM_NEEDS, *KIND_NEEDS, *MARKER_NEEDS, *NESTED_NEEDS))
_DIGEST_NEEDS = (make_need("digest", "sha"),)
_DIGEST = re.compile(r"sha(?:256|512):[0-9a-f]{64}")


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
    judged = [judge(candidate, file, images=bindings.images) for candidate in _guard_digests(bound, file)]
    gathered = gather([verdict for verdict in judged if isinstance(verdict, Draft)], file)
    left_alone = [verdict for verdict in judged if isinstance(verdict, LeftAlone)]
    return Located(gathered.occurrences, (*faults, *left_alone, *gathered.left_alone))


def _collect(file: YamlFile, *, path: str, sites: Sequence[Site]) -> list[Candidate]:
    """Collect what each way of looking finds; a node belongs to the first that finds it: the particular come first."""
    found: list[Candidate] = []
    taken: set[int] = set()
    for candidate in chain(find_at_sites(file, path, sites), find_by_kind(file), _find_by_form(file)):
        nodes = {id(node) for node in candidate.editable}
        if not nodes & taken:
            found.append(candidate)
            taken |= nodes
        if len(found) > MAX_PLACES:
            line, column = file.positions.to_line_and_column(start_of(candidate.nodes[0]))
            raise NotYaml(line, column, f"more than {MAX_PLACES} images are named, the most that imagebot reads")
    return found


def _find_by_form(file: YamlFile) -> Iterator[Candidate]:
    if not file.search.meets(FORM_NEEDS):
        return
    merged, lent = find_merged(file.merges), find_lent(file.merges)
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
