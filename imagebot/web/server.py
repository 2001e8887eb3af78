"""The web server: waitress with a few threads, from the making of the object to the end of its `with`."""

import socket
import threading
from types import TracebackType
from typing import Any, Self

from waitress import create_server, wasyncore

from imagebot.errors import NeedsOperator
from imagebot.settings.service_section import Address

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Pushes of many commits make long webhooks."""
_MAX_HEADER_BYTES = 32 * 1024
_THREADS = 4
_CONNECTIONS = 200
_IDLE_S = 30
_WAIT_S = 5.0
_LOOK_S = 5.0


class CannotListen(NeedsOperator):
    """The address is taken, or may not be listened on."""

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(f"the web server cannot listen on {address}: {reason}; choose another address as web.listen")
        self.address = address
        self.reason = reason


class WebServer:
    """Serves an application; `url` is where, also if the port was left to the system."""

    def __init__(self, application: Any, address: Address) -> None:
        try:
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            listener = socket.create_server((address.host, address.port), family=family)
        except OSError as error:
            raise CannotListen(address, error.strerror or str(error)) from error
        self._map: dict[int, Any] = {}
        self._is_over = threading.Event()
        self._server = create_server(
            application,
            map=self._map,
            sockets=[listener],
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            channel_timeout=_IDLE_S,
            max_request_body_size=MAX_BODY_BYTES,
            max_request_header_size=_MAX_HEADER_BYTES,
            ident=None,
        )
        self.url = f"http://{Address(address.host, int(self._server.effective_port))}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the requests that are being answered end, and take no more."""
        self._server.task_dispatcher.shutdown(timeout=_WAIT_S)
        self._is_over.set()
        self._server.pull_trigger()
        self._thread.join()
        wasyncore.close_all(self._map, ignore_all=True)

    def _serve(self) -> None:
        while not self._is_over.is_set():
            wasyncore.loop(timeout=_LOOK_S, map=self._map, use_poll=True, count=1)
