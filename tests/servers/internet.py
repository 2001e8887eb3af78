"""Hosts of the internet, answered for on loopback: what stands at names that no test may reach.

    with Internet(tmp_path, {"registry-1.docker.io": answer}) as internet:
        internet.connect(monkeypatch)
        ...

A proxy leads to one TLS server that has a certificate for all of these names; anything else is refused.
"""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import pytest

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from tests.servers.certificates import Authority
from tests.servers.raw_server import RawConnection, RawServer

_CHUNK_BYTES = 65536


class Internet:
    """Answers while inside `with`; `hosts` has for each name the function that answers, `calls` what was asked."""

    def __init__(self, folder: Path, hosts: Mapping[str, Callable[[Call], Reply]]) -> None:
        self.calls: list[tuple[str, Call]] = []
        self._hosts = hosts
        self._authority = Authority(folder / "internet", names=tuple(hosts))
        self.tls = self._authority.make_server_context()
        self._server = LoopbackServer(self._answer, tls=self.tls)
        self._proxy = RawServer(self._lead)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._server)
        self._stack.enter_context(self._proxy)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def proxy_url(self) -> str:
        return f"http://{self._proxy.address}"

    def connect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let clients that are made from here on reach these hosts, over TLS."""
        monkeypatch.setenv("https_proxy", self.proxy_url)
        monkeypatch.setenv("SSL_CERT_FILE", str(self._authority.ca_file))

    def list_asked(self) -> list[str]:
        """List what was asked, as `HOST/PATH?QUERY`."""
        return [f"{host}{call.target}" for host, call in self.calls]

    def _answer(self, call: Call) -> Reply:
        host = call.headers.get("Host", "").removesuffix(":443")
        self.calls.append((host, call))
        return self._hosts[host](call)

    def _lead(self, connection: RawConnection) -> None:
        method, target, _ = connection.head.split(b" ", 2)
        if method != b"CONNECT" or target.decode().removesuffix(":443") not in self._hosts:
            connection.send(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        host, _, port = self._server.address.partition(":")
        with socket.create_connection((host, int(port))) as there:
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, connection.socket), daemon=True)
            back.start()
            _pump(connection.socket, there)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # either side may go when it likes
        while data := source.recv(_CHUNK_BYTES):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
