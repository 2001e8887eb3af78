"""What is kept is forgotten one day, on both databases; what is in use is not."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from imagebot.image.manifest import Config
from imagebot.image.reference import Repository
from imagebot.image.tag_list import TagList
from imagebot.secret import Secret
from imagebot.store.place import Place
from imagebot.store.store import Store
from imagebot.store.upkeep import check_store

API, WEB = Repository("ghcr.io", "acme/api"), Repository("ghcr.io", "acme/web")
START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
CONFIG = Config(None, None, {})


def fill(store: Store) -> None:
    """Keep a row in every table that grows."""
    store.keep_snapshot(API, TagList(("1.0",)), at=START)
    store.history.keep_failure(WEB, "gone", at=START)
    store.keep_content("sha256:a", CONFIG, at=START)
    store.keep_outcome("fleet", at=START, summary={})
    store.located.keep({("blob", "rules"): "text"}, used=[], at=START)
    store.located.keep_head("fleet", "head", "rules", "text", at=START)
    store.memos.keep("fleet", "topic", "text", facts="facts", at=START)
    store.pauses.keep("ghcr.io", "", until=START + DAY)


def count(place: Place) -> dict[str, int]:
    return {table.name: table.rows for table in check_store(place).tables if table.name != "chores"}


def pass_days(store: Store, days: int, *, to: datetime) -> None:
    """Let a round end on each of the last days, of a target that has nothing to do with what was kept."""
    for day in range(days):
        store.keep_outcome("other", at=to - (days - 1 - day) * DAY, summary={})


@pytest.mark.parametrize(
    ("days", "gone"),
    [
        pytest.param(0.5, set(), id="on the same day"),
        pytest.param(2, {"pauses"}, id="a pause that is over"),
        pytest.param(31, {"pauses", "located", "heads", "failures"}, id="what nobody used for a month"),
        pytest.param(
            91, {"pauses", "located", "heads", "failures", "history"}, id="history that is older than it may be"
        ),
        pytest.param(
            400,
            {"pauses", "located", "heads", "failures", "history", "memos", "contents", "repositories", "tags"},
            id="everything, in a year",
        ),
    ],
)
def test_what_is_forgotten_after_so_many_days(place: Place, days: float, gone: set[str]):
    with Store.open(place) as store:
        fill(store)
        before = count(place)
        pass_days(store, 2, to=START + days * DAY)

    after = count(place)
    assert {table for table, rows in after.items() if rows < before[table]} == gone
    assert after["outcomes"] == (2 if days < 180 else 1)


def test_half_a_year_in_which_imagebot_did_not_run_forgets_no_first_seen_times(place: Place):
    with Store.open(place) as store:
        store.keep_snapshot(API, TagList(("1.0",)), at=START)
        store.keep_outcome("fleet", at=START, summary={})
        store.keep_outcome("fleet", at=START + 200 * DAY, summary={})

        kept = store.find_snapshot(API)

    assert kept is not None
    assert kept.first_seen == {"1.0": START}


def test_a_sweep_leaves_what_another_has_in_hand_for_the_next(database: str):
    place = Secret(database)
    with Store.open(place) as store:
        fill(store)
        with psycopg.connect(database) as other:
            other.execute("SELECT * FROM located FOR UPDATE")
            store.keep_outcome("other", at=START + 31 * DAY, summary={})
            assert count(place)["located"] == 1
        store.keep_outcome("other", at=START + 33 * DAY, summary={})

    assert count(place)["located"] == 0


def test_more_than_a_thousand_rows_go_in_one_sweep(place: Place):
    with Store.open(place) as store:
        store.keep_outcome("fleet", at=START, summary={})
        store.located.keep({(f"blob {number}", "rules"): "text" for number in range(2500)}, used=[], at=START)
        store.keep_outcome("fleet", at=START + 31 * DAY, summary={})

    assert count(place)["located"] == 0
