"""Names of branches, held against git itself."""

import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebot.settings.ref_name import MAX_BRANCH, is_branch, is_branch_prefix
from tests.programs import require_program

_pieces = st.sampled_from([*"ab/.@{~^:?*[\\-\x7f\t ü\u2028", ".lock", "..", "HEAD"])
_ref_names = st.lists(_pieces, min_size=1, max_size=6).map("".join)


@given(_ref_names)
@example("a.lock/b")
@example("-a")
@example("a/-b")
@example("HEAD")
@example("a/HEAD")
@example("refs/heads/a")
@example("a\nb")
def test_a_branch_is_what_git_takes_for_one(text):
    # `@` alone is a short name of HEAD, which git would follow to the branch that is checked out.
    git = require_program("git")
    checked = subprocess.run([git, "check-ref-format", f"refs/heads/{text}"], check=False)
    git_takes_it = checked.returncode == 0 and text not in ("@", "HEAD") and not text.startswith("-")

    assert is_branch(text) == git_takes_it


@pytest.mark.parametrize(
    ("text", "is_prefix"),
    [
        pytest.param("imagebot/", True, id="a folder of branches"),
        pytest.param("bot-", True, id="no folder"),
        pytest.param("", False, id="the empty prefix, to which all branches belong"),
        pytest.param("/", False, id="a slash first"),
        pytest.param("a//", False, id="two slashes"),
        pytest.param("a/.", False, id="a part that would begin with a dot"),
        pytest.param("a..", False, id="two dots"),
        pytest.param("a.lock/", False, id="a part that ends in .lock"),
        pytest.param("-", False, id="an option"),
        pytest.param("a b/", False, id="a blank"),
        pytest.param("a" * (MAX_BRANCH // 2), True, id="as long as may be"),
        pytest.param("a" * (MAX_BRANCH // 2 + 1), False, id="longer"),
    ],
)
def test_a_branch_prefix_begins_names_of_branches(text, is_prefix):
    assert is_branch_prefix(text) == is_prefix
