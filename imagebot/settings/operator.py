"""The operator's settings: `config/imagebot.yaml`, validated, with its secrets read.

They are plain values for whoever builds the clients: `docs/settings.md` says what each key means. Whether a registry,
a git server or a forge takes them is found out by talking to it, elsewhere.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator

from imagebot.errors import NeedsOperator
from imagebot.settings.duration import ACCEPTED_DURATION, make_duration
from imagebot.settings.fault import Fault, FaultyFile, list_faults, quote
from imagebot.settings.forge_section import ForgeSettings, GitSettings, refuse_plain_http
from imagebot.settings.pace_section import PacedSection
from imagebot.settings.ref_name import Branch, BranchPrefix
from imagebot.settings.registry_section import Access, Count, MaxTags, RegistryName, RegistrySettings
from imagebot.settings.secret_source import AnyPath, FilePath, Surroundings, make_path
from imagebot.settings.section import MadeFrom, Refused, Section, YesOrNo, matching, validate
from imagebot.settings.service_section import ServiceSection
from imagebot.settings.signing_section import GpgSigning, SshSigning
from imagebot.settings.store_section import StorePlace
from imagebot.settings.url import (
    ACCEPTED_GIT_URL,
    find_host,
    find_repo_path,
    make_git_url,
    simplify_url,
)
from imagebot.settings.yaml_source import MAX_BYTES, Document, Node, read_document

DEFAULT_DATA_DIR = Path("/var/lib/imagebot")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@+-]{0,199}")
_PERSON = re.compile(r"[^<>\x00-\x1f\x7f]{1,200}")
_EMAIL = re.compile(r"[^<>\s\x00-\x1f\x7f]{1,200}")
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%")
_AT_MOST_100 = Field(max_length=100)
_OWN_PREFIX = (
    "a branch_prefix of its own for each target in one git repo, as in imagebot/prod/, because else their branches"
    " would be taken for each other's"
)
_POLICY_FILE = re.compile(r"(?!.*(?:^|/)\.{0,2}(?:/|$))[^\x00-\x1f\x7f\\]{1,200}")


class InvalidSettings(NeedsOperator):
    """The settings file has faults: all of them, in the order of their positions."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(list_faults(faults))
        self.faults = faults


def _make_timeout(text: str, _: object) -> float:
    return make_duration(text, longest="1h").total_seconds()


def _make_patience(text: str, _: object) -> timedelta:
    return make_duration(text, longest="365d")


def _make_memory(text: str, _: object) -> timedelta:
    return make_duration(text, longest="3650d")


def _make_share(text: str, _: object) -> float:
    """Make a share from 0 to 1 of a percentage."""
    match = _PERCENTAGE.fullmatch(text)
    share = float(match[1]) / 100 if match else -1
    if not 0 <= share <= 1:
        raise Refused
    return share


def _make_docker_config(text: str, surroundings: Surroundings) -> Path:
    """Make the path of the `config.json` in the folder, as DOCKER_CONFIG names it; the file need not be there."""
    folder = make_path(text, surroundings)
    if not folder.is_dir():
        raise Refused(found=f"{folder}, which is no folder")
    return folder / "config.json"


CloudName = Annotated[str, matching(re.compile("aws|gcp|azure"), "aws, gcp or azure")]
Text = Annotated[str, matching(_PERSON, "a text on one line, without < and >")]


class Author(Section):
    """Who the commits are by."""

    name: Text = "imagebot"
    email: Annotated[str, matching(_EMAIL, "an e-mail address")] = "imagebot@localhost"


class SshSettings(Section):
    """The files ssh is given; without them it uses those of the user that imagebot runs as."""

    key_file: FilePath | None = None
    known_hosts_file: FilePath | None = None


class TargetSettings(Access, PacedSection):
    """One branch of one git repo, how to get at it, and where its merge requests live."""

    given_name: Annotated[str, matching(_NAME, "a name of letters, digits and . _ - + / @")] | None = Field(
        None, alias="name"
    )
    url: Annotated[str, MadeFrom(ACCEPTED_GIT_URL, make_git_url)]
    branch: Branch = "main"
    branch_prefix: BranchPrefix | None = None
    """What the names of imagebot's branches begin with; without it the policy file says so."""
    policy_file: Annotated[str, matching(_POLICY_FILE, "a path in the git repo, as in .imagebot.yaml")] = (
        ".imagebot.yaml"
    )
    ssh: SshSettings = SshSettings()
    report_faults: YesOrNo = True
    """Whether the faults of the policy file become an issue in the forge's project."""
    forge: ForgeSettings = GitSettings(kind="git")

    @property
    def name(self) -> str:
        """What logs, the store and the commands call the target: the name given, or `PATH@BRANCH`."""
        return self.given_name or _make_target_name(self.url, self.branch)

    @property
    def plain_http_hosts(self) -> frozenset[str]:
        """The `HOST[:PORT]` that may be talked to without TLS."""
        host = find_host(self.url)
        return frozenset({host} if self.plain_http and host else ())

    @model_validator(mode="after")
    def _refuse_half_a_login(self) -> "TargetSettings":
        if self.username is not None and self.password is None:
            raise Refused("username and password together", found="no such key", at=("password",))
        return self

    @model_validator(mode="after")
    def _refuse_unwanted_plain_http(self) -> "TargetSettings":
        refuse_plain_http(self.url, is_allowed=self.plain_http)
        return self


class Settings(ServiceSection):
    """All of the settings file."""

    data_dir: AnyPath = DEFAULT_DATA_DIR
    store: StorePlace | None = None
    """The file of the store, or the URL of a PostgreSQL database; None is a file in `data_dir`."""
    docker_config: Annotated[Path, MadeFrom("the path of a folder, or null for none", _make_docker_config)] | None = (
        None
    )
    """Docker's `config.json`, in the folder that the file names; it may not be there."""
    pull_secrets: Annotated[tuple[FilePath, ...], _AT_MOST_100] = ()
    """Further files of logins, in their order; they come before docker's own."""
    cloud_logins: Annotated[
        frozenset[CloudName],
        MadeFrom("a list of clouds", lambda clouds, _: frozenset(clouds), source=tuple[CloudName, ...]),
    ] = frozenset()
    """Whose registries are recognised by their names, and asked with the identity that the machine has there."""
    timeout_s: Annotated[float, MadeFrom(ACCEPTED_DURATION, _make_timeout)] = Field(30.0, alias="timeout")
    parallel_polls: Count = 8
    max_shrink: Annotated[float, MadeFrom("a percentage from 0% to 100%, as in 30%", _make_share)] = 0.5
    """By which share a tag list may shrink from one listing to the next and still be believed at once."""
    shrink_patience: Annotated[timedelta, MadeFrom(ACCEPTED_DURATION, _make_patience)] = timedelta(days=1)
    """After which time a listing that shrank by more is believed."""
    max_tags: MaxTags = 200_000
    """How many tags of a repository are listed: from a list of more, nothing is decided."""
    history: Annotated[timedelta, MadeFrom(ACCEPTED_DURATION, _make_memory)] = timedelta(days=90)
    """How long is remembered what happened to tags."""
    author: Author = Author()
    signing: Annotated[SshSigning | GpgSigning, Field(discriminator="kind")] | None = None
    """The key that signs commits; None signs none."""
    registries: Mapping[RegistryName, RegistrySettings] = Field(default_factory=dict)
    targets: tuple[TargetSettings, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _find_docker_config(cls, data: Any, info: ValidationInfo[Surroundings]) -> Any:
        """Where the key is missing, use the folder that docker itself would use, if it is there."""
        if not isinstance(data, dict) or "docker_config" in data:
            return data
        folder = _find_docker_folder(info.context.environ)
        return data if folder is None else {**data, "docker_config": str(folder)}

    @model_validator(mode="after")
    def _refuse_other_apis(self) -> "Settings":
        for name, registry in self.registries.items():
            if name != "docker.io" and "hub_api" in registry.model_fields_set:
                raise Refused("the key under docker.io only", found="hub_api", at=("registries", name, "hub_api"))
        return self


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read and validate the settings file, and read the secrets it points to.

    Raises InvalidSettings with all faults, also if the file or a secret cannot be read.
    """
    surroundings = Surroundings(path.parent.absolute(), environ)
    try:
        document = read_document(_read(path), file=str(path))
        rules = [_refuse_repeated_names, _refuse_shared_branches]
        return validate(Settings, document, context=surroundings, rules=rules)
    except FaultyFile as error:
        raise InvalidSettings(error.faults) from None


def load_registry_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read the settings as if they had no `targets`, `signing` and `store`: these are not looked at, nor their secrets.

    All else is as in `load_settings`; it is for whoever only asks registries, on a machine that may lack those secrets.
    """
    surroundings = Surroundings(path.parent.absolute(), environ)
    try:
        document = read_document(_read(path), file=str(path))
        return validate(Settings, _without_targets(document), context=surroundings)
    except FaultyFile as error:
        raise InvalidSettings(error.faults) from None


def _without_targets(document: Document) -> Document:
    value = document.root.value
    if not isinstance(value, dict):
        return document
    others = {key: value[key] for key in value if key not in ("signing", "store", "targets")}
    return replace(document, root=replace(document.root, value=others))


def make_default_settings(environ: Mapping[str, str]) -> Settings:
    """Make the settings of an empty file: no targets, docker's own logins, HTTPS everywhere."""
    return Settings.model_validate({}, context=Surroundings(Path("/"), environ))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        fault = Fault(str(path), 1, 1, "", f"a file that cannot be read ({error.strerror})", "a readable file")
        raise FaultyFile([fault]) from None


def _find_docker_folder(environ: Mapping[str, str]) -> Path | None:
    if chosen := environ.get("DOCKER_CONFIG"):
        folder = Path(chosen).absolute()
    elif home := environ.get("HOME"):
        folder = Path(home).absolute() / ".docker"
    else:
        return None
    return folder if folder.is_dir() else None


def _make_target_name(url: str, branch: str) -> str:
    return f"{find_repo_path(url)}@{branch}"


def _refuse_repeated_names(root: Node) -> Iterator[Refused]:
    """Find targets of one name, given or made; two targets with the same URL and branch are such."""
    targets = root.children.get("targets")
    seen: set[object] = set()
    for index, target in targets.children.items() if targets else ():
        name = _find_target_name(target)
        if name is not None and name in seen:
            at = ("targets", index, *(["name"] if "name" in target.keys else []))
            yield Refused("a name of its own for each target (key name)", found=f"the name {quote(name)} again", at=at)
        seen.add(name)


def _find_target_name(target: Node) -> str | None:
    given, url, branch = (target.children.get(key, target).value for key in ("name", "url", "branch"))
    if isinstance(given, str):
        return given
    if not isinstance(url, str):
        return None
    try:
        return _make_target_name(make_git_url(url, None), branch if isinstance(branch, str) else "main")
    except Refused:
        return None


def _refuse_shared_branches(root: Node) -> Iterator[Refused]:
    """Find targets in one git repo whose branches could not be told apart: of one prefix, or several without any."""
    targets = root.children.get("targets")
    first: dict[tuple[str, str | None], int] = {}
    for index, target in targets.children.items() if targets else ():
        url, prefix = (
            target.children[key].value if key in target.children else None for key in ("url", "branch_prefix")
        )
        if not isinstance(url, str) or not isinstance(prefix, str | None):
            continue
        key = simplify_url(url), prefix
        if key in first:
            has = "no branch_prefix either" if prefix is None else f"the branch_prefix {quote(prefix)} again"
            yield Refused(_OWN_PREFIX, found=f"{has}, after line {first[key]}", at=("targets", index, "branch_prefix"))
        first.setdefault(key, target.mark.line)
