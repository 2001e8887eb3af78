"""Which texts git takes as the name of a branch: the rules of git-check-ref-format(1), with those for branches."""

import re
from typing import Annotated

from imagebot.settings.section import MadeFrom, Refused

MAX_BRANCH = 200

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock/|\.lock$|^[-./]|[./]$|^(?:@|HEAD)$")


def is_branch(text: str) -> bool:
    return 0 < len(text) <= MAX_BRANCH and not _FORBIDDEN.search(text)


def is_branch_prefix(text: str) -> bool:
    """Say whether every name `prefix + word` is a branch; the empty prefix, to which all branches belong, is none."""
    return 0 < len(text) <= MAX_BRANCH // 2 and is_branch(f"{text}x")


def _make_branch(text: str, _: object) -> str:
    if not is_branch(text):
        raise Refused
    return text


def _make_branch_prefix(text: str, _: object) -> str:
    if not is_branch_prefix(text):
        raise Refused
    return text


Branch = Annotated[str, MadeFrom("the name of a branch (git-check-ref-format)", _make_branch)]
BranchPrefix = Annotated[
    str, MadeFrom("the beginning of a branch's name (git-check-ref-format), as in imagebot/", _make_branch_prefix)
]
