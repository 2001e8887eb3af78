"""`imagebot store check` and `imagebot store vacuum`: for the operator of a store."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from imagebot.cli.display import make_console
from imagebot.connect import find_store
from imagebot.proposal.text import format_size
from imagebot.settings.operator import load_settings
from imagebot.store.schema import VERSION
from imagebot.store.upkeep import StoreReport, TableReport, check_store, vacuum_store


def run_store_check(settings: Path, *, as_json: bool) -> int:
    """Show what the store is, and return the exit code: 1 if it is not sound."""
    report = check_store(find_store(load_settings(settings, os.environ)))
    if as_json:
        sys.stdout.write(json.dumps(_summarize(report), indent=2) + "\n")
    else:
        _show(report)
    return 1 if report.faults else 0


def run_store_vacuum(settings: Path, *, is_full: bool, as_json: bool) -> int:
    """Forget what is past its bound, give the space back, and show how much that was."""
    loaded = load_settings(settings, os.environ)
    done = vacuum_store(find_store(loaded), at=datetime.now(UTC), keep_history=loaded.history, is_full=is_full)
    if as_json:
        summary = {
            "store": done.store,
            "forgotten": dict(done.forgotten),
            "before_bytes": done.before_bytes,
            "after_bytes": done.after_bytes,
        }
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
        return 0
    rows = ", ".join(f"{count} of {name}" for name, count in sorted(done.forgotten.items()))
    console = make_console()
    console.print(f"{done.store}: {format_size(done.before_bytes)}, now {format_size(done.after_bytes)}", markup=False)
    console.print(f"Forgotten, as it is kept for no longer: {rows or 'nothing'}.", markup=False)
    return 0


def _show(report: StoreReport) -> None:
    console = make_console()
    if report.faults:
        console.print(f"{report.store} is broken:", markup=False)
        for fault in report.faults:
            console.print(f"  {fault}", markup=False)
        console.print("Stop imagebot, delete the store and start again: only first-seen times and history are lost.")
        return
    console.print(f"{report.store} is sound: version {report.version}, {format_size(report.size_bytes)}", markup=False)
    if report.is_older:
        console.print(f"The next command that uses it brings it forward to version {VERSION}.")
    table = Table(box=None, pad_edge=False)
    table.add_column("table")
    table.add_column("rows", justify="right")
    table.add_column("oldest")
    table.add_column("newest")
    for each in report.tables:
        instants = (f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (each.oldest, each.newest))
        table.add_row(each.name, str(each.rows), *instants)
    console.print(table)


def _summarize(report: StoreReport) -> dict[str, object]:
    return {
        "store": report.store,
        "version": report.version,
        "size_bytes": report.size_bytes,
        "faults": list(report.faults),
        "tables": [_summarize_table(each) for each in report.tables],
    }


def _summarize_table(table: TableReport) -> dict[str, object]:
    oldest, newest = (at.isoformat() if at else None for at in (table.oldest, table.newest))
    return {"table": table.name, "rows": table.rows, "oldest": oldest, "newest": newest}
