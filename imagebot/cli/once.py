"""`imagebot once`: one poll and one update of every target, with progress on a terminal, then the summary."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from imagebot.cli.display import count, make_console, show_list
from imagebot.connect import find_store
from imagebot.errors import NeedsOperator
from imagebot.log import log
from imagebot.once import Once, ReportProgress, Stage
from imagebot.proposal.choose import list_held, list_stuck, list_unfit
from imagebot.proposal.markup import visible
from imagebot.proposal.outcome import Action, Outcome
from imagebot.proposal.survey import Survey
from imagebot.registry.pacing import Pacing
from imagebot.settings.operator import load_settings
from imagebot.store.store import Store

_STYLES = {
    Action.OPENED: "bold green",
    Action.MOVED: "green",
    Action.RETOLD: "green",
    Action.CLOSED: "cyan",
    Action.DECLINED: "dim",
    Action.UNCHANGED: "dim",
    Action.WAITING: "dim",
    Action.LEFT_ALONE: "yellow",
    Action.FAILED: "bold red",
}


def run_once(
    settings_file: Path, *, is_dry: bool, as_json: bool, now: datetime | None = None, pacing: Pacing | None = None
) -> int:
    """Run, show the summary, and return the exit code.

    Without `now` and `pacing` the time is that of this machine.
    """
    settings = load_settings(settings_file, os.environ)
    if not settings.targets:
        raise NeedsOperator(f"{settings_file} names no targets: add the git repo to keep up to date under `targets`")
    with Store.open(find_store(settings), history=settings.history) as store, _show_progress() as progress:
        if store.set_aside:
            log.warning("store_set_aside", store=store.name, moved_to=str(store.set_aside))
        outcomes = Once(settings, store, now or datetime.now(UTC), progress, is_dry, pacing).run()
    if as_json:
        sys.stdout.write(json.dumps([outcome.summarize() for outcome in outcomes], indent=2) + "\n")
    else:
        show_outcomes(make_console(), outcomes)
    return find_exit_code(outcomes)


def find_exit_code(outcomes: Sequence[Outcome]) -> int:
    """Find the code that the outcomes amount to: 3 if there was a bug, 1 if another error, 0 if all is done."""
    if any(outcome.has_met_bug for outcome in outcomes):
        return 3
    return 1 if any(outcome.has_failed for outcome in outcomes) else 0


@contextmanager
def _show_progress() -> Iterator[ReportProgress]:
    """Show a bar on standard error while a stage runs, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {stage: bars.add_task(stage.value, total=None, visible=False) for stage in Stage}
        yield lambda stage, done, total: bars.update(tasks[stage], completed=done, total=total, visible=True)


def show_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print what came of each target."""
    for outcome in outcomes:
        head = f" at {outcome.head[:10]}" if outcome.head else ""
        console.print(Text.assemble((outcome.target, "bold"), head, " (dry run)" if outcome.is_dry else ""))
        for line in outcome.error.splitlines():
            console.print(Text(f"  {visible(line)}", style="red"), soft_wrap=True)
        for line in outcome.warnings:
            console.print(Text(f"  {visible(line)}", style="yellow"), soft_wrap=True)
        show_results(console, outcome)
        if outcome.survey is not None:
            _show_rest(console, outcome, outcome.survey)
        console.print()


def show_results(console: Console, outcome: Outcome) -> None:
    """Print what was done about each branch, or would have been."""
    for result in outcome.results:
        line = Text.assemble("  ", (f"{result.action.value:<10}", _STYLES[result.action]), " ", visible(result.title))
        console.print(line, soft_wrap=True)
        for text in (result.url or result.branch, result.detail, *(str(each) for each in result.refused)):
            if text:
                console.print(Text(f"{'':13}{visible(text)}", style="dim"), soft_wrap=True)


def _show_rest(console: Console, outcome: Outcome, found: Survey) -> None:
    """Print what was not looked at, and a line that sums up."""
    unasked = [f"{image}: {reason}" for image, reason in outcome.unlisted.items()]
    lists: Sequence[tuple[str, Sequence[str], str]] = (
        ("Not decided", unasked, "red"),
        ("No tag to move to", list_stuck(outcome.choices), ""),
        ("Passed over for their images", list_unfit(outcome.choices), ""),
        ("Digests left as they are", list_held(outcome.choices), ""),
        ("Waiting", outcome.waiting, ""),
        ("Left alone", [str(each) for each in found.left_alone], ""),
        ("Not read", [str(each) for each in found.unreadable], "yellow"),
    )
    for heading, lines, style in lists:
        show_list(console, heading, lines, style=style)
    if any(lines for _, lines, _ in lists):
        console.print()
    quiet = "" if outcome.results else "nothing to do; "
    others = f", {count(len(found.ungoverned), 'place')} that no entry governs" if found.ungoverned else ""
    console.print(f"  {quiet}{count(len(found.repositories), 'image')} looked at{others}")
