"""What the keys of logins match, and which of several comes first."""

import pytest

from imagebot.registry.login_key import LoginKey, parse_login_key


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        pytest.param("ghcr.io", "ghcr.io", "", id="a host"),
        pytest.param("GHCR.io", "ghcr.io", "", id="in upper case"),
        pytest.param("https://ghcr.io", "ghcr.io", "", id="a URL"),
        pytest.param("http://localhost:5000/", "localhost:5000", "", id="a URL of plain HTTP"),
        pytest.param("https://ghcr.io/v2/", "ghcr.io", "", id="with the API's path"),
        pytest.param("https://r.example/v1", "r.example", "", id="with that of the old API"),
        pytest.param("https://index.docker.io/v1/", "docker.io", "", id="Docker Hub as docker has it"),
        pytest.param("docker.io", "docker.io", "", id="Docker Hub by its name"),
        pytest.param("registry-1.docker.io", "docker.io", "", id="Docker Hub by its address"),
        pytest.param("docker.io/acme", "docker.io", "acme", id="a part of Docker Hub"),
        pytest.param("ghcr.io/acme", "ghcr.io", "acme", id="a part"),
        pytest.param("ghcr.io/acme/", "ghcr.io", "acme", id="with a slash"),
        pytest.param("https://r.example/v2/a/b", "r.example", "a/b", id="a part as a URL"),
        pytest.param("r.example/v2ray", "r.example", "v2ray", id="a path that only begins like the API's"),
        pytest.param("", "", "", id="nothing"),
    ],
)
def test_what_a_key_stands_for(text, host, path):
    assert parse_login_key(text) == LoginKey(host, path)


@pytest.mark.parametrize(
    ("key", "image", "matches"),
    [
        # The table of https://kubernetes.io/docs/concepts/containers/images/#config-json
        pytest.param("my-registry.example/images", "my-registry.example/images", True, id="itself"),
        pytest.param("my-registry.example/images", "my-registry.example/images/my-image", True, id="below it"),
        pytest.param("my-registry.example/images", "my-registry.example/images/a/b", True, id="further below it"),
        pytest.param("my-registry.example/images", "my-registry.example/other", False, id="beside it"),
        pytest.param("*.my-registry.example/images", "sub.my-registry.example/images/x", True, id="a pattern"),
        pytest.param("*.my-registry.example/images", "a.sub.my-registry.example/images/x", False, id="of one label"),
        pytest.param("*.my-registry.example/images", "my-registry.example/images/x", False, id="and not of none"),
        pytest.param("prefix*.example.io", "prefix-a.example.io/x", True, id="a pattern of a part"),
        pytest.param("*-suffix.example.io", "a-suffix.example.io/x", True, id="a pattern of the other part"),
        # Ours.
        pytest.param("ghcr.io/acme", "ghcr.io/acme-staging/api", False, id="whole components"),
        pytest.param("ghcr.io", "ghcr.io/acme/api", True, id="all of a registry"),
        pytest.param("ghcr.io", "ghcr.io:443/acme/api", False, id="not of another port"),
        pytest.param("*.example:5000", "a.example:5000/x", True, id="a pattern with a port"),
        pytest.param("*.example", "a.example:5000/x", False, id="a pattern takes no port"),
        pytest.param("r.example", "rxexample/x", False, id="a dot is a dot"),
        pytest.param("index.docker.io", "docker.io/library/nginx", True, id="Docker Hub"),
        pytest.param("docker.io", "registry-1.docker.io/library/nginx", True, id="Docker Hub by its address"),
        pytest.param("", "ghcr.io/acme/api", False, id="nothing"),
    ],
)
def test_what_a_key_matches(key, image, matches):
    registry, _, path = image.partition("/")

    assert parse_login_key(key).matches(registry, path) is matches


def test_what_tells_most_comes_first():
    keys = ["*.example", "r.example", "*.example/a", "r.example/a", "r.example/a/b"]

    assert sorted(keys, key=lambda key: parse_login_key(key).rank) == [
        "r.example/a/b", "r.example/a", "r.example", "*.example/a", "*.example",
    ]  # fmt: skip
