"""Requests to one registry: sent, bounded, followed on the same host, and repeated where a fault is brief.

Answers of any kind come back as values; no answer, a 429 and a 5xx are errors. `access.py` says what a request carries.
"""

import http.client
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import urllib3

from imagebot import traffic
from imagebot.registry.breaker import Breaker
from imagebot.registry.connections import Connections
from imagebot.registry.errors import RateLimited, RegistryUnavailable, UnexpectedAnswer, format_instant
from imagebot.registry.failure import make_failure
from imagebot.registry.host import Origin, RegistryHost, find_limits, find_origin
from imagebot.registry.message import Answer, Request
from imagebot.registry.pace import Pace
from imagebot.registry.pacing import Pacing
from imagebot.registry.watch import Watch, check_literal

_CHUNK_BYTES = 64 * 1024
_MAX_REDIRECTS = 3
_BRIEF_FAULTS = (502, 503, 504)
# The pauses before another try.
_PAUSES_S = (0.5, 2.0)


class Transport:
    """The way to one registry and its token server. All threads share it.

    `named` are the hosts, as `Origin.authority` has them, that may stand at an address that is not public.
    """

    def __init__(
        self, host: RegistryHost, *, named: frozenset[str], timeout_s: float, user_agent: str, pacing: Pacing
    ) -> None:
        self._host = host
        self._named = named
        self._timeout_s = timeout_s
        self._pacing = pacing
        limits = host.limits or find_limits(host.name)
        self._pace = Pace(host.name, limits, pacing)
        self._breaker = Breaker(host.name, pacing)
        # Decompressed here, within the limit; so only what zlib can do.
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._connections = Connections(host, kept=limits.in_flight, timeout_s=timeout_s)

    def close(self) -> None:
        self._connections.close()

    def send(self, request: Request) -> Answer:
        """Return the answer, after a few tries where a fault is brief: a broken connection, 502 to 504, a short 429.

        Redirects are followed on the same host, unless the request says otherwise. Raises RateLimited, LeftAlone,
        RegistryUnavailable, UnexpectedAnswer, UntrustedCertificate, UnusableClientCertificate, PrivateAddress.
        """
        with self._breaker.attempt():
            for pause_s in _PAUSES_S:
                try:
                    return self._follow(request)
                except RateLimited as error:
                    if not self._pace.is_brief(error.until):
                        raise
                except RegistryUnavailable as error:
                    if not error.is_brief:
                        raise
                    self._pacing.wait(self._pacing.jitter(pause_s))
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
        origin = find_origin(request.url)
        if origin is None:
            raise UnexpectedAnswer(self._host.name, "it leads to something that is no web address")
        is_named = origin.authority in self._named
        if not is_named:
            check_literal(origin)
        who = self._name(origin)
        with self._pace.take_turn(request):
            with Watch(limit_s=self._timeout_s, public_only=not is_named) as watch:
                try:
                    answer = self._fetch(request, origin)
                # ValueError: a UnicodeError for a host name, among others.
                except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
                    cause = TimeoutError() if watch.is_over else error
                    traffic.note(self._host.name, None)
                    raise make_failure(cause, who, self._timeout_s) from error
            # A body that ends with its connection looks whole when it was us who ended it.
            if watch.is_over:
                raise make_failure(TimeoutError(), who, self._timeout_s)
            traffic.note(self._host.name, answer.status, answer.headers)
            until = self._pace.heed(request, answer)
        if answer.status < 500:
            return answer
        is_brief = answer.status in _BRIEF_FAULTS and (until is None or self._pace.is_brief(until))
        asks = f" and asks to be left alone until {format_instant(until)}" if until is not None else ""
        reason = f"it answered {answer.status}{asks}, which is for those who run it to mend"
        raise RegistryUnavailable(who, reason, is_brief=is_brief)

    def _name(self, origin: Origin) -> str:
        """Name whom a request goes to: the registry, and the host if it is another one."""
        return self._host.name if origin == self._host.origin else f"{self._host.name} (at {origin.authority})"

    def _fetch(self, request: Request, origin: Origin) -> Answer:
        with closing(self._start(request, origin)) as response:
            body = b"".join(_read_body(response, request.limit_bytes, self._host.name))
        return Answer(request.url, response.status, response.headers, body)

    def _start(self, request: Request, origin: Origin) -> urllib3.BaseHTTPResponse:
        headers = {**self._headers, "Accept": request.accept}
        if request.authorization is not None:
            headers["Authorization"] = request.authorization.reveal()
        if request.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = request.form.reveal() if request.form is not None else None
        return self._connections.send(request.method, request.url, origin, headers=headers, body=body)


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
