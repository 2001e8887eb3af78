"""The diff is read by people and by git: both have to get the same from it."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.proposal.diff import unified_diff

_LINES = [b"a: %d\n" % i for i in range(20)]


def test_equal_texts_have_no_diff():
    assert unified_diff("a.yaml", b"x\n", b"x\n") == ""


def test_changes_that_lie_close_share_a_hunk_and_distant_ones_do_not():
    before = b"".join(_LINES)
    after = before.replace(b"a: 2\n", b"A: 2\n").replace(b"a: 5\n", b"A: 5\n").replace(b"a: 18\n", b"A: 18\n")

    diff = unified_diff("a.yaml", before, after)

    assert [line for line in diff.splitlines() if line.startswith("@@")] == ["@@ -1,9 +1,9 @@", "@@ -16,5 +16,5 @@"]


def test_neighbouring_changes_show_all_old_lines_before_the_new_ones():
    diff = unified_diff("a.yaml", b"x: 1\ny: 1\n", b"x: 2\ny: 2\n")

    assert diff.splitlines()[3:] == ["-x: 1", "-y: 1", "+x: 2", "+y: 2"]


def test_a_rewrite_that_adds_a_line_is_a_bug():
    with pytest.raises(ValueError, match="2 lines became 3"):
        unified_diff("a.yaml", b"x\n", b"x\ny\n")


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        pytest.param("a.yaml", b"x: 1\n", b"x: 2\n", id="one line"),
        pytest.param("a.yaml", b"x: 1", b"x: 2", id="no newline at the end"),
        pytest.param("a.yaml", b"x: 1\ny: 2", b"x: 2\ny: 2", id="no newline at the end of the context"),
        pytest.param("a.yaml", b"x: 1\r\ny: 2\r\n", b"x: 2\r\ny: 2\r\n", id="CRLF"),
        pytest.param("my files/a b.yaml", b"x: 1\n", b"x: 2\n", id="blanks in the name"),
        pytest.param('quo"te/bück\\slash.yaml', b"x: 1\n", b"x: 2\n", id="a name that git quotes"),
        pytest.param("new\nline.yaml", b"x: 1\n", b"x: 2\n", id="a line break in the name"),
    ],
)
def test_git_applies_the_diff(tmp_path: Path, path, before, after):
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(before)

    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=unified_diff(path, before, after).encode(), check=True)

    assert file.read_bytes() == after


@given(
    st.lists(st.booleans(), min_size=1, max_size=40),
    st.booleans(),
)
def test_reading_the_diff_backwards_gives_the_old_text(changed, ends_with_newline):
    before = "\n".join(f"a: {i}" for i in range(len(changed))) + "\n" * ends_with_newline
    after = "\n".join(f"{'A' if c else 'a'}: {i}" for i, c in enumerate(changed)) + "\n" * ends_with_newline

    diff = unified_diff("f", before.encode(), after.encode())

    assert [line[1:] for line in diff.splitlines()[2:] if line.startswith("-")] == [
        f"a: {i}" for i, c in enumerate(changed) if c
    ]
    assert [line[1:] for line in diff.splitlines()[2:] if line.startswith("+")] == [
        f"A: {i}" for i, c in enumerate(changed) if c
    ]
