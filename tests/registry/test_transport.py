"""Single requests: their limits, their deadline, their redirects, and whom they trust."""

import gzip
import tracemalloc

import pytest

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.registry.client import Registries
from imagebot.registry.credentials import Login
from imagebot.registry.errors import (
    LeftAlone,
    RegistryUnavailable,
    UnexpectedAnswer,
    UnknownRepository,
    UntrustedCertificate,
)
from imagebot.secret import Secret
from tests.servers.certificates import Authority
from tests.servers.raw_server import RawConnection, RawServer

PAGE = b'{"tags": ["1.0"]}'
LIMIT = 200_000 * 160  # bytes for as many tags as are listed
BOB = Login("bob", Secret("s3cret"))


def list_api(registries: Registries, address: str) -> tuple[str, ...]:
    return registries.list_tags(Repository(address, "acme/api")).tags


def test_a_date_to_try_again_after_is_counted_from_the_answers_own(registry, connect, pauses):
    headers = {"Date": "Wed, 21 Oct 2026 07:28:00 GMT", "Retry-After": "Wed, 21 Oct 2026 07:28:09 GMT"}
    push_image(registry.address, "acme/api", "1.0")
    first = iter([Reply(429, headers=headers)])
    registry.fault = lambda *_: next(first, None)

    assert list_api(connect(registry.address), registry.address) == ("1.0",)
    assert pauses == [9.0]


def test_a_compressed_page_is_read(registry, connect):
    registry.fault = lambda *_: Reply(200, gzip.compress(PAGE), {"Content-Encoding": "gzip"})

    assert list_api(connect(registry.address), registry.address) == ("1.0",)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(Reply(200, bytes(LIMIT + 1)), f"a body of more than {LIMIT} bytes", id="too large"),
        pytest.param(Reply(200, PAGE, {"Content-Encoding": "gzip"}), "says it is gzip and is not", id="no gzip"),
    ],
)
def test_a_body_that_is_not_read_to_its_end(registry, connect, reply, said):
    registry.fault = lambda *_: reply

    with pytest.raises(UnexpectedAnswer) as caught:
        list_api(connect(registry.address), registry.address)

    assert said in str(caught.value)


def test_a_gzip_bomb_is_not_unpacked_beyond_the_limit(registry, connect):
    bomb = Reply(200, gzip.compress(bytes(8 * LIMIT)), {"Content-Encoding": "gzip"})
    registry.fault = lambda *_: bomb

    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedAnswer):
            list_api(connect(registry.address), registry.address)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 3 * LIMIT


def test_a_redirect_on_the_same_host_is_followed_with_the_login(connect):
    with LoopbackRegistry(users={"bob": "s3cret"}) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))
        registry.fault = lambda method, target: (
            Reply(307, headers={"Location": "/v2/acme/api/tags/list"}) if "?" in target else None
        )

        assert list_api(connect(registry.address, login=BOB), registry.address) == ("1.0",)


@pytest.mark.parametrize("location", ["http://[::1", "ftp://x/", ""], ids=["half a URL", "another scheme", "nothing"])
def test_a_redirect_to_nowhere_is_not_followed(registry, connect, location):
    registry.fault = lambda *_: Reply(302, headers={"Location": location} if location else {})

    with pytest.raises(UnexpectedAnswer, match="redirect"):
        list_api(connect(registry.address), registry.address)


def test_the_body_of_a_redirect_has_a_limit(registry, connect):
    bomb = gzip.compress(bytes(4 * LIMIT))
    registry.fault = lambda *_: Reply(302, bomb, {"Location": "/", "Content-Encoding": "gzip"})

    with pytest.raises(UnexpectedAnswer, match="a body of more than"):
        list_api(connect(registry.address), registry.address)


def test_cookies_are_not_kept(connect):
    seen = []

    def answer(call: Call) -> Reply:
        seen.append(call.headers.get("Cookie"))
        return Reply(200, PAGE, {"Set-Cookie": "session=1; Path=/"})

    with LoopbackServer(answer) as server:
        registries = connect(server.address)
        for _ in range(2):
            list_api(registries, server.address)

    assert seen == [None, None]


def test_no_login_is_taken_from_a_netrc(connect, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login bob password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    seen = []

    def answer(call: Call) -> Reply:
        seen.append(call.headers.get("Authorization"))
        return Reply(200, PAGE)

    with LoopbackServer(answer) as server:
        list_api(connect(server.address), server.address)

    assert seen == [None]


def test_a_connection_is_kept_for_the_next_request(connect):
    def talk(connection: RawConnection) -> None:
        for _ in range(3):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(PAGE), PAGE))
            connection.read_head()

    with RawServer(talk) as server:
        registries = connect(server.address)
        for _ in range(3):
            list_api(registries, server.address)

        assert server.connections == 1


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drip_head(connection: RawConnection) -> None:
    connection.send(HEAD + b"X-Slow: ")
    connection.drip(b"x")


def drip_body(connection: RawConnection) -> None:
    connection.send(HEAD + b'Content-Length: 1000000\r\n\r\n{"tags": [')
    connection.drip(b" ")


def drip_body_without_length(connection: RawConnection) -> None:
    connection.send(HEAD + b"Connection: close\r\n\r\n" + PAGE)
    connection.drip(b" ")


def drip_chunks(connection: RawConnection) -> None:
    connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    connection.drip(b"1\r\n \r\n")


def drip_in_a_chunks_head(connection: RawConnection) -> None:
    connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;")
    connection.drip(b"x")


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(RawConnection.wait, id="silence"),
        pytest.param(drip_head, id="a slow head"),
        pytest.param(drip_body, id="a slow body"),
        pytest.param(drip_body_without_length, id="a slow body that looks whole when cut"),
        pytest.param(drip_chunks, id="slow chunks"),
        pytest.param(drip_in_a_chunks_head, id="a slow chunk head"),
    ],
)
def test_a_slow_answer_ends_with_the_deadline(connect, talk):
    with RawServer(talk) as server:
        with pytest.raises(RegistryUnavailable, match=r"no complete answer within 0\.2 s"):
            list_api(connect(server.address, timeout_s=0.2), server.address)

        assert server.connections == 1


def end_in_the_body(connection: RawConnection) -> None:
    connection.send(HEAD + b"Content-Length: 100\r\n\r\n" + PAGE)


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(RawConnection.reset, id="a reset before the answer"),
        pytest.param(end_in_the_body, id="an end in the body"),
        pytest.param(lambda connection: None, id="an end before the answer"),
    ],
)
def test_a_connection_that_breaks_is_tried_again(connect, pauses, talk):
    with RawServer(talk) as server:
        with pytest.raises(RegistryUnavailable, match="the connection was broken off"):
            list_api(connect(server.address), server.address)

        assert server.connections == 3
        assert pauses == [0.5, 2.0]


def test_a_registry_that_fails_is_left_alone_until_one_request_finds_that_it_works(registry, connect, clock):
    push_image(registry.address, "acme/api", "1.0")
    registries = connect(registry.address)
    registry.fault = lambda *_: Reply(500)
    registry.requests.clear()
    for n in range(9):
        with pytest.raises(RegistryUnavailable if n < 5 else LeftAlone, match="it answered 500"):
            list_api(registries, registry.address)
    assert len(registry.requests) == 5

    clock.now += 30
    for _ in range(2):
        with pytest.raises((RegistryUnavailable, LeftAlone), match="it answered 500"):
            list_api(registries, registry.address)
    assert len(registry.requests) == 6
    clock.now += 60
    registry.fault = None

    assert list_api(registries, registry.address) == ("1.0",)
    assert list_api(registries, registry.address) == ("1.0",)
    assert len(registry.requests) == 8


def test_repositories_that_are_not_there_are_no_failure_of_their_registry(registry, connect):
    push_image(registry.address, "acme/api", "1.0")
    registries = connect(registry.address)
    for n in range(10):
        with pytest.raises(UnknownRepository):
            registries.list_tags(Repository(registry.address, f"acme/none{n}"))

    assert list_api(registries, registry.address) == ("1.0",)


def test_a_registry_that_is_down_is_not_tried_again(connect, pauses):
    with RawServer(RawConnection.reset) as server:
        address = server.address

    with pytest.raises(RegistryUnavailable) as caught:
        list_api(connect(address), address)

    assert str(caught.value) == (
        f"{address} is unavailable: it refuses the connection; is it running, and is the port right?"
    )
    assert pauses == []


@pytest.mark.parametrize(
    "host",
    [
        # Longer than any name in the DNS, so that no server is asked for it.
        pytest.param(".".join(["a" * 50] * 6), id="a name that cannot be"),
        pytest.param(f"{'a' * 70}.example", id="a label that cannot be"),
    ],
)
def test_a_name_that_is_not_found(connect, host):
    with pytest.raises(RegistryUnavailable, match="there is no host of this name"):
        list_api(connect(host), host)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_server(authority):
    with LoopbackServer(lambda call: Reply(200, PAGE), tls=authority.make_server_context()) as server:
        yield server


def test_an_authority_of_ones_own_is_trusted_if_named(connect, authority, tls_server):
    registries = connect(tls_server.address, ca_file=authority.ca_file)

    assert list_api(registries, tls_server.address) == ("1.0",)


def test_the_named_authority_comes_before_that_of_the_environment(
    connect, authority, tls_server, tmp_path, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path).ca_file))

    assert list_api(connect(tls_server.address, ca_file=authority.ca_file), tls_server.address) == ("1.0",)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_the_authorities_of_the_environment_are_trusted(connect, authority, tls_server, monkeypatch, name):
    monkeypatch.setenv(name, str(authority.ca_file))

    assert list_api(connect(tls_server.address, plain_http=False), tls_server.address) == ("1.0",)


def test_a_certificate_of_an_unknown_authority_is_refused(connect, tls_server, pauses):
    with pytest.raises(UntrustedCertificate) as caught:
        list_api(connect(tls_server.address, plain_http=False), tls_server.address)

    assert str(caught.value).startswith(f"{tls_server.address}: its certificate cannot be verified (")
    assert "name that authority's PEM file as ca_file" in str(caught.value)
    assert pauses == []


def test_a_certificate_for_another_name_is_refused(connect, authority, tls_server):
    address = tls_server.address.replace("127.0.0.1", "127.1")  # the same host by a name that is not in it

    with pytest.raises(UntrustedCertificate, match=r"127\.1"):
        list_api(connect(address, ca_file=authority.ca_file), address)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "ca.pem cannot be read: No such file or directory", id="not there"),
        pytest.param("no PEM", "ca.pem holds no certificate", id="no certificate"),
    ],
)
def test_a_ca_file_that_cannot_be_used_is_named(connect, tmp_path, content, said):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(UntrustedCertificate, match=said):
        list_api(connect("127.0.0.1:1", ca_file=file), "127.0.0.1:1")


def test_a_bundle_of_the_environment_that_is_not_there_is_named(connect, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))

    with pytest.raises(UntrustedCertificate, match=r"REQUESTS_CA_BUNDLE names .*ca\.pem, which is not there"):
        list_api(connect("127.0.0.1:1", plain_http=False), "127.0.0.1:1")


def test_tls_is_not_given_up_for_a_registry_that_has_none(connect, registry):
    with pytest.raises(RegistryUnavailable, match="a registry that speaks plain HTTP needs plain_http: true"):
        list_api(connect(registry.address, plain_http=False), registry.address)

    assert registry.requests == []


def test_a_proxy_of_the_environment_is_used(connect, registry, monkeypatch):
    push_image(registry.address, "acme/api", "1.0")
    registry.requests.clear()
    monkeypatch.setenv("http_proxy", f"http://{registry.address}")

    assert list_api(connect("registry.example"), "registry.example") == ("1.0",)
    assert [request.target for request in registry.requests] == ["http://registry.example/v2/acme/api/tags/list?n=1000"]


def test_a_proxy_that_is_down_is_told_from_the_registry(connect, monkeypatch):
    with RawServer(RawConnection.reset) as server:
        monkeypatch.setenv("http_proxy", f"http://{server.address}")

    with pytest.raises(RegistryUnavailable) as caught:
        list_api(connect("registry.example"), "registry.example")

    assert str(caught.value).startswith("registry.example is unavailable: its proxy: it refuses the connection")
