"""Whatever comes from outside is text in the rendered merge request, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from imagebot.proposal.markup import cell, code, hidden, visible

_RENDERER = MarkdownIt("commonmark").enable("table")

HOSTILE = [
    pytest.param("`", id="a backquote"),
    pytest.param("a``b`", id="several backquotes"),
    pytest.param("</code><script>alert(1)</script>", id="HTML"),
    pytest.param("**bold** [link](javascript:x) ![](http://x)", id="Markdown"),
    pytest.param("@all #1 !2", id="mentions and references"),
    pytest.param("x\n/merge", id="a quick action on a line of its own"),
    pytest.param("a|b", id="a bar, which ends a cell"),
    pytest.param("safe\u202egpj.exe", id="right to left"),
    pytest.param("zero\u200bwidth", id="zero width"),
    pytest.param("\x1b[31mred", id="an escape sequence"),
    pytest.param(" padded ", id="blanks at the ends"),
    pytest.param("\\", id="a backslash"),
]


def _inline_kinds(markdown: str) -> list[tuple[str, str]]:
    (block,) = [token for token in _RENDERER.parse(markdown) if token.type == "inline"]
    return [(child.type, child.content) for child in block.children or []]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_code_span_holds_the_visible_text_and_nothing_else(text):
    assert _inline_kinds(code(text)) == [("code_inline", visible(text))]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_stays_one_cell(text):
    html = _RENDERER.render(f"| a | b |\n| --- | --- |\n| {cell(text)} | end |\n")

    assert html.count("<td>") == 2
    assert "<td>end</td>" in html


@pytest.mark.parametrize("text", HOSTILE)
def test_no_line_begins_with_what_comes_from_outside(text):
    assert "\n" not in code(text)


@given(st.text(max_size=30))
def test_visible_text_has_no_character_that_is_not_seen(text):
    assert all(c.isprintable() for c in visible(text))


def test_an_empty_text_is_shown_as_such():
    assert code("") == "(empty)"


@pytest.mark.parametrize("text", ["a\nb", "a-->b", "a--b"])
def test_a_text_that_would_end_its_comment_is_a_bug(text):
    with pytest.raises(ValueError, match="end its comment"):
        hidden(text)
