"""The files of a checkout are those that git sees, whoever owns it and whatever the environment says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from imagebot.cli.checkout import Unlistable, find_work_tree, list_paths, read_files
from imagebot.yamledit.scan import MAX_BYTES
from tests.cli.conftest import Run


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    """A git work tree with a file that git tracks, one that it does not know, and one that it ignores."""
    folder = tmp_path / "tree"
    (folder / "build").mkdir(parents=True)
    for name in ("tracked.yaml", "unknown.yaml", "build/ignored.yaml"):
        (folder / name).write_text("a: 1\n")
    (folder / ".gitignore").write_text("build/\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "tracked.yaml"], cwd=folder, check=True)
    return folder


_SEEN = (".gitignore", "tracked.yaml", "unknown.yaml")


def test_files_that_git_ignores_are_not_listed(work_tree: Path):
    assert list_paths(work_tree) == _SEEN


def test_in_a_part_of_a_work_tree_its_rules_hold(work_tree: Path):
    (work_tree / "apps" / "build").mkdir(parents=True)
    (work_tree / "apps" / "a.yaml").touch()
    (work_tree / "apps" / "build" / "b.yaml").touch()

    assert list_paths(work_tree / "apps") == ("a.yaml",)


def test_outside_of_work_trees_all_files_are_listed(tmp_path: Path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.yaml").touch()
    (tmp_path / "a" / ".gitignore").write_text("b\n")

    assert find_work_tree(tmp_path / "a") is None
    assert list_paths(tmp_path / "a") == (".gitignore", "b/c.yaml")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("GIT_DIR", "elsewhere/.git", id="the git repo"),
        pytest.param("GIT_WORK_TREE", "elsewhere", id="the work tree"),
        pytest.param("GIT_INDEX_FILE", "elsewhere/index", id="the index"),
        pytest.param("GIT_CEILING_DIRECTORIES", "", id="where git stops looking"),
    ],
)
def test_what_a_git_hook_puts_into_the_environment_does_not_count(
    work_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
):
    (work_tree / "sub").mkdir()
    (work_tree / "sub" / "a.yaml").touch()
    subprocess.run(["git", "init", "-q", str(tmp_path / "elsewhere")], check=True)

    monkeypatch.setenv(name, str(tmp_path / value) if value else str(work_tree))

    assert list_paths(work_tree / "sub") == ("a.yaml",)
    assert list_paths(work_tree) == (*_SEEN[:1], "sub/a.yaml", *_SEEN[1:])


def test_a_work_tree_that_another_user_owns_is_listed_as_git_sees_it(
    work_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # git's own switch for its tests, put before the real git: not everyone who runs these tests can give files away.
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    refused = subprocess.run(["git", "ls-files"], cwd=work_tree, capture_output=True, text=True, check=False)

    listed = list_paths(work_tree)

    assert "dubious ownership" in refused.stderr
    assert listed == _SEEN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_work_tree_that_was_given_away_is_listed_as_git_sees_it(work_tree: Path):
    for path in (work_tree, *work_tree.rglob("*")):
        os.chown(path, 4242, 4242)

    assert list_paths(work_tree) == _SEEN


def test_a_work_tree_that_git_cannot_list_is_an_error_and_not_walked(work_tree: Path, run: Run):
    (work_tree / ".git" / "index").write_text("broken")
    (work_tree / ".imagebot.yaml").write_text("version: 1\nimages: []\n")

    with pytest.raises(Unlistable, match="index file smaller than expected"):
        list_paths(work_tree)
    assert run("plan", work_tree, env={"IMAGEBOT_SETTINGS": ""}).returncode == 2


def test_where_there_is_no_git_all_files_are_listed(work_tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(work_tree))

    assert list_paths(work_tree) == (".gitignore", "build/ignored.yaml", "tracked.yaml", "unknown.yaml")


def test_tracked_files_that_are_gone_are_passed_over(work_tree: Path):
    (work_tree / "tracked.yaml").unlink()

    assert read_files(work_tree, ["tracked.yaml", ".gitignore/x.yaml"]) == ({}, ())


def test_what_is_not_read_is_said_with_its_reason(work_tree: Path):
    odd = os.fsdecode(b"odd-\xff.yaml")
    (work_tree / odd).touch()
    (work_tree / "link.yaml").symlink_to("tracked.yaml")
    (work_tree / "linked").symlink_to("build")
    (work_tree / "folder.yaml").mkdir()
    with (work_tree / "large.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with (work_tree / "largest.yaml").open("wb") as file:
        file.truncate(MAX_BYTES)

    files, unread = read_files(
        work_tree, [odd, "link.yaml", "linked/ignored.yaml", "folder.yaml", "large.yaml", "largest.yaml"]
    )

    assert list(files) == ["largest.yaml"]
    assert [str(each) for each in unread] == [
        r"odd-\xff.yaml: a file whose name is not UTF-8, which is not read",
        "link.yaml: a symbolic link, which is not followed",
        "linked/ignored.yaml: a symbolic link, which is not followed",
        "folder.yaml: a folder or submodule",
        "large.yaml: a file too large to be read",
    ]


def test_a_name_that_is_not_utf_8_is_reported_by_a_plan_that_would_read_the_file(work_tree: Path, run: Run):
    (work_tree / ".imagebot.yaml").write_text("version: 1\nimages: []\n")
    for name in (b"odd-\xff.yaml", b"odd-\xff.txt"):
        (work_tree / os.fsdecode(name)).write_text("image: a:1\n")

    done = run("plan", work_tree, env={"IMAGEBOT_SETTINGS": ""})

    assert done.returncode == 0
    assert "Not read\n  odd-\\xff.yaml: a file whose name is not UTF-8, which is not read\n\n" in done.stdout
    assert "odd-\\xff.txt" not in done.stdout
