"""What an operator may want to know of a store, and do for it: is it sound, how large is it, give space back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Engine, Table, func, inspect, select, text

from imagebot.store.engine import is_file, limit_transaction, make_engine, without_transactions
from imagebot.store.fault import StoreBroken, StoreUnavailable, as_store_errors
from imagebot.store.opening import find_version, open_engine
from imagebot.store.place import Place, name_place
from imagebot.store.retention import sweep
from imagebot.store.schema import VERSION, Instant, metadata

_MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class TableReport:
    """How many rows a table has, and the oldest and newest instant in them; None where it has no row, or no instant."""

    name: str
    rows: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What a store is found to be. Without `faults` it is sound."""

    store: str
    version: int
    size_bytes: int
    tables: tuple[TableReport, ...]
    faults: tuple[str, ...]

    @property
    def is_older(self) -> bool:
        """Whether it is brought forward by whoever uses it next."""
        return self.version < VERSION


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What was forgotten, as rows by table, and the sizes before and after."""

    store: str
    forgotten: Mapping[str, int]
    before_bytes: int
    after_bytes: int


def check_store(place: Place) -> StoreReport:
    """Look at a store as it is: it is neither made nor brought forward, and nothing is set aside.

    Raises StoreUnavailable, also if it is not there, StoreRefused, StoreBusy, StoreAway.
    """
    name = name_place(place)
    if isinstance(place, Path) and not place.is_file():
        raise StoreUnavailable(name, "there is no such file; imagebot makes it when it runs")
    engine = make_engine(place, busy_timeout_s=30)
    try:
        with as_store_errors(name), limit_transaction(engine, immediate=False).begin() as connection:
            version = find_version(connection, name)
            if version is None:
                raise StoreUnavailable(name, "it is empty; imagebot fills it when it runs")
            faults = _find_faults(connection)
            there = set(inspect(connection).get_table_names())
            tables = () if faults else tuple(_report(connection, each) for each in _list_tables() if each.name in there)
            return StoreReport(name, version, _measure(connection), tables, faults)
    except StoreBroken as error:
        return StoreReport(name, 0, place.stat().st_size if isinstance(place, Path) else 0, (), (error.reason,))
    finally:
        engine.dispose()


def vacuum_store(place: Place, *, at: datetime, keep_history: timedelta, is_full: bool = False) -> Vacuumed:
    """Forget what is past its bound, and give back the space; others may use the store meanwhile.

    On PostgreSQL only `is_full` makes files smaller, and whoever uses a table then waits. Raises what opening and
    `check_store` do, and StoreUnavailable if it is not sound.
    """
    name = name_place(place)
    if check_store(place).faults:
        raise StoreUnavailable(name, "it is broken; `imagebot store check` says what is wrong with it")
    engine, _ = open_engine(place, busy_timeout_s=30)
    try:
        with as_store_errors(name):
            before = _measure_by(engine)
            forgotten = sweep(
                lambda *, immediate: limit_transaction(engine, immediate=immediate).begin(),
                at=at,
                keep_history=keep_history,
            )
            with without_transactions(engine).connect() as connection:
                _vacuum(connection, is_full=is_full)
            return Vacuumed(name, forgotten, before, _measure_by(engine))
    finally:
        engine.dispose()


def _vacuum(connection: Connection, *, is_full: bool) -> None:
    if is_file(connection):
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    connection.exec_driver_sql("SET statement_timeout = 0")
    options = "FULL, ANALYZE" if is_full else "ANALYZE"
    connection.exec_driver_sql(f"VACUUM ({options}) {', '.join(table.name for table in _list_tables())}")


def _list_tables() -> list[Table]:
    return metadata.sorted_tables


def _find_faults(connection: Connection) -> tuple[str, ...]:
    """Ask SQLite what is wrong with the file; of PostgreSQL's it is the server that knows."""
    if not is_file(connection):
        return ()
    found = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_FAULTS})").scalars().all()
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    faults = [str(each) for each in found if each != "ok"]
    return (*faults, *([f"{len(orphans)} rows belong to nothing"] if orphans else []))


def _report(connection: Connection, table: Table) -> TableReport:
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    instants = [column for column in table.columns if isinstance(column.type, Instant) and column.name in there]
    instant: ColumnElement[datetime] | None = instants[0] if instants else None
    if instant is None:
        return TableReport(
            table.name, connection.execute(select(func.count()).select_from(table)).scalar_one(), None, None
        )
    query = select(func.count(), func.min(instant, type_=Instant), func.max(instant, type_=Instant)).select_from(table)
    return TableReport(table.name, *connection.execute(query).one())


def _measure_by(engine: Engine) -> int:
    with limit_transaction(engine, immediate=False).begin() as connection:
        return _measure(connection)


def _measure(connection: Connection) -> int:
    """Measure the store in bytes, with its indexes; of a file without what waits in its log."""
    if is_file(connection):
        pages, page_bytes = (
            connection.exec_driver_sql(f"PRAGMA {each}").scalar_one() for each in ("page_count", "page_size")
        )
        return int(pages * page_bytes)
    names = [table.name for table in _list_tables()]
    query = text(
        "SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0) FROM unnest(CAST(:names AS text[])) AS name"
    )
    return int(connection.execute(query, {"names": names}).scalar_one())
