"""What is wrong, or may be, with a policy file and the files that it is about, before any registry is asked.

An error is what cannot be meant: an entry or a site that is about nothing, a marker that binds nothing, a file that is
no YAML. A notice is what may well be meant: an image that nothing governs, a text that is left alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from itertools import chain

from imagebot.image.reference import Repository
from imagebot.policy.entry import Entry
from imagebot.policy.policies import Follow
from imagebot.proposal.flux import FluxPolicies, find_flux_policies
from imagebot.proposal.flux_survey import survey_with_flux
from imagebot.proposal.survey import Survey, Unread, survey
from imagebot.yamledit.occurrence import About, Occurrence
from imagebot.yamledit.scan import NotYaml, scan
from imagebot.yamledit.sites import Site, find_idle_sites

_MOST_LINES = 3


class Severity(Enum):
    ERROR = "error"
    NOTICE = "notice"


class Kind(Enum):
    """What a finding is about, in the order in which they are told."""

    POLICY = "policy"
    """A fault of the policy file."""
    ENTRY = "entry"
    """An entry that governs nothing."""
    SITE = "site"
    """A site that finds nothing."""
    MARKER = "marker"
    """A marker that is none, or binds nothing."""
    UNREADABLE = "unreadable"
    """A file that is not read."""
    FLUX = "flux"
    """An object of Flux's that cannot be an entry, or one that governs nothing."""
    LEFT_ALONE = "left_alone"
    """A text that looks like an image and is not edited."""
    UNGOVERNED = "ungoverned"
    """An image that no entry governs."""


_KINDS = tuple(Kind)
_KIND_OF = {About.TEXT: Kind.LEFT_ALONE, About.MARKER: Kind.MARKER, About.FLUX: Kind.FLUX}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is, or may be, wrong; line and column count from 1."""

    severity: Severity
    kind: Kind
    path: str
    line: int | None
    column: int | None
    text: str

    @property
    def rank(self) -> tuple[object, ...]:
        """Errors come before notices, then those of one kind stand together, in the order of the files."""
        is_notice = self.severity is Severity.NOTICE
        return is_notice, _KINDS.index(self.kind), self.path, self.line or 0, self.column or 0, self.text


def find_mistakes(
    files: Mapping[str, bytes], entries: Sequence[Entry], *, sites: Sequence[Site], reads_flux: bool, policy_file: str
) -> tuple[Finding, ...]:
    """Find what is wrong with the files, and with the entries and sites as far as these files are concerned."""
    look = partial(survey_with_flux if reads_flux else survey, sites=sites)
    found = look(files, entries)
    flux = find_flux_policies(files) if reads_flux else FluxPolicies()
    idle = _find_idle(entries, files, found, look=look)
    findings = (
        *(_make(Severity.ERROR, Kind.UNREADABLE, each) for each in found.unreadable),
        *_judge_left_alone(found.left_alone),
        *_list_idle_policies(found, flux),
        *(Finding(Severity.ERROR, Kind.ENTRY, policy_file, line, None, text) for line, text in idle.explain()),
        *(
            Finding(Severity.ERROR, Kind.SITE, policy_file, site.position, None, text)
            for site, text in _explain_idle_sites(sites, files)
        ),
        *(_make_ungoverned(path, occurrence) for path, occurrence in found.ungoverned),
    )
    return tuple(sorted(findings, key=lambda finding: finding.rank))


def _make(severity: Severity, kind: Kind, place: Unread) -> Finding:
    return Finding(severity, kind, place.path, place.line, place.column, place.reason)


def _make_ungoverned(path: str, occurrence: Occurrence) -> Finding:
    text = f"{occurrence.reference}: no entry governs it"
    return Finding(Severity.NOTICE, Kind.UNGOVERNED, path, occurrence.line, occurrence.column, text)


def _judge_left_alone(left_alone: Sequence[Unread]) -> Iterator[Finding]:
    """Tell markers and Flux's objects from texts; a marker of an object that is reported is no error of its own."""
    reported = {each.unknown for each in left_alone if each.about is About.FLUX} - {None}
    for each in left_alone:
        is_error = each.about is About.MARKER and each.unknown not in reported
        yield _make(Severity.ERROR if is_error else Severity.NOTICE, _KIND_OF[each.about], each)


def _list_idle_policies(found: Survey, flux: FluxPolicies) -> Iterator[Finding]:
    def identify(entry: Entry) -> tuple[object, ...]:
        return entry.file, entry.position, entry.name

    used = {identify(each.entry) for each in found.governed}
    for entry in (*flux.entries, *chain.from_iterable(flux.in_folders.values())):
        if identify(entry) not in used and entry.file is not None:
            text = f"ImagePolicy {entry.label}: it governs nothing: no place that could be edited has its marker"
            yield Finding(Severity.NOTICE, Kind.FLUX, entry.file, entry.position, None, text)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A place, and the entry that governs it, if any."""

    path: str
    occurrence: Occurrence
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class _Idle:
    """The entries that govern nothing, and all places by the repository they are about."""

    entries: tuple[Entry, ...]
    claims: Mapping[Repository, Sequence[_Claim]]

    def explain(self) -> Iterator[tuple[int, str]]:
        """Yield the line of each entry, and why it governs nothing."""
        for entry in self.entries:
            yield entry.position, f"the entry {entry.label} governs nothing: {self._find_reason(entry)}"

    def _find_reason(self, entry: Entry) -> str:
        matched = [each for image, claims in self.claims.items() if entry.image.matches(image) for each in claims]
        if not matched:
            return f"no image that can be edited matches {entry.image}"
        here = [each for each in matched if entry.files is None or entry.files.matches(each.path)]
        if not here:
            place = f"{matched[0].path}:{matched[0].occurrence.line}"
            return f"its files are others than those that name such images, as {place} does"
        # What a marker binds says nothing of the order of entries.
        first = {each.entry.position: each.entry for each in here if each.entry and each.occurrence.entry is None}
        if not first:
            return "markers bind all that it matches to other entries"
        lines = sorted(first)
        if len(lines) == 1:
            return f"line {lines[0]} ({first[lines[0]].label}) comes first"
        more = "" if len(lines) <= _MOST_LINES else f" and {len(lines) - _MOST_LINES} more"
        return f"lines {', '.join(map(str, lines[:_MOST_LINES]))}{more} come first"


def _find_idle(
    entries: Sequence[Entry],
    files: Mapping[str, bytes],
    found: Survey,
    *,
    look: Callable[[Mapping[str, bytes], Sequence[Entry]], Survey],
) -> _Idle:
    used = {id(each.entry) for each in found.governed}
    claims = [_Claim(each.path, each.occurrence, each.entry) for each in found.governed]
    claims += [_Claim(path, occurrence, None) for path, occurrence in found.ungoverned]
    if any(id(entry) not in used for entry in entries):
        # A place that has but a digest is left alone unless its entry follows a tag: an entry governs it even so.
        following = [replace(entry, rules=replace(entry.rules, policy=Follow("latest"))) for entry in entries]
        originals = {id(copy): entry for copy, entry in zip(following, entries, strict=True)}
        again = look({each.path: files[each.path] for each in found.left_alone if each.path in files}, following)
        more = [(each, originals[id(each.entry)]) for each in again.governed if id(each.entry) in originals]
        claims += [_Claim(each.path, each.occurrence, entry) for each, entry in more]
        used |= {id(entry) for _, entry in more}
    return _Idle(tuple(entry for entry in entries if id(entry) not in used), _group(claims))


def _group(claims: Iterable[_Claim]) -> Mapping[Repository, Sequence[_Claim]]:
    groups: dict[Repository, list[_Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.occurrence.reference.repository, []).append(claim)
    return groups


def _explain_idle_sites(sites: Sequence[Site], files: Mapping[str, bytes]) -> Iterator[tuple[Site, str]]:
    """Yield the sites that find nothing in any of the files; what cannot be read may hold what they are for."""
    waiting = dict(enumerate(sites))
    matched: dict[int, list[str]] = {number: [] for number in waiting}
    for path, data in sorted(files.items()):
        here = {number: site for number, site in waiting.items() if site.match(path) is not None}
        if not here:
            continue
        try:
            idle = {id(site) for site in find_idle_sites(scan(data), path, tuple(here.values()))}
        except NotYaml:
            idle = set()
        for number, site in here.items():
            matched[number].append(path)
            if id(site) not in idle:
                del waiting[number]
    for number, site in waiting.items():
        paths = matched[number]
        pattern = f"{site.files[0]}{' and so on' if len(site.files) > 1 else ''}"
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield site, f"the site {pattern} " + (f"finds nothing in {paths[0]}{more}" if paths else "matches no file")
