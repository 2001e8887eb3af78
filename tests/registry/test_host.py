"""Where a registry is, and which hosts may see its login."""

import pytest

from imagebot.registry.credentials import Login
from imagebot.registry.host import Origin, RegistryHost, find_origin
from imagebot.secret import Secret


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        pytest.param("https://ghcr.io/token", Origin("https", "ghcr.io", 443), id="the scheme's port"),
        pytest.param("http://Localhost:5000", Origin("http", "localhost", 5000), id="lower case"),
        pytest.param("https://[::1]:5000/", Origin("https", "::1", 5000), id="IPv6"),
        pytest.param("https://ghcr.io:0/", Origin("https", "ghcr.io", 0), id="port 0 is not no port"),
        pytest.param("ftp://ghcr.io/", None, id="another scheme"),
        pytest.param("https:///token", None, id="no host"),
        pytest.param("https://user:pw@ghcr.io/", None, id="a user"),
        pytest.param("https://ghcr.io:http/", None, id="a port that is no number"),
        pytest.param("https://[::1/", None, id="half an IPv6 address"),
        pytest.param("/token", None, id="relative"),
        pytest.param("https://ghcr\x1b[31m.io/", None, id="a terminal's commands"),
        pytest.param("https://ghcr\u202e.io/", None, id="a host that is not ASCII"),
    ],
)
def test_origin_of_a_url(url, origin):
    assert find_origin(url) == origin


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        pytest.param(Origin("https", "ghcr.io", 443), "ghcr.io", id="the scheme's port is left out"),
        pytest.param(Origin("http", "ghcr.io", 443), "ghcr.io:443", id="another scheme's is not"),
        pytest.param(Origin("https", "::1", 5000), "[::1]:5000", id="IPv6 in brackets"),
    ],
)
def test_authority_of_an_origin(origin, authority):
    assert origin.authority == authority


@pytest.mark.parametrize(
    ("host", "url"),
    [
        pytest.param(RegistryHost("docker.io"), "https://registry-1.docker.io", id="Docker Hub is elsewhere"),
        pytest.param(RegistryHost("ghcr.io"), "https://ghcr.io", id="TLS"),
        pytest.param(RegistryHost("127.0.0.1:5000", plain_http=True), "http://127.0.0.1:5000", id="plain HTTP"),
    ],
)
def test_base_url_of_a_registry(host, url):
    assert host.base_url == url


@pytest.mark.parametrize(
    ("host", "realm", "may"),
    [
        pytest.param(RegistryHost("ghcr.io"), "https://ghcr.io/token", True, id="the registry itself"),
        pytest.param(RegistryHost("docker.io"), "https://auth.docker.io/token", True, id="Docker Hub's"),
        pytest.param(RegistryHost("registry.gitlab.com"), "https://gitlab.com/jwt/auth", True, id="GitLab.com's"),
        pytest.param(RegistryHost("ghcr.io"), "https://auth.docker.io/token", False, id="another registry's"),
        pytest.param(RegistryHost("ghcr.io"), "https://token.ghcr.io/", False, id="a host below is another host"),
        pytest.param(RegistryHost("ghcr.io"), "https://ghcr.io:8443/token", False, id="another port"),
        pytest.param(RegistryHost("ghcr.io"), "http://ghcr.io/token", False, id="without TLS"),
        pytest.param(
            RegistryHost("r.example", token_hosts=frozenset({"t.example"})), "https://t.example/x", True, id="named"
        ),
        pytest.param(
            RegistryHost("r.example", token_hosts=frozenset({"t.example"})),
            "https://t.example:8443/x",
            False,
            id="named without the port",
        ),
        pytest.param(
            RegistryHost("r.example", token_hosts=frozenset({"t.example"})),
            "http://t.example/x",
            False,
            id="named, without TLS",
        ),
        pytest.param(
            RegistryHost("127.0.0.1:1", plain_http=True), "http://127.0.0.1:2/", False, id="another port of loopback"
        ),
        pytest.param(
            RegistryHost("127.0.0.1:1", plain_http=True, token_hosts=frozenset({"127.0.0.1:2"})),
            "http://127.0.0.1:2/",
            True,
            id="plain HTTP where the registry has it too",
        ),
    ],
)
def test_who_may_give_tokens(host, realm, may):
    origin = find_origin(realm)
    assert origin is not None

    assert host.may_give_tokens(origin) is may


@pytest.mark.parametrize(
    ("name", "url", "may"),
    [
        pytest.param("registry.k8s.io", "https://us-west2-docker.pkg.dev/v2/", True, id="a known pair"),
        pytest.param("registry.k8s.io", "http://us-west2-docker.pkg.dev/v2/", False, id="without TLS"),
        pytest.param("registry.k8s.io", "https://us-west2-docker.pkg.dev:8443/v2/", False, id="another port"),
        pytest.param("registry.k8s.io", "https://evilpkg.dev/v2/", False, id="a host that ends likewise"),
        pytest.param("ghcr.io", "https://us-west2-docker.pkg.dev/v2/", False, id="another registry"),
    ],
)
def test_who_may_be_redirected_to(name, url, may):
    origin = find_origin(url)
    assert origin is not None

    assert RegistryHost(name).may_redirect_to(origin) is may


def test_the_password_of_a_host_is_masked_in_its_repr():
    assert "s3cret" not in repr(RegistryHost("ghcr.io", logins={"": Login("bob", Secret("s3cret"))}))
