"""How text from outside becomes text, and nothing else: in the Markdown of a merge request, in titles and in commits.

Tags, file names and reasons may hold anything. In a code span no Markdown, HTML, mention (`@name`) or reference (`!12`)
is read, and as no line can begin inside one, neither is a quick action (`/merge`). Titles and commit messages have no
code spans: what forges would read there is spelled otherwise.
"""

import re
from collections.abc import Sequence

# Characters that count as printable and show nothing.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
# `#12`, `@name`, `!1`, `&1`, `%1`, `$1`, `~1`, `[skip ci]`, `:bug:`, `GH-1`; but `latest@sha256:...` names nobody.
_MEANT_FOR_FORGES = re.compile(
    r"""[#!&%$~[](?=[\w"'{])|(?<!\w)@|@(?!sha(?:256|384|512):)|:(?=[\w+-]+:)|(?<=\bgh)-(?=\d)|(?<=\bgl)-(?=\d)|<(?=!--)|`""",
    re.IGNORECASE,
)
_UNSAFE_IN_URL = re.compile(r"[^A-Za-z0-9._~:/?#@!$,=%+-]")


def visible(text: str) -> str:
    """Spell out every character that would not be seen, or would reorder its neighbours, as `\\u{202E}`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() and not _BLANK.match(c) else _spell(c) for c in text)


def plain(text: str) -> str:
    """Show a text in a title or a commit message, on one line, in which forges read nothing but text."""
    return _MEANT_FOR_FORGES.sub(lambda match: _spell(match.group()), visible(text))


def code(text: str) -> str:
    """Show a text in a code span (CommonMark 0.31 §6.1): with a fence longer than any run of backquotes inside.

    What would begin a comment is spelled otherwise as well, lest a text be taken for the block of `block.py`.
    """
    shown = visible(text).replace("<!--", f"{_spell('<')}!--")
    if not shown:
        return "(empty)"
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str) -> str:
    """Show a text in a code span inside a table, where a bar would end the cell even in code (GFM §4.10).

    Readers of Markdown differ in what a backslash before it means if there is another one before that.
    """
    return code(visible(text).replace("|", _spell("|")))


def link(markdown: str, url: str | None) -> str:
    """Make a link of our own Markdown; without an address it stays as it is.

    What of the address could end it is percent-encoded.
    """
    return markdown if url is None else f"[{markdown}]({_UNSAFE_IN_URL.sub(_quote, url)})"


def _quote(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode(errors="surrogatepass"))


def fold(summary: str, markdown: str) -> str:
    """Hide Markdown behind a line that opens it; both are our own."""
    return f"<details>\n<summary>{summary}</summary>\n\n{markdown}\n\n</details>"


def list_some(items: Sequence[str], *, most: int) -> str:
    """Join what is Markdown already, and count what is more than that."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def hidden(text: str) -> str:
    """Make an HTML comment of one line; the text must not hold what ends one, as JSON of `block.py` does not."""
    if "\n" in text or "--" in text or ">" in text:
        raise ValueError("this text would end its comment")
    return f"<!-- {text} -->"


def _spell(character: str) -> str:
    return f"\\u{{{ord(character):04X}}}"
