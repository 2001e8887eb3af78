"""What is a number, and which is greater."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.numbers import Number, find_number

_digits = st.text("0123456789", min_size=1, max_size=40) | st.sampled_from(["0", "00", "1", "10", "9", "99", "007"])
numbers = st.builds("{}{}".format, _digits, st.just("") | _digits.map(".{}".format))


def a_number(text: str) -> Number:
    number = find_number(text)
    assert number is not None
    return number


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0", id="zero"),
        pytest.param("007", id="leading zeros"),
        pytest.param("20260821180038", id="a timestamp"),
        pytest.param("1.5", id="a decimal"),
        pytest.param("0.05", id="a zero behind the point"),
        pytest.param("9" * 128, id="as long as a tag"),
    ],
)
def test_what_is_a_number(text):
    integer, fraction = a_number(text)

    assert Decimal(f"{integer}.{fraction}") == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("latest", id="a word"),
        pytest.param("1e3", id="an exponent, as in a commit hash"),
        pytest.param("1E3", id="an upper-case exponent"),
        pytest.param("inf", id="infinity"),
        pytest.param("nan", id="not a number by name"),
        pytest.param("0x10", id="hexadecimal"),
        pytest.param("0b1", id="binary"),
        pytest.param("1_000", id="an underscore between digits"),
        pytest.param("1,5", id="a comma"),
        pytest.param("-1", id="a hyphen is no sign"),
        pytest.param("+1", id="a plus"),
        pytest.param("1.", id="a point at the end"),
        pytest.param(".5", id="a point at the beginning"),
        pytest.param(".", id="a point only"),
        pytest.param("1.2.3", id="two points"),
        pytest.param("v1", id="a v"),
        pytest.param(" 1", id="a blank before"),
        pytest.param("1\n", id="a newline behind"),
        pytest.param("\u0661", id="a digit beyond ASCII"),
        pytest.param("\u00b2", id="a superscript"),
        pytest.param("9" * 129, id="longer than a tag"),
        pytest.param("9" * 5000, id="longer than Python converts"),
    ],
)
def test_what_is_no_number(text):
    assert find_number(text) is None


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param("0 1 2 9 10 11 99 100", id="integers by value, not as text"),
        pytest.param("0.9 1 1.05 1.1 1.11 1.5 1.9 2", id="decimals"),
        pytest.param("1.10 1.9", id="a decimal is no version"),
        pytest.param("1.0 1.0000000000000000000000000000001 1.1", id="many decimals"),
        pytest.param("20260821180038001 20260821180038002 20260821180038003", id="more digits than a float has"),
        pytest.param("9007199254740992 9007199254740993 9007199254740994", id="integers that floats confuse"),
        pytest.param(f"{10**100} {10**100}.1 {10**100 + 1}", id="a hundred digits"),
    ],
)
def test_numbers_are_ordered_by_value(texts):
    keys = [a_number(text) for text in texts.split()]

    assert all(lesser < greater for lesser, greater in pairwise(keys))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("7", "007", id="leading zeros"),
        pytest.param("1.5", "1.50", id="zeros at the end"),
        pytest.param("1", "1.0", id="an integer and a decimal"),
        pytest.param("0", "00.00", id="zeros only"),
    ],
)
def test_equal_numbers_are_equal_however_they_are_spelled(one, other):
    assert a_number(one) == a_number(other)


@given(numbers, numbers)
def test_the_order_is_exactly_that_of_decimals(one, other):
    first, second = a_number(one), a_number(other)

    assert (first > second) - (first < second) == int(Decimal(one).compare(Decimal(other)))


@given(numbers, st.integers(0, 5), st.integers(0, 5))
def test_zeros_that_do_not_count_change_nothing(text, before, behind):
    padded = "0" * before + text + ("" if "." in text else ".0") + "0" * behind

    assert a_number(padded) == a_number(text)


@given(st.lists(numbers, max_size=6), st.randoms())
def test_the_order_is_total(texts, random):
    keys = [a_number(text) for text in texts]
    shuffled = random.sample(keys, len(keys))

    assert sorted(shuffled) == sorted(keys)
    assert all((a < b) + (a == b) + (a > b) == 1 for a in keys for b in keys)


@given(st.text("0123456789.-+eE_xinfa", max_size=20) | st.text())
def test_any_text_is_a_number_or_none(text):
    number = find_number(text)

    assert number is None or number >= (0, "")
