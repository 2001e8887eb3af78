"""Which login goes with which repository of a registry, and in which order it is looked for.

1. The settings of the registry: the longest of its prefixes that the path is under, then its own login.
2. The registry's cloud, where the settings allow it to be recognised by its name.
3. Files of logins (docker's configuration, pull secrets): what tells most of the repository, then the first file's; if
   that does not let us in, the next one, as Kubernetes has it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from imagebot.errors import ImagebotError
from imagebot.registry.credentials import Found, KeptLogin, Login, LookUp, Source, SourceKind
from imagebot.registry.host import RegistryHost
from imagebot.registry.login_key import is_under
from imagebot.registry.message import Answer, Request

if TYPE_CHECKING:  # slow to load, and many registries have no login
    from imagebot.registry.docker_config import Entry, LoginFile
    from imagebot.registry.given_login import Cloud, GivenLogin


@dataclass(frozen=True, slots=True)
class LoginSources:
    """Where logins are looked for that no registry's own settings give."""

    docker_config: Path | None = None
    """Docker's `config.json`; it may not be there."""
    pull_secrets: tuple[Path, ...] = ()
    """Further files of logins, in their order; these have to be there."""
    clouds: frozenset["Cloud"] = frozenset()
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
        if sources.clouds:
            from imagebot.registry.given_login import find_cloud, make_default_login

            cloud = find_cloud(host.name)
            if cloud in sources.clouds:
                self._cloud = self._keep(self._make_look_up(make_default_login(cloud), ""))
        self._files = _open_files(sources)
        self._filed: dict[Entry, KeptLogin] = {}
        self._passed_over: dict[str, set[KeptLogin]] = {}
        self._nobody = self._keep(lambda: None)
        self._lock = threading.Lock()

    def choose(self, path: str) -> KeptLogin:
        """Return the login for a repository's path; one that finds none if there is none.

        Raises what looking up raises.
        """
        final = self._find_final(path)
        if final is not None:
            return final
        passed_over = self._passed_over.get(path, set())
        filed = (self._find_filed(entry) for entry in self._find_entries(path))
        return next((login for login in filed if login not in passed_over and login.find() is not None), self._nobody)

    def pass_over(self, path: str, denied: KeptLogin) -> bool:
        """Choose another login for a path from here on, as this one does not let us in there; tell if there is any.

        People keep several logins for one host in as many files, for repositories of different owners, and no key
        tells which is for which. If none lets us in, the choice begins anew.
        """
        if denied is self._nobody or self._find_final(path) is not None:
            return False
        with self._lock:
            self._passed_over.setdefault(path, set()).add(denied)
        if self.choose(path) is not self._nobody:
            return True
        with self._lock:
            self._passed_over.pop(path, None)
        return False

    def list_logins(self) -> tuple[tuple[str, KeptLogin], ...]:
        """Return every login that may be used, each with the shortest path that it is for; one of nobody if none is.

        Those that cannot be looked up are among them. Raises UnreadableCredentials.
        """
        # Where there is one for all, no file is asked.
        files = () if self._find_final("") is not None else self._files.values()
        keys = (entry.key for file in files for entry in file.list_entries())
        filed = [key.path for key in keys if key.matches_host(self._host.name)]
        shortest: dict[KeptLogin, str] = {}
        for path in sorted({"", *self._given, *filed}):
            final = self._find_final(path)
            found = map(self._find_filed, self._find_entries(path)) if final is None else (final,)
            for login in found:
                if login is final or _may_find(login):
                    shortest.setdefault(login, path)
        return tuple((path, login) for login, path in shortest.items()) or (("", self._nobody),)

    def _keep(self, look_up: LookUp) -> KeptLogin:
        return KeptLogin(look_up, monotonic=self._means.monotonic)

    def _make_look_up(self, login: "GivenLogin", prefix: str) -> LookUp:
        from imagebot.registry.given_login import Anonymous

        if isinstance(login, Anonymous):
            return lambda: None
        if isinstance(login, Login):
            part = f'.logins["{prefix}"]' if prefix else ""
            found = Found(login, Source(SourceKind.SETTINGS, f'registries["{self._host.name}"]{part} in the settings'))
            return lambda: found
        from imagebot.registry.cloud import look_up_cloud_login

        means = self._means
        return partial(look_up_cloud_login, login, self._host, send=means.send, timeout_s=means.timeout_s)

    def _find_final(self, path: str) -> KeptLogin | None:
        """Return the login of the settings or of a cloud: no other is looked for beside these."""
        prefixes = [prefix for prefix in self._given if is_under(path, prefix)]
        return self._given[max(prefixes, key=len)] if prefixes else self._cloud

    def _find_entries(self, path: str) -> tuple["Entry", ...]:
        found = [entry for file in self._files.values() for entry in file.find_entries(self._host.name, path)]
        return tuple(sorted(found, key=lambda entry: entry.key.rank))

    def _find_filed(self, entry: "Entry") -> KeptLogin:
        file, registry, timeout_s = self._files[entry.file], self._host.name, self._means.timeout_s
        with self._lock:
            kept = self._filed.get(entry)
            if kept is None:
                kept = self._keep(lambda: file.look_up(entry, registry, timeout_s=timeout_s))
                self._filed[entry] = kept
        return kept


def _open_files(sources: LoginSources) -> dict[Path, "LoginFile"]:
    """Return the files in the order in which they are looked at: what an operator names comes before docker's own."""
    if sources.docker_config is None and not sources.pull_secrets:
        return {}
    from imagebot.registry.docker_config import LoginFile

    files = {path: LoginFile(path, may_be_absent=False) for path in sources.pull_secrets}
    if sources.docker_config is not None:
        files.setdefault(sources.docker_config, LoginFile(sources.docker_config, may_be_absent=True))
    return files


def _may_find(login: KeptLogin) -> bool:
    try:
        return login.find() is not None
    except ImagebotError:
        return True


def list_filed_registries(sources: LoginSources) -> tuple[str, ...]:
    """Return the registries that files of logins name, patterns left out. Raises UnreadableCredentials."""
    keys = (entry.key for file in _open_files(sources).values() for entry in file.list_entries())
    return tuple(sorted({key.host for key in keys if key.host and "*" not in key.host}))
