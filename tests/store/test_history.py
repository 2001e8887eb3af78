"""What the store remembers of what happened, for how long, and of what cannot be listed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.image.history import Failing, Outage, PushedAgain, TagsChanged
from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.store.history import format_event, parse_event
from imagebot.store.store import Store
from tests.store.places import execute

API = Repository("ghcr.io", "acme/api")
NGINX = Repository("docker.io", "library/nginx")
MONDAY = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
A, B = f"sha256:{64 * 'a'}", f"sha256:{64 * 'b'}"


def keep(store: Store, day: int, *tags: str) -> bool:
    return store.keep_listing(API, TagList(tags), at=MONDAY + day * DAY)


def test_what_happens_to_tags_is_remembered_the_latest_first(store):
    changes = [keep(store, 0, "1.0", "1.1"), keep(store, 1, "1.0", "1.1")]
    store.keep_sighting(API, "1.0", A, at=MONDAY + DAY)
    changes += [keep(store, 2, "1.1", "1.2"), keep(store, 3, "1.0", "1.1", "1.2")]
    store.keep_sighting(API, "1.0", B, at=MONDAY + 4 * DAY)

    assert changes == [True, False, True, True]
    assert store.history.list_events(API) == (
        PushedAgain(MONDAY + 4 * DAY, "1.0", A, B),
        TagsChanged(MONDAY + 3 * DAY, returned=("1.0",)),
        TagsChanged(MONDAY + 2 * DAY, appeared=("1.2",), vanished=("1.0",)),
        TagsChanged(MONDAY, appeared=("1.0", "1.1")),
    )
    assert store.history.list_events(API, most=1) == (PushedAgain(MONDAY + 4 * DAY, "1.0", A, B),)
    assert store.history.list_events(NGINX) == ()


def test_a_tag_that_comes_back_after_it_was_forgotten_appears(store):
    keep(store, 0, "1.0", "1.1")
    keep(store, 1, "1.1")

    keep(store, 9, "1.0", "1.1")

    assert store.history.list_events(API, most=1) == (TagsChanged(MONDAY + 9 * DAY, appeared=("1.0",)),)


def test_a_time_that_the_registry_gives_is_a_change_and_no_event(store):
    keep(store, 0, "1.0")

    assert store.keep_listing(API, TagList(("1.0",), {"1.0": MONDAY}), at=MONDAY + DAY)
    assert len(store.history.list_events(API)) == 1


def test_events_are_forgotten_when_they_are_too_old(place):
    with Store.open(place, history=3 * DAY) as store:
        for day in range(6):
            keep(store, day, *map(str, range(day + 1)))

        assert [event.at for event in store.history.list_events(API)] == [MONDAY + day * DAY for day in (5, 4, 3, 2)]


def test_events_of_a_repository_are_forgotten_when_they_are_too_many(store, place):
    keep(store, 0, "1.0")
    for number in range(1003):
        store.keep_sighting(API, "1.0", (A, B)[number % 2], at=MONDAY + number * timedelta(seconds=1))

    assert execute(place, "SELECT count(*) FROM history") == [(1000,)]
    assert store.history.list_events(API)[0] == PushedAgain(MONDAY + timedelta(seconds=1002), "1.0", B, A)


def test_a_repository_that_cannot_be_listed_is_remembered_until_it_can(store):
    for day, reason in enumerate(["it is down", "it is slow", 600 * "x"]):
        store.history.keep_failure(API, reason, at=MONDAY + day * DAY)
    store.history.keep_failure(NGINX, "it is down", at=MONDAY)

    failing = store.history.list_failing()
    keep(store, 3, "1.0")

    assert failing == {
        NGINX: Failing(MONDAY, MONDAY, 1, "it is down"),
        API: Failing(MONDAY, MONDAY + 2 * DAY, 3, 500 * "x"),
    }
    assert set(store.history.list_failing()) == {NGINX}
    assert store.history.list_events(API) == (
        TagsChanged(MONDAY + 3 * DAY, appeared=("1.0",)),
        Outage(MONDAY, MONDAY + 3 * DAY, 3, 500 * "x"),
    )


def test_the_end_of_an_outage_is_remembered_even_if_no_tag_changed(store):
    keep(store, 0, "1.0")
    store.history.keep_failure(API, "it is down", at=MONDAY + DAY)

    assert not keep(store, 2, "1.0")
    assert store.history.list_events(API, most=1) == (Outage(MONDAY + DAY, MONDAY + 2 * DAY, 1, "it is down"),)


NAMES = st.lists(st.text(), max_size=3).map(tuple)
INSTANTS = st.datetimes(timezones=st.just(UTC))
EVENTS = st.one_of(
    st.builds(TagsChanged, st.just(MONDAY), NAMES, NAMES, NAMES, st.integers(0)),
    st.builds(PushedAgain, st.just(MONDAY), st.text(), st.text(), st.text()),
    st.builds(Outage, st.just(MONDAY), INSTANTS, st.integers(1), st.text()),
)


@given(EVENTS)
def test_an_event_is_read_back_from_its_text(event):
    assert parse_event(format_event(event), MONDAY) == event


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("null", id="no array"),
        pytest.param('["moved", "1.0"]', id="a kind that is not known"),
        pytest.param('["tags", [], [], []]', id="tags with less"),
        pytest.param('["tags", [1], [], [], 0]', id="a tag that is no text"),
        pytest.param('["pushed again", "1.0", null, "b"]', id="a null for a digest"),
        pytest.param('["outage", "today", 1, ""]', id="an instant that is none"),
        pytest.param('["outage", "2026-03-02T08:30:00", 1, ""]', id="an instant of no zone"),
    ],
)
def test_a_text_of_another_form_is_no_event(text):
    assert parse_event(text, MONDAY) is None


def test_an_event_that_cannot_be_read_is_left_out(store, place):
    keep(store, 0, "1.0")
    keep(store, 1, "1.0", "1.1")
    execute(place, "UPDATE history SET event = '[]' WHERE id = 1")

    assert store.history.list_events(API) == (TagsChanged(MONDAY + DAY, appeared=("1.1",)),)
