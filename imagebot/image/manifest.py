"""Manifests, indexes and configs of images and charts: what a digest stands for, as far as imagebot asks.

They are those of the OCI image-spec (https://github.com/opencontainers/image-spec) and of Docker's image manifest
version 2, schema 2, which differ in nothing that is read here but the names of their types. As in Go, by which nearly
all of them are written, a null is what is not there.

Whoever pushed an image wrote all of this, so no bytes end in anything but a value or InvalidManifest.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from imagebot.errors import InvalidInput
from imagebot.image.media_types import IMAGE_TYPES, INDEX_TYPES
from imagebot.image.platform import InvalidPlatform, Platform, make_platform
from imagebot.image.reference import InvalidReference, parse_digest

_CONFIG_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
_CHART_TYPE = "application/vnd.cncf.helm.config.v1+json"
# The largest indexes of images have some dozens, half of them attestations.
_MAX_ENTRIES = 1000
# Attestations are listed as images for this platform: https://docs.docker.com/build/metadata/attestations/
_NO_PLATFORM = Platform("unknown", "unknown")

# Labels and annotations are kept for ever, and some tools put whole documents there.
_MOST_LABELS, _LONGEST_KEY, _LONGEST_LABEL = 64, 200, 1000
_STANDARD_KEYS = ("org.opencontainers.image.", "org.label-schema.")
_MAX_SIZE_BYTES = 2**63 - 1
# https://helm.sh/docs/topics/charts/#the-chartyaml-file, and what the same is called of an image.
_CHART_LABELS = {
    "name": "org.opencontainers.image.title",
    "version": "org.opencontainers.image.version",
    "description": "org.opencontainers.image.description",
    "home": "org.opencontainers.image.url",
    "appVersion": "appVersion",
}

_T = TypeVar("_T")
_KINDS: Mapping[type, str] = {str: "a text", list: "a list", dict: "an object"}
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,30}))?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Builds that are to be reproducible put an instant there that says nothing: Go's zero, the beginning of Unix time (jib,
# ko, bazel, nix) or of ZIP's (buildpacks, the second day of which leaves room for any time zone).
_BUILT_AFTER = datetime(1980, 1, 2, tzinfo=UTC)


class InvalidManifest(InvalidInput):
    """Bytes are no manifest, index or config of an image."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this describes no image: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Index:
    """An OCI index or Docker manifest list: the digest of the manifest for each platform."""

    manifests: Mapping[Platform, str]
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one image or Helm chart: the digest of its config, None if it is neither (an artifact).

    `size_bytes` is the size of config and layers as they are transferred, None if the manifest does not say.
    """

    config: str | None
    is_chart: bool = False
    size_bytes: int | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """The config of one image or chart: for which platform and when it was built, None if it does not say.

    What a chart says of itself is in its labels by the names that images have for it; `appVersion` keeps its own.
    """

    platform: Platform | None
    built_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def parse_manifest(body: bytes, media_type: str) -> Index | Manifest:
    """Parse an index or the manifest of one image, as which of them its media type says.

    Of an index, only images for a platform are kept: no attestations, artifacts or further indexes. Where several are
    for one platform, as Windows has them for its releases, the digest that sorts first as text stands for all of them.

    Raises InvalidManifest.
    """
    if media_type not in INDEX_TYPES + IMAGE_TYPES:
        raise InvalidManifest(
            f"its type is {media_type[:80]!r}; accepted are OCI's and Docker's indexes and image manifests (schema 2)"
        )
    fields = _parse_object(body)
    is_index = media_type in INDEX_TYPES
    # CVE-2021-41190: what reads as both could be one thing here, and another to who runs it.
    if any(fields.get(key) is not None for key in (("config", "layers") if is_index else ("manifests",))):
        raise InvalidManifest("it is written as an index and as a manifest at once")
    return _read_index(fields) if is_index else _read_image(fields)


def parse_config(body: bytes) -> Config:
    """Parse the config of an image or chart; those of attestations and charts name no platform.

    What it gives as the time of the build counts as `find_instant` says. Labels that are no texts, or too long, are
    dropped, and so are those beyond the first 64, of which the standard ones come first.

    Raises InvalidManifest.
    """
    fields = _parse_object(body)
    platform = _find_platform(fields)
    inner = fields.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    if platform is None and fields.get("apiVersion") is not None:
        labels = _describe_chart(fields)
    return Config(platform, find_instant(fields.get("created")), _keep_labels(labels))


def find_instant(text: object) -> datetime | None:
    """Find when something was built, in what is said of that: RFC 3339, and after 1980-01-02 UTC.

    What builds that are to be reproducible put there is older, and means nothing.
    """
    found = _RFC_3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    day, time, fraction, offset = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{time}.{(fraction or '')[:6]:0<6}{offset or '+00:00'}").astimezone(UTC)
    except (ValueError, OverflowError):  # no day or time that there is, or none that UTC has
        return None
    return at if at > _BUILT_AFTER else None


def _describe_chart(fields: Mapping[str, Any]) -> Mapping[str, object]:
    sources = fields.get("sources")
    source = sources[0] if isinstance(sources, list) and sources else None
    named = {label: fields.get(key) for key, label in _CHART_LABELS.items()}
    return {**named, "org.opencontainers.image.source": source}


def _keep_labels(labels: object) -> Mapping[str, str]:
    kept = {
        key: value
        for key, value in (labels.items() if isinstance(labels, dict) else ())
        if isinstance(value, str)
        and 0 < len(key) <= _LONGEST_KEY
        and 0 < len(value) <= _LONGEST_LABEL
        # JSON can write halves of characters, which no file can hold.
        and not _SURROGATE.search(key + value)
    }
    first = sorted(kept, key=lambda key: (not key.startswith(_STANDARD_KEYS), key))[:_MOST_LABELS]
    return {key: kept[key] for key in first}


def _read_index(fields: Mapping[str, Any]) -> Index:
    if "manifests" not in fields:
        raise InvalidManifest("it is an index without manifests")
    entries = _find(fields, "manifests", list) or []
    if len(entries) > _MAX_ENTRIES:
        raise InvalidManifest(f"it lists {len(entries)} manifests, the most is {_MAX_ENTRIES}")
    manifests: dict[Platform, str] = {}
    for platform, digest in _read_entries(entries):
        manifests[platform] = min(digest, manifests.get(platform, digest))
    return Index(manifests, _keep_labels(fields.get("annotations")))


def _read_entries(entries: list[object]) -> Iterator[tuple[Platform, str]]:
    for entry in entries:
        if not isinstance(entry, dict):
            raise InvalidManifest("what it lists is not made of objects")
        digest, media_type = _read_descriptor(entry)
        platform = _find_platform(_find(entry, "platform", dict) or {})
        # Some tools repeat the config's type here for what is an image.
        is_image = (_find(entry, "artifactType", str) or _CONFIG_TYPES[0]) in _CONFIG_TYPES
        if media_type in IMAGE_TYPES and is_image and platform is not None:
            yield platform, digest


def _read_image(fields: Mapping[str, Any]) -> Manifest:
    config = _find(fields, "config", dict)
    if config is None:
        raise InvalidManifest("it is an image manifest without config")
    digest, media_type = _read_descriptor(config)
    is_read = media_type in (*_CONFIG_TYPES, _CHART_TYPE)
    annotations = _keep_labels(fields.get("annotations"))
    size_bytes = _add_sizes([config, *(_find(fields, "layers", list) or [])])
    return Manifest(digest if is_read else None, media_type == _CHART_TYPE, size_bytes, annotations)


def _add_sizes(descriptors: list[Any]) -> int | None:
    """Add up the sizes; None if one is missing or cannot be."""
    sizes = [each.get("size") if isinstance(each, dict) else None for each in descriptors]
    known = [size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and size >= 0]
    total = sum(known)
    return total if len(known) == len(sizes) and total <= _MAX_SIZE_BYTES else None


def _read_descriptor(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Return digest and media type, which every descriptor has."""
    digest, media_type = _find(fields, "digest", str), _find(fields, "mediaType", str)
    if digest is None or media_type is None:
        raise InvalidManifest("it names something without digest or mediaType")
    try:
        return parse_digest(digest), media_type
    except InvalidReference as error:
        raise InvalidManifest(f"{digest[:80]!r} is no digest: {error.reason}") from error


def _find_platform(fields: Mapping[str, Any]) -> Platform | None:
    os, architecture = _find(fields, "os", str), _find(fields, "architecture", str)
    if not os or not architecture:
        return None
    try:
        platform = make_platform(os, architecture, _find(fields, "variant", str) or "")
    except InvalidPlatform as error:
        raise InvalidManifest(str(error)) from error
    return platform if platform != _NO_PLATFORM else None


def _find(fields: Mapping[str, Any], key: str, kind: type[_T]) -> _T | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, kind):
        raise InvalidManifest(f"its {key!r} is not {_KINDS[kind]}")
    return value


def _parse_object(body: bytes) -> Mapping[str, Any]:
    """Parse a JSON object, in which no key stands twice: readers differ in which of the two they take."""
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_make_object, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise InvalidManifest("its JSON is nested too deeply") from error
    except ValueError as error:
        raise InvalidManifest("it is no JSON") from error
    if not isinstance(parsed, dict):
        raise InvalidManifest("it is no JSON object")
    return parsed


def _make_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidManifest("a key of its JSON stands twice in one object")
    return fields


def _refuse_constant(name: str) -> None:
    raise InvalidManifest(f"its JSON holds {name}, which is no number of JSON")
