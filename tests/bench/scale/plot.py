"""Small plots as SVG, with both axes logarithmic."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _MARGIN, _GAP = 200, 180, 44, 24
_COLOURS = ("#c2571a", "#1a73c2")
_GREY = "#808080"


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines over one cause."""

    name: str
    lines: Sequence[Line]


def draw(panels: Sequence[Panel], *, unit: str) -> str:
    """Draw the panels beside each other, with one scale for what they cost; readable on light and on dark."""
    costs = [cost for panel in panels for line in panel.lines for _, cost in line.points]
    low, high = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))
    width = _MARGIN + len(panels) * (_WIDTH + _GAP)
    height = _HEIGHT + 2 * _MARGIN
    box = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="{_GREY}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        f"<title>{unit} over {', '.join(panel.name for panel in panels)}</title>",
    ]
    for power in range(low, high + 1):
        y = _place_y(10.0**power, low, high)
        parts.append(f'<text x="{_MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for number, panel in enumerate(panels):
        left = _MARGIN + number * (_WIDTH + _GAP)
        parts += _draw_panel(panel, left, low, high)
    for number, line in enumerate(panels[0].lines):
        x = _MARGIN + number * 160
        parts.append(f'<text x="{x}" y="{height - 6}" fill="{_COLOURS[number]}">{unit} {line.name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _draw_panel(panel: Panel, left: float, low: int, high: int) -> Iterator[str]:
    values = [value for value, _ in panel.lines[0].points]
    first, last = math.log10(values[0]), math.log10(values[-1])

    def place_x(value: float) -> float:
        return left + 10 + (_WIDTH - 20) * (math.log10(value) - first) / (last - first)

    yield f'<rect x="{left}" y="{_MARGIN / 2}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="{_GREY}"/>'
    bottom = _MARGIN / 2 + _HEIGHT
    for power in range(low, high + 1):
        y = _place_y(10.0**power, low, high)
        yield f'<line x1="{left}" y1="{y:.1f}" x2="{left + _WIDTH}" y2="{y:.1f}" stroke="{_GREY}" opacity="0.3"/>'
    for value in values:
        yield f'<text x="{place_x(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
    yield f'<text x="{left + _WIDTH / 2}" y="{bottom + 34}" text-anchor="middle">{panel.name}</text>'
    for line, colour in zip(panel.lines, _COLOURS, strict=True):
        places = [(place_x(value), _place_y(cost, low, high)) for value, cost in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def _place_y(cost: float, low: int, high: int) -> float:
    return _MARGIN / 2 + _HEIGHT * (high - math.log10(cost)) / (high - low)
