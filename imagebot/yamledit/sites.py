"""Sites: places that a policy file names, because the files do not say by themselves what they hold.

A site says in which files it is, where in them the parts of a reference stand, and, if none of these is the name, which
image they are about. Parts that are found together make one candidate, and are changed together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, permutations

from imagebot.errors import InvalidInput
from imagebot.image.reference import InvalidReference, Repository, parse_reference, parse_repository
from imagebot.yamledit.candidate import MAX_PLACES, Candidate, find_scalar, is_collection, is_nothing, text_of
from imagebot.yamledit.captures import Captures, FilePattern, ImageTemplate
from imagebot.yamledit.merges import find_merged
from imagebot.yamledit.occurrence import Place
from imagebot.yamledit.scan import Node, Scalar, Style, YamlFile
from imagebot.yamledit.yaml_path import Each, Step, Visit, Walker, YamlPath

PARTS = ("registry", "repository", "tag", "digest", "reference")
_EDITED = ("tag", "digest", "reference")


class InvalidSite(InvalidInput):
    """What a site says does not go together; the key is the one at fault, empty for the site as a whole."""

    def __init__(self, key: str, found: str, accepted: str) -> None:
        super().__init__(f"{key or 'the site'} has {found}; accepted is {accepted}")
        self.key = key
        self.found = found
        self.accepted = accepted


@dataclass(frozen=True, slots=True)
class Site:
    """Files, the image they are about, and where its parts stand; `position` is its line in the policy file.

    Each match of `stem` is one image, with its parts: those whose path begins with the stem stand below it, others
    where their path leaves it.
    """

    files: tuple[FilePattern, ...]
    image: ImageTemplate | None
    paths: Mapping[str, YamlPath]
    position: int
    stem: tuple[Step, ...]

    def match(self, path: str) -> Captures | None:
        """Return what the first of its patterns that matches the file captures of its path."""
        for pattern in self.files:
            captures = pattern.match(path)
            if captures is not None:
                return captures
        return None


def make_site(
    files: Sequence[FilePattern], image: ImageTemplate | None, paths: Mapping[str, YamlPath], *, position: int
) -> Site:
    """Make a site of the paths of some PARTS; raises InvalidSite for what does not go together."""
    _check_parts(paths, image)
    for number, pattern in enumerate(files):
        missing = sorted(image.names - set(pattern.names)) if image else []
        if missing:
            accepted = f"captures that all files have; files[{number}] is {pattern}"
            raise InvalidSite("image", f"the capture {{{missing[0]}}}", accepted)
    return Site(tuple(files), image, paths, position, _find_stem(paths))


def _check_parts(paths: Mapping[str, YamlPath], image: ImageTemplate | None) -> None:
    if not any(part in paths for part in _EDITED):
        raise InvalidSite("", "none of them", f"the path of {', '.join(_EDITED[:-1])} or {_EDITED[-1]}")
    if "reference" in paths and len(paths) > 1:
        others = ", ".join(part for part in PARTS if part in paths and part != "reference")
        raise InvalidSite("reference", f"a reference beside {others}", "a reference alone, for it is all of them")
    if "registry" in paths and "repository" not in paths:
        raise InvalidSite("registry", "a registry alone", "a registry beside a repository")
    if image is None and "repository" not in paths and "reference" not in paths:
        raise InvalidSite("", "no name", "image, or the path of the repository")
    for (part, path), (_, other) in permutations(paths.items(), 2):
        if path.steps == other.steps[: len(path.steps)]:
            raise InvalidSite(part, str(path), "a path at which, and below which, no other part stands")


def _find_stem(paths: Mapping[str, YamlPath]) -> tuple[Step, ...]:
    """Find what parts have in common that belong to one image.

    A part with fewer [*] than others, as a registry that is said once for a list, is for all of these; but not one that
    is edited, which would be the tag of several images.
    """
    wild = {part: _cut_wild(path.steps) for part, path in paths.items()}
    longest = max(wild.values(), key=len)
    for part, steps in wild.items():
        is_wrong = steps != longest if part in _EDITED else steps != longest[: len(steps)]
        if is_wrong:
            accepted = (
                f"a path that begins with {YamlPath(longest)}, as another part's does, to say what belongs together"
            )
            raise InvalidSite(part, str(paths[part]), accepted)
    return _find_common([path.steps for part, path in paths.items() if wild[part] == longest])


def _cut_wild(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Cut off what follows the last [*]."""
    return steps[: max((number + 1 for number, step in enumerate(steps) if isinstance(step, Each)), default=0)]


def _find_common(paths: Sequence[tuple[Step, ...]]) -> tuple[Step, ...]:
    first = paths[0]
    length = 0
    while length < min(map(len, paths)) and all(path[length] == first[length] for path in paths):
        length += 1
    return first[:length]


def find_at_sites(file: YamlFile, path: str, sites: Sequence[Site]) -> Iterator[Candidate]:
    """Yield the candidates that the sites name in the file at this path; of several for one node the first site's.

    What an alias or a merge key leads to is left alone: it comes last, after what is found where it stands. Raises
    NotYaml for more places than anybody means.
    """
    walker = Walker()
    everywhere = (each for site in sites for each in _find_at(site, file, path, walker=walker))
    # One too many is for the caller to refuse.
    found = list(islice(everywhere, MAX_PLACES + 1))
    merged = find_merged(file.merges) if found else frozenset()
    names: dict[int, set[str]] = {}
    for each in found:
        for node in each.candidate.editable if each.is_detour else ():
            names.setdefault(id(node), set()).add(each.candidate.spell_name())
    for each in found:
        if not each.is_detour:
            problem = each.candidate.problem or _find_other_name(each.candidate, names)
            is_merged = bool(merged) and not merged.isdisjoint(each.visit.list_way())
            is_other = problem is not each.candidate.problem or is_merged
            yield replace(each.candidate, problem=problem, is_merged=is_merged) if is_other else each.candidate
    yield from (each.candidate for each in found if each.is_detour)


def find_idle_sites(file: YamlFile, path: str, sites: Sequence[Site]) -> tuple[Site, ...]:
    """Return the sites that match the file at this path, and find nothing in it."""
    walker = Walker()
    return tuple(
        site for site in sites if site.match(path) is not None and not any(_find_at(site, file, path, walker=walker))
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A candidate at one match of a stem, and whether an alias or a merge key led to what would be edited."""

    candidate: Candidate
    visit: Visit
    is_detour: bool


def _find_other_name(candidate: Candidate, names: Mapping[int, set[str]]) -> str | None:
    """Say which other image would be edited too; `names` are those that detours give to nodes."""
    others = {name for node in candidate.editable for name in names.get(id(node), ())} - {candidate.spell_name()}
    return f"by an alias or a merge key it is a part of {min(others)} too" if others else None


def _find_at(site: Site, file: YamlFile, path: str, *, walker: Walker) -> Iterator[_Found]:
    captures = site.match(path)
    if captures is None:
        return
    image = site.image.fill(captures) if site.image else None
    shared = {part: len(_find_common([path.steps, site.stem])) for part, path in site.paths.items()}
    for root in file.roots:
        for visit in walker.follow(Visit(root), site.stem):
            parts = {part: _follow_part(site, part, visit, shared=shared[part], walker=walker) for part in site.paths}
            match = _Match(site, image, parts)
            candidate = match.find_candidate(file)
            if candidate is not None:
                yield _Found(candidate, visit, match.find_detour() is not None)


def _follow_part(site: Site, part: str, visit: Visit, *, shared: int, walker: Walker) -> tuple[Visit, ...]:
    """Find the scalars of a part that belong to this match of the stem; a second one is enough to be ambiguous.

    So many steps are those of the stem too.
    """
    steps = site.paths[part].steps[shared:]
    visits = walker.follow(visit.go_up(len(site.stem) - shared), steps, at_most=2)
    return tuple(each for each in visits if not is_collection(each.node))


@dataclass(frozen=True, slots=True)
class _Match:
    """What a site finds for one image; `image` is the name that it says, with its captures filled in."""

    site: Site
    image: str | None
    parts: Mapping[str, tuple[Visit, ...]]

    def find_candidate(self, file: YamlFile) -> Candidate | None:
        """Return the candidate, with the reason if it must be left alone; None if nothing is there to be edited."""
        nodes = {part: visits[0].node for part, visits in self.parts.items() if visits}
        edited = [nodes[part] for part in _EDITED if part in nodes]
        if not edited:
            return None
        written = {part: node for part, node in nodes.items() if not is_nothing(node)}
        # What says nothing is a part only if no other is there: to be reported.
        is_written = any(part in written for part in _EDITED)
        parts = written if is_written else nodes
        problem = self._find_ambiguity() or self.find_detour() or self._find_misnomer(written)
        name = tuple(written[part] for part in ("registry", "repository") if part in written)
        return Candidate(
            Place.SITE,
            edited[0].path,
            whole=parts.get("reference"),
            known_name="" if name else self.image or "",
            name=name,
            tag=parts.get("tag"),
            digest=parts.get("digest"),
            empty_digest=_find_empty(nodes.get("digest")) if is_written else None,
            problem=problem or (_find_unwritable(edited, file) if is_written else "nothing is written there"),
        )

    def find_detour(self) -> str | None:
        """Say what led to a part that would be edited; a name is only read, wherever it stands."""
        visits = (visit for part in _EDITED for visit in self.parts.get(part, ()))
        return next((visit.detour for visit in visits if visit.detour), None)

    def _find_ambiguity(self) -> str | None:
        for part, visits in self.parts.items():
            if len(visits) > 1:
                return f"the path {self.site.paths[part]} of its {part} leads to several places"
        return None

    def _find_misnomer(self, written: Mapping[str, Node]) -> str | None:
        """Say what keeps the parts from being those of one image with a name."""
        if "repository" in self.site.paths and "repository" not in written:
            return f"there is no repository at {self.site.paths['repository']}"
        if self.image is None:
            return None
        try:
            expected = parse_repository(self.image)
        except InvalidReference as error:
            return f"its site says that the image is {self.image}, which is none: {error.reason}"
        actual = _read_repository(written)
        is_other = actual is not None and actual != expected
        return f"it names {actual}, and its site says that the image is {expected}" if is_other else None


def _read_repository(written: Mapping[str, Node]) -> Repository | None:
    """Return what the file names; None also for what is no name, which is for `locate` to say."""
    names = [text_of(written[part]) for part in ("registry", "repository", "reference") if part in written]
    if not names:
        return None
    try:
        return parse_reference("/".join(names)).repository
    except InvalidReference:
        return None


def _find_unwritable(nodes: Iterable[Node], file: YamlFile) -> str | None:
    scalars = [scalar for scalar in map(find_scalar, nodes) if scalar is not None]
    if all(map(file.is_on_one_line, scalars)):
        return None
    return "the text spans several lines or is a block, and only scalars on one line are edited"


def _find_empty(node: Node | None) -> Scalar | None:
    """Return the scalar for a digest if it is a pair of quotes; what is empty without quotes has no bytes to edit."""
    is_empty = isinstance(node, Scalar) and node.style in (Style.SINGLE, Style.DOUBLE) and not node.value
    return node if isinstance(node, Scalar) and is_empty and node.is_string else None
