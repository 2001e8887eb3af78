"""Ranges accept, refuse and admit what node-semver 7 does: the rows were checked against it, but for 513 and 10^30."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.npm import find_npm_version
from imagebot.policy.npm_range import NpmRange, parse_npm_range
from imagebot.policy.range import InvalidRange, Refusal
from tests.policy.versions import a_version, prereleases


def find_admitted(range_: NpmRange, versions: str) -> list[str]:
    found = [(text, find_npm_version(text)) for text in versions.split()]
    return [text for text, version in found if version is not None and range_.admits(version)]


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        # README "Ranges", of "Range Grammar" primitive
        pytest.param("1.2.3", "1.2.3 v1.2.3 1.2.3+b", "1.2.4 1.2.2 1.2.3-rc.1", id="a version is itself"),
        pytest.param("=1.2.3", "1.2.3", "1.2.2 1.2.4", id="equals"),
        pytest.param("v1.2.3", "1.2.3", "1.2.4", id="a v"),
        pytest.param("=v1.2.3", "1.2.3", "1.2.4", id="a v after an operator"),
        pytest.param(">1.2.3", "1.2.4 2.0.0", "1.2.3 1.2.4-rc.1", id="greater"),
        pytest.param(">=1.2.3", "1.2.3 2.0.0", "1.2.2", id="at least"),
        pytest.param("<1.2.3", "1.2.2 0.0.0", "1.2.3 1.2.3-rc.1", id="less"),
        pytest.param("<=1.2.3", "1.2.3 0.0.0", "1.2.4", id="at most"),
        pytest.param(">=v1.2.3", "1.2.3", "1.2.2", id="a v after two characters"),
        # README "Ranges": comparator sets
        pytest.param(">=1.2.7 <1.3.0", "1.2.7 1.2.99", "1.2.6 1.3.0", id="blank is and"),
        pytest.param(">1 \t <3\n", "2.0.0", "1.0.0 3.0.0", id="any blanks are one"),
        pytest.param(">=1\u00a0<2", "1.0.0", "2.0.0", id="a blank beyond ASCII"),
        pytest.param("1.2.7 || >=1.2.9 <2", "1.2.7 1.2.9", "1.2.8 2.0.0", id="or"),
        pytest.param("^1||^3", "1.5.0 3.5.0", "2.0.0", id="or without blanks"),
        pytest.param(">2 <1", "", "0.0.0 1.5.0 3.0.0", id="comparators that contradict each other"),
        pytest.param("1 1.2 1.2.3", "1.2.3", "1.2.4", id="one within the other"),
        # of "Range Grammar" range-set and logical-or: a range may be empty
        pytest.param("", "0.0.0 9.9.9", "1.0.0-rc.1", id="nothing is any"),
        pytest.param("  ", "0.0.0 9.9.9", "1.0.0-rc.1", id="blanks are any"),
        pytest.param("||", "0.0.0 9.9.9", "", id="bars only are any"),
        pytest.param("1 ||", "0.0.0 9.9.9", "", id="nothing after the bars is any"),
        pytest.param("|| 1", "0.0.0 9.9.9", "", id="nothing before the bars is any"),
        pytest.param("1 || || 2", "0.0.0 9.9.9", "", id="nothing between the bars is any"),
        # blanks between operator and version
        pytest.param("> 1.2.3", "1.2.4", "1.2.3", id="a blank after an operator"),
        pytest.param(">=  1.2  <  2", "1.2.0 1.9.9", "1.1.9 2.0.0", id="blanks after operators"),
        pytest.param("~ 1.2", "1.2.9", "1.3.0", id="a blank after a tilde"),
        pytest.param("~> 1.2", "1.2.9", "1.3.0", id="a blank after Ruby's tilde"),
        pytest.param("^ 1.2 ^ 1.3", "1.3.0", "1.2.0 2.0.0", id="blanks after carets"),
        # README "Hyphen Ranges"
        pytest.param("1.2.3 - 2.3.4", "1.2.3 2.3.4", "1.2.2 2.3.5", id="hyphen range"),
        pytest.param("1.2 - 2.3.4", "1.2.0 2.3.4", "1.1.9 2.3.5", id="hyphen range from a partial"),
        pytest.param("1.2.3 - 2.3", "1.2.3 2.3.9", "1.2.2 2.4.0", id="hyphen range to a partial"),
        pytest.param("1.2.3 - 2", "2.9.9", "3.0.0", id="hyphen range to one number"),
        pytest.param("* - 2", "0.0.0 2.9.9", "3.0.0", id="hyphen range from any"),
        pytest.param("1 - x", "1.0.0 9.9.9", "0.9.9", id="hyphen range to any"),
        pytest.param("* - *", "0.0.0 9.9.9", "", id="hyphen range from any to any"),
        pytest.param("1.x - 2.x", "1.0.0 2.9.9", "3.0.0", id="hyphen range of wildcards"),
        pytest.param("v1.2.3 - v2.0.0", "1.2.3 2.0.0", "2.0.1", id="hyphen range with v"),
        pytest.param("1 - 2 || 4 - 5", "2.5.0 4.0.0", "3.0.0", id="hyphen ranges as alternatives"),
        pytest.param("1.0.0+a - 2.0.0+b", "1.0.0 2.0.0", "2.0.1", id="hyphen range with build metadata"),
        # README "X-Ranges"
        pytest.param("*", "0.0.0 9.9.9", "1.0.0-rc.1", id="any"),
        pytest.param("x", "0.0.0 9.9.9", "1.0.0-rc.1", id="any as x"),
        pytest.param("1.x", "1.0.0 1.9.9", "0.9.9 2.0.0", id="x"),
        pytest.param("1.2.X", "1.2.0 1.2.9", "1.3.0", id="X"),
        pytest.param("1.*.*", "1.0.0 1.9.9", "2.0.0", id="stars"),
        pytest.param("1", "1.0.0 1.9.9", "0.9.9 2.0.0", id="one number"),
        pytest.param("1.2", "1.2.0 1.2.9", "1.1.9 1.3.0", id="two numbers"),
        pytest.param("=1.2", "1.2.0 1.2.9", "1.3.0", id="equals on a partial"),
        pytest.param("0", "0.0.0 0.9.9", "1.0.0", id="zero"),
        pytest.param(">1", "2.0.0", "1.9.9", id="greater than one number"),
        pytest.param(">1.2", "1.3.0", "1.2.9", id="greater than two numbers"),
        pytest.param(">=1.2.x", "1.2.0", "1.1.9", id="at least a partial"),
        pytest.param("<1.2", "1.1.9 0.0.1", "1.2.0", id="less than a partial"),
        pytest.param("<=1.2", "1.2.9 0.1.0", "1.3.0", id="at most two numbers"),
        pytest.param("<=1.x", "1.9.9", "2.0.0", id="at most one number"),
        pytest.param(">=*", "0.0.0 9.9.9", "", id="at least any"),
        pytest.param("1.2.x-rc.1", "1.2.0", "1.2.0-rc.1 1.3.0", id="a prerelease after a wildcard is dropped"),
        # README "Tilde Ranges"
        pytest.param("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0", id="tilde"),
        pytest.param("~1.2", "1.2.0 1.2.9", "1.3.0", id="tilde on two numbers"),
        pytest.param("~1", "1.0.0 1.9.9", "2.0.0", id="tilde on one number"),
        pytest.param("~0.2.3", "0.2.3 0.2.9", "0.3.0", id="tilde below 1"),
        pytest.param("~0", "0.9.9", "1.0.0", id="tilde on zero"),
        pytest.param("~0.0.0", "0.0.0 0.0.9", "0.1.0", id="tilde on 0.0.0"),
        pytest.param("~*", "0.0.0 9.9.9", "", id="tilde on any"),
        pytest.param("~>1.2.3", "1.2.9", "1.3.0", id="tilde as Ruby writes it"),
        pytest.param("~v1.2.3", "1.2.9", "1.3.0", id="tilde before a v"),
        pytest.param("~=1.2.3", "1.2.9", "1.3.0", id="tilde and equals"),
        # README "Caret Ranges"
        pytest.param("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0", id="caret"),
        pytest.param("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0", id="caret below 1"),
        pytest.param("^0.0.3", "0.0.3", "0.0.2 0.0.4", id="caret below 0.1"),
        pytest.param("^1.2.x", "1.2.0 1.9.0", "1.1.9 2.0.0", id="caret on two numbers"),
        pytest.param("^0.1.x", "0.1.9", "0.2.0", id="caret on 0.1"),
        pytest.param("^0.0", "0.0.0 0.0.9", "0.1.0", id="caret on 0.0"),
        pytest.param("^1.x", "1.0.0 1.9.9", "2.0.0", id="caret on one number"),
        pytest.param("^0.x", "0.0.0 0.9.9", "1.0.0", id="caret on zero"),
        pytest.param("^*", "0.0.0 9.9.9", "", id="caret on any"),
        # of "Range Grammar" qualifier
        pytest.param("1.2.3+b", "1.2.3 1.2.3+c", "1.2.4", id="build metadata"),
        pytest.param("^1.2.3+b.01 <1.5.0+c", "1.2.3 1.4.0", "1.5.0", id="build metadata of several"),
        pytest.param(f">={2**53 - 1}.0.0", f"{2**53 - 1}.0.1", "1.0.0", id="the greatest number"),
    ],
)
def test_what_a_range_admits(text, admitted, refused):
    assert find_admitted(parse_npm_range(text), f"{admitted} {refused}") == admitted.split()


# README "Prerelease Tags"
@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        pytest.param(">1.2.3-alpha.3", "1.2.3-alpha.7 1.2.3 3.4.5", "1.2.3-alpha.3 3.4.5-alpha.9", id="of its version"),
        pytest.param("1.2.3-rc.1", "1.2.3-rc.1", "1.2.3-rc.2 1.2.3", id="a prerelease is itself"),
        pytest.param("<2", "1.9.9", "1.9.9-rc 2.0.0-rc 2.0.0-0", id="none without one in the range"),
        pytest.param("<=1.2.3-rc", "1.2.3-rc 1.2.3-beta 1.2.2", "1.2.3 1.2.2-beta", id="at most a prerelease"),
        pytest.param("^1.2.3-beta.2", "1.2.3-beta.4 1.2.3 1.9.0", "1.2.3-beta.1 1.2.4-beta.2", id="caret"),
        pytest.param("^0.0.3-beta", "0.0.3-pr.2 0.0.3", "0.0.3-alpha 0.0.4-beta 0.0.4", id="caret below 0.1"),
        pytest.param("^0.2.3-beta", "0.2.3-beta 0.2.4", "0.2.4-beta 0.3.0", id="caret below 1"),
        pytest.param("~1.2.3-beta.2", "1.2.3-beta.4 1.2.9", "1.2.4-beta.2 1.3.0", id="tilde"),
        pytest.param("1.2.3-a - 2.0.0-b", "1.2.3-a 1.2.3-z 2.0.0-b", "1.3.0-a 2.0.0-c 2.0.0", id="hyphen range"),
        pytest.param(">=1.0.0-0 <2.0.0-0", "1.0.0-rc 1.9.9", "1.9.0-rc 2.0.0-0", id="-0 opens one version only"),
        pytest.param(">=1.2.3 <1.2.9-rc", "1.2.9-beta 1.2.8", "1.2.8-beta", id="of the end"),
        pytest.param("1.2.3-a || >2", "1.2.3-a 3.0.0", "2.9.9 3.0.0-a", id="group by group"),
        pytest.param("^1.0.0-0 ^1.2.0-0", "1.2.0-rc 1.3.0", "1.0.0-rc 1.3.0-rc", id="of versions that are outside"),
        pytest.param(">=0.0.0 <0.0.0-b", "0.0.0-a", "0.0.0-b 0.0.0", id="at least 0.0.0 is any"),
        pytest.param(">=v0.0.0 <0.0.0-b", "", "0.0.0-a 0.0.0", id="at least v0.0.0 is not"),
        pytest.param(">=0.0.0-0", "0.0.0-a 0.0.0 1.0.0", "1.0.0-a", id="at least the lowest version"),
        pytest.param("1.2.3-rc || *", "1.2.3", "1.2.3-rc", id="any makes alternatives void"),
        pytest.param("1.2.3-rc || >=0.0.0", "1.2.3", "1.2.3-rc", id="at least 0.0.0 makes them void"),
        pytest.param("1.2.3-rc || >=0", "1.2.3", "1.2.3-rc", id="at least 0 makes them void"),
        pytest.param("1.2.3-rc ||", "1.2.3", "1.2.3-rc", id="an empty alternative makes them void"),
        pytest.param("1.2.3-rc || >*", "1.2.3-rc", "1.2.3", id="nothing leaves them"),
    ],
)
def test_which_prereleases_a_range_admits(text, admitted, refused):
    assert find_admitted(parse_npm_range(text), f"{admitted} {refused}") == admitted.split()


# README "Functions", option includePrerelease
@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        pytest.param("*", "0.0.0-0 1.0.0-rc", "", id="any"),
        pytest.param("<2", "1.9.9-rc", "2.0.0-0 2.0.0-rc 2.0.0", id="less than a partial"),
        pytest.param("<2.0.0", "2.0.0-rc", "2.0.0", id="less than a version"),
        pytest.param("<=1.2", "1.2.9-rc", "1.3.0-0", id="at most a partial"),
        pytest.param("<=1.2.3", "1.2.3-rc 1.2.3", "1.2.4-0", id="at most a version"),
        pytest.param(">1", "2.0.0-0 2.0.0", "1.9.9", id="greater than a partial"),
        pytest.param(">1.2.3", "1.2.4-0 1.2.4", "1.2.3 1.2.3-rc", id="greater than a version"),
        pytest.param(">=1.2", "1.2.0-0 1.2.0", "1.1.9", id="at least a partial"),
        pytest.param(">=1.2.3", "1.2.3 1.2.4-0", "1.2.3-rc", id="at least a version"),
        pytest.param(">=0.0.0", "0.0.0 0.0.1-rc", "0.0.0-rc", id="at least 0.0.0 is not any"),
        pytest.param("1.2", "1.2.0-0 1.2.9-rc", "1.3.0-0", id="two numbers"),
        pytest.param("~1.2", "1.2.0-0 1.2.9-rc", "1.3.0-0", id="tilde on a partial"),
        pytest.param("~1.2.3", "1.2.3 1.2.4-rc", "1.2.3-rc 1.3.0-0", id="tilde on a version"),
        pytest.param("^1", "1.0.0-0 1.9.9-rc", "2.0.0-0", id="caret on a partial"),
        pytest.param("^1.2.3", "1.2.4-rc", "1.2.3-rc 2.0.0-0", id="caret on a version"),
        pytest.param("^1.2.3-rc", "1.2.3-rc 1.3.0-a", "1.2.3-beta 2.0.0-0", id="caret on a prerelease"),
        pytest.param("1.2.3 - 2.3.4", "1.2.3-0 2.3.4", "1.2.2 2.3.5-0", id="a hyphen range has all of its ends"),
        pytest.param("1.2 - 2", "1.2.0-0 2.9.9-rc", "3.0.0-0", id="hyphen range of partials"),
        pytest.param("1.0.0-b - 2.0.0-b", "1.0.0-b 2.0.0-b", "1.0.0-a 2.0.0-c", id="hyphen range of prereleases"),
        pytest.param(">*", "", "0.0.0-0 1.0.0", id="greater than any is nothing"),
        pytest.param("1.2.3-rc || *", "1.2.3-rc 1.2.4-rc", "", id="any and an alternative"),
    ],
)
def test_what_a_range_that_includes_prereleases_admits(text, admitted, refused):
    range_ = parse_npm_range(text, includes_prereleases=True)

    assert find_admitted(range_, f"{admitted} {refused}") == admitted.split()


# Beyond the grammar of the README, and so in the library.
@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        pytest.param(">*", "", "0.0.0 1.0.0", id="greater than any is nothing"),
        pytest.param("<*", "", "0.0.0 1.0.0", id="less than any is nothing"),
        pytest.param("1 <x", "", "0.0.0 1.0.0", id="nothing makes the group nothing"),
        pytest.param("^1.x.3", "1.0.0 1.9.9", "2.0.0", id="caret passes over numbers after a wildcard"),
        pytest.param("~x.1", "0.0.0 9.9.9", "", id="tilde does"),
        pytest.param("1.x.3 - x.2", "1.0.0 9.9.9", "0.9.9", id="hyphen ranges do"),
        pytest.param("1.2.3*", "1.2.3", "1.2.4", id="a star after a version"),
        pytest.param("1.*2.3", "1.2.3", "1.3.3", id="a star in a version"),
        pytest.param(">=1.2.3<*", "1.2.4", "1.2.2", id="a star with an operator"),
        pytest.param("+b", "0.0.0 9.9.9", "", id="build metadata only"),
        pytest.param("1.2+b", "1.2.9", "1.3.0", id="build metadata of a partial"),
        pytest.param(">+b =1.2.3", "1.2.3 9.9.9", "1.2.2", id="build metadata between operators"),
        pytest.param("==1.2", "1.2.9", "1.3.0", id="two equals signs before a partial"),
        pytest.param(">=v=1.2", "1.2.0 2.0.0", "1.1.9", id="prefixes before a partial"),
        pytest.param("~> >1.2", "1.2.9", "1.3.0", id="an operator after Ruby's tilde"),
        pytest.param("=1 - =2", "1.0.0 2.9.9", "3.0.0", id="hyphen range with equals signs"),
    ],
)
def test_what_surprises(text, admitted, refused):
    assert find_admitted(parse_npm_range(text), f"{admitted} {refused}") == admitted.split()


# README "Functions", option loose
@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        pytest.param(">=01.02.03", "1.2.3", "1.2.2", id="leading zeros"),
        pytest.param("2024.01.x", "2024.1.31", "2024.2.1", id="dates"),
        pytest.param(">==v1.2.3", "1.2.3", "1.2.2", id="prefixes before a version"),
        pytest.param("^1.2.3beta", "1.2.3-beta 1.9.0", "1.2.3-alpha 2.0.0", id="no hyphen"),
        pytest.param("1.2.xfoo", "1.2.9", "1.3.0", id="no hyphen after a wildcard"),
        pytest.param("~1.2.34.5", "1.2.3-4.5 1.2.3", "1.2.3-4.4 1.3.0", id="a fourth number takes a digit"),
        pytest.param("^00.2", "0.2.0 0.9.0", "1.0.0", id="caret takes 00 for more than zero"),
        pytest.param(">=00.0.0 <0.0.0-b", "", "0.0.0-a", id="at least 00.0.0 is not any"),
        pytest.param("=1.2.3 - =2.0.0", "1.2.3 2.0.0", "2.0.1", id="hyphen range with equals signs"),
        pytest.param("v 1.2.3 - 2", "1.2.3", "1.2.4", id="hyphen range with a blank after the v"),
        pytest.param("1.2 foo", "1.2.9", "1.3.0", id="a word is skipped"),
        pytest.param(">= foo 1.2", "1.2.9", "1.3.0", id="an operator without a version is skipped"),
        pytest.param(">=1.2, <2", "0.1.0 1.9.9", "2.0.0", id="what ends in a comma is skipped"),
        pytest.param("!=1.2 1", "1.2.0 1.9.9", "2.0.0", id="what has no such operator is skipped"),
        pytest.param("x.1 1", "1.9.9", "2.0.0", id="a number after a wildcard is skipped"),
        pytest.param("foo || 1", "1.9.9", "2.0.0", id="a group of skipped words is no group"),
        pytest.param("foo *", "0.0.0 9.9.9", "", id="a star beside a skipped word"),
        pytest.param("foo * bar || 1", "1.9.9", "2.0.0", id="a star between skipped words is skipped"),
        pytest.param("foo >=0.0.0 bar", "0.0.0 9.9.9", "", id="at least 0.0.0 between them is not"),
        pytest.param("1 1.2.3" + "a" * 252, "1.9.9", "2.0.0", id="an identifier too long is skipped"),
    ],
)
def test_what_a_loose_range_admits(text, admitted, refused):
    range_ = parse_npm_range(text, is_loose=True)

    assert find_admitted(range_, f"{admitted} {refused}") == admitted.split()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("foo> 1", id="an operator takes the version with it"),
        pytest.param("foo~ 1", id="a tilde takes the version with it"),
        pytest.param("foo bar", id="nothing is left"),
        pytest.param("foo * bar", id="nothing is left but a star between"),
        pytest.param(f"foo || >={2**53}", id="a number too great is not skipped"),
        pytest.param(f"1 <={10**30}", id="nor is a much greater one"),
    ],
)
def test_what_is_no_range_not_even_loose(text):
    with pytest.raises(InvalidRange):
        parse_npm_range(text, is_loose=True)


# What the README's "Range Grammar" leaves out.
@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        pytest.param("latest", 1, "found 'latest' at column 1, expected a comparator", id="a word"),
        pytest.param("foo || 1", 1, "found 'foo'", id="a word in one group only"),
        pytest.param(">=1,<2", 1, "found '>=1,<2'", id="a comma"),
        pytest.param(">=1, <2", 1, "found '>=1,'", id="a comma and a blank"),
        pytest.param("1 , 2", 3, "found ','", id="a comma between blanks"),
        pytest.param("1 !=1.2", 3, "found '!=1.2'", id="not equal"),
        pytest.param("=>1", 1, "found '=>1'", id="at least, the other way round"),
        pytest.param("=<1", 1, "found '=<1'", id="at most, the other way round"),
        pytest.param("==1.2.3", 1, "nothing or one v", id="two equals signs before a version"),
        pytest.param(">=vv1.2.3", 1, "nothing or one v", id="two v before a version"),
        pytest.param("~~1", 1, "found '~~1'", id="two tildes"),
        pytest.param("~^1", 1, "found '~^1'", id="a tilde and a caret"),
        pytest.param("V1", 1, "found 'V1'", id="an upper-case V"),
        pytest.param("v 1.2", 1, "found 'v'", id="a blank after the v"),
        pytest.param(">= v 1.2", 1, "found '>='", id="a blank after an operator and the v"),
        pytest.param(">=1.2 <", 7, "found '<'", id="an operator only"),
        pytest.param("> >1", 1, "found '>'", id="an operator and a comparator"),
        pytest.param("^1 |  | ^2", 4, "found '|'", id="a bar and a bar"),
        pytest.param("1|2", 1, "found '1|2'", id="one bar"),
        pytest.param("^1 |||2", 6, "found '|2'", id="three bars"),
        pytest.param("1.2.3.4", 1, "found '1.2.3.4'", id="four numbers"),
        pytest.param("1.2.", 1, "found '1.2.'", id="a dot at the end"),
        pytest.param("1..2", 1, "found '1..2'", id="a missing number"),
        pytest.param("1x", 1, "found '1x'", id="a number and a wildcard"),
        pytest.param("**", 1, "found '**'", id="two stars"),
        pytest.param("1.x.3", 1, "found '1.x.3'", id="a number after a wildcard"),
        pytest.param(">=x.1", 1, "found '>=x.1'", id="a number after a wildcard and an operator"),
        pytest.param("01.2.3", 1, "found '01.2.3'", id="a leading zero"),
        pytest.param("1.2.3-01", 1, "found '1.2.3-01'", id="a leading zero in a prerelease"),
        pytest.param("1.2.3-", 1, "found '1.2.3-'", id="an empty prerelease"),
        pytest.param("1.2.3rc1", 1, "found '1.2.3rc1'", id="a prerelease without a hyphen"),
        pytest.param("1.2-rc", 1, "found '1.2-rc'", id="a prerelease of a partial"),
        pytest.param("*-0", 1, "found '*-0'", id="a prerelease of any"),
        pytest.param("1.2-2", 1, "found '1.2-2'", id="a hyphen range without blanks"),
        pytest.param("1 - 2 - 3", 3, "found '-'", id="a hyphen range of three"),
        pytest.param("1 - 2 <3", 3, "found '-'", id="a hyphen range and a comparator"),
        pytest.param(">1 - 2", 4, "found '-'", id="a hyphen range with an operator"),
        pytest.param("=1.2.3 - 2", 1, "found '=1.2.3'", id="a hyphen range with an equals sign"),
        pytest.param("1 - =2.0.0", 5, "found '=2.0.0'", id="a hyphen range to an equals sign"),
        pytest.param("1.2.3+", 1, "found '1.2.3+'", id="empty build metadata"),
        pytest.param("+b  ^1  +b || 1 foo", 17, "found 'foo'", id="after build metadata and blanks"),
        pytest.param("1\x85<2", 1, "found '1\\x85<2'", id="a line end that ECMAScript takes for none"),
        pytest.param(f"1 >{2**53}.0.0", 3, "expected numbers below 2^53", id="a number too great"),
        pytest.param(f"<={2**53 - 1}", 1, "expected numbers below 2^53", id="no number follows the greatest"),
        pytest.param(f"1 - {10**30}", 5, "expected numbers below 2^53", id="a much greater number"),
        pytest.param("1.2.3-" + "a" * 251, 1, "at most 256 characters", id="a version of 257 characters"),
        pytest.param("1 " * 256 + "1", 513, "found 513 characters, expected at most 512", id="513 characters"),
    ],
)
def test_what_is_no_range(text, column, reason):
    with pytest.raises(InvalidRange) as caught:
        parse_npm_range(text)

    assert caught.value.column == column
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        pytest.param("1 " * 256, "1.2.3", id="512 characters"),
        pytest.param("2||" * 100 + "1", "1.2.3", id="101 groups"),
        pytest.param("1.2.3-" + "a" * 250, "1.2.3-" + "a" * 250, id="a version of 256 characters"),
        pytest.param("1.2.3+" + "a" * 300, "1.2.3", id="build metadata does not count"),
        pytest.param(f"~1.x.{2**53} *", "1.2.3", id="nor does a number that is passed over"),
    ],
)
def test_ranges_up_to_the_limits(text, admitted):
    assert find_admitted(parse_npm_range(text), admitted) == [admitted]


@pytest.mark.parametrize(
    ("text", "version", "refusal"),
    [
        pytest.param("^1.2", "1.3.0", None, id="admitted"),
        pytest.param("^1.2", "2.0.0", Refusal.OUTSIDE, id="a release outside"),
        pytest.param("^1.2", "1.3.0-rc.1", Refusal.PRERELEASE, id="a prerelease inside"),
        pytest.param("^1.2", "2.1.0-rc.1", Refusal.OUTSIDE, id="a prerelease outside"),
        pytest.param("^1.2", "2.0.0-rc.1", Refusal.OUTSIDE, id="a prerelease of the end"),
        pytest.param("^1.2.0-a", "1.3.0-rc.1", Refusal.PRERELEASE, id="a prerelease of another version"),
        pytest.param("^1.2 || 1.3.0-rc.1", "1.3.0-rc.1", None, id="a prerelease inside a later group"),
    ],
)
def test_why_a_version_is_not_admitted(text, version, refusal):
    parsed = find_npm_version(version)

    assert parsed is not None
    assert parse_npm_range(text).refusal(parsed) is refusal


def test_a_range_is_written_as_it_was_but_for_blanks_around_it():
    assert str(parse_npm_range("\ufeff >=1.2   <2 \n")) == ">=1.2   <2"


_partials = st.builds(
    lambda numbers, prerelease: ".".join(numbers) + (f"-{prerelease}" if prerelease and len(numbers) == 3 else ""),
    st.lists(st.sampled_from(["0", "1", "2", "3"]), min_size=1, max_size=3),
    st.none() | prereleases,
)
_comparators = st.builds(
    "{}{}".format, st.sampled_from(["", "=", ">", "<", ">=", "<=", "~", "~>", "^", "> ", "^ "]), _partials
)
_groups = st.lists(_comparators, max_size=3).map(" ".join) | st.builds("{} - {}".format, _partials, _partials)
ranges = st.lists(_groups, min_size=1, max_size=3).map(" || ".join)
texts = st.text("0123xX*.|-+v <>=!~^,a\t\u00a0", max_size=16) | st.text()
versions = st.builds(
    lambda numbers, prerelease: a_version(".".join(map(str, numbers)) + (f"-{prerelease}" if prerelease else "")),
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)),
    st.none() | prereleases,
)


@given(ranges, versions, st.booleans())
def test_the_text_of_a_range_parses_to_a_range_that_admits_the_same(text, version, includes_prereleases):
    parsed = parse_npm_range(f" {text}\n", includes_prereleases=includes_prereleases)
    again = parse_npm_range(str(parsed), includes_prereleases=includes_prereleases)

    assert again.refusal(version) is parsed.refusal(version)


@given(ranges, versions)
def test_a_range_that_is_valid_when_not_loose_admits_the_same_when_loose(text, version):
    assert parse_npm_range(text, is_loose=True).refusal(version) is parse_npm_range(text).refusal(version)


@given(ranges, ranges, versions)
def test_groups_are_alternatives_if_prereleases_are_included(one, other, version):
    either = parse_npm_range(f"{one} || {other}", includes_prereleases=True).admits(version)

    parts = [parse_npm_range(text, includes_prereleases=True) for text in (one, other)]
    assert either == any(part.admits(version) for part in parts)


@given(ranges, versions)
def test_what_is_admitted_is_admitted_if_prereleases_are_included_but_for_those_of_zero(text, version):
    without, including = (parse_npm_range(text, includes_prereleases=included) for included in (False, True))

    assert including.admits(version) or not without.admits(version) or version.numbers == (0, 0, 0)


@given(texts | ranges, st.booleans(), st.booleans())
def test_whatever_the_text_a_range_is_parsed_or_refused(text, is_loose, includes_prereleases):
    with contextlib.suppress(InvalidRange):
        parsed = parse_npm_range(text, is_loose=is_loose, includes_prereleases=includes_prereleases)
        assert text.find(str(parsed)) >= 0


def test_a_refused_range_says_what_npm_accepts():
    with pytest.raises(InvalidRange, match=r"; accepted are \^1\.4, .* joined by blank or \|\|, as in npm$"):
        parse_npm_range(">=1.2.0, <3")
