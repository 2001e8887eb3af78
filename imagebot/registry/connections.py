"""Connections to one registry and to where it leads: kept alive, verified, through a proxy where there is one.

urllib3, and not requests on top of it: that takes three times as long for a request, which is what a poll is made of.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import urllib3
from urllib3.util import Timeout, make_headers, parse_url
from urllib3.util.ssl_ import create_urllib3_context

from imagebot.registry.host import Origin
from imagebot.registry.proxy import find_proxy
from imagebot.registry.watch import WATCHED_POOLS

_CONNECT_LIMIT_S = 10.0
# Of one registry: its own host, its token server, and where it may redirect to.
_HOSTS = 4


class Connections:
    """All threads share them. `ca_bundle` is the PEM file, or the folder of such, by which servers are verified."""

    def __init__(self, *, ca_bundle: Path, kept: int, timeout_s: float) -> None:
        self._ca_bundle = ca_bundle
        self._kept = kept
        self._timeout = Timeout(connect=min(_CONNECT_LIMIT_S, timeout_s), read=timeout_s)
        self._managers: dict[tuple[str, str | None], urllib3.PoolManager] = {}
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
        manager = self._find_manager(origin.scheme, find_proxy(origin, os.environ))
        return manager.request(
            method,
            url,
            body=body,
            headers=headers,
            timeout=self._timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )

    def _find_manager(self, scheme: str, proxy: str | None) -> urllib3.PoolManager:
        with self._lock:
            manager = self._managers.get((scheme, proxy))
            if manager is None:
                manager = self._managers[scheme, proxy] = self._make_manager(scheme, proxy)
            return manager

    def _make_manager(self, scheme: str, proxy: str | None) -> urllib3.PoolManager:
        # One for all connections: to read the authorities takes longer than a request.
        context = self._make_context() if "https" in (scheme, (proxy or "").partition("://")[0]) else None
        if proxy is None:
            manager = urllib3.PoolManager(_HOSTS, maxsize=self._kept, ssl_context=context)
        else:
            auth = parse_url(proxy).auth
            manager = urllib3.ProxyManager(
                proxy,
                _HOSTS,
                maxsize=self._kept,
                ssl_context=context,
                proxy_ssl_context=context,
                proxy_headers=make_headers(proxy_basic_auth=auth) if auth else None,
            )
        manager.pool_classes_by_scheme = WATCHED_POOLS
        return manager

    def _make_context(self) -> ssl.SSLContext:
        context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
        if self._ca_bundle.is_dir():
            context.load_verify_locations(capath=self._ca_bundle)
        else:
            context.load_verify_locations(cafile=self._ca_bundle)
        return context
