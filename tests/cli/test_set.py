"""`imagebot set`: files, folders and pipes, of which only the bytes of the image's tag and digest change."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imagebot.cli.main import EXIT_USAGE
from imagebot.cli.set import run_set
from imagebot.errors import InvalidInput
from imagebot.image.reference import parse_reference
from tests.cli.conftest import Run
from tests.cli.test_main import _list_loaded

A, B = (f"sha256:{64 * digit}" for digit in "ab")
_GOLDEN = Path(__file__).parent.parent / "golden"
WEB = b"\xef\xbb\xbfkind: Pod # web\r\nspec:\r\n-   image:   'nginx:1.25'   # the web\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of two images, and one in a folder below."""
    folder = tmp_path / "fleet"
    (folder / "apps").mkdir(parents=True)
    (folder / "apps" / "web.yaml").write_bytes(WEB)
    (folder / "api.yml").write_bytes(b"image: {repository: ghcr.io/acme/api, tag: 1.4.2}\n---\nimage: nginx:1.25\n")
    return folder


def _set(*words: str | Path, is_dry: bool = False) -> int:
    return run_set([str(word) for word in words], scope=None, is_dry=is_dry, as_json=False)


def _pipe(*words: str, data: bytes) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-W", "error", "-m", "imagebot", "set", *words]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, input=data, capture_output=True, env=environment, check=False)


def test_every_place_in_a_folder_is_set_and_said(run: Run, folder: Path):
    done = run("set", "nginx=1.27", "ghcr.io/acme/api=1.4.3", "fleet")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "fleet/api.yml:1:44: ghcr.io/acme/api:1.4.2 -> ghcr.io/acme/api:1.4.3\n"
        "fleet/api.yml:3:8: nginx:1.25 -> nginx:1.27\n"
        "fleet/apps/web.yaml:3:14: nginx:1.25 -> nginx:1.27\n"
        "nginx=1.27: 2 places edited in 2 files\n"
        "ghcr.io/acme/api=1.4.3: 1 place edited in 1 file\n"
    )
    assert (folder / "apps" / "web.yaml").read_bytes() == WEB.replace(b"1.25", b"1.27")
    assert (folder / "api.yml").read_bytes() == (
        b"image: {repository: ghcr.io/acme/api, tag: 1.4.3}\n---\nimage: nginx:1.27\n"
    )


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name)
        for case in sorted(_GOLDEN.iterdir())
        if not (case / ".imagebot.yaml").exists()  # `set` asks for images, whatever a policy file says
    ],
)
def test_golden_files_of_every_kind_become_what_they_are_to_be(case: Path, tmp_path: Path):
    images = [parse_reference(line) for line in (case / "images.txt").read_text().splitlines()]
    shutil.copytree(case / "before", tmp_path / "before")
    files = sorted(path for path in (tmp_path / "before").rglob("*") if path.is_file())

    # Not all places of an image can hold its digest: to those the tag is given alone.
    _set(*(f"{each.name}={each.tag or ''}{f'@{each.digest}' if each.digest else ''}" for each in images), *files)
    _set(*(f"{each.name}={each.tag}" for each in images if each.tag), *files)

    expected = {path.relative_to(case / "after"): path for path in (case / "after").rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path / "before"): path.read_bytes() for path in files} == {
        path: full.read_bytes() for path, full in expected.items()
    }


def test_a_pipe_is_read_and_only_the_result_is_written_to_standard_output():
    done = _pipe("nginx=1.27", data=WEB)

    assert (done.returncode, done.stdout) == (0, WEB.replace(b"1.25", b"1.27"))
    assert done.stderr == (b"standard input:3:14: nginx:1.25 -> nginx:1.27\nnginx=1.27: 1 place edited in 1 file\n")


def test_a_dash_is_standard_input_and_its_report_may_be_json():
    done = _pipe("nginx=1.27", "-", "--format", "json", data=b"image: nginx:1.25")

    assert (done.returncode, done.stdout) == (0, b"image: nginx:1.27")
    assert json.loads(done.stderr)["images"][0]["edited"] == 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"image: redis:7\n", "nginx=1.27: the image is found nowhere in standard input", id="nowhere"),
        pytest.param(f"image: nginx:1.25@{A}\n".encode(), "refused: the digest beside its tag", id="refused"),
        pytest.param(b"image: [nginx\n", "not read: standard input:2:1: ", id="no YAML"),
        pytest.param(b"image: nginx:$TAG\n", "left alone: it holds the variable $TAG", id="nothing but a variable"),
    ],
)
def test_a_pipe_gets_nothing_rather_than_half_of_what_was_asked_for(data, sentence):
    done = _pipe("nginx=1.27", "-", data=data)

    assert (done.returncode, done.stdout) == (1, b"")
    assert sentence in done.stderr.decode()


def test_a_pipe_is_shown_as_a_diff_if_that_is_asked_for():
    done = _pipe("nginx=1.27", "--dry-run", data=b"image: nginx:1.25\n")

    assert done.stdout == (
        b"--- a/standard input\t\n+++ b/standard input\t\n@@ -1,1 +1,1 @@\n-image: nginx:1.25\n+image: nginx:1.27\n"
    )


def test_a_redirected_file_is_read_as_a_pipe_is(run: Run, folder: Path):
    command = [sys.executable, "-m", "imagebot", "set", "nginx=1.27"]
    with (folder / "apps" / "web.yaml").open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, check=False)

    assert done.stdout == WEB.replace(b"1.25", b"1.27")


def test_without_a_path_and_a_pipe_nothing_is_guessed(folder: Path):
    command = [sys.executable, "-m", "imagebot", "set", "nginx=1.27"]

    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=folder, check=False)

    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert "no PATH is given; accepted are files, folders (as . for this one) or - for standard input" in done.stderr
    assert (folder / "apps" / "web.yaml").read_bytes() == WEB


def test_standard_input_that_is_closed_is_a_fault_of_usage(run: Run):
    done = run("set", "nginx=1.27", "-", by=("sh", "-c", 'exec "$@" <&-', "sh"))

    assert (done.returncode, done.stderr) == (EXIT_USAGE, "imagebot: standard input is closed\n")


def test_a_dry_run_shows_what_git_can_apply_and_edits_nothing(run: Run, folder: Path, tmp_path: Path):
    printed = tmp_path / "printed"

    done = run("set", "nginx=1.27", ".", "--diff", cwd=folder, stdout=printed)

    assert done.returncode == 0
    assert (folder / "apps" / "web.yaml").read_bytes() == WEB
    assert printed.read_text().endswith("\nnginx=1.27: 2 places to edit in 2 files\n")
    diff = printed.read_bytes().partition(b"api.yml:3:8")[0]
    subprocess.run(["git", "apply", "-"], input=diff, cwd=folder, check=True)
    assert (folder / "apps" / "web.yaml").read_bytes() == WEB.replace(b"1.25", b"1.27")


def test_setting_twice_changes_nothing_the_second_time(folder: Path, capsys: pytest.CaptureFixture[str]):
    words = ("nginx=1.27", "ghcr.io/acme/api=1.4.3", folder)
    _set(*words)
    first = {path: (path.stat().st_ino, path.read_bytes()) for path in folder.rglob("*.y*ml")}
    capsys.readouterr()

    code = _set(*words)

    assert {path: (path.stat().st_ino, path.read_bytes()) for path in folder.rglob("*.y*ml")} == first
    said = [
        f"{word}: 0 places edited, {number} as wanted already\n" for word, number in zip(words, (2, 1), strict=False)
    ]
    assert (code, capsys.readouterr().out) == (0, "".join(said))


def test_an_image_that_is_found_nowhere_does_not_keep_the_others_from_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    code = _set("nginx=1.27", "ngnix=1.27", folder)

    assert code == 1
    assert "\nngnix=1.27: the image is found nowhere in 2 files\n" in capsys.readouterr().out
    assert b"1.27" in (folder / "apps" / "web.yaml").read_bytes()


def test_a_variable_is_said_and_no_failure_as_long_as_another_place_is_set(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    (folder / "var.yaml").write_text("image: nginx:${TAG:-1.25}\n")

    code = _set("nginx=1.27", folder)

    text = capsys.readouterr().out
    assert code == 0
    assert f"{folder}/var.yaml:1:8: nginx:${{TAG:-1.25}}: left alone: it holds the variable" in text
    assert text.endswith("nginx=1.27: 2 places edited in 2 files, 1 left alone\n")


def test_a_place_that_is_refused_leaves_the_others_edited_and_the_exit_code_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    (folder / "pinned.yaml").write_text(f"image: nginx:1.25@{A}\n")

    code = _set("nginx=1.27", folder)

    text = capsys.readouterr().out
    assert code == 1
    assert "the digest beside its tag would still be that of 1.25; give nginx=1.27@DIGEST" in text
    assert (folder / "pinned.yaml").read_text() == f"image: nginx:1.25@{A}\n"
    assert b"1.27" in (folder / "api.yml").read_bytes()


def test_a_file_that_names_the_image_and_is_no_yaml_is_told(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "bad.yaml").write_text("image: [nginx:1\n")
    (folder / "other.yaml").write_text("image: [redis:1\n")

    code = _set("nginx=1.27", folder)

    text = capsys.readouterr().out
    assert code == 1
    assert f"\nnot read: {folder}/bad.yaml:2:1: " in text
    assert "other.yaml" not in text


def test_links_in_a_folder_are_passed_over_and_said_but_one_that_is_named_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    (folder / "link.yaml").symlink_to("api.yml")

    codes = _set("nginx=1.27", folder), _set("nginx=1.28", folder / "link.yaml")

    assert codes == (0, 1)
    assert capsys.readouterr().out.count("link.yaml: a symbolic link, which is not followed") == 1
    assert b"1.27" in (folder / "api.yml").read_bytes()
    assert (folder / "link.yaml").is_symlink()


def test_a_file_is_edited_once_however_often_it_is_named(folder: Path, capsys: pytest.CaptureFixture[str]):
    code = _set("nginx=1.27", folder / "api.yml", folder, folder / "apps" / ".." / "api.yml")

    assert code == 0
    assert capsys.readouterr().out.endswith("nginx=1.27: 2 places edited in 2 files\n")


def test_files_of_any_name_are_edited_if_they_are_named(folder: Path):
    file = folder / "a=b"
    file.write_bytes(WEB)

    _set("nginx=1.27", file)

    assert file.read_bytes() == WEB.replace(b"1.25", b"1.27")


def test_files_that_git_ignores_and_policy_files_are_no_part_of_a_folder(folder: Path):
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / ".gitignore").write_text("api.yml\n")
    (folder / ".imagebot.yaml").write_text("image: nginx:1.25\n")

    _set("nginx=1.27", folder)

    assert b"1.27" not in (folder / "api.yml").read_bytes() + (folder / ".imagebot.yaml").read_bytes()
    assert b"1.27" in (folder / "apps" / "web.yaml").read_bytes()


def test_a_file_that_cannot_be_written_does_not_keep_the_others_from_it(run: Run, folder: Path):
    large = f"image: nginx:1.25\n{5000 * '#'}\n"
    (folder / "a.yaml").write_text(large)
    limited = ("sh", "-c", 'ulimit -f 8; exec "$@"', "sh")

    done = run("set", "nginx=1.27", "fleet", by=limited, env={"PYTHONDONTWRITEBYTECODE": "1"})

    assert (done.returncode, done.stderr) == (1, "")
    assert "fleet/a.yaml:1:8: nginx:1.25: refused: a.yaml cannot be written: File too large\n" in done.stdout
    assert done.stdout.endswith("\nnginx=1.27: 2 places edited in 2 files, 1 refused\n")
    assert (folder / "a.yaml").read_text() == large
    assert b"1.27" in (folder / "api.yml").read_bytes()


def test_json_says_of_each_image_and_place_what_came_of_it(folder: Path, capsys: pytest.CaptureFixture[str]):
    code = run_set(["nginx=1.27", f"{folder}/apps"], scope=None, is_dry=False, as_json=True)

    printed = json.loads(capsys.readouterr().out)
    path = f"{folder}/apps/web.yaml"
    assert code == 0
    assert printed["images"] == [
        {
            "image": "docker.io/library/nginx",
            "tag": "1.27",
            "digest": None,
            "edited": 1,
            "unchanged": 0,
            "refused": 0,
            "left_alone": 0,
        }
    ]
    assert printed["places"] == [
        {
            "image": "docker.io/library/nginx",
            "path": path,
            "line": 3,
            "column": 14,
            "result": "edited",
            "before": "nginx:1.25",
            "after": "nginx:1.27",
            "reason": None,
        }
    ]
    assert printed["written"] == [path]
    assert [printed[key] for key in ("not_read", "passed_over", "doubtful")] == [[], [], []]
    assert printed["diff"].startswith("--- a")


def test_the_sites_and_the_files_of_a_policy_file_count_if_it_is_given(run: Run, folder: Path):
    (folder / ".imagebot.yaml").write_text(
        'version: 1\nfiles: {exclude: ["apps/"]}\nimages: []\n'
        'sites: [{files: "tags/{app}", image: "ghcr.io/acme/{app}", tag: .}]\n'
    )
    (folder / "tags").mkdir()
    (folder / "tags" / "api").write_bytes(b"1.4.2\n")

    done = run("set", "ghcr.io/acme/api=1.4.3", "nginx=1.27", ".", "--policy-file", ".imagebot.yaml", cwd=folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "tags" / "api").read_bytes() == b"1.4.3\n"
    assert b"tag: 1.4.3" in (folder / "api.yml").read_bytes()
    assert (folder / "apps" / "web.yaml").read_bytes() == WEB


def test_files_outside_of_the_policy_files_folder_are_refused_before_anything_is_edited(run: Run, folder: Path):
    (folder / "apps" / ".imagebot.yaml").write_text("version: 1\nimages: []\n")

    done = run("set", "nginx=1.27", "apps", "api.yml", "--policy-file", "apps/.imagebot.yaml", cwd=folder)

    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert f"api.yml does not lie in {folder}/apps, the folder of the policy file" in done.stderr
    assert (folder / "apps" / "web.yaml").read_bytes() == WEB


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["fleet"], "'fleet' is no IMAGE=TAG", id="no image"),
        pytest.param(["nginx=1", "none"], "there is no file 'none'", id="no such file"),
        pytest.param(["nginx=1", ""], "there is no file ''", id="an empty variable of a script"),
        pytest.param(["nginx=1", "fleet", "redis=1"], "there is no file 'redis=1'", id="an image behind a path"),
        pytest.param(["nginx=1", "fleet", "-"], "the PATH '-' stands beside others", id="a file and standard input"),
        pytest.param(["nginx=1", "docker.io/nginx=2", "fleet"], "'nginx=1' is about the same image", id="twice"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_of_usage_and_nothing_is_edited(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words, sentence
):
    monkeypatch.chdir(folder.parent)

    with pytest.raises(InvalidInput, match=sentence):
        _set(*words)

    assert (folder / "apps" / "web.yaml").read_bytes() == WEB


def test_settings_networks_and_stores_are_not_loaded(folder: Path):
    loaded = _list_loaded("set", "nginx=1.27", folder)

    assert loaded & {"requests", "urllib3", "sqlalchemy", "gitlab", "structlog", "docker"} == set()
