"""A checkout of 300 files that name 30 images, with what is needed to plan it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.stories.fleet import FLEET, render

COPIES = 5


@dataclass(frozen=True, slots=True)
class Folder:
    """The checkout, the settings beside it, its files, and the registry; of five copies of the fleet one is behind."""

    path: Path
    settings_file: Path
    files: Mapping[str, bytes]
    policy: bytes
    registry: LoopbackRegistry


@contextmanager
def make_folder(folder: Path) -> Iterator[Folder]:
    """Write the checkout and fill the registry, which is there until the end of the block."""
    with LoopbackRegistry() as registry:
        digests = {
            f"{image.path}:{tag}": push_image(registry.address, image.path, tag)
            for image in FLEET
            for tag in image.tags
        }
        files: dict[str, bytes] = {}
        for copy in range(COPIES):
            updated = range(len(FLEET)) if copy else ()
            rendered = render(registry.address, digests, updated=updated)
            policy = rendered.pop(".imagebot.yaml")
            files |= {f"copy{copy}/{path}": data for path, data in rendered.items()}
        path = folder / "checkout"
        for name, data in {**files, ".imagebot.yaml": policy}.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        settings_file = folder / "settings.yaml"
        settings_file.write_text(f"registries:\n  {registry.address}: {{plain_http: true}}\n")
        registry.requests.clear()
        yield Folder(path, settings_file, files, policy, registry)
