"""The first round: what a registry holds for one repository.

    registry --HTTP--> tags --> store: Snapshot (each tag with when it was first seen)

A poll belongs to a repository, whoever uses it: config repositories that name the same image share one request. A
registry that cannot be asked gives no answer, never an empty one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagebot.errors import ImagebotError, NeedsOperator
from imagebot.image.snapshot import Snapshot
from imagebot.log import log
from imagebot.proposal.choose import Unlisted

if TYPE_CHECKING:  # the store and the client are slow to load, and `plan` needs no store
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from imagebot.image.reference import Repository
    from imagebot.proposal.plan import Digests
    from imagebot.registry.client import Registries
    from imagebot.store.store import Store


def poll(repository: Repository, *, registries: Registries, store: Store, now: datetime) -> Snapshot | Unlisted:
    """List the tags of one repository and remember them; says why where that cannot be done."""
    listed = list_tags(repository, registries=registries, now=now)
    if isinstance(listed, Unlisted):
        level = log.error if listed.needs_operator else log.warning
        level("poll_failed", repository=str(repository), error=listed.reason)
        return listed
    log.debug("tags_listed", repository=str(repository), tags=len(listed.first_seen))
    try:
        return store.keep_snapshot(repository, listed.first_seen.keys(), at=now)
    except ImagebotError as error:
        # The store is a memory: without it only the times are lost at which tags were first seen.
        log.error("snapshot_not_kept", repository=str(repository), error=str(error))
        return listed


def list_tags(repository: Repository, *, registries: Registries, now: datetime) -> Snapshot | Unlisted:
    """List the tags of one repository, all as if first seen now; says why where that cannot be done."""
    try:
        tags = registries.list_tags(repository)
    except ImagebotError as error:
        return Unlisted(repository, str(error), needs_operator=isinstance(error, NeedsOperator))
    if not tags:
        # Some registries answer so while they are in trouble: no reason to forget what was seen before.
        return Unlisted(repository, f"the registry lists no tags of {repository}: nothing is decided from that")
    return Snapshot(repository, now, dict.fromkeys(tags, now))


def find_digest(repository: Repository, tag: str, *, registries: Registries, store: Store, now: datetime) -> str:
    """Find what a tag points to: in the store, or else at the registry, and then kept while the tag stays listed."""
    if kept := store.find_digest(repository, tag):
        return kept.digest
    digest = registries.fetch_digest(repository, tag)
    store.keep_digest(repository, tag, digest, at=now)
    return digest


def find_digests(
    wanted: Iterable[tuple[Repository, str]], *, find: Callable[[Repository, str], str]
) -> tuple[Digests, Mapping[Repository, str]]:
    """Find the digests of tags one by one; second, the repositories for which that failed, with the reason."""
    digests: dict[tuple[Repository, str], str] = {}
    missing: dict[Repository, str] = {}
    for repository, tag in sorted(wanted):
        try:
            digests[repository, tag] = find(repository, tag)
        except ImagebotError as error:
            missing[repository] = f"the digest of its tag {tag} could not be had: {error}"
    return digests, missing


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
