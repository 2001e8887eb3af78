"""Logs go where standard error is now, one line each, with what is bound and without what is below the level."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from imagebot.log import LogFormat, LogLevel, bound_fields, configure_logging, log
from imagebot.secret import Secret


@pytest.fixture(autouse=True)
def _defaults_afterwards() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_lines_of_the_level_and_above_are_written_as_json_with_their_fields(capsys: pytest.CaptureFixture[str]):
    configure_logging(LogLevel.INFO, LogFormat.JSON)

    with bound_fields(target="infra"):
        log.debug("unseen")
        log.info("branch_pushed", branch="x")

    (line,) = capsys.readouterr().err.splitlines()
    written = json.loads(line)
    assert (written["event"], written["level"], written["target"], written["branch"]) == (
        "branch_pushed", "info", "infra", "x",
    )  # fmt: skip


def test_a_stream_that_takes_the_place_of_standard_error_later_is_written_to(monkeypatch: pytest.MonkeyPatch):
    configure_logging(LogLevel.INFO, LogFormat.CONSOLE)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)

    log.warning("poll_failed")

    assert "poll_failed" in stream.getvalue()


def test_a_secret_in_a_field_is_masked(capsys: pytest.CaptureFixture[str]):
    configure_logging(LogLevel.INFO, LogFormat.CONSOLE)

    log.info("asked", password=Secret("hunter2"))

    assert "hunter2" not in capsys.readouterr().err
