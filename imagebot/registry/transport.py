"""Requests to one registry: sent, bounded, followed on the same host, and repeated where a fault is brief.

Answers of any kind come back as values; no answer, a 429 and a 5xx are errors. `access.py` says what a request carries.
"""

import os
import re
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic, sleep

import certifi
import urllib3

from imagebot.registry.connections import Connections
from imagebot.registry.errors import RateLimited, RegistryUnavailable, UnexpectedAnswer, UntrustedCertificate
from imagebot.registry.failure import make_failure
from imagebot.registry.host import RegistryHost, find_origin
from imagebot.registry.message import Answer, Request
from imagebot.registry.watch import Watch

_CHUNK_BYTES = 64 * 1024
_MAX_REDIRECTS = 3
_BRIEF_FAULTS = (502, 503, 504)
# The pauses before another try; a registry that asks for more than the longest is left to the next round.
_PAUSES_S = (0.5, 2.0)
_LONGEST_PAUSE_S = 10.0
# Where other programs find the authorities of this machine, in the order that requests and curl have.
_CA_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Pacing:
    """How hard one host is pressed, and by which clock."""

    connections: int = 8
    """Kept open to one host; as many as there are threads that poll."""
    monotonic: Callable[[], float] = monotonic
    wait: Callable[[float], object] = sleep
    """Waits so many seconds between two tries."""


class Transport:
    """The connections to one registry and its token server. All threads share it."""

    def __init__(
        self, host: RegistryHost, *, is_named: bool, timeout_s: float, user_agent: str, pacing: Pacing
    ) -> None:
        self._host = host
        self._is_named = is_named
        self._timeout_s = timeout_s
        self._pacing = pacing
        # Decompressed here, within the limit; so only what zlib can do.
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._connections = Connections(ca_bundle=_find_ca_bundle(host), kept=pacing.connections, timeout_s=timeout_s)

    def close(self) -> None:
        self._connections.close()

    def send(self, request: Request) -> Answer:
        """Return the answer, after a few tries where a fault is brief: a broken connection, 502 to 504, a short 429.

        Redirects are followed on the same host, unless the request says otherwise. Raises RateLimited,
        RegistryUnavailable, UnexpectedAnswer, UntrustedCertificate, PrivateAddress.
        """
        for pause_s in _PAUSES_S:
            try:
                return self._follow(request)
            except (RateLimited, RegistryUnavailable) as error:
                if error.retry_after_s is None or error.retry_after_s > _LONGEST_PAUSE_S:
                    raise
                self._pacing.wait(max(pause_s, error.retry_after_s))
        return self._follow(request)

    def _follow(self, request: Request) -> Answer:
        for _ in range(_MAX_REDIRECTS):
            answer = self._exchange(request)
            url = answer.leads_to
            if url is None or request.method == "POST" or not request.is_followed:
                return answer
            request = self._redirect(request, url, answer.status)
        raise UnexpectedAnswer(self._host.name, f"more than {_MAX_REDIRECTS - 1} redirects, one after the other")

    def _redirect(self, request: Request, url: str, status: int) -> Request:
        here, there = find_origin(request.url), find_origin(url)
        if there is not None and there == here:
            return replace(request, url=url)
        if there is not None and self._host.may_redirect_to(there):
            return replace(request, url=url, authorization=None)
        where = there.authority if there is not None else "something that is no web address"
        raise UnexpectedAnswer(
            self._host.name, f"a redirect ({status}) to {where}; only redirects on the same host are followed"
        )

    def _exchange(self, request: Request) -> Answer:
        """Send one request once; nothing of it takes longer than the timeout, and no more is read than its limit."""
        with Watch(limit_s=self._timeout_s, public_only=not self._is_named) as watch:
            try:
                answer = self._fetch(request)
            # ValueError: a UnicodeError for a host name, among others.
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                failure = self._timed_out() if watch.is_over else make_failure(error, self._host.name, self._timeout_s)
                raise failure from error
        # A body that ends with its connection looks whole when it was us who ended it.
        if watch.is_over:
            raise self._timed_out()
        _check_status(answer, self._host.name)
        return answer

    def _fetch(self, request: Request) -> Answer:
        with closing(self._start(request)) as response:
            body = b"".join(_read_body(response, request.limit_bytes, self._host.name))
        return Answer(request.url, response.status, response.headers, body)

    def _start(self, request: Request) -> urllib3.BaseHTTPResponse:
        origin = find_origin(request.url)
        if origin is None:
            raise ValueError("no web address")
        headers = {**self._headers, "Accept": request.accept}
        if request.authorization is not None:
            headers["Authorization"] = request.authorization.reveal()
        if request.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = request.form.reveal() if request.form is not None else None
        return self._connections.send(request.method, request.url, origin, headers=headers, body=body)

    def _timed_out(self) -> RegistryUnavailable:
        return RegistryUnavailable(self._host.name, f"no complete answer within {self._timeout_s:g} s")


def _find_ca_bundle(host: RegistryHost) -> Path:
    """Find the authorities: the registry's own, the machine's where its environment names them, or Mozilla's."""
    if host.ca_file is not None:
        _check_ca_file(host.ca_file, host.name)
        return host.ca_file
    for name in _CA_BUNDLE_VARIABLES:
        if bundle := os.environ.get(name):
            if not Path(bundle).exists():
                raise UntrustedCertificate(host.name, f"{name} names {bundle}, which is not there")
            return Path(bundle)
    return Path(certifi.where())


def _check_ca_file(file: Path, registry: str) -> None:
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise UntrustedCertificate(registry, f"the ca_file {file} holds no certificate") from error
    except OSError as error:
        raise UntrustedCertificate(registry, f"the ca_file {file} cannot be read: {error.strerror}") from error


def _read_body(response: urllib3.BaseHTTPResponse, limit_bytes: int, registry: str) -> Iterator[bytes]:
    """Yield the decompressed body; raises UnexpectedAnswer as soon as it is known to pass the limit."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise UnexpectedAnswer(registry, f"a body in Content-Encoding {encoding[:40]!r}; accepted is gzip")
    # Not urllib3's decoder: of a small chunk it may make any number of bytes before they can be counted.
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if encoding.endswith("gzip") else None
    left = limit_bytes
    for chunk in response.stream(_CHUNK_BYTES, decode_content=False):
        try:
            data = decoder.decompress(chunk, left + 1) if decoder is not None else chunk
        except zlib.error as error:
            raise UnexpectedAnswer(registry, "a body that says it is gzip and is not") from error
        left -= len(data)
        if left < 0:
            raise UnexpectedAnswer(registry, f"a body of more than {limit_bytes} bytes")
        yield data
    if decoder is not None and left < limit_bytes and not decoder.eof:
        raise UnexpectedAnswer(registry, "a gzip body that ends in the middle")


def _check_status(answer: Answer, registry: str) -> None:
    if answer.status != 429 and answer.status < 500:
        return
    asked_s = parse_retry_after(answer.headers.get("Retry-After"), answer.headers.get("Date"))
    if answer.status == 429:
        raise RateLimited(registry, asked_s)
    is_brief = answer.status in _BRIEF_FAULTS
    raise RegistryUnavailable(
        registry, f"it answered {answer.status}", retry_after_s=(asked_s or 0.0) if is_brief else None
    )


def parse_retry_after(value: str | None, date: str | None) -> float | None:
    """Return the seconds that `Retry-After` (RFC 9110 §10.2.3) asks for, None if it does not say.

    A date is counted from the `Date` of the same answer, so that a clock that is off, here or there, does no harm.
    """
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", value):
        return float(value)
    until, now = _find_date(value), _find_date(date or "")
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _find_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # All of HTTP's dates are GMT, whether they say so or not.
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
