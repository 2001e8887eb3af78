"""What the commands print: tables, diffs and lists, in colour on a terminal and plain in a pipe.

All that comes from outside is printed as text: control characters are spelled out, and no markup of the terminal
library is read in it.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from imagebot.policy.version import Jump
from imagebot.proposal.markup import visible
from imagebot.proposal.moves import name_written, shorten
from imagebot.proposal.plan import Change

if TYPE_CHECKING:
    from imagebot.image.reference import Repository

# In a pipe nothing is folded: whoever reads it there has no width.
_PIPE_WIDTH = 400
# Wider than any row that fits a console.
_WIDEST_ROW = 10_000

_HEADINGS = ("IMAGE", "NOW", "PROPOSED", "CHANGE", "WHERE", "ALLOWED BY")
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan", " ": "", "\\": "dim"}


def make_console(*, widest: int = _PIPE_WIDTH) -> Console:
    """Make a console for standard output, of a terminal's width or of the widest that is wanted."""
    console = Console(highlight=False)
    if not console.is_terminal or console.width > widest:
        console = Console(highlight=False, width=widest)
    return console


def show_changes(console: Console, changes: Iterable[Change]) -> None:
    """Print each move of an image from one tag or digest to another: a table, or a list where that is too wide.

    The places are in the diff.
    """
    moves: dict[tuple[Repository, str, str, str], list[Change]] = {}
    for change in changes:
        entry = f"{change.governed.entry.label}, {change.governed.entry.rules}"
        key = (change.governed.repository, name_written(change), shorten(change.proposed), entry)
        moves.setdefault(key, []).append(change)
    rows = [
        _make_row(image.familiar, old, new, entry, together)
        for (image, old, new, entry), together in sorted(
            moves.items(), key=lambda move: (str(move[0][0]), *move[0][1:])
        )
    ]
    table = Table(*_HEADINGS, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*row)
    unfolded = console.options.update(width=_WIDEST_ROW)
    if console.measure(table, options=unfolded).maximum <= console.width:
        console.print(table)
        return
    for image, old_tag, new_tag, jump, where, allowed_by in rows:
        console.print(Text.assemble(image, "\n  ", old_tag, " → ", new_tag, " ", jump, "\n  ", where), soft_wrap=True)
        console.print(Text.assemble("  ", allowed_by), soft_wrap=True)


def _make_row(image: str, old: str, new: str, entry: str, together: Sequence[Change]) -> tuple[Text, ...]:
    jump = together[0].selection.jump
    kind = (jump.value if jump else "") if together[0].moves_tag else "digest"
    return (
        Text(image, style="bold"),
        Text(old),
        Text(new, style="green"),
        Text(kind, style="bold yellow" if jump is Jump.MAJOR else ""),
        Text(_describe_places(together)),
        Text(entry, style="dim"),
    )


def _describe_places(changes: Sequence[Change]) -> str:
    if len(changes) == 1:
        return f"{visible(changes[0].path)}:{changes[0].line}"
    return f"{len(changes)} places in {count(len({change.path for change in changes}), 'file')}"


def show_diff(console: Console, diff: str) -> None:
    """Print a unified diff: in colour on a terminal, and as it is, for `git apply`, in a pipe."""
    if not console.is_terminal:
        console.file.write(diff)
        return
    text = Text()
    for line in diff.removesuffix("\n").split("\n"):
        is_header = line.startswith(("--- ", "+++ "))
        text.append(visible_line(line) + "\n", style="bold" if is_header else _DIFF_STYLES.get(line[:1], ""))
    console.print(text, soft_wrap=True, end="")


def visible_line(line: str) -> str:
    """Spell out what a terminal would obey; a tab stays, the carriage return of a CRLF is left out."""
    return "\t".join(visible(part) for part in line.removesuffix("\r").split("\t"))


def show_list(console: Console, heading: str, lines: Sequence[str], *, style: str = "") -> None:
    """Print a heading and an indented line for each; nothing if there are none."""
    if not lines:
        return
    console.print(f"\n[bold]{escape(heading)}[/bold]")
    for line in lines:
        console.print(Text("  " + visible(line), style=style), soft_wrap=True)


def count(number: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
