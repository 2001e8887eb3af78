"""The table of faults: what a registry may do, what is then said, and with which class of error.

Each row is run through the client, and all of them together through a round of `imagebot once`.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from imagebot.errors import ImagebotError
from imagebot.registry.errors import (
    AccessDenied,
    RateLimited,
    RegistryUnavailable,
    UnexpectedAnswer,
    UnknownRepository,
)
from tests.servers.faulty_registry import TEMPTING, Turn, make_head

_CHUNK = 1024 * 1024
_HTML = b"<!doctype html><title>Sign in</title>" + TEMPTING
_YEARS_AGO = "Wed, 21 Oct 2015 07:28:00 GMT"
_AND_AN_HOUR = "Wed, 21 Oct 2015 08:28:00 GMT"
_LIMITED = "a login, a mirror or a lower requests_per_second may help"
_TELL = "if that stays so, ask those who run it"
_TOO_SLOW = "no complete answer within"


@dataclass(frozen=True, slots=True)
class Fault:
    """What it does, what is said of it, and how many of its answers are asked for before it is given up."""

    name: str
    answer: Callable[[Turn], None]
    error: type[ImagebotError]
    said: tuple[str, ...]
    asked: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of the registry."""


def _reply(status: int, body: bytes = TEMPTING, **headers: str) -> Callable[[Turn], None]:
    return lambda turn: turn.reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def _stream(head: bytes, chunks: Iterator[bytes]) -> Callable[[Turn], None]:
    """Answer with more than anyone wants, until the other side goes."""

    def answer(turn: Turn) -> None:
        turn.send(head)
        for chunk in chunks:
            turn.send(chunk)

    return answer


def _repeat(data: bytes) -> Iterator[bytes]:
    while True:
        yield data


def _end_early(turn: Turn) -> None:
    turn.send(make_head(200, {"Content-Length": str(len(TEMPTING) + 100), "Connection": "close"}) + TEMPTING)
    turn.connection.reset()


def _drip(turn: Turn) -> None:
    turn.send(make_head(200, {"Content-Length": "1000000"}) + TEMPTING[:-2])
    turn.connection.drip(b" ")


def _after_a_page(answer: Callable[[Turn], None]) -> Callable[[Turn], None]:
    """Give a first page in order, and answer what follows it so."""

    def answer_each(turn: Turn) -> None:
        if turn.number == 1:
            turn.reply(200, TEMPTING, {"Link": '<?last=1.9.0>; rel="next"'})
        else:
            answer(turn)

    return answer_each


def list_without_end(turn: Turn) -> None:
    """Give new tags with each page: no error of the client, which says that the list is not whole."""
    tags = [f"1.9.{turn.number * 100 + n}" for n in range(100)]
    turn.reply(200, json.dumps({"tags": tags}).encode(), {"Link": f'<?n=100&last={turn.number}>; rel="next"'})


def _give_empty_pages(turn: Turn) -> None:
    turn.reply(200, b'{"tags": []}', {"Link": f'<?last={turn.number}>; rel="next"'})


def _link(target: str) -> Callable[[Turn], None]:
    def answer(turn: Turn) -> None:
        url = target.format(here=turn.here, elsewhere=turn.elsewhere, own=turn.asked.target, number=turn.number)
        turn.reply(200, TEMPTING, {"Link": f'<{url}>; rel="next"'})

    return answer


def _redirect(target: str) -> Callable[[Turn], None]:
    def answer(turn: Turn) -> None:
        url = target.format(here=turn.here, elsewhere=turn.elsewhere, number=turn.number)
        turn.reply(307, TEMPTING, {"Location": url})

    return answer


def _send_elsewhere_for_tokens(turn: Turn) -> None:
    turn.reply(401, headers={"WWW-Authenticate": f'Bearer realm="http://{turn.elsewhere}/token",service="x"'})


_GZIP = {"Content_Encoding": "gzip"}

FAULTS = (
    Fault("401", _reply(401, WWW_Authenticate="Basic"), AccessDenied, ("refused", "(401)", "user and password")),
    Fault("403", _reply(403), AccessDenied, ("(403)", "may not read this repository")),
    Fault("404", _reply(404), UnknownRepository, ("no such repository (404)", "check the name, or give a login")),
    Fault("429 for seconds", _reply(429, Retry_After="3600"), RateLimited, ("a pause of 3600 s", "until 20", _LIMITED)),
    Fault(
        "429 until a date",
        _reply(429, Retry_After="Wed, 21 Oct 2099 08:28:00 GMT", Date="Wed, 21 Oct 2099 07:28:00 GMT"),
        RateLimited,
        ("a pause of 3600 s", _LIMITED),
    ),
    Fault(
        "429 by a clock that is years off",
        _reply(429, Retry_After=_AND_AN_HOUR, Date=_YEARS_AGO),
        RateLimited,
        ("a pause of 3600 s", _LIMITED),
    ),
    Fault("429 without a time", _reply(429), RateLimited, ("does not say for how long", "until 20", _LIMITED)),
    Fault("429 for a life", _reply(429, Retry_After="999999999"), RateLimited, ("999999999 s", "until 20", _LIMITED)),
    Fault("500", _reply(500), RegistryUnavailable, ("it answered 500", "for those who run it to mend")),
    Fault("502 with HTML", _reply(502, _HTML), RegistryUnavailable, ("it answered 502", "who run it to mend"), asked=3),
    Fault("503 for long", _reply(503, Retry_After="600"), RegistryUnavailable, ("503 and asks to be left alone",)),
    Fault("200 with HTML", _reply(200, _HTML), UnexpectedAnswer, ("is HTML; does a login page or a proxy",)),
    Fault("204", _reply(204, b""), UnexpectedAnswer, ("status 204", _TELL)),
    Fault("an empty body", _reply(200, b""), UnexpectedAnswer, ("its tag list is no JSON", _TELL)),
    Fault("truncated JSON", _reply(200, TEMPTING[:-3]), UnexpectedAnswer, ("its tag list is no JSON", _TELL)),
    Fault("deep JSON", _reply(200, b"[" * 200_000), UnexpectedAnswer, ("its tag list is no JSON", _TELL)),
    Fault(
        "a huge number", _reply(200, b'{"tags": %b}' % (b"9" * 5000)), UnexpectedAnswer, ("tag list is no JSON", _TELL)
    ),
    Fault("a list of numbers", _reply(200, b'{"tags": [1.9]}'), UnexpectedAnswer, ("no list of texts", _TELL)),
    Fault("a text for a list", _reply(200, b'{"tags": "1.9.0"}'), UnexpectedAnswer, ("no list of texts", _TELL)),
    Fault("no list", _reply(200, b'["1.9.0"]'), UnexpectedAnswer, ('no JSON object with the key "tags"', _TELL)),
    Fault("a reset in the body", _end_early, RegistryUnavailable, ("was broken off", "a firewall or proxy"), asked=3),
    Fault(
        "another protocol",
        lambda turn: turn.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        RegistryUnavailable,
        ("was broken off, or what came is no HTTP", "a firewall or proxy"),
        asked=3,
    ),
    Fault("a black hole", lambda turn: turn.connection.wait(), RegistryUnavailable, (_TOO_SLOW, "raise `timeout`")),
    Fault("a slow drip", _drip, RegistryUnavailable, (_TOO_SLOW, "raise `timeout`")),
    Fault(
        "10 GB",
        _stream(make_head(200, {"Content-Length": str(10**10)}), _repeat(b" " * _CHUNK)),
        UnexpectedAnswer,
        ("a body of more than", _TELL),
    ),
    Fault(
        "chunks without end",
        _stream(make_head(200, {"Transfer-Encoding": "chunked"}), _repeat(b"100000\r\n%b\r\n" % (b" " * _CHUNK))),
        UnexpectedAnswer,
        ("a body of more than", _TELL),
    ),
    Fault(
        "a chunk's head without end",
        _stream(make_head(200, {"Transfer-Encoding": "chunked"}) + b"1;", _repeat(b"x" * _CHUNK)),
        RegistryUnavailable,
        ("what came is no HTTP",),
        asked=3,
    ),
    Fault("a gzip bomb", _reply(200, gzip.compress(bytes(64 * _CHUNK)), **_GZIP), UnexpectedAnswer, ("body of more",)),
    Fault("half a gzip", _reply(200, gzip.compress(TEMPTING)[:-9], **_GZIP), UnexpectedAnswer, ("ends in the middle",)),
    Fault("another encoding", _reply(200, Content_Encoding="br"), UnexpectedAnswer, ("'br'; accepted is gzip", _TELL)),
    Fault(
        "too many headers",
        lambda turn: turn.reply(200, TEMPTING, {f"X-{n}": "1" for n in range(200)}),
        UnexpectedAnswer,
        ("more than 100 headers", _TELL),
    ),
    Fault(
        "headers without end",
        _stream(b"HTTP/1.1 200 OK\r\n", (b"X-%d: 1\r\n" % n for n in count())),
        UnexpectedAnswer,
        ("more than 100 headers", _TELL),
    ),
    Fault(
        "a header without end",
        _stream(b"HTTP/1.1 200 OK\r\nX-Long: ", _repeat(b"x" * _CHUNK)),
        UnexpectedAnswer,
        ("a line of more than 65536 bytes", _TELL),
    ),
    Fault(
        "empty pages without end",
        _give_empty_pages,
        UnexpectedAnswer,
        ("more than 1000 pages", _TELL),
        asked=1000,
        settings={"max_tags": 100},
    ),
    Fault("404 between pages", _after_a_page(_reply(404)), UnknownRepository, ("check the name",), asked=2),
    Fault(
        "401 between pages",
        _after_a_page(_reply(401, WWW_Authenticate="Basic")),
        AccessDenied,
        ("refused", "user and password"),
        asked=2,
    ),
    Fault("500 between pages", _after_a_page(_reply(500)), RegistryUnavailable, ("it answered 500",), asked=2),
    Fault(
        "a reset between pages",
        _after_a_page(lambda turn: turn.connection.reset()),
        RegistryUnavailable,
        ("was broken off",),
        asked=4,
    ),
    Fault("half a page after a whole one", _after_a_page(_end_early), RegistryUnavailable, ("broken off",), asked=4),
    Fault("a page that leads to itself", _link("{own}"), UnexpectedAnswer, ("go in circles", _TELL)),
    Fault("a page that repeats", _link("?last={number}"), UnexpectedAnswer, ("go in circles", _TELL), asked=2),
    Fault(
        "a next page on another host",
        _link("http://{elsewhere}/v2/acme/api/tags/list"),
        UnexpectedAnswer,
        ("a page has to be on its own host", _TELL),
    ),
    Fault(
        "a next page by another scheme",
        _link("https://{here}/v2/acme/api/tags/list"),
        UnexpectedAnswer,
        ("a page has to be on its own host", _TELL),
    ),
    Fault("a next page that is no URL", _link("http://[::1"), UnexpectedAnswer, ("is no URL", _TELL)),
    Fault(
        "a redirect to another host",
        _redirect("http://{elsewhere}/v2/acme/api/tags/list"),
        UnexpectedAnswer,
        ("a redirect (307) to", "only redirects on the same host are followed"),
    ),
    Fault("redirects without end", _redirect("/v2/{number}"), UnexpectedAnswer, ("more than 2 redirects",), asked=3),
    Fault(
        "tokens from another host",
        _send_elsewhere_for_tokens,
        AccessDenied,
        ("it wants its login sent to", "another host", "if that is right, add", "to the token_hosts of"),
    ),
)
