"""`imagebot plan`: a table and a diff of what would change in a checkout, and with `--write` the change itself."""

import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot.demo.image import make_image, make_index
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push, push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.cli.conftest import Run, make_policy


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


def test_new_digests_are_in_the_table_with_what_is_written_now(run: Run, checkout: Path, registry: LoopbackRegistry):
    image = f"{registry.address}/acme/api"
    old, new = (push_image(registry.address, "acme/api", tag) for tag in ("1.0.0", "latest"))
    (checkout / ".imagebot.yaml").write_text(make_policy("policy: {digest: latest}"))
    (checkout / "apps" / "api.yaml").write_text(f"image: {image}@{old}\n---\nimage: {image}:latest\n")

    done = run("plan", checkout)

    rows = [line.split()[1:6] for line in done.stdout.splitlines()[1:3]]
    short_old, short_new = (digest[:19] for digest in (old, new))
    assert (done.returncode, done.stderr) == (0, "")
    assert rows == [
        [f"@{short_old}", f"latest@{short_new}", "digest", "apps/api.yaml:1", "all,"],
        ["latest", f"latest@{short_new}", "digest", "apps/api.yaml:3", "all,"],
    ]
    assert f"\n+image: {image}@{new}\n ---\n-image: {image}:latest\n+image: {image}:latest@{new}\n" in done.stdout


def test_a_new_digest_is_a_jump_of_its_own_in_json(run: Run, checkout: Path, registry: LoopbackRegistry):
    (checkout / ".imagebot.yaml").write_text(make_policy("policy: {semver: minor}, pin_digest: true"))
    (checkout / "apps" / "api.yaml").write_text(f"image: {registry.address}/acme/api:1.1.0\n")

    (change,) = json.loads(run("plan", checkout, "--format", "json").stdout)["changes"]

    assert change["jump"] == "digest"
    assert change["after"].startswith(f"{change['before']}@sha256:")


def test_digests_that_stay_are_listed_with_the_reason(run: Run, checkout: Path, registry: LoopbackRegistry):
    image = f"{registry.address}/acme/base"
    old = push(registry.address, "acme/base", "latest", image=make_index({"linux/amd64": {}, "linux/arm64": {}}))
    push(registry.address, "acme/base", "latest", image=make_image({}))
    (checkout / ".imagebot.yaml").write_text(make_policy("policy: {digest: latest}"))
    (checkout / "apps" / "api.yaml").write_text(
        f"a: {{image: {image}:latest@{old}}}\nb: {{image: {{repository: {image}, tag: latest}}}}\n"
    )

    text, printed = run("plan", checkout).stdout, json.loads(run("plan", checkout, "--format", "json").stdout)

    held = [
        f"apps/api.yaml:1: {image}:latest@{old}: its new digest has no linux/arm64, which the digest now written has",
        f"apps/api.yaml:2: {image}:latest: no digest can be written there",
    ]
    assert (printed["held"], printed["changes"]) == (held, [])
    assert "\nDigests left as they are\n" + "".join(f"  {line}\n" for line in held) in text


def test_tags_passed_over_for_their_images_are_listed_with_what_these_lack(
    run: Run, checkout: Path, registry: LoopbackRegistry
):
    both = make_index({"linux/amd64": {}, "linux/arm64": {}})
    push(registry.address, "acme/api", "1.0.0", image=both)

    text, printed = run("plan", checkout).stdout, json.loads(run("plan", checkout, "--format", "json").stdout)

    sentence = f"{registry.address}/acme/api: 1.1.0 has no linux/arm64"
    assert printed["unfit"] == [sentence]
    assert f"\nPassed over for their images\n  {sentence}\n" in text


def test_tags_of_which_the_registry_tells_the_age_wait_until_they_are_old_enough(
    run: Run, checkout: Path, registry: LoopbackRegistry
):
    pushed_at = datetime.now(UTC).replace(microsecond=0)  # the program reads the clock, and believes no other times
    until = pushed_at + timedelta(days=3)
    registry.upload_clock = lambda: pushed_at
    push_image(registry.address, "acme/api", "1.2.0")
    (checkout / ".imagebot.yaml").write_text(make_policy('policy: {semver: "1.2.x"}, min_age: 3d'))

    text, printed = run("plan", checkout).stdout, json.loads(run("plan", checkout, "--format", "json").stdout)

    image = f"{registry.address}/acme/api"
    assert printed["waiting"] == [
        {
            "image": image,
            "tag": "1.2.0",
            "since": pushed_at.isoformat(),
            "source": "pushed",
            "until": until.isoformat(),
        }
    ]
    waits = f"{image}: 1.2.0 waits until {until:%Y-%m-%d %H:%M} UTC: pushed {pushed_at:%Y-%m-%d %H:%M} UTC"
    assert f"\nWaiting\n  {waits}\n\nNothing to change" in text


def test_tags_of_which_nobody_knows_the_age_wait_and_a_plan_says_why(
    run: Run, checkout: Path, registry: LoopbackRegistry
):
    (checkout / ".imagebot.yaml").write_text(make_policy("policy: {semver: minor}, min_age: 3d"))

    text, printed = run("plan", checkout).stdout, json.loads(run("plan", checkout, "--format", "json").stdout)

    image = f"{registry.address}/acme/api"
    assert printed["waiting"] == [{"image": image, "tag": "1.1.0", "since": None, "source": None, "until": None}]
    assert (
        f"\nWaiting\n  {image}: 1.1.0 waits: it is not known how old it is\n"
        "  A plan remembers nothing: it knows how old a tag is only where the registry says so.\n" in text
    )


def test_json_is_all_that_is_printed_even_if_an_image_cannot_be_looked_at(
    run: Run, checkout: Path, registry: LoopbackRegistry
):
    registry.fault = lambda _, target: Reply(403) if "/manifests/" in target else None

    done = run("plan", checkout, "--format", "json")

    assert (done.returncode, done.stderr) == (1, "")
    assert list(json.loads(done.stdout)["unlisted"]) == [f"{registry.address}/acme/api"]
