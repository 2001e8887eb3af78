"""Requests and answers as values: `access.py` and `client.py` make and read them, `transport.py` sends them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urljoin

from imagebot.secret import Secret

_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. What it carries of a login is a `Secret`, revealed only where it is sent."""

    method: Literal["GET", "HEAD", "POST"]
    url: str
    limit_bytes: int
    """The most that the body of the answer may hold, after decompression."""
    accept: str = "application/json"
    authorization: Secret | None = None
    form: Secret | None = None
    """The body of a POST, encoded as a form."""
    is_followed: bool = True
    """A redirect on the same host is followed; else it is an answer like any other."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that is neither a 429 nor a 5xx: those are errors."""

    url: str
    """Where it came from: another URL than the request's after a redirect."""
    status: int
    headers: Mapping[str, str]
    """Keys are found in any case; a header that came several times is joined with commas."""
    body: bytes = field(repr=False)

    @property
    def leads_to(self) -> str | None:
        """The URL that it redirects to, empty if that is none; None if it is no redirect."""
        if self.status not in _REDIRECTS:
            return None
        try:
            return urljoin(self.url, self.headers.get("Location", ""))
        except ValueError:
            return ""
