"""What is known of tags and digests, and what is asked for."""

from dataclasses import replace

import pytest

from imagebot.image.snapshot import Sighting, Since, Snapshot, Source
from imagebot.policy.known import Answers, Fact, Known, Question, Unknown
from tests.policy.worlds import AMD64, API, NOW, ago

KEPT = Sighting("kept", ago(5), is_repushed=False)
FOUND = Sighting("found", ago(0), is_repushed=True)
SNAPSHOT = Snapshot(API, NOW, {"1.0": ago(9), "2.0": ago(9)}, sightings={"1.0": KEPT})
KNOWN = Known(SNAPSHOT, NOW)


def ask(identifier: str, fact: Fact) -> Unknown:
    return Unknown(frozenset([Question(identifier, fact)]))


@pytest.mark.parametrize(
    ("tag", "is_fresh", "answers", "found"),
    [
        pytest.param("1.0", False, {}, KEPT, id="what is remembered"),
        pytest.param("1.0", True, {}, ask("1.0", Fact.DIGEST), id="not what is remembered, where it has to be fresh"),
        pytest.param("2.0", False, {}, ask("2.0", Fact.DIGEST), id="nothing is remembered"),
        pytest.param("1.0", True, {"1.0": FOUND}, FOUND, id="the answer"),
        pytest.param("1.0", False, {"1.0": FOUND}, FOUND, id="the answer rather than what is remembered"),
        pytest.param("1.0", False, {"1.0": None}, None, id="no image now, though there was one"),
        pytest.param("2.0", True, {"1.0": FOUND}, ask("2.0", Fact.DIGEST), id="the answer about another tag"),
    ],
)
def test_what_a_tag_points_to(tag, is_fresh, answers, found):
    known = replace(KNOWN, answers=Answers(answers))

    assert known.find_sighting(tag, is_fresh=is_fresh) == found


@pytest.mark.parametrize(
    ("platforms", "found"),
    [
        pytest.param({}, ask("abc", Fact.PLATFORMS), id="not asked yet"),
        pytest.param({"abc": {AMD64: "x"}}, {AMD64: "x"}, id="found"),
        pytest.param({"abc": {}}, {}, id="no container image"),
        pytest.param({"abc": None}, None, id="unknown to the registry"),
    ],
)
def test_platforms_of_a_digest(platforms, found):
    known = replace(KNOWN, answers=Answers(platforms=platforms))

    assert known.find_platforms("abc") == found


@pytest.mark.parametrize(
    ("built", "found"),
    [
        pytest.param({}, ask("abc", Fact.BUILT), id="not asked yet"),
        pytest.param({"abc": ago(3)}, ago(3), id="found"),
        pytest.param({"abc": None}, None, id="the image does not say"),
    ],
)
def test_when_a_digest_was_built(built, found):
    known = replace(KNOWN, answers=Answers(built=built))

    assert known.find_built("abc") == found


@pytest.mark.parametrize(
    ("answers", "since"),
    [
        pytest.param({}, Since(ago(9), Source.FIRST_SEEN), id="by what is remembered"),
        pytest.param({"1.0": FOUND}, Since(ago(0), Source.PUSHED_AGAIN), id="by the answer"),
        pytest.param({"1.0": None}, Since(ago(9), Source.FIRST_SEEN), id="no image says nothing of the age"),
    ],
)
def test_an_answer_is_later_than_what_is_remembered(answers, since):
    known = replace(KNOWN, answers=Answers(answers))

    assert known.find_since("1.0") == since
