"""A registry that is in order until its fault begins, and a host beside it that should never hear a word.

    with FaultyRegistry(fault) as registry:
        ...
        registry.is_faulty = True

It wants bob's password with each request, so that whatever is led astray could carry that along. What a fault does is a
function of one request, which answers on the bare connection: below HTTP anything may be sent.
"""

import base64
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from imagebot.demo.image import IMAGE, make_image
from tests.servers.raw_server import RawConnection, RawServer

USER, PASSWORD = "bob", "registry-s3cret"
LOGIN = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
LISTING = b'{"name": "acme/api", "tags": ["1.0.0", "1.1.0"]}'
TEMPTING = b'{"name": "acme/api", "tags": ["1.0.0", "1.1.0", "1.9.0"]}'
"""A list that would move images on, were it believed."""
_IMAGE = make_image({})


class Asked(NamedTuple):
    method: str
    target: str
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One faulty request: to be answered on the connection."""

    connection: RawConnection
    asked: Asked
    number: int
    """Which of the faulty requests it is, from 1."""
    here: str
    elsewhere: str
    """The address of the host beside the registry."""

    def send(self, data: bytes) -> None:
        self.connection.send(data)

    def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        head = make_head(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.send(head if self.asked.method == "HEAD" else head + body)


def make_head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class FaultyRegistry:
    """Serves while inside `with`. Its faults begin once it has let us in: the answer is the registry's, so far."""

    def __init__(self, answer: Callable[[Turn], None]) -> None:
        self.is_faulty = False
        self.asked: list[Asked] = []
        self.asked_elsewhere: list[bytes] = []
        self._answer = answer
        self._lock = threading.Lock()
        self._faults = 0
        self._server = RawServer(self._talk)
        self._elsewhere = RawServer(self._note)
        self.address = self._server.address
        self.elsewhere = self._elsewhere.address

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._elsewhere.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()
        self._elsewhere.__exit__()

    @property
    def faults(self) -> int:
        """How many requests met the fault."""
        return self._faults

    def _note(self, connection: RawConnection) -> None:
        self.asked_elsewhere.append(connection.head)
        connection.send(make_head(200, {"Content-Length": str(len(TEMPTING))}) + TEMPTING)

    def _talk(self, connection: RawConnection) -> None:
        head = connection.head
        while head:
            method, target, _ = head.decode("latin-1").split(" ", 2)
            found = re.search(rb"(?im)^authorization: (.*?)\r$", head)
            asked = Asked(method, target, found[1].decode() if found else None)
            with self._lock:
                self.asked.append(asked)
            self._serve(connection, asked)
            head = connection.read_head()

    def _serve(self, connection: RawConnection, asked: Asked) -> None:
        turn = Turn(connection, asked, self._faults + 1, self.address, self.elsewhere)
        if asked.authorization is None:
            turn.reply(401, headers={"WWW-Authenticate": 'Basic realm="registry"'})
        elif self.is_faulty:
            with self._lock:
                self._faults += 1
            self._answer(turn)
        elif "/tags/list" in asked.target:
            turn.reply(200, LISTING)
        elif "/manifests/" in asked.target:
            turn.reply(200, _IMAGE.manifest, {"Content-Type": IMAGE, "Docker-Content-Digest": _IMAGE.digest})
        else:
            turn.reply(200, _IMAGE.blobs[0])
