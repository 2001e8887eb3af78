"""The demo's stage, all of it on this machine: a registry, a config repository, and settings that name both.

Nothing here is imagebot's job: it is what is there before imagebot comes. The files of the config repository are in the
folder `fleet`, as people write them; where they say `registry.demo`, the registry's address is put in.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry

# What CI has pushed so far, repository by repository, in no particular order.
PUSHED = {
    "shop/api": ("1.4.0", "1.4.1", "1.4.2", "1.5.0-rc.1", "2.0.0", "main-5badb8c", "latest"),
    "shop/web": ("v3.0.4", "v3.1.0", "v3.2.0", "v3.2.1", "v4.0.0"),
    "shop/worker": ("2.3.1-alpine", "2.3.2", "2.3.2-alpine", "2.4.0-alpine"),
    "shop/cache": ("7.2.4",),
    "tools/metrics": ("1.8", "1.9", "1.10", "1.10.1"),
    "tools/search": ("8.0.1", "8.0.2"),
}
TEAM = "Team Shop"

_SETTINGS = """\
data_dir: {folder}/data
docker_config: null
registries:
  {address}: {{plain_http: true}}
targets:
  - name: fleet
    url: file://{folder}/fleet.git
    forge: {{kind: git}}      # no forge here: the branch is the proposal
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands ready: the registry's address, the bare config repository, and the settings file."""

    address: str
    fleet: Path
    settings_file: Path

    def git(self, *arguments: str) -> str:
        """Run git in the bare config repository and return what it prints."""
        return _run_git(self.fleet, *arguments)


@contextmanager
def set_stage(folder: Path) -> Iterator[Stage]:
    """Build the stage in an empty folder; the registry is there until the end of the block."""
    with LoopbackRegistry() as registry:
        digests = {
            f"{path}:{tag}": push_image(registry.address, path, tag) for path, tags in PUSHED.items() for tag in tags
        }
        work = folder / "work"
        _write_files(
            files("imagebot.demo") / "fleet", work, address=registry.address, digest=digests["tools/search:8.0.1"]
        )
        fleet = folder / "fleet.git"
        _run_git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(fleet))
        _run_git(work, "init", "--quiet", "--initial-branch=main")
        _run_git(work, "add", "--all")
        _run_git(work, "commit", "--quiet", "--message=What we run")
        _run_git(work, "push", "--quiet", str(fleet), "main")
        settings_file = folder / "imagebot.yaml"
        settings_file.write_text(_SETTINGS.format(folder=folder, address=registry.address))
        yield Stage(registry.address, fleet, settings_file)


def _write_files(source: Traversable, target: Path, *, address: str, digest: str) -> None:
    target.mkdir()
    for entry in source.iterdir():
        if entry.is_dir():
            _write_files(entry, target / entry.name, address=address, digest=digest)
            continue
        text = entry.read_text(encoding="utf-8").replace("registry.demo", address).replace("DIGEST-OF-8.0.1", digest)
        if entry.name == "worker.yaml":  # somebody works on Windows
            text = text.replace("\n", "\r\n")
        (target / entry.name).write_bytes(text.encode())


def _run_git(folder: Path, *arguments: str) -> str:
    person = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _PERSON.items()}
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment | person, capture_output=True, check=True, text=True
    )
    return done.stdout


_PERSON = {"NAME": TEAM, "EMAIL": "shop@localhost"}
