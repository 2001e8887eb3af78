"""What holds for every test: nothing but loopback is reached, and the machine's own configuration has no say."""

import ipaddress
import socket
from collections.abc import Iterator

import pytest

from tests.servers.postgres import PostgresServer

_real_connect = socket.socket.connect

# What a developer's machine sets and a test must not depend on.
_FOREIGN_VARIABLES = (
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "DOCKER_CONFIG",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "SSH_AUTH_SOCK",
)  # fmt: skip


class ReachedOut(Exception):
    """A test tried to reach something other than this machine."""


def _connect_on_loopback(self: socket.socket, address: object) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
        host = str(address[0])
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ReachedOut(f"a test tried to reach {address}")
    _real_connect(self, address)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _FOREIGN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket.socket, "connect", _connect_on_loopback)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this worker's own; a test may stop it, and the next one that needs it finds it started."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of PostgreSQL, for this test alone."""
    with postgres.make_database() as url:
        yield url
