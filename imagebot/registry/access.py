"""How a registry lets us in: which login or token goes with a request, and what a refusal teaches.

Nothing here opens a connection: `Access.authorize` is a generator that yields the requests to send, is given their
answers, and returns the last one. Bearer tokens are those of the distribution project's token specification
(https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/), Basic is RFC 7617.

The first request to a registry goes without a login; what its 401 asks for is then remembered for all that follow, so
there is no `/v2/` to ping. One token per scope serves all threads until it expires.
"""

import base64
import json
import re
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from imagebot.image.reference import DOCKER_HUB, Repository
from imagebot.registry.challenge import Challenge, parse_challenges
from imagebot.registry.credentials import Credentials, IdentityToken, KeptLogin, Login
from imagebot.registry.errors import AccessDenied, UnexpectedAnswer
from imagebot.registry.host import RegistryHost, find_origin
from imagebot.registry.message import Answer, Request
from imagebot.secret import Secret

# What a refusal teaches can help so often: hidden (404), then Basic where Bearer is wanted, then a token.
_MAX_TRIES = 4
_MAX_TOKEN_BYTES = 256 * 1024
_DEFAULT_EXPIRY_S = 60.0
_EXPIRY_MARGIN_S = 10.0
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
# OAuth 2 answers 400 to a refresh token it does not take.
_LOGIN_REFUSED = (400, 401, 403)


@dataclass(frozen=True, slots=True)
class Basic:
    """The registry wants user and password with every request."""


@dataclass(frozen=True, slots=True)
class TokenServer:
    """The registry wants a token from here; the realm has been checked."""

    realm: str
    service: str | None


Way = Basic | TokenServer


@dataclass(frozen=True, slots=True)
class Token:
    text: Secret
    expires_at: float
    """By the monotonic clock, some seconds before the server lets it end."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one request carries, and what it was made of."""

    way: Way | None = None
    credentials: Credentials | None = None
    token: Token | None = None
    is_kept: bool = False
    """The token was made for an earlier request, so it may have ended."""

    @property
    def authorization(self) -> Secret | None:
        if self.token is not None:
            return Secret(f"Bearer {self.token.text.reveal()}")
        if self.way == Basic() and isinstance(self.credentials, Login):
            return make_basic(self.credentials)
        return None


class _Slot:
    """The token of one repository; its lock lets one thread ask for it while the others wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.token: Token | None = None


class Access:
    """What is known of how one registry lets us in. All threads share it."""

    def __init__(self, host: RegistryHost, login: KeptLogin, *, monotonic: Callable[[], float]) -> None:
        self._host = host
        self._login = login
        self._monotonic = monotonic
        self._way: Way | None = None
        self._slots: dict[str, _Slot] = {}
        self._slots_lock = threading.Lock()

    def authorize(self, request: Request, *, repository: Repository) -> Generator[Request, Answer, Answer]:
        """Yield the request with what lets it in, and the token requests it takes; return the last answer.

        The answer is none of 401 and 403: those raise AccessDenied, after all has been tried that may help.
        """
        # A page that lives on another host, after a redirect, is none of our registry's business: no login goes there.
        is_ours = find_origin(request.url) == self._host.origin
        for _ in range(_MAX_TRIES):
            grant = (yield from self._make_grant(repository)) if is_ours else Grant()
            answer = yield replace(request, authorization=grant.authorization)
            if not is_ours or not self._learns_from(answer, grant, repository=repository):
                break
        if answer.status in (401, 403):
            raise AccessDenied(repository, self._explain_denial(answer, grant))
        return answer

    def _make_grant(self, repository: Repository) -> Generator[Request, Answer, Grant]:
        way = self._way
        if way is None:
            return Grant()
        if isinstance(way, Basic):
            return Grant(way, self._login.find())
        slot = self._find_slot(repository)
        with slot.lock:
            if slot.token is not None and self._monotonic() < slot.token.expires_at:
                return Grant(way, self._login.find(), slot.token, is_kept=True)
            slot.token = yield from self._ask_token(way, repository)
            return Grant(way, self._login.find(), slot.token)

    def _ask_token(self, server: TokenServer, repository: Repository) -> Generator[Request, Answer, Token]:
        credentials = self._login.find()
        asked_at = self._monotonic()
        answer = yield make_token_request(server, repository, credentials)
        if answer.status in _LOGIN_REFUSED and credentials is not None and self._login.renew(credentials):
            credentials = self._login.find()
            answer = yield make_token_request(server, repository, credentials)
        origin = find_origin(server.realm)
        token_host = origin.authority if origin is not None else server.realm
        if answer.status in _LOGIN_REFUSED and credentials is None:
            raise AccessDenied(repository, _explain_no_login(f"the token server {token_host}", self._host.name, answer))
        if answer.status in _LOGIN_REFUSED:
            reason = f"the token server {token_host} refused the login configured for {self._host.name}"
            raise AccessDenied(repository, f"{reason} ({answer.status}); check user and password")
        if answer.status != 200:
            raise UnexpectedAnswer(token_host, f"status {answer.status} where a token was asked for")
        return parse_token(answer.body, token_host, asked_at=asked_at)

    def _learns_from(self, answer: Answer, grant: Grant, *, repository: Repository) -> bool:
        """Keep what a refusal teaches, and tell whether another try may fare better for it."""
        if answer.status in (403, 404) and grant.way is None and isinstance(self._login.find(), Login):
            # Artifactory and others let anyone in, and hide what is not for anyone: 404 or 403, and no challenge.
            self._way = Basic()
            return True
        if answer.status != 401:
            return False
        way = find_way(parse_challenges(answer.headers.get("WWW-Authenticate", "")), self._host)
        if way is None:
            return False
        self._way = way
        if isinstance(way, TokenServer):
            self._forget(grant.token, repository)
            return grant.way != way or grant.is_kept
        if grant.way != way:
            return isinstance(self._login.find(), Login)
        return grant.credentials is not None and self._login.renew(grant.credentials)

    def _explain_denial(self, answer: Answer, grant: Grant) -> str:
        registry = self._host.name
        if self._login.find() is None:
            return _explain_no_login(registry, registry, answer)
        if answer.status == 403:
            return f"{registry} forbids it (403); the login configured for it may not read this repository"
        if grant.token is not None:
            return f"{registry} took the login, which may not read this repository, or there is none of this name (401)"
        if grant.authorization is not None:
            return f"{registry} refused the login configured for it (401); check user and password"
        return f"{registry} asks for a login in a way that the one configured for it cannot answer (401)"

    def _find_slot(self, repository: Repository) -> _Slot:
        with self._slots_lock:
            return self._slots.setdefault(repository.path, _Slot())

    def _forget(self, token: Token | None, repository: Repository) -> None:
        slot = self._find_slot(repository)
        with slot.lock:
            # Another thread may have brought a new one meanwhile.
            if slot.token is token:
                slot.token = None


def find_way(challenges: tuple[Challenge, ...], host: RegistryHost) -> Way | None:
    """Choose how to answer a 401: with a token if one of the challenges is Bearer, else with Basic; None is neither.

    Raises AccessDenied if the token server is one that may not see the registry's login, which holds for asking
    without a login as well: whom imagebot talks to is for the operator to say.
    """
    for challenge in challenges:
        if challenge.scheme == "bearer":
            return _check_realm(challenge, host)
    return Basic() if any(challenge.scheme == "basic" for challenge in challenges) else None


def _check_realm(challenge: Challenge, host: RegistryHost) -> TokenServer:
    realm = challenge.parameters.get("realm", "")
    origin = find_origin(realm)
    if origin is None or not _HEADER_SAFE.fullmatch(realm):
        raise UnexpectedAnswer(host.name, "it wants a token, but the realm to get it from is no web address")
    if origin.scheme == "http" and not host.plain_http:
        raise AccessDenied(
            host.name, f"it wants its login sent to {origin.authority} over plain HTTP, which is never done for it"
        )
    if not host.may_give_tokens(origin):
        raise AccessDenied(
            host.name,
            f"it wants its login sent to {origin.authority}, another host; "
            f"if that is right, add {origin.authority} to the token_hosts of {host.name} in the settings",
        )
    return TokenServer(realm, challenge.parameters.get("service"))


def make_token_request(server: TokenServer, repository: Repository, credentials: Credentials | None) -> Request:
    """Ask for a token: with GET, and Basic if there is a user; with POST if docker kept an identity token."""
    fields = {"service": server.service, "scope": f"repository:{repository.path}:pull"}
    if isinstance(credentials, IdentityToken):
        fields |= {
            "grant_type": "refresh_token",
            "client_id": "imagebot",
            "refresh_token": credentials.token.reveal(),
        }
        form = Secret(urlencode({key: value for key, value in fields.items() if value is not None}))
        return Request("POST", server.realm, _MAX_TOKEN_BYTES, form=form)
    query = urlencode({key: value for key, value in fields.items() if value is not None})
    parts = urlsplit(server.realm)
    url = parts._replace(query=f"{parts.query}&{query}" if parts.query else query, fragment="").geturl()
    authorization = make_basic(credentials) if credentials is not None else None
    return Request("GET", url, _MAX_TOKEN_BYTES, authorization=authorization)


def make_basic(login: Login) -> Secret:
    pair = f"{login.username}:{login.password.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(pair).decode()}")


def parse_token(body: bytes, token_host: str, *, asked_at: float) -> Token:
    """Read a token server's answer; `issued_at` is left alone, for it goes by a clock that may be off.

    Raises UnexpectedAnswer, never showing what was read.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        # Not chained: the cause would hold the text, and with it a token.
        raise UnexpectedAnswer(token_host, "what should be a token is no JSON") from None
    fields = answer if isinstance(answer, dict) else {}
    text = fields.get("token") or fields.get("access_token")
    if not isinstance(text, str) or not _HEADER_SAFE.fullmatch(text):
        raise UnexpectedAnswer(token_host, 'its answer holds no token: neither "token" nor "access_token" is a text')
    expires_in_s = fields.get("expires_in")
    if not isinstance(expires_in_s, int | float) or not expires_in_s > 0:
        expires_in_s = _DEFAULT_EXPIRY_S
    return Token(Secret(text), asked_at + expires_in_s - _EXPIRY_MARGIN_S)


def _explain_no_login(who: str, registry: str, answer: Answer) -> str:
    # Docker Hub answers 401, not 404, where no such repository exists.
    hub = (
        "; check the name as well: Docker Hub answers the same for one it does not know"
        if registry == DOCKER_HUB
        else ""
    )
    return f"{who} asks for a login ({answer.status}), and none is configured for {registry}{hub}"
