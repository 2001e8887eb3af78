"""Whether a target's forge lets imagebot do its work: asked once a day, before anything is done."""

import json
from datetime import UTC, datetime

from imagebot.forge import Forge
from imagebot.life.memory import Memory

_TOPIC = "check"


def check_forge(forge: Forge, *, memory: Memory, now: datetime) -> tuple[str, ...]:
    """Return a sentence for each thing that will stop imagebot before long; raise what stops it already."""
    if not forge.has_merge_requests:
        return ()
    day = now.astimezone(UTC).date().isoformat()
    known = memory.find(_TOPIC, day)
    if known is not None:
        return tuple(map(str, json.loads(known)))
    warnings = forge.check(now=now).warnings
    memory.keep(_TOPIC, json.dumps(warnings), day)
    return warnings
