"""`imagebot once` as people run it: its summary, its progress on a terminal, its exit code."""

import json
import os
import pty
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.cli.conftest import POLICY, Run, make_policy
from tests.servers.gitserver import create_repo, list_heads, seed


@pytest.fixture
def bare(tmp_path: Path, registry: LoopbackRegistry) -> Path:
    """A bare config repository with one image, and settings that name it as the target `fleet`, without a forge."""
    bare = create_repo(tmp_path / "fleet.git")
    seed(bare, {".imagebot.yaml": POLICY.encode(), "a.yaml": f"image: {registry.address}/acme/api:1.0.0\n".encode()})
    settings = {
        "data_dir": str(tmp_path / "data"),
        "registries": {registry.address: {"plain_http": True}},
        "targets": [{"name": "fleet", "url": f"file://{bare}"}],
    }
    (tmp_path / "settings.yaml").write_text(json.dumps(settings))
    return bare


def test_the_summary_says_what_was_done(run: Run, bare: Path, registry: LoopbackRegistry):
    done = run("once")

    host = registry.address
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert re.fullmatch(r"fleet at [0-9a-f]{10}", lines[0])
    assert lines[1:3] == [
        f"opened     Update {host}/acme/api from 1.0.0 to 1.1.0",
        f"imagebot/{host.replace(':', '_')}-acme-api",
    ]
    assert lines[3] == "1 image looked at"


def test_a_dry_run_says_so_and_pushes_nothing(run: Run, bare: Path):
    done = run("once", "--dry-run")

    assert "(dry run)" in done.stdout
    assert list(list_heads(bare)) == ["main"]


def test_json_is_all_there_is_on_standard_output(run: Run, bare: Path):
    (target,) = json.loads(run("once", "--format", "json").stdout)

    assert (target["target"], target["error"]) == ("fleet", "")
    assert [result["action"] for result in target["results"]] == ["opened"]


def test_logs_go_to_standard_error_and_hold_the_target(run: Run, bare: Path):
    done = run("once", "--log-level", "info", "--log-format", "json")

    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(each["event"], each["target"]) for each in events] == [
        ("branch_pushed", "fleet"),
        ("target_updated", "fleet"),
    ]


def test_a_quiet_round_writes_one_line_of_information(run: Run, bare: Path):
    run("once")

    done = run("once", "--log-level", "info", "--log-format", "json")

    (line,) = done.stderr.splitlines()
    assert json.loads(line)["unchanged"] == 1


def test_what_could_not_be_done_makes_the_exit_code_1(run: Run, bare: Path, registry: LoopbackRegistry):
    seed(bare, {"b.yaml": f"image: {registry.address}/acme/gone:1.0.0\n".encode()})

    done = run("once")

    assert done.returncode == 1
    assert f"{registry.address}/acme/gone: the registry knows no such repository (404)" in done.stdout
    assert "opened" in done.stdout


def test_tags_that_wait_are_listed_with_until_when(run: Run, bare: Path, registry: LoopbackRegistry):
    pushed_at = datetime.now(UTC).replace(microsecond=0)  # the program reads the clock, and believes no other times
    until = pushed_at + timedelta(days=3)
    registry.upload_clock = lambda: pushed_at
    push_image(registry.address, "acme/api", "1.2.0")
    seed(bare, {".imagebot.yaml": make_policy('policy: {semver: "1.2.x"}, min_age: 3d').encode()})

    text, (target,) = run("once").stdout, json.loads(run("once", "--format", "json").stdout)

    image = f"{registry.address}/acme/api"
    waits = f"{image}: 1.2.0 waits until {until:%Y-%m-%d %H:%M} UTC: pushed {pushed_at:%Y-%m-%d %H:%M} UTC"
    assert f"\nWaiting\n  {waits}\n\n  nothing to do; 1 image looked at\n" in text
    assert (target["due_at"], target["waiting"]) == (
        until.isoformat(),
        [
            {
                "image": image,
                "tag": "1.2.0",
                "since": pushed_at.isoformat(),
                "source": "pushed",
                "until": until.isoformat(),
            }
        ],
    )


def test_a_tag_waits_from_when_it_was_first_seen_on_where_the_registry_does_not_tell(run: Run, bare: Path):
    seed(bare, {".imagebot.yaml": make_policy("policy: {semver: minor}, min_age: 3d").encode()})

    (first,), (second,) = (json.loads(run("once", "--format", "json").stdout) for _ in range(2))

    assert [each["source"] for each in first["waiting"]] == ["first seen"]
    assert second["waiting"] == first["waiting"]
    assert second["due_at"] == first["waiting"][0]["until"]


def test_digests_that_stay_are_listed_with_the_reason(run: Run, bare: Path, registry: LoopbackRegistry):
    image = f"{registry.address}/acme/api"
    seed(
        bare,
        {
            ".imagebot.yaml": make_policy("policy: {semver: minor}, pin_digest: true").encode(),
            "a.yaml": f"image: {{repository: {image}, tag: 1.1.0}}\n".encode(),
        },
    )

    text, (target,) = run("once").stdout, json.loads(run("once", "--format", "json").stdout)

    held = f"a.yaml:1: {image}:1.1.0: no digest can be written there"
    assert target["held"] == [held]
    assert f"\nDigests left as they are\n  {held}\n" in text


def test_a_bug_in_the_round_of_a_target_makes_the_exit_code_3(run: Run, bare: Path, tmp_path: Path):
    # A module that cannot be imported stands in for a bug, in the one target whose forge needs it.
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "gitlab.py").write_text("raise RuntimeError('a bug')\n")
    settings = json.loads((tmp_path / "settings.yaml").read_text())
    forge = {"kind": "gitlab", "url": "https://127.0.0.1:1", "project": "a/b", "token": {"env": "TOKEN"}}
    settings["targets"].append({"url": f"file://{bare}", "branch_prefix": "other/", "forge": forge})
    (tmp_path / "settings.yaml").write_text(json.dumps(settings))

    path = os.pathsep.join([str(tmp_path / "broken"), *sys.path])
    done = run("once", env={"PYTHONPATH": path, "TOKEN": "x"})

    assert done.returncode == 3
    assert "a bug ended the round" in done.stdout
    assert "opened     Update" in done.stdout


def test_a_terminal_is_shown_progress_and_a_pipe_is_not(
    run: Run, bare: Path, tmp_path: Path, registry: LoopbackRegistry
):
    push_image(registry.address, "acme/api", "1.2.0")
    command = [sys.executable, "-m", "imagebot", "once", "--settings", str(tmp_path / "settings.yaml")]
    shown = bytearray()

    def read(terminal: int) -> bytes:
        data = os.read(terminal, 65536)
        shown.extend(data)
        return data

    pty.spawn(command, read, lambda _stdin: b"")

    assert b"Asking registries" in shown
    assert b"\x1b[" in shown
    assert "\x1b[" not in run("once").stdout
