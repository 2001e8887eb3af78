"""Which proxy the environment names for an origin, as curl and other programs read it."""

import pytest

from imagebot.registry.host import Origin, find_origin
from imagebot.registry.proxy import find_proxy

PROXY, OTHER = "http://proxy.example:3128", "http://other.example:3128"


def parse(url: str) -> Origin:
    origin = find_origin(url)
    assert origin is not None
    return origin


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"https_proxy": PROXY}, PROXY, id="of the scheme"),
        pytest.param({"HTTPS_PROXY": PROXY}, PROXY, id="in upper case"),
        pytest.param({"https_proxy": PROXY, "HTTPS_PROXY": OTHER}, PROXY, id="lower case comes first"),
        pytest.param({"http_proxy": PROXY}, None, id="of another scheme"),
        pytest.param({"all_proxy": PROXY}, PROXY, id="of all schemes"),
        pytest.param({"all_proxy": OTHER, "https_proxy": PROXY}, PROXY, id="its own scheme comes first"),
        pytest.param({"https_proxy": "proxy.example:3128"}, PROXY, id="without a scheme"),
        pytest.param({"https_proxy": ""}, None, id="empty"),
        pytest.param({"https_proxy": PROXY, "no_proxy": ""}, PROXY, id="no exceptions"),
        pytest.param({"https_proxy": PROXY, "NO_PROXY": "ghcr.io"}, None, id="an exception"),
    ],
)
def test_the_proxy_of_an_origin(environ, proxy):
    assert find_proxy(parse("https://ghcr.io/v2/"), environ) == proxy


@pytest.mark.parametrize(
    ("exceptions", "url", "is_direct"),
    [
        pytest.param("*", "https://ghcr.io", True, id="all"),
        pytest.param("ghcr.io", "https://ghcr.io", True, id="a host"),
        pytest.param("GHCR.io", "https://ghcr.io", True, id="in any case"),
        pytest.param("example.com", "https://a.b.example.com", True, id="all below it"),
        pytest.param(".example.com", "https://a.example.com", True, id="with a dot"),
        pytest.param("*.example.com", "https://a.example.com", True, id="with a star"),
        pytest.param("example.com", "https://badexample.com", False, id="no part of a name"),
        pytest.param("a.example.com", "https://example.com", False, id="not what is above it"),
        pytest.param(" a.com , ghcr.io ", "https://ghcr.io", True, id="a list with blanks"),
        pytest.param("ghcr.io:443", "https://ghcr.io", True, id="with its port"),
        pytest.param("ghcr.io:5000", "https://ghcr.io", False, id="with another port"),
        pytest.param("127.0.0.1", "http://127.0.0.1:5000", True, id="an address"),
        pytest.param("127.0.0.1:5000", "http://127.0.0.1:5000", True, id="an address with its port"),
        pytest.param("10.0.0.0/8", "https://10.1.2.3", True, id="a network"),
        pytest.param("10.0.0.0/8", "https://11.1.2.3", False, id="another network"),
        pytest.param("10.0.0.0/8", "https://ten.example.com", False, id="a network has no names"),
        pytest.param("::1", "http://[::1]:5000", True, id="IPv6"),
        pytest.param("[::1]:5000", "http://[::1]:5000", True, id="IPv6 with its port"),
        pytest.param("fd00::/8", "https://[fd00::1]", True, id="a network of IPv6"),
        pytest.param("0.0.1", "https://10.0.0.1", False, id="no part of an address"),
        pytest.param(".", "https://ghcr.io", False, id="a dot is nothing"),
    ],
)
def test_what_is_asked_without_the_proxy(exceptions, url, is_direct):
    environ = {"http_proxy": PROXY, "https_proxy": PROXY, "no_proxy": exceptions}

    assert (find_proxy(parse(url), environ) is None) == is_direct
