"""`imagebot run` as a service manager runs it: signals, exit codes, its settings, its web server."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.demo.registry import LoopbackRegistry
from tests.cli.conftest import POLICY, Run
from tests.servers.gitserver import create_repo, list_heads, seed

pytestmark = pytest.mark.slow


@dataclass
class Service:
    """A running `imagebot run`: its process, and the lines that it logs."""

    process: "subprocess.Popen[bytes]"
    settings_file: Path

    def wait_for(self, event: str) -> dict[str, Any]:
        """Read its log until the event."""
        assert self.process.stderr is not None
        for text in self.process.stderr:
            line: dict[str, Any] = json.loads(text)
            if line["event"] == event:
                return line
        raise AssertionError(f"it ended without {event}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Put another file in the place of the settings, as a careful editor does."""
        new = self.settings_file.with_suffix(".new")
        new.write_text(json.dumps(settings))
        new.replace(self.settings_file)


@contextmanager
def start(settings_file: Path, *, log_level: str = "info") -> Iterator[Service]:
    command = [sys.executable, "-W", "error", "-m", "imagebot", "run", "--log-level", log_level]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(settings_file.parent),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "IMAGEBOT_SETTINGS": str(settings_file),
    }
    with subprocess.Popen(command, env=environment, cwd=settings_file.parent, stderr=subprocess.PIPE) as process:
        try:
            yield Service(process, settings_file)
        finally:
            process.kill()


@pytest.fixture
def settings(tmp_path: Path, registry: LoopbackRegistry) -> dict[str, Any]:
    """Settings for one target without a forge, whose image has something newer."""
    bare = create_repo(tmp_path / "fleet.git")
    seed(bare, {".imagebot.yaml": POLICY.encode(), "a.yaml": f"image: {registry.address}/acme/api:1.0.0\n".encode()})
    settings: dict[str, Any] = {
        "data_dir": str(tmp_path / "data"),
        "registries": {registry.address: {"plain_http": True}},
        "targets": [{"name": "fleet", "url": f"file://{bare}"}],
        "web": {"listen": "127.0.0.1:0"},
    }
    (tmp_path / "settings.yaml").write_text(json.dumps(settings))
    return settings


def read(url: str) -> tuple[int, str]:
    answer = requests.get(url, timeout=30)
    return answer.status_code, answer.text


def test_it_proposes_what_is_newer_serves_its_pages_and_ends_on_sigterm_with_0(settings: Any, tmp_path: Path):
    with start(tmp_path / "settings.yaml") as service:
        url = service.wait_for("service_started")["url"]
        service.wait_for("target_updated")

        assert len(list_heads(tmp_path / "fleet.git")) == 2
        assert read(f"{url}/healthz") == (200, "alive\n")
        status, ready = read(f"{url}/readyz")
        assert (status, json.loads(ready)["status"]) == (200, "ready")
        assert 'imagebot_rounds_total{kind="update",result="updated"} 1.0' in read(f"{url}/metrics")[1]
        assert service.end() == 0


def test_a_signal_lets_a_running_round_end(settings: Any, tmp_path: Path, registry: LoopbackRegistry):
    asked, answer = Event(), Event()

    def hold(_method: str, target: str) -> None:
        if "manifests" in target and not asked.is_set():
            asked.set()
            answer.wait(60)

    registry.fault = hold
    with start(tmp_path / "settings.yaml") as service:
        assert asked.wait(60)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for("service_stopping")
        answer.set()

        assert service.wait_for("branch_pushed")
        assert service.process.wait(60) == 0


def test_a_round_that_takes_too_long_is_left_to_the_next_start(settings: Any, tmp_path: Path):
    over, asked = Event(), Event()

    def hang(_: Call) -> Reply:
        asked.set()
        over.wait(60)
        return Reply(503)

    with LoopbackServer(hang) as server, start(tmp_path / "settings.yaml") as service:
        url = f"http://{server.address}/acme/fleet.git"
        service.wait_for("target_updated")
        slow = {"name": "slow", "url": url, "plain_http": True}
        service.write_settings({**settings, "shutdown_timeout": "200ms", "targets": [slow]})
        assert asked.wait(60)

        assert service.end() == 0
        assert service.wait_for("rounds_cut_short")["after_s"] == 0.2
        over.set()


def test_a_second_signal_ends_it_at_once(settings: Any, tmp_path: Path):
    over, asked = Event(), Event()

    def hang(_: Call) -> Reply:
        asked.set()
        over.wait(60)
        return Reply(503)

    with LoopbackServer(hang) as server:
        slow = {"name": "slow", "url": f"http://{server.address}/acme/fleet.git", "plain_http": True}
        (tmp_path / "settings.yaml").write_text(json.dumps({**settings, "targets": [slow]}))
        with start(tmp_path / "settings.yaml") as service:
            assert asked.wait(60)
            service.process.send_signal(signal.SIGINT)
            service.wait_for("service_stopping")

            service.process.send_signal(signal.SIGINT)

            assert service.process.wait(60) == 130
        over.set()


def test_another_settings_file_counts_without_a_restart_as_far_as_it_can(
    settings: Any, tmp_path: Path, registry: LoopbackRegistry
):
    with start(tmp_path / "settings.yaml") as service:
        service.wait_for("target_updated")
        bare = create_repo(tmp_path / "edge.git")
        seed(
            bare, {".imagebot.yaml": POLICY.encode(), "a.yaml": f"image: {registry.address}/acme/api:1.0.0\n".encode()}
        )

        edge = {"name": "edge", "url": f"file://{bare}"}
        service.write_settings({**settings, "targets": [edge], "parallel_polls": 2, "web": {"listen": "127.0.0.1:1"}})

        assert service.wait_for("settings_reloaded")["targets"] == 1
        assert service.wait_for("settings_need_a_restart")["keys"] == ["parallel_polls", "web.listen"]
        assert service.wait_for("target_updated")["target"] == "edge"


def test_faulty_settings_are_refused_and_those_before_go_on_counting(settings: Any, tmp_path: Path):
    with start(tmp_path / "settings.yaml") as service:
        service.wait_for("target_updated")

        service.write_settings({**settings, "intervall": "5m"})

        assert "intervall: found an unknown key" in service.wait_for("settings_refused")["error"]
        service.write_settings(settings)
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("settings_reloaded")
        assert service.end() == 0


def test_sighup_reads_secrets_again(settings: Any, tmp_path: Path):
    (tmp_path / "token").write_text("one")
    settings["web"]["token"] = {"file": "token"}
    (tmp_path / "settings.yaml").write_text(json.dumps(settings))
    with start(tmp_path / "settings.yaml") as service:
        service.wait_for("service_started")

        (tmp_path / "token").write_text("two\nlines")
        service.process.send_signal(signal.SIGHUP)

        assert "a secret that is not one line of text" in service.wait_for("settings_refused")["error"]


def test_a_disk_that_is_full_makes_it_unready_and_it_goes_on_when_there_is_room_again(settings: Any, tmp_path: Path):
    with start(tmp_path / "settings.yaml") as service:
        url = service.wait_for("service_started")["url"]
        service.wait_for("target_updated")
        process = service.process.pid
        # No file may grow by a byte, which to a program is as good as a full disk.
        limits = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, limits[1]))

        status, ready = read(f"{url}/readyz")
        assert (status, json.loads(ready)["status"]) == (503, "unready")
        assert "cannot be used" in json.loads(ready)["checks"]["store"]["detail"]
        assert read(f"{url}/healthz")[0] == 200

        resource.prlimit(process, resource.RLIMIT_FSIZE, limits)
        assert read(f"{url}/readyz")[0] == 200
        assert service.end() == 0


def test_an_address_that_is_taken_ends_it_in_words(settings: Any, tmp_path: Path, run: Run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings["web"]["listen"] = f"127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "settings.yaml").write_text(json.dumps(settings))

        done = run("run")

    assert done.returncode == 2
    assert "the web server cannot listen on 127.0.0.1" in done.stderr


def test_settings_without_targets_have_nothing_to_do_and_say_so(run: Run, tmp_path: Path):
    (tmp_path / "settings.yaml").write_text("registries: {}\n")

    done = run("run")

    assert done.returncode == 2
    assert "names no targets" in done.stderr


def test_an_open_page_on_all_addresses_is_warned_of(settings: Any, tmp_path: Path):
    (tmp_path / "settings.yaml").write_text(json.dumps({**settings, "web": {"listen": "0.0.0.0:0"}}))

    with start(tmp_path / "settings.yaml") as service:
        assert service.wait_for("web_unprotected")["listen"] == "0.0.0.0:0"
