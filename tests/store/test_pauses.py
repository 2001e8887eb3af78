"""What the store remembers of registries that asked to be left alone."""

from datetime import UTC, datetime, timedelta

from imagebot.store.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_pause_is_there_when_the_store_is_opened_again(place):
    with Store.open(place) as store:
        store.pauses.keep("ghcr.io", "all", until=NOON + HOUR)

    with Store.open(place) as store:
        assert store.pauses.find("ghcr.io", at=NOON) == {"all": NOON + HOUR}


def test_pauses_of_other_hosts_and_other_scopes_are_told_apart(store):
    store.pauses.keep("docker.io", "all", until=NOON + HOUR)
    store.pauses.keep("docker.io", "pulls", until=NOON + 2 * HOUR)
    store.pauses.keep("ghcr.io", "all", until=NOON + 3 * HOUR)

    assert store.pauses.find("docker.io", at=NOON) == {"all": NOON + HOUR, "pulls": NOON + 2 * HOUR}
    assert store.pauses.find("quay.io", at=NOON) == {}


def test_a_pause_takes_the_place_of_the_one_before(store):
    store.pauses.keep("ghcr.io", "all", until=NOON + 2 * HOUR)
    store.pauses.keep("ghcr.io", "all", until=NOON + HOUR)

    assert store.pauses.find("ghcr.io", at=NOON) == {"all": NOON + HOUR}


def test_a_pause_that_is_over_is_not_found(store):
    store.pauses.keep("ghcr.io", "all", until=NOON + HOUR)

    assert store.pauses.find("ghcr.io", at=NOON + HOUR) == {}
