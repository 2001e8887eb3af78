"""Structured logs: one line per effect or decision, an event in the past tense and fields.

Stages and edges call `log.info("tag_selected", repository=...)`; the core returns reasons instead. structlog is loaded
at the first line that is logged, so that a command which logs nothing does not pay for it.
"""

import logging
import sys
from enum import StrEnum
from typing import Any


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


def configure_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Send lines of this level and above to standard error."""
    import structlog

    renderer: Any = structlog.processors.JSONRenderer()
    if log_format is LogFormat.CONSOLE:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.value.upper()]),
        # Looked up for each line: whoever runs imagebot in their own process may put another stream there.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
