"""Templates of YAML: where their actions stand, and the same text with the actions masked, so that YAML can be read.

An action is `{{ … }}`, `{% … %}` or `{# … #}`, as Go's text/template and Jinja write them. A mask has the length of
what it hides, in characters, and the same line ends: whatever is found in a masked text stands at the same place in
the original. What the actions do is not asked.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
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

# Where an action stands that takes away the blanks and line ends before it.
_TRIMMING = re.compile(r"\s*(?=\{[{%#]-)")
_BLANKS_OF_LINE = re.compile(r"[ \t]*")
_BLANKS_AND_LINES = re.compile(r"\s*")
_WORD = re.compile(r"\{[{%]-?\s*(\w+|/\*|\$[^=\s]*\s*(?:,\s*\$\w+\s*)?:?=)?")
_SILENT = frozenset(["if", "end", "range", "with", "break", "continue", "/*"])
# What comes behind these is no part of what comes before.
_TURNS = frozenset(["define", "else", "elif", "elsif", "macro"])

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


def goes_on(text: str, end: int, actions: Mapping[int, int]) -> bool:
    """Whether a template may write more right behind the text that ends there, from one of the lines below it.

    That is so where `{{-` takes away the line ends between both, and what it writes begins no line: it may be the
    suffix of a tag. `actions` are the ends of the actions by their starts.
    """
    start = _find_trimming(text, end)
    while start in actions:
        stop = actions[start]
        writes = _writes(text[start:stop])
        if writes is not None:
            return writes
        takes_more = text[stop - 3] == "-"
        blanks = (_BLANKS_AND_LINES if takes_more else _BLANKS_OF_LINE).match(text, stop)
        start = blanks.end() if blanks is not None else stop
        if start in actions or start == len(text):
            continue
        if takes_more or text[start] not in "\r\n":
            return True
        start = _find_trimming(text, stop)
    return False


def _find_trimming(text: str, end: int) -> int:
    """Find the action that takes away what stands between it and the text; -1 if there is none."""
    match = _TRIMMING.match(text, end)
    return -1 if match is None else match.end()


def _writes(action: str) -> bool | None:
    """Whether an action goes on with the line before it; None if it writes nothing, and what is behind it may do so."""
    match = _WORD.match(action)
    word = match[1] if match is not None and match[1] else ""
    if "nindent" in action or word in _TURNS:
        return False
    is_silent = word in _SILENT or word.endswith("=") if action.startswith("{{") else word != "include"
    return None if is_silent else True


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
