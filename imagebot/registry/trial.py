"""Trying a login to see what becomes of it: each request and answer on the way, and what it all means.

It goes the way that every request goes (`access.py`), so what works here works there. What an answer says of itself is
kept for people who look for a fault: one line, and never if it holds what was sent to log in.
"""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from imagebot.errors import ImagebotError, NeedsOperator
from imagebot.image.reference import Repository
from imagebot.registry.access import Access, Errand
from imagebot.registry.challenge import parse_challenges
from imagebot.registry.credentials import Found, KeptLogin, Login
from imagebot.registry.errors import UnknownRepository
from imagebot.registry.host import RegistryHost
from imagebot.registry.logins import HostLogins
from imagebot.registry.message import Answer, Request
from imagebot.registry.token import make_basic

_LIMIT_BYTES = 16 * 1024 * 1024
_LONGEST_SAYING = 200
_SHOWN_KEYS = frozenset({"service", "scope", "n", "last"})


class Carried(StrEnum):
    """What a request had with it to be let in."""

    NOTHING = "no login"
    PASSWORD = "user and password"  # noqa: S105  # a kind, no secret
    IDENTITY = "an identity token"
    TOKEN = "the token"  # noqa: S105  # a kind, no secret


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    OPEN = "open"  # no login was asked for
    REFUSED = "refused"  # only a login or a permission helps
    FAILED = "failed"  # it may work later


@dataclass(frozen=True, slots=True)
class Step:
    """One request, and how it was answered."""

    method: str
    url: str
    carried: Carried
    status: int
    said: str
    """What it asks for, or says of itself; may be empty."""


@dataclass(frozen=True, slots=True)
class Trial:
    subject: Repository | str
    verdict: Verdict
    found: Found | None
    """The login for it, whether or not it was asked for."""
    reason: str
    steps: tuple[Step, ...]
    login_lasts_s: float | None = None
    token_lasts_s: float | None = None

    @property
    def has_worked(self) -> bool:
        return self.verdict in (Verdict.ACCEPTED, Verdict.OPEN)


@dataclass(frozen=True, slots=True)
class Entrance:
    """How one registry lets us in."""

    host: RegistryHost
    logins: HostLogins
    send: Callable[[Request], Answer]
    monotonic: Callable[[], float]


def try_repository(entrance: Entrance, repository: Repository) -> Trial:
    """See whether the tags of a repository can be read."""
    logins = entrance.logins
    access = Access(entrance.host, logins.choose, pass_over=logins.pass_over, monotonic=entrance.monotonic)
    url = f"{entrance.host.base_url}/v2/{repository.path}/tags/list?n=1"
    return _Attempt(entrance, Errand.to_repository(repository), access, logins.choose).run(url)


def try_logins(entrance: Entrance) -> tuple[Trial, ...]:
    """See for each login of a registry, or of a part of it, whether it is taken, as `docker login` does."""
    try:
        logins = entrance.logins.list_logins()
    except ImagebotError as error:
        return (Trial(entrance.host.name, Verdict.REFUSED, None, str(error), ()),)
    return tuple(_try_login(entrance, path, login) for path, login in logins)


def _try_login(entrance: Entrance, path: str, login: KeptLogin) -> Trial:
    access = Access(entrance.host, lambda _: login, monotonic=entrance.monotonic)
    errand = Errand.to_registry(entrance.host.name, path)
    return _Attempt(entrance, errand, access, lambda _: login).run(f"{entrance.host.base_url}/v2/")


class _Attempt:
    """One run through the entrance, with everything that happens on the way, and nothing known beforehand."""

    def __init__(self, entrance: Entrance, errand: Errand, access: Access, choose: Callable[[str], KeptLogin]) -> None:
        self._entrance, self._errand, self._access, self._choose = entrance, errand, access, choose
        self._steps: list[Step] = []
        self._found: Found | None = None

    def run(self, url: str) -> Trial:
        request = Request("GET", url, _LIMIT_BYTES)
        try:
            self._found = self._choose(self._errand.path).find()
            answer = self._ask(request)
            # It may be another by now: renewed, or the next one that there is.
            login = self._choose(self._errand.path)
            self._found = login.find()
            verdict, reason = self._judge(answer, request)
            return Trial(
                self._errand.subject,
                verdict,
                self._found,
                reason,
                tuple(self._steps),
                login_lasts_s=login.find_remaining_s() if self._found is not None else None,
                token_lasts_s=self._access.find_token_end_s(self._errand),
            )
        except ImagebotError as error:
            verdict = Verdict.REFUSED if isinstance(error, NeedsOperator) else Verdict.FAILED
            return Trial(self._errand.subject, verdict, self._found, str(error), tuple(self._steps))

    def _ask(self, request: Request) -> Answer:
        with closing(self._access.authorize(request, self._errand)) as steps:
            step = next(steps)
            while True:
                answer = self._send(step)
                try:
                    step = steps.send(answer)
                except StopIteration as end:
                    last: Answer = end.value
                    return last

    def _send(self, request: Request) -> Answer:
        answer = self._entrance.send(request)
        said = _find_challenge(answer) or _find_saying(answer, _list_secrets(request, self._found))
        self._steps.append(Step(request.method, _show_url(request.url), _find_carried(request), answer.status, said))
        return answer

    def _judge(self, answer: Answer, request: Request) -> tuple[Verdict, str]:
        subject, registry = self._errand.subject, self._entrance.host.name
        if answer.status == 404 and isinstance(subject, Repository):
            return Verdict.REFUSED, str(UnknownRepository(subject))
        if answer.status != 200:
            return Verdict.FAILED, f"{registry} answered {answer.status}; is it a registry?"
        if any(step.carried is not Carried.NOTHING for step in self._steps):
            return Verdict.ACCEPTED, ""
        if isinstance(subject, Repository) or self._found is None or not isinstance(self._found.credentials, Login):
            return Verdict.OPEN, ""
        return self._judge_unasked(request, self._found, self._found.credentials)

    def _judge_unasked(self, request: Request, found: Found, login: Login) -> tuple[Verdict, str]:
        """Show a login to a registry that lets anyone in: some refuse a wrong one all the same."""
        answer = self._send(replace(request, authorization=make_basic(login)))
        if answer.status in (401, 403):
            return (
                Verdict.REFUSED,
                f"{self._entrance.host.name} lets anyone in, but not with the login from {found.source}",
            )
        return Verdict.OPEN, "it lets anyone in: whether the login is good shows an image that is not for anyone"


def _find_carried(request: Request) -> Carried:
    if request.form is not None:
        return Carried.IDENTITY
    if request.authorization is None:
        return Carried.NOTHING
    return Carried.PASSWORD if request.authorization.reveal().startswith("Basic ") else Carried.TOKEN


def _list_secrets(request: Request, found: Found | None) -> tuple[str, ...]:
    """List what must not be shown if an answer repeats it."""
    secrets = [request.authorization, request.form]
    if found is not None:
        credentials = found.credentials
        secrets.append(credentials.password if isinstance(credentials, Login) else credentials.token)
    texts = [secret.reveal() for secret in secrets if secret]
    return (*texts, *(text.partition(" ")[2] for text in texts if " " in text))


def _show_url(url: str) -> str:
    """Return the URL with only those keys of its query that hold no secret."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key in _SHOWN_KEYS]
    return unquote(parts._replace(query=urlencode(query)).geturl())


def _find_challenge(answer: Answer) -> str:
    """Say what a 401 asks for."""
    if answer.status != 401:
        return ""
    for challenge in parse_challenges(answer.headers.get("WWW-Authenticate", "")):
        if challenge.scheme == "bearer":
            fault = f" ({challenge.parameters['error']})" if "error" in challenge.parameters else ""
            return f"it wants a token from {_show_url(challenge.parameters.get('realm', 'nowhere'))}{fault}"
        if challenge.scheme == "basic":
            return "it wants user and password"
    return ""


def _find_saying(answer: Answer, secrets: tuple[str, ...]) -> str:
    """Return what an error says of itself: the distribution-spec's code and message, or an OAuth error."""
    if answer.status < 400:
        return ""
    try:
        fields = json.loads(answer.body)
        error = fields["errors"][0] if fields.get("errors") else fields
        parts = [error.get(key) for key in ("code", "error", "message", "details", "error_description")]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return ""
    said = ": ".join(part for part in parts if isinstance(part, str) and part)
    return "" if any(secret in said for secret in secrets if secret) else said[:_LONGEST_SAYING]
