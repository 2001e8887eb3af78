"""Logs go where standard error is now, one line each, with what is bound and without what is below the level."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from imagebot.log import LogFormat, LogLevel, Repeats, bound_fields, configure_logging, forward_library_logs, log
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


def _list_written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_failure_that_goes_on_is_said_once_an_hour(capsys: pytest.CaptureFixture[str]):
    now = [0.0]
    configure_logging(LogLevel.INFO, LogFormat.JSON, processors=[Repeats(lambda: now[0])])

    for minute in range(130):
        now[0] = 60.0 * minute
        log.warning("poll_failed", repository="ghcr.io/acme/api", error=f"no answer, left alone for {minute} s")

    assert len(_list_written(capsys)) == 3


def test_a_store_that_fails_is_said_once_for_all_who_meet_it(capsys: pytest.CaptureFixture[str]):
    configure_logging(LogLevel.INFO, LogFormat.JSON, processors=[Repeats(lambda: 0.0)])

    for name in ("api", "web"):
        log.error("snapshot_not_kept", repository=f"ghcr.io/acme/{name}", error="the disk is full")
        log.warning("target_failed", target=name, error="the disk is full")
        log.warning("target_failed", target=name, error="no answer")

    assert [line["event"] for line in _list_written(capsys)] == ["snapshot_not_kept", "target_failed", "target_failed"]


def test_failures_of_others_other_failures_bugs_and_news_are_all_said(capsys: pytest.CaptureFixture[str]):
    configure_logging(LogLevel.INFO, LogFormat.JSON, processors=[Repeats(lambda: 0.0)])

    for _ in range(2):
        log.warning("poll_failed", repository="ghcr.io/acme/api", error="no answer")
        log.warning("poll_failed", repository="ghcr.io/acme/web", error="no answer")
        log.error("poll_failed", repository="ghcr.io/acme/api", error="401")
        log.info("branch_pushed", branch="x")
        log.error("round_ended_by_a_bug", exc_info=True)

    events = [line["event"] for line in _list_written(capsys)]
    assert (events.count("poll_failed"), events.count("branch_pushed")) == (3, 2)
    assert events.count("round_ended_by_a_bug") == 2


def test_what_libraries_log_is_a_line_like_any_other(capsys: pytest.CaptureFixture[str]):
    configure_logging(LogLevel.INFO, LogFormat.JSON)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        forward_library_logs()
        logging.getLogger("waitress.queue").warning("Task queue depth is %d", 3)
    finally:
        root.handlers[:] = before
        root.setLevel(level)

    (line,) = _list_written(capsys)
    assert (line["level"], line["library"], line["error"]) == ("warning", "waitress.queue", "Task queue depth is 3")
