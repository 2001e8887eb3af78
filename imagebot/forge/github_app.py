"""Logging in to GitHub as an App: its signed word is exchanged for a token of its installation in a project."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jwt  # as PyGithub signs with it
from github.Auth import AppAuth, AppAuthToken
from pydantic import TypeAdapter

from imagebot.forge.errors import UnfitProject, UnknownProject, UnusableForge
from imagebot.forge.github_api import GitHubApi
from imagebot.forge.interface import ForgeProject
from imagebot.secret import Secret

_NEEDED = "id and private key to be of one App, and the clock of this machine to be right"
# Tokens hold for an hour; a round that begins with one has to end with it.
_REMEMBERED_S = 2400.0


@dataclass(frozen=True, slots=True)
class Installation:
    """An App in a project: the token that stands for it for a while, and what it may do there."""

    token: Secret
    permissions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Found:
    id: int


@dataclass(frozen=True, slots=True)
class _Token:
    token: str
    permissions: dict[str, str] = field(default_factory=dict)


_FOUND = TypeAdapter(_Found)
_TOKEN = TypeAdapter(_Token)


class GitHubApp:
    """One App of one GitHub; it may be used by several threads, and remembers the tokens it got."""

    def __init__(
        self,
        app_id: str,
        private_key: Secret,
        *,
        make_project: Callable[[str, Secret], ForgeProject],
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`make_project` makes of a project's path and what stands for a token how it is reached."""
        self._app_id = app_id
        self._private_key = private_key
        self._make_project = make_project
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Installation]] = {}

    def log_in(self, path: str) -> Installation:
        """Find the installation in a project and get a token for that project alone: two requests, or none."""
        with self._lock:
            until_s, known = self._known.get(path, (0.0, None))
            if known is None or self._clock() >= until_s:
                known = self._log_in(path)
                self._known[path] = (self._clock() + _REMEMBERED_S, known)
            return known

    def _log_in(self, path: str) -> Installation:
        project = self._make_project(path, self._sign(path))
        word = project.token.reveal()
        api = GitHubApi(project, auth=AppAuthToken(word), needed=_NEEDED, timeout_s=self._timeout_s)
        try:
            found = api.repo.get("installation", _FOUND)
            body = {"repositories": [path.rpartition("/")[2]]}
            answer = api.repo.post(f"/app/installations/{found.id}/access_tokens", body, _TOKEN)
        except UnknownProject as error:
            reason = "the App is not installed in it, or there is no such project"
            raise UnfitProject(project.host, path, reason) from error
        finally:
            api.close()
        return Installation(Secret(answer.token), answer.permissions)

    def _sign(self, path: str) -> Secret:
        try:
            return Secret(AppAuth(self._app_id, self._private_key.reveal()).token)
        except (ValueError, jwt.PyJWTError):
            host = self._make_project(path, Secret("none")).host
            raise UnusableForge(host, "the App's private key is no RSA key in PEM, as GitHub gives it") from None
