"""The change of one file as a unified diff, in the form that `git apply` and `patch` take."""

from collections.abc import Iterator

_CONTEXT = 3
_NO_NEWLINE = "\\ No newline at end of file"


def unified_diff(path: str, before: bytes, after: bytes) -> str:
    """Compare two texts line by line at equal line numbers, as a rewrite never adds or removes a line.

    Empty if nothing differs. Only a line feed ends a line here, as in git; a carriage return is part of its line.
    Raises ValueError if the numbers of lines differ.
    """
    old, new = before.decode(errors="replace").split("\n"), after.decode(errors="replace").split("\n")
    if len(old) != len(new):
        raise ValueError(f"{path}: {len(old)} lines became {len(new)}")
    changed = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    if not changed:
        return ""
    name = _quoted(path)
    lines = [f"--- {name.format('a')}", f"+++ {name.format('b')}"]
    for first, last in _hunks(changed, lines=len(old) - (not old[-1])):
        lines.append(f"@@ -{first + 1},{last - first} +{first + 1},{last - first} @@")
        lines.extend(_hunk(old, new, first=first, last=last))
    return "\n".join(lines) + "\n"


def _hunks(changed: list[int], *, lines: int) -> Iterator[tuple[int, int]]:
    """Yield the half-open ranges of lines to show: changed lines with their context, near ones joined."""
    start, end = changed[0] - _CONTEXT, changed[0] + _CONTEXT + 1
    for index in changed[1:]:
        if index - _CONTEXT > end:
            yield max(start, 0), min(end, lines)
            start = index - _CONTEXT
        end = index + _CONTEXT + 1
    yield max(start, 0), min(end, lines)


def _hunk(old: list[str], new: list[str], *, first: int, last: int) -> Iterator[str]:
    """Yield the lines of one hunk; of a run of changed lines first all old ones, then all new ones, as git does."""
    index = first
    while index < last:
        stop = index
        while stop < last and old[stop] != new[stop]:
            stop += 1
        if stop == index:
            yield from _line(" ", old, index)
            index += 1
            continue
        for sign, text in (("-", old), ("+", new)):
            for at in range(index, stop):
                yield from _line(sign, text, at)
        index = stop


def _line(sign: str, text: list[str], index: int) -> Iterator[str]:
    yield sign + text[index]
    if index == len(text) - 1:
        yield _NO_NEWLINE


def _quoted(path: str) -> str:
    """Return a pattern of the path behind `a/` or `b/`; odd names in git's C quoting."""
    if path.isascii() and path.isprintable() and '"' not in path and "\\" not in path:
        # A tab ends a name that holds blanks, else readers would take what follows the blank for a time stamp.
        return "{}/" + path.replace("{", "{{").replace("}", "}}") + ("\t" if " " in path else "")
    spelled = "".join(
        chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else f"\\{b:03o}" for b in path.encode(errors="surrogateescape")
    )
    return '"{}/' + spelled.replace("{", "{{").replace("}", "}}") + '"'
