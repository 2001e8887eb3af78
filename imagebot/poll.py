"""The first round: what a registry holds for one repository.

    registry --HTTP--> tags --> store: Snapshot (each tag with when it was first seen)

A poll belongs to a repository, whoever uses it: config repositories that name the same image share one request. A
registry that cannot be asked gives no answer, never an empty one. Nor does a list that shrank by more than is
plausible, as registries leave tags out while they are in trouble; if it stays so for long enough, it is believed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagebot.errors import ImagebotError, NeedsOperator
from imagebot.image.snapshot import Snapshot
from imagebot.image.tag_list import TagList
from imagebot.log import log
from imagebot.proposal.choose import Unlisted
from imagebot.registry.errors import LeftAlone, RateLimited, RegistryUnavailable, UnknownManifest

if TYPE_CHECKING:  # the store and the client are slow to load, and `plan` needs no store
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta

    from imagebot.image.reference import Repository
    from imagebot.registry.client import Registries
    from imagebot.store.store import Store


@dataclass(frozen=True, slots=True)
class Doubt:
    """By which share (0 to 1) a list may shrink and still be believed at once, and after which time it is anyway."""

    max_shrink: float
    patience: timedelta


def poll(
    repository: Repository, *, registries: Registries, store: Store, doubt: Doubt, now: datetime
) -> Snapshot | Unlisted:
    """List the tags of one repository and remember them; says why where that cannot be done."""
    listed = _doubt(_list_and_tell(repository, registries), repository, store=store, doubt=doubt, now=now)
    if isinstance(listed, Unlisted):
        return listed
    try:
        return store.keep_snapshot(repository, listed, at=now)
    except ImagebotError as error:
        # The store is a memory: without it only the times are lost at which tags were first seen.
        log.error("snapshot_not_kept", repository=str(repository), error=str(error))
        return _forget_history(repository, listed, now=now)


def refresh(
    repository: Repository, *, registries: Registries, store: Store, doubt: Doubt, now: datetime
) -> bool | Unlisted:
    """Poll as `poll` does, for whoever only wants to know whether anything changed: tags that did not are not read.

    If it cannot be remembered what was listed, it counts as changed.
    """
    listed = _list_and_tell(repository, registries)
    try:
        if isinstance(listed, TagList) and store.keep_same(repository, listed, at=now):
            return False
        listed = _doubt(listed, repository, store=store, doubt=doubt, now=now)
        return listed if isinstance(listed, Unlisted) else store.keep_listing(repository, listed, at=now)
    except ImagebotError as error:
        log.error("snapshot_not_kept", repository=str(repository), error=str(error))
        return True


def _list_and_tell(repository: Repository, registries: Registries) -> TagList | Unlisted:
    listed = _list(repository, registries)
    if isinstance(listed, Unlisted):
        level = log.error if listed.needs_operator else log.warning
        level("poll_failed", repository=str(repository), error=listed.reason)
    else:
        log.debug("tags_listed", repository=str(repository), tags=len(listed.tags), dropped=listed.dropped)
    return listed


def _doubt(
    listed: TagList | Unlisted, repository: Repository, *, store: Store, doubt: Doubt, now: datetime
) -> TagList | Unlisted:
    """Find the list plausible; why it is not, or why there is none, is remembered."""
    try:
        found = listed if isinstance(listed, Unlisted) else _find_doubt(repository, listed, store, doubt, now=now)
        if found is not None:
            store.history.keep_failure(repository, found.reason, at=now)
    except ImagebotError as error:
        log.error("history_not_kept", repository=str(repository), error=str(error))
        return listed
    return found or listed


def watch_digests(
    repository: Repository, watched: Iterable[str], *, registries: Registries, store: Store, now: datetime
) -> bool:
    """Ask what these tags point to, and remember it; tell whether any points to something else than it did.

    Raises what registries and the store raise.
    """
    has_moved = False
    for tag in sorted(watched):
        try:
            digest = registries.fetch_digest(repository, tag)
        except UnknownManifest:  # that it is gone is for the list to say
            continue
        sighting = store.keep_sighting(repository, tag, digest, at=now)
        has_moved = has_moved or (sighting.is_repushed and sighting.first_seen == now)
    return has_moved


def list_tags(repository: Repository, *, registries: Registries, now: datetime) -> Snapshot | Unlisted:
    """List the tags of one repository where nothing is remembered; says why where that cannot be done."""
    listed = _list(repository, registries)
    return listed if isinstance(listed, Unlisted) else _forget_history(repository, listed, now=now)


def _list(repository: Repository, registries: Registries) -> TagList | Unlisted:
    try:
        listed = registries.list_tags(repository)
    except ImagebotError as error:
        return Unlisted(
            repository,
            str(error),
            needs_operator=isinstance(error, NeedsOperator),
            is_of_host=isinstance(error, LeftAlone | RateLimited | RegistryUnavailable),
            retry_at=error.until if isinstance(error, LeftAlone | RateLimited) else None,
        )
    if not listed.tags:
        # Some registries answer so while they are in trouble: no reason to forget what was seen before.
        return Unlisted(repository, f"the registry lists no tags of {repository}: nothing is decided from that")
    if listed.cut_at is not None:
        reason = (
            f"the registry lists more than {listed.cut_at} tags of {repository}: nothing is decided from some of them;"
            " the setting max_tags lets more be listed"
        )
        return Unlisted(repository, reason, needs_operator=True)
    return listed


def _forget_history(repository: Repository, listed: TagList, *, now: datetime) -> Snapshot:
    seen = dict.fromkeys(listed.tags, now)
    return Snapshot(repository, now, seen, listed.pushed_at, has_history=False, digests=listed.digests)


def _find_doubt(
    repository: Repository, listed: TagList, store: Store, doubt: Doubt, *, now: datetime
) -> Unlisted | None:
    """Say why the list is not to be believed yet; None if it is."""
    before = store.count_tags(repository)
    lost = before - len(listed.tags)
    # Not a product: 0.29 of 100 is less than 29 in floats, but 29 of 100 is 0.29.
    if not before or lost / before <= doubt.max_shrink:
        return None
    believed_at = store.keep_doubt(repository, at=now) + doubt.patience
    if believed_at <= now:
        log.warning("shrunk_list_believed", repository=str(repository), tags=len(listed.tags), tags_before=before)
        return None
    reason = (
        f"the registry lists {len(listed.tags)} tags of {repository}, and listed {before} before: nothing is decided"
        f" from that, unless it stays so until {believed_at:%Y-%m-%d %H:%M} UTC (settings: max_shrink, shrink_patience)"
    )
    log.warning("list_shrank", repository=str(repository), tags=len(listed.tags), tags_before=before)
    return Unlisted(repository, reason)


@contextmanager
def make_pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Make threads that are waited for at the end, but not after an interrupt: they may hang on a registry."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
