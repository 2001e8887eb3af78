"""Lists of tags: when two are the same."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from imagebot.image.tag_list import TagList

TIME = datetime(2026, 3, 2, 8, 30, 0, 123456, tzinfo=UTC)


def test_lists_of_the_same_tags_and_times_have_one_fingerprint():
    lists = [
        TagList(("a", "b"), {"a": TIME, "b": TIME}),
        TagList(("a", "b"), {"b": TIME, "a": TIME.astimezone(timezone(timedelta(hours=2)))}, {"a": "x"}, dropped=1),
    ]

    assert len({listed.fingerprint for listed in lists}) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(TagList(("a",), {"a": TIME}), id="a tag less"),
        pytest.param(TagList(("a", "c"), {"a": TIME}), id="another tag"),
        pytest.param(TagList(("ab",), {"a": TIME}), id="the same letters"),
        pytest.param(TagList(("a", "b")), id="no time"),
        pytest.param(TagList(("a", "b"), {"a": TIME + timedelta(microseconds=1)}), id="another time"),
        pytest.param(TagList(("a", "b"), {"b": TIME}), id="the time of another"),
    ],
)
def test_other_lists_have_another_fingerprint(other):
    assert other.fingerprint != TagList(("a", "b"), {"a": TIME}).fingerprint
