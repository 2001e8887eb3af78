"""Commits that are signed by a key of the operator's, with SSH or GPG, as git itself does it.

The key never stands in git's configuration or in the mirror: of SSH's git is given the file, of GPG's a keyring that is
made for it, and removed at the end with the agent that gpg starts beside it.
"""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from imagebot.errors import NeedsOperator
from imagebot.git.faults import clean

_FINGERPRINT = re.compile(rb"^fpr:(?:[^:]*:){8}([0-9A-F]+):", re.MULTILINE)


class KeyKind(Enum):
    """What kind of key signs."""

    SSH = "ssh"
    GPG = "gpg"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key without a passphrase: of SSH in its own format or PEM, of GPG as gpg exports it."""

    kind: KeyKind
    file: Path


class SigningFailed(NeedsOperator):
    """The key does not sign: it is none, it has a passphrase, or a program is missing."""

    def __init__(self, key: SigningKey, said: str) -> None:
        needs = "an SSH key" if key.kind is KeyKind.SSH else "a GPG key as gpg --export-secret-keys writes it"
        super().__init__(
            f"commits cannot be signed with {key.file}: {said}; it has to be {needs}, without a passphrase"
        )
        self.key = key
        self.said = said


class Signer:
    """Makes a key ready for git, when it is first needed, and puts away what it made."""

    def __init__(self, key: SigningKey, *, timeout_s: float) -> None:
        self.key = key
        self._timeout_s = timeout_s
        self._home: Path | None = None
        self._fingerprint = ""

    def make_config(self) -> tuple[tuple[str, str], ...]:
        """Return git's configuration. Raises SigningFailed."""
        if self.key.kind is KeyKind.SSH:
            return (("gpg.format", "ssh"), ("user.signingKey", str(self.key.file)))
        self._make_keyring()
        return (("gpg.format", "openpgp"), ("user.signingKey", self._fingerprint))

    def make_variables(self) -> dict[str, str]:
        """Return git's environment variables, after `make_config`."""
        return {} if self._home is None else {"GNUPGHOME": str(self._home)}

    def fail(self, stderr: bytes) -> SigningFailed:
        """Make the error for what git said when it could not sign."""
        return SigningFailed(self.key, clean(stderr, secrets=()))

    def close(self) -> None:
        if self._home is None:
            return
        with suppress(OSError, subprocess.SubprocessError):
            self._run("gpgconf", "--kill", "all")
        shutil.rmtree(self._home, ignore_errors=True)
        self._home = None

    def _make_keyring(self) -> None:
        if self._home is not None:
            return
        # The path of the agent's socket has to be short: the mirror's would often be too long.
        self._home = Path(tempfile.mkdtemp(prefix="imagebot-gpg-"))
        try:
            imported = self._run("gpg", "--batch", "--no-tty", "--quiet", "--import", str(self.key.file))
            listed = self._run("gpg", "--batch", "--no-tty", "--with-colons", "--list-secret-keys")
        except OSError as error:
            self.close()
            raise SigningFailed(self.key, f"gpg does not start: {error.strerror}") from error
        except subprocess.SubprocessError as error:
            self.close()
            raise SigningFailed(self.key, f"gpg took longer than {self._timeout_s:g} s") from error
        found = _FINGERPRINT.search(listed.stdout)
        if found is None:
            self.close()
            raise self.fail(imported.stderr)
        self._fingerprint = found[1].decode()

    def _run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "GNUPGHOME": str(self._home)}
        return subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=self._timeout_s,
            check=False,
        )
