"""Credential helpers: programs named `docker-credential-NAME` that are asked for the login of one registry.

The docker package knows what goes in and out (https://github.com/docker/docker-credential-helpers#development). It has
no answer to a helper that hangs, or leaves behind a program that holds its output open: here a helper has a time limit,
and is done when it has ended itself. Importing docker takes a tenth of a second: this module is loaded for a helper.
"""

import os
import re
import selectors
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import docker.credentials
import docker.credentials.errors

from imagebot.image.reference import DOCKER_HUB
from imagebot.registry.credentials import Credentials, IdentityToken, Login
from imagebot.registry.errors import CredentialHelperTimedOut, UnreadableCredentials
from imagebot.secret import Secret

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MAX_OUTPUT_BYTES = 256 * 1024
# How often it is looked whether a helper has ended whose output stays open.
_PAUSE_S = 0.02
# What docker calls its own registry when it asks a helper.
_HUB_SERVER = "https://index.docker.io/v1/"
# In place of a user name, where the secret is an identity token.
_TOKEN_USER = "<token>"  # noqa: S105  # a mark, no secret


def ask_helper(name: str, registry: str, *, file: Path, timeout_s: float) -> Credentials | None:
    """Ask the helper that a file names for a registry's login; None if it has none.

    Raises UnreadableCredentials, and CredentialHelperTimedOut after `timeout_s`. What the helper says goes into no
    error: it may be a secret.
    """
    program = f"docker-credential-{name}"
    # Looked for here, because docker says it with a Python warning.
    if not _NAME.fullmatch(name) or shutil.which(program) is None:
        raise UnreadableCredentials(file, f"it names {program} for {registry}, which is not on PATH")
    server = _HUB_SERVER if registry == DOCKER_HUB else registry
    try:
        store = _Store(name, registry=registry, timeout_s=timeout_s)
        return _make_credentials(store.get(server))  # type: ignore[no-untyped-call]  # docker's stubs have no types here
    except docker.credentials.CredentialsNotFound:
        return None
    # Not chained, none of them: the causes quote what the helper wrote.
    except OSError:
        reason = f"the helper {program}, which it names for {registry}, cannot be started"
        raise UnreadableCredentials(file, reason) from None
    except docker.credentials.StoreError:
        reason = f"the helper {program} failed for {registry}; run it by hand to see why"
        raise UnreadableCredentials(file, reason) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        reason = f"the helper {program} gave no login that can be read for {registry}"
        raise UnreadableCredentials(file, reason) from None


class _Store(docker.credentials.Store):
    """docker's way of asking a helper, with one that ends in time and does not write without end."""

    def __init__(self, name: str, *, registry: str, timeout_s: float) -> None:
        super().__init__(name)
        self._registry = registry
        self._timeout_s = timeout_s

    def _execute(self, command: str, data: bytes | None) -> bytes:
        with _start(self.program, command) as helper:
            output = _exchange(helper, data or b"", limit_s=self._timeout_s)
        if output is None:
            raise CredentialHelperTimedOut(self.program, self._registry, self._timeout_s)
        if helper.returncode != 0:
            failure = subprocess.CalledProcessError(helper.returncode, self.program, output)
            raise docker.credentials.errors.process_store_error(failure, self.program)
        return output


@contextmanager
def _start(program: str, command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the helper in a process group of its own: if it has to be ended, what it started ends with it."""
    with subprocess.Popen(
        [program, command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as helper:  # fmt: skip
        try:
            yield helper
        finally:
            if helper.poll() is None:
                os.killpg(helper.pid, signal.SIGKILL)


def _exchange(helper: "subprocess.Popen[bytes]", question: bytes, *, limit_s: float) -> bytes | None:
    """Write the question, and return what the helper writes until it ends; None if that takes too long.

    Of more than the limit no more is read; the helper is ended, and so has failed.
    """
    ends_at = monotonic() + limit_s
    pipe_in, pipe_out = helper.stdin, helper.stdout
    if pipe_in is None or pipe_out is None:
        raise ValueError("the helper was started without pipes")
    with suppress(BrokenPipeError), pipe_in:  # it may have ended, or not want to know
        pipe_in.write(question)
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe_out, selectors.EVENT_READ)
        while (left_s := ends_at - monotonic()) > 0 and len(output) <= _MAX_OUTPUT_BYTES:
            has_ended = helper.poll() is not None
            if selector.select(0 if has_ended else min(_PAUSE_S, left_s)):
                chunk = os.read(pipe_out.fileno(), _MAX_OUTPUT_BYTES)
                output += chunk
                if not chunk:
                    with suppress(subprocess.TimeoutExpired):
                        helper.wait(left_s)
                        return bytes(output)
            elif has_ended:
                return bytes(output)
    return bytes(output) if len(output) > _MAX_OUTPUT_BYTES else None


def _make_credentials(answer: Mapping[str, object]) -> Credentials:
    username, secret = answer["Username"], answer["Secret"]
    if not isinstance(username, str) or not isinstance(secret, str):
        raise TypeError
    return IdentityToken(Secret(secret)) if username == _TOKEN_USER else Login(username, Secret(secret))
