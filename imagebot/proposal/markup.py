"""How text from outside becomes text, and nothing else, in the Markdown of a merge request.

Tags, file names and reasons may hold anything. In a code span no Markdown, HTML, mention (`@name`) or reference (`!12`)
is read, and as no line can begin inside one, neither is a quick action (`/merge`).
"""

import re


def visible(text: str) -> str:
    """Spell out every character that would not be seen, or would reorder its neighbours, as `\\u{202E}`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):04X}}}" for c in text)


def code(text: str) -> str:
    """Show a text in a code span (CommonMark 0.31 §6.1): with a fence longer than any run of backquotes inside."""
    shown = visible(text)
    if not shown:
        return "(empty)"
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str) -> str:
    """Show a text in a code span inside a table cell, where a bar would end the cell even in code (GFM §4.10)."""
    return code(text).replace("|", "\\|")


def hidden(text: str) -> str:
    """Make an HTML comment of one line; the text must not hold what ends one, as JSON of `block.py` does not."""
    if "\n" in text or "--" in text or ">" in text:
        raise ValueError("this text would end its comment")
    return f"<!-- {text} -->"
