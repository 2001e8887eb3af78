"""Which tags a filter lets through, and what it extracts of them."""

import contextlib
from itertools import permutations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.tag_filter import (
    FilterRefusal,
    InvalidPattern,
    InvalidTemplate,
    is_attachment,
    parse_tag_filter,
)
from tests.policy.versions import any_tags

_TIMESTAMPED = r"^prod-[a-f0-9]+-(?P<ts>\d+)$"
_HEX = "0123456789abcdef" * 4

_patterns = st.sampled_from([r"^v?\d", "alpine$", "rc", r"-", "", r"^\d+$", "(?P<n>[0-9]+)", "1|2", "(?i)SNAPSHOT"])
_pattern_soup = st.lists(
    st.sampled_from(["a", "0", "(", ")", "(?P<n>", "(?:", "[", "]", "*", "+", "?", "{2}", "|", "^", "$", r"\d", r"\C"]),
    max_size=10,
).map("".join)
_template_soup = st.lists(st.sampled_from(["$", "{", "}", "0", "1", "n", "_", "-", "é"]), max_size=8).map("".join)


@pytest.mark.parametrize(
    ("include", "exclude", "tag", "result"),
    [
        pytest.param([], [], "1.2.3", "1.2.3", id="no patterns"),
        pytest.param(["^1"], [], "1.2.3", "1.2.3", id="included"),
        pytest.param(["^2"], [], "1.2.3", FilterRefusal.NOT_INCLUDED, id="not included"),
        pytest.param(["2"], [], "1.2.3", "1.2.3", id="a pattern searches"),
        pytest.param(["^2$"], [], "1.2.3", FilterRefusal.NOT_INCLUDED, id="an anchored pattern does not"),
        pytest.param(["^2", "^1"], [], "1.2.3", "1.2.3", id="one of several includes"),
        pytest.param([""], [], "1.2.3", "1.2.3", id="an empty pattern matches everything"),
        pytest.param([], ["-debug$"], "1.2.3-debug", FilterRefusal.EXCLUDED, id="excluded"),
        pytest.param([], ["-debug$"], "1.2.3-debug2", "1.2.3-debug2", id="not excluded"),
        pytest.param([], ["x", "-debug$"], "1-debug", FilterRefusal.EXCLUDED, id="one of several excludes"),
        pytest.param(["^1"], ["-debug$"], "1-debug", FilterRefusal.EXCLUDED, id="included and excluded"),
        pytest.param(["^2"], ["-debug$"], "1-debug", FilterRefusal.NOT_INCLUDED, id="include is asked first"),
        pytest.param(["(?i)snapshot"], [], "1-SNAPSHOT", "1-SNAPSHOT", id="any case where the pattern says so"),
        pytest.param([r"^\d$"], [], "\u0661", FilterRefusal.NOT_INCLUDED, id="digits are ASCII"),
        pytest.param(["^a$"], [], "a\n", FilterRefusal.NOT_INCLUDED, id="a newline is no end"),
        pytest.param([r"\Qa.b"], [], "a.b", "a.b", id="a quoted pattern that is not closed"),
    ],
)
def test_which_tags_pass(include, exclude, tag, result):
    assert parse_tag_filter(include, exclude, extract=None).apply(tag) == result


@pytest.mark.parametrize(
    ("pattern", "template", "tag", "text"),
    [
        pytest.param(_TIMESTAMPED, "$ts", "prod-5badb8c-20260821180038", "20260821180038", id="a group by name"),
        pytest.param(_TIMESTAMPED, "${ts}", "prod-5badb8c-20260821180038", "20260821180038", id="a name in braces"),
        pytest.param(_TIMESTAMPED, "$1", "prod-5badb8c-20260821180038", "20260821180038", id="a group by number"),
        pytest.param(_TIMESTAMPED, "${1}", "prod-5badb8c-20260821180038", "20260821180038", id="a number in braces"),
        pytest.param("[0-9]+-", "$0", "a12-b", "12-", id="all that matched"),
        pytest.param(r"(\d+)-(\d+)", "$2.$1", "1-2", "2.1", id="several groups, in another order"),
        pytest.param(r"(\d+)-(\d+)", "$1$2", "1-2", "12", id="side by side"),
        pytest.param(r"(\d+)", "${1}x", "1-2", "1x", id="braces end a name"),
        pytest.param(r"(\d+)(?P<1x>-)", "$1x", "1-2", "-", id="the longest name counts"),
        pytest.param(r"(?P<01>\d)(\d)", "$01", "12", "1", id="a leading zero makes a name"),
        pytest.param(r"(?P<1>a)(?P<2>b)(c)", "$2", "abc", "b", id="a number is a number though a name is one too"),
        pytest.param(r"(?P<1000000000>a)", "$1000000000", "a", "a", id="ten digits make a name"),
        pytest.param(r"(?P<a_1>\d)", "$a_1", "1", "1", id="an underscore is part of a name"),
        pytest.param(r"(?P<a>\d)", "$a-1", "1", "1-1", id="a hyphen is not"),
        pytest.param(r"(?<a>\d)", "$a", "1", "1", id="the short form of a named group"),
        pytest.param(r"(\d)", "$$$1", "1", "$1", id="two dollar signs are one"),
        pytest.param(r"(\d)", "$1$", "1", "1$", id="a dollar sign at the end stays"),
        pytest.param(r"(\d)", "$-$1", "1", "$-1", id="a dollar sign before no name stays"),
        pytest.param(r"(\d)", "${1-$1", "1", "${1-1", id="an open brace is text"),
        pytest.param(r"(\d)", "${}${1 }$1", "1", "${}${1 }1", id="braces around no name are text"),
        pytest.param(r"(\d)", r"\1$1", "1", r"\11", id="a backslash is text"),
        pytest.param(r"(\d+)(?:-(\d+))?", "$1.$2", "1", "1.", id="a group that took no part is empty"),
        pytest.param(r"(a|ab)(c|bcd)(d*)", "$1,$2,$3", "abcd", "a,bcd,", id="the leftmost alternative"),
        pytest.param(r"(?U)(\d+)", "$1", "123", "1", id="as few as possible"),
        pytest.param(r"(..)$", "$1", "1é2", "é2", id="not ASCII"),
    ],
)
def test_what_is_extracted(pattern, template, tag, text):
    assert parse_tag_filter([pattern], [], extract=template).apply(tag) == text


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        pytest.param("v12", "12", id="the first pattern"),
        pytest.param("r7", "7", id="the second, with the group elsewhere"),
        pytest.param("x3", FilterRefusal.NOTHING_EXTRACTED, id="the third, without the group"),
        pytest.param("v1-r2", "1", id="the first that matches, not the first match in the tag"),
        pytest.param("r2-v1", "1", id="the first in the list"),
    ],
)
def test_the_first_include_that_matches_extracts(tag, text):
    tag_filter = parse_tag_filter([r"v(?P<n>\d+)", r"(r)(?P<n>\d+)", r"x\d"], [], extract="$n")

    assert tag_filter.apply(tag) == text


@pytest.mark.parametrize(
    ("tag", "result"),
    [
        pytest.param("b", FilterRefusal.NOTHING_EXTRACTED, id="the group took no part"),
        pytest.param("ab-debug", FilterRefusal.EXCLUDED, id="exclude is asked before"),
        pytest.param("b-debug", FilterRefusal.EXCLUDED, id="also where nothing would be extracted"),
        pytest.param("c", FilterRefusal.NOT_INCLUDED, id="not included"),
    ],
)
def test_a_tag_of_which_nothing_is_extracted_is_refused(tag, result):
    assert parse_tag_filter(["(a)?b"], ["-debug$"], extract="$1").apply(tag) == result


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        pytest.param("(", "missing ): (", id="an open group"),
        pytest.param("[a", "missing ]: [a", id="an open class"),
        pytest.param("*", "no argument for repetition operator: *", id="nothing to repeat"),
        pytest.param("(?=a)", "invalid perl operator: (?=", id="lookahead"),
        pytest.param("(?<!a)b", "invalid perl operator: (?<!", id="lookbehind"),
        pytest.param(r"(a)\1", r"invalid escape sequence: \1", id="a backreference"),
        pytest.param("a++", "bad repetition operator: ++", id="a possessive repetition"),
        pytest.param("a{1001}", "invalid repetition size: {1001}", id="a repetition too great"),
        pytest.param("(?P<a>x)(?P<a>y)", "it has several groups named a", id="a name twice"),
        pytest.param("(?P<a>x)|(?<a>y)|(z)", "it has several groups named a", id="a name in two alternatives"),
        pytest.param("é(", "missing ): é(", id="a reason beyond ASCII"),
        pytest.param(r"\pL{1000}", "pattern too large - compile failed", id="too much memory"),
        pytest.param("\ud800", "it holds half a character", id="a lone surrogate"),
        pytest.param("a" * 1025, "it has 1025 characters, the most is 1024", id="too long"),
    ],
)
@pytest.mark.parametrize("is_exclude", [False, True], ids=["include", "exclude"])
def test_a_pattern_that_is_refused(pattern, reason, is_exclude, capfd):
    include, exclude = ([], [pattern]) if is_exclude else ([pattern], [])

    with pytest.raises(InvalidPattern) as caught:
        parse_tag_filter(include, exclude, extract=None)

    assert (caught.value.text, caught.value.reason) == (pattern, reason)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("include", "exclude", "refused"),
    [
        pytest.param(["a", "((a?){20}){30}"], [], "((a?){20}){30}", id="one"),
        pytest.param(["a", "[^-]{1,60}"], ["[^-]{1,61}", "[^-]{1,62}", "[^-]{1,63}", "b"], "[^-]{1,63}", id="together"),
    ],
)
def test_patterns_that_repeat_too_much_are_refused(include, exclude, refused):
    with pytest.raises(InvalidPattern) as caught:
        parse_tag_filter(include, exclude, extract=None)

    assert caught.value.text == refused
    assert caught.value.reason.startswith("with it the patterns repeat too much: ")


def test_more_than_32_patterns_are_refused():
    patterns = [f"^{number}" for number in range(33)]

    with pytest.raises(InvalidPattern) as caught:
        parse_tag_filter([], patterns, extract=None)

    assert (caught.value.text, caught.value.reason) == ("^32", "it is one too many, the most is 32")


def test_a_refused_pattern_says_what_is_accepted():
    with pytest.raises(InvalidPattern) as caught:
        parse_tag_filter(["(?!a)"], [], extract=None)

    assert str(caught.value) == (
        "'(?!a)' is no pattern of tags: invalid perl operator: (?!; accepted is the syntax of RE2, as in Go"
    )


@pytest.mark.parametrize(
    ("include", "template", "reason"),
    [
        pytest.param([], "$1", "include has no pattern, so there is nothing to extract from", id="no include"),
        pytest.param(["a"], "", "it names no group, so all tags would be ordered alike", id="nothing"),
        pytest.param(
            ["a"], "ts", "it names no group, so all tags would be ordered alike", id="a dollar sign forgotten"
        ),
        pytest.param(["(a)"], "$$1", "it names no group, so all tags would be ordered alike", id="a dollar sign only"),
        pytest.param(["(a)"], "${1", "it names no group, so all tags would be ordered alike", id="an open brace"),
        pytest.param(["(a)"], "$2", "no pattern of include has a group 2", id="a number too great"),
        pytest.param(["a", "(b)"], "$1-$ts", "no pattern of include has a group named ts", id="an unknown name"),
        pytest.param([r"(\d)"], "$01", "no pattern of include has a group named 01", id="a leading zero"),
        pytest.param(
            [r"(\d)"],
            "$1x",
            "no pattern of include has a group named 1x, and the group 1 with text behind it is ${1}x",
            id="a number and letters are a name",
        ),
        pytest.param(["(?P<ts>a)"], "$TS", "no pattern of include has a group named TS", id="another case"),
        pytest.param(["(a)"], "$1é", "it has characters beyond ASCII, which no tag has", id="not ASCII"),
        pytest.param(["(a)"], "$1" + "x" * 127, "it has 129 characters, the most is 128", id="too long"),
        pytest.param(["(a)"], "$1" * 11, "it names 11 groups, the most is 10", id="too many groups"),
    ],
)
def test_a_template_that_is_refused(include, template, reason):
    with pytest.raises(InvalidTemplate) as caught:
        parse_tag_filter(include, [], extract=template)

    assert (caught.value.text, caught.value.reason) == (template, reason)


def test_a_refused_template_says_what_is_accepted():
    with pytest.raises(InvalidTemplate) as caught:
        parse_tag_filter([r"^v(\d+)"], [], extract="$ts")

    assert str(caught.value) == (
        "'$ts' extracts nothing: no pattern of include has a group named ts; accepted are $name, ${name} and $1 for"
        " groups of include, $$ for a dollar sign, and text between them"
    )


def test_long_texts_are_cut_in_their_faults():
    with pytest.raises(InvalidPattern, match=r"^'a{40}\.\.\.' is no pattern"):
        parse_tag_filter(["a" * 10_000], [], extract=None)
    with pytest.raises(InvalidTemplate, match=r"^'a{40}\.\.\.' extracts nothing"):
        parse_tag_filter(["a"], [], extract="a" * 10_000)


def test_filters_are_equal_if_they_are_written_alike():
    one, other = (parse_tag_filter(["^v(.*)"], ["x"], extract="$1") for _ in range(2))

    assert one == other
    assert one != parse_tag_filter(["^v(.*)"], ["x"], extract=None)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("^(a+)+$", id="nested repetitions"),
        pytest.param("^(a|a)*$", id="equal alternatives"),
        pytest.param("^(a|aa)+$", id="overlapping alternatives"),
        pytest.param("(x+x+)+y", id="adjacent repetitions"),
        pytest.param("(?:.*)(?:.*)(?:.*)(?:.*)=x", id="many wildcards"),
        pytest.param("(a?){60}a{60}b", id="optional parts"),
        pytest.param("(0|1|a)*a(0|1|a){200}$", id="a state for each past character"),
    ],
)
def test_hostile_patterns_are_matched_in_linear_time(pattern):
    tag_filter = parse_tag_filter([pattern], [pattern], extract="$0")

    results = {tag_filter.apply("a" * length + "!") for length in range(100, 5_000, 100)}

    assert results == {FilterRefusal.NOT_INCLUDED}


@pytest.mark.parametrize(
    ("pattern", "tag"),
    [
        pytest.param("(0|1|a)*a(0|1|a){190}$", "01a" * 60 + "a" * 191, id="a state for each past character"),
        pytest.param("([^-]{1,60}-){3}$", f"{'a' * 60}-" * 3, id="many instructions"),
    ],
)
def test_patterns_that_are_as_great_as_may_be_still_match(pattern, tag):
    assert parse_tag_filter([], [pattern], extract=None).apply(tag) is FilterRefusal.EXCLUDED
    assert parse_tag_filter([pattern], [], extract=None).apply(tag) == tag


@given(st.lists(_patterns, max_size=3), any_tags)
def test_patterns_match_together_as_each_by_itself(patterns, tag):
    is_excluded = parse_tag_filter([], patterns, extract=None).apply(tag) is FilterRefusal.EXCLUDED

    assert is_excluded == any(re2.search(pattern, tag) is not None for pattern in patterns)


@given(st.lists(_patterns, max_size=3), st.lists(_patterns, max_size=4), any_tags)
def test_the_order_of_excludes_changes_nothing(include, exclude, tag):
    results = {parse_tag_filter(include, order, extract=None).apply(tag) for order in permutations(exclude)}

    assert len(results) == 1


@given(st.lists(_patterns, max_size=3), st.lists(_patterns, max_size=3), any_tags)
def test_a_tag_passes_if_both_lists_let_it_pass(include, exclude, tag):
    both = parse_tag_filter(include, exclude, extract=None).apply(tag)

    is_included = parse_tag_filter(include, [], extract=None).apply(tag) == tag
    is_excluded = parse_tag_filter([], exclude, extract=None).apply(tag) != tag
    assert (both == tag) == (is_included and not is_excluded)


@given(st.lists(_pattern_soup | st.text(max_size=10), max_size=2), _template_soup | st.none(), any_tags | st.text())
def test_any_texts_are_a_filter_or_refused(include, template, tag):
    with contextlib.suppress(InvalidPattern, InvalidTemplate):
        result = parse_tag_filter(include, [], extract=template).apply(tag)

        assert isinstance(result, FilterRefusal) or result == tag or template is not None


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param(f"sha256-{_HEX}.sig", id="a signature"),
        pytest.param(f"sha256-{_HEX}.att", id="an attestation"),
        pytest.param(f"sha256-{_HEX}.sbom", id="an SBOM"),
        pytest.param(f"sha256-{_HEX}.sig.1", id="several endings"),
        pytest.param(f"sha256-{_HEX}.src", id="an ending of another tool"),
        pytest.param(f"sha256-{_HEX}", id="the list of referrers"),
        pytest.param(f"sha512-{_HEX}", id="the list of referrers of a digest that is cut"),
        pytest.param(f"sha512-{_HEX}{_HEX}", id="a whole digest of 128 digits"),
        pytest.param(f"sha512-{_HEX}.sig", id="a signature of a digest that is cut"),
    ],
)
def test_what_is_an_attachment(tag):
    assert is_attachment(tag)


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param("", id="nothing"),
        pytest.param("1.2.3", id="a version"),
        pytest.param("1.2.3.sig", id="a version with an ending"),
        pytest.param(_HEX, id="a digest without its algorithm"),
        pytest.param(f"sha-{_HEX}", id="a commit"),
        pytest.param(f"prod-{_HEX}", id="a commit hash of 64 digits"),
        pytest.param("sha256-0a1b2c3", id="a short digest"),
        pytest.param(f"sha256-{_HEX}0", id="a digit too many"),
        pytest.param(f"sha256-{_HEX}-alpine", id="a suffix"),
        pytest.param(f"sha256-{_HEX}.", id="an empty ending"),
        pytest.param(f"sha256-{_HEX.upper()}", id="upper case"),
        pytest.param(f"v1-sha256-{_HEX}.sig", id="something before"),
        pytest.param(f"sha256-{_HEX}\n", id="a newline"),
    ],
)
def test_what_is_no_attachment(tag):
    assert not is_attachment(tag)
