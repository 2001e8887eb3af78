"""What holds for the answers of every forge: how much of one is read, which is an error and which, and in whose words.

It answers for what is alike in HTTP: statuses, redirects, waits, certificates, bounds. Where an answer of one forge
means something else, that forge's module says so before it is looked at here.
"""

import ssl
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import TypeAdapter, ValidationError

from imagebot import traffic
from imagebot.errors import ImagebotError
from imagebot.forge.errors import (
    ForgeAccessDenied,
    ForgeConflict,
    ForgeMoved,
    ForgeRateLimited,
    ForgeRefused,
    ForgeUnavailable,
    UnexpectedForgeAnswer,
    UnknownProject,
    UntrustedForge,
)
from imagebot.forge.interface import ForgeProject
from imagebot.secret import MASK

T = TypeVar("T")

# A hundred merge requests, each with the longest description that a forge takes.
MAX_ANSWER_BYTES = 128 << 20
_MAX_ERROR_BYTES = 1 << 16
_MAX_SAID = 300
_LONGEST_WAIT_S = 86_400.0
_SILENT = "it does not say why"
_ERROR_BODY = TypeAdapter(dict[str, Any])

Meaning = Callable[[requests.Response, str], ImagebotError | None]
"""What an answer other than success means to one forge, from the answer and what it says; None if nothing special."""


class Answers:
    """Reads what a forge answers about one project. `needed` are the rights that the token has to have."""

    def __init__(
        self, project: ForgeProject, *, needed: str, timeout_s: float, find_meaning: Meaning = lambda _, __: None
    ) -> None:
        self._project = project
        self._needed = needed
        self._timeout_s = timeout_s
        self._find_meaning = find_meaning

    def make_session(self) -> requests.Session:
        """Make a session in which every answer but a success raises, before anything else looks at it.

        So no redirect is followed: the header that carries the token would go along to another host.
        """
        session = requests.Session()
        # Else a user's .netrc would replace the token.
        session.auth = _keep
        # Over plain HTTP, a proxy that the environment names would see the token.
        session.trust_env = self._project.is_encrypted
        session.hooks["response"].append(self._refuse)
        return session

    @property
    def verify(self) -> str | bool:
        # Given as a path it is not overridden by REQUESTS_CA_BUNDLE.
        return str(self._project.ca_file) if self._project.ca_file else True

    def read(self, response: requests.Response) -> bytes:
        return self._read(response, MAX_ANSWER_BYTES)

    def parse(self, content: bytes, answer: TypeAdapter[T]) -> T:
        try:
            return answer.validate_json(content)
        except ValidationError as error:
            # Its own text quotes what it read.
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UnexpectedForgeAnswer(self._project.host, f"{where}: {first['msg']}".removeprefix(": ")) from None

    def unreached(self, error: requests.RequestException) -> ImagebotError:
        """Make the error for a request that was not answered."""
        host = self._project.host
        traffic.note(host, None)
        if _was_certificate_refused(error):
            return UntrustedForge(host, str(self._project.ca_file or "the certificate authorities of this machine"))
        if isinstance(error, requests.Timeout):
            return ForgeUnavailable(host, f"no answer within {self._timeout_s:g} s")
        return ForgeUnavailable(host, "the connection failed")

    def _read(self, response: requests.Response, limit: int) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(1 << 16):
            content += chunk
            if len(content) > limit:
                response.close()
                raise UnexpectedForgeAnswer(self._project.host, f"it has more than {limit} bytes")
        return bytes(content)

    def _refuse(self, response: requests.Response, **_: object) -> None:
        traffic.note(self._project.host, response.status_code, response.headers)
        if not response.ok or response.status_code >= 300:
            try:
                raise self._error_of(response)
            finally:
                response.close()

    def _error_of(self, response: requests.Response) -> ImagebotError:
        host, path, status = self._project.host, self._project.path, response.status_code
        if status >= 500 or status == 408:
            return ForgeUnavailable(host, f"it answered HTTP {status}")
        if status < 400:
            return ForgeMoved(host, path, _describe_location(response))
        said = self._find_message(response)
        return self._find_meaning(response, said) or self._refusal_of(response, said)

    def _refusal_of(self, response: requests.Response, said: str) -> ImagebotError:
        host, path, status = self._project.host, self._project.path, response.status_code
        if status == 404:
            return UnknownProject(host, path)
        if status == 429:
            return ForgeRateLimited(host, find_wait_s(response.headers))
        if status in {401, 403}:
            return ForgeAccessDenied(host, status, project=path, needed=self._needed, said=said)
        return ForgeConflict(host, said) if status == 409 else ForgeRefused(host, status, said)

    def _find_message(self, response: requests.Response) -> str:
        """Find what the forge says in an error, shortened, and without the token should it be repeated there."""
        try:
            body = _ERROR_BODY.validate_json(self._read(response, _MAX_ERROR_BYTES))
        except (ValidationError, UnexpectedForgeAnswer):
            return _SILENT
        said = body.get("message") or body.get("error_description") or body.get("error") or _SILENT
        # GitHub says only here what is wrong with which field.
        return self.make_line(_in_words(said) + _in_detail(body.get("errors")))

    def make_line(self, said: str) -> str:
        """Make of what a forge said one line that can be shown."""
        line = _as_line(said).replace(self._project.token.reveal(), MASK)
        return line if len(line) <= _MAX_SAID else line[:_MAX_SAID] + "…"


def find_wait_s(headers: Mapping[str, str], *, reset: str = "RateLimit-Reset") -> float | None:
    """How long an answer asks to wait: `Retry-After` in seconds or as a date, or else the limit's reset as a Unix time.

    Instants are taken relative to the answer's own `Date`, so it does not matter what our clock says.
    """
    after, until = headers.get("Retry-After", ""), headers.get(reset, "")
    now_s, until_s = _find_unix_time(headers.get("Date", "")), _find_unix_time(after)
    if after.isdecimal():
        wait_s = float(after)
    elif now_s is None:
        return None
    elif until_s is not None:
        wait_s = until_s - now_s
    elif until.isdecimal():
        wait_s = float(until) - now_s
    else:
        return None
    return min(max(0.0, wait_s), _LONGEST_WAIT_S)


def _find_unix_time(date: str) -> float | None:
    try:
        # A date without a zone is in UTC, as all of HTTP's are.
        return parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _in_words(said: object) -> str:
    """Flatten a message: forges send a text, a list of texts, or lists of texts by field."""
    if isinstance(said, dict):
        return "; ".join(f"{field} {_in_words(value)}" for field, value in said.items())
    if isinstance(said, list):
        return ", ".join(_in_words(value) for value in said)
    return str(said)


def _in_detail(errors: object) -> str:
    """Say what is wrong with which field: by the message for it, or by name and code."""
    if not isinstance(errors, list) or not errors:
        return ""
    each = (e.get("message") or f"{e.get('field')} {e.get('code')}" if isinstance(e, dict) else e for e in errors)
    return f": {'; '.join(map(str, each))}"


def _keep(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _as_line(text: str) -> str:
    """One line without control characters, which a terminal would obey."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


def _describe_location(response: requests.Response) -> str:
    """Where a redirect leads, without query and credentials; only the path if it stays on the host."""
    target, here = urlsplit(_as_line(response.headers.get("Location", ""))), urlsplit(str(response.url))
    host = target.netloc.rpartition("@")[2]
    if not host or (target.scheme, host) == (here.scheme, here.netloc):
        return target.path or "an address that it does not name"
    return f"{target.scheme}://{host}{target.path}"


def _was_certificate_refused(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__context__
    return False
