"""Occurrences that are alike are decided once, and no decision is taken from what is not known."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from imagebot.image.reference import parse_repository
from imagebot.image.snapshot import Since, Source
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.gates import Waiting
from imagebot.policy.known import Answers, Fact, Question
from imagebot.policy.policies import SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.policy.select import NoCandidate, Selection
from imagebot.proposal.choose import (
    Choice,
    Chooser,
    Findings,
    Found,
    Questions,
    Unlisted,
    find_due,
    find_undecided,
    list_held,
    list_waiting,
    summarize_waiting,
)
from imagebot.proposal.survey import survey
from tests.proposal.builders import (
    DIGEST_1,
    DIGEST_2,
    NOW,
    answer,
    make_choices,
    make_entry,
    make_follower,
    make_listings,
    see,
)

NGINX, REDIS = parse_repository("nginx"), parse_repository("redis")
_FILES = {"a.yaml": b"image: nginx:1.0.0\n"}


def _make_chooser(files: Mapping[str, bytes], tags: Mapping[str, list[str]], *entries: Entry) -> Chooser:
    return Chooser(survey(files, entries or [make_entry("*", ">=0")]), make_listings(tags), now=NOW)


def _ask(chooser: Chooser, findings: Findings) -> Questions:
    asked = chooser.choose(findings)
    assert not isinstance(asked, tuple)
    return asked


def _decide(chooser: Chooser, findings: Findings) -> tuple[Choice, ...]:
    choices = chooser.choose(findings)
    assert isinstance(choices, tuple)
    return choices


def _make_patient(days: int, *, pins_digest: bool = False) -> Entry:
    rules = Rules(SemverRange(parse_range(">=0")), min_age=timedelta(days=days), pins_digest=pins_digest)
    return Entry(None, parse_image_pattern("*"), None, rules, 1)


def _seen(at: datetime) -> Since:
    return Since(at, Source.FIRST_SEEN)


def test_a_newer_tag_is_the_new_tag():
    (choice,) = make_choices(_FILES, {"nginx": ["1.0.0", "1.1.0"]})

    assert (choice.current_tag, choice.new_tag) == ("1.0.0", "1.1.0")


def test_a_choice_of_the_current_tag_writes_nothing():
    (choice,) = make_choices(_FILES, {"nginx": ["1.0.0"]})

    assert isinstance(choice.verdict, Selection)
    assert choice.new_tag is None


def test_a_repository_that_could_not_be_listed_stays_with_its_reason():
    chooser = Chooser(survey(_FILES, [make_entry("*", ">=0")]), {NGINX: Unlisted(NGINX, "it is down")}, now=NOW)

    choices = _decide(chooser, {})

    assert [(each.verdict, each.new_tag) for each in choices] == [(Unlisted(NGINX, "it is down"), None)]


def test_a_repository_that_nobody_listed_is_unlisted():
    (choice,) = make_choices(_FILES, {})

    assert isinstance(choice.verdict, Unlisted)


@pytest.mark.parametrize(
    ("text", "entry", "reason"),
    [
        pytest.param("nginx:1.0.0", make_entry("*", ">=0"), "but not 1.0.0, which is written", id="a tag is written"),
        pytest.param(
            f"nginx@{DIGEST_1}", make_follower("latest"), "but not latest, which is followed", id="a tag is followed"
        ),
    ],
)
def test_a_list_that_lacks_the_tag_that_counts_decides_nothing(text: str, entry: Entry, reason: str):
    (choice,) = make_choices({"a.yaml": f"image: {text}\n".encode()}, {"nginx": ["1.1.0", "1.2.0"]}, [entry])

    assert isinstance(choice.verdict, Unlisted)
    assert f"lists 2 tags, {reason}" in choice.verdict.reason
    assert not choice.is_settled


def test_a_range_that_admits_nothing_newer_gives_no_tag_and_the_reason():
    (choice,) = make_choices(_FILES, {"nginx": ["0.9.0", "1.0.0"]}, [make_entry("*", "<1")])

    assert isinstance(choice.verdict, NoCandidate)
    assert choice.new_tag is None
    assert choice.is_settled


def test_occurrences_under_different_entries_are_decided_apart():
    files = {"prod/a.yaml": b"image: nginx:1.0.0\n", "test/a.yaml": b"image: nginx:1.0.0\n"}
    entries = [make_entry("nginx", "~1.0"), make_entry("*", ">=0")]

    choices = make_choices(files, {"nginx": ["1.0.0", "1.0.1", "2.0.0"]}, entries)

    assert [choice.new_tag for choice in choices] == ["1.0.1", "1.0.1"]


def test_occurrences_that_are_alike_are_decided_once():
    files = {f"{n}.yaml": b"image: nginx:1.0.0\n---\nimage: nginx:1.1.0\n" for n in range(3)}

    choices = make_choices(files, {"nginx": ["1.0.0", "1.1.0"]})

    assert [choice.new_tag for choice in choices] == 3 * ["1.1.0", None]
    assert len({id(choice.verdict) for choice in choices}) == 2


def test_an_image_is_undecided_if_one_of_its_places_is_whichever_comes_last():
    files = {name: f"image: nginx:{tag}\n".encode() for name, tag in (("a.yaml", "0.1.0"), ("b.yaml", "1.0.0"))}
    tags = {"nginx": ["1.0.0", "1.1.0"]}

    undecided = find_undecided(make_choices(files, tags))
    reversed_files = {"a.yaml": files["b.yaml"], "b.yaml": files["a.yaml"]}

    assert list(undecided) == [NGINX]
    assert undecided == find_undecided(make_choices(reversed_files, tags))


def test_questions_about_all_repositories_are_asked_in_one_step():
    files = {"a.yaml": b"image: nginx:1.0.0\n---\nimage: redis:7.0.0\n---\nimage: redis:7.1.0\n"}
    tags = {"nginx": ["1.0.0", "1.1.0"], "redis": ["7.0.0", "7.1.0", "7.2.0"]}

    asked = _ask(_make_chooser(files, tags), {})

    assert asked == {
        NGINX: {Question(tag, Fact.DIGEST) for tag in ("1.0.0", "1.1.0")},
        REDIS: {Question(tag, Fact.DIGEST) for tag in ("7.0.0", "7.1.0", "7.2.0")},
    }


def test_a_place_with_nothing_better_asks_nothing():
    assert _decide(_make_chooser(_FILES, {"nginx": ["0.9.0", "1.0.0"]}), {})[0].is_settled


def test_a_question_that_fails_lets_all_places_of_its_image_wait_and_no_other():
    failure = Unlisted(NGINX, "the registry is down")
    files = {
        "a.yaml": f"image: nginx:1.0.0@{DIGEST_1}\n".encode(),  # asks for the digest of 1.1.0
        "b.yaml": b"image: nginx:1.1.0\n",  # is settled without a question
        "c.yaml": b"image: redis:7.0.0\n",
    }
    chooser = _make_chooser(files, {"nginx": ["1.0.0", "1.1.0"], "redis": ["7.0.0", "7.2.0"]})
    asked = _ask(chooser, {})

    findings = {NGINX: Found(failure=failure), REDIS: answer(asked[REDIS], {})}
    rest = _ask(chooser, findings)
    choices = _decide(chooser, {**findings, REDIS: answer(asked[REDIS] | rest[REDIS], {})})

    assert [(each.verdict, each.new_digest) for each in choices[:2]] == 2 * [(failure, None)]
    assert choices[2].new_tag == "7.2.0"
    assert list(rest) == [REDIS]


def test_an_image_whose_answers_suffice_moves_though_another_question_about_it_failed():
    failed = Found(Answers({tag: see(DIGEST_1) for tag in ("1.0.0", "1.1.0")}, {DIGEST_1: {}}), Unlisted(NGINX, "down"))

    (choice,) = _decide(_make_chooser(_FILES, {"nginx": ["1.0.0", "1.1.0"]}), {NGINX: failed})

    assert choice.new_tag == "1.1.0"


def test_a_place_with_only_a_digest_takes_the_digest_of_the_tag_that_is_followed():
    files = {"a.yaml": f"image: nginx@{DIGEST_1}\n".encode()}

    (choice,) = make_choices(files, {"nginx": ["latest"]}, [make_follower("latest")])

    assert (choice.current_tag, choice.new_tag, choice.new_digest) == (None, None, DIGEST_2)


@pytest.mark.parametrize(
    ("text", "entry", "is_settled"),
    [
        pytest.param("nginx:1.1.0", make_entry("*", ">=0"), True, id="the newest tag"),
        pytest.param("nginx:1.0.0", make_entry("*", ">=0"), False, id="a newer tag"),
        pytest.param(
            f"nginx:1.1.0@{DIGEST_1}", make_entry("*", ">=0"), True, id="a digest that is not kept up to date"
        ),
        pytest.param(f"nginx:1.1.0@{DIGEST_1}", make_entry("*", ">=0", pins_digest=True), False, id="a newer digest"),
        pytest.param(f"nginx:1.1.0@{DIGEST_2}", make_entry("*", ">=0", pins_digest=True), True, id="the digest of now"),
        pytest.param("nginx:1.1.0", make_entry("*", ">=0", pins_digest=True), False, id="a digest to be added"),
        pytest.param(f"nginx@{DIGEST_1}", make_follower("latest"), False, id="only a digest, and an old one"),
        pytest.param(f"nginx@{DIGEST_2}", make_follower("latest"), True, id="only a digest, and the one of now"),
        pytest.param(f"nginx:1.1.0@{DIGEST_1}", make_follower("latest"), True, id="another tag than is followed"),
        pytest.param("nginx:2.0.0", make_entry("*", ">=0"), False, id="a tag that is not listed"),
    ],
)
def test_what_is_known_to_stay_is_settled(text: str, entry: Entry, is_settled: bool):
    files = {"a.yaml": f"image: {text}\n".encode()}

    (choice,) = make_choices(files, {"nginx": ["1.0.0", "1.1.0", "latest"]}, [entry])

    assert choice.is_settled is is_settled


def test_the_age_of_a_tag_that_was_pushed_again_counts_from_then():
    files = {"a.yaml": f"image: nginx:latest@{DIGEST_1}\n".encode()}
    seen = {"latest": see(DIGEST_2, at=NOW, is_repushed=True)}

    (choice,) = make_choices(
        files, {"nginx": ["latest"]}, [make_follower("latest")], sightings=seen, seen_at=NOW - timedelta(days=9)
    )

    assert isinstance(choice.verdict, Selection)
    assert choice.verdict.since == Since(NOW, Source.PUSHED_AGAIN)


def test_a_place_that_cannot_hold_a_digest_keeps_none_and_says_so():
    files = {"values.yaml": b"image: {repository: nginx, tag: 1.1.0}\n"}

    choices = make_choices(files, {"nginx": ["1.1.0"]}, [make_entry("*", ">=0", pins_digest=True)])

    assert list_held(choices) == ("values.yaml:1: nginx:1.1.0: no digest can be written there",)


def test_tags_that_are_too_young_wait_and_are_listed_once():
    files = {"a.yaml": b"image: nginx:1.0.0\n---\nimage: nginx:1.1.0\n---\nimage: redis:7.0.0\n"}
    tags = {"redis": ["7.0.0", "7.2.0"], "nginx": ["1.0.0", "1.1.0", "1.2.0"]}

    choices = make_choices(files, tags, [_make_patient(3)])

    until = NOW + timedelta(days=3)
    assert list_waiting(choices) == (
        (NGINX, Waiting("1.2.0", _seen(NOW), until)),
        (NGINX, Waiting("1.1.0", _seen(NOW), until)),
        (REDIS, Waiting("7.2.0", _seen(NOW), until)),
    )
    assert find_due(choices) == until
    assert all(choice.is_settled for choice in choices)


def test_a_digest_that_is_too_young_waits_as_its_tag_does():
    files = {"a.yaml": f"image: nginx:1.0.0@{DIGEST_1}\n".encode()}
    seen = {"1.0.0": see(DIGEST_2, at=NOW - timedelta(days=1), is_repushed=True)}
    long_ago = NOW - timedelta(days=90)

    choices = make_choices(
        files, {"nginx": ["1.0.0"]}, [_make_patient(3, pins_digest=True)], sightings=seen, seen_at=long_ago
    )

    since = Since(NOW - timedelta(days=1), Source.PUSHED_AGAIN)
    assert list_waiting(choices) == ((NGINX, Waiting("1.0.0", since, NOW + timedelta(days=2))),)
    assert find_due(choices) == NOW + timedelta(days=2)
    assert choices[0].is_settled


def test_nothing_is_due_where_nothing_waits_or_nothing_is_decided():
    young = make_choices(_FILES, {"nginx": ["1.1.0"]}, [_make_patient(3)])

    assert find_due(young) is None
    assert find_due(make_choices(_FILES, {"nginx": ["1.0.0"]})) is None
    assert list_waiting(young) == ()


def test_what_waits_is_summarised_with_times_and_their_source():
    choices = make_choices(_FILES, {"nginx": ["1.0.0", "1.1.0"]}, [_make_patient(3)])

    assert summarize_waiting(choices) == [
        {
            "image": "docker.io/library/nginx",
            "tag": "1.1.0",
            "since": "2026-03-01T00:00:00+00:00",
            "source": "first seen",
            "until": "2026-03-04T00:00:00+00:00",
        }
    ]
