"""What was located is found by blob and rules, comes back whole or not at all, and goes when nothing uses it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.store.place import Place
from imagebot.store.store import Store
from tests.store.places import count_written_rows, execute

MONDAY = datetime(2026, 3, 2, 8, 30, 0, 123456, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
A, B = ("a" * 40, "r1"), ("b" * 40, "r1")


def test_a_text_is_found_by_its_blob_and_rules_alone(store):
    store.located.keep({A: "one", B: "two"}, used=(), at=MONDAY)

    assert store.located.find([A, (A[0], "r2"), ("c" * 40, "r1")], at=MONDAY).texts == {A: "one"}


def test_thousands_of_texts_are_found_at_once(store):
    texts = {(f"{number:040}", "r"): str(number) for number in range(2000)}
    store.located.keep(texts, used=(), at=MONDAY)

    assert store.located.find([*texts, A], at=MONDAY).texts == texts
    assert store.located.find([], at=MONDAY).texts == {}


def test_a_text_takes_the_place_of_the_one_before(store):
    store.located.keep({A: "one"}, used=(), at=MONDAY)
    store.located.keep({A: "two"}, used=(), at=MONDAY)

    assert store.located.find([A], at=MONDAY).texts == {A: "two"}


def test_that_a_text_was_used_is_due_once_a_day(store):
    store.located.keep({A: "one", B: "two"}, used=(), at=MONDAY)

    assert store.located.find([A], at=MONDAY + DAY - HOUR).due == []
    assert store.located.find([A], at=MONDAY + DAY).due == [A]
    store.located.keep({}, used=[A], at=MONDAY + DAY)
    assert store.located.find([A], at=MONDAY + DAY).due == []


def test_finding_writes_nothing(store, place):
    store.located.keep({A: "one"}, used=(), at=MONDAY)
    store.located.keep_head("infra", "h", "r", "text", at=MONDAY)

    def find() -> None:
        store.located.find([A], at=MONDAY + 9 * DAY)
        store.located.find_head("infra", "h", "r", at=MONDAY + 9 * DAY)

    assert count_written_rows(place, find) == 0


def test_a_head_is_found_by_target_head_and_rules_for_a_day(store):
    store.located.keep_head("infra", "h", "r", "text", at=MONDAY)

    find = store.located.find_head
    assert find("infra", "h", "r", at=MONDAY + DAY - HOUR) == "text"
    assert find("infra", "h", "r", at=MONDAY + DAY) is None
    assert [find(*key, at=MONDAY) for key in (("other", "h", "r"), ("infra", "i", "r"), ("infra", "h", "s"))] == 3 * [
        None
    ]


def test_a_target_has_one_head(store):
    store.located.keep_head("infra", "h", "r", "one", at=MONDAY)
    store.located.keep_head("infra", "i", "r", "two", at=MONDAY)

    assert store.located.find_head("infra", "h", "r", at=MONDAY) is None
    assert store.located.find_head("infra", "i", "r", at=MONDAY) == "two"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE {table} SET content = content || ' '", id="another text"),
        pytest.param("UPDATE {table} SET rules = 'r2'", id="under other rules"),
        pytest.param("UPDATE {table} SET seal = ''", id="no seal"),
    ],
)
def test_a_row_that_was_changed_is_not_trusted(store, place, change):
    store.located.keep({A: "one"}, used=(), at=MONDAY)
    store.located.keep_head("infra", "h", "r1", "text", at=MONDAY)
    execute(place, *(change.format(table=table) for table in ("located", "heads")))

    assert store.located.find([A, (A[0], "r2")], at=MONDAY).texts == {}
    assert store.located.find_head("infra", "h", "r1", at=MONDAY) is None
    assert store.located.find_head("infra", "h", "r2", at=MONDAY) is None


def test_many_stores_keep_the_same_at_once(place: Place):
    texts = {(f"{number:040}", "r"): str(number) for number in range(500)}

    def keep(_: int) -> None:
        with Store.open(place) as store:
            store.located.keep(texts, used=[A], at=MONDAY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep, range(8)))

    with Store.open(place) as store:
        assert store.located.find([*texts], at=MONDAY).texts == texts
