"""`imagebot check`: one finding a line, an exit code, and no network."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from imagebot.cli.check import check, run_check
from tests.cli.conftest import Run
from tests.cli.test_main import _list_loaded

POLICY = 'version: 1\nimages:\n- {image: "*", policy: {semver: minor}}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config repository with which nothing is wrong."""
    folder = tmp_path / "fleet"
    (folder / "apps").mkdir(parents=True)
    (folder / ".imagebot.yaml").write_text(POLICY)
    (folder / "apps" / "web.yaml").write_text("image: nginx:1.25\n")
    return folder


def _list_findings(folder: Path) -> list[tuple[str, str, str, int | None, int | None]]:
    return [
        (finding.severity.value, finding.kind.value, finding.path, finding.line, finding.column)
        for finding in check(folder, ".imagebot.yaml").findings
    ]


def test_what_is_as_it_should_be_is_said_in_one_line(run: Run, folder: Path):
    done = run("check", cwd=folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Checked the policy file and 1 file: nothing found.\n"


def test_a_finding_is_a_line_that_editors_and_forges_can_follow(run: Run, folder: Path):
    (folder / ".imagebot.yaml").write_text(f"{POLICY}- {{name: web, image: nginx, policy: {{semver: patch}}}}\n")
    (folder / "apps" / "api.yaml").write_text("x:\n  image: api:${TAG}\n")

    done = run("check", "fleet")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "fleet/.imagebot.yaml:4: error: the entry web governs nothing: line 3 (*) comes first\n"
        "fleet/apps/api.yaml:2:10: notice: api:${TAG}: it holds the variable ${TAG}\n"
        "Checked the policy file and 2 files: 1 error, 1 notice.\n"
    )


def test_all_faults_of_the_policy_file_are_findings_with_line_and_column(run: Run, folder: Path):
    (folder / ".imagebot.yaml").write_text('version: 2\nimages:\n- {image: "*", policy: {semver: "^^1"}}\n- {}\n')

    done = run("check", folder)

    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split(": ")[:3] for line in lines[:-1]] == [
        [f"{folder}/.imagebot.yaml:1:10", "error", "version"],
        [f"{folder}/.imagebot.yaml:3:33", "error", "images[0].policy.semver"],
        [f"{folder}/.imagebot.yaml:4:3", "error", "images[1].image"],
        [f"{folder}/.imagebot.yaml:4:3", "error", "images[1].policy"],
    ]
    assert lines[-1] == "Checked the policy file alone: 4 errors, 0 notices."


def test_json_is_all_there_is_on_standard_output_and_its_keys_stay(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / ".imagebot.yaml").write_text("version: 1\nimages: []\n")

    code = run_check(folder, ".imagebot.yaml", is_strict=False, as_json=True)

    assert code == 0
    assert json.loads(capsys.readouterr().out) == {
        "findings": [
            {
                "severity": "notice",
                "kind": "ungoverned",
                "path": "apps/web.yaml",
                "line": 1,
                "column": 8,
                "text": "nginx:1.25: no entry governs it",
            }
        ],
        "errors": 0,
        "notices": 1,
        "files": 1,
    }


def test_with_strict_a_notice_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / ".imagebot.yaml").write_text("version: 1\nimages: []\n")

    code = run_check(folder, ".imagebot.yaml", is_strict=True, as_json=False)

    assert code == 1
    assert f"{folder}/apps/web.yaml:1:8: error: nginx:1.25: " in capsys.readouterr().out


def test_files_that_are_not_read_are_errors_but_links_are_notices(folder: Path):
    apps = folder / "apps"
    (apps / "bad.yaml").write_text("image: [\n")
    (apps / "wide.yaml").write_bytes("image: x:1\n".encode("utf-16"))
    (apps / "link.yaml").symlink_to("web.yaml")
    os.mkfifo(apps / "pipe.yaml")
    (apps / "large.yaml").write_bytes(b"#" * 5_000_001)
    (apps / "bad.txt").write_text("image: [\n")

    found = _list_findings(folder)

    assert found == [
        ("error", "unreadable", "apps/bad.yaml", 2, 1),
        ("error", "unreadable", "apps/large.yaml", None, None),
        ("error", "unreadable", "apps/pipe.yaml", None, None),
        ("error", "unreadable", "apps/wide.yaml", 1, 1),
        ("notice", "unreadable", "apps/link.yaml", None, None),
    ]


def test_files_that_git_ignores_are_not_looked_at(folder: Path):
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / ".gitignore").write_text("bad.yaml\n")
    (folder / "bad.yaml").write_text("image: [\n")

    assert _list_findings(folder) == []


def test_a_missing_policy_file_is_a_fault_of_usage(run: Run, folder: Path):
    (folder / ".imagebot.yaml").unlink()

    done = run("check", folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"imagebot: {folder} has no .imagebot.yaml" in done.stderr


def test_a_policy_file_of_another_name_is_checked_and_names_no_image_itself(folder: Path):
    (folder / ".imagebot.yaml").rename(folder / "policy.yaml")

    assert check(folder, ".//policy.yaml").findings == ()


def test_control_characters_of_files_do_not_reach_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "apps" / "web.yaml").write_text('image: "nginx:${\\e[31m}"\n')

    run_check(folder, ".imagebot.yaml", is_strict=False, as_json=False)

    assert "nginx:${\\u{001B}[31m}" in capsys.readouterr().out


def test_neither_the_network_nor_the_store_nor_forges_are_loaded(folder: Path):
    loaded = _list_loaded("check", folder)

    assert {"yaml", "pydantic"} <= loaded
    assert loaded & {"requests", "urllib3", "sqlalchemy", "gitlab", "structlog", "docker"} == set()
