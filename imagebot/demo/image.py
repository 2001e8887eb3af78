"""A tiny image as the OCI image-spec wants it: one empty layer, and labels."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_EMPTY_TAR = bytes(1024)


@dataclass(frozen=True, slots=True)
class TinyImage:
    """The bytes that are pushed: the blobs first, then the manifest that names them."""

    blobs: tuple[bytes, ...]
    manifest: bytes

    @property
    def digest(self) -> str:
        return make_digest(self.manifest)


def make_image(labels: Mapping[str, str]) -> TinyImage:
    """Make an image for linux/amd64; the same labels give the same digest."""
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": dict(sorted(labels.items()))},
            "rootfs": {"type": "layers", "diff_ids": [make_digest(_EMPTY_TAR)]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": _describe(config, _CONFIG),
        "layers": [_describe(_EMPTY_TAR, _LAYER)],
    }
    return TinyImage((config, _EMPTY_TAR), json.dumps(manifest).encode())


def make_digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _describe(blob: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": make_digest(blob), "size": len(blob)}
