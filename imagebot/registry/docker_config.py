"""Logins that `docker login` left behind: in docker's `config.json`, or with the credential helper it names.

docker.auth reads and looks up; here is what it leaves out: a fault that it passes over becomes an error naming the
file, one broken entry does not spoil the others, and a helper that hangs is ended. Importing docker takes a tenth of a
second, so this module is imported only where there is such a file.
"""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import docker.auth
import docker.credentials
import docker.errors

from imagebot.registry.credentials import Credentials, IdentityToken, Login
from imagebot.registry.errors import CredentialHelperTimedOut, UnreadableCredentials
from imagebot.secret import Secret

_MAX_FILE_BYTES = 1024 * 1024


def load_credentials(file: Path, registry: str, *, timeout_s: float) -> Credentials | None:
    """Return the login for a registry, named as in `Repository.registry`; None if docker has none, or no such file.

    Raises UnreadableCredentials, and CredentialHelperTimedOut when a helper takes longer than `timeout_s`.
    """
    sections = _load_sections(file, registry)
    try:
        auths = docker.auth.parse_auth(sections.pop("auths", {}), raise_on_error=True)
    # Bad base64, no colon, no UTF-8, a number for a text: docker.auth lets through whatever its parts raise.
    except (ValueError, TypeError, AttributeError, docker.errors.DockerException):
        raise UnreadableCredentials(file, f'the entry for {registry} under "auths" cannot be read') from None
    config = _BoundedAuthConfig({**sections, "auths": auths}, file=file, registry=registry, timeout_s=timeout_s)
    try:
        found = config.resolve_authconfig(registry)
    # Not chained: the causes quote what the helper wrote.
    except (ValueError, TypeError, KeyError):
        reason = f"the helper {config.find_program()} gave no login that can be read for {registry}"
        raise UnreadableCredentials(file, reason) from None
    except docker.errors.DockerException:
        reason = f"the helper {config.find_program()} failed for {registry}; run it by hand to see why"
        raise UnreadableCredentials(file, reason) from None
    return _make_credentials(found or {})


class _BoundedAuthConfig(docker.auth.AuthConfig):
    """docker.auth's look-up, with helpers that end in time: it has no timeout, nor a place to pass one."""

    def __init__(self, sections: dict[str, Any], *, file: Path, registry: str, timeout_s: float) -> None:
        super().__init__(sections)
        self._file = file
        self._registry = registry
        self._timeout_s = timeout_s

    def find_program(self) -> str:
        return f"docker-credential-{self.get_credential_store(self._registry)}"

    def _get_store_instance(self, name: str) -> "_BoundedStore":
        program = f"docker-credential-{name}"
        # Looked for here because docker.auth says it with a Python warning.
        if shutil.which(program) is None:
            raise UnreadableCredentials(self._file, f"it names {program} for {self._registry}, which is not on PATH")
        return _BoundedStore(name, registry=self._registry, timeout_s=self._timeout_s)


class _BoundedStore(docker.credentials.Store):
    def __init__(self, name: str, *, registry: str, timeout_s: float) -> None:
        super().__init__(name)
        self._registry = registry
        self._timeout_s = timeout_s

    def _execute(self, command: str, data: bytes | None) -> bytes:
        """Run the helper as docker does, in a process group of its own: what it starts ends with it."""
        arguments = [str(self.exe), command]
        try:
            helper = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise docker.credentials.StoreError(f"{self.program} cannot be started") from error
        with helper:
            try:
                output, _ = helper.communicate(data, timeout=self._timeout_s)
            except subprocess.TimeoutExpired:
                raise CredentialHelperTimedOut(self.program, self._registry, self._timeout_s) from None
            finally:
                if helper.poll() is None:
                    os.killpg(helper.pid, signal.SIGKILL)
        if helper.returncode != 0:
            failure = subprocess.CalledProcessError(helper.returncode, arguments, output)
            raise docker.credentials.errors.process_store_error(failure, self.program)
        return output


def _make_credentials(found: dict[str, Any]) -> Credentials | None:
    """Read either of docker.auth's two spellings: of an entry in the file, and of a helper's answer."""
    token = found.get("IdentityToken")
    if token:
        return IdentityToken(Secret(token))
    username = found.get("username") or found.get("Username")
    password = found.get("password") or found.get("Password")
    return Login(username, Secret(password or "")) if username else None


def _load_sections(file: Path, registry: str) -> dict[str, Any]:
    """Return the parts of the file that matter to this registry, so that no other entry's fault is in the way.

    docker.auth takes a file that is no JSON for an empty one, and one without these parts for a list of logins.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnreadableCredentials(file, f"it cannot be read: {error.strerror}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise UnreadableCredentials(file, f"it has more than {_MAX_FILE_BYTES} bytes")
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        # Not chained: the cause holds the whole text, logins and all.
        raise UnreadableCredentials(file, "it is no JSON") from None
    sections = {"auths": dict, "credsStore": str, "credHelpers": dict}
    if not isinstance(config, dict) or not all(isinstance(config.get(k, t()), t) for k, t in sections.items()):
        accepted = 'accepted is a JSON object, in it "auths" and "credHelpers" as objects and "credsStore" as a text'
        raise UnreadableCredentials(file, f"it is no configuration of docker; {accepted}")
    auths = {k: v for k, v in config.get("auths", {}).items() if docker.auth.resolve_index_name(k) == registry}
    kept = {"auths": auths, "credsStore": config.get("credsStore"), "credHelpers": config.get("credHelpers")}
    return {key: value for key, value in kept.items() if value}
