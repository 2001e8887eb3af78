"""Where connections may lead: a host that the settings do not name stands at a public address, or is not talked to."""

import socket
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from imagebot.demo.loopback import LoopbackServer, Reply
from imagebot.image.reference import Repository
from imagebot.registry.client import Registries
from imagebot.registry.errors import PrivateAddress, RegistryUnavailable
from imagebot.registry.message import Request
from imagebot.registry.watch import Watch, _connect, is_public
from tests.servers.raw_server import RawServer


@pytest.mark.parametrize(
    ("address", "public"),
    [
        pytest.param("1.1.1.1", True, id="public"),
        pytest.param("2606:4700::1111", True, id="public IPv6"),
        pytest.param("127.0.0.1", False, id="loopback"),
        pytest.param("::1", False, id="loopback IPv6"),
        pytest.param("10.1.2.3", False, id="private"),
        pytest.param("192.168.0.1", False, id="private, too"),
        pytest.param("100.64.0.1", False, id="a provider's own"),
        pytest.param("169.254.169.254", False, id="a cloud's metadata"),
        pytest.param("fe80::1%eth0", False, id="link-local with its zone"),
        pytest.param("fd00::1", False, id="private IPv6"),
        pytest.param("::ffff:10.1.2.3", False, id="private in IPv6's clothes"),
        pytest.param("::ffff:1.1.1.1", True, id="public in IPv6's clothes"),
        pytest.param("0.0.0.0", False, id="this machine"),
        pytest.param("255.255.255.255", False, id="everyone"),
        pytest.param("224.0.0.1", False, id="a group"),
        pytest.param("ff0e::1", False, id="a group of IPv6"),
        pytest.param("64:ff9b::1.1.1.1", True, id="public beyond a gateway"),
        pytest.param("64:ff9b::a9fe:a9fe", False, id="a cloud's metadata beyond a gateway"),
        pytest.param("64:ff9b:1::a01:203", False, id="a gateway of one's own"),
        pytest.param("2002:101:101::", True, id="public in 6to4"),
        pytest.param("2002:a01:203::1", False, id="private in 6to4"),
        pytest.param("2001:0:101:101::", False, id="Teredo"),
        pytest.param("::10.1.2.3", False, id="private in IPv6's oldest clothes"),
        pytest.param("::1.1.1.1", False, id="public in them, which leads nowhere"),
        pytest.param("fec0::1", False, id="a site's own, as it was once"),
    ],
)
def test_public_addresses(address, public):
    assert is_public(address) is public


def test_a_private_address_is_not_connected_to():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        address = f"localhost:{listener.getsockname()[1]}"
        with (
            Registries({}, timeout_s=5.0, user_agent="imagebot/test") as registries,
            pytest.raises(PrivateAddress) as caught,
        ):
            registries.list_tags(Repository(address, "acme/api"))
        with pytest.raises(BlockingIOError):
            listener.accept()

    assert str(caught.value) == (
        f"{address} leads to {caught.value.address}, which is no public address; "
        f"if that is meant, name {address} among the registries of the settings"
    )


def test_a_host_that_a_named_registry_leads_to_is_not_named_for_that(connect):
    """As a token server that is known to belong to it: its name could be made to lead into our network."""
    with LoopbackServer(lambda call: Reply(200, b"{}")) as server:
        port = server.address.partition(":")[2]
        transport = connect(server.address)._find_registry(server.address).transport

        assert transport.send(Request("GET", f"http://{server.address}/token", 100)).status == 200
        with pytest.raises(PrivateAddress, match=f"localhost:{port} leads to"):
            transport.send(Request("GET", f"http://localhost:{port}/token", 100))


def test_a_name_with_several_addresses_is_reached_at_the_one_that_answers(connect):
    """`localhost` is ::1 as well on most machines, where nobody listens."""
    with LoopbackServer(lambda call: Reply(200, b'{"tags": ["1.0"]}')) as server:
        address = server.address.replace("127.0.0.1", "localhost")

        assert connect(address).list_tags(Repository(address, "acme/api")).tags == ("1.0",)


def test_an_address_of_a_kind_that_the_machine_does_not_have_is_passed_over():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = listener.getsockname()
        unknown = (socket.AF_INET, socket.SOCK_STREAM, 250, "", here)  # as IPv6 is to some: there is no such protocol

        with _connect([unknown, (socket.AF_INET, socket.SOCK_STREAM, 6, "", here)], limit_s=5) as sock:
            assert sock.getpeername() == here
        with pytest.raises(OSError, match="Protocol not supported"):
            _connect([unknown], limit_s=5)


def make_found(*addresses: str) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]


def test_of_public_and_private_addresses_the_public_ones_are_tried():
    watch = Watch(limit_s=5, public_only=True)

    assert watch.choose("ghcr.io", make_found("10.0.0.1", "1.1.1.1")) == make_found("1.1.1.1")
    with pytest.raises(PrivateAddress, match=r"ghcr\.io leads to 10\.0\.0\.1"):
        watch.choose("ghcr.io", make_found("10.0.0.1", "192.168.0.1"))


def test_a_proxy_may_stand_at_a_private_address(monkeypatch):
    with RawServer(lambda connection: connection.send(b"HTTP/1.1 403 No\r\n\r\n")) as proxy:
        monkeypatch.setenv("https_proxy", f"http://{proxy.address}")
        with (
            Registries({}, timeout_s=5.0, user_agent="imagebot/test") as registries,
            pytest.raises(RegistryUnavailable, match="its proxy"),
        ):
            registries.list_tags(Repository("registry.example", "acme/api"))

    assert proxy.connections == 1


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    with ours, theirs:
        yield ours, theirs


def test_a_watch_shuts_its_socket_when_the_time_is_over(pair):
    ours, theirs = pair

    with Watch(limit_s=0.05, public_only=False) as watch:
        watch.watch(ours)
        assert theirs.recv(1) == b""

    assert watch.is_over


def test_a_socket_that_comes_after_the_time_is_shut_at_once(pair):
    ours, theirs = pair
    first, other = socket.socketpair()

    with first, other, Watch(limit_s=0.05, public_only=False) as watch:
        watch.watch(first)
        other.recv(1)
        watch.watch(ours)
        assert theirs.recv(1) == b""


def test_a_watch_that_ended_leaves_the_socket_to_the_next(pair):
    ours, theirs = pair

    with Watch(limit_s=0.05, public_only=False) as watch:
        watch.watch(ours)

    theirs.settimeout(0.1)
    with pytest.raises(TimeoutError):
        theirs.recv(1)


def test_watches_end_in_the_order_of_their_limits_whatever_the_order_they_began_in():
    pairs = [socket.socketpair() for _ in range(3)]
    watches = [Watch(limit_s=limit_s, public_only=False) for limit_s in (60, 0.1, 0.05)]
    with ExitStack() as stack:
        for watch, (ours, theirs) in zip(watches, pairs, strict=True):
            stack.enter_context(ours)
            theirs.settimeout(5)
            stack.enter_context(theirs)
            stack.enter_context(watch)
            watch.watch(ours)
        ended = [pairs[which][1].recv(1) for which in (2, 1)]

    assert ended == [b"", b""]
    assert [watch.is_over for watch in watches] == [False, True, True]


def test_a_thread_watches_over_all_exchanges():
    with Watch(limit_s=60, public_only=False):
        before = threading.active_count()
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(Watch(limit_s=60, public_only=False))

            assert threading.active_count() == before
