"""What is printed of runs."""

from collections.abc import Sequence

from tests.bench.scale.database import Database
from tests.bench.scale.run import Phase, Report

_MB = 1e6


def print_report(report: Report) -> None:
    """Print what one run took, a line for each thing."""
    size, start, steady = report.size, report.start, report.steady
    what = f"{size.targets} targets, {size.repositories} repositories of {size.tags} tags, {size.files} files a target"
    print(f"{what}, each within {size.interval_s} s, {size.replicas} process(es)")
    print(f"  start     {start.wall_s:.1f} s until each target was updated; {_describe(start)}")
    came = f"{report.updates} updates, {report.failures} failed rounds"
    print(f"  then      {steady.wall_s:.1f} s; {_describe(steady)}; {came}")
    for kind, gaps in report.gaps_s.items():
        longest = f"99 % at most {_pick(gaps, 0.99):.1f} s, longest {_pick(gaps, 1):.1f} s, of {len(gaps)}"
        print(f"  {kind:<9} waited from look to look: median {_pick(gaps, 0.5):.1f} s, {longest}")
    memory = ", ".join(f"{each / _MB:.0f} MB" for each in report.memory_bytes)
    print(f"  memory    {memory}; the store {report.store_bytes / _MB:.1f} MB")
    print(f"  kept up   {'yes' if report.has_kept_up else 'NO'}", flush=True)


def _describe(phase: Phase) -> str:
    own, git = (100 * each / phase.wall_s for each in (phase.usage.cpu_s, phase.usage.children_s))
    asked = ", ".join(f"{count / phase.wall_s:.1f} {name}" for name, count in sorted(phase.requests.items()))
    others = "".join(f", {name} {100 * cpu_s / phase.wall_s:.1f} %" for name, cpu_s in phase.others.items())
    written = phase.usage.written_bytes / _MB
    line = f"CPU {own:.1f} % + git {git:.1f} %{others}; requests a second: {asked}; {written:.1f} MB written"
    if phase.database is None:
        return line
    statements, transactions = (
        each / phase.wall_s for each in (phase.database.statements, phase.database.transactions)
    )
    return f"{line}; {statements:.0f} statements, {transactions:.0f} transactions a second"


def print_statements(database: Database, count: int = 15) -> None:
    """Print which statements were executed most often."""
    for calls, seconds, text in database.list_most_run(count):
        print(f"  {calls:>8} in {seconds:6.2f} s: {' '.join(text.split())[:100]}")


def _pick(gaps: Sequence[float], share: float) -> float:
    """Pick the one than which that share is not longer."""
    return gaps[round(share * (len(gaps) - 1))] if gaps else float("nan")
