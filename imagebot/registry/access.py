"""How a registry lets us in: which login or token goes with a request, and what a refusal teaches.

Nothing here opens a connection: `Access.authorize` is a generator that yields the requests to send, is given their
answers, and returns the last one. `token.py` makes and reads what goes to a token server.

The first request to a registry goes without a login; what its 401 asks for is then remembered for all that follow, so
there is no `/v2/` to ping. One token per scope serves all threads until it ends.
"""

import re
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from imagebot.image.reference import DOCKER_HUB, Repository
from imagebot.registry.challenge import Challenge, parse_challenges
from imagebot.registry.credentials import Found, IdentityToken, KeptLogin, Login, SourceKind
from imagebot.registry.errors import AccessDenied, UnexpectedAnswer
from imagebot.registry.host import RegistryHost, find_origin
from imagebot.registry.message import Answer, Request
from imagebot.registry.token import Token, TokenServer, make_basic, make_token_request, parse_token
from imagebot.secret import Secret

# What a refusal teaches can help so often: hidden (404), then Basic where Bearer is wanted, then a token.
_MAX_TRIES = 4
_MAX_LOGINS = 10
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
_REFUSALS = (400, 401, 403, 404)
# OAuth 2 answers 400 to a refresh token it does not take.
_LOGIN_REFUSED = (400, 401, 403)
_CLOUD_ADVICE = "does the identity have a role that may pull?"
_ADVICE = {
    SourceKind.SETTINGS: "check user and password",
    SourceKind.FILE: "check user and password",
    SourceKind.HELPER: "log in again, as the helper wants it",
    SourceKind.AWS: _CLOUD_ADVICE,
    SourceKind.GCP: _CLOUD_ADVICE,
    SourceKind.AZURE: _CLOUD_ADVICE,
}


@dataclass(frozen=True, slots=True)
class Basic:
    """The registry wants user and password with every request."""


Way = Basic | TokenServer


@dataclass(frozen=True, slots=True)
class Errand:
    """What access is wanted to: a repository, or with no scope the registry as such, as far as a login is good for."""

    subject: Repository | str
    path: str
    scope: str | None

    @classmethod
    def to_repository(cls, repository: Repository) -> "Errand":
        return cls(repository, repository.path, f"repository:{repository.path}:pull")

    @classmethod
    def to_registry(cls, registry: str, path: str = "") -> "Errand":
        """Go no further than the door, with the login that is for this path."""
        return cls(f"{registry}/{path}" if path else registry, path, None)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one request carries, and what it was made of."""

    way: Way | None = None
    found: Found | None = None
    token: Token | None = None
    is_kept: bool = False
    """The token was made for an earlier request, so it may have ended."""

    @property
    def authorization(self) -> Secret | None:
        if self.token is not None:
            return Secret(f"Bearer {self.token.text.reveal()}")
        if self.way == Basic() and self.found is not None and isinstance(self.found.credentials, Login):
            return make_basic(self.found.credentials)
        return None


class _Slot:
    """The token of one scope, and the way in; its lock lets one thread ask for the token while the others wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.token: Token | None = None
        self.login: KeptLogin | None = None
        """What the token was made for."""
        self.way: Way | None = None


class _Visit:
    """One run of an errand, all of it with one login; which one is looked up where a login is first wanted."""

    def __init__(self, errand: Errand, choose: Callable[[str], KeptLogin]) -> None:
        self.errand = errand
        self._choose = choose
        self._login: KeptLogin | None = None

    @property
    def login(self) -> KeptLogin:
        if self._login is None:
            self._login = self._choose(self.errand.path)
        return self._login

    @property
    def has_password(self) -> bool:
        found = self.login.find()
        return found is not None and isinstance(found.credentials, Login)


class Access:
    """What is known of how one registry lets us in. All threads share it.

    `choose` gives the login for a path, and another one after `pass_over` was told that one does not let us in there,
    and has said that there is another.
    """

    def __init__(
        self,
        host: RegistryHost,
        choose: Callable[[str], KeptLogin],
        *,
        pass_over: Callable[[str, KeptLogin], bool] = lambda _path, _login: False,
        monotonic: Callable[[], float],
    ) -> None:
        self._host = host
        self._choose = choose
        self._pass_over = pass_over
        self._monotonic = monotonic
        self._way: Way | None = None
        self._slots: dict[tuple[str, str | None], _Slot] = {}
        self._slots_lock = threading.Lock()

    def authorize(self, request: Request, errand: Errand) -> Generator[Request, Answer, Answer]:
        """Yield the request with what lets it in, and the token requests it takes; return the last answer.

        The answer is none of 401 and 403: those raise AccessDenied, after all has been tried that may help.
        """
        # A page that lives on another host, after a redirect, is none of our registry's business: no login goes there.
        is_ours = find_origin(request.url) == self._host.origin
        denials: list[AccessDenied] = []
        while True:
            visit = _Visit(errand, self._choose)
            try:
                return (yield from self._go(request, visit, is_ours=is_ours))
            except AccessDenied as error:
                denials.append(error)
            if not is_ours or len(denials) >= _MAX_LOGINS or not self._pass_over(errand.path, visit.login):
                break
        if len(denials) == 1:
            raise denials[0]
        more = f"; {len(denials) - 1} more of the logins for it were tried, and none lets us in"
        raise AccessDenied(errand.subject, f"{denials[0].reason}{more}")

    def _go(self, request: Request, visit: _Visit, *, is_ours: bool) -> Generator[Request, Answer, Answer]:
        for _ in range(_MAX_TRIES):
            grant = (yield from self._make_grant(visit)) if is_ours else Grant()
            answer = yield replace(request, authorization=grant.authorization)
            if not is_ours or not self._learns_from(answer, grant, visit):
                break
        if answer.status in (401, 403):
            raise AccessDenied(visit.errand.subject, self._explain_denial(answer, grant, visit))
        return answer

    def find_token_end_s(self, errand: Errand) -> float | None:
        """Return for how long the token that is kept for the errand will be used; None if there is none."""
        token = self._find_slot(errand).token
        return max(0.0, token.expires_at - self._monotonic()) if token is not None else None

    def _make_grant(self, visit: _Visit) -> Generator[Request, Answer, Grant]:
        slot = self._find_slot(visit.errand)
        # Artifactory has a token server for each part of its repositories.
        way = slot.way or self._way
        if way is None:
            return Grant()
        if isinstance(way, Basic):
            return Grant(way, visit.login.find())
        with slot.lock:
            token = slot.token if slot.login is visit.login else None
            is_kept = token is not None and self._monotonic() < token.expires_at
            if not is_kept:
                slot.token = None
                slot.token, slot.login, slot.way = (yield from self._ask_token(way, visit)), visit.login, way
            return Grant(way, token=slot.token, is_kept=is_kept)

    def _ask_token(self, server: TokenServer, visit: _Visit) -> Generator[Request, Answer, Token]:
        with visit.login.take_turn() as first:
            found, asked_at = first, self._monotonic()
            answer = yield _ask_with(server, visit, found)
            if answer.status in _LOGIN_REFUSED and found is not None and visit.login.renew(found.credentials):
                found = visit.login.find()
                answer = yield _ask_with(server, visit, found)
            self._check_token_answer(answer, server, visit, found=found)
            token = parse_token(answer.body, _find_host(server), asked_at=asked_at)
            if found is not None and isinstance(found.credentials, IdentityToken):
                visit.login.rotate(found.credentials, token.following)
            return token

    def _check_token_answer(self, answer: Answer, server: TokenServer, visit: _Visit, *, found: Found | None) -> None:
        if answer.status == 200:
            return
        token_host = _find_host(server)
        if answer.status not in _LOGIN_REFUSED:
            # It may be that the registry has another by now.
            self._way = self._find_slot(visit.errand).way = None
            raise UnexpectedAnswer(token_host, f"status {answer.status} where a token was asked for")
        who = f"the token server {token_host}"
        if found is None:
            raise AccessDenied(visit.errand.subject, _explain_no_login(who, self._host.name, answer))
        refused = f"{who} refused the login from {found.source} ({answer.status})"
        # GitHub and GitLab forbid so what the login may not read, if it is a good one.
        condition = "if it may read this repository, " if answer.status == 403 and visit.errand.scope else ""
        raise AccessDenied(visit.errand.subject, f"{refused}; {condition}{_ADVICE[found.source.kind]}")

    def _learns_from(self, answer: Answer, grant: Grant, visit: _Visit) -> bool:
        """Keep what a refusal teaches, and tell whether another try may fare better for it."""
        if answer.status not in _REFUSALS:
            return False
        if grant.token is not None:
            return self._learns_of_token(answer, grant, visit)
        if answer.status == 401:
            way = _find_way_in(answer, self._host)
            return way is not None and self._learns_way(way, grant, visit)
        if grant.way is None and answer.status != 400 and visit.has_password:
            # Artifactory and others let anyone in, and hide what is not for anyone: 404 or 403, and no challenge.
            self._remember(Basic(), visit)
            return True
        # ECR forbids so a password that has ended.
        return answer.status == 403 and _renews(grant, visit)

    def _learns_of_token(self, answer: Answer, grant: Grant, visit: _Visit) -> bool:
        """Learn that a token has ended, or knows nothing yet of what its user may read since it was made.

        Few registries say so as the specification has it: Harbor asks for Basic, the public ECR answers 400.
        """
        if grant.token is None or answer.status == 404 or not (grant.is_kept or answer.status == 401):
            return False
        self._forget(grant.token, visit)
        way = _find_way_in(answer, self._host) if answer.status == 401 else None
        if isinstance(way, TokenServer) and way != grant.way:
            self._remember(way, visit)
            return True
        if way is None or isinstance(way, Basic):
            # Where not even a new token helps, the next request begins anew.
            self._remember(grant.way if grant.is_kept else None, visit)
        return grant.is_kept

    def _learns_way(self, way: Way, grant: Grant, visit: _Visit) -> bool:
        self._remember(way, visit)
        if grant.way != way:
            return isinstance(way, TokenServer) or visit.has_password
        return _renews(grant, visit)

    def _explain_denial(self, answer: Answer, grant: Grant, visit: _Visit) -> str:
        registry = self._host.name
        found = visit.login.find()
        if found is None:
            return _explain_no_login(registry, registry, answer)
        which, advice = f"the login from {found.source}", _ADVICE[found.source.kind]
        if answer.status == 403:
            return f"{registry} forbids it (403): {which} may not read this repository"
        if grant.token is not None:
            return f"{registry} took {which}, which may not read this repository, or there is none of this name (401)"
        if grant.authorization is not None:
            return f"{registry} refused {which} (401); {advice}"
        return f"{registry} asks for a login in a way that {which} cannot answer (401)"

    def _remember(self, way: Way | None, visit: _Visit) -> None:
        self._way = self._find_slot(visit.errand).way = way

    def _find_slot(self, errand: Errand) -> _Slot:
        with self._slots_lock:
            return self._slots.setdefault((errand.path, errand.scope), _Slot())

    def _forget(self, token: Token, visit: _Visit) -> None:
        slot = self._find_slot(visit.errand)
        with slot.lock:
            # Another thread may have brought a new one meanwhile.
            if slot.token is token:
                slot.token = None


def _find_way_in(answer: Answer, host: RegistryHost) -> Way | None:
    return find_way(parse_challenges(answer.headers.get("WWW-Authenticate", "")), host)


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


def _renews(grant: Grant, visit: _Visit) -> bool:
    return grant.found is not None and visit.login.renew(grant.found.credentials)


def _ask_with(server: TokenServer, visit: _Visit, found: Found | None) -> Request:
    return make_token_request(server, visit.errand.scope, found.credentials if found is not None else None)


def _find_host(server: TokenServer) -> str:
    origin = find_origin(server.realm)
    return origin.authority if origin is not None else server.realm


def _explain_no_login(who: str, registry: str, answer: Answer) -> str:
    # Docker Hub answers 401, not 404, where no such repository exists.
    hub = (
        "; check the name as well: Docker Hub answers the same for one it does not know"
        if registry == DOCKER_HUB
        else ""
    )
    return f"{who} asks for a login ({answer.status}), and none is configured for {registry}{hub}"
