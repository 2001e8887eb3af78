"""Templates of YAML: where their actions stand, and the same text with the actions masked, so that YAML can be read.

An action is `{{ … }}`, `{% … %}` or `{# … #}`, as Go's text/template and Jinja write them. A mask has the length of
what it hides, in characters, and the same line ends: whatever is found in a masked text stands at the same place in
the original. What the actions do is not asked.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

BLANKS = (" ", "#")
"""What can stand for a line of nothing but actions; the second makes it a comment."""

_ENDINGS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_OPENING = re.compile(r"\{\{|\{%|(?<!\$)\{\#")  # `${#` is the shell's length of a variable
_STRING = r""" "(?: [^"\\\r\n]++ | \\[^\r\n] )*+" | '(?: [^'\\\r\n]++ | \\[^\r\n] )*+' """
# Strings and comments may hold what else would end the action. Nothing here goes back over what it has matched.
_ACTION = re.compile(
    rf"""
    \{{\{{ (?: [^\}}"'`/]++ | {_STRING} | `[^`]*+` | /\*.*?\*/ | /(?!\*) | \}}(?!\}}) )*+ \}}\}}
  | \{{%   (?: [^%"']++ | {_STRING} | %(?!\}}) )*+ %\}}
  | \{{\#  .*? \#\}}
    """,
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_END_OF_RAW = re.compile(r"\{%[-+]?\s*endraw\b")
_LINE_END = re.compile(r"\r\n|\r|\n")
_NO_LINE_END = re.compile(r"[^\r\n]")
_BLANK = " \t\r\n\ufeff"
_KEY_CHARACTERS = 20
_END_OF_KEY = re.compile(r"[\w\"']:[ \t]+\Z")
_REST_OF_LINE = re.compile(r"[ \t]*(?:[\r\n]|\Z)")

Span = tuple[int, int]


def find_actions(text: str) -> tuple[Span, ...] | None:
    """Return the actions in order, in characters, half-open; None if one does not end, so that this is no template.

    Between Jinja's `raw` and `endraw` an opening that does not end there is text, and so is one whose end the text has
    nowhere, as in `{%h}`.
    """
    openings = {opening for opening, ending in _ENDINGS.items() if ending in text}
    ends_of_raw = [match.start() for match in _END_OF_RAW.finditer(text)]
    spans: list[Span] = []
    position, limit = 0, len(text)
    while position < len(text):
        opening = _OPENING.search(text, position, limit)
        if opening is not None and opening.group() not in openings:
            position = opening.end()
            continue
        action = _ACTION.match(text, opening.start(), limit) if opening is not None else None
        if action is None:
            if opening is not None and limit == len(text):
                return None
            position, limit = limit, len(text)
            continue
        spans.append(action.span())
        position = action.end()
        if limit == len(text) and _RAW.fullmatch(action.group()):
            number = bisect_left(ends_of_raw, position)
            limit = ends_of_raw[number] if number < len(ends_of_raw) else len(text)
    return tuple(spans)


def mask(text: str, *, blank: str) -> str | None:
    """Return the text with its actions masked, or None if there are none or one does not end.

    Where actions have their lines for themselves, or share them with a comment only, every character becomes `blank`;
    elsewhere an action becomes a word of `x`, and what it has on further lines becomes spaces. One that stands behind a
    key and writes a block below it (`nindent`) becomes spaces, for the file may go on with that block.
    """
    actions = find_actions(text)
    if not actions:
        return None
    pieces: list[str] = []
    end = 0
    for group, is_alone in _group_by_line(text, actions):
        for start, stop in group:
            action = text[start:stop]
            is_block = not is_alone and _is_block(text, start, stop)
            filled = _fill(action, blank) if is_alone else _fill(action, " ") if is_block else _fill_within(action)
            pieces += [text[end:start], filled]
            end = stop
    return "".join([*pieces, text[end:]])


def _group_by_line(text: str, actions: tuple[Span, ...]) -> Iterator[tuple[list[Span], bool]]:
    """Yield the actions that share lines, and whether nothing else but perhaps a comment stands on these."""
    starts = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]
    group: list[Span] = []
    for action in actions:
        if group and starts[bisect_right(starts, group[-1][1] - 1)] <= action[0]:
            yield group, _is_alone(text, group, starts)
            group = []
        group.append(action)
    yield group, _is_alone(text, group, starts)


def _is_alone(text: str, group: list[Span], starts: list[int]) -> bool:
    first, last = starts[bisect_right(starts, group[0][0]) - 1], starts[bisect_right(starts, group[-1][1] - 1)]
    bounds = [first, *(bound for span in group for bound in span), last]
    rest = "".join(text[start:end] for start, end in list(pairwise(bounds))[::2]).strip(_BLANK)
    return not rest or rest.startswith("#")


def _is_block(text: str, start: int, stop: int) -> bool:
    """Whether an action behind a key writes lines below it, to which lines of the file may be added."""
    is_value = _END_OF_KEY.search(text, max(0, start - _KEY_CHARACTERS), start)
    return bool(is_value and _REST_OF_LINE.match(text, stop) and "nindent" in text[start:stop])


def _fill(action: str, blank: str) -> str:
    return _NO_LINE_END.sub(blank, action)


def _fill_within(action: str) -> str:
    end = _LINE_END.search(action)
    first = end.start() if end else len(action)
    return "x" * first + _fill(action[first:], " ")
