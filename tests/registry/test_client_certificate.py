"""Who we are in TLS: said to the registry whose settings have a certificate for it, and to nobody else."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.image.reference import Repository
from imagebot.registry.client import Registries
from imagebot.registry.errors import RegistryUnavailable, UnusableClientCertificate
from imagebot.registry.host import ClientCertificate, RegistryHost
from tests.servers.certificates import Authority
from tests.servers.internet import Internet

PAGE = Reply(200, b'{"tags": ["1.0"]}')


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def certificate(authority: Authority, tmp_path: Path) -> ClientCertificate:
    return ClientCertificate(*authority.issue_client(tmp_path))


@pytest.fixture
def server(authority: Authority):
    """A registry that talks to nobody who does not say who they are."""
    context = authority.make_server_context(asks_clients=ssl.CERT_REQUIRED)
    with LoopbackServer(lambda call: PAGE, tls=context) as server:
        yield server


def test_a_registry_that_asks_who_we_are_is_told(connect, authority, certificate, server):
    registries = connect(server.address, ca_file=authority.ca_file, client_certificate=certificate)

    assert registries.list_tags(Repository(server.address, "acme/api")).tags == ("1.0",)


def refuse(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Break the handshake off as a server does that asks in vain, and go only when the client has read why."""
    with listener.accept()[0] as connection:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with tls:
            with suppress(ssl.SSLError):
                tls.do_handshake()
            while socket.socket.recv(tls, 65536):
                pass


def test_a_registry_that_asks_and_is_not_told_says_what_it_wants(connect, authority):
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        refused = pool.submit(refuse, listener, authority.make_server_context(asks_clients=ssl.CERT_REQUIRED))
        with pytest.raises(UnusableClientCertificate) as caught:
            connect(address, ca_file=authority.ca_file).list_tags(Repository(address, "acme/api"))
        refused.result()

    assert str(caught.value) == (
        f"{address}: no client certificate for it (it asks for one, and none is configured for it);"
        " name PEM files as client_cert_file and client_key_file of this registry, the key without a passphrase"
    )


def test_an_older_registry_that_asks_and_is_not_told_says_what_it_may_want(connect, authority):
    context = authority.make_server_context(asks_clients=ssl.CERT_REQUIRED)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    with (
        LoopbackServer(lambda call: PAGE, tls=context) as server,
        pytest.raises(RegistryUnavailable, match="one that asks who we are client_cert_file"),
    ):
        connect(server.address, ca_file=authority.ca_file).list_tags(Repository(server.address, "acme/api"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda files: files[1].write_text("no PEM"), "are no certificate and its key", id="no key"),
        pytest.param(
            lambda files: files[0].write_text("no PEM"), "are no certificate and its key", id="no certificate"
        ),
        pytest.param(lambda files: files[1].unlink(), "cannot be read: No such file", id="no file"),
    ],
)
def test_files_that_cannot_be_used_are_named(connect, authority, tmp_path, spoil, said):
    files = authority.issue_client(tmp_path)
    spoil(files)

    registries = connect("127.0.0.1:1", ca_file=authority.ca_file, client_certificate=ClientCertificate(*files))

    with pytest.raises(UnusableClientCertificate, match=said) as caught:
        registries.list_tags(Repository("127.0.0.1:1", "acme/api"))

    assert str(files[1]) in str(caught.value)


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(connect, authority, tmp_path):
    files = authority.issue_client(tmp_path, passphrase=b"secret")
    registries = connect("127.0.0.1:1", ca_file=authority.ca_file, client_certificate=ClientCertificate(*files))

    with pytest.raises(UnusableClientCertificate, match="or the key has a passphrase"):
        registries.list_tags(Repository("127.0.0.1:1", "acme/api"))


def test_a_host_that_a_registry_leads_to_is_not_told(authority, certificate, tmp_path, monkeypatch):
    """Here the one that registry.k8s.io is known to lead to; it asks, and takes no for an answer."""
    told: list[tuple[str, bool]] = []
    there = "us-west2-docker.pkg.dev"

    def lead(call: Call) -> Reply:
        return Reply(307, headers={"Location": f"https://{there}/v2/k8s/pause/tags/list"})

    class Asking(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            told.append((names.pop(0), bool(self.getpeercert())))

    names = ["registry.k8s.io", there]
    internet = Internet(tmp_path, {"registry.k8s.io": lead, there: lambda call: PAGE})
    internet.tls.load_verify_locations(authority.ca_file)
    internet.tls.verify_mode = ssl.CERT_OPTIONAL
    internet.tls.sslsocket_class = Asking
    host = RegistryHost("registry.k8s.io", client_certificate=certificate)
    with internet, Registries({host.name: host}, timeout_s=5, user_agent="imagebot/test") as registries:
        internet.connect(monkeypatch)
        registries.list_tags(Repository("registry.k8s.io", "pause"))

    assert told == [("registry.k8s.io", True), (there, False)]
