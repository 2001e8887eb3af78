"""Proxies of the settings: they come before the environment's, and their login goes to them alone."""

import base64

import pytest

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.image.reference import Repository
from imagebot.registry.client import Registries
from imagebot.registry.errors import PrivateAddress, RegistryUnavailable
from imagebot.registry.host import Proxy
from imagebot.secret import Secret
from tests.servers.internet import Internet
from tests.servers.raw_server import RawConnection, RawServer

PAGE = Reply(200, b'{"tags": ["1.0"]}')
LOGIN = f"Basic {base64.b64encode('bot:geheim-ü'.encode()).decode()}"


def list_api(registries: Registries, address: str) -> tuple[str, ...]:
    return registries.list_tags(Repository(address, "acme/api")).tags


@pytest.fixture
def calls() -> list[Call]:
    return []


@pytest.fixture
def proxy(calls):
    """A proxy that has what is asked of it at hand."""

    def answer(call: Call) -> Reply:
        calls.append(call)
        return PAGE

    with LoopbackServer(answer) as server:
        yield server


def test_the_proxy_of_the_settings_comes_before_the_environments(connect, proxy, calls, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "*")

    registries = connect("registry.example", proxy=Proxy(f"http://{proxy.address}"))

    assert list_api(registries, "registry.example") == ("1.0",)
    assert [call.target for call in calls] == ["http://registry.example/v2/acme/api/tags/list?n=1000"]
    assert "Proxy-Authorization" not in calls[0].headers


def test_a_registry_may_be_asked_straight_whatever_the_environment_says(connect, registry, proxy, calls, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://{proxy.address}")

    with pytest.raises(Exception, match="knows no such repository"):
        list_api(connect(registry.address, proxy=Proxy(None)), registry.address)

    assert calls == []
    assert len(registry.requests) == 1


def test_the_login_of_a_proxy_goes_to_it_in_the_clear_and_tunnelled(connect, proxy, calls):
    heads: list[bytes] = []

    def refuse(connection) -> None:
        heads.append(connection.head)
        connection.send(b"HTTP/1.1 407 No\r\n\r\n")

    def through(address: str) -> Proxy:
        return Proxy(f"http://{address}", "bot", Secret("geheim-ü"))

    list_api(connect("registry.example", proxy=through(proxy.address)), "registry.example")
    with RawServer(refuse) as tunnel:
        registries = connect("registry.example", plain_http=False, proxy=through(tunnel.address))
        with pytest.raises(RegistryUnavailable, match="its proxy: it lets us through to no such host"):
            list_api(registries, "registry.example")

    assert calls[0].headers["Proxy-Authorization"] == LOGIN
    assert heads[0].startswith(b"CONNECT registry.example:443 ")
    assert f"Proxy-Authorization: {LOGIN}".encode() in heads[0]


def test_a_proxy_that_never_ends_its_answer_ends_with_the_deadline(connect):
    def drip(connection: RawConnection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        connection.drip(b"x")

    with RawServer(drip) as tunnel:
        proxy = Proxy(f"http://{tunnel.address}")
        registries = connect("registry.example", plain_http=False, proxy=proxy, timeout_s=0.2)
        with pytest.raises(RegistryUnavailable, match=r"no complete answer within 0\.2 s"):
            list_api(registries, "registry.example")


def test_a_registry_behind_a_proxy_is_not_shown_the_proxys_login(connect, tmp_path, monkeypatch):
    """The tunnel is TLS from end to end, and what goes through it is only what is for the registry."""
    internet = Internet(tmp_path, {"registry.example": lambda call: PAGE})
    with internet:
        internet.connect(monkeypatch)
        proxy = Proxy(internet.proxy_url, "bot", Secret("geheim"))
        list_api(connect("registry.example", plain_http=False, proxy=proxy), "registry.example")

    ((_, call),) = internet.calls
    assert "Proxy-Authorization" not in call.headers
    assert "Authorization" not in call.headers


def test_a_proxy_of_another_kind_is_said_to_be_none(connect, monkeypatch):
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1080")

    with pytest.raises(RegistryUnavailable, match="its proxy is none that can be used: accepted are http"):
        list_api(connect("registry.example"), "registry.example")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("169.254.169.254", id="a cloud's metadata"),
        pytest.param("10.0.0.7:5000", id="private, with a port"),
        pytest.param("127.1", id="loopback in short"),
        pytest.param("0177.0.0.1", id="loopback in octal"),
    ],
)
def test_a_private_address_in_the_place_of_a_name_is_refused_behind_a_proxy_too(
    pacing, proxy, calls, monkeypatch, name
):
    monkeypatch.setenv("https_proxy", f"http://{proxy.address}")

    with (
        Registries({}, timeout_s=5, user_agent="imagebot/test", pacing=pacing) as registries,
        pytest.raises(PrivateAddress, match=f"{name} leads to "),
    ):
        list_api(registries, name)

    assert calls == []
