"""What a digest stands for, as the text that the store keeps of it.

The text is a JSON array that begins with what it is. Its form is read strictly: what another version of imagebot wrote
with more or less in it is not guessed at, but counts as not kept.
"""

import json
from datetime import datetime

from imagebot.image.manifest import Config, Index, Manifest
from imagebot.image.platform import Platform
from imagebot.store.schema import to_utc

Content = Index | Manifest | Config


def format_content(content: Content) -> str:
    """Write the content as text from which `parse_content` makes an equal one; equal contents give equal texts."""
    match content:
        case Index(manifests):
            return json.dumps(["index", [[*_list_parts(each), manifests[each]] for each in sorted(manifests)]])
        case Manifest(config):
            return json.dumps(["manifest", config])
        case Config(platform, built_at):
            built = None if built_at is None else to_utc(built_at).isoformat()
            return json.dumps(["config", _list_parts(platform), built])


def parse_content(text: str) -> Content | None:
    """Read the content back; None if it has no form that this version writes."""
    try:
        match json.loads(text):
            case ["index", [*entries]]:
                return Index(dict(map(_parse_entry, entries)))
            case ["manifest", None | str() as config]:
                return Manifest(config)
            case ["config", [str(), str(), str()] as platform, None | str() as built]:
                return Config(Platform(*platform), None if built is None else to_utc(datetime.fromisoformat(built)))
    except (ValueError, TypeError, OverflowError):  # no JSON, or an instant that is none, not aware or out of range
        return None
    return None


def _list_parts(platform: Platform) -> list[str]:
    return [platform.os, platform.architecture, platform.variant]


def _parse_entry(entry: object) -> tuple[Platform, str]:
    match entry:
        case [str() as os, str() as architecture, str() as variant, str() as digest]:
            return Platform(os, architecture, variant), digest
    raise ValueError("no platform with a digest")
