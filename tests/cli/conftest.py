"""A checkout with a policy file, a registry that its images live in, and the command line run as people run it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry


def make_policy(entry: str) -> str:
    """Write a policy file with one entry for all images, of which these are the keys but for `image`."""
    return f'version: 1\nimages:\n  - {{name: all, image: "*", {entry}}}\n'


POLICY = make_policy("policy: {semver: minor}")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def registry() -> Iterator[LoopbackRegistry]:
    with LoopbackRegistry() as registry:
        for tag in ("1.0.0", "1.1.0", "2.0.0", "latest"):
            push_image(registry.address, "acme/api", tag)
        yield registry


@pytest.fixture
def checkout(tmp_path: Path, registry: LoopbackRegistry) -> Path:
    """A folder with a policy file and one Deployment, and beside it the settings that allow the registry."""
    folder = tmp_path / "checkout"
    (folder / "apps").mkdir(parents=True)
    (folder / ".imagebot.yaml").write_text(POLICY)
    (folder / "apps" / "api.yaml").write_bytes(
        f"kind: Pod\r\nimage: {registry.address}/acme/api:1.0.0 # api\r\n".encode()
    )
    (tmp_path / "settings.yaml").write_text(f"registries:\n  {registry.address}: {{plain_http: true}}\n")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `imagebot` as a program of its own, in a clean environment and the one given.

    What it prints is returned, or kept in the file `stdout` to the byte; `by` is a command that runs another.
    """

    def run(
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        stdout: Path | None = None,
        cwd: Path = tmp_path,
        by: Sequence[str] = (),
    ) -> "subprocess.CompletedProcess[str]":
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "IMAGEBOT_SETTINGS": str(tmp_path / "settings.yaml"),
            **(env or {}),
        }
        command = [*by, sys.executable, "-W", "error", "-m", "imagebot", *map(str, arguments)]
        with ExitStack() as stack:
            output = stack.enter_context(stdout.open("wb")) if stdout else subprocess.PIPE
            return subprocess.run(
                command, env=environment, cwd=cwd, stdout=output, stderr=subprocess.PIPE, text=True, check=False
            )

    return run
