"""Bearer tokens: how one is asked for, and what the answer holds. Pure.

https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/; Basic is RFC 7617.
"""

import base64
import json
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from imagebot.registry.credentials import Credentials, IdentityToken, Login
from imagebot.registry.errors import UnexpectedAnswer
from imagebot.registry.message import Request
from imagebot.secret import Secret

_MAX_TOKEN_BYTES = 256 * 1024
_DEFAULT_EXPIRY_S = 60.0
_LONGEST_EXPIRY_S = 24 * 3600.0
# A token is replaced this long before it ends, but one that lasts for seconds only is used for most of them.
_MARGIN_S = 10.0
_MARGIN_SHARE = 0.25
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class TokenServer:
    """The registry wants a token from here; the realm has been checked."""

    realm: str
    service: str | None


@dataclass(frozen=True, slots=True)
class Token:
    text: Secret
    expires_at: float
    """By the monotonic clock, some seconds before the server lets it end."""
    following: Secret | None = None
    """The identity token to use from here on, if the server names one."""


def make_token_request(server: TokenServer, scope: str | None, credentials: Credentials | None) -> Request:
    """Ask for a token: with GET, and Basic if there is a user; with POST if there is an identity token.

    Without a scope it lets into the registry, and to no repository.
    """
    fields = {"service": server.service, "scope": scope}
    if isinstance(credentials, IdentityToken):
        fields |= {
            "grant_type": "refresh_token",
            "client_id": "imagebot",
            "refresh_token": credentials.token.reveal(),
        }
        form = Secret(urlencode({key: value for key, value in fields.items() if value is not None}))
        return Request("POST", server.realm, _MAX_TOKEN_BYTES, form=form)
    query = urlencode({key: value for key, value in fields.items() if value is not None})
    parts = urlsplit(server.realm)
    url = parts._replace(query=f"{parts.query}&{query}" if parts.query else query, fragment="").geturl()
    authorization = make_basic(credentials) if credentials is not None else None
    return Request("GET", url, _MAX_TOKEN_BYTES, authorization=authorization)


def make_basic(login: Login) -> Secret:
    pair = f"{login.username}:{login.password.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(pair).decode()}")


def parse_token(body: bytes, token_host: str, *, asked_at: float) -> Token:
    """Read a token server's answer; `issued_at` is left alone, for it goes by a clock that may be off.

    Raises UnexpectedAnswer, never showing what was read.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        # Not chained: the cause would hold the text, and with it a token.
        raise UnexpectedAnswer(token_host, "what should be a token is no JSON") from None
    fields = answer if isinstance(answer, dict) else {}
    text = fields.get("token") or fields.get("access_token")
    if not isinstance(text, str) or not _HEADER_SAFE.fullmatch(text):
        raise UnexpectedAnswer(token_host, 'its answer holds no token: neither "token" nor "access_token" is a text')
    expires_in_s = fields.get("expires_in")
    if not isinstance(expires_in_s, int | float) or not expires_in_s > 0:
        expires_in_s = _DEFAULT_EXPIRY_S
    # Before any arithmetic: JSON has integers of which no float can be made.
    expires_in_s = min(expires_in_s, _LONGEST_EXPIRY_S)
    following = fields.get("refresh_token")
    return Token(
        Secret(text),
        asked_at + expires_in_s - min(_MARGIN_S, _MARGIN_SHARE * expires_in_s),
        Secret(following) if isinstance(following, str) and following else None,
    )
