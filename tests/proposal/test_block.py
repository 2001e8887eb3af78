"""The hidden block is what the next round knows of a merge request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.proposal.block import Block, find_block, format_block, make_block, remove_block


@given(
    st.builds(Block, st.text(max_size=50), st.lists(st.text(max_size=20), max_size=3).map(tuple), st.text(max_size=16))
)
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


def test_the_fingerprint_tells_proposals_apart_by_each_part_and_not_by_order():
    changes = [("a.yaml", "x:1", "2"), ("b.yaml", "x:1", "2")]

    same = make_block("x", list(reversed(changes)))
    others = [
        [("other", "x:1", "2"), changes[1]],
        [("a.yaml", "x:0", "2"), changes[1]],
        [("a.yaml", "x:1", "3"), changes[1]],
    ]

    assert make_block("x", changes) == same
    assert all(make_block("x", other).fingerprint != same.fingerprint for other in others)


@given(st.builds(Block, st.text(max_size=50), st.just(("1",)), st.just("x")))
def test_a_removed_block_is_not_found(block):
    assert find_block(remove_block(f"some text\n\n{format_block(block)}\n")) is None
