"""Columns of tables that are kept as JSON: how numbers are packed, and the checks of what is read.

JSON that is nothing but numbers takes longer to read than all else. So a column of numbers is one text: base64 of four
bytes each, the low one first.
"""

import sys
from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

Column = Sequence[object] | str


class Misfit(ValueError):
    """A text is not what this version writes."""


def transpose(rows: Iterable[tuple[object, ...]], width: int) -> list[Sequence[Any]]:
    """Return the columns of rows of this width."""
    return list(zip(*rows, strict=True)) or [()] * width


def pack(numbers: Iterable[int]) -> str:
    """Write numbers below 2^32 as a text that `unpack` reads."""
    packed = array("I", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return b2a_base64(packed.tobytes(), newline=False).decode()


def unpack(text: object, *, below: int = 2**32) -> Sequence[int]:
    """Read numbers that are all below this one. Raises ValueError, also as Misfit."""
    if not isinstance(text, str):
        raise Misfit
    numbers = array("I")
    numbers.frombytes(a2b_base64(text, strict_mode=True))
    if sys.byteorder == "big":
        numbers.byteswap()
    if numbers and below < 2**32 and max(numbers) >= below:
        raise Misfit
    return numbers


def split_columns(value: object, width: int) -> list[Any]:
    """Return so many columns. Raises ValueError if it is anything else."""
    if not isinstance(value, list) or len(value) != width:
        raise Misfit
    return value


def check_column(column: object, *kinds: type[T]) -> list[T]:
    """Return the column if it holds values of these types alone. Raises ValueError."""
    if not isinstance(column, list) or not set(map(type, column)) <= {*kinds}:
        raise Misfit
    return column


def check_names(column: object, names: Collection[str]) -> list[str]:
    """Return the column if it holds nothing but such names. Raises ValueError."""
    texts = check_column(column, str)
    if not {*texts} <= {*names}:
        raise Misfit
    return texts


def check_lengths(first: Sequence[object], *others: Sequence[object]) -> None:
    """Raise ValueError unless the columns are of one length."""
    if any(len(each) != len(first) for each in others):
        raise Misfit


def look_up(numbers: Iterable[int], table: Sequence[T]) -> list[T]:
    """Return what stands under each number in the table."""
    return [table[number] for number in numbers]
