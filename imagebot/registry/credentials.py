"""Logins: what they are, and one kept per registry for all threads.

Where they come from is a function passed in; `docker_config.py` has the one that asks docker's configuration.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from imagebot.errors import ImagebotError
from imagebot.secret import Secret

# So that a helper that hangs costs a round its time once, not once for every repository.
_FAILURE_KEPT_S = 60.0


@dataclass(frozen=True, slots=True)
class Login:
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """What `docker login` keeps in place of a password where the token server hands it out."""

    token: Secret


Credentials = Login | IdentityToken


class KeptLogin:
    """Looks a login up when it is first needed and keeps the finding, also if that is an error (for a minute)."""

    def __init__(self, look_up: Callable[[], Credentials | None], *, monotonic: Callable[[], float]) -> None:
        self._look_up = look_up
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._is_known = False
        self._credentials: Credentials | None = None
        self._failure: ImagebotError | None = None
        self._failed_at = 0.0

    def find(self) -> Credentials | None:
        """Return the login, None if there is none; raises what the look-up raises."""
        with self._lock:
            return self._find()

    def renew(self, refused: Credentials) -> bool:
        """Look again if it is the kept login that was refused; tell whether there is another now.

        Credential helpers hand out passwords that end: those of Amazon's registries after twelve hours.
        """
        with self._lock:
            if self._credentials == refused:
                self._is_known = False
            return self._find() not in (refused, None)

    def _find(self) -> Credentials | None:
        if self._failure is not None and self._monotonic() < self._failed_at + _FAILURE_KEPT_S:
            raise self._failure.with_traceback(None)
        if not self._is_known:
            self._failure = None
            try:
                self._credentials = self._look_up()
            except ImagebotError as error:
                self._failure, self._failed_at = error, self._monotonic()
                raise
            self._is_known = True
        return self._credentials
