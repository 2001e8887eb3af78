"""`imagebot tags`: the tags of a repository, with the version, the age and the digest of each that is shown.

They are listed as a poll lists them. Of those that are shown each digest costs a request, unless it is told otherwise.
"""

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from imagebot.cli.display import count, make_console
from imagebot.cli.plan import load_or_default
from imagebot.connect import find_store, make_registries
from imagebot.errors import ImagebotError
from imagebot.image.reference import Reference, Repository, parse_reference
from imagebot.image.snapshot import Pushes, Since, Snapshot
from imagebot.image.tag_list import TagList
from imagebot.policy.variant import split_tag
from imagebot.policy.version import Version, find_version
from imagebot.registry.client import Registries
from imagebot.settings.operator import Settings

_AT_ONCE = 8
_HEADINGS = ("TAG", "VERSION", "AGE", "DIGEST")


@dataclass(frozen=True, slots=True)
class Shown:
    """One tag; its version is without its suffix, None for what the semver policies take for none.

    `error` says why its digest cannot be had.
    """

    tag: str
    version: Version | None
    since: Since | None
    digest: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Tags:
    """What a registry lists, and the tags of it that are shown."""

    repository: Repository
    listed: TagList
    shown: tuple[Shown, ...]


def run_tags(image: str, *, settings: Path | None, limit: int, has_digests: bool, as_json: bool) -> int:
    """List, show, and return the exit code: 1 if the tags or a digest cannot be had. Raises InvalidReference."""
    reference, loaded, now = parse_reference(image), load_or_default(settings), datetime.now(UTC)
    with make_registries(loaded, store=None) as registries:
        try:
            found = find_tags(reference, registries, loaded, limit=limit, now=now)
        except ImagebotError as error:
            sys.stderr.write(f"imagebot: {error}\n")
            return 1
        if has_digests:
            found = add_digests(found, registries)
    if as_json:
        sys.stdout.write(json.dumps(summarize(found), indent=2) + "\n")
    else:
        show_tags(make_console(), found, now=now)
    return 1 if any(each.error for each in found.shown) else 0


def find_tags(reference: Reference, registries: Registries, settings: Settings, *, limit: int, now: datetime) -> Tags:
    """List the tags: the highest versions first, then what is no version, as text; of a reference with a tag only that.

    Raises what the client raises.
    """
    repository = reference.repository
    listed = registries.list_tags(repository)
    pushes = _list_pushes(repository, registries).join(Pushes(listed.pushed_at, listed.digests))
    known = _find_kept(settings, repository)
    known = known or Snapshot(repository, now, {}, has_history=False)
    snapshot = replace(known, listed_at=now, pushed_at={**known.pushed_at, **pushes.pushed_at})
    tags = [tag for tag in listed.tags if reference.tag in (None, tag)]
    tags.sort(key=lambda tag: _rank(_find_version(tag)), reverse=True)
    shown = (Shown(tag, _find_version(tag), snapshot.find_since(tag), pushes.digests.get(tag)) for tag in tags[:limit])
    return Tags(repository, listed, tuple(shown))


def add_digests(found: Tags, registries: Registries) -> Tags:
    """Ask what each tag that is shown points to, where that was not told."""

    def add(shown: Shown) -> Shown:
        if shown.digest is not None:
            return shown
        try:
            return replace(shown, digest=registries.fetch_digest(found.repository, shown.tag))
        except ImagebotError as error:
            return replace(shown, error=str(error))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return replace(found, shown=tuple(pool.map(add, found.shown)))


def _find_version(tag: str) -> Version | None:
    parts = split_tag(tag)
    return find_version(parts[1]) if parts is not None else None


def _rank(version: Version | None) -> tuple[bool, object]:
    return version is not None, version.key if version is not None else ()


def _list_pushes(repository: Repository, registries: Registries) -> Pushes:
    """List what Docker Hub's own API tells; nothing where it does not."""
    hub = registries.find_hub(repository)
    try:
        return hub.list_pushes(repository, known={}) if hub is not None else Pushes()
    except ImagebotError:
        return Pushes()


def _find_kept(settings: Settings, repository: Repository) -> Snapshot | None:
    """Find what is remembered of the repository, where there is a store: it is not needed."""
    place = find_store(settings)
    if isinstance(place, Path) and not place.exists():
        return None
    from imagebot.store.store import Store  # SQLAlchemy is slow to load

    try:
        with Store.open(place) as store:
            return store.find_snapshot(repository)
    except ImagebotError:
        return None


def summarize(found: Tags) -> Mapping[str, object]:
    """Make what `--format json` prints."""
    return {
        "image": str(found.repository),
        "tags": [
            {
                "tag": each.tag,
                "version": str(each.version) if each.version else None,
                "digest": each.digest,
                "since": each.since.at.isoformat() if each.since else None,
                "source": each.since.source.value if each.since else None,
                "error": each.error or None,
            }
            for each in found.shown
        ],
        "listed": len(found.listed.tags),
        "dropped": found.listed.dropped,
        "is_complete": found.listed.cut_at is None,
    }


def show_tags(console: Console, found: Tags, *, now: datetime) -> None:
    """Print a table, and how many tags there are beside those in it."""
    table = Table(*_HEADINGS, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for each in found.shown:
        version = str(each.version) if each.version else ""
        digest = Text(each.error, style="red") if each.error else Text(each.digest or "", style="dim")
        table.add_row(Text(each.tag, style="bold"), Text(version), Text(_tell_age(each.since, now=now)), digest)
    console.print(table)
    listed = found.listed
    more = f"more than {listed.cut_at} tags" if listed.cut_at is not None else count(len(listed.tags), "tag")
    dropped = f", and {count(listed.dropped, 'text')} that can be no tag" if listed.dropped else ""
    console.print(f"\n{len(found.shown)} of {more}{dropped} of {found.repository.familiar}", soft_wrap=True)


def _tell_age(since: Since | None, *, now: datetime) -> str:
    if since is None:
        return ""
    age = max(timedelta(), now - since.at)
    for size, unit in ((timedelta(days=1), "d"), (timedelta(hours=1), "h")):
        if age >= size:
            return f"{since.source.value} {age // size}{unit} ago"
    return f"{since.source.value} {age // timedelta(minutes=1)}m ago"
