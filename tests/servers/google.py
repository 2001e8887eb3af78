"""Google on loopback: where service accounts and workload identities get access tokens, and an instance's metadata."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from imagebot.demo.loopback import Call, LoopbackServer, Reply

ACCOUNT = "reader@acme.iam.gserviceaccount.com"
POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k"
# One for all tests: making one takes a tenth of a second.
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Google:
    """Serves while inside `with`. Tokens are `token-1`, `token-2`, ...; a subject token that is wanted is `subject`."""

    def __init__(self, *, expires_in: int = 3600, reply: Reply | None = None) -> None:
        self.number = 0
        self._expires_in, self._reply = expires_in, reply
        self._server = LoopbackServer(self._answer)
        self.address = self._server.address
        self.url = f"http://{self.address}"

    def __enter__(self) -> "Google":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def write_key(self, folder: Path) -> Path:
        """Write the key of a service account."""
        private = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        fields = {
            "type": "service_account", "project_id": "acme", "private_key_id": "1", "private_key": private,
            "client_email": ACCOUNT, "client_id": "1", "token_uri": f"{self.url}/token",
        }  # fmt: skip
        return _write(folder / "key.json", fields)

    def write_pool(self, folder: Path) -> Path:
        """Write the configuration of a workload identity federation, which reads the token of the file `subject`."""
        fields = {
            "type": "external_account", "audience": POOL, "token_url": f"{self.url}/sts",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "credential_source": {"file": str(folder / "subject")},
        }  # fmt: skip
        return _write(folder / "pool.json", fields)

    def _answer(self, call: Call) -> Reply:
        path = call.target.partition("?")[0]
        if self._reply is not None and path != "/":
            return self._reply
        if path == "/" or path.startswith("/computeMetadata/"):
            return self._answer_metadata(call, path)
        fields = dict(parse_qsl(call.body.decode()))
        is_known = (path == "/sts" and fields.get("subject_token") == "subject" and fields.get("audience") == POOL) or (
            path == "/token" and _is_signed(fields.get("assertion", ""))
        )
        return self._give_token() if is_known else Reply(400, b'{"error": "invalid_grant", "x": "s3cret"}', _JSON)

    def _answer_metadata(self, call: Call, path: str) -> Reply:
        if call.headers.get("Metadata-Flavor") != "Google":
            return Reply(403)
        if path.endswith("/token"):
            return self._give_token()
        if path in ("/", "/computeMetadata/v1/instance/service-accounts/default/"):
            return _make_reply({"email": ACCOUNT, "scopes": ["x"], "aliases": ["default"]})
        text = {"Content-Type": "application/text", "Metadata-Flavor": "Google"}
        return Reply(200, b"acme", text) if path.endswith("/project-id") else Reply(404)

    def _give_token(self) -> Reply:
        self.number += 1
        return _make_reply(
            {"access_token": f"token-{self.number}", "expires_in": self._expires_in, "token_type": "Bearer"}
        )


_JSON = {"Content-Type": "application/json", "Metadata-Flavor": "Google"}


def _make_reply(fields: Mapping[str, Any]) -> Reply:
    return Reply(200, json.dumps(fields).encode(), _JSON)


def _write(file: Path, fields: Mapping[str, Any]) -> Path:
    file.write_text(json.dumps(fields))
    return file


def _is_signed(assertion: str) -> bool:
    """Check the signature of a JWT by the account's key, and that the account wants what a registry needs."""
    message, _, signature = assertion.rpartition(".")
    try:
        _KEY.public_key().verify(_decode(signature), message.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    claims = json.loads(_decode(message.partition(".")[2]))
    return bool(claims["iss"] == ACCOUNT and claims["scope"] == "https://www.googleapis.com/auth/cloud-platform")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
