"""One request to the GitLab REST API (v4): it goes to the configured host only, and comes back as a value or an error.

python-gitlab is the transport: address, credentials, sending. Its objects, its retries and its reading of errors are
not used: objects have whatever attributes the answer has, a retry sleeps for as long as the server says and repeats
what may have happened, and the headers of an error are lost. What an operation means is the business of `gitlab.py`.
"""

import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import gitlab
import requests
from gitlab.utils import EncodedId
from pydantic import TypeAdapter, ValidationError

import imagebot
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

PAGE_SIZE = 100
_MAX_PAGES = 50
# A hundred merge requests, each with the longest description that GitLab takes.
_MAX_ANSWER_BYTES = 128 << 20
_MAX_ERROR_BYTES = 1 << 16
_MAX_SAID = 300
_LONGEST_WAIT_S = 86_400.0
NEEDED = "the scope `api` and at least the role Developer in the project"
_ERROR_BODY = TypeAdapter(dict[str, Any])


class GitLabApi:
    """Speaks for one project: paths without a leading `/` are below the project, others below the API's root."""

    def __init__(self, project: ForgeProject, *, timeout_s: float) -> None:
        session = requests.Session()
        # Over plain HTTP, a proxy that the environment names would see the token.
        session.trust_env = project.is_encrypted
        session.hooks["response"].append(self._refuse)
        self._project = project
        self._timeout_s = timeout_s
        self._gitlab = gitlab.Gitlab(
            project.url,
            private_token=project.token.reveal(),
            # Given as a path it is not overridden by REQUESTS_CA_BUNDLE.
            ssl_verify=str(project.ca_file) if project.ca_file else True,
            timeout=timeout_s,
            user_agent=f"imagebot/{imagebot.__version__}",
            session=session,
        )

    def get(self, path: str, answer: TypeAdapter[T], **query: str | int) -> T:
        return self._parse(self._send("get", path, query=query)[0], answer)

    def post(self, path: str, body: Mapping[str, object], answer: TypeAdapter[T]) -> T:
        return self._parse(self._send("post", path, body=body)[0], answer)

    def put(self, path: str, body: Mapping[str, object], answer: TypeAdapter[T]) -> T:
        return self._parse(self._send("put", path, body=body)[0], answer)

    def list_all(self, path: str, answer: TypeAdapter[list[T]], **query: str | int) -> Iterator[T]:
        """List the items of all pages, each page when it is needed; raise UnexpectedForgeAnswer after too many.

        Pages are asked for by number: the server's link to the next one could lead anywhere.
        """
        for page in range(1, _MAX_PAGES + 1):
            content, headers = self._send("get", path, query={**query, "per_page": PAGE_SIZE, "page": page})
            yield from self._parse(content, answer)
            if not headers.get("X-Next-Page"):
                return
        raise UnexpectedForgeAnswer(self._project.host, f"a list has more than {_MAX_PAGES} pages of {PAGE_SIZE}")

    def close(self) -> None:
        self._gitlab.session.close()

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> tuple[bytes, Mapping[str, str]]:
        if not path.startswith("/"):
            path = f"/projects/{EncodedId(self._project.path)}/{path}".rstrip("/")
        try:
            response = self._gitlab.http_request(
                method,
                path,
                query_data=dict(query or {}),
                post_data=dict(body) if body is not None else None,
                streamed=True,
                obey_rate_limit=False,
            )
            return self._read(response, _MAX_ANSWER_BYTES), response.headers
        except requests.RequestException as error:
            raise self._unreached(error) from error

    def _read(self, response: requests.Response, limit: int) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(1 << 16):
            content += chunk
            if len(content) > limit:
                response.close()
                raise UnexpectedForgeAnswer(self._project.host, f"it has more than {limit} bytes")
        return bytes(content)

    def _parse(self, content: bytes, answer: TypeAdapter[T]) -> T:
        try:
            return answer.validate_json(content)
        except ValidationError as error:
            # Its own text quotes what it read.
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UnexpectedForgeAnswer(self._project.host, f"{where}: {first['msg']}".removeprefix(": ")) from None

    def _refuse(self, response: requests.Response, **_: object) -> None:
        """Raise what an answer other than success means; called for every answer before anything else looks at it.

        So no redirect is followed: the header that carries the token would go along to another host.
        """
        if not response.ok or response.status_code >= 300:
            try:
                raise self._error_of(response)
            finally:
                response.close()

    def _error_of(self, response: requests.Response) -> ImagebotError:
        host, path, status = self._project.host, self._project.path, response.status_code
        if status == 404:
            return UnknownProject(host, path)
        if status == 429:
            return ForgeRateLimited(host, _find_wait_s(response.headers))
        if status >= 500 or status == 408:
            return ForgeUnavailable(host, f"it answered HTTP {status}")
        if status < 400:
            return ForgeMoved(host, path, _describe_location(response))
        said = self._find_message(response)
        if status in {401, 403}:
            return ForgeAccessDenied(host, status, project=path, needed=NEEDED, said=said)
        return ForgeConflict(host, said) if status == 409 else ForgeRefused(host, status, said)

    def _find_message(self, response: requests.Response) -> str:
        """What GitLab says in an error: one line, shortened, and without the token should it be repeated there."""
        try:
            body = _ERROR_BODY.validate_json(self._read(response, _MAX_ERROR_BYTES))
        except (ValidationError, UnexpectedForgeAnswer):
            return "it does not say why"
        said = body.get("message") or body.get("error_description") or body.get("error") or "it does not say why"
        line = _as_line(_in_words(said)).replace(self._project.token.reveal(), MASK)
        return line if len(line) <= _MAX_SAID else line[:_MAX_SAID] + "…"

    def _unreached(self, error: requests.RequestException) -> ImagebotError:
        host = self._project.host
        if _was_certificate_refused(error):
            return UntrustedForge(host, str(self._project.ca_file or "the certificate authorities of this machine"))
        if isinstance(error, requests.Timeout):
            return ForgeUnavailable(host, f"no answer within {self._timeout_s:g} s")
        return ForgeUnavailable(host, "the connection failed")


def _in_words(said: object) -> str:
    """Flatten a message: GitLab sends a text, a list of texts, or lists of texts by field."""
    if isinstance(said, dict):
        return "; ".join(f"{field} {_in_words(value)}" for field, value in said.items())
    if isinstance(said, list):
        return ", ".join(_in_words(value) for value in said)
    return str(said)


def _as_line(text: str) -> str:
    """One line without control characters, which a terminal would obey."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


def _find_wait_s(headers: Mapping[str, str]) -> float | None:
    """How long a 429 asks to wait: `Retry-After` in seconds or as a date, or else `RateLimit-Reset` as a Unix time.

    Instants are taken relative to the answer's own `Date`, so it does not matter what our clock says.
    """
    after, reset = headers.get("Retry-After", ""), headers.get("RateLimit-Reset", "")
    now_s, until_s = _find_unix_time(headers.get("Date", "")), _find_unix_time(after)
    if after.isdecimal():
        wait_s = float(after)
    elif now_s is None:
        return None
    elif until_s is not None:
        wait_s = until_s - now_s
    elif reset.isdecimal():
        wait_s = float(reset) - now_s
    else:
        return None
    return min(max(0.0, wait_s), _LONGEST_WAIT_S)


def _find_unix_time(date: str) -> float | None:
    try:
        # A date without a zone is in UTC, as all of HTTP's are.
        return parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


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
