"""All registries: tags, digests, manifests and configs of a repository's images, over the OCI distribution API.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from imagebot.image.media_types import IMAGE_TYPES, INDEX_TYPES
from imagebot.image.reference import DOCKER_HUB, InvalidReference, Repository, parse_digest
from imagebot.image.tag_list import TagList
from imagebot.registry.access import Access, Errand
from imagebot.registry.errors import (
    RegistryUnavailable,
    UnexpectedAnswer,
    UnknownManifest,
    UnknownRepository,
    UnreadableImage,
)
from imagebot.registry.host import MAX_TAGS, RegistryHost, find_origin
from imagebot.registry.logins import HostLogins, LoginSources, Means
from imagebot.registry.message import Answer, Request
from imagebot.registry.mirrors import Mirrors
from imagebot.registry.pacing import Pacing
from imagebot.registry.page import Pages, find_next_page, parse_page
from imagebot.registry.transport import Transport

if TYPE_CHECKING:  # most repositories are only listed: what does more is loaded by whoever wants it
    from imagebot.image.manifest import Config, Index, Manifest
    from imagebot.registry.docker_hub import DockerHub
    from imagebot.registry.trial import Entrance

_PAGE_TAGS = 1000
# How long one list of tags may take, in timeouts of a request: one that never ends must not hold up a round.
_LISTING_PATIENCE = 20
# The longest tag, with what JSON adds, and what some registries say beside it.
_TAG_BYTES = 160
# What the distribution-spec wants registries to take, at least, and what they take.
_MAX_MANIFEST_BYTES = 4 * 1024 * 1024
_MAX_CONFIG_BYTES = 4 * 1024 * 1024
_MAX_BLOB_REDIRECTS = 3
# How long others wait for the first answer of a registry, which tells how it lets us in.
_LEARNING_LIMIT_S = 2.0
# All four: a registry answers 404 or converts where the stored type is not among those accepted.
_MANIFEST_TYPES = INDEX_TYPES + IMAGE_TYPES
# A method that is not allowed, and a request that took too long.
_OF_NO_IMAGE = (405, 408)


@dataclass(frozen=True, slots=True)
class _Limits:
    """How much of one list of tags is read: by far more than a list of so many tags needs, whatever its pages are."""

    tags: int
    pages: int
    page_bytes: int
    listing_bytes: int

    @classmethod
    def of(cls, tags: int) -> "_Limits":
        page_bytes = max(16 * 1024 * 1024, tags * _TAG_BYTES)
        return cls(tags, max(1000, tags // 50), page_bytes, 4 * page_bytes)


class Registries:
    """Every registry there is; safe for threads, with one session, one login and one set of tokens a host.

    `hosts` are those the settings name. Another one is reached over TLS, with a login of the sources if they have one,
    and only at a public address.
    `max_tags` is how many of a repository are listed, where its host says nothing else.
    """

    def __init__(
        self,
        hosts: Mapping[str, RegistryHost],
        *,
        logins: LoginSources | None = None,
        timeout_s: float,
        user_agent: str,
        pacing: Pacing | None = None,
        max_tags: int = MAX_TAGS,
    ) -> None:
        self._hosts = hosts
        self._logins = logins or LoginSources()
        self._timeout_s = timeout_s
        self._user_agent = user_agent
        self._pacing = pacing or Pacing()
        self._max_tags = max_tags
        self._registries: dict[str, _Registry] = {}
        self._named = _list_named(hosts.values())
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            for registry in self._registries.values():
                registry.transport.close()
                registry.storage.close()
            self._registries.clear()

    def list_tags(self, repository: Repository) -> TagList:
        """Return all tags of a repository, with what it says of them; what can be no tag is left out and counted.

        More tags than the settings allow are not listed, and the list says so; nothing else is cut: a listing that
        breaks off is an error. Raises UnknownRepository, AccessDenied, RateLimited, RegistryUnavailable,
        UnexpectedAnswer, UntrustedCertificate, PrivateAddress, UnreadableCredentials, CredentialHelperTimedOut.
        """
        return self._find_registry(repository.registry).mirrors.ask(
            repository, lambda place: self._list_tags(place, is_mirror=place != repository)
        )

    def _list_tags(self, repository: Repository, *, is_mirror: bool) -> TagList:
        registry = self._find_registry(repository.registry)
        limits = _Limits.of(self._max_tags if registry.host.max_tags is None else registry.host.max_tags)
        url: str | None = f"{registry.host.base_url}/v2/{repository.path}/tags/list?n={_PAGE_TAGS}"
        pages = Pages(most=limits.tags)
        ends_at = self._pacing.monotonic() + _LISTING_PATIENCE * self._timeout_s
        asked: set[str] = set()
        read_bytes = 0
        while url is not None and not pages.are_too_many:
            if read_bytes >= limits.listing_bytes or len(asked) >= limits.pages:
                reason = f"the tags of {repository} fill more than {limits.pages} pages or {limits.listing_bytes} bytes"
                raise UnexpectedAnswer(repository.registry, f"{reason}, and nothing is decided from some of them")
            if self._pacing.monotonic() >= ends_at:
                reason = f"the tags of {repository} take more than {_LISTING_PATIENCE * self._timeout_s:g} s"
                raise RegistryUnavailable(repository.registry, reason)
            answer = registry.ask(Request("GET", url, limits.page_bytes), repository=repository)
            _check_status(answer, repository)
            asked.add(url)
            read_bytes += len(answer.body)
            # A page may hold fewer than n tags, or none: only a missing Link ends the list.
            url = find_next_page(answer.headers.get("Link"), answer.url)
            is_new = pages.add(parse_page(answer.body, repository.registry))
            if url is not None and (url in asked or not is_new):
                raise UnexpectedAnswer(repository.registry, f"the pages of the tags of {repository} go in circles")
        listed = pages.make_list()
        if is_mirror and not listed.tags:
            # Some list only what was fetched through them before.
            raise UnexpectedAnswer(repository.registry, f"as a mirror it lists no tags of {repository}")
        return listed

    def find_hub(self, repository: Repository) -> "DockerHub | None":
        """Return whom to ask when tags of the repository were pushed; None if nobody beside its registry tells."""
        host = self._hosts.get(DOCKER_HUB, RegistryHost(DOCKER_HUB))
        is_on_hub = repository.registry == DOCKER_HUB and repository.path.count("/") == 1
        if not is_on_hub or host.hub_api is None or host.mirrors_only:
            return None
        from imagebot.registry.docker_hub import DockerHub

        hub = self._find_registry(host.hub_api)
        return DockerHub(hub.host.base_url, hub.transport.send)

    def fetch_digest(self, repository: Repository, tag: str) -> str:
        """Return the digest of what a tag names now: of the index, where it names an image for several platforms.

        Raises UnknownManifest, and what `list_tags` raises but for UnknownRepository.
        """
        return self._find_registry(repository.registry).mirrors.ask(
            repository, lambda place: self._fetch_digest(place, tag)
        )

    def _fetch_digest(self, repository: Repository, tag: str) -> str:
        # Docker Hub counts a GET as a pull.
        digest = self._ask_manifest("HEAD", repository, tag).headers.get("Docker-Content-Digest")
        if digest is not None:
            return _parse_digest_header(digest, repository.registry)
        return _hash_manifest(self._ask_manifest("GET", repository, tag), repository.registry)

    def fetch_manifest(self, repository: Repository, digest: str) -> "Index | Manifest":
        """Return what a digest stands for; what comes is hashed, so it is what was asked for.

        Raises UnknownManifest, and what `list_tags` raises but for UnknownRepository.
        """
        return self._find_registry(repository.registry).mirrors.ask(
            repository, lambda place: self._fetch_manifest(place, digest)
        )

    def _fetch_manifest(self, repository: Repository, digest: str) -> "Index | Manifest":
        answer = self._ask_manifest("GET", repository, digest)
        _check_hash(answer.body, digest, repository=repository)
        from imagebot.image.manifest import InvalidManifest, parse_manifest

        try:
            return parse_manifest(answer.body, _find_media_type(answer))
        except InvalidManifest as error:
            raise UnreadableImage(repository.registry, f"{repository}@{digest}: {error}") from error

    def fetch_config(self, repository: Repository, digest: str) -> "Config":
        """Return the config of an image or chart by its own digest; what comes is hashed.

        It is a blob, and registries keep those elsewhere: it is fetched from any public host they lead to, without a
        login. Raises what `list_tags` raises but for UnknownRepository.
        """
        return self._find_registry(repository.registry).mirrors.ask(
            repository, lambda place: self._fetch_config(place, digest)
        )

    def _fetch_config(self, repository: Repository, digest: str) -> "Config":
        answer = self._fetch_blob(repository, digest)
        if answer.status != 200:
            reason = f"status {answer.status} where the blob {digest} of {repository} was asked for"
            # A config that is not there makes an image of which nothing can be known, like one that cannot be read.
            raise (UnreadableImage if answer.status == 404 else UnexpectedAnswer)(repository.registry, reason)
        _check_hash(answer.body, digest, repository=repository)
        from imagebot.image.manifest import InvalidManifest, parse_config

        try:
            return parse_config(answer.body)
        except InvalidManifest as error:
            raise UnreadableImage(repository.registry, f"the blob {digest} of {repository}: {error}") from error

    def _ask_manifest(self, method: Literal["GET", "HEAD"], repository: Repository, identifier: str) -> Answer:
        registry = self._find_registry(repository.registry)
        url = f"{registry.host.base_url}/v2/{repository.path}/manifests/{identifier}"
        request = Request(method, url, _MAX_MANIFEST_BYTES, accept=", ".join(_MANIFEST_TYPES))
        answer = registry.ask(request, repository=repository)
        _check_status(answer, repository, identifier=identifier)
        return answer

    def _fetch_blob(self, repository: Repository, digest: str) -> Answer:
        base_url = self._find_registry(repository.registry).host.base_url
        url = f"{base_url}/v2/{repository.path}/blobs/{digest}"
        for _ in range(_MAX_BLOB_REDIRECTS + 1):
            request = Request("GET", url, _MAX_CONFIG_BYTES, accept="*/*", is_followed=False)
            answer = self._ask_holder(request, repository)
            next_url = answer.leads_to
            if next_url is None:
                return answer
            url = next_url
        reason = f"more than {_MAX_BLOB_REDIRECTS} redirects, one after the other, to the blob {digest} of {repository}"
        raise UnexpectedAnswer(repository.registry, reason)

    def _ask_holder(self, request: Request, repository: Repository) -> Answer:
        """Ask who keeps a blob: the registry, with its login; another host without one, and as the settings have it.

        A host they do not name is asked over TLS, and only at a public address.
        """
        registry = self._find_registry(repository.registry)
        there = find_origin(request.url)
        if there is not None and there == registry.host.origin:
            return registry.ask(request, repository=repository)
        for name, host in self._hosts.items():
            if there is not None and there == host.origin:
                return self._find_registry(name).transport.send(request)
        if there is not None and there.scheme == "https":
            return registry.storage.send(request)
        where = f"{there.authority} over plain HTTP" if there is not None else "something that is no web address"
        reason = f"a blob of {repository} is said to be at {where}; it has to be at an https address"
        raise UnexpectedAnswer(repository.registry, f"{reason}, or at a host that the settings name with plain_http")

    def find_entrance(self, name: str) -> "Entrance":
        """Return how a registry lets us in, for whoever wants to see it done."""
        from imagebot.registry.trial import Entrance

        registry = self._find_registry(name)
        return Entrance(registry.host, registry.logins, registry.transport.send, self._pacing.monotonic)

    def _find_registry(self, name: str) -> "_Registry":
        with self._lock:
            registry = self._registries.get(name)
            if registry is None:
                registry = self._registries[name] = self._make_registry(name)
            return registry

    def _make_registry(self, name: str) -> "_Registry":
        host = self._hosts.get(name, RegistryHost(name))
        transport = self._make_transport(host, named=self._named)
        monotonic = self._pacing.monotonic
        logins = HostLogins(host, self._logins, Means(monotonic, self._timeout_s, transport.send))
        return _Registry(
            host,
            transport,
            # By its proxy, but with none of what it is trusted with.
            self._make_transport(RegistryHost(f"the storage of {name}", proxy=host.proxy), named=frozenset()),
            logins,
            Access(host, logins.choose, pass_over=logins.pass_over, monotonic=monotonic),
            Mirrors(host),
        )

    def _make_transport(self, host: RegistryHost, *, named: frozenset[str]) -> Transport:
        return Transport(host, named=named, timeout_s=self._timeout_s, user_agent=self._user_agent, pacing=self._pacing)


@dataclass(frozen=True, slots=True)
class _Registry:
    """One registry: where it is, the connections to it, and how it lets us in."""

    host: RegistryHost
    transport: Transport
    storage: Transport
    """To hosts that keep its blobs and are not named in the settings: other connections, all to public addresses."""
    logins: HostLogins
    access: Access
    mirrors: Mirrors
    is_first: threading.Lock = field(default_factory=threading.Lock)
    """Taken for good by the first request."""
    is_known: threading.Event = field(default_factory=threading.Event)

    def ask(self, request: Request, *, repository: Repository) -> Answer:
        """Send the request with what lets it in; the first one goes alone, for all others profit by what it learns."""
        if not self.is_known.is_set() and not self.is_first.acquire(blocking=False):
            self.is_known.wait(_LEARNING_LIMIT_S)
        try:
            return self._ask(request, repository)
        finally:
            if not self.is_known.is_set():
                self.is_known.set()

    def _ask(self, request: Request, repository: Repository) -> Answer:
        with closing(self.access.authorize(request, Errand.to_repository(repository))) as steps:
            step = next(steps)
            while True:
                answer = self.transport.send(step)
                try:
                    step = steps.send(answer)
                except StopIteration as end:
                    last: Answer = end.value
                    return last


def _list_named(hosts: Iterable[RegistryHost]) -> frozenset[str]:
    """List the hosts that the settings name: registries, those that give tokens for them, and their mirrors."""
    named: set[str] = set()
    for host in hosts:
        mirrors = (RegistryHost(mirror.registry) for mirror in host.mirrors)
        origins = (each.origin for each in (host, *mirrors))
        named.update(host.token_hosts, (origin.authority for origin in origins if origin is not None))
    return frozenset(named)


def _check_status(answer: Answer, repository: Repository, *, identifier: str | None = None) -> None:
    if answer.status == 200:
        return
    if answer.status == 404:
        raise UnknownRepository(repository) if identifier is None else UnknownManifest(repository, identifier)
    what = f"the tags of {repository}" if identifier is None else f"the manifest {identifier} of {repository}"
    reason = f"status {answer.status} where {what} was asked for"
    # Some registries refuse one image, as Harbor does with 412 if it is found vulnerable: others can be had.
    is_of_image = identifier is not None and 400 <= answer.status < 500 and answer.status not in _OF_NO_IMAGE
    raise (UnreadableImage if is_of_image else UnexpectedAnswer)(repository.registry, reason)


def _parse_digest_header(text: str, registry: str) -> str:
    try:
        return parse_digest(text)
    except InvalidReference as error:
        raise UnexpectedAnswer(registry, "its Docker-Content-Digest is no digest") from error


def _hash_manifest(answer: Answer, registry: str) -> str:
    """Return the digest of a manifest as it was sent; what is no manifest (a login page) must not become one."""
    media_type = _find_media_type(answer)
    if media_type not in _MANIFEST_TYPES:
        raise UnexpectedAnswer(registry, f"something of type {media_type[:80]!r} where a manifest was asked for")
    return f"sha256:{hashlib.sha256(answer.body).hexdigest()}"


def _find_media_type(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _check_hash(body: bytes, digest: str, *, repository: Repository) -> None:
    algorithm, _, digits = digest.partition(":")
    if hashlib.new(algorithm, body).hexdigest() != digits:
        raise UnexpectedAnswer(repository.registry, f"what it sent for {repository}@{digest} has another digest")
