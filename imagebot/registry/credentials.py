"""Logins: what they are, where they come from, and one kept for all threads until it ends or is refused.

How one is looked up is a function passed in: `docker_config.py`, `helper.py` and the clouds' modules have them, and
`logins.py` chooses among them.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from imagebot.errors import ImagebotError
from imagebot.secret import Secret

# So that a helper that hangs, or a login that is refused, costs a round its time once, not once for every repository.
_FAILURE_KEPT_S = 60.0
# A `docker login` made meanwhile is found at the latest after this.
_NOTHING_KEPT_S = 300.0
# A login is renewed this long before it ends. Not longer than a share of its time: Google's metadata server hands the
# same token out again until minutes before its end, and each request would ask for it.
_MARGIN_S = 300.0
_MARGIN_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Login:
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """What stands in place of a password where the token server hands it out: `docker login` keeps it."""

    token: Secret


Credentials = Login | IdentityToken


class SourceKind(StrEnum):
    SETTINGS = "settings"
    FILE = "file"  # docker's config.json, a pull secret
    HELPER = "helper"
    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a login comes from; as a text, how a person finds it: `the key ghcr.io of /root/.docker/config.json`."""

    kind: SourceKind
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Found:
    """A login, and where it comes from."""

    credentials: Credentials
    source: Source
    lasts_s: float | None = None
    """For how long it can be used; None if that is not known."""


LookUp = Callable[[], Found | None]


class KeptLogin:
    """Looks a login up when it is first needed, and keeps the finding: also that there is none, and for a minute an
    error.

    Shortly before a login ends it is looked up anew, by one thread while the others wait. If that fails, the old one
    serves until its end.
    """

    def __init__(self, look_up: LookUp, *, monotonic: Callable[[], float]) -> None:
        self._look_up = look_up
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._turns = threading.Lock()
        self._rotates: bool | None = None
        self._found: Found | None = None
        self._renew_at = self._ends_at = float("-inf")
        self._failure: ImagebotError | None = None
        self._look_again_at = float("-inf")

    def find(self) -> Found | None:
        """Return the login, None if there is none; raises what the look-up raises."""
        with self._lock:
            return self._find()

    def renew(self, refused: Credentials) -> bool:
        """Look again if it is the kept login that was refused; tell whether there is another now.

        Credential helpers hand out passwords that end, and mounted secrets are replaced.
        """
        with self._lock:
            if self._found is not None and self._found.credentials == refused:
                if self._monotonic() < self._look_again_at:
                    return False
                self._renew_at = self._ends_at = float("-inf")
            found = self._find()
            if found is not None and found.credentials == refused:
                self._look_again_at = self._monotonic() + _FAILURE_KEPT_S
            return found is not None and found.credentials != refused

    def find_remaining_s(self) -> float | None:
        """Return for how long the kept login can be used; None if that is not known."""
        remaining_s = self._ends_at - self._monotonic()
        return remaining_s if 0 <= remaining_s < float("inf") else None

    @contextmanager
    def take_turn(self) -> Iterator[Found | None]:
        """Give the login for one request for a token.

        Identity tokens may rotate: the answer holds the next one, and the one that was used is good no more. So they
        are used one at a time, unless the first answer has shown that here they stay.
        """
        found = self.find()
        if found is None or not isinstance(found.credentials, IdentityToken) or self._rotates is False:
            yield found
            return
        with self._turns:
            yield self.find()

    def rotate(self, used: IdentityToken, following: Secret | None) -> None:
        """Keep the identity token that follows the one used; None if the answer named none."""
        with self._lock:
            rotates = following is not None and following != used.token
            self._rotates = self._rotates or rotates
            if following is None or not rotates or self._found is None or self._found.credentials != used:
                return
            self._found = Found(IdentityToken(following), self._found.source)
            # Its end is not known: the one of the token before it says nothing.
            self._renew_at = self._ends_at = float("inf")

    def _find(self) -> Found | None:
        now = self._monotonic()
        if now < self._renew_at:
            return self._found
        if now >= self._look_again_at:
            try:
                self._keep(self._look_up(), now)
            except ImagebotError as error:
                self._failure, self._look_again_at = error, now + _FAILURE_KEPT_S
            else:
                return self._found
        if self._failure is not None and now >= self._ends_at:
            raise self._failure.with_traceback(None)
        return self._found

    def _keep(self, found: Found | None, now: float) -> None:
        lasts_s = found.lasts_s if found is not None else _NOTHING_KEPT_S
        self._found, self._failure = found, None
        self._ends_at = now + lasts_s if lasts_s is not None else float("inf")
        self._renew_at = self._ends_at - min(_MARGIN_S, _MARGIN_SHARE * (lasts_s or 0.0))
