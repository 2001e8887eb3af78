"""Credential helpers: real programs on PATH, that answer, fail, hang and fork."""

import os
import signal
import time
from pathlib import Path

import pytest

from imagebot.registry.credentials import IdentityToken, Login
from imagebot.registry.errors import CredentialHelperTimedOut, UnreadableCredentials
from imagebot.registry.helper import ask_helper
from imagebot.secret import Secret
from tests.registry.helpers import answer_with

FILE = Path("/etc/docker/config.json")
BOB = Login("bob", Secret("s3:cret"))


def ask(name: str = "test", *, timeout_s: float = 20.0) -> Login | IdentityToken | None:
    return ask_helper(name, "ghcr.io", file=FILE, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("script", "credentials"),
    [
        pytest.param(answer_with("bob", "s3:cret"), BOB, id="a login"),
        pytest.param(answer_with("<token>", "id"), IdentityToken(Secret("id")), id="an identity token"),
        pytest.param("echo credentials not found in native keychain; exit 1", None, id="none, as most helpers say it"),
        pytest.param(answer_with("", ""), None, id="none, as docker-credential-pass says it"),
    ],
)
def test_what_a_helper_answers(helper, script, credentials):
    helper("test", script)

    assert ask() == credentials


def test_a_helper_that_leaves_a_program_behind_is_not_waited_for(helper, tmp_path):
    helper("test", f"sleep 600 & echo $! > {tmp_path}/left\n{answer_with('bob', 's3:cret')}")

    started_at = time.monotonic()
    assert ask() == BOB
    assert time.monotonic() - started_at < 15

    os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)


def test_a_helper_that_does_not_read_its_question_is_heard(helper):
    helper("test", "").write_text(f"#!/bin/sh\nexec <&-\n{answer_with('bob', 's3:cret')}\n")

    assert ask() == BOB


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("echo s3cret >&2; echo s3cret; exit 1", "failed", id="fails"),
        pytest.param("echo s3cret", "gave no login that can be read", id="no JSON"),
        pytest.param('echo \'{"Username": "s3cret"}\'', "gave no login that can be read", id="no secret"),
        pytest.param('echo \'{"Username": "s3cret", "Secret": 1}\'', "gave no login that can be read", id="a number"),
        pytest.param("echo '[\"s3cret\"]'", "gave no login that can be read", id="a list"),
        pytest.param("printf '\\377'", "gave no login that can be read", id="not UTF-8"),
        pytest.param("while :; do echo s3cret; done", "failed", id="endless"),
    ],
)
def test_a_helper_that_fails_is_named_and_not_quoted(helper, capfd, script, reason):
    helper("test", script)

    with pytest.raises(UnreadableCredentials) as caught:
        ask()

    assert str(caught.value).startswith(f"{FILE}: the helper docker-credential-test")
    assert reason in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("name", ["nosuch", "../test", "", "te st"])
def test_a_helper_that_is_not_installed_is_named(helper, name):
    helper("test", answer_with("bob", "s3:cret"))

    with pytest.raises(UnreadableCredentials, match=r"docker-credential-.* for ghcr\.io, which is not on PATH"):
        ask(name)


def test_a_helper_that_cannot_be_started_is_named(helper):
    helper("test", "").write_bytes(b"\x7fELF no program")

    with pytest.raises(UnreadableCredentials, match=r"docker-credential-test, which it names for ghcr\.io, cannot be"):
        ask()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("sleep 600 > {fifo} &\nwait", id="waits for its child"),
        pytest.param("exec sleep 600 > {fifo}", id="answers nothing"),
        pytest.param("exec 3> {fifo}; exec >&-; sleep 600", id="closes its output"),
        pytest.param("printf x; exec sleep 600 3> {fifo}", id="answers in part"),
    ],
)
def test_a_helper_that_hangs_is_ended_with_what_it_started(helper, tmp_path, script):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # What the helper started holds the pipe open for as long as it lives: reading ends when it has gone.
    helper("test", script.format(fifo=fifo))
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)

    started_at = time.monotonic()
    with pytest.raises(CredentialHelperTimedOut) as caught:
        ask(timeout_s=0.3)

    assert os.read(reader, 1) == b""
    os.close(reader)
    assert time.monotonic() - started_at < 10
    assert str(caught.value) == "docker-credential-test gave no login for ghcr.io within 0.3 s and was ended"
