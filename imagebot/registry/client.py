"""All registries: the tags of a repository, and the digest of a tag, over the OCI distribution API.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from imagebot.image.reference import InvalidReference, Repository, parse_digest
from imagebot.registry.access import Access
from imagebot.registry.credentials import Credentials, KeptLogin, Login
from imagebot.registry.errors import UnexpectedAnswer, UnknownRepository, UnknownTag
from imagebot.registry.host import RegistryHost
from imagebot.registry.message import Answer, Request
from imagebot.registry.page import find_next_page, parse_page
from imagebot.registry.transport import Pacing, Transport
from imagebot.secret import Secret

_PAGE_TAGS = 1000
_MAX_PAGES = 1000
_MAX_PAGE_BYTES = 16 * 1024 * 1024
_MAX_LISTING_BYTES = 64 * 1024 * 1024
# What the distribution-spec wants registries to take, at least, and what they take.
_MAX_MANIFEST_BYTES = 4 * 1024 * 1024
# All four: a registry answers 404 or converts where the stored type is not among those accepted.
_MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class Registries:
    """Every registry there is; safe for threads, with one session, one login and one set of tokens a host.

    `hosts` are those the settings name. Another one is reached over TLS, with docker's login if it has one, and only at
    a public address. `docker_config` is docker's `config.json`; None, or a file that is not there, has no logins.
    """

    def __init__(
        self,
        hosts: Mapping[str, RegistryHost],
        *,
        docker_config: Path | None,
        timeout_s: float,
        user_agent: str,
        pacing: Pacing | None = None,
    ) -> None:
        self._hosts = hosts
        self._docker_config = docker_config
        self._timeout_s = timeout_s
        self._user_agent = user_agent
        self._pacing = pacing or Pacing()
        self._registries: dict[str, _Registry] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            for registry in self._registries.values():
                registry.transport.close()
            self._registries.clear()

    def list_tags(self, repository: Repository) -> tuple[str, ...]:
        """Return all tags of a repository, sorted as text, each once; texts that are no tags are left out.

        All or nothing: a listing that breaks off is an error. Raises UnknownRepository, AccessDenied, RateLimited,
        RegistryUnavailable, UnexpectedAnswer, UntrustedCertificate, PrivateAddress, UnreadableCredentials,
        CredentialHelperTimedOut.
        """
        registry = self._find_registry(repository.registry)
        url = f"{registry.host.base_url}/v2/{repository.path}/tags/list?n={_PAGE_TAGS}"
        tags: set[str] = set()
        asked: set[str] = set()
        left_bytes = _MAX_LISTING_BYTES
        while left_bytes > 0 and len(asked) < _MAX_PAGES:
            answer = registry.ask(Request("GET", url, _MAX_PAGE_BYTES), repository=repository)
            _check_status(answer, repository)
            page = parse_page(answer.body, repository.registry)
            # A page may hold fewer than n tags, or none: only a missing Link ends the list.
            next_url = find_next_page(answer.headers.get("Link"), answer.url)
            if next_url is None:
                return tuple(sorted(tags.union(page)))
            if next_url in asked or (page and tags.issuperset(page)):
                raise UnexpectedAnswer(repository.registry, f"the pages of the tags of {repository} go in circles")
            tags.update(page)
            asked.add(url)
            left_bytes -= len(answer.body)
            url = next_url
        limits = f"{_MAX_PAGES} pages or {_MAX_LISTING_BYTES} bytes"
        raise UnexpectedAnswer(repository.registry, f"the tags of {repository} fill more than {limits}")

    def fetch_digest(self, repository: Repository, tag: str) -> str:
        """Return the digest of what a tag names now: of the index, where it names an image for several platforms.

        Raises UnknownTag, and what `list_tags` raises but for UnknownRepository.
        """
        registry = self._find_registry(repository.registry)
        url = f"{registry.host.base_url}/v2/{repository.path}/manifests/{tag}"
        # HEAD, because Docker Hub counts a GET as a pull.
        request = Request("HEAD", url, _MAX_MANIFEST_BYTES, accept=", ".join(_MANIFEST_TYPES))
        answer = registry.ask(request, repository=repository)
        _check_status(answer, repository, tag=tag)
        digest = answer.headers.get("Docker-Content-Digest")
        if digest is not None:
            return _parse_digest_header(digest, repository.registry)
        answer = registry.ask(replace(request, method="GET"), repository=repository)
        _check_status(answer, repository, tag=tag)
        return _hash_manifest(answer, repository.registry)

    def _find_registry(self, name: str) -> "_Registry":
        with self._lock:
            registry = self._registries.get(name)
            if registry is None:
                registry = self._registries[name] = self._make_registry(name)
            return registry

    def _make_registry(self, name: str) -> "_Registry":
        host = self._hosts.get(name, RegistryHost(name))
        pacing = self._pacing
        login = KeptLogin(
            lambda: _look_up_login(host, self._docker_config, timeout_s=self._timeout_s), monotonic=pacing.monotonic
        )
        transport = Transport(
            host, is_named=name in self._hosts, timeout_s=self._timeout_s, user_agent=self._user_agent, pacing=pacing
        )
        return _Registry(host, transport, Access(host, login, monotonic=pacing.monotonic))


@dataclass(frozen=True, slots=True)
class _Registry:
    """One registry: where it is, the connections to it, and how it lets us in."""

    host: RegistryHost
    transport: Transport
    access: Access

    def ask(self, request: Request, *, repository: Repository) -> Answer:
        with closing(self.access.authorize(request, repository=repository)) as steps:
            step = next(steps)
            while True:
                answer = self.transport.send(step)
                try:
                    step = steps.send(answer)
                except StopIteration as end:
                    last: Answer = end.value
                    return last


def _look_up_login(host: RegistryHost, docker_config: Path | None, *, timeout_s: float) -> Credentials | None:
    if host.username is not None:
        return Login(host.username, host.password or Secret(""))
    if docker_config is None or _is_absent(docker_config):
        return None
    from imagebot.registry.docker_config import load_credentials  # docker takes 0.1 s to import

    return load_credentials(docker_config, host.name, timeout_s=timeout_s)


def _is_absent(file: Path) -> bool:
    try:
        file.stat()
    except OSError as error:
        # Why a file that is there may not be looked at is for its reader to say.
        return isinstance(error, FileNotFoundError)
    return False


def _check_status(answer: Answer, repository: Repository, *, tag: str | None = None) -> None:
    if answer.status == 200:
        return
    if answer.status != 404:
        what = f"the tags of {repository}" if tag is None else f"{repository}:{tag}"
        raise UnexpectedAnswer(repository.registry, f"status {answer.status} where {what} was asked for")
    if tag is not None:
        raise UnknownTag(repository, tag)
    raise UnknownRepository(repository)


def _parse_digest_header(text: str, registry: str) -> str:
    try:
        return parse_digest(text)
    except InvalidReference as error:
        raise UnexpectedAnswer(registry, "its Docker-Content-Digest is no digest") from error


def _hash_manifest(answer: Answer, registry: str) -> str:
    """Return the digest of a manifest as it was sent; what is no manifest (a login page) must not become one."""
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in _MANIFEST_TYPES:
        raise UnexpectedAnswer(registry, f"something of type {media_type[:80]!r} where a manifest was asked for")
    return f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
