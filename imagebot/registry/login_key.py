"""What the key of a login stands for: a registry, or a part of one. Pure.

Docker knows only hosts. Kubernetes and podman also know `ghcr.io/acme`, and Kubernetes `*.example.com`:
https://kubernetes.io/docs/concepts/containers/images/#config-json and containers-auth.json(5). The longest path that
leads to an image wins, and a host that is written out wins over a pattern. As with podman, and other than with
Kubernetes, a path matches whole components: `ghcr.io/acme` is not `ghcr.io/acme-staging`.
"""

import re
from dataclasses import dataclass

from imagebot.image.reference import DOCKER_HUB

_SCHEME = re.compile(r"https?://")
_API = re.compile(r"v[12](?:/|$)")
_HUB_HOSTS = frozenset({"index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class LoginKey:
    host: str
    """In lower case; `*` stands for any part of a label."""
    path: str
    """Without slashes around it; empty for all of the registry."""

    @property
    def rank(self) -> tuple[bool, int]:
        """Sorts first what tells most of an image."""
        return "*" in self.host, -(self.path.count("/") + bool(self.path))

    def matches(self, registry: str, path: str) -> bool:
        return self.matches_host(registry) and is_under(path, self.path)

    def matches_host(self, registry: str) -> bool:
        host = _find_canonical(registry)
        if "*" not in self.host:
            return self.host == host
        # A star stays inside its label, so that *.example.com is no a.b.example.com.
        return re.fullmatch(re.escape(self.host).replace(r"\*", "[^.:]*"), host) is not None


def parse_login_key(text: str) -> LoginKey:
    """Read `ghcr.io`, `ghcr.io/acme`, and as docker writes it `https://index.docker.io/v1/`; no text is refused."""
    host, _, path = _SCHEME.sub("", text, count=1).partition("/")
    return LoginKey(_find_canonical(host), _API.sub("", path.strip("/"), count=1))


def is_under(path: str, prefix: str) -> bool:
    """Tell whether the path is the prefix, or below it."""
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


def _find_canonical(host: str) -> str:
    lower = host.lower()
    return DOCKER_HUB if lower in _HUB_HOSTS else lower
