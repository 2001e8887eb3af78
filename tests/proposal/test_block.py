"""The hidden block is what the next round knows of a merge request; what people write beside it is theirs."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.proposal.block import (
    Block,
    compose_body,
    count_foreign,
    find_block,
    format_block,
    make_block,
    make_place,
    replace_block,
)
from imagebot.proposal.group import GroupKey, GroupKind, Pair
from imagebot.proposal.plan import make_changes, make_groups
from imagebot.proposal.request_rules import GroupBy
from tests.proposal.builders import (
    DIGEST_1,
    DIGEST_2,
    DIGEST_3,
    NOW,
    make_choices,
    make_entry,
    make_follower,
    make_group,
    see,
)

_KEYS = st.builds(GroupKey, st.sampled_from(GroupKind), st.text(max_size=30))
_PAIRS = st.lists(st.builds(Pair, st.text(max_size=20), st.text(max_size=20)), max_size=4).map(
    lambda pairs: tuple(sorted(set(pairs)))
)
_PLACES = st.frozensets(st.from_regex(r"[0-9a-f]{8}", fullmatch=True), min_size=1, max_size=3)
_INSTANTS = st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(second, UTC))
_BLOCKS = st.builds(
    Block,
    _KEYS,
    _PAIRS,
    st.text(max_size=16),
    declined=_PAIRS,
    places=st.none() | _PLACES,
    policy_file=st.none() | st.text(min_size=1, max_size=20),
    opened_at=st.none() | _INSTANTS,
    is_retired=st.booleans(),
    is_auto_merged=st.booleans(),
)
_LINES = st.text(st.characters(exclude_characters="<>"), max_size=40).map(str.strip)


def _make_block(image: str = "a", tag: str = "1") -> Block:
    return Block(GroupKey(GroupKind.IMAGE, image), (Pair(image, tag),), "x")


@given(_BLOCKS)
def test_a_block_is_read_as_it_was_written(block):
    assert find_block(f"some text\n\n{format_block(block)}\n") == block


@pytest.mark.parametrize(
    ("text", "block"),
    [
        pytest.param(
            '<!-- imagebot {"image": "x/y", "tags": ["2", "1"], "changes": "f"} -->',
            Block(GroupKey(GroupKind.IMAGE, "x/y"), (Pair("x/y", "1"), Pair("x/y", "2")), "f"),
            id="of one image",
        ),
        pytest.param(
            '<!-- imagebot {"image": "x/y", "tags": ["3"], "changes": "f", "declined": ["1"], "retired": true} -->',
            Block(GroupKey(GroupKind.IMAGE, "x/y"), (Pair("x/y", "3"),), "f", (Pair("x/y", "1"),), is_retired=True),
            id="with what was declined, and retired",
        ),
    ],
)
def test_a_block_of_before_there_were_groups_is_read(text, block):
    assert find_block(text) == block


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="no text"),
        pytest.param("<!-- imagebot {not json} -->", id="no JSON"),
        pytest.param("<!-- imagebot [] -->", id="no mapping"),
        pytest.param('<!-- imagebot {"group": ["image", "x"], "updates": 3, "changes": ""} -->', id="another type"),
        pytest.param('<!-- imagebot {"group": ["image", "x"], "updates": {"x": "1"}, "changes": ""} -->', id="no list"),
        pytest.param('<!-- imagebot {"group": ["x", "x"], "updates": {}, "changes": ""} -->', id="no such kind"),
        pytest.param('<!-- imagebot {"group": ["image", "x"]} -->', id="a part is missing"),
        pytest.param('<!-- imagebot {"image": 3, "tags": [], "changes": ""} -->', id="an old one of another type"),
        pytest.param('<!-- imagebot {"image": "x"} -->', id="an old one in which a part is missing"),
        pytest.param("<!-- something else -->", id="another comment"),
    ],
)
def test_a_text_without_a_readable_block_has_none(text):
    assert find_block(text) is None


def test_the_last_block_counts():
    first, last = _make_block("a"), _make_block("b")

    assert find_block(format_block(first) + "\n" + format_block(last)) == last


@given(_BLOCKS, _BLOCKS)
def test_a_block_takes_the_place_of_another_and_the_text_stays(old, new):
    text = replace_block(f"above\n\n{format_block(old)}\n\nbelow\n", new)

    assert text == f"above\n\n{format_block(new)}\n\nbelow\n"


def test_a_block_is_added_to_a_text_that_has_none():
    assert replace_block("hello", _make_block()) == f"hello\n\n{format_block(_make_block())}\n"


def test_a_block_may_hold_many_tags():
    block = Block(GroupKey(GroupKind.ALL, ""), tuple(Pair(f"x/{n:04}", "x" * 100) for n in range(4000)), "y")

    assert find_block(format_block(block)) == block


@given(_LINES, _LINES, _BLOCKS, _BLOCKS)
def test_what_people_write_above_and_below_survives_a_move(above, below, old, new):
    first = compose_body("It moves to 1.", old)
    edited = f"{above}\n\n{first}\n{below}\n"

    moved = compose_body("It moves to 2.", new, old=edited)

    assert find_block(moved) == new
    assert "It moves to 2." in moved
    assert "It moves to 1." not in moved
    assert (moved.startswith(above), moved.rstrip().endswith(below)) == (True, True)
    assert count_foreign(edited) >= len(above) + len(below)
    assert compose_body("It moves to 2.", new, old=moved) == moved


@pytest.mark.parametrize(
    ("old", "kept"),
    [
        pytest.param(f"What an older version wrote.\n\n{format_block(_make_block())}\n", "", id="an older version's"),
        pytest.param("Opened by hand.\n", "Opened by hand.\n\n", id="a person's alone"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_text_that_does_not_say_what_is_imagebots(old, kept):
    body = compose_body("It moves.", _make_block(), old=old)

    assert body == kept + compose_body("It moves.", _make_block())


def test_a_block_remembers_all_images_of_a_group_and_the_places():
    files = {"a.yaml": b"image: nginx:1.0.0\n---\nimage: redis:7.0.0\n", "b.yaml": b"image: nginx:1.0.0\n"}
    changes = make_changes(make_choices(files, {"nginx": ["1.0.0", "1.1.0"], "redis": ["7.0.0", "7.2.0"]}))
    (group,) = make_groups(changes, branch_prefix="imagebot/", group_by=GroupBy.ALL)

    block = make_block(group, policy_file="p", opened_at=NOW)

    assert block.pairs == (Pair("docker.io/library/nginx", "1.1.0"), Pair("docker.io/library/redis", "7.2.0"))
    assert block.places == frozenset(make_place(change.path, change.pair) for change in changes)
    assert len(block.places or ()) == 3


def test_tags_that_come_and_go_without_being_chosen_leave_the_block_as_it_is():
    files = {"a.yaml": b"image: nginx:1.0.0\n"}

    blocks = [
        make_block(make_group(make_choices(files, {"nginx": tags})), policy_file="p", opened_at=NOW)
        for tags in (["1.0.0", "1.1.0"], ["1.0.0", "1.1.0", "0.1.0", "main"])
    ]

    assert blocks[0] == blocks[1]


def test_another_policy_for_the_same_change_is_told_anew():
    files, tags = {"a.yaml": b"image: nginx:1.0.0\n"}, {"nginx": ["1.0.0", "1.1.0"]}

    one, other = (
        make_block(make_group(make_choices(files, tags, [make_entry("*", semver)])), policy_file="p", opened_at=NOW)
        for semver in ("^1", "^1.0")
    )

    assert not one.tells_same(other)


def test_who_declines_a_digest_declines_exactly_that_one_and_not_the_next():
    files = {"a.yaml": f"image: nginx:latest@{DIGEST_1}\n".encode()}
    closed, later = (
        make_group(
            make_choices(files, {"nginx": ["latest"]}, [make_follower("latest")], sightings={"latest": see(digest)})
        ).pairs
        for digest in (DIGEST_2, DIGEST_3)
    )

    assert closed == (Pair("docker.io/library/nginx", f"latest@{DIGEST_2}"),)
    assert set(closed).isdisjoint(later)


def test_who_declines_a_tag_declines_it_whatever_its_digest():
    files = {"a.yaml": f"image: nginx:1.0.0@{DIGEST_1}\n".encode()}
    tags = {"nginx": ["1.0.0", "1.1.0"]}

    pairs = [
        make_group(make_choices(files, tags, sightings={"1.1.0": see(digest)})).pairs for digest in (DIGEST_2, DIGEST_3)
    ]

    assert pairs == 2 * [(Pair("docker.io/library/nginx", "1.1.0"),)]
