"""Objects are read field by field, and what readers of YAML would not agree on is refused."""

import pytest

from imagebot.yamledit.objects import ObjectNode, UnreadableField, list_objects, make_object


def read(text: str) -> ObjectNode:
    node = make_object(text.encode())
    assert node is not None
    return node


def test_objects_are_listed_with_the_line_of_their_name_or_kind():
    text = b"kind: A\nmetadata:\n  name: a\n---\nx: 1\n---\nkind: B\n---\nkind: List\nitems:\n- kind: C\n"

    assert [(each.find_text("kind"), each.line) for each in list_objects(text)] == [
        ("A", 3),
        ("B", 7),
        ("C", 11),
        ("List", 9),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("a: {b: c}", "c", id="a text"),
        pytest.param("a: {b: 1.0}", "1.0", id="a number as it is written"),
        pytest.param("x: &x {b: c}\na: *x", "c", id="through an alias"),
        pytest.param("x: &x c\na: {b: *x}", "c", id="an alias"),
        pytest.param("a: {<<: {b: d}, b: c}", "c", id="beside a merge key"),
        pytest.param("a: {b: }", None, id="nothing"),
        pytest.param("a: {b: null}", None, id="null"),
        pytest.param("a: {b: ''}", None, id="an empty text"),
        pytest.param("a: {c: d}", None, id="no such key"),
        pytest.param("c: d", None, id="no such key above"),
    ],
)
def test_a_text_is_found(text, found):
    assert read(text).find_text("a", "b") == found


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param("a:\n  b: {}", 1, "a.b is no text", id="a mapping"),
        pytest.param("x:\na: c", 2, "what b belongs to is no mapping", id="a text above"),
        pytest.param("a:\n  b: c\n  b: d", 3, "the key b is written 2 times", id="two of them"),
        pytest.param(
            "a: {<<: {b: c}}", 1, "a merge key may bring b, and merge keys are not followed here", id="merged"
        ),
    ],
)
def test_a_text_that_cannot_be_trusted_is_refused(text, line, reason):
    with pytest.raises(UnreadableField) as raised:
        read(text).find_text("a", "b")

    assert (raised.value.line, raised.value.reason) == (line, reason)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("a: [b, c]", ("b", "c"), id="texts"),
        pytest.param("a: []", (), id="an empty list"),
        pytest.param("b: []", None, id="no list"),
    ],
)
def test_a_list_that_is_empty_is_not_one_that_is_not_there(text, found):
    assert read(text).find_texts("a") == found


def test_a_list_of_other_things_is_refused():
    with pytest.raises(UnreadableField, match="a holds what is no text"):
        read("a: [b, {c: d}]").find_texts("a")


@pytest.mark.parametrize(
    ("text", "is_true"),
    [("a: true", True), ("a: yes", True), ("a: false", False), ("a: no", False), ("b: true", False)],
)
def test_truth_is_as_in_go(text, is_true):
    assert read(text).is_true("a") is is_true


def test_what_is_neither_true_nor_false_is_refused():
    with pytest.raises(UnreadableField, match="a is maybe; accepted is true or false"):
        read("a: maybe").is_true("a")


@pytest.mark.parametrize("text", ["[a]", "", "a: b\n---\na: b\n"])
def test_a_file_of_no_mapping_or_several_is_no_object(text):
    assert make_object(text.encode()) is None
