"""A part of a text says by itself what it says in its place."""

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebot.yamledit.scan import NotYaml, scan
from imagebot.yamledit.surroundings import Part, Surroundings
from imagebot.yamledit.verify import Event, read_events, read_events_independently
from tests.yamledit.documents import samples

TEXT = """\
a: 1
b:
  - name: x
    image: y   # c
    z: {p: q, r: [s, t]}
  # above
  - name: x2
    image: y2
c: 2
---
- - d: 1
    e: 2
  - f: 3
...
"""


def _choose(text: str, *numbers: int, limit: int) -> list[Part]:
    surroundings = Surroundings(text, numbers)
    for _ in surroundings.watch(read_events(text)):
        pass
    return surroundings.choose(limit=limit)


def _list_texts(text: str, *numbers: int, limit: int) -> list[str]:
    return [text[part.start : part.end] for part in _choose(text, *numbers, limit=limit)]


@pytest.mark.parametrize(
    ("numbers", "limit", "parts"),
    [
        pytest.param([6], 1, ["    image: y   # c\n"], id="an entry with its lines"),
        pytest.param([4], 1, ["  - name: x\n"], id="one that begins with another"),
        pytest.param([10], 1, ["{p: q, r: [s, t]}"], id="a collection in flow style"),
        pytest.param([11], 1, ["[s, t]"], id="the smallest one"),
        pytest.param(
            [6],
            27,
            ["  - name: x\n    image: y   # c\n    z: {p: q, r: [s, t]}\n  # above\n"],
            id="as much as the limit lets be read",
        ),
        pytest.param([6], 1000, [TEXT], id="all of it"),
        pytest.param([14, 16], 1, ["  - name: x2\n    image: y2\n"], id="two that follow each other"),
        pytest.param([6, 16], 1, ["    image: y   # c\n", "    image: y2\n"], id="two that do not"),
        pytest.param([24], 20, ["  - f: 3\n"], id="an entry at the end of a document"),
        pytest.param([21], 40, ["---\n- - d: 1\n    e: 2\n  - f: 3\n...\n"], id="a document"),
        pytest.param([*range(25)], 1, [TEXT], id="all of it, if that costs no more"),
    ],
)
def test_the_parts_around_scalars(numbers, limit, parts):
    assert _list_texts(TEXT, *numbers, limit=limit) == parts


def test_entries_of_different_collections_are_parts_of_their_own():
    text = f"x: {2000 * 'x'}\na:\n b: c\nd: e\n"

    assert _list_texts(text, 4, 6, limit=1) == [" b: c\n", "d: e\n"]


@pytest.mark.parametrize(
    ("text", "number", "part"),
    [
        pytest.param("%TAG !e! tag:x\n---\n- !e!a b\n- c\n", 0, None, id="what the document declares"),
        pytest.param("? - a\n  - b\n: c\n", 1, "  - b\n", id="an entry in a key"),
        pytest.param("? - a\n  - b\n: c\n", 2, "? - a\n  - b\n: c\n", id="a value behind a colon of its own"),
        pytest.param("a:\n- b\n-\n  c: d\ne: f\n", 3, "  c: d\n", id="an entry below its dash"),
        pytest.param("\ufeffa: b\nc: d\n", 3, "c: d\n", id="behind a byte order mark"),
        pytest.param("\ufeffa: b\nc: d\n", 1, "a: b\n", id="right behind a byte order mark"),
        pytest.param("a: b\r\nc: d\r\ne: f", 3, "c: d\r\n", id="other line ends"),
        pytest.param("a: b\rc: d", 3, "c: d", id="no line end"),
        pytest.param("a: |\n  x\n\n\nb: c\n", 1, "a: |\n  x\n\n\n", id="a block"),
        pytest.param("- &x !t\n  a: b\n- c\n", 1, "  a: b\n", id="an anchor on another line"),
        pytest.param("a: 'b\n c'\nd: e\n", 1, "a: 'b\n c'\n", id="a text on several lines"),
        pytest.param("[{a: [b], c: d}]", 3, "{a: [b], c: d}", id="one line in flow style"),
    ],
)
def test_the_smallest_part_around_a_scalar(text, number, part):
    assert _list_texts(text, number, limit=1) == [text if part is None else part]


def _list_scalars(events: Iterable[Event]) -> list[tuple[object, ...]]:
    scalars = (event for event in events if type(event).__name__ == "ScalarEvent")
    return [(each.value, each.style or "", each.anchor, str(each.tag)) for each in scalars]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(samples(), st.integers(1, 60), st.data())
def test_a_part_says_by_itself_what_it_says_in_its_place_to_both_parsers(sample, limit, data):
    try:
        file = scan(sample.data)
    except NotYaml:
        return
    everything = _list_scalars(read_events(file.text))
    if not everything:
        return
    numbers = data.draw(st.sets(st.integers(0, len(everything) - 1), min_size=1, max_size=5))

    parts = _choose(file.text, *numbers, limit=limit)

    assert all(any(part.first <= number < part.last for part in parts) for number in numbers)
    is_readable = read_events_independently(file.text) is not None
    for part in parts:
        text = file.text[part.start : part.end]
        assert _list_scalars(read_events(text)) == everything[part.first : part.last]
        if is_readable:
            independent = read_events_independently(text)
            assert independent is not None
            assert _list_scalars(independent) == everything[part.first : part.last]
