"""Tiny images as the OCI image-spec wants them: one empty layer, and labels; for one platform or several."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from imagebot.image.platform import parse_platform

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_EMPTY_TAR = bytes(1024)


@dataclass(frozen=True, slots=True)
class TinyImage:
    """The bytes that are pushed: the blobs and the images of an index first, then the manifest that names them."""

    blobs: tuple[bytes, ...]
    manifest: bytes
    media_type: str = IMAGE
    images: "tuple[TinyImage, ...]" = ()

    @property
    def digest(self) -> str:
        return make_digest(self.manifest)


def make_image(
    labels: Mapping[str, str], *, platform: str = "linux/amd64", built_at: datetime | None = None
) -> TinyImage:
    """Make an image for one platform; the same arguments give the same digest."""
    created = {} if built_at is None else {"created": built_at.isoformat()}
    config = json.dumps(
        {
            **_describe_platform(platform),
            **created,
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


def make_index(labels: Mapping[str, Mapping[str, str]], *, built_at: datetime | None = None) -> TinyImage:
    """Make an index of an image for each platform, with these labels: other ones change the image of that platform."""
    images = {platform: make_image(own, platform=platform, built_at=built_at) for platform, own in labels.items()}
    entries = [
        {**_describe(image.manifest, IMAGE), "platform": _describe_platform(platform)}
        for platform, image in images.items()
    ]
    manifest = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return TinyImage((), json.dumps(manifest).encode(), INDEX, tuple(images.values()))


def make_digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _describe_platform(text: str) -> dict[str, str]:
    platform = parse_platform(text)
    variant = {"variant": platform.variant} if platform.variant else {}
    return {"architecture": platform.architecture, "os": platform.os, **variant}


def _describe(blob: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": make_digest(blob), "size": len(blob)}
