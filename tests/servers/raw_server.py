"""A server on loopback that misbehaves below HTTP: it breaks off, drips, or never says a word."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_DRIP_PAUSE_S = 0.02


class RawServer:
    """Gives every connection to `talk`, after the head of its request was read, and closes it afterwards."""

    def __init__(self, talk: Callable[["RawConnection"], None]) -> None:
        self.connections = 0
        self._talk = talk
        self._is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the other side may go when it likes
            raw = RawConnection(connection, self._is_over)
            raw.head = raw.read_head()
            if raw.head:
                self._talk(raw)


class RawConnection:
    """One connection whose request has been read."""

    def __init__(self, connection: socket.socket, is_over: threading.Event) -> None:
        self.socket = connection
        self.head = b""
        """That of the first request."""
        self._is_over = is_over

    def read_head(self) -> bytes:
        """Return the head of the next request, or nothing where none comes."""
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.socket.recv(65536)
            if not data:
                return b""
            head += data
        return head

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def drip(self, byte: bytes) -> None:
        """Send the byte again and again, slowly, until the other side or the test has had enough."""
        while not self._is_over.wait(_DRIP_PAUSE_S):
            self.socket.sendall(byte)

    def wait(self) -> None:
        """Say nothing until the other side goes."""
        self.socket.recv(1)

    def reset(self) -> None:
        """Break off with RST, as a crashed server or a firewall does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
