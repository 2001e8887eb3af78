"""Blobs that a registry keeps elsewhere: to whom a redirect may lead, and that no login goes along."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from imagebot.demo.image import IMAGE, make_digest, make_image
from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.demo.push import push
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.manifest import Config
from imagebot.image.platform import Platform
from imagebot.image.reference import Repository
from imagebot.registry.client import Registries
from imagebot.registry.credentials import Login
from imagebot.registry.errors import PrivateAddress, RegistryUnavailable, UnexpectedAnswer, UntrustedCertificate
from imagebot.registry.host import RegistryHost
from imagebot.registry.pacing import Pacing
from imagebot.secret import Secret
from tests.servers.certificates import Authority

BUILT_AT = datetime(2024, 10, 2, 15, 4, 5, tzinfo=UTC)
TINY = make_image({}, platform="linux/arm", built_at=BUILT_AT)
BLOB = TINY.blobs[0]
DIGEST = make_digest(BLOB)
EXPECTED = Config(Platform("linux", "arm", "v7"), BUILT_AT)


def find_api(registry: LoopbackRegistry) -> Repository:
    return Repository(registry.address, "acme/api")


def name_with_login(address: str) -> RegistryHost:
    return RegistryHost(address, plain_http=True, logins={"": Login("bob", Secret("s3cret"))})


@contextmanager
def connect_to(*hosts: RegistryHost) -> Iterator[Registries]:
    """A client whose settings name these hosts and no others."""
    pacing = Pacing(wait=lambda _: None)
    with Registries(
        {host.name: host for host in hosts},
        timeout_s=5.0,
        user_agent="imagebot/test",
        pacing=pacing,
    ) as registries:
        yield registries


class Storage:
    """A host of its own that keeps blobs, and remembers with which headers it was asked for them."""

    def __init__(self, reply: Reply | None = None, *, authority: Authority | None = None) -> None:
        self.calls: list[Call] = []
        self._reply = reply or Reply(200, BLOB)
        self._scheme = "http" if authority is None else "https"
        self._server = LoopbackServer(self._answer, tls=authority.make_server_context() if authority else None)
        self.address = self._server.address
        self.url = f"{self._scheme}://{self.address}/bucket/{DIGEST}?signature=xyz"

    def __enter__(self) -> "Storage":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, call: Call) -> Reply:
        self.calls.append(call)
        return self._reply


def lead_to(registry: LoopbackRegistry, url: str, *, status: int = 307) -> None:
    """Let the registry lead to this URL for each blob, once it has let us in."""
    push(registry.address, "acme/api", "1.0", image=TINY, login=("bob", "s3cret"))
    registry.requests.clear()

    def redirect(method: str, target: str) -> Reply | None:
        is_let_in = len(registry.requests) > 0
        return Reply(status, headers={"Location": url}) if "/blobs/" in target and is_let_in else None

    registry.fault = redirect


@pytest.fixture
def private() -> Iterator[LoopbackRegistry]:
    """A registry that wants bob's password, as Basic, with each request."""
    with LoopbackRegistry(users={"bob": "s3cret"}) as registry:
        yield registry


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_blob_is_fetched_from_another_host_without_the_login(private, status):
    with Storage() as storage:
        lead_to(private, storage.url, status=status)
        named = RegistryHost(storage.address, plain_http=True, logins={"": Login("eve", Secret("other"))})
        with connect_to(name_with_login(private.address), named) as registries:
            assert registries.fetch_config(find_api(private), DIGEST) == EXPECTED

    assert [(request.user, request.status) for request in private.requests] == [(None, 401), ("bob", status)]
    assert [call.target for call in storage.calls] == [f"/bucket/{DIGEST}?signature=xyz"]
    assert "Authorization" not in storage.calls[0].headers
    assert "Cookie" not in storage.calls[0].headers


def test_a_named_storage_is_reached_by_its_own_authority(private, tmp_path):
    authority = Authority(tmp_path)
    with Storage(authority=authority) as storage:
        lead_to(private, storage.url)
        named = RegistryHost(storage.address, ca_file=authority.ca_file)
        with connect_to(name_with_login(private.address), named) as registries:
            assert registries.fetch_config(find_api(private), DIGEST) == EXPECTED

    assert "Authorization" not in storage.calls[0].headers


def test_the_authority_of_a_registry_does_not_vouch_for_its_storage(tmp_path):
    registrys, storages = Authority(tmp_path / "registry"), Authority(tmp_path / "storage")
    with Storage(authority=storages) as storage:
        lead = Reply(307, headers={"Location": storage.url})
        with LoopbackServer(lambda call: lead, tls=registrys.make_server_context()) as registry:
            hosts = [
                RegistryHost(registry.address, ca_file=registrys.ca_file),
                RegistryHost(storage.address, ca_file=registrys.ca_file),
            ]
            with connect_to(*hosts) as registries, pytest.raises(UntrustedCertificate) as caught:
                registries.fetch_config(Repository(registry.address, "acme/api"), DIGEST)

    assert caught.value.registry == storage.address
    assert storage.calls == []


def test_a_storage_at_a_private_address_is_not_connected_to(private):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        address = f"localhost:{listener.getsockname()[1]}"
        lead_to(private, f"https://{address}/bucket/x")
        with (
            connect_to(name_with_login(private.address)) as registries,
            pytest.raises(PrivateAddress) as caught,
        ):
            registries.fetch_config(find_api(private), DIGEST)
        with pytest.raises(BlockingIOError):
            listener.accept()

    assert caught.value.host == address


def test_a_token_server_at_a_private_address_is_no_storage(tmp_path, monkeypatch):
    """A connection that is kept for a registry's tokens is not one for its blobs."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with Storage(Reply(200, b'{"token": "t"}'), authority=authority) as tokens:
        challenge = {"WWW-Authenticate": f'Bearer realm="https://{tokens.address}/token"'}
        lead = {"Location": f"https://{tokens.address}/secret"}

        def answer(call: Call) -> Reply:
            return Reply(307, headers=lead) if "Authorization" in call.headers else Reply(401, headers=challenge)

        with LoopbackServer(answer) as registry:
            host = replace(name_with_login(registry.address), token_hosts=frozenset({tokens.address}))
            with connect_to(host) as registries, pytest.raises(PrivateAddress):
                registries.fetch_config(Repository(registry.address, "acme/api"), DIGEST)

    assert [call.target.partition("?")[0] for call in tokens.calls] == ["/token"]


@pytest.mark.parametrize(
    ("location", "said"),
    [
        pytest.param("http://{storage}/bucket/x", "{storage} over plain HTTP; it has to be at an https", id="http"),
        pytest.param("//{storage}/bucket/x", "{storage} over plain HTTP; it has to be at an https", id="no scheme"),
        pytest.param("ftp://{storage}/x", "something that is no web address", id="another scheme"),
        pytest.param("http://[::1", "something that is no web address", id="half a URL"),
        pytest.param("https://bob:pw@{storage}/", "something that is no web address", id="a login in the URL"),
        pytest.param("file:///etc/passwd", "something that is no web address", id="a file"),
    ],
)
def test_a_storage_that_is_not_asked(private, location, said):
    with Storage() as storage:
        lead_to(private, location.format(storage=storage.address))
        with (
            connect_to(name_with_login(private.address)) as registries,
            pytest.raises(UnexpectedAnswer) as caught,
        ):
            registries.fetch_config(find_api(private), DIGEST)

    assert said.format(storage=storage.address) in str(caught.value)
    assert storage.calls == []


def test_a_host_that_is_named_for_tls_is_not_asked_without(private):
    with Storage() as storage:
        lead_to(private, storage.url)
        hosts = name_with_login(private.address), RegistryHost(storage.address)
        with connect_to(*hosts) as registries, pytest.raises(UnexpectedAnswer, match="over plain HTTP"):
            registries.fetch_config(find_api(private), DIGEST)

    assert storage.calls == []


def test_a_redirect_back_to_the_registry_goes_with_the_login(private):
    lead_to(private, f"/v2/acme/api/blobs/{DIGEST}")
    first = private.fault
    private.fault = lambda method, target: first(method, target) if len(private.requests) < 2 else None

    with connect_to(name_with_login(private.address)) as registries:
        assert registries.fetch_config(find_api(private), DIGEST) == EXPECTED

    assert [(request.user, request.status) for request in private.requests] == [(None, 401), ("bob", 307), ("bob", 200)]


def test_three_redirects_lead_to_a_blob_and_four_to_none(connect):
    with ExitStack() as stack:
        url, storages, hosts = "", [], []
        for reply in (None, *([Reply(302)] * 3)):
            lead = Reply(302, headers={"Location": url}) if reply is not None else None
            storages.append(stack.enter_context(Storage(lead)))
            hosts.append(RegistryHost(storages[-1].address, plain_http=True))
            url = storages[-1].url
        registries = stack.enter_context(connect_to(*hosts))

        # The last that was made leads over two others to the first, which has the blob.
        assert registries.fetch_config(Repository(storages[-1].address, "acme/api"), DIGEST) == EXPECTED
        further = Storage(Reply(302, headers={"Location": url}))
        stack.enter_context(further)
        registries = stack.enter_context(connect_to(RegistryHost(further.address, plain_http=True), *hosts))
        with pytest.raises(UnexpectedAnswer, match="more than 3 redirects, one after the other, to the blob"):
            registries.fetch_config(Repository(further.address, "acme/api"), DIGEST)

    assert [len(storage.calls) for storage in storages] == [1, 2, 2, 2]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no challenge"),
        pytest.param({"WWW-Authenticate": "Basic"}, id="Basic"),
        pytest.param({"WWW-Authenticate": 'Bearer realm="https://evil.example/token"'}, id="Bearer"),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_storage_that_refuses_learns_and_teaches_nothing(private, status, headers: Mapping[str, str]):
    with Storage(Reply(status, headers=headers)) as storage:
        lead_to(private, storage.url)
        named = RegistryHost(storage.address, plain_http=True, logins={"": Login("eve", Secret("other"))})
        with connect_to(name_with_login(private.address), named) as registries:
            with pytest.raises(UnexpectedAnswer, match=f"status {status} where the blob"):
                registries.fetch_config(find_api(private), DIGEST)
            private.fault = None
            assert registries.fetch_config(find_api(private), DIGEST) == EXPECTED

    assert ["Authorization" in call.headers for call in storage.calls] == [False]


def test_what_a_storage_sends_is_hashed(private):
    with Storage(Reply(200, json.dumps({"os": "linux", "architecture": "amd64"}).encode())) as storage:
        lead_to(private, storage.url)
        named = RegistryHost(storage.address, plain_http=True)
        with (
            connect_to(name_with_login(private.address), named) as registries,
            pytest.raises(UnexpectedAnswer, match="has another digest"),
        ):
            registries.fetch_config(find_api(private), DIGEST)


def test_the_storage_of_a_registry_that_is_down_is_told_from_it(private, monkeypatch):
    with LoopbackServer(lambda call: Reply(200)) as proxy:
        pass
    monkeypatch.setenv("https_proxy", f"http://{proxy.address}")
    lead_to(private, "https://cdn.example/x?signature=xyz")

    with (
        connect_to(name_with_login(private.address)) as registries,
        pytest.raises(RegistryUnavailable) as caught,
    ):
        registries.fetch_config(find_api(private), DIGEST)

    assert str(caught.value).startswith(
        f"the storage of {private.address} (at cdn.example) is unavailable: its proxy: it refuses the connection"
    )


def test_a_manifest_is_not_fetched_from_another_host(private):
    with Storage(Reply(200, TINY.manifest, {"Content-Type": IMAGE})) as storage:
        push(private.address, "acme/api", "1.0", image=TINY, login=("bob", "s3cret"))
        private.fault = lambda *_: Reply(307, headers={"Location": storage.url})
        hosts = [RegistryHost(address, plain_http=True) for address in (private.address, storage.address)]
        with connect_to(*hosts) as registries, pytest.raises(UnexpectedAnswer, match="only redirects on the same host"):
            registries.fetch_manifest(find_api(private), TINY.digest)

    assert storage.calls == []
