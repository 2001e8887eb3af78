"""Connections that end on time and lead only where they may.

urllib3's timeouts are per read: a server that sends a byte now and then holds a thread for as long as it likes. A
`Watch` spans one exchange and shuts its socket down when the time is over. It also looks at the address that a new
connection has really reached, before a byte is sent: a look-up of the name beforehand could be given another answer.
"""

import ipaddress
import itertools
import socket
import threading
from contextlib import suppress
from contextvars import ContextVar, Token
from heapq import heappop, heappush
from time import monotonic

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from imagebot.registry.errors import PrivateAddress
from imagebot.registry.host import Origin

_current: ContextVar["Watch | None"] = ContextVar("current_watch", default=None)


class Watch:
    """Watches over the exchange that its thread has inside `with`."""

    def __init__(self, *, limit_s: float, public_only: bool) -> None:
        self.is_over = False
        """The time ran out: whatever was read is not the whole."""
        self._public_only = public_only
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_done = False
        self._limit_s = limit_s
        self._token: Token[Watch | None] | None = None

    def __enter__(self) -> "Watch":
        self._token = _current.set(self)
        _watchdog.add(self, limit_s=self._limit_s)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
        # From here on the socket may serve another exchange.
        with self._lock:
            self._is_done = True
            self._socket = None

    def check_address(self, host: str, sock: socket.socket) -> None:
        """Raise PrivateAddress for a connection that leads into a network of ours, and close it."""
        if not self._public_only:
            return
        address = str(sock.getpeername()[0])
        if not is_public(address):
            sock.close()
            raise PrivateAddress(host, address)

    def watch(self, sock: socket.socket | None) -> None:
        with self._lock:
            self._socket = sock
            if self.is_over:
                self._shut_down()

    def end(self) -> None:
        """End the exchange, unless it has ended by itself."""
        with self._lock:
            if not self._is_done:
                self.is_over = True
                self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is None:
            return
        with suppress(OSError):  # the other side was faster
            # The plain socket's method: that of a TLS socket takes its state away from under the thread that reads.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Watchdog:
    """One thread for all watches, as a thread for each exchange costs half as much as the exchange.

    A watch that is done stays here until its time: that takes the thread fewer steps than to find it.
    """

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Watch]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._is_running = False

    def add(self, watch: Watch, *, limit_s: float) -> None:
        entry = monotonic() + limit_s, next(self._count), watch
        with self._changed:
            heappush(self._due, entry)
            if self._due[0] is entry:
                self._changed.notify()
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._wait_for_next().end()

    def _wait_for_next(self) -> Watch:
        with self._changed:
            while not self._due or self._due[0][0] > monotonic():
                self._changed.wait(self._due[0][0] - monotonic() if self._due else None)
            return heappop(self._due)[2]


_watchdog = _Watchdog()


def is_public(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_global


class _HttpConnection(HTTPConnection):
    # urllib3 has no public place between connecting and the first byte, which in TLS is the name of the host.
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        watch = _current.get()
        # A proxy is the operator's, wherever it stands; where it may lead is for the proxy to say.
        if watch is not None and self.proxy is None:
            scheme = "https" if isinstance(self, HTTPSConnection) else "http"
            watch.check_address(Origin(scheme, self.host.strip("[]"), self.port).authority, sock)
        return sock

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 replaces http.client's class likewise
        watch = _current.get()
        if watch is not None:
            watch.watch(self.sock)
        return super().getresponse()


class _HttpsConnection(_HttpConnection, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


WATCHED_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _HttpPool, "https": _HttpsPool}
"""For urllib3's `PoolManager.pool_classes_by_scheme`: pools whose connections a Watch looks after."""
