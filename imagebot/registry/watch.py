"""Connections that end on time and lead only where they may.

urllib3's timeouts are per read: a server that sends a byte now and then holds a thread for as long as it likes. A
`Watch` spans one exchange and shuts its socket down when the time is over. It also has a say in which addresses a new
connection may go to: a name is looked up once, and what is connected to is what was looked at. A connection that is
kept for later goes to the same host, and leads where it led. Through a proxy, where a name leads is for the proxy to
say; an address in the place of a name is looked at all the same.

Not within the limit is the look-up of a name: it takes as long as the resolver of this machine lets it.
"""

import ipaddress
import itertools
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar, Token
from heapq import heappop, heappush
from time import monotonic
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from imagebot.registry.errors import PrivateAddress
from imagebot.registry.host import Origin

_CONNECT_LIMIT_S = 10.0
_MOST_ADDRESSES = 8
_LEAST_WAIT_S = 0.01
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# IPv4 in its first clothes for IPv6, and a NAT64 of one's own: networks that Python takes for the internet's.
_NOT_PUBLIC = (ipaddress.ip_network("::/96"), ipaddress.ip_network("64:ff9b:1::/48"))

_Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""What `getaddrinfo` returns; last is the address, of which the first part is its text."""

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

    def choose(self, host: str, addresses: Sequence[_Found]) -> Sequence[_Found]:
        """Leave out the addresses that are networks of ours; raises PrivateAddress if there are no others."""
        if not self._public_only:
            return addresses
        public = [each for each in addresses if is_public(str(each[-1][0]))]
        if addresses and not public:
            raise PrivateAddress(host, str(addresses[0][-1][0]))
        return public

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
    """Tell whether an address is one of the internet's; so has to be one that it carries in it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _find_inner(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local or any(ip in network for network in _NOT_PUBLIC):
            return False
    return ip.is_global and not ip.is_multicast


def _find_inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Find the IPv4 address that packets to this one end up at, beyond a gateway."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def check_literal(origin: Origin) -> None:
    """Raise PrivateAddress for an address in the place of a name, in any form that a resolver reads as one."""
    try:
        address = origin.host if ":" in origin.host else socket.inet_ntoa(socket.inet_aton(origin.host))
    except OSError:
        return
    if not is_public(address):
        raise PrivateAddress(origin.authority, address)


class _HttpConnection(HTTPConnection):
    # urllib3 has no public place between looking a name up and the first byte, which in TLS is the name of the host.
    def _new_conn(self) -> socket.socket:
        host = self.host.strip("[]")
        addresses: Sequence[_Found] = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        watch = _current.get()
        # A proxy is the operator's, wherever it stands.
        if watch is not None and self.proxy is None:
            scheme = "https" if isinstance(self, HTTPSConnection) else "http"
            addresses = watch.choose(Origin(scheme, host, self.port).authority, addresses)
        limit_s = self.timeout if isinstance(self.timeout, int | float) else _CONNECT_LIMIT_S
        sock = _connect(addresses, limit_s=limit_s)
        sock.settimeout(limit_s)
        for option in self.socket_options or ():
            sock.setsockopt(*option)
        if watch is not None:
            watch.watch(sock)  # for a proxy that takes its time
        return sock

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 replaces http.client's class likewise
        watch = _current.get()
        if watch is not None:
            watch.watch(self.sock)
        return super().getresponse()


def _connect(addresses: Sequence[_Found], *, limit_s: float) -> socket.socket:
    """Try the addresses one after the other, so that each gets its share of what is left of the time."""
    ends_at = monotonic() + limit_s
    tried = addresses[:_MOST_ADDRESSES]
    failure: OSError = OSError("the name leads to no address")
    for left, (family, kind, protocol, _, address) in zip(range(len(tried), 0, -1), tried, strict=True):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # a machine without IPv6
            failure = error
            continue
        try:
            sock.settimeout(max((ends_at - monotonic()) / left, _LEAST_WAIT_S))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class _HttpsConnection(_HttpConnection, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


WATCHED_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _HttpPool, "https": _HttpsPool}
"""For urllib3's `PoolManager.pool_classes_by_scheme`: pools whose connections a Watch looks after."""
