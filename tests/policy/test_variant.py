"""What of a tag moves and what stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.variant import Variant, split_tag
from tests.policy.versions import any_tags


@pytest.mark.parametrize(
    ("tag", "variant", "version"),
    [
        pytest.param("1.25.3", Variant(False, 3, ""), "1.25.3", id="three numbers"),
        pytest.param("1.25", Variant(False, 2, ""), "1.25", id="two numbers"),
        pytest.param("1", Variant(False, 1, ""), "1", id="one number"),
        pytest.param("v1.2.3", Variant(True, 3, ""), "v1.2.3", id="a v"),
        pytest.param("20240131", Variant(False, 1, ""), "20240131", id="a date is one number"),
        pytest.param("1234567", Variant(False, 1, ""), "1234567", id="a commit hash of digits is one number"),
        pytest.param("2024.01.31", Variant(False, 3, ""), "2024.01.31", id="a date of three numbers"),
        pytest.param("1.25.3-alpine", Variant(False, 3, "alpine"), "1.25.3", id="a suffix"),
        pytest.param("1.25-alpine", Variant(False, 2, "alpine"), "1.25", id="a suffix after two numbers"),
        pytest.param("1.25.3-alpine3.19", Variant(False, 3, "alpine3.19"), "1.25.3", id="numbers in a suffix stay"),
        pytest.param("17-jdk-slim-bookworm", Variant(False, 1, "jdk-slim-bookworm"), "17", id="a suffix of words"),
        pytest.param(
            "2024.01.31-debian-12-r3",
            Variant(False, 3, "debian-12-r3"),
            "2024.01.31",
            id="a revision in a suffix stays",
        ),
        pytest.param(
            "12.3.1-base-ubuntu22.04", Variant(False, 3, "base-ubuntu22.04"), "12.3.1", id="a suffix that is not semver"
        ),
        pytest.param("1.2.3-debian_12", Variant(False, 3, "debian_12"), "1.2.3", id="an underscore in a suffix"),
        pytest.param("1.2.3-01", Variant(False, 3, ""), "1.2.3-01", id="a prerelease that semver refuses"),
        pytest.param("1.2.3--alpine", Variant(False, 3, "-alpine"), "1.2.3", id="two hyphens"),
        pytest.param("1.2.3-4.el8", Variant(False, 3, "4.el8"), "1.2.3", id="a number and a word"),
        pytest.param("1.2.3-0ubuntu1", Variant(False, 3, "0ubuntu1"), "1.2.3", id="a word that begins with a number"),
        pytest.param("1.2.3-alpha1a", Variant(False, 3, "alpha1a"), "1.2.3", id="not only a stage"),
        pytest.param("1.2.3-alpine-rc1", Variant(False, 3, "alpine-rc1"), "1.2.3", id="a stage behind a suffix stays"),
        pytest.param("v1.2.3-rc.1", Variant(True, 3, ""), "v1.2.3-rc.1", id="a prerelease"),
        pytest.param("1.2.3-rc1", Variant(False, 3, ""), "1.2.3-rc1", id="a stage with its number"),
        pytest.param("1.2-rc1", Variant(False, 2, ""), "1.2-rc1", id="a prerelease of two numbers"),
        pytest.param("1.2.3-beta-2", Variant(False, 3, ""), "1.2.3-beta-2", id="a number after a hyphen"),
        pytest.param("1.2.3-SNAPSHOT", Variant(False, 3, ""), "1.2.3-SNAPSHOT", id="upper case"),
        pytest.param("1.2.3-M2", Variant(False, 3, ""), "1.2.3-M2", id="a milestone"),
        pytest.param("1.2.3-pre.alpha", Variant(False, 3, ""), "1.2.3-pre.alpha", id="two stages"),
        pytest.param(
            "1.2.3-dev.20240131.abc", Variant(False, 3, ""), "1.2.3-dev.20240131.abc", id="a word after a stage"
        ),
        pytest.param("1.2.3-0", Variant(False, 3, ""), "1.2.3-0", id="a number is a prerelease"),
        pytest.param("1.2.3-12.4", Variant(False, 3, ""), "1.2.3-12.4", id="numbers are a prerelease"),
        pytest.param("1.2.3-0-rc1", Variant(False, 3, ""), "1.2.3-0-rc1", id="a number and a stage"),
        pytest.param("1.2.3-rc.1-alpine", Variant(False, 3, "alpine"), "1.2.3-rc.1", id="a prerelease and a suffix"),
        pytest.param("23-ea-17-jdk-slim", Variant(False, 1, "jdk-slim"), "23-ea-17", id="a prerelease of words"),
        pytest.param("1.2.3-5-gabcdef1", Variant(False, 3, "gabcdef1"), "1.2.3-5", id="as git describes a commit"),
        pytest.param("1-" + "a" * 126, Variant(False, 1, "a" * 126), "1", id="128 characters"),
    ],
)
def test_what_of_a_tag_moves_and_what_stays(tag, variant, version):
    assert split_tag(tag) == (variant, version)


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param("latest", id="a word"),
        pytest.param("alpine", id="a suffix only"),
        pytest.param("0a1b2c3", id="a commit hash"),
        pytest.param("sha-0a1b2c3", id="a commit hash with a prefix"),
        pytest.param("1.2.3rc1", id="a prerelease without a hyphen"),
        pytest.param("1.2.3.4", id="four numbers"),
        pytest.param("17.0.8_7-jdk", id="an underscore before the suffix"),
        pytest.param("V1.2.3", id="an upper-case V"),
        pytest.param("1.2.3-", id="a hyphen at the end"),
        pytest.param("1.2.3-rc.1-", id="a hyphen after a prerelease"),
        pytest.param("1.2.3+build", id="build metadata, which no tag can have"),
        pytest.param("1-" + "a" * 127, id="129 characters"),
        pytest.param("1.2.3\n", id="a newline"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_does_not_split(tag):
    assert split_tag(tag) is None


@given(any_tags)
def test_variant_and_version_make_up_the_tag(tag):
    split = split_tag(tag)

    if split is not None:
        variant, version = split
        assert version + (f"-{variant.suffix}" if variant.suffix else "") == tag
        assert (variant.has_v, variant.components) == (tag.startswith("v"), len(tag.split("-")[0].split(".")))


@given(st.text("v0123.-_rcalpine", max_size=20) | st.text())
def test_any_text_is_split_or_not(text):
    split = split_tag(text)

    assert split is None or text.startswith(split[1])
