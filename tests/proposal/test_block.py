"""The hidden block is what the next round knows of a merge request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.proposal.block import Block, find_block, format_block, replace_block
from tests.proposal.builders import DIGEST_1, DIGEST_2, DIGEST_3, make_choices, make_follower, make_group, see

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


def test_who_declines_a_digest_declines_exactly_that_one_and_not_the_next():
    files = {"a.yaml": f"image: nginx:latest@{DIGEST_1}\n".encode()}
    proposed = [
        make_group(
            make_choices(files, {"nginx": ["latest"]}, [make_follower("latest")], sightings={"latest": see(digest)})
        ).proposed
        for digest in (DIGEST_2, DIGEST_3)
    ]

    closed = find_block(format_block(Block("docker.io/library/nginx", proposed[0], "x")))

    assert closed is not None
    assert set(closed.proposed) == {f"latest@{DIGEST_2}"}
    assert set(closed.proposed).isdisjoint(proposed[1])


def test_who_declines_a_tag_declines_it_whatever_its_digest():
    files = {"a.yaml": f"image: nginx:1.0.0@{DIGEST_1}\n".encode()}
    tags = {"nginx": ["1.0.0", "1.1.0"]}

    proposed = [
        make_group(make_choices(files, tags, sightings={"1.1.0": see(digest)})).proposed
        for digest in (DIGEST_2, DIGEST_3)
    ]

    assert proposed == [("1.1.0",), ("1.1.0",)]
