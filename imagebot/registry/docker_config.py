"""Files of logins: docker's `config.json`, podman's `auth.json`, and Kubernetes' pull secrets mounted as files.

    {"auths": {"ghcr.io": {"auth": "BASE64 OF USER:SECRET"}}, "credsStore": "NAME", "credHelpers": {"quay.io": "NAME"}}

Pull secrets have the first part alone (`.dockerconfigjson`), or, in their old form, what is in it (`.dockercfg`). In
an entry `username` and `password` may stand for `auth`; `identitytoken` comes before either.

A file may change while imagebot runs (mounted secrets are swapped by a link): what a key leads to is read anew when it
is looked up, and which keys there are whenever the file is another. A broken entry does not spoil the others.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imagebot.registry.credentials import Credentials, Found, IdentityToken, Login, Source, SourceKind
from imagebot.registry.errors import UnreadableCredentials
from imagebot.registry.login_key import LoginKey, parse_login_key
from imagebot.secret import Secret

_MAX_FILE_BYTES = 1024 * 1024
_SECTIONS = {"auths": dict, "credsStore": str, "credHelpers": dict}
_ACCEPTED = 'accepted is a JSON object, in it "auths" and "credHelpers" as objects and "credsStore" as a text'


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of a file that may lead to a login: a key of `auths`, or a helper that is asked for a registry."""

    file: Path
    key: LoginKey
    text: str
    """The key as it is written; of a helper its name."""
    is_helper: bool = False

    @property
    def source(self) -> Source:
        if self.is_helper:
            return Source(SourceKind.HELPER, f"docker-credential-{self.text}, which {self.file} names")
        return Source(SourceKind.FILE, f"the key {self.text} of {self.file}")


@dataclass(frozen=True, slots=True)
class _Contents:
    auths: Mapping[str, object] = field(default_factory=dict, repr=False)
    """What stands under each key is looked at only when it is wanted."""
    entries: tuple[Entry, ...] = ()
    """Of `credHelpers`, then of `auths`."""
    store: str = ""


class LoginFile:
    """One file of logins; what it holds now."""

    def __init__(self, path: Path, *, may_be_absent: bool) -> None:
        self.path = path
        self._may_be_absent = may_be_absent
        self._kept: tuple[tuple[int, ...], _Contents] | None = None

    def list_entries(self) -> tuple[Entry, ...]:
        """Return the keys of `auths`, and the helpers for single registries. Raises UnreadableCredentials."""
        return self._read().entries

    def find_entries(self, registry: str, path: str) -> Iterator[Entry]:
        """Yield what may lead to the login of a repository, as docker has it: helpers before what stands in the file.

        Raises UnreadableCredentials.
        """
        contents = self._read()
        matching = [entry for entry in contents.entries if entry.key.matches(registry, path)]
        helpers = [entry for entry in matching if entry.is_helper]
        if contents.store and not helpers:
            helpers = [Entry(self.path, LoginKey(registry, ""), contents.store, is_helper=True)]
        yield from helpers
        # Docker takes a key that is the registry's name before one that is a URL.
        keys = (entry for entry in matching if not entry.is_helper)
        yield from sorted(keys, key=lambda entry: (entry.text != registry, entry.text))

    def look_up(self, entry: Entry, registry: str, *, timeout_s: float) -> Found | None:
        """Return the login that the entry leads to now; None if there is none.

        Raises UnreadableCredentials and CredentialHelperTimedOut.
        """
        if entry.is_helper:
            from imagebot.registry.helper import ask_helper  # what starts programs is slow to load

            credentials = ask_helper(entry.text, registry, file=self.path, timeout_s=timeout_s)
            return Found(credentials, entry.source) if credentials is not None else None
        self._kept = None
        return self._parse(entry, self._read().auths.get(entry.text, {}))

    def _parse(self, entry: Entry, fields: object) -> Found | None:
        try:
            credentials = _parse_entry(fields)
        except (ValueError, TypeError):
            # Not chained: the cause holds what was read.
            raise UnreadableCredentials(self.path, f'the entry for {entry.text} under "auths" cannot be read') from None
        return Found(credentials, entry.source) if credentials is not None else None

    def _read(self) -> _Contents:
        """Read the file, if it is another than the one last read."""
        try:
            status = self.path.stat()
            signature = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
            if self._kept is not None and self._kept[0] == signature:
                return self._kept[1]
            with self.path.open("rb") as stream:
                data = stream.read(_MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            if self._may_be_absent:
                return _Contents()
            raise UnreadableCredentials(self.path, "it is not there") from None
        except OSError as error:
            raise UnreadableCredentials(self.path, f"it cannot be read: {error.strerror}") from None
        contents = _parse_contents(data, self.path)
        self._kept = signature, contents
        return contents


def _parse_contents(data: bytes, file: Path) -> _Contents:
    if len(data) > _MAX_FILE_BYTES:
        raise UnreadableCredentials(file, f"it has more than {_MAX_FILE_BYTES} bytes")
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        # Not chained: the cause holds the whole text, logins and all.
        raise UnreadableCredentials(file, "it is no JSON") from None
    if not isinstance(config, dict) or not all(isinstance(config.get(k, t()), t) for k, t in _SECTIONS.items()):
        raise UnreadableCredentials(file, f"it is no configuration of docker; {_ACCEPTED}")
    auths, helpers = config.get("auths", {}), config.get("credHelpers", {})
    if not config.keys() & _SECTIONS.keys():
        auths = {key: fields for key, fields in config.items() if _is_old_entry(fields)}
    entries = [
        Entry(file, parse_login_key(key), name, is_helper=True)
        for key, name in helpers.items()
        if isinstance(name, str)
    ]
    entries += [Entry(file, parse_login_key(key), key) for key in auths]
    return _Contents(auths, tuple(entries), config.get("credsStore", ""))


def _is_old_entry(fields: object) -> bool:
    """Tell whether a `.dockercfg` would have it; a `config.json` without logins has other objects at its top."""
    return isinstance(fields, dict) and not {"auth", "username", "identitytoken"}.isdisjoint(fields)


def _parse_entry(fields: object) -> Credentials | None:
    """Read what stands under a key; empty is none, as docker leaves it where a helper has the login.

    Raises ValueError and TypeError.
    """
    if not isinstance(fields, dict):
        raise TypeError
    texts = {name: fields.get(name) or "" for name in ("auth", "identitytoken", "username", "password")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError
    if texts["identitytoken"]:
        return IdentityToken(Secret(texts["identitytoken"]))
    username, password = texts["username"], texts["password"]
    if texts["auth"]:
        username, colon, password = (
            base64.b64decode("".join(texts["auth"].split()), validate=True).decode().partition(":")
        )
        if not colon:
            raise ValueError
        # Docker pads some with zero bytes.
        password = password.strip("\0")
    return Login(username, Secret(password)) if username else None
