"""A repository that is listed with what it was listed with before: one statement, or nothing at all."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.store.store import Store
from tests.store.places import count_written_rows

API = Repository("ghcr.io", "acme/api")
MONDAY = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
NEXT_TUESDAY = TUESDAY + timedelta(days=7)
A = f"sha256:{64 * 'a'}"
LISTED = TagList(("1.0", "1.1"))


def test_the_same_list_is_kept_as_keep_listing_would_and_doubt_ends(store, place):
    before = store.keep_snapshot(API, LISTED, at=MONDAY)
    store.keep_doubt(API, at=MONDAY)

    written = count_written_rows(place, lambda: store.keep_same(API, LISTED, at=TUESDAY))

    found = store.find_snapshot(API)
    assert written == 1
    assert (found.listed_at, found.first_seen) == (TUESDAY, before.first_seen)
    assert store.keep_doubt(API, at=NEXT_TUESDAY) == NEXT_TUESDAY


def list_other_times(store: Store) -> None:
    store.keep_listing(API, TagList(LISTED.tags, {"1.0": MONDAY}), at=MONDAY)


def fail(store: Store) -> None:
    store.keep_listing(API, LISTED, at=MONDAY)
    store.history.keep_failure(API, "it is down", at=MONDAY)


def lose_a_tag(store: Store) -> None:
    store.keep_listing(API, TagList(("1.0", "1.1", "1.2")), at=MONDAY)
    store.keep_listing(API, LISTED, at=TUESDAY)


def see_a_digest_by_a_clock_that_is_ahead(store: Store) -> None:
    store.keep_listing(API, LISTED, at=MONDAY)
    store.keep_sighting(API, "1.0", A, at=NEXT_TUESDAY + timedelta(days=1))


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda store: None, id="never listed"),
        pytest.param(lambda store: store.keep_listing(API, TagList(("1.0",)), at=MONDAY), id="another tag"),
        pytest.param(list_other_times, id="another time of a tag"),
        pytest.param(
            lambda store: store.keep_listing(API, LISTED, at=NEXT_TUESDAY + timedelta(days=1)), id="a clock set back"
        ),
        pytest.param(fail, id="an outage that ends"),
        pytest.param(lose_a_tag, id="a tag to forget"),
        pytest.param(see_a_digest_by_a_clock_that_is_ahead, id="a digest seen in the future"),
    ],
)
def test_where_more_is_to_be_written_nothing_is(store, place, prepare: Callable[[Store], object]):
    prepare(store)
    before = store.find_snapshot(API)

    told = []
    written = count_written_rows(place, lambda: told.append(store.keep_same(API, LISTED, at=NEXT_TUESDAY)))

    assert (told, written) == ([False], 0)
    assert store.find_snapshot(API) == before
