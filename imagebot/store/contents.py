"""What a digest stands for, as the text that the store keeps of it.

The text is a JSON array that begins with what it is. Its form is read strictly: what another version of imagebot wrote
with more or less in it is not guessed at, but counts as not kept.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from imagebot.image.manifest import Config, Index, Manifest
from imagebot.image.platform import Platform
from imagebot.store.schema import to_utc

Content = Index | Manifest | Config


def format_content(content: Content) -> str:
    """Write the content as text from which `parse_content` makes an equal one; equal contents give equal texts."""
    match content:
        case Index(manifests, annotations):
            entries = [[*_list_parts(each), manifests[each]] for each in sorted(manifests)]
            return _write("index", entries, _sort(annotations))
        case Manifest(config, is_chart, size_bytes, annotations):
            return _write("manifest", config, is_chart, size_bytes, _sort(annotations))
        case Config(platform, built_at, labels):
            built = None if built_at is None else to_utc(built_at).isoformat()
            return _write("config", platform and _list_parts(platform), built, _sort(labels))


def parse_content(text: str) -> Content | None:
    """Read the content back; None if it has no form that this version writes."""
    try:
        match json.loads(text):
            case ["index", [*entries], dict() as annotations]:
                return Index(dict(map(_parse_entry, entries)), _check(annotations))
            case ["manifest", None | str() as config, bool() as is_chart, None | int() as size, dict() as annotations]:
                return Manifest(config, is_chart, size, _check(annotations))
            case ["config", platform, None | str() as built, dict() as labels]:
                built_at = None if built is None else to_utc(datetime.fromisoformat(built))
                return Config(_parse_platform(platform), built_at, _check(labels))
    except (ValueError, TypeError, OverflowError):  # no JSON, or an instant that is none, not aware or out of range
        return None
    return None


def _write(*parts: object) -> str:
    return json.dumps(parts)


def _sort(texts: Mapping[str, str]) -> Mapping[str, str]:
    return dict(sorted(texts.items()))


def _check(texts: Mapping[str, object]) -> Mapping[str, str]:
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("a label that is no text")
    return cast("Mapping[str, str]", texts)


def _list_parts(platform: Platform) -> list[str]:
    return [platform.os, platform.architecture, platform.variant]


def _parse_platform(parts: object) -> Platform | None:
    match parts:
        case None:
            return None
        case [str() as os, str() as architecture, str() as variant]:
            return Platform(os, architecture, variant)
    raise ValueError("no platform")


def _parse_entry(entry: object) -> tuple[Platform, str]:
    match entry:
        case [str() as os, str() as architecture, str() as variant, str() as digest]:
            return Platform(os, architecture, variant), digest
    raise ValueError("no platform with a digest")
