"""What the store remembers of targets at their forges."""

from datetime import UTC, datetime, timedelta

from imagebot.store.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_memo_is_there_when_the_store_is_opened_again(place):
    with Store.open(place) as store:
        store.memos.keep("infra", "ended", "three", facts="gitlab", at=NOON)

    with Store.open(place) as store:
        assert store.memos.find("infra", "ended", facts="gitlab") == "three"


def test_a_memo_is_for_its_target_its_topic_and_its_facts(store):
    store.memos.keep("infra", "ended", "three", facts="gitlab", at=NOON)

    asked = [("other", "ended", "gitlab"), ("infra", "issue", "gitlab"), ("infra", "ended", "github")]
    assert [store.memos.find(target, topic, facts=facts) for target, topic, facts in asked] == [None, None, None]


def test_a_memo_takes_the_place_of_the_one_before(store):
    store.memos.keep("infra", "ended", "three", facts="gitlab", at=NOON)
    store.memos.keep("infra", "ended", "none", facts="github", at=NOON + DAY)

    assert store.memos.find("infra", "ended", facts="gitlab") is None
    assert store.memos.find("infra", "ended", facts="github") == "none"
