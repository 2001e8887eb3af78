"""One page of a tag list: the tags its body holds, when they were pushed if it says so, and where the next page is.

distribution-spec, "Listing Tags": https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
Links are those of RFC 8288, as registries really write them. Google's registries (gcr.io, *.pkg.dev, registry.k8s.io)
put into each page what they know of the manifests: https://pkg.go.dev/github.com/google/go-containerregistry/pkg/v1/google
Pure.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from imagebot.image.reference import is_tag
from imagebot.image.snapshot import TagList
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
    """The tags of one page in its order, and when it says that tags, of this page or another, were pushed."""

    tags: tuple[str, ...]
    pushed_at: Mapping[str, datetime]


def parse_page(body: bytes, registry: str) -> Page:
    """Parse one page; `tags: null` is what some registries write for none.

    Texts that are no tags (the grammar of `Reference`) are dropped: nothing could name them. Times of pushes are an
    extension: what of it cannot be read, or cannot be, is dropped. If two manifests claim a tag, the later counts.

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
    tags = page["tags"]
    if tags is None:
        tags = []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise UnexpectedAnswer(registry, '"tags" in its tag list is no list of texts')
    pushes = sorted(_read_pushes(page.get("manifest")), key=lambda push: push[1])
    return Page(tuple(tag for tag in tags if is_tag(tag)), dict(pushes))


def _read_pushes(manifests: object) -> Iterator[tuple[str, datetime]]:
    """Yield tags and times of Google's `{DIGEST: {"tag": [TAG, ...], "timeUploadedMs": "1731000000000", ...}, ...}`."""
    for manifest in manifests.values() if isinstance(manifests, dict) else ():
        if not isinstance(manifest, dict):
            continue
        at, tags = _find_instant(manifest.get("timeUploadedMs")), manifest.get("tag")
        if at is not None and isinstance(tags, list):
            yield from ((tag, at) for tag in tags if isinstance(tag, str))


def _find_instant(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, str) or not _MILLISECONDS.fullmatch(milliseconds):
        return None
    at = _UNIX_TIME + timedelta(milliseconds=int(milliseconds))
    return at if _EARLIEST <= at < _LATEST else None


def make_tag_list(pages: Iterable[Page]) -> TagList:
    """Make one list of all pages; times of tags that none of them lists are dropped."""
    tags: set[str] = set()
    pushed_at: dict[str, datetime] = {}
    for page in pages:
        tags.update(page.tags)
        for tag, at in page.pushed_at.items():
            pushed_at[tag] = max(at, pushed_at.get(tag, at))
    return TagList(tuple(sorted(tags)), {tag: pushed_at[tag] for tag in sorted(tags & pushed_at.keys())})


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
