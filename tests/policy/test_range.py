"""Ranges accept, refuse and admit what Masterminds/semver 3.5 does; the rows below were checked against it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.range import InvalidRange, Refusal, parse_range
from tests.policy.versions import a_version, lenient_versions, ranges


def find_admitted(text: str, versions: str) -> list[str]:
    parsed = parse_range(text)
    return [version for version in versions.split() if parsed.admits(a_version(version))]


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        pytest.param("1.2.3", "1.2.3 v1.2.3 1.2.3+b", "1.2.4 1.2.3-rc.1", id="a version is itself"),
        pytest.param("=1.2.3", "1.2.3", "1.2.2 1.2.4", id="equals"),
        pytest.param("=1.2", "1.2.0 1.2.9", "1.3.0 1.1.9", id="equals on a partial"),
        pytest.param("1", "1.0.0 1.9.9", "0.9.9 2.0.0", id="one number"),
        pytest.param("1.x", "1.0.0 1.9.9", "2.0.0", id="x"),
        pytest.param("1.2.X", "1.2.0 1.2.9", "1.3.0", id="X"),
        pytest.param("1.*.*", "1.0.0 1.9.9", "2.0.0", id="stars"),
        pytest.param("*", "0.0.0 9.9.9", "1.0.0-rc.1", id="everything but prereleases"),
        pytest.param(">1.2.3", "1.2.4 2.0.0", "1.2.3 1.2.4-rc.1", id="greater"),
        pytest.param(">1.2", "1.3.0", "1.2.9", id="greater than a partial"),
        pytest.param(">1", "2.0.0", "1.9.9", id="greater than one number"),
        pytest.param("<1.2", "1.1.9 0.0.1", "1.2.0", id="less than a partial"),
        pytest.param(">=1.2", "1.2.0", "1.1.9", id="at least a partial"),
        pytest.param("<=1.2", "1.2.9 0.1.0", "1.3.0", id="at most a partial"),
        pytest.param("<=1", "1.9.9", "2.0.0", id="at most one number"),
        pytest.param("<=1.2.3", "1.2.3", "1.2.4", id="at most a version"),
        pytest.param("=>1 =<2", "1.0.0 2.9.0", "0.9.0 3.0.0", id="operators the other way round"),
        pytest.param("!=1.2.3", "1.2.4", "1.2.3", id="not a version"),
        pytest.param("!=1.2", "1.3.0 0.2.0", "1.2.0 1.2.9", id="not a partial"),
        pytest.param("!=1", "2.0.0", "1.0.0 1.9.9", id="not one number"),
        pytest.param("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0", id="tilde"),
        pytest.param("~>1.2", "1.2.0 1.2.9", "1.3.0", id="tilde on a partial, as Ruby writes it"),
        pytest.param("~1", "1.9.9", "2.0.0", id="tilde on one number"),
        pytest.param("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0", id="caret"),
        pytest.param("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0", id="caret below 1"),
        pytest.param("^0.0.3", "0.0.3", "0.0.2 0.0.4", id="caret below 0.1"),
        pytest.param("^0.0", "0.0.0 0.0.9", "0.1.0", id="caret on 0.0"),
        pytest.param("^0", "0.0.0 0.9.0", "1.0.0", id="caret on 0"),
        pytest.param("1.2 - 2", "1.2.0 2.9.9", "1.1.9 3.0.0", id="hyphen range, its end included as a whole"),
        pytest.param("1.2.3 - 2.3.4", "1.2.3 2.3.4", "1.2.2 2.3.5", id="hyphen range of versions"),
        pytest.param(">=1, <2", "1.0.0", "0.9.0 2.0.0", id="comma is and"),
        pytest.param(">=1 <2 !=1.5.0", "1.4.0", "1.5.0 2.0.0", id="blank is and"),
        pytest.param(">=1 ,<2", "1.0.0", "2.0.0", id="blank before the comma"),
        pytest.param("^1||^3", "1.5.0 3.5.0", "2.0.0", id="or"),
        pytest.param("\t>=  v1.2\n", "1.2.0", "1.1.0", id="blanks and v"),
        pytest.param("01.02", "1.2.5", "1.3.0", id="leading zeros"),
        pytest.param("1.2.3+meta", "1.2.3", "1.2.4", id="build metadata"),
        pytest.param("2024.1.x", "2024.01.31", "2024.02.01", id="dates"),
    ],
)
def test_what_a_range_admits(text, admitted, refused):
    assert find_admitted(text, f"{admitted} {refused}") == admitted.split()


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        pytest.param("<2", "1.9.9", "1.0.0-rc.1 2.0.0-rc.1", id="none without one in the range"),
        pytest.param(">=1.2.3-beta", "1.2.3-beta 1.2.3 1.3.0-alpha", "1.2.3-alpha", id="of every version"),
        pytest.param("^1.2.3-beta", "1.3.0-beta", "2.0.0", id="caret"),
        pytest.param("~1.2.3-beta", "1.2.4-beta", "1.3.0-beta 1.2.3-alpha", id="tilde"),
        pytest.param("^1.2-0", "1.2.0-0 1.2.0-rc.1 1.9.0-rc.1", "2.0.0-rc.1", id="-0 on a partial"),
        pytest.param("*-0", "0.0.0-0 1.0.0-rc.1", "", id="-0 on everything"),
        pytest.param(">=1.0.0-0 <2", "1.0.0-rc.1 2.0.0-rc.1", "2.0.0", id="of the version after the end"),
        pytest.param(">=1.0.0-0 <2.0.0-0", "1.9.0-rc.1", "2.0.0-rc.1", id="not of the version after the end"),
        pytest.param(">=1 <=2.0.0-beta || >3", "1.0.1-beta 4.0.0", "3.0.1-beta 4.0.0-rc", id="group by group"),
        pytest.param("1.2-2", "1.2.0-2 1.2.0 1.2.5-1", "1.2.0-1 1.3.0", id="no hyphen range without blanks"),
        pytest.param("!=4.1 >=4-0", "4.1.5-beta 4.2.0", "4.1.0 4.1.5", id="not excluded by a release"),
        pytest.param("!=4.1-alpha", "4.1.5 4.1.5-beta", "4.1.0-alpha 4.1.5-alpha", id="one excluded of a partial"),
        pytest.param("!=4-alpha", "5.0.0-alpha", "4.0.0 4.1.0-beta", id="all excluded of one number"),
        pytest.param(">=1.2.3-9", "1.2.3-10 1.2.3-a", "1.2.3-8", id="numbers as numbers"),
    ],
)
def test_which_prereleases_a_range_admits(text, admitted, refused):
    assert find_admitted(text, f"{admitted} {refused}") == admitted.split()


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        pytest.param("~0.0.0", "0.0.0 0.1.0 9.9.9", "1.0.0-rc", id="tilde on 0.0.0 is everything"),
        pytest.param("~0.0", "0.0.9", "0.1.0", id="tilde on 0.0 is not"),
        pytest.param("^*", "0.0.0", "0.0.1 1.0.0", id="caret on everything is 0.0.0"),
        pytest.param(">*", "0.0.1", "0.0.0", id="greater than everything is all but 0.0.0"),
        pytest.param("<*", "", "0.0.0 1.0.0", id="less than everything is nothing"),
        pytest.param("<=*", "0.0.0 0.0.9", "0.1.0 1.0.0", id="at most everything is 0.0.x"),
        pytest.param("!=*", "0.0.1", "0.0.0", id="not everything is all but 0.0.0"),
        pytest.param("1.x.3", "1.0.0 1.9.9", "2.0.0", id="numbers after a wildcard"),
        pytest.param("x.1", "0.0.0 9.9.9", "", id="everything, then a number"),
        pytest.param("1.x.|", "1.9.9", "2.0.0", id="a bar after a wildcard"),
        pytest.param("1||2 - 3", "1.0.0 2.5.0 9.9.9", "0.9.0", id="a bar belongs to the hyphen range"),
        pytest.param("1|| 2 - 3", "1.0.0 2.5.0", "4.0.0", id="unless a blank sets it off"),
        pytest.param("1 - 2>=2", "2.0.0", "1.0.0 3.0.0", id="nothing sets off what follows a hyphen range"),
        pytest.param("1 - 2 3 - 4", "", "1.0.0 2.0.0 3.0.0", id="two hyphen ranges"),
        pytest.param("<2, 1 - 3", "1.5.0", "2.0.0", id="a hyphen range after a comma"),
    ],
)
def test_what_surprises(text, admitted, refused):
    assert find_admitted(text, f"{admitted} {refused}") == admitted.split()


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        pytest.param("", 1, "found the end at column 1, expected a comparator", id="nothing"),
        pytest.param("  ", 3, "found the end at column 3, expected a comparator", id="blanks only"),
        pytest.param("latest", 1, "found 'latest' at column 1, expected a comparator", id="a word"),
        pytest.param("==1.2", 1, "found '==1.2'", id="two equals signs"),
        pytest.param("V1", 1, "found 'V1'", id="an upper-case V"),
        pytest.param(">= v 1.2", 1, "found '>='", id="a blank after the v"),
        pytest.param(">=1.2 <", 7, "found '<'", id="an operator only"),
        pytest.param("^1.4 beta", 6, "found 'beta'", id="a word after a comparator"),
        pytest.param("^1.4,", 6, "found the end", id="a comma at the end"),
        pytest.param("1,,2", 3, "found ','", id="two commas"),
        pytest.param("|| 1", 1, "found '||'", id="nothing before the bars"),
        pytest.param("1 ||", 5, "found the end", id="nothing after the bars"),
        pytest.param("1 || || 2", 6, "found '||'", id="nothing between the bars"),
        pytest.param("1.2.3.4", 6, "found '.4' at column 6, expected a blank, a comma or ||", id="four numbers"),
        pytest.param("1.2.3rc1", 6, "found 'rc1'", id="a prerelease without a hyphen"),
        pytest.param("1.2.", 4, "found '.'", id="a dot at the end"),
        pytest.param("1.2-", 4, "found '-'", id="an empty prerelease"),
        pytest.param(">1>2", 3, "found '>2'", id="nothing between comparators"),
        pytest.param("1x", 1, "found '1x' at column 1, expected numbers below 2^64 or one of x X *", id="1x"),
        pytest.param("1|2", 1, "found '1|2'", id="one bar"),
        pytest.param("^1 ~2.xx", 5, "found '2.xx'", id="two wildcards in one"),
        pytest.param(f">{2**64}", 2, f"found '{2**64}'", id="a number too great"),
        pytest.param("1.2.3-01", 1, "found '1.2.3-01'", id="a leading zero in a prerelease"),
        pytest.param("1 2 - 3", 3, "and before a hyphen range a comma or ||", id="a hyphen range after a blank"),
        pytest.param("1 - 2 - 3", 7, "found '-'", id="a hyphen range of three"),
        pytest.param(">1 - 2", 1, "found '>1'", id="an operator before a hyphen range"),
        pytest.param("1 - 2x", 5, "found '2x'", id="a fault in the end of a hyphen range"),
        pytest.param("1 - 2, foo", 8, "found 'foo'", id="a fault after a hyphen range"),
        pytest.param("1\u00a0<2", 2, r"found '\xa0<2'", id="a blank beyond ASCII"),
        pytest.param("1.2.3-" + "a" * 251, 1, "expected numbers", id="a version of 257 characters"),
    ],
)
def test_what_is_no_range(text, column, reason):
    with pytest.raises(InvalidRange) as caught:
        parse_range(text)

    assert caught.value.column == column
    assert reason in caught.value.reason
    assert f"{text!r} is no version range: found" in str(caught.value)
    assert "accepted are ^1.4" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        pytest.param(" ".join(["1"] * 256) + " ", "1.2.3", id="512 characters"),
        pytest.param("2||" * 31 + "1", "1.2.3", id="32 groups"),
        pytest.param("1.2.3-" + "a" * 250, "1.2.3-" + "a" * 250, id="a version of 256 characters"),
        pytest.param("1.2+" + "a" * 300, "1.2.3", id="build metadata of a partial does not count"),
    ],
)
def test_ranges_up_to_the_limits(text, admitted):
    assert find_admitted(text, admitted) == [admitted]


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        pytest.param(" ".join(["1"] * 257), 513, "found 513 characters, expected at most 512", id="513 characters"),
        pytest.param("1||" * 32 + "1", 97, "expected the end after 32 groups", id="33 groups"),
    ],
)
def test_ranges_beyond_the_limits(text, column, reason):
    with pytest.raises(InvalidRange) as caught:
        parse_range(text)

    assert caught.value.column == column
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "version", "refusal"),
    [
        pytest.param("^1.2", "1.3.0", None, id="admitted"),
        pytest.param("^1.2", "2.0.0", Refusal.OUTSIDE, id="a release outside"),
        pytest.param("^1.2", "1.3.0-rc.1", Refusal.PRERELEASE, id="a prerelease inside"),
        pytest.param("^1.2", "2.1.0-rc.1", Refusal.OUTSIDE, id="a prerelease outside"),
        pytest.param("^1.2 || ^3-0", "1.3.0-rc.1", Refusal.PRERELEASE, id="a prerelease inside a group without"),
        pytest.param("^1.2 || ^1-0", "1.3.0-rc.1", None, id="a prerelease inside a later group with"),
    ],
)
def test_why_a_version_is_not_admitted(text, version, refusal):
    assert parse_range(text).refusal(a_version(version)) is refusal


def test_a_range_is_written_as_it_was_but_for_blanks_around_it():
    assert str(parse_range(" >=1.2,  <2 \n")) == ">=1.2,  <2"


@given(ranges, st.lists(lenient_versions, max_size=5))
def test_the_text_of_a_range_parses_to_a_range_that_admits_the_same(text, versions):
    parsed = parse_range(text)
    again = parse_range(str(parsed))

    assert [again.refusal(a_version(v)) for v in versions] == [parsed.refusal(a_version(v)) for v in versions]


@given(ranges, ranges, lenient_versions)
def test_groups_are_alternatives(one, other, text):
    version = a_version(text)

    either = parse_range(f"{one} || {other}").admits(version)

    assert either == (parse_range(one).admits(version) or parse_range(other).admits(version))


@given(st.text("0123xX*.|-+v <>=!~^,a\t", max_size=16) | st.text())
def test_whatever_the_text_a_range_is_parsed_or_refused(text):
    with contextlib.suppress(InvalidRange):
        assert str(parse_range(text)) == text.strip("\t\n\f\r ")
