"""Versions are read and ordered as node-semver 7 does: the rows were checked against it, but for great numbers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.npm import find_npm_version
from imagebot.policy.version import Version, find_version
from tests.policy.versions import strict_versions

texts = st.text("v=0123456789.-+arc \t\u00a0", max_size=20) | st.text()


def read(text: str, *, is_loose: bool = False) -> Version:
    version = find_npm_version(text, is_loose=is_loose)
    assert version is not None
    return version


# README "Versions", and of "Range Grammar" qualifier, pre and build.
@pytest.mark.parametrize(
    ("text", "numbers", "prerelease"),
    [
        pytest.param("1.2.3", (1, 2, 3), "", id="three numbers"),
        pytest.param("0.0.0", (0, 0, 0), "", id="zeros"),
        pytest.param("10.20.30", (10, 20, 30), "", id="numbers of two digits"),
        pytest.param("v1.2.3", (1, 2, 3), "", id="a v"),
        pytest.param(" \t1.2.3\n", (1, 2, 3), "", id="blanks around it"),
        pytest.param("\u00a01.2.3\ufeff", (1, 2, 3), "", id="blanks beyond ASCII"),
        pytest.param("1.2.3-rc.1", (1, 2, 3), "rc.1", id="a prerelease"),
        pytest.param("1.2.3-0", (1, 2, 3), "0", id="a prerelease of zero"),
        pytest.param("1.2.3-0a", (1, 2, 3), "0a", id="a word that begins with a zero"),
        pytest.param("1.2.3-00a", (1, 2, 3), "00a", id="a word that begins with two zeros"),
        pytest.param("1.2.3-0-1", (1, 2, 3), "0-1", id="a zero, a hyphen and a number are a word"),
        pytest.param("1.2.3--", (1, 2, 3), "-", id="a prerelease of a hyphen"),
        pytest.param("1.2.3--01", (1, 2, 3), "-01", id="a hyphen makes a word of a number"),
        pytest.param("1.2.3-alpine3.19", (1, 2, 3), "alpine3.19", id="dots in a suffix"),
        pytest.param("1.2.3+b.01", (1, 2, 3), "", id="build metadata may begin with a zero"),
        pytest.param("1.2.3-rc.1+b-1", (1, 2, 3), "rc.1", id="build metadata after a prerelease"),
        pytest.param(f"{2**53 - 1}.0.0", (2**53 - 1, 0, 0), "", id="the greatest number"),
        pytest.param("1.2.3-" + "a" * 250, (1, 2, 3), "a" * 250, id="256 characters"),
    ],
)
def test_what_is_a_version(text, numbers, prerelease):
    version = read(text)

    assert (version.numbers, version.prerelease, str(version)) == (numbers, prerelease, text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("latest", id="a word"),
        pytest.param("1", id="one number"),
        pytest.param("1.2", id="two numbers"),
        pytest.param("1.2.3.4", id="four numbers with short ones"),
        pytest.param("1.2.x", id="a wildcard"),
        pytest.param("V1.2.3", id="an upper-case V"),
        pytest.param("1..3", id="a missing number"),
        pytest.param("1.2.3.", id="a dot at the end"),
        pytest.param("1.2. 3", id="a blank inside"),
        pytest.param("1.2.3-a..b", id="an empty identifier"),
        pytest.param("1.2.3-a.", id="an empty identifier at the end"),
        pytest.param("1.2.3_build", id="an underscore"),
        pytest.param("1.2.3+", id="empty build metadata"),
        pytest.param("1.2.3+a+b", id="build metadata twice"),
        pytest.param("1.2.3+a_b", id="an underscore in build metadata"),
        pytest.param("\u0661.2.3", id="digits beyond ASCII"),
        pytest.param("\x1c1.2.3", id="a separator that ECMAScript takes for no blank"),
        pytest.param("1.2.3\x85", id="a line end that ECMAScript takes for none"),
        pytest.param(f"{2**53}.0.0", id="a major too great"),
        pytest.param(f"0.{2**53}.0", id="a minor too great"),
        pytest.param(f"0.0.{2**53}", id="a patch too great"),
        pytest.param("1.2.3-" + "a" * 251, id="257 characters"),
        pytest.param("1.2.3" + " " * 252, id="blanks count for the length"),
    ],
)
def test_what_is_no_version_not_even_loose(text):
    assert find_npm_version(text) is None
    assert find_npm_version(text, is_loose=True) is None


# README "Functions", option loose.
@pytest.mark.parametrize(
    ("text", "numbers", "prerelease"),
    [
        pytest.param("=1.2.3", (1, 2, 3), "", id="an equals sign"),
        pytest.param("= v 1.2.3", (1, 2, 3), "", id="an equals sign, a v and blanks"),
        pytest.param("vv==1.2.3", (1, 2, 3), "", id="several of them"),
        pytest.param("v\u00a01.2.3", (1, 2, 3), "", id="a blank beyond ASCII inside"),
        pytest.param("01.2.3", (1, 2, 3), "", id="a leading zero"),
        pytest.param("2024.01.31", (2024, 1, 31), "", id="a date"),
        pytest.param("1.2.3beta", (1, 2, 3), "beta", id="no hyphen"),
        pytest.param("1.2.3rc.1", (1, 2, 3), "rc.1", id="no hyphen, and a number"),
        pytest.param("1.2.3beta+b", (1, 2, 3), "beta", id="no hyphen, and build metadata"),
        pytest.param("1.2.3-01", (1, 2, 3), "01", id="a leading zero in an identifier"),
        pytest.param("1.2.3-", (1, 2, 3), "-", id="a hyphen alone"),
        pytest.param("1.2.3-.a", (1, 2, 3), "-.a", id="a hyphen before a dot"),
        pytest.param("1.2.34.5", (1, 2, 3), "4.5", id="a fourth number takes a digit of the third"),
        pytest.param("2024.01.31.1", (2024, 1, 3), "1.1", id="a date and a number"),
        pytest.param("1.2.345.a+b", (1, 2, 34), "5.a", id="a fourth word takes no more than a digit"),
        pytest.param("1.2.3" + "a" * 251, (1, 2, 3), "a" * 251, id="256 characters without a hyphen"),
    ],
)
def test_what_is_a_version_only_if_loose(text, numbers, prerelease):
    version = read(text, is_loose=True)

    assert (version.numbers, version.prerelease, str(version)) == (numbers, prerelease, text)
    assert find_npm_version(text) is None


# README "Versions", semver §11.
@pytest.mark.parametrize(
    "line",
    [
        pytest.param("1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0", id="the example of semver §11"),
        pytest.param("1.0.0-2 1.0.0-10 1.0.0-100 1.0.0--2 1.0.0-1a", id="numbers come before words"),
        pytest.param("1.0.0-R2 1.0.0-r100 1.0.0-r2", id="words in ASCII order"),
        pytest.param("1.0.0-1 1.0.0-02 1.0.0-3", id="leading zeros do not count"),
        pytest.param("0.9.9 0.10.0 1.0.0rc 1.0.0 2.0.0", id="numbers as numbers"),
        pytest.param(f"1.0.0-{2**53} 1.0.0-{2**53 + 1} 1.0.0-{10**200} 1.0.0-a", id="great numbers exactly"),
    ],
)
def test_precedence(line):
    keys = [read(text, is_loose=True).key for text in line.split()]

    assert all(older < newer for older, newer in pairwise(keys))


@given(strict_versions)
def test_versions_of_both_dialects_are_ordered_together(text):
    version, other = find_npm_version(text), find_version(text)

    assert other is not None
    assert version == other if max(other.numbers) < 2**53 else version is None


@given(texts | strict_versions)
def test_what_is_a_version_is_the_same_when_loose(text):
    version = find_npm_version(text)

    assert version is None or find_npm_version(text, is_loose=True) == version


@given(texts, st.booleans())
def test_any_text_is_a_version_or_none(text, is_loose):
    version = find_npm_version(text, is_loose=is_loose)

    assert version is None or str(version) == text
