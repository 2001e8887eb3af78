"""Structured logs: one line per effect or decision, an event in the past tense and fields.

Stages and edges call `log.info("tag_selected", repository=...)`; the core returns reasons instead. structlog is loaded
at the first line that is logged, so that a command which logs nothing does not pay for it.
"""

import logging
import re
import sys
from collections.abc import Callable, MutableMapping, Sequence
from contextvars import copy_context
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

Processor = Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]
"""What sees every line, as structlog has it: logger, level, and the fields with the event among them."""


class LogFormat(StrEnum):
    CONSOLE = "console"  # for people, with colours on a terminal
    JSON = "json"  # for machines, one object a line


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class _LazyLogger:
    """Stands for structlog's logger until the first line."""

    def __getattr__(self, name: str) -> Any:
        import structlog

        return getattr(structlog.get_logger(), name)


log = _LazyLogger()


def bound_fields(**fields: object) -> Any:
    """Return a context manager: lines logged inside it, by this thread, carry these fields."""
    import structlog

    return structlog.contextvars.bound_contextvars(**fields)


def carry_fields(step: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return the step so that its lines carry the fields that are bound now, whichever thread takes it."""
    context = copy_context()
    return lambda *args, **kwargs: context.run(step, *args, **kwargs)


def configure_logging(level: LogLevel, log_format: LogFormat, *, processors: Sequence[Processor] = ()) -> None:
    """Send lines of this level and above to standard error, after these processors have seen them."""
    import structlog

    renderer: Any = structlog.processors.JSONRenderer()
    if log_format is LogFormat.CONSOLE:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *processors,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.value.upper()]),
        # Looked up for each line: whoever runs imagebot in their own process may put another stream there.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


_SUBJECTS = ("event", "target", "repository", "branch", "host")
# How the names of events end that tell what the store did not take or give.
_OF_STORE = ("_not_kept", "_not_read", "_not_found", "_not_swept")
_SAID_AGAIN_S = 3600.0
_MOST_KEPT = 10_000


class Repeats:
    """A processor that leaves out what was said before: a service that goes on meets the same failure every minute.

    Warnings and errors about the same in the same words, numbers aside, are written once an hour; bugs always are. What
    could not be kept in the store is about the store: that is said once for everything, whoever meets it next.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._said: dict[tuple[object, ...], float] = {}

    def __call__(self, _: object, level: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        import structlog

        if level not in ("warning", "error") or "exc_info" in fields:
            return fields
        error = re.sub(r"\d+", "0", str(fields.get("error", "")))
        of_store = ("store", error)
        is_of_store = str(fields.get("event", "")).endswith(_OF_STORE)
        key = of_store if is_of_store else (*(fields.get(name) for name in _SUBJECTS), error)
        now = self._monotonic()
        if any(now - self._said.get(each, float("-inf")) < _SAID_AGAIN_S for each in (key, of_store)):
            raise structlog.DropEvent
        if len(self._said) >= _MOST_KEPT:
            self._said.clear()
        self._said[key] = now
        return fields


class _Forwarder(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = log.error if record.levelno >= logging.ERROR else log.warning
        bug = {"exc_info": record.exc_info} if record.exc_info else {}
        level("library_logged", library=record.name, error=record.getMessage(), **bug)


def forward_library_logs() -> None:
    """Let the warnings and errors that libraries log be lines like our own."""
    logging.basicConfig(level=logging.WARNING, handlers=[_Forwarder()], force=True)
