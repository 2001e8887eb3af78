"""A team's policy file: `.imagebot.yaml` at the root of its config repository, made into the values of `policy`.

It is untrusted: everything in it is bounded, and its patterns are matched in linear time. What an entry does is for
`policy` to say; `docs/policy-file.md` says what each key means.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from imagebot.errors import InvalidInput
from imagebot.image.platform import Platform, parse_platform
from imagebot.image.reference import parse_tag
from imagebot.policy.calver import CalverFormat, parse_calver
from imagebot.policy.entry import (
    Entry,
    FileGlobs,
    ImagePattern,
    InvalidFileGlob,
    parse_file_globs,
    parse_image_pattern,
)
from imagebot.policy.npm_range import parse_npm_range
from imagebot.policy.policies import (
    Alphabetical,
    Calver,
    Follow,
    Level,
    Moment,
    Newest,
    Numeric,
    Order,
    Policy,
    SemverLevel,
    SemverRange,
)
from imagebot.policy.range import InvalidRange, parse_range
from imagebot.policy.reading import Keep, Rules
from imagebot.policy.tag_filter import InvalidPattern, InvalidTemplate, TagFilter, parse_tag_filter
from imagebot.proposal.request_rules import RequestRules
from imagebot.settings.duration import make_duration
from imagebot.settings.fault import Fault, FaultyFile, list_faults, quote
from imagebot.settings.merge_requests_section import MergeRequestsSection
from imagebot.settings.misfit import POLICIES, refuse_misfits
from imagebot.settings.parsed import parsed
from imagebot.settings.ref_name import is_branch
from imagebot.settings.section import MadeFrom, Refused, Section, YesOrNo, matching, one_of, validate
from imagebot.settings.site_section import SiteSection
from imagebot.settings.yaml_source import Node, read_document
from imagebot.yamledit.sites import Site

MAX_ENTRIES = 1000
MAX_SITES = 200

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_VARIANT = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,99}")
# What else it needs depends on the patterns.
_TEMPLATE = re.compile(r".*\$.*", re.DOTALL)
_AT_MOST_32 = Field(max_length=32)


class InvalidPolicyFile(InvalidInput):
    """A policy file has faults: all of them, in the order of their positions."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(list_faults(faults))
        self.faults = faults


class MissingPolicyFile(InvalidInput):
    """There is no policy file where one should be: in a branch, or in a folder; `root` is a folder that has it."""

    def __init__(self, path: str, place: str, *, root: str | None = None) -> None:
        advice = f"it is in {root}: run plan there" if root else "add one that says which images may move, and how far"
        super().__init__(f"{place} has no {path}{';' if root else ':'} {advice}")
        self.path = path
        self.place = place
        self.root = root


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """Which files are read, what governs the images in them, and how changes are proposed."""

    include: FileGlobs
    exclude: FileGlobs
    entries: tuple[Entry, ...]
    merge_requests: RequestRules = field(default_factory=RequestRules)
    sites: tuple[Site, ...] = ()
    flux: bool = False

    def includes(self, path: str) -> bool:
        """Say whether the file at this path, relative to the root of the tree, is read at all.

        The files of sites are, whatever else is included, unless they are excluded.
        """
        is_included = self.include.matches(path) or any(site.match(path) is not None for site in self.sites)
        return is_included and not self.exclude.matches(path)


def _check_pattern(text: str) -> str:
    parse_tag_filter([text], [], extract=None)
    return text


def _make_group(text: str, _: object) -> str:
    if not (_NAME.fullmatch(text) and is_branch(f"x/{text}")):
        raise Refused
    return text


def _check_file_glob(text: str) -> str:
    parse_file_globs([text])
    return text


def _make_file_globs(globs: tuple[str, ...], _: object) -> FileGlobs:
    try:
        return parse_file_globs(globs)
    except InvalidFileGlob as error:  # of all together: each by itself was accepted
        raise Refused("fewer or shorter patterns", found=f"{quote(error.text)} ({error.reason})") from error


def _make_platforms(platforms: tuple[Platform, ...], _: object) -> frozenset[Platform]:
    if not platforms:
        raise Refused("at least one platform; without the key all platforms count", found="an empty list")
    return frozenset(platforms)


Image = Annotated[
    ImagePattern,
    MadeFrom(
        "a repository, as in nginx or ghcr.io/acme/api, or a pattern of repositories, as in ghcr.io/acme/* or *",
        parsed(parse_image_pattern),
    ),
]
_SEMVER = 'patch, minor, major or a range of versions, as in "^1.4" or ">=1.2 <3"'
Semver = Annotated[str, MadeFrom(_SEMVER)]
Format = Annotated[CalverFormat, MadeFrom("a format of calver.org, as in YYYY.0M.MICRO", parsed(parse_calver))]
TagOrder = Annotated[Order, one_of(Order)]
TagMoment = Annotated[Moment, one_of(Moment)]
Tag = Annotated[str, MadeFrom("a tag, as in latest", parsed(parse_tag))]
TagPattern = Annotated[
    str, MadeFrom("a pattern of tags in the syntax of RE2, as in '^v[0-9]+'", parsed(_check_pattern))
]
TagPatterns = Annotated[tuple[TagPattern, ...], _AT_MOST_32]
Template = Annotated[str, matching(_TEMPLATE, "a template such as $version, for a group of include")]
Variant = Annotated[str, matching(_VARIANT, "keep, any, or the suffix that tags have, as in alpine")]
Age = Annotated[
    timedelta,
    MadeFrom("a duration with its unit, as in 12h or 3d", lambda text, _: make_duration(text, longest="365d")),
]
PlatformName = Annotated[Platform, MadeFrom("a platform, as in linux/amd64 or linux/arm/v7", parsed(parse_platform))]
Platforms = Annotated[
    frozenset[Platform],
    MadeFrom("a list of platforms", _make_platforms, source=Annotated[tuple[PlatformName, ...], _AT_MOST_32]),
]
Group = Annotated[str, MadeFrom("a name of letters, digits and . _ / - that may end a branch's name", _make_group)]
FileGlob = Annotated[str, MadeFrom('a pattern of files as in .gitignore: "apps/**/*.yaml"', parsed(_check_file_glob))]
Globs = Annotated[FileGlobs, MadeFrom("a list of patterns", _make_file_globs, source=tuple[FileGlob, ...])]


class FilesSection(Section):
    """Which files are read at all."""

    include: Globs = parse_file_globs(["**/*.yaml", "**/*.yml"])
    exclude: Globs = parse_file_globs([])


_MAKERS: Mapping[str, Callable[..., Policy]] = {
    "calver": Calver,
    "numeric": Numeric,
    "alphabetical": Alphabetical,
    "newest": Newest,
    "digest": Follow,
}


class PolicySection(Section):
    """How an entry orders tags: exactly one policy, and for ranges of versions how these are read."""

    semver: Semver | None = None
    dialect: Annotated[str, matching(re.compile("masterminds|npm"), "masterminds or npm")] = "masterminds"
    include_prereleases: YesOrNo = False
    loose: YesOrNo = False
    calver: Format | None = None
    numeric: TagOrder | None = None
    alphabetical: TagOrder | None = None
    newest: TagMoment | None = None
    digest: Tag | None = None

    @model_validator(mode="after")
    def _refuse_all_but_one(self) -> "PolicySection":
        given = [name for name in POLICIES if getattr(self, name) is not None]
        if len(given) != 1:
            raise Refused(f"exactly one of {', '.join(POLICIES)}", found=" and ".join(given) or "none of them")
        is_level = self.semver in {level.value for level in Level}
        is_npm_range = self.dialect == "npm" and self.semver is not None and not is_level
        for name in ("include_prereleases", "loose") if not is_npm_range else ():
            if getattr(self, name):
                raise Refused("this key only beside a range of dialect: npm", found=f"{name}: true", at=(name,))
        self.make()
        return self

    def make(self) -> Policy:
        """Make the policy that is given; raises Refused for what is no range."""
        for name, make in _MAKERS.items():
            if (given := getattr(self, name)) is not None:
                return make(given)
        text = self.semver or ""
        level = next((level for level in Level if level.value == text), None)
        return SemverLevel(level) if level else self._make_range(text)

    def _make_range(self, text: str) -> SemverRange:
        try:
            if self.dialect == "npm":
                found = parse_npm_range(text, includes_prereleases=self.include_prereleases, is_loose=self.loose)
                return SemverRange(found)
            return SemverRange(parse_range(text))
        except InvalidRange as error:
            raise Refused(_SEMVER, found=f"{quote(text)} ({error.reason})", at=("semver",)) from error


class TagsSection(Section):
    """Which tags an entry considers, and what of them it orders by."""

    include: TagPatterns = ()
    exclude: TagPatterns = ()
    extract: Template | None = None

    @model_validator(mode="after")
    def _refuse_what_does_not_go_together(self) -> "TagsSection":
        self.make()
        return self

    def make(self) -> TagFilter:
        try:
            return parse_tag_filter(self.include, self.exclude, extract=self.extract)
        except InvalidTemplate as error:
            found = f"{quote(error.text)} ({error.reason})"
            raise Refused(found=found, at=("extract",)) from error
        except InvalidPattern as error:  # of all together: each by itself was accepted
            raise Refused("fewer or shorter patterns", found=f"{quote(error.text)} ({error.reason})") from error


class ImageSection(Section):
    """One entry of `images`."""

    name: Annotated[str, matching(_NAME, "a name of letters, digits and . _ / -")] | None = None
    image: Image
    files: Globs | None = None
    policy: PolicySection
    tags: TagsSection | None = None
    variant: Variant | None = None
    allow_downgrade: YesOrNo = False
    min_age: Age | None = None
    pin_digest: YesOrNo = False
    platforms: Platforms = frozenset()
    group: Group | None = None

    def make_rules(self) -> Rules:
        """Make the rules.

        Without a word on variants they are kept, unless patterns say which tags are meant. To follow a tag is to pin
        its digest.
        """
        default = Keep.ANY.value if self.tags and self.tags.include else Keep.KEEP.value
        text = self.variant or default
        variant = next((keep for keep in Keep if keep.value == text), text)
        policy = self.policy.make()
        return Rules(
            policy,
            self.tags.make() if self.tags else None,
            variant,
            allows_downgrade=self.allow_downgrade,
            min_age=self.min_age,
            platforms=self.platforms,
            pins_digest=self.pin_digest or isinstance(policy, Follow),
        )


class PolicyFileSection(Section):
    """All of the policy file."""

    version: Annotated[int, MadeFrom("1", source=Annotated[int, Field(ge=1, le=1)])]
    files: FilesSection = FilesSection()
    images: tuple[ImageSection, ...] = Field((), max_length=MAX_ENTRIES)
    sites: tuple[SiteSection, ...] = Field((), max_length=MAX_SITES)
    flux: YesOrNo = False
    merge_requests: MergeRequestsSection = MergeRequestsSection()


def parse_policy_file(data: bytes, *, file: str) -> PolicyFile:
    """Parse a policy file; `file` is what its faults call it.

    Raises InvalidPolicyFile with all faults.
    """
    try:
        document = read_document(data, file=file)
        section = validate(PolicyFileSection, document, context=None, rules=_RULES)
    except FaultyFile as error:
        raise InvalidPolicyFile(error.faults) from None
    images = document.root.children["images"].children if section.images else {}
    sites = document.root.children["sites"].children if section.sites else {}
    return PolicyFile(
        section.files.include,
        section.files.exclude,
        tuple(_make_entry(image, images[index]) for index, image in enumerate(section.images)),
        merge_requests=section.merge_requests.make(document.root.children.get("merge_requests")),
        sites=tuple(site.make(position=sites[index].mark.line) for index, site in enumerate(section.sites)),
        flux=section.flux,
    )


def _make_entry(image: ImageSection, node: Node) -> Entry:
    return Entry(image.name, image.image, image.files, image.make_rules(), node.mark.line, group=image.group)


def _refuse_repeated_names(root: Node) -> Iterator[Refused]:
    images = root.children.get("images")
    first: dict[object, int] = {}
    for index, image in images.children.items() if images else ():
        name = image.children.get("name")
        if name is None or not isinstance(name.value, str):
            continue
        if name.value in first:
            found = f"the name {quote(name.value)} again, after line {first[name.value]}"
            yield Refused("a name of its own for each entry", found=found, at=("images", index, "name"))
        first.setdefault(name.value, name.mark.line)


def _require_images(root: Node) -> Iterator[Refused]:
    """Ask for entries unless Flux's own policies take their place."""
    flux = root.children.get("flux")
    if isinstance(root.value, dict) and "images" not in root.children and not (flux and flux.value is True):
        yield Refused(found="no such key", at=("images",))


_RULES = (_refuse_repeated_names, refuse_misfits, _require_images)
