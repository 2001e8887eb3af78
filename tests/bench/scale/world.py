"""What is looked after: git repos of so many files that name so many images, and the settings to do so."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_POLICY = b'version: 1\nimages:\n  - {image: "*", policy: {semver: minor}}\n'
_FILLING = "".join(f"  setting_{number}: value-{number * 7919}  # of the team\n" for number in range(30))


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is; each target has so many files, which name so many images that no other target names.

    Of a hundred repositories, so many get a new tag within an interval.
    """

    targets: int = 20
    images: int = 10
    files: int = 40
    tags: int = 50
    interval_s: int = 60
    replicas: int = 1
    new_percent: int = 1

    @property
    def repositories(self) -> int:
        return self.targets * self.images

    def list_paths(self, target: int) -> Sequence[str]:
        """List the paths of the image repositories that a target uses."""
        return [f"team-{target}/app-{number}" for number in range(self.images)]


def write_repos(folder: Path, size: Size, *, registry: str) -> None:
    """Write a bare repository for each target; of its images the first is behind by one version."""
    for target in range(size.targets):
        path = folder / f"fleet-{target}.git"
        subprocess.run(["git", "init", "-q", "--bare", "--template=", "--initial-branch=main", path], check=True)
        parts = [b"commit refs/heads/main\ncommitter bench <bench@example.org> 1767225600 +0000\ndata 0\n"]
        for name, data in _make_files(size, target, registry):
            parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data))
        stream = b"".join([*parts, b"done\n"])
        subprocess.run(["git", "-C", path, "fast-import", "--quiet", "--done"], input=stream, check=True)


def _make_files(size: Size, target: int, registry: str) -> Iterator[tuple[str, bytes]]:
    """Make the files: half of them name an image, or as many more as there are images."""
    yield ".imagebot.yaml", _POLICY
    paths = size.list_paths(target)
    for number in range(max(size.files // 2, size.images)):
        at = number % size.images
        tag = f"1.0.{size.tags - (2 if at == 0 else 1)}"
        text = f"kind: Deployment\nspec:\n  containers:\n  - image: {registry}/{paths[at]}:{tag}\nsettings:\n{_FILLING}"
        yield f"apps/{number}/deployment.yaml", text.encode()
    for number in range(size.files - max(size.files // 2, size.images)):
        yield f"apps/{number}/config-{target}.yaml", f"kind: ConfigMap\ndata:\n  of: {number}\n{_FILLING}".encode()


def make_settings(size: Size, *, address: str, data_dir: Path, store: str | None) -> dict[str, Any]:
    """Make the settings of one process."""
    targets = [
        {"name": f"fleet-{target}", "url": f"http://{address}/fleet-{target}.git", "plain_http": True}
        for target in range(size.targets)
    ]
    settings: dict[str, Any] = {
        "data_dir": str(data_dir),
        "docker_config": None,
        "interval": f"{size.interval_s}s",
        "registries": {address: {"plain_http": True}},
        "web": {"listen": "127.0.0.1:0"},
        "targets": targets,
    }
    return settings if store is None else {**settings, "store": {"env": store}}


def write_settings(file: Path, settings: dict[str, Any]) -> Path:
    file.write_text(json.dumps(settings))
    return file
