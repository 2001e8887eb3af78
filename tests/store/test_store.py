"""What the store remembers of repositories and targets, for one and for many threads and stores at one place."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event

from imagebot.image.manifest import Manifest
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Sighting, Since, Snapshot, Source
from imagebot.image.tag_list import TagList
from imagebot.store.store import KeptOutcome, Store
from tests.store.places import count_written_rows

API = Repository("ghcr.io", "acme/api")
NGINX = Repository("docker.io", "library/nginx")
MONDAY = datetime(2026, 3, 2, 8, 30, 0, 123456, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)
FRIDAY = MONDAY + timedelta(days=4)
A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"
MANY = tuple(f"1.{number}" for number in range(20_000))


def test_nothing_is_found_of_a_repository_that_was_never_kept(store):
    store.keep_snapshot(NGINX, TagList(("1.25",)), at=MONDAY)

    assert store.find_snapshot(API) is None


def test_a_snapshot_is_found_as_it_was_kept(store):
    kept = store.keep_snapshot(API, TagList(("1.0", "1.1")), at=MONDAY)

    assert kept == Snapshot(API, MONDAY, {"1.0": MONDAY, "1.1": MONDAY})
    assert store.find_snapshot(API) == kept


def test_a_known_tag_keeps_when_it_was_first_seen(store):
    store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)

    kept = store.keep_snapshot(API, TagList(("1.0", "1.1")), at=TUESDAY)

    assert kept == Snapshot(API, TUESDAY, {"1.0": MONDAY, "1.1": TUESDAY})
    assert store.find_snapshot(API) == kept


def test_a_tag_that_is_left_out_of_a_listing_comes_back_with_its_times_and_its_sighting(store):
    first = store.keep_snapshot(API, TagList(("1.0", "1.1"), {"1.0": MONDAY}), at=MONDAY)
    sighting = store.keep_sighting(API, "1.0", A, at=MONDAY)

    gone = store.keep_snapshot(API, TagList(("1.1",)), at=TUESDAY)
    found, count = store.find_snapshot(API), store.count_tags(API)
    back = store.keep_snapshot(API, TagList(("1.0", "1.1")), at=WEDNESDAY)

    assert gone == found == Snapshot(API, TUESDAY, {"1.1": MONDAY}, gone={"1.0": MONDAY})
    assert count == 1
    assert back == replace(first, listed_at=WEDNESDAY, sightings={"1.0": sighting})
    assert store.find_snapshot(API) == back


@pytest.mark.parametrize(
    ("days", "is_known"),
    [pytest.param(6, True, id="less than a week"), pytest.param(7, False, id="a week")],
)
def test_a_tag_that_is_gone_for_a_week_is_forgotten(store, days, is_known):
    store.keep_snapshot(API, TagList(("1.0", "1.1"), {"1.0": MONDAY}), at=MONDAY)
    store.keep_sighting(API, "1.0", A, at=MONDAY)
    store.keep_snapshot(API, TagList(("1.1",)), at=TUESDAY)
    later = TUESDAY + timedelta(days=days)

    back = store.keep_snapshot(API, TagList(("1.0", "1.1")), at=later)

    assert back.first_seen["1.0"] == (MONDAY if is_known else later)
    assert ("1.0" in back.sightings, "1.0" in back.pushed_at) == (is_known, is_known)


def test_times_that_a_clock_wrote_which_was_ahead_are_forgotten(store):
    ahead = MONDAY + timedelta(days=3650)
    store.keep_snapshot(API, TagList(("1.0",)), at=ahead)
    store.keep_sighting(API, "1.0", A, at=ahead)
    store.keep_doubt(API, at=ahead)

    doubted_since = store.keep_doubt(API, at=MONDAY)
    kept = store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)

    assert doubted_since == MONDAY
    assert kept == Snapshot(API, MONDAY, {"1.0": MONDAY}, sightings={"1.0": Sighting(A, MONDAY, is_repushed=False)})


def test_a_sighting_of_a_tag_that_is_gone_is_not_kept(store):
    store.keep_snapshot(API, TagList(("1.0", "1.1")), at=MONDAY)
    store.keep_snapshot(API, TagList(("1.1",)), at=TUESDAY)

    store.keep_sighting(API, "1.0", A, at=TUESDAY)

    assert store.keep_snapshot(API, TagList(("1.0", "1.1")), at=WEDNESDAY).sightings == {}


def test_tags_that_differ_in_case_or_script_are_different_tags(store):
    kept = store.keep_snapshot(API, TagList(("V1", "ss", "v1", "ß")), at=MONDAY)

    assert store.find_snapshot(API) == kept
    assert sorted(kept.first_seen) == ["V1", "ss", "v1", "ß"]


def test_an_empty_list_of_tags_is_a_snapshot_too(store):
    store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)

    kept = store.keep_snapshot(API, TagList(()), at=TUESDAY)

    assert kept == Snapshot(API, TUESDAY, {}, gone={"1.0": MONDAY})
    assert store.find_snapshot(API) == kept


def test_the_times_that_the_registry_gives_are_kept_with_the_tags(store):
    kept = store.keep_snapshot(API, TagList(("1.0", "1.1"), {"1.1": MONDAY, "unlisted": MONDAY}), at=TUESDAY)

    assert kept == Snapshot(API, TUESDAY, {"1.0": TUESDAY, "1.1": TUESDAY}, pushed_at={"1.1": MONDAY})
    assert store.find_snapshot(API) == kept


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"1.0": TUESDAY}, {"1.0": TUESDAY}, id="another time takes its place"),
        pytest.param({"1.0": MONDAY}, {"1.0": MONDAY}, id="the same time"),
        pytest.param({}, {"1.0": MONDAY}, id="a listing without times leaves what was given before"),
        pytest.param({"1.1": TUESDAY}, {"1.0": MONDAY, "1.1": TUESDAY}, id="a time for a tag that had none"),
    ],
)
def test_the_last_time_that_the_registry_gave_counts(store, given, expected):
    store.keep_snapshot(API, TagList(("1.0", "1.1"), {"1.0": MONDAY}), at=MONDAY)

    kept = store.keep_snapshot(API, TagList(("1.0", "1.1"), given), at=WEDNESDAY)

    assert kept == Snapshot(API, WEDNESDAY, {"1.0": MONDAY, "1.1": MONDAY}, pushed_at=expected)
    assert store.find_snapshot(API) == kept


def test_times_of_pushes_that_another_tells_are_kept_with_the_tags(store, place):
    store.keep_snapshot(API, TagList(("1.0", "1.1"), {"1.1": MONDAY}), at=MONDAY)

    written = count_written_rows(place, lambda: store.keep_pushes(API, {"1.0": MONDAY, "1.1": TUESDAY, "none": MONDAY}))

    assert written == 2
    assert store.find_snapshot(API).pushed_at == {"1.0": MONDAY, "1.1": TUESDAY}
    store.keep_pushes(NGINX, {"1.0": MONDAY})
    assert store.find_snapshot(NGINX) is None


def test_an_instant_is_kept_and_read_back_in_utc_whatever_its_zone_was(store):
    at = datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=2)))

    kept = store.keep_snapshot(API, TagList(("1.0",), {"1.0": at}), at=at)
    sighting = store.keep_sighting(API, "1.0", A, at=at)
    doubted_since = store.keep_doubt(API, at=at)
    found = store.find_snapshot(API)

    instants = [
        *(kept.listed_at, kept.first_seen["1.0"], kept.pushed_at["1.0"], sighting.first_seen, doubted_since),
        *(found.listed_at, found.first_seen["1.0"], found.pushed_at["1.0"], found.sightings["1.0"].first_seen),
    ]
    assert {instant.isoformat() for instant in instants} == {"2026-03-02T08:30:00+00:00"}


def test_an_instant_without_a_zone_is_a_bug(store):
    with pytest.raises(TypeError):
        store.keep_snapshot(API, TagList(("1.0",)), at=datetime(2026, 3, 2))  # noqa: DTZ001 - to be refused


def test_twenty_thousand_tags_with_nothing_new_cost_one_written_row(store, place):
    listed = TagList(MANY, dict.fromkeys(MANY, MONDAY))
    store.keep_snapshot(API, listed, at=MONDAY)
    store.keep_sighting(API, "1.3", A, at=MONDAY)

    assert count_written_rows(place, lambda: store.keep_snapshot(API, listed, at=TUESDAY)) == 1
    assert store.find_snapshot(API) == Snapshot(
        API,
        TUESDAY,
        dict.fromkeys(MANY, MONDAY),
        dict.fromkeys(MANY, MONDAY),
        {"1.3": Sighting(A, MONDAY, is_repushed=False)},
    )


def count_read_tags(store: Store, act: Callable[[], object]) -> int:
    """Do it, and return how many rows of tags were given to us."""
    seen: list[int] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT") and "FROM tags" in statement:
            seen.append(1)

    event.listen(store._engine, "after_cursor_execute", note)
    act()
    event.remove(store._engine, "after_cursor_execute", note)
    return len(seen)


def test_twenty_thousand_tags_with_nothing_new_are_not_read(store):
    listed = TagList(MANY, dict.fromkeys(MANY, MONDAY))
    store.keep_listing(API, listed, at=MONDAY)

    assert count_read_tags(store, lambda: store.keep_listing(API, listed, at=TUESDAY)) == 0
    assert count_read_tags(store, lambda: store.count_tags(API)) == 0
    assert count_read_tags(store, lambda: store.keep_listing(API, TagList((*MANY, "2.0")), at=WEDNESDAY)) > 0


def test_what_a_listing_says_of_digests_is_in_its_own_snapshot_only(store):
    kept = store.keep_snapshot(API, TagList(("1.0",), digests={"1.0": A}), at=MONDAY)

    assert kept == Snapshot(API, MONDAY, {"1.0": MONDAY}, digests={"1.0": A})
    assert store.find_snapshot(API) == replace(kept, digests={})


def test_one_new_one_gone_and_one_pushed_of_twenty_thousand_tags_cost_five_written_rows(store, place):
    store.keep_snapshot(API, TagList(MANY, dict.fromkeys(MANY, MONDAY)), at=MONDAY)
    listed = (*MANY[1:], "2.0")
    times = dict.fromkeys(listed, MONDAY) | {"1.7": TUESDAY, "2.0": TUESDAY}

    # The repository, each of the three tags, and the event.
    assert count_written_rows(place, lambda: store.keep_snapshot(API, TagList(listed, times), at=TUESDAY)) == 5
    assert store.find_snapshot(API).pushed_at == times


def test_the_first_digest_of_a_tag_is_seen_for_the_first_time_and_not_repushed(store):
    kept = store.keep_snapshot(API, TagList(("1.0", "1.1")), at=MONDAY)

    sighting = store.keep_sighting(API, "1.0", A, at=TUESDAY)

    assert sighting == Sighting(A, TUESDAY, is_repushed=False)
    assert store.find_snapshot(API) == Snapshot(API, MONDAY, kept.first_seen, sightings={"1.0": sighting})


@pytest.mark.parametrize(
    ("digests", "expected"),
    [
        pytest.param([A, A], Sighting(A, MONDAY, is_repushed=False), id="the same digest again is no news"),
        pytest.param([A, B], Sighting(B, TUESDAY, is_repushed=True), id="another digest was pushed again"),
        pytest.param([A, B, B], Sighting(B, TUESDAY, is_repushed=True), id="and stays so"),
        pytest.param([A, B, A], Sighting(A, WEDNESDAY, is_repushed=True), id="a digest that returns begins anew"),
    ],
)
def test_a_sighting_begins_with_each_change_of_the_digest(store, digests, expected):
    store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)

    sightings = [
        store.keep_sighting(API, "1.0", digest, at=at)
        for digest, at in zip(digests, (MONDAY, TUESDAY, WEDNESDAY), strict=False)
    ]

    assert sightings[-1] == expected
    assert store.find_snapshot(API).sightings == {"1.0": expected}


def test_a_sighting_stays_when_the_tags_are_listed_again(store):
    store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)
    store.keep_sighting(API, "1.0", A, at=MONDAY)
    sighting = store.keep_sighting(API, "1.0", B, at=TUESDAY)

    kept = store.keep_snapshot(API, TagList(("1.0", "1.1")), at=WEDNESDAY)

    assert kept.sightings == {"1.0": sighting}
    assert kept.find_since("1.0") == Since(TUESDAY, Source.PUSHED_AGAIN)
    assert store.find_snapshot(API) == kept


def test_a_digest_that_is_seen_again_writes_nothing(store, place):
    store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)
    store.keep_sighting(API, "1.0", A, at=MONDAY)

    assert count_written_rows(place, lambda: store.keep_sighting(API, "1.0", A, at=TUESDAY)) == 0


@pytest.mark.parametrize(
    ("repository", "tag"),
    [
        pytest.param(API, "2.0", id="a tag that is not listed"),
        pytest.param(NGINX, "1.0", id="a repository that was never kept"),
    ],
)
def test_what_is_not_listed_has_a_sighting_that_is_not_kept(store, repository, tag):
    kept = store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)
    store.keep_sighting(repository, tag, A, at=MONDAY)

    sighting = store.keep_sighting(repository, tag, B, at=TUESDAY)

    assert sighting == Sighting(B, TUESDAY, is_repushed=False)
    assert store.find_snapshot(API) == kept
    assert store.find_snapshot(NGINX) is None


def test_the_same_tag_of_two_repositories_has_two_sightings(store):
    for repository, digest in ((API, A), (NGINX, B)):
        store.keep_snapshot(repository, TagList(("1.0",)), at=MONDAY)
        store.keep_sighting(repository, "1.0", digest, at=MONDAY)

    assert store.find_snapshot(API).sightings == {"1.0": Sighting(A, MONDAY, is_repushed=False)}
    assert store.find_snapshot(NGINX).sightings == {"1.0": Sighting(B, MONDAY, is_repushed=False)}


def test_a_content_that_is_kept_again_writes_nothing(store, place):
    store.keep_content(A, Manifest(B), at=MONDAY)

    assert count_written_rows(place, lambda: store.keep_content(A, Manifest(B), at=TUESDAY)) == 0


def test_doubt_lasts_from_its_first_instant(store):
    kept = store.keep_snapshot(API, TagList(("1.0",)), at=MONDAY)

    assert store.keep_doubt(API, at=TUESDAY) == TUESDAY
    assert store.keep_doubt(API, at=WEDNESDAY) == TUESDAY
    assert store.find_snapshot(API) == kept


def test_a_snapshot_ends_the_doubt_about_its_repository_alone(store):
    for repository in (API, NGINX):
        store.keep_snapshot(repository, TagList(("1.0",)), at=MONDAY)
        store.keep_doubt(repository, at=TUESDAY)

    store.keep_snapshot(API, TagList(("1.0",)), at=WEDNESDAY)

    assert store.keep_doubt(API, at=FRIDAY) == FRIDAY
    assert store.keep_doubt(NGINX, at=FRIDAY) == TUESDAY


def test_a_repository_that_was_never_kept_has_no_doubt_to_keep(store):
    assert store.keep_doubt(API, at=MONDAY) == MONDAY
    assert store.keep_doubt(API, at=TUESDAY) == TUESDAY
    assert store.find_snapshot(API) is None


def test_an_outcome_takes_the_place_of_the_one_before(store):
    store.keep_outcome("fleet@main", at=MONDAY, summary={"result": "proposed"})

    store.keep_outcome("fleet@main", at=TUESDAY, summary={"result": "up to date", "files": [1, None, "ü"]})

    expected = KeptOutcome(TUESDAY, {"result": "up to date", "files": [1, None, "ü"]})
    assert store.find_outcome("fleet@main") == expected
    assert store.find_outcome("fleet@staging") is None


def test_what_was_kept_is_there_when_the_store_is_opened_again(place):
    with Store.open(place) as store:
        store.keep_snapshot(API, TagList(("1.0",), {"1.0": MONDAY}), at=MONDAY)
        store.keep_sighting(API, "1.0", A, at=MONDAY)
        store.keep_content(A, Manifest(B), at=MONDAY)
        store.keep_doubt(API, at=TUESDAY)
        kept = store.find_snapshot(API)

    with Store.open(place) as store:
        assert store.find_snapshot(API) == kept
        assert store.find_content(A) == Manifest(B)
        assert store.keep_doubt(API, at=FRIDAY) == TUESDAY
        assert store.set_aside is None


def test_threads_that_keep_snapshots_at_once_lose_nothing(store):
    repositories = [Repository("ghcr.io", f"acme/app{number}") for number in range(8)]
    listed = TagList(tuple(f"1.{tag}" for tag in range(20)))

    def poll(round_number: int) -> None:
        repository = repositories[round_number % 8]
        store.keep_snapshot(repository, listed, at=MONDAY + timedelta(hours=round_number))
        store.keep_sighting(repository, "1.3", A, at=MONDAY)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(poll, range(64)))

    found = [store.find_snapshot(repository) for repository in repositories]
    assert {len(snapshot.first_seen) for snapshot in found} == {20}
    assert {snapshot.sightings["1.3"] for snapshot in found} == {Sighting(A, MONDAY, is_repushed=False)}


def test_of_two_threads_that_keep_sightings_of_a_tag_at_once_one_is_the_first(place):
    """Both see the same digests, each through a store of its own; neither may take the other's for a push."""
    tags = tuple(f"1.{number}" for number in range(25))

    def ask(store: Store, at: datetime) -> list[list[Sighting]]:
        return [[store.keep_sighting(API, tag, A, at=at) for _ in range(2)] for tag in tags]

    with Store.open(place) as one, Store.open(place) as other, ThreadPoolExecutor(2) as pool:
        one.keep_snapshot(API, TagList(tags), at=MONDAY)
        asked = [pool.submit(ask, one, TUESDAY), pool.submit(ask, other, WEDNESDAY)]
        answers = [done.result() for done in asked]
        kept = one.find_snapshot(API)

    assert kept is not None
    assert answers[0] == answers[1] == [[kept.sightings[tag]] * 2 for tag in tags]
    assert not any(sighting.is_repushed for sighting in kept.sightings.values())


def test_of_two_threads_that_move_a_tag_at_once_only_the_first_restarts_its_clock(store):
    tags = tuple(f"1.{number}" for number in range(25))
    store.keep_snapshot(API, TagList(tags), at=MONDAY)
    for tag in tags:
        store.keep_sighting(API, tag, A, at=MONDAY)

    def ask(at: datetime) -> list[Sighting]:
        return [store.keep_sighting(API, tag, B, at=at) for tag in tags]

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(ask, (TUESDAY, WEDNESDAY))
    found = store.find_snapshot(API)

    assert one == other == [found.sightings[tag] for tag in tags]
    assert all(sighting.is_repushed for sighting in one)


def test_two_stores_at_one_place_see_each_others_tags_as_known(place):
    """Each keeps the same growing list; whoever comes second to a tag must find it known, and not fail."""
    with Store.open(place) as one, Store.open(place) as other, ThreadPoolExecutor(4) as pool:
        rounds = [
            pool.submit(store.keep_snapshot, API, TagList(tuple(f"1.{tag}" for tag in range(number))), at=MONDAY)
            for number in range(1, 30)
            for store in (one, other)
        ]
        for done in rounds:
            done.result()

        found = one.find_snapshot(API)
        assert found == other.find_snapshot(API)
        assert found is not None
        assert set(found.first_seen.values()) == {MONDAY}
