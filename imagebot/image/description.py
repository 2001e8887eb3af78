"""What an image says of itself, put together from its index, manifest and config. All of its text is untrusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from imagebot.image.manifest import Config, Index, Manifest, find_instant
from imagebot.image.platform import Platform

_USUAL = Platform("linux", "amd64")
_CREATED = ("org.opencontainers.image.created", "org.label-schema.build-date")


@dataclass(frozen=True, slots=True)
class Description:
    """What an image or chart says of itself: its config's labels, over which the annotations of its manifest win, and
    over these the ones of its index.

    `digest` is what was asked for: that of the index, if there is one. `size_bytes` is what has to be transferred of
    the image for one platform (see `find_representative`), None if that is not known; `built_at` is of the same image.
    """

    digest: str
    platforms: frozenset[Platform]
    size_bytes: int | None
    built_at: datetime | None
    labels: Mapping[str, str]

    @property
    def source(self) -> str | None:
        return self._find("org.opencontainers.image.source", "org.label-schema.vcs-url")

    @property
    def revision(self) -> str | None:
        return self._find("org.opencontainers.image.revision", "org.label-schema.vcs-ref")

    @property
    def version(self) -> str | None:
        return self._find("org.opencontainers.image.version", "org.label-schema.version")

    @property
    def url(self) -> str | None:
        return self._find("org.opencontainers.image.url", "org.label-schema.url")

    @property
    def documentation(self) -> str | None:
        return self._find("org.opencontainers.image.documentation", "org.label-schema.usage")

    @property
    def licences(self) -> str | None:
        """An SPDX licence expression; the old labels had none."""
        return self._find("org.opencontainers.image.licenses")

    def _find(self, *keys: str) -> str | None:
        """Find the first of the labels that is a text on one line; the others are the old names of the same.

        https://github.com/opencontainers/image-spec/blob/main/annotations.md#back-compatibility-with-label-schema
        """
        texts = (self.labels.get(key, "").strip() for key in keys)
        return next((text for text in texts if text and text.isprintable()), None)


def find_representative(index: Index) -> str | None:
    """Find the manifest that speaks for all platforms: linux/amd64, else that of the platform that is first as text."""
    if _USUAL in index.manifests:
        return index.manifests[_USUAL]
    return index.manifests[min(index.manifests, key=str)] if index.manifests else None


def make_description(
    digest: str, *, index: Index | None, manifest: Manifest | None, config: Config | None
) -> Description:
    """Put together what is known; a part that could not be had, or that there is not, adds nothing."""
    platforms = frozenset(index.manifests if index else [config.platform] if config and config.platform else [])
    parts = (config.labels if config else {}, *(part.annotations for part in (manifest, index) if part is not None))
    labels = {key: value for part in parts for key, value in part.items()}
    built_at = config.built_at if config else None
    told = (find_instant(labels.get(key)) for key in _CREATED)
    return Description(
        digest,
        platforms,
        manifest.size_bytes if manifest else None,
        built_at or next((at for at in told if at is not None), None),
        labels,
    )
