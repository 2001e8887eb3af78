"""Which texts git takes as the name of a branch: the rules of git-check-ref-format(1), with those for branches."""

import re

MAX_BRANCH = 200

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock/|\.lock$|^[-./]|[./]$|^(?:@|HEAD)$")


def is_branch(text: str) -> bool:
    return 0 < len(text) <= MAX_BRANCH and not _FORBIDDEN.search(text)


def is_branch_prefix(text: str) -> bool:
    """Say whether every name `prefix + word` is a branch; the empty prefix, to which all branches belong, is none."""
    return 0 < len(text) <= MAX_BRANCH // 2 and is_branch(f"{text}x")
