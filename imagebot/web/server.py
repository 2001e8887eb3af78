"""The web server: waitress with a few threads, from the making of the object to the end of its `with`."""

import threading
from types import TracebackType
from typing import Any, Self

from waitress import create_server, wasyncore

from imagebot.errors import NeedsOperator
from imagebot.settings.service_section import Address

MAX_BODY_BYTES = 1024 * 1024
"""No webhook is longer."""
_MAX_HEADER_BYTES = 32 * 1024
_THREADS = 4
_CONNECTIONS = 200
_IDLE_S = 30
_WAIT_S = 5.0
_LOOK_S = 0.5


class CannotListen(NeedsOperator):
    """The address is taken, or may not be listened on."""

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(f"the web server cannot listen on {address}: {reason}; choose another address as web.listen")
        self.address = address
        self.reason = reason


class WebServer:
    """Serves an application; `url` is where, also if the port was left to the system."""

    def __init__(self, application: Any, address: Address) -> None:
        self._map: dict[int, Any] = {}
        self._is_over = threading.Event()
        try:
            self._server = create_server(
                application,
                map=self._map,
                listen=str(address),
                threads=_THREADS,
                connection_limit=_CONNECTIONS,
                channel_timeout=_IDLE_S,
                max_request_body_size=MAX_BODY_BYTES,
                max_request_header_size=_MAX_HEADER_BYTES,
                ident=None,
            )
        except (OSError, ValueError) as error:
            wasyncore.close_all(self._map, ignore_all=True)
            raise CannotListen(address, getattr(error, "strerror", None) or str(error)) from error
        port = getattr(self._server, "effective_port", address.port)
        self.url = f"http://{Address(address.host, int(port))}"

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
        self._thread.join()
        wasyncore.close_all(self._map, ignore_all=True)

    def _serve(self) -> None:
        while not self._is_over.is_set():
            wasyncore.loop(timeout=_LOOK_S, map=self._map, use_poll=True, count=1)
