"""What happened lately: the last lines of the log that tell of an effect, a decision or a failure."""

from collections import deque
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

_MOST = 500
_LEVELS = ("info", "warning", "error")
_SHOWN = ("target", "repository", "branch", "host", "url", "error", "reason", "webhook")
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """One line: its name in words, and those of its fields that say what it is about."""

    at: datetime
    level: str
    name: str
    round_id: str
    fields: tuple[tuple[str, str], ...]


class Events:
    """A processor of the log that keeps what it sees."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_MOST)
        self._lock = Lock()

    def __call__(self, _: object, level: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if level in _LEVELS:
            shown = tuple((name, str(fields[name])[:_LONGEST]) for name in _SHOWN if fields.get(name))
            name = str(fields.get("event", "")).replace("_", " ")
            event = Event(datetime.now(UTC), level, name, str(fields.get("round_id", "")), shown)
            with self._lock:
                self._events.append(event)
        return fields

    def list_last(self, words: Iterable[str] = ()) -> list[Event]:
        """List the events that hold all of the words, the latest first."""
        with self._lock:
            events = list(self._events)
        wanted = [word.lower() for word in words]
        return [event for event in reversed(events) if _holds(event, wanted)]


def _holds(event: Event, words: list[str]) -> bool:
    text = " ".join([event.level, event.name, event.round_id, *(value for _, value in event.fields)]).lower()
    return all(word in text for word in words)
