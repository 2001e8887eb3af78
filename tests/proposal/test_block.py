"""The hidden block is what the next round knows of a merge request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.proposal.block import Block, find_block, format_block, replace_block

_TAGS = st.lists(st.text(max_size=20), max_size=3).map(tuple)
_BLOCKS = st.builds(Block, st.text(max_size=50), _TAGS, st.text(max_size=16), _TAGS, is_retired=st.booleans())


@given(_BLOCKS)
def test_a_block_is_read_as_it_was_written(block):
    assert find_block(f"some text\n\n{format_block(block)}\n") == block


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="no text"),
        pytest.param("<!-- imagebot {not json} -->", id="no JSON"),
        pytest.param('<!-- imagebot {"image": 3, "tags": [], "changes": ""} -->', id="another type"),
        pytest.param('<!-- imagebot {"image": "x"} -->', id="a part is missing"),
        pytest.param("<!-- something else -->", id="another comment"),
    ],
)
def test_a_text_without_a_readable_block_has_none(text):
    assert find_block(text) is None


def test_the_last_block_counts():
    first, last = Block("a", ("1",), "x"), Block("b", ("2",), "y")

    assert find_block(format_block(first) + "\n" + format_block(last)) == last


@given(_BLOCKS, _BLOCKS)
def test_a_block_takes_the_place_of_another_and_the_text_stays(old, new):
    text = replace_block(f"some text\n\n{format_block(old)}\n", new)

    assert find_block(text) == new
    assert text == f"some text\n\n{format_block(new)}\n"


def test_a_block_may_hold_many_tags():
    block = Block("x", tuple(f"{n}-{'x' * 100}" for n in range(400)), "y")

    assert find_block(format_block(block)) == block
