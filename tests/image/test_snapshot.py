"""Since when a tag has been what it is: by the registry's word, else by what was seen."""

from datetime import UTC, datetime, timedelta

import pytest

from imagebot.image.reference import Repository
from imagebot.image.snapshot import MOST_AHEAD, Sighting, Since, Snapshot, Source

JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, 12, 30, tzinfo=UTC) for month in (1, 2, 3))
SECOND = timedelta(seconds=1)
FIRST = Sighting("sha256:a", FEBRUARY, is_repushed=False)
AGAIN = Sighting("sha256:b", FEBRUARY, is_repushed=True)


@pytest.mark.parametrize(
    ("pushed_at", "sighting", "since"),
    [
        pytest.param(None, None, Since(JANUARY, Source.FIRST_SEEN), id="the first listing with it"),
        pytest.param(MARCH, None, Since(MARCH, Source.PUSHED), id="the registry says so"),
        pytest.param(
            MARCH + MOST_AHEAD, None, Since(MARCH + MOST_AHEAD, Source.PUSHED), id="its clock may be a little ahead"
        ),
        pytest.param(
            MARCH + MOST_AHEAD + SECOND, None, Since(JANUARY, Source.FIRST_SEEN), id="a time far ahead is no time"
        ),
        pytest.param(None, FIRST, Since(JANUARY, Source.FIRST_SEEN), id="a first digest counts from the first listing"),
        pytest.param(None, AGAIN, Since(FEBRUARY, Source.PUSHED_AGAIN), id="another digest"),
        pytest.param(
            JANUARY, AGAIN, Since(FEBRUARY, Source.PUSHED_AGAIN), id="another digest, pushed under a tag before"
        ),
        pytest.param(MARCH, AGAIN, Since(MARCH, Source.PUSHED), id="pushed again after that"),
    ],
)
def test_since_when(pushed_at, sighting, since):
    snapshot = Snapshot(
        Repository("ghcr.io", "acme/api"),
        MARCH,
        {"1.0": JANUARY},
        pushed_at={"1.0": pushed_at} if pushed_at else {},
        sightings={"1.0": sighting} if sighting else {},
    )

    assert snapshot.find_since("1.0") == since


@pytest.mark.parametrize(("has_history", "tag"), [(True, "2.0"), (False, "1.0")], ids=["not listed", "no history"])
def test_nothing_is_known_of_a_tag(has_history, tag):
    snapshot = Snapshot(Repository("ghcr.io", "acme/api"), MARCH, {"1.0": JANUARY}, has_history=has_history)

    assert snapshot.find_since(tag) is None


def test_a_time_is_told_with_its_source():
    assert str(Since(FEBRUARY, Source.PUSHED_AGAIN)) == "seen to be pushed again 2026-02-01 12:30 UTC"
