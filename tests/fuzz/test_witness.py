"""The witness of the fuzz program has to see what it is there for."""

from random import Random

import pytest

from imagebot.yamledit.edit import Edit
from tests.fuzz.checks import Tally, check
from tests.fuzz.mutation import MAX_BYTES, mutate
from tests.fuzz.witness import find_fault

_EDIT = Edit(7, 10, "a:1", "a:2")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("image: a:1\n", "image: a:2\n", id="plain"),
        pytest.param("image: a:1\n", 'image: "a:2"\n', id="quoted"),
        pytest.param("image: a:1\n{{ if x }}\n", "image: a:2\n{{ if x }}\n", id="template"),
    ],
)
def test_a_right_edit_has_no_fault(old, new):
    edit = Edit(7, old.index("\n"), old[7 : old.index("\n")], new[7 : new.index("\n")].strip('"'))

    assert find_fault(old.encode(), new.encode(), [edit]) is None


def test_an_edit_in_a_block_that_is_yaml_has_no_fault():
    edit = Edit(14, 17, "a:1", "a:2")

    assert find_fault(b"x: |\n  image: a:1\n", b"x: |\n  image: a:2\n", [edit]) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("image: a:1\n", "image: a:1\n", id="nothing changed"),
        pytest.param("image: a:1\n", "image: a:3\n", id="another text"),
        pytest.param("image: a:1\nb: c\n", "image: a:2\nb: d\n", id="another scalar changed too"),
        pytest.param("image: a:1\nb: c\n", "image: a:2\nb:  c\n", id="a blank came behind it"),
        pytest.param("image: a:1\n", "image:  a:2\n", id="a blank came before it"),
        pytest.param("image: a:1 # b\n", "image: a:2 # c\n", id="a comment changed"),
        pytest.param("image: a:1 c\n", "image: a:2 c\n", id="a part of a scalar"),
        pytest.param("# ---: a:1\n", "# ---: a:2\n", id="a comment"),
        pytest.param("{a: b}:a:1", "{a: b}:a:2", id="no YAML"),
    ],
)
def test_a_wrong_edit_has_a_fault(old, new):
    assert find_fault(old.encode(), new.encode(), [_EDIT]) is not None


def test_the_same_seed_damages_in_the_same_way():
    one, two = (mutate(b"image: a:1\n" * 10, [b"b: c\n"], Random(7)) for _ in range(2))

    assert one == two
    assert all(len(mutate(b"a" * MAX_BYTES, [b"b"], Random(seed))) <= MAX_BYTES for seed in range(50))


def test_a_check_of_a_sound_file_edits_what_it_names():
    tally = Tally()

    check(b"image: a:1\n---\nimage: b:1\n", "web.yaml", Random(7), tally)

    assert (tally.counts["occurrences"], tally.counts["rewritten"]) == (2, 3)
