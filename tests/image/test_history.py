"""Events: what of a listing is told, and that a large one names only a part."""

from datetime import UTC, datetime

import pytest

from imagebot.image.history import MOST_NAMED, TagsChanged, make_tags_changed

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MANY = {f"{number:04}" for number in range(MOST_NAMED)}


@pytest.mark.parametrize(
    ("appeared", "vanished", "returned", "event"),
    [
        pytest.param(set(), set(), set(), None, id="nothing"),
        pytest.param({"b", "a"}, {"d", "c"}, {"e"}, TagsChanged(MONDAY, ("a", "b"), ("c", "d"), ("e",)), id="sorted"),
        pytest.param(set(), {"a"}, set(), TagsChanged(MONDAY, vanished=("a",)), id="one"),
        pytest.param(MANY, set(), set(), TagsChanged(MONDAY, tuple(sorted(MANY))), id="as many as are named"),
        pytest.param(MANY, {"x"}, {"y"}, TagsChanged(MONDAY, tuple(sorted(MANY)), unnamed=2), id="more than are named"),
    ],
)
def test_the_event_of_a_listing(appeared, vanished, returned, event):
    assert make_tags_changed(MONDAY, appeared=appeared, vanished=vanished, returned=returned) == event
