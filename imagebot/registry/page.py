"""Pages of a tag list: the tags a body holds, what it says of them, where the next page is, and all of them together.

distribution-spec, "Listing Tags": https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
Links are those of RFC 8288, as registries really write them. Google's registries (gcr.io, *.pkg.dev, registry.k8s.io)
put into each page what they know of the manifests: https://pkg.go.dev/github.com/google/go-containerregistry/pkg/v1/google
Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from imagebot.image.reference import is_digest, keep_tags
from imagebot.image.tag_list import TagList
from imagebot.registry.errors import UnexpectedAnswer
from imagebot.registry.host import find_origin

_MAX_LINK = 8192
_BETWEEN_LINKS = re.compile(r'[\s,"]*')
_TARGET = re.compile(r"<([^<>]*)>")
_PARAMETER = re.compile(r'\s*;\s*([\w*-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?')
_MILLISECONDS = re.compile(r"[0-9]{1,13}")
_UNIX_TIME = datetime(1970, 1, 1, tzinfo=UTC)
# There were no registries before, and what is said to be pushed after is a slip.
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """The tags of one page in its order, how many texts beside them are none, and what it says of tags, of any page.

    `pushed_at` is when they were pushed, `digests` what they point to; None stands for two things at once.
    """

    tags: Sequence[str]
    pushed_at: Mapping[str, datetime] = field(default_factory=dict)
    digests: Mapping[str, str | None] = field(default_factory=dict)
    dropped: int = 0


class Pages:
    """The pages of one list, put together up to a number of tags."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._tags: dict[str, None] = {}
        self._pushed_at: dict[str, datetime] = {}
        self._digests: dict[str, str | None] = {}
        self._dropped = 0

    @property
    def are_too_many(self) -> bool:
        return len(self._tags) > self._most

    def add(self, page: Page) -> bool:
        """Add a page; return whether it can be one that was not added before."""
        count = len(self._tags)
        self._tags |= dict.fromkeys(page.tags)
        self._dropped += page.dropped
        for tag, at in page.pushed_at.items():
            self._pushed_at[tag] = max(at, self._pushed_at.get(tag, at))
        for tag, digest in page.digests.items():
            self._digests[tag] = digest if self._digests.get(tag, digest) == digest else None
        return len(self._tags) > count or not page.tags

    def make_list(self) -> TagList:
        """Make one list of all; what is said of tags that no page lists is dropped, and so is what contradicts."""
        # In the order in which they came, as nearly all registries sort them.
        tags = tuple(sorted(self._tags))
        pushed_at = {tag: at for tag, at in sorted(self._pushed_at.items()) if tag in self._tags}
        told = sorted(
            (tag, digest) for tag, digest in self._digests.items() if tag in self._tags and digest is not None
        )
        cut_at = self._most if self.are_too_many else None
        return TagList(tags[:cut_at], pushed_at, dict(told), self._dropped, cut_at)


def parse_page(body: bytes, registry: str) -> Page:
    """Parse one page; `tags: null` is what some registries write for none.

    Texts that are no tags (the grammar of `Reference`) are dropped: nothing could name them. What is said of manifests
    is an extension: what of it cannot be read, or cannot be, is dropped. If two claim a tag, the later time counts, and
    no digest.

    Raises UnexpectedAnswer for anything that is not such a page.
    """
    if body.lstrip()[:1] == b"<":
        raise UnexpectedAnswer(registry, "its tag list is HTML; does a login page or a proxy answer in its place?")
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer(registry, "its tag list is no JSON") from error
    if not isinstance(page, dict) or "tags" not in page:
        raise UnexpectedAnswer(registry, 'its tag list is no JSON object with the key "tags"')
    texts = page["tags"]
    if texts is None:
        texts = []
    if not isinstance(texts, list) or not set(map(type, texts)) <= {str}:
        raise UnexpectedAnswer(registry, '"tags" in its tag list is no list of texts')
    tags = keep_tags(texts)
    pushed_at, digests = _read_manifests(page.get("manifest"))
    return Page(tags, pushed_at, digests, len(texts) - len(tags))


def _read_manifests(manifests: object) -> tuple[Mapping[str, datetime], Mapping[str, str | None]]:
    """Read times and digests of Google's `{DIGEST: {"tag": [TAG, ...], "timeUploadedMs": "1731000000000"}, ...}`."""
    pushed_at: dict[str, datetime] = {}
    digests: dict[str, str | None] = {}
    for digest, manifest in manifests.items() if isinstance(manifests, dict) else ():
        tags = manifest.get("tag") if isinstance(manifest, dict) else None
        if not isinstance(tags, list):
            continue
        at = _find_instant(manifest.get("timeUploadedMs"))
        for tag in (tag for tag in tags if isinstance(tag, str)):
            digests[tag] = digest if is_digest(digest) and tag not in digests else None
            if at is not None:
                pushed_at[tag] = max(at, pushed_at.get(tag, at))
    return pushed_at, digests


def _find_instant(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, str) or not _MILLISECONDS.fullmatch(milliseconds):
        return None
    at = _UNIX_TIME + timedelta(milliseconds=int(milliseconds))
    return at if _EARLIEST <= at < _LATEST else None


def find_next_page(link_header: str | None, url: str) -> str | None:
    """Return the URL of the page after the one at `url`, or None where the `Link` header names none.

    Only the query of the link is taken: Artifactory leaves the name of a virtual repository out of its path, and no
    registry needs another path than the one that was asked. Raises UnexpectedAnswer for a link to another host, scheme
    or port, and for one that cannot be read.
    """
    target = _find_next_target(link_header or "")
    if target is None:
        return None
    here = find_origin(url)
    registry = here.authority if here is not None else url
    try:
        absolute = urljoin(url, target)
        query = urlsplit(absolute).query
    except ValueError as error:
        raise UnexpectedAnswer(registry, "the link to its next page is no URL") from error
    there = find_origin(absolute)
    if there != here:
        where = there.authority if there is not None else "something that is no web address"
        raise UnexpectedAnswer(registry, f"its next page is said to be at {where}; a page has to be on its own host")
    return urlsplit(url)._replace(query=query, fragment="").geturl()


def _find_next_target(header: str) -> str | None:
    """Return the target with rel=next; a link without any `rel` counts if it is the only one, as others take it."""
    links = list(_split_links(header[:_MAX_LINK]))
    for target, relations in links:
        if relations is not None and "next" in relations.lower().split():
            return target
    if len(links) == 1 and links[0][1] is None:
        return links[0][0]
    return None


def _split_links(header: str) -> Iterator[tuple[str, str | None]]:
    """Yield the target and the `rel` of each link, up to the first text that is no link."""
    at = _end(_BETWEEN_LINKS, header, 0)
    while link := _TARGET.match(header, at):
        at = link.end()
        relations: str | None = None
        while parameter := _PARAMETER.match(header, at):
            at = parameter.end()
            name, quoted, bare = parameter.groups()
            if name.lower() == "rel" and relations is None:
                relations = quoted if quoted is not None else bare or ""
        yield link.group(1).strip(), relations
        at = _end(_BETWEEN_LINKS, header, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
