"""The image is built from the Dockerfile and run as it is to be run: without privileges, on a read-only root."""

import fcntl
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.programs import require_program
from tests.stories.world import POLICY, SECRETS, World, branch_of, make_pod, make_world

_ROOT = Path(__file__).parents[2]
_BUILDER = _ROOT.resolve().parent / "shared/tools/build_image.sh"
_TAG = "imagebot:test"
_NAME = "imagebot-test"
_LOCKED_DOWN = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges")
_LIMIT_S = 100


class Engine:
    """Podman with images of its own."""

    def __init__(self, folder: Path) -> None:
        self._environment = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["podman", *arguments],
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
        )

    def check(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def wait_for(self, *events: str) -> None:
        """Read the container's log until all of these events are there."""
        command = ["podman", "logs", "--follow", _NAME]
        missing = {*events}
        with subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as logs:
            assert logs.stdout is not None
            for line in logs.stdout:
                missing -= {json.loads(line)["event"]} if line.startswith("{") else set()
                if not missing:
                    break
            logs.kill()
        assert not missing, self.run("logs", _NAME)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Build the image; the base is kept from one run of the tests to the next."""
    if not _BUILDER.is_file():
        pytest.skip("the builder of images for machines without docker is not beside this project")
    for program in ("buildah", "podman", "runc", "skopeo", "debootstrap", "catatonit"):
        require_program(program)
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imagebot-image"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["bash", str(_BUILDER), str(folder), str(_ROOT), _TAG]
        built = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
        assert built.returncode == 0, built.stdout + built.stderr
        engine = Engine(folder)
        engine.run("rm", "--force", _NAME)
        yield engine
        engine.run("rm", "--force", "--volumes", _NAME)
        engine.run("image", "prune", "--force")


@contextmanager
def make_scene(folder: Path) -> Iterator[tuple[World, LoopbackRegistry]]:
    with make_world(folder, None) as world, LoopbackRegistry() as registry:
        world.registries[registry.address] = {"plain_http": True}
        for tag in ("1.0.0", "1.1.0"):
            push_image(registry.address, "acme/good", tag)
        world.commit({".imagebot.yaml": POLICY, "good.yaml": make_pod(registry, "acme/good")})
        yield world, registry


def find_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def check_what_it_says_of_itself(engine: Engine) -> None:
    found = json.loads(engine.check("image", "inspect", _TAG))[0]
    assert found["Config"]["User"] == "10001:10001"
    assert found["Config"]["Cmd"] == ["run"]
    assert found["Healthcheck"]["Test"] == ["CMD", "python", "-m", "imagebot.probe"]
    assert found["Labels"]["org.opencontainers.image.title"] == "imagebot"
    assert {"version", "revision", "description"} <= {name.rpartition(".")[2] for name in found["Labels"]}


@pytest.mark.slow
@pytest.mark.usefixtures("_surroundings")
@pytest.mark.timeout(700)
def test_the_image_runs_without_privileges_from_a_new_tag_to_the_merge_request_and_ends_with_0(
    engine: Engine, tmp_path: Path
):
    check_what_it_says_of_itself(engine)
    address = f"127.0.0.1:{find_port()}"
    with make_scene(tmp_path) as (world, registry):
        world.settings |= {"web": {"listen": address}, "data_dir": "/var/lib/imagebot"}
        settings = world.write_settings().rename(tmp_path / "settings.yaml")
        settings.chmod(0o644)
        variables = {**SECRETS, "IMAGEBOT_PROBE": f"http://{address}/healthz"}
        environment = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        mount = ("--volume", f"{settings}:/etc/imagebot/imagebot.yaml:ro")
        engine.check("run", "--detach", "--name", _NAME, *_LOCKED_DOWN, *environment, *mount, _TAG)

        engine.wait_for("merge_request_opened", "target_updated")
        request = world.only_request()
        assert (request.branch, request.state) == (branch_of(registry, "acme/good"), "opened")
        assert b"acme/good:1.1.0" in world.read(request.branch)["good.yaml"]
        assert requests.get(f"http://{address}/readyz", timeout=30).json()["status"] == "ready"
        assert "acme/good" in requests.get(f"http://{address}/images", timeout=30).text
        assert engine.check("exec", _NAME, "id", "-u") == "10001"
        assert engine.run("exec", _NAME, "touch", "/opt/imagebot/x").returncode != 0
        assert engine.run("exec", _NAME, "sh", "-c", "command -v cc gcc make").returncode != 0
        assert engine.run("exec", _NAME, "python", "-m", "imagebot.probe").returncode == 0
        assert (
            engine.run(
                "exec", "--env", "IMAGEBOT_PROBE=http://127.0.0.1:1/", _NAME, "python", "-m", "imagebot.probe"
            ).returncode
            == 1
        )
        engine.check("stop", "--time", "60", _NAME)
        assert engine.check("inspect", "--format", "{{.State.ExitCode}}", _NAME) == "0"
