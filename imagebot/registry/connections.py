"""Connections to one registry and to where it leads: kept alive, verified, through a proxy where there is one.

urllib3, and not requests on top of it: that takes three times as long for a request, which is what a poll is made of.
"""

import base64
import os
from collections.abc import Mapping
from threading import Lock
from typing import Any

import urllib3
from urllib3.util import Timeout, make_headers, parse_url

from imagebot.registry.host import Origin, RegistryHost
from imagebot.registry.proxy import find_proxy
from imagebot.registry.tls import check_client_certificate, find_ca_bundle, make_context
from imagebot.registry.watch import WATCHED_POOLS

_CONNECT_LIMIT_S = 10.0
# Of one registry: its own host, its token server, and where it may redirect to.
_HOSTS = 4


class Connections:
    """All threads share them. Raises UntrustedCertificate and UnusableClientCertificate for files of no use."""

    def __init__(self, host: RegistryHost, *, kept: int, timeout_s: float) -> None:
        self._host = host
        self._ca_bundle = find_ca_bundle(host)
        check_client_certificate(host)
        self._kept = kept
        self._timeout = Timeout(connect=min(_CONNECT_LIMIT_S, timeout_s), read=timeout_s)
        self._managers: dict[tuple[str, str | None, bool], urllib3.PoolManager] = {}
        self._pools: dict[Origin, urllib3.HTTPConnectionPool] = {}
        self._lock = Lock()

    def close(self) -> None:
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def send(
        self, method: str, url: str, origin: Origin, *, headers: Mapping[str, str], body: str | None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request and return its answer, of which no byte of the body was read; nothing is followed or repeated.

        Raises what urllib3 raises, ValueError, OSError and UnicodeError.
        """
        manager = self._find_manager(origin)
        options: dict[str, Any] = {
            "body": body,
            "headers": headers,
            "timeout": self._timeout,
            "retries": False,
            "redirect": False,
            "preload_content": False,
        }
        if manager.proxy is not None:
            return manager.urlopen(method, url, **options)
        # What the manager would find anew for each request, which takes a tenth of the time of one.
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = manager.connection_from_host(origin.host, origin.port, origin.scheme)
        return pool.urlopen(method, parse_url(url).request_uri, assert_same_host=False, **options)

    def _find_manager(self, origin: Origin) -> urllib3.PoolManager:
        own = self._host.proxy
        proxy = own.url if own is not None else find_proxy(origin, os.environ)
        key = origin.scheme, proxy, self._host.is_own(origin)
        with self._lock:
            manager = self._managers.get(key)
            if manager is None:
                manager = self._managers[key] = self._make_manager(*key)
            return manager

    def _make_manager(self, scheme: str, proxy: str | None, is_own: bool) -> urllib3.PoolManager:
        # One for all connections: to read the authorities takes longer than a request.
        certificate = self._host.client_certificate if is_own else None
        context = make_context(self._ca_bundle, certificate) if scheme == "https" else None
        if proxy is None:
            manager = urllib3.PoolManager(_HOSTS, maxsize=self._kept, ssl_context=context)
        else:
            # A proxy is not shown the certificate.
            to_proxy = make_context(self._ca_bundle, None) if proxy.lower().startswith("https:") else None
            manager = urllib3.ProxyManager(
                proxy,
                _HOSTS,
                maxsize=self._kept,
                ssl_context=context,
                proxy_ssl_context=to_proxy,
                proxy_headers=self._make_proxy_headers(proxy),
            )
        manager.pool_classes_by_scheme = WATCHED_POOLS
        return manager

    def _make_proxy_headers(self, proxy: str) -> Mapping[str, str] | None:
        own = self._host.proxy
        if own is not None and own.username is not None:
            pair = f"{own.username}:{own.password.reveal() if own.password else ''}"
            return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        auth = parse_url(proxy).auth
        return make_headers(proxy_basic_auth=auth) if auth else None
