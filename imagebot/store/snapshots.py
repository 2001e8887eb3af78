"""Snapshots and sightings, as rows: each function is a part of one transaction of the store.

Whoever writes anything of a repository holds the lock of its row, taken before anything else of it is read.

Only what is new is written. A listing that has the tags of the one before is known by its fingerprint, and then no tag
is read either.
"""

from collections.abc import Collection, Mapping, Set
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    type_coerce,
    update,
)

from imagebot.image.history import PushedAgain, make_tags_changed
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Sighting, Snapshot
from imagebot.image.tag_list import TagList
from imagebot.store.engine import upsert
from imagebot.store.history import end_failure, keep_event
from imagebot.store.schema import Instant, failures, find_instant, repositories, tags, to_utc

_GONE_KEPT = timedelta(days=7)


def find_snapshot(connection: Connection, repository: Repository) -> Snapshot | None:
    row = connection.execute(
        select(repositories.c.id, repositories.c.listed_at).where(*_is_repository(repository))
    ).one_or_none()
    if row is None:
        return None
    known, gone = _read_snapshot(connection, row.id, repository=repository, listed_at=row.listed_at)
    return _list_again(known, known.first_seen.keys() - gone, {}) if gone else known


def count_tags(connection: Connection, repository: Repository) -> int:
    row = connection.execute(
        select(repositories.c.id, repositories.c.tag_count).where(*_is_repository(repository))
    ).one_or_none()
    if row is None or row.tag_count is not None:
        return 0 if row is None else int(row.tag_count)
    listed = tags.c.repository == row.id, tags.c.gone_since.is_(None)
    return int(connection.execute(select(func.count()).select_from(tags).where(*listed)).scalar_one())


def keep_same(connection: Connection, repository: Repository, listed: TagList, *, at: datetime) -> bool:
    """Write that the repository was listed with what it was listed with before; return whether that is all there is."""
    known = {"of_registry": repository.registry, "of_path": repository.path, "of_fingerprint": listed.fingerprint}
    return connection.execute(_SAME, {**known, "at": at, "gone_until": at - _GONE_KEPT}).rowcount == 1


def keep_listing(
    connection: Connection, repository: Repository, listed: TagList, *, at: datetime, keep_for: timedelta
) -> bool:
    """Write what the listing has that is new; return whether anything is."""
    query = select(repositories.c.id, repositories.c.listed_at, repositories.c.fingerprint)
    before = connection.execute(query.where(*_is_repository(repository)).with_for_update()).one_or_none()
    repository_id = _keep_repository(connection, repository, listed, at=at, known_id=before.id if before else None)
    if outage := end_failure(connection, repository, at=at):
        keep_event(connection, repository_id, outage, keep_for=keep_for)
    _forget_gone(connection, repository_id, at=at)
    _pull_back(connection, repository_id, tags.c.digest_seen, at=at)
    # A clock that was ahead may have left times that are yet to come.
    if before is not None and before.listed_at <= at and before.fingerprint == listed.fingerprint:
        return False
    _pull_back(connection, repository_id, tags.c.first_seen, tags.c.gone_since, at=at)
    known, gone = _read_snapshot(connection, repository_id, repository=repository, listed_at=at)
    kept = _list_again(known, listed.tags, listed.pushed_at)
    new, missing = kept.first_seen.keys() - known.first_seen.keys(), kept.gone.keys() - gone
    back = gone & kept.first_seen.keys()
    _write_new(connection, repository_id, new=new, known=known, kept=kept)
    _write_gone(connection, repository_id, {**dict.fromkeys(back), **dict.fromkeys(missing, at)})
    if event := make_tags_changed(at, appeared=new, vanished=missing, returned=back):
        keep_event(connection, repository_id, event, keep_for=keep_for)
    return True


def keep_sighting(
    connection: Connection, repository: Repository, tag: str, digest: str, *, at: datetime, keep_for: timedelta
) -> Sighting:
    owner = _lock_repository(connection, repository)
    is_tag = (tags.c.repository == owner, tags.c.tag == tag, tags.c.gone_since.is_(None))
    query = select(tags.c.digest, tags.c.digest_seen, tags.c.is_repushed).where(*is_tag)
    row = connection.execute(query.where(tags.c.digest.is_not(None))).one_or_none()
    if row is not None and row.digest == digest:
        return Sighting(digest, row.digest_seen, row.is_repushed)
    sighting = Sighting(digest, at, is_repushed=row is not None)
    values = {"digest": digest, "digest_seen": at, "is_repushed": sighting.is_repushed}
    connection.execute(update(tags).where(*is_tag).values(values))
    if row is not None and owner is not None:
        keep_event(connection, owner, PushedAgain(at, tag, row.digest, digest), keep_for=keep_for)
    return sighting


def keep_pushes(connection: Connection, repository: Repository, pushed_at: Mapping[str, datetime]) -> None:
    owner = _lock_repository(connection, repository)
    if owner is not None and pushed_at:
        _write_pushes(connection, owner, pushed_at)


def keep_doubt(connection: Connection, repository: Repository, *, at: datetime) -> datetime:
    now = literal(at, Instant)
    since = case((repositories.c.doubted_since < now, repositories.c.doubted_since), else_=now)
    statement = update(repositories).where(*_is_repository(repository)).values(doubted_since=since)
    found = connection.execute(statement.returning(repositories.c.doubted_since)).scalar_one_or_none()
    return at if found is None else found


def _is_repository(repository: Repository) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return repositories.c.registry == repository.registry, repositories.c.path == repository.path


def _lock_repository(connection: Connection, repository: Repository) -> int | None:
    query = select(repositories.c.id).where(*_is_repository(repository)).with_for_update()
    return connection.execute(query).scalar_one_or_none()


def _keep_repository(
    connection: Connection, repository: Repository, listed: TagList, *, at: datetime, known_id: int | None
) -> int:
    row = {
        "listed_at": at,
        "doubted_since": None,
        "fingerprint": listed.fingerprint,
        "tag_count": len(listed.tags),
    }
    if known_id is not None:
        connection.execute(update(repositories).where(repositories.c.id == known_id).values(row))
        return known_id
    statement = upsert(connection, repositories).values(registry=repository.registry, path=repository.path, **row)
    statement = statement.on_conflict_do_update(index_elements=["registry", "path"], set_=row)
    return int(connection.execute(statement.returning(repositories.c.id)).scalar_one())


def _forget_gone(connection: Connection, repository_id: int, *, at: datetime) -> None:
    is_own = tags.c.repository == repository_id
    connection.execute(delete(tags).where(is_own, tags.c.gone_since <= at - _GONE_KEPT))


def _pull_back(connection: Connection, repository_id: int, *columns: Column[datetime], at: datetime) -> None:
    """Let nothing have happened later than now."""
    for column in columns:
        connection.execute(update(tags).where(tags.c.repository == repository_id, column > at).values({column: at}))


# Of all statements it is run most often by far: hardly any poll finds anything new.
_SAME = (
    update(repositories)
    .where(
        repositories.c.registry == bindparam("of_registry"),
        repositories.c.path == bindparam("of_path"),
        repositories.c.fingerprint == bindparam("of_fingerprint"),
        repositories.c.listed_at <= bindparam("at", type_=Instant),
        ~exists().where(failures.c.registry == repositories.c.registry, failures.c.path == repositories.c.path),
        ~exists().where(
            tags.c.repository == repositories.c.id, tags.c.gone_since <= bindparam("gone_until", type_=Instant)
        ),
        ~exists().where(tags.c.repository == repositories.c.id, tags.c.digest_seen > bindparam("at", type_=Instant)),
    )
    .values(listed_at=bindparam("at", type_=Instant), doubted_since=None)
)


class _Instants(dict[int, datetime]):
    """Instants as they are kept, and as they are: most tags of a repository have one of a few."""

    def __missing__(self, microseconds: int) -> datetime:
        instant = self[microseconds] = find_instant(microseconds)
        return instant


def _read_snapshot(
    connection: Connection, repository_id: int, *, repository: Repository, listed_at: datetime
) -> tuple[Snapshot, Set[str]]:
    """Read all that is kept of a repository; second, the tags of it that are not listed any more."""
    instants = _Instants()
    is_own = tags.c.repository == repository_id
    # Most tags came together, and it takes a third of the time to get them so.
    seen = select(tags.c.first_seen, func.aggregate_strings(tags.c.tag, "\n")).where(is_own).group_by(tags.c.first_seen)
    first_seen: dict[str, datetime] = {}
    for at, names in connection.execute(seen):
        first_seen |= dict.fromkeys(names.split("\n"), at)
    pushed = select(tags.c.tag, type_coerce(tags.c.pushed_at, BigInteger)).where(is_own, tags.c.pushed_at.is_not(None))
    pushed_at = {tag: instants[at] for tag, at in connection.execute(pushed).all()}
    sighted = select(tags.c.tag, tags.c.digest, tags.c.digest_seen, tags.c.is_repushed)
    rows = connection.execute(sighted.where(is_own, tags.c.digest_seen.is_not(None)))
    sightings = {tag: Sighting(digest, seen_at, is_repushed) for tag, digest, seen_at, is_repushed in rows}
    gone = set(connection.execute(select(tags.c.tag).where(is_own, tags.c.gone_since.is_not(None))).scalars())
    times = MappingProxyType(first_seen), MappingProxyType(pushed_at)
    return Snapshot(repository, listed_at, *times, MappingProxyType(sightings)), gone


def _list_again(known: Snapshot, listed: Collection[str], pushed_at: Mapping[str, datetime]) -> Snapshot:
    """Make the snapshot that the listing leaves of what is known; what is known bears the instant of the listing."""
    first_seen = {tag: known.first_seen.get(tag, known.listed_at) for tag in listed}
    given = {tag: to_utc(instant) for tag, instant in pushed_at.items() if tag in first_seen}
    remembered = {tag: instant for tag, instant in known.pushed_at.items() if tag in first_seen}
    sightings = {tag: sighting for tag, sighting in known.sightings.items() if tag in first_seen}
    gone = {tag: instant for tag, instant in known.first_seen.items() if tag not in first_seen}
    return replace(
        known,
        first_seen=MappingProxyType(first_seen),
        pushed_at=MappingProxyType(remembered | given),
        sightings=MappingProxyType(sightings),
        gone=MappingProxyType(gone),
    )


def _write_new(connection: Connection, repository_id: int, *, new: Set[str], known: Snapshot, kept: Snapshot) -> None:
    """Write the tags that were not known, and the registry's times that changed."""
    moved = {tag for tag, _ in kept.pushed_at.items() - known.pushed_at.items()} - new
    if new:
        fresh = {"repository": repository_id, "first_seen": kept.listed_at}
        rows = [{**fresh, "tag": tag, "pushed_at": kept.pushed_at.get(tag)} for tag in sorted(new)]
        connection.execute(insert(tags), rows)
    if moved:
        _write_pushes(connection, repository_id, {tag: kept.pushed_at[tag] for tag in moved})


def _write_pushes(connection: Connection, repository_id: int, pushed_at: Mapping[str, datetime]) -> None:
    rows = [{"of": tag, "pushed_at": at} for tag, at in sorted(pushed_at.items())]
    statement = update(tags).where(*_is_bound_tag(repository_id)).values(pushed_at=bindparam("pushed_at"))
    connection.execute(statement, rows)


def _write_gone(connection: Connection, repository_id: int, gone_since: Mapping[str, datetime | None]) -> None:
    """Write which tags are not listed any more, or again."""
    if gone_since:
        rows = [{"of": tag, "gone_since": since} for tag, since in sorted(gone_since.items())]
        statement = update(tags).where(*_is_bound_tag(repository_id)).values(gone_since=bindparam("gone_since"))
        connection.execute(statement, rows)


def _is_bound_tag(repository_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Choose the tag that a row of a statement gives as `of`."""
    return tags.c.repository == repository_id, tags.c.tag == bindparam("of")
