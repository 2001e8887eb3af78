"""Rounds, how they ended, and what is due, as plain JSON and back.

Both sides are the same version: a change of this module is another schema (see `database.py`).
"""

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from imagebot.agenda.values import (
    Cause,
    DueRound,
    HostTiming,
    Phase,
    Poll,
    Polled,
    Timing,
    Trouble,
    Update,
    Updated,
    View,
)
from imagebot.image.reference import Repository

Message = Mapping[str, Any]


def format_due(due: DueRound) -> dict[str, Any]:
    if isinstance(due, Poll):
        return {"poll": format_repository(due.repository), "watched": sorted(due.watched)}
    return {"update": due.target, "is_full": due.is_full, "may_await": due.may_await}


def parse_due(message: Message) -> DueRound:
    if "poll" in message:
        return Poll(parse_repository(message["poll"]), frozenset(message["watched"]))
    return Update(message["update"], message["is_full"], message["may_await"])


def format_ended(ended: Polled | Updated) -> dict[str, Any]:
    trouble = None if ended.trouble is None else [ended.trouble.cause.value, ended.trouble.pause_s]
    if isinstance(ended, Polled):
        return {"moved": ended.moved, "trouble": trouble}
    uses = None
    if ended.uses is not None:
        uses = [[format_repository(each), sorted(tags)] for each, tags in sorted(ended.uses.items())]
    return {
        "uses": uses,
        "was_full": ended.was_full,
        "awaits": [format_repository(each) for each in sorted(ended.awaits)],
        "due_at": None if ended.due_at is None else ended.due_at.isoformat(),
        "trouble": trouble,
    }


def parse_ended(message: Message) -> Polled | Updated:
    trouble = None if message["trouble"] is None else Trouble(Cause(message["trouble"][0]), message["trouble"][1])
    if "moved" in message:
        return Polled(message["moved"], trouble)
    uses = None
    if message["uses"] is not None:
        uses = {parse_repository(each): frozenset(tags) for each, tags in message["uses"]}
    return Updated(
        uses,
        message["was_full"],
        frozenset(map(parse_repository, message["awaits"])),
        None if message["due_at"] is None else datetime.fromisoformat(message["due_at"]),
        trouble,
    )


def format_repository(repository: Repository) -> list[str]:
    return [repository.registry, repository.path]


def parse_repository(parts: list[str]) -> Repository:
    return Repository(parts[0], parts[1])


def format_view(view: View) -> bytes:
    """Write a view as compressed text: it may be of ten thousand repositories, and is written every few seconds."""
    content = {
        "targets": [[name, *_list_timing(each)] for name, each in view.targets.items()],
        "repositories": [[*format_repository(key), *_list_timing(each)] for key, each in view.repositories.items()],
        "hosts": [[name, each.ready, each.running, each.failures, each.paused_s] for name, each in view.hosts.items()],
    }
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 1)


def parse_view(content: bytes, *, age_s: float) -> View:
    """Read a view, as it stands so many seconds after it was written."""
    kept = json.loads(zlib.decompress(content))
    return View(
        {name: _parse_timing(parts, age_s) for name, *parts in kept["targets"]},
        {Repository(registry, path): _parse_timing(parts, age_s) for registry, path, *parts in kept["repositories"]},
        {
            name: HostTiming(ready, running, failures, max(0.0, paused_s - age_s))
            for name, ready, running, failures, paused_s in kept["hosts"]
        },
    )


def _list_timing(timing: Timing) -> list[Any]:
    due_in_s = None if timing.due_in_s is None else round(timing.due_in_s, 1)
    return [timing.phase.value, due_in_s, timing.failures, timing.at and timing.at.isoformat()]


def _parse_timing(parts: list[Any], age_s: float) -> Timing:
    phase, due_in_s, failures, at = parts
    left_s = None if due_in_s is None else max(0.0, due_in_s - age_s)
    return Timing(Phase(phase), left_s, failures, None if at is None else datetime.fromisoformat(at))
