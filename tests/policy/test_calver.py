"""Which formats of calver.org there are, which tags are of a format, and which of them is later."""

import contextlib
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.calver import InvalidCalver, Key, parse_calver

_DATE_FORMATS = {
    "YYYY.0M.0D": "{0:%Y.%m.%d}",
    "YYYY-MM-DD": "{0.year}-{0.month}-{0.day}",
    "vYY_MM_DD": "v{1}_{0.month}_{0.day}",
    "0Y0M0D": "{1:02}{0:%m%d}",
    "YYYY0M.DD": "{0:%Y%m}.{0.day}",
}
_dates = st.dates(date(2000, 1, 1), date(2999, 12, 31))

_tokens = st.sampled_from(
    ["YYYY", "YY", "0Y", "MM", "0M", "WW", "0W", "DD", "0D", "MAJOR", "MINOR", "MICRO", "MODIFIER", "v", "M", *"._-"]
)
formats = st.lists(_tokens, max_size=9).map("".join) | st.lists(_tokens, max_size=5).map(".".join)


def a_key(format_text: str, tag: str) -> Key:
    key = parse_calver(format_text).find_key(tag)
    assert key is not None
    return key


@pytest.mark.parametrize(
    ("text", "tag", "key"),
    [
        pytest.param("YYYY.0M.MICRO", "2024.01.12", (2024, 1, 12), id="year, month and number"),
        pytest.param("YY.0M", "24.04", (24, 4), id="as Ubuntu"),
        pytest.param("YY.MINOR.MICRO", "24.3.1", (24, 3, 1), id="as pip"),
        pytest.param("YYYY.MINOR.MICRO", "2024.0.0", (2024, 0, 0), id="numbers may be 0"),
        pytest.param("YYYY.0M.0D", "2024.01.31", (2024, 1, 31), id="a date with zeros"),
        pytest.param("YYYY.MM.DD", "2024.1.9", (2024, 1, 9), id="a date without zeros"),
        pytest.param("YYYY-0M-0D", "2024-01-31", (2024, 1, 31), id="hyphens"),
        pytest.param("YYYY_0M_0D", "2024_01_31", (2024, 1, 31), id="underscores"),
        pytest.param("YYYY.0M-MICRO", "2024.01-3", (2024, 1, 3), id="several separators"),
        pytest.param("YYYY0M0D", "20240131", (2024, 1, 31), id="no separators"),
        pytest.param("YYYYMM", "20241", (2024, 1), id="no separator before the only part of any length"),
        pytest.param("YYYY0M0D.MICRO", "20240131.12", (2024, 1, 31, 12), id="a number behind a date in one piece"),
        pytest.param("YYYY.0W", "2024.53", (2024, 53), id="the last week"),
        pytest.param("YYYY.WW.MICRO", "2024.1.0", (2024, 1, 0), id="a week without a zero"),
        pytest.param("MAJOR.YY.0M", "3.24.04", (3, 24, 4), id="a number before the date"),
        pytest.param("YYYY.MAJOR.MINOR.MICRO", "2024.1.2.3", (2024, 1, 2, 3), id="four parts"),
        pytest.param("YYYY", "2024", (2024,), id="only a year"),
        pytest.param("vYYYY.0M", "v2024.01", (2024, 1), id="a v in the format"),
        pytest.param("YY.MM", "0.1", (0, 1), id="the year 2000"),
        pytest.param("YY.MM", "106.1", (106, 1), id="the year 2106"),
        pytest.param("0Y.0M", "06.01", (6, 1), id="a short year with a zero"),
        pytest.param("0Y.0M", "106.01", (106, 1), id="a padded year of three digits"),
        pytest.param("YYYY.MICRO", f"2024.{10**100}", (2024, 10**100), id="a number of a hundred digits"),
    ],
)
def test_the_parts_of_a_tag(text, tag, key):
    assert a_key(text, tag) == key


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        pytest.param("YYYY.0M", "", id="nothing"),
        pytest.param("YYYY.0M", "latest", id="a word"),
        pytest.param("YYYY.0M", "2024.1", id="a zero is missing"),
        pytest.param("YYYY.MM", "2024.01", id="a zero too many"),
        pytest.param("YYYY.0M", "2024.00", id="month 0"),
        pytest.param("YYYY.0M", "2024.13", id="month 13"),
        pytest.param("YYYY.MM", "2024.0", id="month 0 without a zero"),
        pytest.param("YYYY.MM", "2024.13", id="month 13 without a zero"),
        pytest.param("YYYY.0W", "2024.00", id="week 0"),
        pytest.param("YYYY.0W", "2024.54", id="week 54"),
        pytest.param("YYYY.WW", "2024.54", id="week 54 without a zero"),
        pytest.param("YYYY.WW", "2024.01", id="a week with a zero too many"),
        pytest.param("YYYY.0M.0D", "2024.01.32", id="day 32"),
        pytest.param("YYYY.0M.0D", "2024.01.00", id="day 0"),
        pytest.param("YYYY.0M.0D", "2024.01.1", id="a day without its zero"),
        pytest.param("YYYY.MM.DD", "2024.1.01", id="a day with a zero too many"),
        pytest.param("YYYY.MM.DD", "2024.1.32", id="day 32 without a zero"),
        pytest.param("YYYY.MICRO", "2024.01", id="a number with a leading zero"),
        pytest.param("YYYY.0M", "24.01", id="a year of two digits"),
        pytest.param("YYYY.0M", "02024.01", id="a year of five digits"),
        pytest.param("YYYY.0M", "0024.01", id="a year that begins with zeros"),
        pytest.param("YY.0M", "2024.01", id="a full year for a short one"),
        pytest.param("YY.0M", "06.01", id="a short year with a zero too many"),
        pytest.param("0Y.0M", "6.01", id="a short year without its zero"),
        pytest.param("0Y.0M", "024.01", id="a short year with two zeros"),
        pytest.param("YYYY.0M", "v2024.01", id="a v that is not in the format"),
        pytest.param("vYYYY.0M", "2024.01", id="no v, but one in the format"),
        pytest.param("vYYYY.0M", "V2024.01", id="an upper-case V"),
        pytest.param("YYYY.0M", "2024-01", id="another separator"),
        pytest.param("YYYY.0M", "2024x01", id="a dot is a dot"),
        pytest.param("YYYY.0M", "2024.01.1", id="a part too many"),
        pytest.param("YYYY.0M.MICRO", "2024.01", id="a part is missing"),
        pytest.param("YYYY.0M", "2024.01-alpine", id="a suffix"),
        pytest.param("YYYY.0M", "2024.01-rc1", id="a stage without MODIFIER"),
        pytest.param("YYYY.0M", "2024.01-2", id="a build without MODIFIER"),
        pytest.param("YYYY.0M", "jammy-2024.01", id="a prefix"),
        pytest.param("YYYY.0M", "2024.01\n", id="a newline"),
        pytest.param("YYYY.MM", "2024.\u0661", id="a digit beyond ASCII"),
        pytest.param("YYYY.MICRO", f"2024.{'9' * 124}", id="longer than a tag"),
        pytest.param("YYYY.MICRO", f"2024.{'9' * 5000}", id="longer than Python converts"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01-", id="a hyphen at the end"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01-alpine", id="another variant"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01-rc1-alpine", id="a stage of another variant"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01-2-alpine", id="a build of another variant"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01-5badb8c", id="a commit hash"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01-5630481", id="a commit hash without a letter"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01-b", id="a letter"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01-rc.", id="a stage and a dot"),
        pytest.param("YYYY.0M-MODIFIER", "2024.01.rc1", id="a stage without a hyphen"),
        pytest.param("YYYY.0M-MODIFIER", "2024.13-rc1", id="a stage of month 13"),
    ],
)
def test_what_is_not_of_the_format(text, tag):
    assert parse_calver(text).find_key(tag) is None


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        pytest.param("YY.MM", "9.12 10.1 10.2 10.10 100.1", id="parts are numbers, not text"),
        pytest.param("0Y.0M", "99.12 100.01", id="a padded year of three digits is later"),
        pytest.param("MAJOR.YYYY.0M", "1.2025.01 2.2024.12 10.2023.01", id="what stands first counts first"),
        pytest.param(
            "YYYY.0M-MODIFIER",
            "2023.12-9 2024.01-dev 2024.01-dev2 2024.01-alpha1 2024.01-beta-2 2024.01-M1 2024.01-rc1 2024.01-rc.2"
            " 2024.01-RC10 2024.01 2024.01-1 2024.01-2 2024.01-10 2024.02-nightly.20240131",
            id="stages, the release, its later builds",
        ),
    ],
)
def test_order(text, tags):
    keys = [a_key(text, tag) for tag in tags.split()]

    assert all(older < newer for older, newer in pairwise(keys))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("2024.01-rc1", "2024.01-RC.1", id="case and separator of a stage"),
        pytest.param("2024.01-rc1", "2024.01-cr1", id="two words for a stage"),
        pytest.param("2024.01-b2", "2024.01-beta2", id="a letter for a stage"),
        pytest.param("2024.01-2", "2024.01-02", id="leading zeros of a build"),
    ],
)
def test_what_does_not_count_in_a_modifier(one, other):
    assert a_key("YYYY.0M-MODIFIER", one) == a_key("YYYY.0M-MODIFIER", other)


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        pytest.param("", 1, "found the end, expected a token", id="nothing"),
        pytest.param("v", 2, "found the end, expected a token", id="a v only"),
        pytest.param("-MODIFIER", 1, "found '-MODIFIER', expected a token", id="a modifier only"),
        pytest.param("yyyy.mm", 1, "found 'yyyy.mm', expected a token", id="lower case"),
        pytest.param("YYYY.PATCH", 5, "found '.PATCH', expected a token", id="an unknown token"),
        pytest.param("YYYY.M", 5, "found '.M', expected a token", id="a token cut short"),
        pytest.param("YYYY.", 5, "found '.', expected a token", id="a separator at the end"),
        pytest.param(".YYYY", 1, "found '.YYYY', expected a token", id="a separator at the beginning"),
        pytest.param("v.YYYY", 2, "found '.YYYY', expected a token", id="a separator behind the v"),
        pytest.param("YYYY..0M", 5, "found '..0M', expected a token", id="two separators"),
        pytest.param("YYYY/0M", 5, "found '/0M', expected a token", id="another separator"),
        pytest.param("release-YYYY", 1, "found 'release-YYYY', expected a token", id="a prefix"),
        pytest.param("YYYY.0M\n", 8, r"found '\n', expected a token", id="a newline"),
        pytest.param("YYYY.MODIFIER", 5, "found '.MODIFIER', expected a token", id="a modifier behind a dot"),
        pytest.param(
            "YYYY-MODIFIER.0M", 5, "found '-MODIFIER.0M', expected a token", id="a modifier that is not the end"
        ),
        pytest.param("YYYY.MICRO.MICRO", 12, "MICRO is a micro number, and so is MICRO before it", id="a token twice"),
        pytest.param("YYYY.YY", 6, "YY is a year, and so is YYYY before it", id="a unit twice"),
        pytest.param("0M.YYYY", 4, "YYYY counts more than 0M, so it has to stand before it", id="month before year"),
        pytest.param("YYYY.0D.0M", 6, "0D is a day, and no month stands before it", id="day before month"),
        pytest.param(
            "YYYY.MICRO.MINOR", 12, "MINOR counts more than MICRO, so it has to stand before it", id="numbers"
        ),
        pytest.param("YYYY.0M.0W", 9, "0W counts in a year, not in 0M", id="a week of a month"),
        pytest.param("YYYY.0W.0M", 9, "0M counts more than 0W, so it has to stand before it", id="a month of a week"),
        pytest.param("YYYY.WW.DD", 9, "DD is a day, and no month stands before it", id="a day of a week"),
        pytest.param("MAJOR.MINOR", 12, "no YYYY, YY or 0Y is in it", id="no year"),
        pytest.param(
            "YYYYMMDD", 7, "MM and DD both vary in length, with no separator between them", id="lengths that vary"
        ),
        pytest.param(
            "YYYY.MM0DMICRO",
            10,
            "MM and MICRO both vary in length, with no separator between them",
            id="around another",
        ),
        pytest.param("Y" * 65, 65, "found 65 characters, expected at most 64", id="too long"),
    ],
)
def test_a_text_that_is_no_format_is_refused(text, column, reason):
    with pytest.raises(InvalidCalver) as caught:
        parse_calver(text)

    assert (caught.value.text, caught.value.column, caught.value.reason) == (text, column, reason)


def test_a_fault_says_what_is_found_where_and_what_is_accepted():
    with pytest.raises(InvalidCalver) as caught:
        parse_calver("YYYY.PATCH")

    assert str(caught.value) == (
        "'YYYY.PATCH' is no calver format: column 5: found '.PATCH', expected a token; accepted are YYYY, YY, 0Y, MM,"
        " 0M, WW, 0W, DD, 0D, MAJOR, MINOR and MICRO, joined by . - or _, with a v before and -MODIFIER behind them if"
        " tags have that"
    )


def test_a_long_text_is_cut_in_its_fault():
    with pytest.raises(InvalidCalver, match=r"^'Y{40}\.\.\.' is no calver format: "):
        parse_calver("Y" * 10_000)


def test_a_format_is_printed_as_written():
    assert str(parse_calver("vYYYY.0M-MODIFIER")) == "vYYYY.0M-MODIFIER"


@given(st.sampled_from(sorted(_DATE_FORMATS)), _dates, _dates)
def test_dates_have_the_order_of_time(text, one, other):
    first, second = (a_key(text, _DATE_FORMATS[text].format(day, day.year - 2000)) for day in (one, other))

    assert (first > second) - (first < second) == (one > other) - (one < other)


@given(formats | st.text())
def test_any_text_is_a_format_or_refused(text):
    with contextlib.suppress(InvalidCalver):
        assert str(parse_calver(text)) == text


@given(
    st.sampled_from(["YYYY.0M.MICRO", "YY.MM-MODIFIER", "0Y0M0D"]),
    st.text("0123456789.-rcv", max_size=16)
    | st.from_regex(r"[0-9]{2}\.[0-9]-[a-z0-9]{1,3}", fullmatch=True)
    | st.text(),
)
def test_any_text_has_a_key_of_the_formats_length_or_none(text, tag):
    key = parse_calver(text).find_key(tag)

    assert key is None or (len(key) in (3, 4) and all(part >= 0 for part in key))
