"""What is a version, and which precedes which."""

from itertools import pairwise

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.version import Jump, find_jump, find_version
from tests.policy.versions import a_version, lenient_versions, strict_versions


@pytest.mark.parametrize(
    ("text", "numbers", "prerelease"),
    [
        pytest.param("1.2.3", (1, 2, 3), "", id="three numbers"),
        pytest.param("v1.2.3", (1, 2, 3), "", id="a v"),
        pytest.param("1.2", (1, 2, 0), "", id="two numbers are padded"),
        pytest.param("v1", (1, 0, 0), "", id="one number is padded"),
        pytest.param("1-alpine", (1, 0, 0), "alpine", id="a suffix is a prerelease"),
        pytest.param("1.2-rc1", (1, 2, 0), "rc1", id="a prerelease of two numbers"),
        pytest.param("1-rc.1.2", (1, 0, 0), "rc.1.2", id="dots of a prerelease are no numbers"),
        pytest.param("01.2.3", (1, 2, 3), "", id="a leading zero"),
        pytest.param("2024.01.31", (2024, 1, 31), "", id="a date"),
        pytest.param("20240131", (20240131, 0, 0), "", id="a date in one number"),
        pytest.param("1.2.3-alpine3.19", (1, 2, 3), "alpine3.19", id="dots in a prerelease"),
        pytest.param("1.2.3-0abc", (1, 2, 3), "0abc", id="a word that begins with a zero"),
        pytest.param("1.2.3-rc1-with-hyphen", (1, 2, 3), "rc1-with-hyphen", id="hyphens in a prerelease"),
        pytest.param("1.2.3--", (1, 2, 3), "-", id="a prerelease of a hyphen"),
        pytest.param("1.2.3+b.01", (1, 2, 3), "", id="build metadata"),
        pytest.param("1.2.3-rc.1+b-1", (1, 2, 3), "rc.1", id="build metadata after a prerelease"),
        pytest.param(f"{2**64 - 1}.0.0", (2**64 - 1, 0, 0), "", id="the greatest number"),
        pytest.param("1.2.3-" + "a" * 250, (1, 2, 3), "a" * 250, id="256 characters"),
    ],
)
def test_what_is_a_version(text, numbers, prerelease):
    version = a_version(text)

    assert (version.numbers, version.prerelease, str(version)) == (numbers, prerelease, text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("latest", id="a word"),
        pytest.param("v", id="a v only"),
        pytest.param("V1.2.3", id="an upper-case V"),
        pytest.param("=1.2.3", id="an equals sign"),
        pytest.param(" 1.2.3", id="a blank"),
        pytest.param("1.2.3\n", id="a newline"),
        pytest.param("1.2.3.4", id="four numbers"),
        pytest.param("1..3", id="a missing number"),
        pytest.param("1.2.", id="a dot at the end"),
        pytest.param("1.2.3-", id="an empty prerelease"),
        pytest.param("1.2.3-a..b", id="an empty identifier"),
        pytest.param("1.2.3-01", id="a leading zero in a numeric identifier"),
        pytest.param("1.2.3-rc.01", id="a leading zero in a later identifier"),
        pytest.param("1.2.3_build", id="an underscore"),
        pytest.param("1.2.3rc1", id="a prerelease without a hyphen"),
        pytest.param("1.2.3+", id="empty build metadata"),
        pytest.param("1.2.3+a_b", id="an underscore in build metadata"),
        pytest.param("1.2.x", id="a wildcard"),
        pytest.param(f"{2**64}.0.0", id="a number too great"),
        pytest.param(f"1.2.{2**64}", id="a patch too great"),
        pytest.param("1.2.3-" + "a" * 251, id="257 characters"),
        pytest.param("\u0661.2.3", id="digits beyond ASCII"),
    ],
)
def test_what_is_no_version(text):
    assert find_version(text) is None


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(
            "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0",
            id="the example of semver §11",
        ),
        pytest.param("0.9.9 0.10.0 1.0.0 1.0.1 1.1.0 2.0.0 10.0.0", id="numbers as numbers"),
        pytest.param("1-1 1-10 1--1 1-a", id="what begins with a hyphen is a word"),
        pytest.param("1-RC 1-rc 1-rc10 1-rc2", id="words in ASCII order"),
        pytest.param("1-rc 1-rc.0 1-rc.0.0", id="more identifiers come later"),
        pytest.param(f"1-{2**64 - 1} 1-{2**64} 1-9{2**64 - 1} 1-a", id="too great for a number is a word"),
        pytest.param("1.2.3-z 1.2.3 1.2.4-a", id="a prerelease comes between releases"),
    ],
)
def test_precedence(texts):
    keys = [a_version(text).key for text in texts.split()]

    assert all(older < newer for older, newer in pairwise(keys))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("1.2", "v1.2.0", id="padding and v"),
        pytest.param("2024.01.31", "2024.1.31", id="leading zeros"),
        pytest.param("1.2.3+a", "1.2.3+b", id="build metadata"),
    ],
)
def test_what_does_not_count_for_precedence(one, other):
    assert a_version(one).key == a_version(other).key
    assert a_version(one) != a_version(other)


@pytest.mark.parametrize(
    ("old", "new", "jump"),
    [
        pytest.param("1.2.3", "2.2.3", Jump.MAJOR, id="major"),
        pytest.param("1.2.3", "1.3.0", Jump.MINOR, id="minor, whatever the patch"),
        pytest.param("1.2.3", "1.2.4", Jump.PATCH, id="patch"),
        pytest.param("1.2.3-rc.1", "1.2.3", Jump.PRERELEASE, id="from a prerelease to its release"),
        pytest.param("1.2.3-rc.1", "1.2.3-rc.2", Jump.PRERELEASE, id="between prereleases"),
        pytest.param("1.2.3-rc.1", "1.2.4", Jump.PATCH, id="from a prerelease to another release"),
        pytest.param("1.2", "v1.2.0", Jump.NONE, id="spelled differently"),
    ],
)
def test_the_jump_is_the_most_significant_part_that_differs(old, new, jump):
    assert find_jump(a_version(old).key, a_version(new).key) is jump


@given(strict_versions, strict_versions)
def test_strict_versions_have_the_precedence_of_semver(one, other):
    first, second = a_version(one).key, a_version(other).key

    assert (first > second) - (first < second) == semver.Version.parse(one).compare(other)


@given(st.lists(lenient_versions, max_size=5), st.randoms())
def test_precedence_is_a_total_order(texts, random):
    keys = [a_version(text).key for text in texts]
    shuffled = random.sample(keys, len(keys))

    assert sorted(shuffled) == sorted(keys)
    assert all((a < b) + (a == b) + (a > b) == 1 for a in keys for b in keys)


@given(st.text("v0123456789.-+arc", max_size=20) | st.text())
def test_any_text_is_a_version_or_none(text):
    version = find_version(text)

    assert version is None or str(version) == text
