"""Three merge requests, byte for byte as reviewers get them; `make pictures` shows them as a forge does.

When a text changes on purpose, look at the pictures, and copy `build/pictures/*.md` to `tests/proposal/texts/`.
"""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from imagebot.proposal.text import make_text
from tests.proposal.examples import Example, make_examples

_TEXTS = Path(__file__).parent / "texts"
_EXAMPLES = [pytest.param(each, id=each.name) for each in make_examples()]


@pytest.mark.parametrize("example", _EXAMPLES)
def test_the_text_is_the_golden_one(example: Example):
    text = make_text(example.group, example.backdrop)

    assert f"# {text.title}\n\n{text.body}" == (_TEXTS / f"{example.name}.md").read_text()


def test_the_same_proposal_has_the_same_text():
    first, second = ([make_text(each.group, each.backdrop) for each in make_examples()] for _ in range(2))

    assert first == second


@pytest.mark.parametrize("example", _EXAMPLES)
def test_all_of_the_markdown_is_read_as_such(example: Example):
    html = MarkdownIt("gfm-like", {"linkify": False}).render(make_text(example.group, example.backdrop).body)

    assert not any(mark in html for mark in ("**", "](", "| ---", "&lt;", "`"))
