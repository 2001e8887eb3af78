"""Where a git repository is, and what is needed to talk to it: the transport, credentials, certificates and keys.

Credentials reach git through its environment, bound to the one URL: never through arguments, the URL or a file.
"""

import base64
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from imagebot.errors import NeedsOperator
from imagebot.secret import MASK, Secret

_HOST = r"(?P<host>[A-Za-z0-9](?:[\w.-]*\w)?|\[[0-9A-Fa-f:]+\])"
_PORT = r"(?P<port>:[0-9]{1,5})?"
_USER = r"\w[\w.-]*"
# A query or a fragment could hold a token, and nothing but a printable path belongs behind the host.
_FORMS = tuple(
    (scheme, re.compile(form, re.ASCII))
    for scheme, form in (
        ("https", rf"https://{_HOST}{_PORT}/[^\s?#\x00-\x1f\x7f]+"),
        ("http", rf"http://{_HOST}{_PORT}/[^\s?#\x00-\x1f\x7f]+"),
        ("ssh", rf"ssh://(?:{_USER}@)?{_HOST}{_PORT}/[^\x00-\x1f\x7f]+"),
        ("ssh", rf"{_USER}@{_HOST}:[^-:\x00-\x1f\x7f][^\x00-\x1f\x7f]*"),
        ("file", r"file:///[^\x00-\x1f\x7f]+"),
    )
)
_CREDENTIAL_IN_URL = re.compile(r"(https?://[^/]*|ssh://[^/@]*:[^/]*|[^/@]*:[^/@]*)@", re.IGNORECASE)
_ACCEPTED = "accepted are https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH and file:///PATH"

# Forges that take a token as the password take any user name with it.
_ANY_USERNAME = "oauth2"


class RefusedUrl(NeedsOperator):
    """An URL that no git is started with; it is shown without what may be a credential."""

    def __init__(self, url: str, reason: str) -> None:
        shown = re.sub(r"^(\w+://)?.*@", rf"\1{MASK}@", re.split("[?#]", url, maxsplit=1)[0])
        super().__init__(f"{shown!r} is refused as the URL of a git repository: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRemote:
    """A git repository on a server. Raises RefusedUrl.

    Plain `http://` is for the hosts in `plain_http_hosts` only, each HOST:PORT, or HOST for all ports of it.
    """

    url: str
    username: str | None = None
    password: Secret | None = None  # over http and https
    ca_file: Path | None = None  # PEM; None takes what GIT_SSL_CAINFO or SSL_CERT_FILE name, else git's own
    ssh_key_file: Path | None = None  # without a passphrase; None takes ssh's own keys and its agent
    ssh_known_hosts_file: Path | None = None  # None takes ssh's own
    plain_http_hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        scheme, match = _parse_url(self.url)
        if scheme == "http":
            host, port = match["host"], match["port"] or ""
            if not self.plain_http_hosts & {host, host + port}:
                raise RefusedUrl(self.url, f"http is not encrypted, and the settings do not allow it for {host}{port}")

    @property
    def scheme(self) -> str:
        return _parse_url(self.url)[0]

    def make_config(self) -> tuple[tuple[str, str], ...]:
        """Return git's configuration for this remote: the credential, bound to the URL."""
        if not self.password or self.scheme not in ("http", "https"):
            return ()
        return ((f"http.{self.url}.extraHeader", f"Authorization: Basic {self._encode(self.password)}"),)

    def make_variables(self) -> dict[str, str]:
        """Return git's environment variables for this remote: its transport and no other, certificates, keys."""
        variables = {"GIT_ALLOW_PROTOCOL": self.scheme}
        if self.scheme == "https" and (ca_file := self.ca_file or _find_ca_file()):
            variables["GIT_SSL_CAINFO"] = str(ca_file)
        if self.scheme == "ssh":
            variables |= {"GIT_SSH_COMMAND": shlex.join(self._make_ssh_command()), "GIT_SSH_VARIANT": "ssh"}
            if not self.ssh_key_file and "SSH_AUTH_SOCK" in os.environ:
                variables["SSH_AUTH_SOCK"] = os.environ["SSH_AUTH_SOCK"]
        return variables

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What may be seen in nothing that comes back, even if it is the server that says it."""
        return (Secret(self._encode(self.password)), self.password) if self.password else ()

    def _encode(self, password: Secret) -> str:
        return base64.b64encode(f"{self.username or _ANY_USERNAME}:{password.reveal()}".encode()).decode()

    def _make_ssh_command(self) -> list[str]:
        # A shared connection would outlive git and keep its pipes open; a dead one would leave git waiting for ever.
        options = ["BatchMode=yes", "ControlPath=none", "ServerAliveInterval=30"]
        if self.ssh_key_file:
            options += ["IdentitiesOnly=yes", f"IdentityFile={_quote_for_ssh(self.ssh_key_file)}"]
        if self.ssh_known_hosts_file:
            options += ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={_quote_for_ssh(self.ssh_known_hosts_file)}"]
        return ["ssh", *(f"-o{option}" for option in options)]


def _parse_url(url: str) -> tuple[str, re.Match[str]]:
    if _CREDENTIAL_IN_URL.match(url):
        where = "username and password, the password from a file or the environment"
        raise RefusedUrl(url, f"a credential does not belong into an URL but into the settings: {where}")
    for scheme, form in _FORMS:
        if match := form.fullmatch(url):
            return scheme, match
    raise RefusedUrl(url, _ACCEPTED)


def _find_ca_file() -> str | None:
    return os.environ.get("GIT_SSL_CAINFO") or os.environ.get("SSL_CERT_FILE")


def _quote_for_ssh(path: Path) -> str:
    """Quote a path as ssh reads it in an option: it splits at blanks and expands `%` even there."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
