"""Which login goes with which repository of a registry, and in which order it is looked for.

1. The settings of the registry: the longest of its prefixes that the path is under, then its own login.
2. The registry's cloud, where the settings allow it to be recognised by its name.
3. Files of logins (docker's configuration, pull secrets): what tells most of the repository, then the first file's.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from imagebot.registry.cloud import look_up_cloud_login
from imagebot.registry.credentials import Found, KeptLogin, Login, LookUp, Source, SourceKind
from imagebot.registry.docker_config import Entry, LoginFile
from imagebot.registry.given_login import Anonymous, Cloud, GivenLogin, find_cloud, make_default_login
from imagebot.registry.host import RegistryHost
from imagebot.registry.login_key import is_under
from imagebot.registry.message import Answer, Request


@dataclass(frozen=True, slots=True)
class LoginSources:
    """Where logins are looked for that no registry's own settings give."""

    docker_config: Path | None = None
    """Docker's `config.json`; it may not be there."""
    pull_secrets: tuple[Path, ...] = ()
    """Further files of logins, in their order; these have to be there."""
    clouds: frozenset[Cloud] = frozenset()
    """Whose registries are recognised by their names, and asked with the machine's identity."""


@dataclass(frozen=True, slots=True)
class Means:
    """What looking up takes: a clock, patience, and a way to ask the registry itself."""

    monotonic: Callable[[], float]
    timeout_s: float
    send: Callable[[Request], Answer]


class HostLogins:
    """The logins of one registry. All threads share it."""

    def __init__(self, host: RegistryHost, sources: LoginSources, means: Means) -> None:
        self._host, self._means = host, means
        self._given = {prefix: self._keep(self._make_look_up(login, prefix)) for prefix, login in host.logins.items()}
        self._cloud: KeptLogin | None = None
        cloud = find_cloud(host.name)
        if cloud in sources.clouds:
            self._cloud = self._keep(self._make_look_up(make_default_login(cloud), ""))
        self._files = _open_files(sources)
        self._filed: dict[tuple[Entry, ...], KeptLogin] = {}
        self._lock = threading.Lock()

    def choose(self, path: str) -> KeptLogin:
        """Return the login for a repository's path; one that finds none if there is none.

        Raises UnreadableCredentials.
        """
        prefixes = [prefix for prefix in self._given if is_under(path, prefix)]
        if prefixes:
            return self._given[max(prefixes, key=len)]
        if self._cloud is not None:
            return self._cloud
        entries = self._find_entries(path)
        with self._lock:
            kept = self._filed.get(entries)
            if kept is None:
                kept = self._filed[entries] = self._keep(partial(self._look_up_filed, entries))
        return kept

    def list_prefixes(self) -> tuple[str, ...]:
        """Return the paths for which there are logins, the shortest for each; if there is none, that of everything.

        Raises what looking up raises.
        """
        entries = [entry for file in self._files.values() for entry in file.list_entries()]
        filed = (entry.key.path for entry in entries if entry.key.matches_host(self._host.name))
        shortest: dict[int, str] = {}
        for path in sorted({"", *self._given, *filed}):
            shortest.setdefault(id(self.choose(path)), path)
        paths = tuple(shortest.values())
        # Where a login is for a part alone, that there is none for the rest is no news.
        return paths[1:] if len(paths) > 1 and self.choose("").find() is None else paths

    def _keep(self, look_up: LookUp) -> KeptLogin:
        return KeptLogin(look_up, monotonic=self._means.monotonic)

    def _make_look_up(self, login: GivenLogin, prefix: str) -> LookUp:
        if isinstance(login, Anonymous):
            return lambda: None
        if isinstance(login, Login):
            part = f'.logins["{prefix}"]' if prefix else ""
            found = Found(login, Source(SourceKind.SETTINGS, f'registries["{self._host.name}"]{part} in the settings'))
            return lambda: found
        means = self._means
        return partial(look_up_cloud_login, login, self._host, send=means.send, timeout_s=means.timeout_s)

    def _find_entries(self, path: str) -> tuple[Entry, ...]:
        found = [entry for file in self._files.values() for entry in file.find_entries(self._host.name, path)]
        return tuple(sorted(found, key=lambda entry: entry.key.rank))

    def _look_up_filed(self, entries: tuple[Entry, ...]) -> Found | None:
        """Return what the first entry leads to that leads to anything."""
        for entry in entries:
            found = self._files[entry.file].look_up(entry, self._host.name, timeout_s=self._means.timeout_s)
            if found is not None:
                return found
        return None


def _open_files(sources: LoginSources) -> dict[Path, LoginFile]:
    """Return the files in the order in which they are looked at: what an operator names comes before docker's own."""
    files = {path: LoginFile(path, may_be_absent=False) for path in sources.pull_secrets}
    if sources.docker_config is not None:
        files.setdefault(sources.docker_config, LoginFile(sources.docker_config, may_be_absent=True))
    return files


def list_filed_registries(sources: LoginSources) -> tuple[str, ...]:
    """Return the registries that files of logins name, patterns left out. Raises UnreadableCredentials."""
    keys = (entry.key for file in _open_files(sources).values() for entry in file.list_entries())
    return tuple(sorted({key.host for key in keys if key.host and "*" not in key.host}))
