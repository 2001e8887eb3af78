"""Numbers that tags are ordered by: integers and decimals of any length, compared exactly.

    number = 1*digit ["." 1*digit]

As in arithmetic `007` is 7, and `1.10` is 1.1, so lower than `1.9`: what counts its parts between dots is a version.
Flux reads a float, so numbers of 17 digits and more collide there, and one tag that is no number stops its policy. It
also takes texts that are no numbers here, because as part of a tag they rather show that a pattern extracted too much,
too little or something else: a sign (a hyphen in a tag separates: `-7` of `build-7` would order backwards), a point
with nothing on one side (`1.`, `.5`), `1e3` (a commit hash may look so), `0x10`, `inf` and `nan`.
"""

import re

Number = tuple[int, str]

_MAX_CHARACTERS = 128
_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?")


def find_number(text: str) -> Number | None:
    """Read the text as a number, or find that it is none; the result orders by value, and equal values are equal.

    It is the integer and the digits of the fraction without zeros at the end. A text longer than a tag is none.
    """
    match = _NUMBER.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    if match is None:
        return None
    integer, fraction = match.groups("")
    return int(integer), fraction.rstrip("0")
