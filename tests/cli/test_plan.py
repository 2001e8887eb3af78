"""`imagebot plan`: a table and a diff of what would change in a checkout, and with `--write` the change itself."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from imagebot.cli.checkout import ChangedMeanwhile, replace_file
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.cli.conftest import Run


def test_the_table_and_the_diff_show_what_would_change(run: Run, checkout: Path, registry: LoopbackRegistry):
    done = run("plan", checkout)

    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].split() == ["IMAGE", "NOW", "PROPOSED", "CHANGE", "WHERE", "ALLOWED", "BY"]
    assert lines[1].split() == [
        f"{registry.address}/acme/api", "1.0.0", "1.1.0", "minor", "apps/api.yaml:2", "all,", "semver:", "minor",
    ]  # fmt: skip
    assert f"-image: {registry.address}/acme/api:1.0.0 # api" in done.stdout
    assert f"+image: {registry.address}/acme/api:1.1.0 # api" in done.stdout
    assert lines[-1] == "1 image can move, in 1 place of 1 file (1 image governed by the policy file)."


def test_nothing_is_written_unless_it_is_asked_for(run: Run, checkout: Path):
    before = (checkout / "apps" / "api.yaml").read_bytes()

    run("plan", checkout)

    assert (checkout / "apps" / "api.yaml").read_bytes() == before


def test_writing_edits_the_bytes_of_the_tag_and_keeps_the_mode(run: Run, checkout: Path):
    file = checkout / "apps" / "api.yaml"
    file.chmod(0o640)
    before = file.read_bytes()

    done = run("plan", checkout, "--write")

    assert done.returncode == 0
    assert file.read_bytes() == before.replace(b"1.0.0", b"1.1.0")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in file.parent.iterdir()) == ["api.yaml"]
    assert run("plan", checkout).stdout.startswith("\nNothing to change")


def test_git_applies_what_is_printed(run: Run, checkout: Path, tmp_path: Path):
    file = checkout / "apps" / "api.yaml"
    before = file.read_bytes()
    printed = tmp_path / "printed"

    run("plan", checkout, stdout=printed)
    subprocess.run(["git", "apply", str(printed)], cwd=checkout, check=True)

    assert file.read_bytes() == before.replace(b"1.0.0", b"1.1.0")


def test_json_is_all_there_is_on_standard_output(run: Run, checkout: Path, registry: LoopbackRegistry):
    done = run("plan", checkout, "--format", "json")

    printed = json.loads(done.stdout)
    assert printed["changes"] == [
        {
            "path": "apps/api.yaml",
            "line": 2,
            "image": f"{registry.address}/acme/api",
            "before": f"{registry.address}/acme/api:1.0.0",
            "after": f"{registry.address}/acme/api:1.1.0",
            "jump": "minor",
            "entry": "all",
            "policy": "semver: minor",
        }
    ]
    assert printed["diff"].startswith("--- a/apps/api.yaml\n+++ b/apps/api.yaml\n")


def test_what_stands_in_the_way_is_listed_with_its_place(run: Run, checkout: Path, registry: LoopbackRegistry):
    push_image(registry.address, "acme/odd", "main")
    (checkout / "var.yaml").write_text("image: nginx:${TAG}\n")
    (checkout / "bad.yaml").write_text("image: [\n")
    (checkout / "odd.yaml").write_text(f"image: {registry.address}/acme/odd:main\n")
    (checkout / "gone.yaml").write_text(f"image: {registry.address}/acme/gone:1.0.0\n")
    (checkout / "link.yaml").symlink_to("bad.yaml")

    done = run("plan", checkout)

    assert done.returncode == 1
    for line in (
        f"  {registry.address}/acme/gone: ",
        f"  odd.yaml:1: {registry.address}/acme/odd:main: ",
        "  var.yaml:1:8: nginx:${TAG}: it holds the variable ${TAG}",
        "  bad.yaml:2:1: ",
        "  link.yaml: a symbolic link or submodule, which is not followed",
    ):
        assert f"\n{line}" in done.stdout
    assert "1 image can move" in done.stdout


def test_the_policy_file_itself_names_no_image(run: Run, checkout: Path):
    assert ".imagebot.yaml" not in run("plan", checkout).stdout


def test_a_faulty_policy_file_ends_with_every_fault_and_exit_code_2(run: Run, checkout: Path):
    (checkout / ".imagebot.yaml").write_text('version: 1\nimages:\n  - {image: "*", policy: {semver: "^^1"}}\n  - {}\n')

    done = run("plan", checkout)

    assert (done.returncode, done.stdout) == (2, "")
    assert "imagebot: .imagebot.yaml:3:" in done.stderr
    assert "\n.imagebot.yaml:4:" in done.stderr


def test_a_missing_policy_file_is_asked_for(run: Run, checkout: Path):
    (checkout / ".imagebot.yaml").unlink()

    done = run("plan", checkout)

    assert done.returncode == 2
    assert "has no .imagebot.yaml: add one that says which images may move, and how far" in done.stderr


def test_a_folder_that_is_not_there_is_a_fault_of_usage(run: Run, tmp_path: Path):
    assert run("plan", tmp_path / "none").returncode == 2


def test_files_that_git_ignores_are_not_read(run: Run, checkout: Path, registry: LoopbackRegistry):
    subprocess.run(["git", "init", "-q"], cwd=checkout, check=True)
    (checkout / ".gitignore").write_text("build/\n")
    (checkout / "build").mkdir()
    (checkout / "build" / "rendered.yaml").write_text(f"image: {registry.address}/acme/api:1.0.0\n")

    done = run("plan", checkout)

    assert "1 image can move, in 1 place of 1 file" in done.stdout


def test_the_files_of_another_repository_around_the_folder_are_not_read(
    run: Run, checkout: Path, tmp_path: Path, registry: LoopbackRegistry
):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "outside.yaml").write_text(f"image: {registry.address}/acme/api:1.0.0\n")

    assert "outside.yaml" not in run("plan", checkout).stdout


def test_a_digest_is_asked_for_and_written_beside_its_tag(run: Run, checkout: Path, registry: LoopbackRegistry):
    old, new = (push_image(registry.address, "acme/api", tag) for tag in ("1.0.0", "1.1.0"))
    file = checkout / "apps" / "api.yaml"
    file.write_text(f"image: {{registry: {registry.address}, repository: acme/api, tag: 1.0.0, digest: {old}}}\n")

    run("plan", checkout, "--write")

    assert f"tag: 1.1.0, digest: {new}}}" in file.read_text()


@pytest.mark.parametrize("change", [b"# moved\n", b""])
def test_a_file_that_was_changed_meanwhile_is_left_as_it_is(checkout: Path, change: bytes):
    file = checkout / "apps" / "api.yaml"
    before = file.read_bytes()
    file.write_bytes(change)

    with pytest.raises(ChangedMeanwhile, match=r"apps/api\.yaml was changed by someone else meanwhile"):
        replace_file(checkout, "apps/api.yaml", before=before, after=b"new")

    assert file.read_bytes() == change
