"""Bearer tokens: the request for one, and the answer."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from imagebot.registry.credentials import IdentityToken, Login
from imagebot.registry.errors import UnexpectedAnswer
from imagebot.registry.token import TokenServer, make_token_request, parse_token
from imagebot.secret import Secret

LOGIN = Login("bob", Secret("s3cret"))
SCOPE = "repository:acme/api:pull"


def test_a_token_is_asked_for_with_service_and_scope_behind_what_the_realm_has():
    server = TokenServer("https://r.example/token?account=x", "r s")

    request = make_token_request(server, SCOPE, LOGIN)

    assert (request.method, request.form) == ("GET", None)
    assert request.url.startswith("https://r.example/token?account=x&")
    assert parse_qs(urlsplit(request.url).query) == {
        "account": ["x"],
        "service": ["r s"],
        "scope": ["repository:acme/api:pull"],
    }


def test_an_identity_token_is_posted():
    request = make_token_request(TokenServer("https://r.example/token", "r"), SCOPE, IdentityToken(Secret("id&x")))

    assert (request.method, request.url, request.authorization) == ("POST", "https://r.example/token", None)
    assert request.form is not None
    assert parse_qs(request.form.reveal()) == {
        "grant_type": ["refresh_token"],
        "service": ["r"],
        "scope": ["repository:acme/api:pull"],
        "client_id": ["imagebot"],
        "refresh_token": ["id&x"],
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"token": "t"', id="truncated"),
        pytest.param(b"<html>secret</html>", id="HTML"),
        pytest.param(b'["t"]', id="a list"),
        pytest.param(b'{"token": 5}', id="a number"),
        pytest.param(b'{"token": ""}', id="empty"),
        pytest.param(json.dumps({"token": "a\r\nX-Header: secret"}).encode(), id="a header in the token"),
        pytest.param(b'{"refresh_token": "secret"}', id="only a refresh token"),
    ],
)
def test_an_answer_that_holds_no_token(body):
    with pytest.raises(UnexpectedAnswer) as caught:
        parse_token(body, "r.example", asked_at=0.0)

    assert "token" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_token_may_be_called_access_token():
    assert parse_token(b'{"access_token": "t"}', "r.example", asked_at=0.0).text == Secret("t")


def test_without_a_scope_none_is_asked_for():
    request = make_token_request(TokenServer("https://r.example/token", "r"), None, None)

    assert (request.url, request.authorization) == ("https://r.example/token?service=r", None)


@pytest.mark.parametrize(
    ("fields", "following"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"refresh_token": "next"}, Secret("next"), id="one"),
        pytest.param({"refresh_token": ""}, None, id="an empty one"),
        pytest.param({"refresh_token": 5}, None, id="a number"),
    ],
)
def test_the_identity_token_that_follows(fields, following):
    body = json.dumps({"access_token": "t", **fields}).encode()

    assert parse_token(body, "r.example", asked_at=0.0).following == following
