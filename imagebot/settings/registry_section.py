"""What the operator says of one registry: how to reach it, by which login, and how hard it may be pressed."""

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from imagebot.errors import InvalidInput
from imagebot.image.reference import parse_repository
from imagebot.settings.pace_section import Interval
from imagebot.settings.registry_login import Logins, LoginSettings, Username, name_kinds
from imagebot.settings.secret_source import FilePath, SecretText
from imagebot.settings.section import MadeFrom, Refused, Section, YesOrNo, matching
from imagebot.settings.url import ACCEPTED_PROXY_URL, NO_PROXY, make_proxy_url

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_AT_MOST_100 = Field(max_length=100)


def _make_registry(text: str, _: object) -> str:
    """Return the text if image references name a registry so: `ghcr.io`, but not `ghcr` or `index.docker.io`."""
    try:
        is_registry = parse_repository(f"{text}/any/path").registry == text
    except InvalidInput:
        is_registry = False
    if not is_registry:
        raise Refused
    return text


def _make_mirror(text: str, _: object) -> str:
    """Return the text if references name what is below it so: `mirror.gcr.io`, `harbor.example.com/hub`."""
    try:
        is_mirror = str(parse_repository(f"{text}/any/path")) == f"{text}/any/path"
    except InvalidInput:
        is_mirror = False
    if not is_mirror:
        raise Refused
    return text


Host = Annotated[str, matching(_HOST, "a host in lower case, with its port if it has one: auth.example.com:8443")]
RegistryName = Annotated[
    str, MadeFrom("a registry as image references have it, as in ghcr.io, docker.io or localhost:5000", _make_registry)
]
MirrorName = Annotated[
    str, MadeFrom("a mirror as image references have it: HOST, HOST:PORT, or with a path HOST/PATH", _make_mirror)
]
MaxTags = Annotated[
    int, MadeFrom("a whole number from 1 to 10000000", source=Annotated[int, Field(ge=1, le=10_000_000)])
]
Count = Annotated[int, MadeFrom("a whole number from 1 to 64", source=Annotated[int, Field(ge=1, le=64)])]
Rate = Annotated[float, MadeFrom("a number from 0.01 to 1000", source=Annotated[float, Field(ge=0.01, le=1000)])]


class Access(Section):
    """What is said alike of registries and of targets."""

    plain_http: YesOrNo = False
    ca_file: FilePath | None = None
    username: Username | None = None
    password: SecretText | None = None


class RegistrySettings(Access):
    """How to talk to one registry; `token_hosts` are the hosts, beside its own, that may be sent its password."""

    login: LoginSettings | None = None
    """In place of username and password, where it is of another kind."""
    logins: Logins = Field(default_factory=dict)
    """For parts of it, by the beginning of the repositories' paths; they come before the other."""
    token_hosts: Annotated[
        frozenset[str],
        MadeFrom(
            "a list of hosts", lambda hosts, _: frozenset(hosts), source=Annotated[tuple[Host, ...], _AT_MOST_100]
        ),
    ] = frozenset()
    max_tags: MaxTags | None = None
    hub_api: Host | None = "hub.docker.com"
    """Of docker.io, who tells when tags were pushed; None is nobody."""
    interval: Interval | None = None
    """How often it is polled for one repository, at most."""
    client_cert_file: FilePath | None = None
    client_key_file: FilePath | None = None
    requests_in_flight: Count | None = None
    requests_per_second: Rate | None = None
    mirrors: Annotated[tuple[MirrorName, ...], Field(max_length=10)] = ()
    mirrors_only: YesOrNo = False
    proxy: Annotated[str, MadeFrom(ACCEPTED_PROXY_URL, make_proxy_url)] | None = None
    """NO_PROXY is to go straight, whatever the environment says."""
    proxy_username: Username | None = None
    proxy_password: SecretText | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_kinds(cls, data: Any) -> Any:
        return name_kinds(data)

    @model_validator(mode="after")
    def _refuse_half_a_login(self) -> "RegistrySettings":
        if (self.username is None) != (self.password is None):
            missing = "username" if self.username is None else "password"
            raise Refused("username and password together", found="no such key", at=(missing,))
        if self.username is not None and self.login is not None:
            raise Refused("either username and password or login", found="both", at=("login",))
        return self

    @model_validator(mode="after")
    def _refuse_halves(self) -> "RegistrySettings":
        for one, other in (("client_cert_file", "client_key_file"), ("proxy_username", "proxy_password")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                missing = one if getattr(self, one) is None else other
                raise Refused(f"{one} and {other} together", found="no such key", at=(missing,))
        if self.proxy_username is not None and self.proxy in (None, NO_PROXY):
            raise Refused("the URL of the proxy that proxy_username is for", found="none", at=("proxy",))
        if self.mirrors_only and not self.mirrors:
            raise Refused("a list of mirrors, as mirrors_only is true", found="none", at=("mirrors",))
        return self
