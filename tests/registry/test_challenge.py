"""Challenges of a 401, as the standard has them and as registries write them."""

import pytest

from imagebot.registry.challenge import Challenge, parse_challenges

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"'


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        pytest.param("", [], id="no header"),
        pytest.param(
            HUB,
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:library/nginx:pull",
                    },
                )
            ],
            id="Docker Hub",
        ),
        pytest.param('BASIC Realm="x"', [("basic", {"realm": "x"})], id="names in any case"),
        pytest.param("Basic", [("basic", {})], id="a scheme alone"),
        pytest.param(r'Basic realm="a \"b\" \\ c"', [("basic", {"realm": r'a "b" \ c'})], id="escapes"),
        pytest.param(
            'Basic realm="a, Bearer realm=b"', [("basic", {"realm": "a, Bearer realm=b"})], id="a comma quoted"
        ),
        pytest.param(
            'Basic realm = "x" , charset = UTF-8', [("basic", {"realm": "x", "charset": "UTF-8"})], id="blanks"
        ),
        pytest.param(
            'Basic realm="x", Bearer realm="y",service="z"',
            [("basic", {"realm": "x"}), ("bearer", {"realm": "y", "service": "z"})],
            id="two challenges",
        ),
        pytest.param(
            'Negotiate, NTLM TlRMTVNTUAAB==, Basic realm="x"',
            [("negotiate", {}), ("ntlm", {}), ("basic", {"realm": "x"})],
            id="schemes with token68 or nothing",
        ),
        pytest.param(
            "Bearer realm=https://x.example/token,service=x.example",
            [("bearer", {"realm": "https://x.example/token", "service": "x.example"})],
            id="a URL without quotes",
        ),
        pytest.param('Bearer realm="a",realm="b"', [("bearer", {"realm": "a"})], id="the first of two values"),
        pytest.param('Bearer realm="",scope=""', [("bearer", {"realm": "", "scope": ""})], id="empty values"),
        pytest.param('Bearer realm="a', [("bearer", {})], id="a quote that does not end"),
        pytest.param('realm="a"', [], id="a parameter without a scheme"),
        pytest.param(', ,Basic realm="x",', [("basic", {"realm": "x"})], id="empty elements"),
    ],
)
def test_challenges_of_a_header(header, challenges):
    assert parse_challenges(header) == tuple(Challenge(scheme, parameters) for scheme, parameters in challenges)


def test_a_huge_header_is_read_up_to_a_limit():
    header = "Basic " + ",".join(f'k{n}="v"' for n in range(100_000))

    (challenge,) = parse_challenges(header)

    assert 100 < len(challenge.parameters) < 2000
