"""`imagebot plan`: a table and a diff of what would change in a checkout, and with `--write` the change itself."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
        "  link.yaml: a symbolic link, which is not followed",
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


def test_the_folder_without_a_policy_file_is_named_as_people_know_it(run: Run, checkout: Path):
    done = run("plan", cwd=checkout / "apps")

    assert done.stderr.startswith(f"imagebot: {checkout}/apps has no .imagebot.yaml: add one")


def test_a_policy_file_at_the_root_of_the_work_tree_is_pointed_to(run: Run, checkout: Path):
    subprocess.run(["git", "init", "-q"], cwd=checkout, check=True)

    done = run("plan", cwd=checkout / "apps")

    assert done.returncode == 2
    assert done.stderr == f"imagebot: {checkout}/apps has no .imagebot.yaml; it is in {checkout}: run plan there\n"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        pytest.param("apps/api.yaml/x.yaml", "DIR has no apps/api.yaml/x.yaml: add one", id="below a file"),
        pytest.param(300 * "a", f"{300 * 'a'} in DIR cannot be read: File name too long", id="a long name"),
        pytest.param("apps", "apps in DIR cannot be read: it is a folder", id="a folder"),
        pytest.param("link.yaml", "link.yaml in DIR cannot be read: it is a symbolic link, which", id="a link"),
        pytest.param(
            "linked/api.yaml", "linked/api.yaml in DIR cannot be read: it is a symbolic link", id="below a link"
        ),
        pytest.param("pipe", "pipe in DIR cannot be read: it is a device, socket or pipe", id="a pipe"),
        pytest.param(
            "/etc/passwd", "--policy-file is '/etc/passwd'; accepted is a path in DIR, without ..", id="absolute"
        ),
        pytest.param("apps/../x", "--policy-file is 'apps/../x'; accepted is a path in DIR, without ..", id="two dots"),
    ],
)
def test_a_policy_file_that_cannot_be_read_is_a_fault_of_usage(run: Run, checkout: Path, path: str, sentence: str):
    (checkout / "link.yaml").symlink_to(".imagebot.yaml")
    (checkout / "linked").symlink_to("apps")
    os.mkfifo(checkout / "pipe")

    done = run("plan", checkout, "--policy-file", path)

    assert done.stderr.replace(str(checkout), "DIR").startswith(f"imagebot: {sentence}")
    assert (done.returncode, done.stdout) == (2, "")


def test_the_policy_file_may_be_named_as_shells_complete_it(run: Run, checkout: Path, registry: LoopbackRegistry):
    policy = f"# image: {registry.address}/acme/api:1.0.0\nimage: {registry.address}/acme/api:1.0.0\n"
    (checkout / "policy.yaml").write_text((checkout / ".imagebot.yaml").read_text())
    (checkout / ".imagebot.yaml").write_text(policy)

    done = run("plan", checkout, "--policy-file", ".//policy.yaml", "--format", "json")

    assert [each["path"] for each in json.loads(done.stdout)["changes"]] == [".imagebot.yaml", "apps/api.yaml"]
    assert json.loads(done.stdout)["ungoverned"] == []


def test_the_settings_targets_are_not_looked_at(run: Run, checkout: Path, tmp_path: Path):
    with (tmp_path / "settings.yaml").open("a") as file:
        file.write("targets:\n  - {url: https://git.example/x, password: {env: NOT_HERE}, ca_file: nowhere}\n")

    done = run("plan", checkout)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_what_a_terminal_has_no_character_for_is_spelled_out(run: Run, checkout: Path, env: dict[str, str]):
    with (checkout / "apps" / "api.yaml").open("a") as file:
        file.write("# é\n")

    done = run("plan", checkout, env={"PYTHONCOERCECLOCALE": "0", **env})

    assert (done.returncode, done.stderr) == (0, "")
    assert "\n # \\xe9\n" in done.stdout


def test_what_does_not_fit_a_narrow_terminal_is_a_list(checkout: Path, registry: LoopbackRegistry, tmp_path: Path):
    command = [sys.executable, "-m", "imagebot", "plan", str(checkout), "-s", str(tmp_path / "settings.yaml")]
    shown = bytearray()

    def read(terminal: int) -> bytes:
        data = os.read(terminal, 65536)
        shown.extend(data)
        return data

    pty.spawn(["sh", "-c", 'stty cols 40; exec "$@"', "sh", *command], read, lambda _stdin: b"")

    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")
    assert text.startswith(
        f"{registry.address}/acme/api\n  1.0.0 → 1.1.0 minor\n  apps/api.yaml:2\n  all, semver: minor\n\n--- a/"
    )


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
