"""How the settings say to talk to a registry, and what follows from it: its address, and where its logins may go.

Pure: no name is looked up and no connection opened here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from imagebot.image.reference import DOCKER_HUB
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
    logins: Mapping[str, GivenLogin] = field(default_factory=dict)
    """By the path of repositories that a login is for, with all that is below it; empty is all of the registry."""
    token_hosts: frozenset[str] = field(default=frozenset())
    """Further hosts, `HOST` or `HOST:PORT`, that may hand out this registry's tokens and so see its login."""
    max_tags: int | None = None
    """How many tags of one of its repositories are listed; None is what holds for all registries."""

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
        return origin == self.origin or origin.authority in others

    def may_redirect_to(self, origin: Origin) -> bool:
        """Tell whether this registry is known to answer from that other origin; no login goes there."""
        suffix = _WELL_KNOWN_REDIRECTS.get(self.name)
        return suffix is not None and origin.scheme == "https" and origin.port == 443 and origin.host.endswith(suffix)
