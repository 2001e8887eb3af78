"""A postponed sequence is like any other, and made but once."""

from collections.abc import Sequence

import pytest

from imagebot.proposal.postponed import Postponed


def test_nothing_is_made_to_know_how_many_there_are():
    postponed: Postponed[str] = Postponed(2, lambda: pytest.fail("they were made"))

    assert len(postponed) == 2
    assert bool(postponed)


def test_the_items_are_made_once():
    made: list[str] = []

    def make() -> Sequence[str]:
        made.append("made")
        return ["a", "b"]

    postponed = Postponed(2, make)

    assert [*postponed, *postponed] == ["a", "b", "a", "b"]
    assert (postponed[1], postponed[-1], postponed[:1], "b" in postponed) == ("b", "b", ["a"], True)
    assert made == ["made"]


def test_it_is_equal_to_what_has_the_same_items():
    postponed = Postponed(2, lambda: ["a", "b"])

    assert postponed == ("a", "b")
    assert postponed == ("a", "b")
    assert postponed == Postponed(2, lambda: ("a", "b"))
    assert postponed != ("a", "c")
    assert postponed != ("a", "b", "c")
    assert postponed != {"a": "b"}
