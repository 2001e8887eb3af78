"""A token server on loopback for a real `docker-registry`: the distribution project's Bearer flow, with signed tokens.

It knows GET with Basic or without, and POST with the identity token that it takes for a user. What it was asked is kept
in `requests`. The registry accepts an ended token for 60 s more.
"""

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from imagebot.demo.loopback import Call, LoopbackServer, Reply

SERVICE = "test-registry"
ISSUER = "test-issuer"


class TokenRequest(NamedTuple):
    method: str
    user: str | None
    scope: str
    status: int


class TokenServer:
    """Serves while inside `with`; `certificate_file` is the registry's `rootcertbundle`.

    Anyone may pull what begins with one of `public`, and a user everything, or what begins with what `rights` say.
    `identity_tokens` are users by token; if they rotate, each is good once, and the answer holds the next. A token
    lasts for `ttl_s` from the time of `clock`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str],
        public: tuple[str, ...] = (),
        rights: Mapping[str, str] | None = None,
        identity_tokens: Mapping[str, str] | None = None,
        rotates: bool = False,
        ttl_s: int = 300,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.requests: list[TokenRequest] = []
        self.certificate_file = folder / "token.crt"
        self._users, self._public, self._rights = users, public, rights or {}
        self._identity_tokens, self._rotates = dict(identity_tokens or {}), rotates
        self._ttl_s, self._clock = ttl_s, clock
        self._lock = threading.Lock()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _make_certificate(self._key)
        self.certificate_file.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        self._server = LoopbackServer(self._answer)
        self.address = self._server.address
        self.realm = f"http://{self.address}/token"

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, call: Call) -> Reply:
        text = call.body.decode() if call.method == "POST" else urlsplit(call.target).query
        fields = dict(parse_qsl(text))
        with self._lock:
            user = self._find_user(call, fields)
            following = self._rotate(fields) if user is not None and self._rotates else {}
        is_refused = user is None and ("Authorization" in call.headers or "refresh_token" in fields)
        status = 401 if is_refused else 200 if fields.get("service") == SERVICE else 400
        self.requests.append(TokenRequest(call.method, user, fields.get("scope", ""), status))
        if status != 200:
            return Reply(status, b'{"errors": [{"code": "UNAUTHORIZED"}]}')
        token = self._sign(user, self._grant(user, fields.get("scope", "")))
        # Both endpoints of the specification: GET answers with `token`, POST with `access_token`.
        name = "access_token" if call.method == "POST" else "token"
        return Reply(200, json.dumps({name: token, "expires_in": self._ttl_s, **following}).encode())

    def _rotate(self, fields: Mapping[str, str]) -> Mapping[str, str]:
        user, following = self._identity_tokens.pop(fields["refresh_token"]), uuid.uuid4().hex
        self._identity_tokens[following] = user
        return {"refresh_token": following}

    def _find_user(self, call: Call, fields: Mapping[str, str]) -> str | None:
        if call.method == "POST":
            is_refresh = fields.get("grant_type") == "refresh_token" and "client_id" in fields
            return self._identity_tokens.get(fields.get("refresh_token", "")) if is_refresh else None
        pair = base64.b64decode(call.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        name, _, password = pair.partition(":")
        return name if self._users.get(name) == password else None

    def _grant(self, user: str | None, scope: str) -> list[dict[str, object]]:
        if not scope:
            return []
        kind, path, actions = scope.split(":")
        has_right = user is not None and path.startswith(self._rights.get(user, ""))
        allowed = {"pull", "push"} if has_right else {"pull"} if path.startswith(self._public) else set()
        return [{"type": kind, "name": path, "actions": sorted(allowed.intersection(actions.split(",")))}]

    def _sign(self, user: str | None, access: list[dict[str, object]]) -> str:
        der = self._certificate.public_bytes(Encoding.DER)
        head = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(der).decode()]}
        now = int(self._clock())
        claims = {
            "iss": ISSUER, "sub": user or "", "aud": SERVICE, "exp": now + self._ttl_s, "nbf": now - 5, "iat": now,
            "jti": str(uuid.uuid4()), "access": access,
        }  # fmt: skip
        message = f"{_encode(json.dumps(head).encode())}.{_encode(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._key.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{message}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _make_certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "token signer")])
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        subject_name=name,
        issuer_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now - timedelta(hours=1),
        not_valid_after=now + timedelta(days=1),
    ).sign(key, hashes.SHA256())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
