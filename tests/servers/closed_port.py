"""An address of this machine that refuses connections, and that no other program is given meanwhile."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager


@contextmanager
def hold_closed_port() -> Iterator[str]:
    """Yield `127.0.0.1:PORT`: the port is taken, and nobody listens there."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"
