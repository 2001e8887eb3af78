"""How the settings say to talk to a registry, and what follows from it: its address, and where its logins may go.

Pure: no name is looked up and no connection opened here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imagebot.image.reference import DOCKER_HUB, Repository, parse_repository
from imagebot.secret import Secret

if TYPE_CHECKING:
    from imagebot.registry.given_login import GivenLogin

MAX_TAGS = 200_000
"""How many tags of a repository are listed unless the settings say otherwise."""
_DOCKER_HUB_ADDRESS = "registry-1.docker.io"
# After lower-casing; so narrow because host names end up in the texts of errors.
_HOST = re.compile(r"[0-9a-z._:-]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Registries whose tokens come from another host. Whatever is not here is named by the operator in `token_hosts`.
_WELL_KNOWN_TOKEN_HOSTS = {
    DOCKER_HUB: frozenset({"auth.docker.io"}),
    _DOCKER_HUB_ADDRESS: frozenset({"auth.docker.io"}),
    "registry.gitlab.com": frozenset({"gitlab.com"}),
    "docker.elastic.co": frozenset({"docker-auth.elastic.co"}),
}
# registry.k8s.io answers everything but its front page by leading to Artifact Registry, whatever the region:
# https://github.com/kubernetes/registry.k8s.io/blob/main/cmd/archeio/docs/request-handling.md
_WELL_KNOWN_REDIRECTS = {"registry.k8s.io": ".pkg.dev"}
# How many requests at once, and per second, are no burden: well below what the registry says it takes, where it does.
# Names that begin with a dot stand for all that end so.
_KNOWN_LIMITS = {
    # Thousands a minute: https://docs.docker.com/docker-hub/usage/ (pulls are counted besides, and told in headers).
    DOCKER_HUB: (8, 10.0),
    # Nothing is published; GitHub's API takes 100 at once and 900 a minute:
    # https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    "ghcr.io": (8, 10.0),
    # "A few requests per second" for each address and endpoint: https://access.redhat.com/solutions/6218921
    "quay.io": (4, 3.0),
    # 500 a minute without a login: https://docs.gitlab.com/user/gitlab_com/rate_limits/
    "registry.gitlab.com": (8, 8.0),
    # 1,000 reads a minute: https://learn.microsoft.com/azure/container-registry/container-registry-skus (Basic)
    ".azurecr.io": (8, 15.0),
    # 50,000 in ten minutes: https://cloud.google.com/container-registry/quotas; Artifact Registry takes more.
    "gcr.io": (8, 40.0),
    ".gcr.io": (8, 40.0),
    ".pkg.dev": (8, 40.0),
    # Hundreds a second of each kind: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
    ".amazonaws.com": (8, 40.0),
    "public.ecr.aws": (4, 5.0),
}
_OTHER_LIMITS = (8, 20.0)
_THIS_MACHINE = re.compile(r"(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a host may be pressed; without a number per second, as hard as it answers."""

    in_flight: int
    per_second: float | None


def find_limits(registry: str) -> Limits:
    """Find what is usual for a registry; one on this machine may be asked as often as it answers."""
    if _THIS_MACHINE.fullmatch(registry):
        return Limits(_OTHER_LIMITS[0], None)
    for name, limits in _KNOWN_LIMITS.items():
        if registry == name or (name.startswith(".") and registry.endswith(name)):
            return Limits(*limits)
    return Limits(*_OTHER_LIMITS)


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where copies of a registry's repositories are: each below a path of another registry, which may be its root."""

    registry: str
    path: str

    def locate(self, repository: Repository) -> Repository:
        """Say where the mirror has the repository."""
        return Repository(self.registry, f"{self.path}/{repository.path}" if self.path else repository.path)


def parse_mirror(text: str) -> Mirror:
    """Parse `HOST` or `HOST/PATH`, as image references write these; raises InvalidReference."""
    # Any path would do: only of Docker Hub's own names is a part left out.
    repository = parse_repository(f"{text}/any/path")
    return Mirror(repository.registry, repository.path.removesuffix("any/path").removesuffix("/"))


@dataclass(frozen=True, slots=True)
class Proxy:
    """What requests to a registry go through, whatever the environment says; without a URL they go straight."""

    url: str | None
    username: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """PEM files by which we prove who we are in TLS; the key has no passphrase."""

    certificate_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a URL: what "the same host" means."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """`host`, or `host:port` where the port is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


# Each part of a request asks for the origin of its URL anew.
@lru_cache(maxsize=1024)
def find_origin(url: str) -> Origin | None:
    """Return the origin of an http or https URL; None if the text is none, or if it carries a user or password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or "@" in parts.netloc or not _HOST.fullmatch(host):
        return None
    return Origin(parts.scheme, host, port if port is not None else _DEFAULT_PORTS[parts.scheme])


@dataclass(frozen=True, slots=True)
class RegistryHost:
    """One registry, and how it is talked to."""

    name: str
    """As in `Repository.registry`: `ghcr.io`, `docker.io`, `127.0.0.1:5000`."""
    plain_http: bool = False
    """Logins and all go unencrypted; for registries on this machine or a closed network."""
    ca_file: Path | None = None
    """PEM file of the authorities that sign this registry's certificate, and its token server's; no others count."""
    logins: Mapping[str, "GivenLogin"] = field(default_factory=dict)
    """By the path of repositories that a login is for, with all that is below it; empty is all of the registry."""
    token_hosts: frozenset[str] = field(default=frozenset())
    """Further hosts, `HOST` or `HOST:PORT`, that may hand out this registry's tokens and so see its login."""
    max_tags: int | None = None
    """How many tags of one of its repositories are listed; None is what holds for all registries."""
    hub_api: str | None = "hub.docker.com"
    """Of Docker Hub, who tells when tags were pushed; None is nobody."""
    limits: Limits | None = None
    """None is what is usual for it."""
    mirrors: tuple[Mirror, ...] = ()
    """Asked before the registry, in this order, one after the other fails."""
    mirrors_only: bool = False
    """The registry itself is never asked."""
    proxy: Proxy | None = None
    """None is what the environment says."""
    client_certificate: ClientCertificate | None = None
    """Shown to the registry and to its `token_hosts`, and to no other host."""

    @property
    def base_url(self) -> str:
        address = _DOCKER_HUB_ADDRESS if self.name == DOCKER_HUB else self.name
        return f"{'http' if self.plain_http else 'https'}://{address}"

    @property
    def origin(self) -> Origin | None:
        return find_origin(self.base_url)

    def may_give_tokens(self, origin: Origin) -> bool:
        """Tell whether the operator, or a well-known pair, lets this origin see the login of the registry."""
        if origin.scheme == "http" and not self.plain_http:
            return False
        others = self.token_hosts | _WELL_KNOWN_TOKEN_HOSTS.get(self.name, frozenset())
        # Operators copy what a registry says, and some say the port that goes without saying.
        return origin == self.origin or not others.isdisjoint({origin.authority, f"{origin.host}:{origin.port}"})

    def is_own(self, origin: Origin) -> bool:
        """Tell whether the origin is the registry's, or one that its settings name beside it."""
        return origin == self.origin or origin.authority in self.token_hosts

    def may_redirect_to(self, origin: Origin) -> bool:
        """Tell whether this registry is known to answer from that other origin; no login goes there."""
        suffix = _WELL_KNOWN_REDIRECTS.get(self.name)
        return suffix is not None and origin.scheme == "https" and origin.port == 443 and origin.host.endswith(suffix)
