"""How the cost grows with each thing that there may be more of: a table in Markdown, and a plot of the same.

python -m tests.bench.scale.growth [docs/scale.svg]
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.scale.plot import Line, Panel, draw
from tests.bench.scale.run import Report, run
from tests.bench.scale.world import Size

_BASE = Size(interval_s=30)
_SETTLED_S = 15.0
_VARIED: Mapping[str, Sequence[int]] = {
    "targets": (5, 20, 80),
    "images": (3, 10, 40),
    "files": (40, 160, 640),
    "tags": (50, 500, 5000),
}
_NAMES = {"targets": "targets", "images": "images a target", "files": "files a target", "tags": "tags a repository"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one size takes: CPU seconds to begin with everything and for each interval after that, and room."""

    start_s: float
    interval_s: float
    memory_mb: float
    store_mb: float

    @classmethod
    def of(cls, report: Report) -> "Cost":
        store_mb = report.store_bytes / 1e6
        return cls(report.start.cpu_s, report.steady.cpu_s, sum(report.memory_bytes) / 1e6, store_mb)


def main() -> None:
    costs: dict[Size, Cost] = {}
    print("| varied | is | repositories | CPU s at the start | CPU s an interval | memory, MB | store, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for field, values in _VARIED.items():
        for value in values:
            size = replace(_BASE, **{field: value})
            if size not in costs:
                costs[size] = Cost.of(run(size, settled_s=_SETTLED_S, measured_s=size.interval_s))
            cost = costs[size]
            row = (_NAMES[field], value, size.repositories, f"{cost.start_s:.1f}", f"{cost.interval_s:.2f}")
            print(f"| {' | '.join(map(str, (*row, f'{cost.memory_mb:.0f}', f'{cost.store_mb:.1f}')))} |", flush=True)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(draw([_make_panel(field, costs) for field in _VARIED], unit="CPU seconds"))


def _make_panel(field: str, costs: Mapping[Size, Cost]) -> Panel:
    found = [(value, costs[replace(_BASE, **{field: value})]) for value in _VARIED[field]]
    start = Line("at the start", [(value, cost.start_s) for value, cost in found])
    interval = Line("an interval", [(value, cost.interval_s) for value, cost in found])
    return Panel(_NAMES[field], [start, interval])


if __name__ == "__main__":
    main()
