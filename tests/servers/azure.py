"""Azure on loopback: Entra and a machine's identity service, and a registry that exchanges their tokens for its own."""

import base64
import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from tests.servers.certificates import Authority

TENANT, CLIENT = "22222222-2222-2222-2222-222222222222", "11111111-1111-1111-1111-111111111111"
SECRET, AUDIENCE = "s3cret-azure", "https://containerregistry.azure.net"
ENTRA_TOKEN = "entra-token"


class Entra:
    """Serves while inside `with`, over TLS at `url`, and as the identity service of a machine at `machine_url`."""

    def __init__(self, folder: Path, *, machine_clients: tuple[str, ...] = ("",)) -> None:
        self.asked: list[str] = []
        self.authority = Authority(folder)
        self._machine_clients = machine_clients
        self._entra = LoopbackServer(self._answer, tls=self.authority.make_server_context())
        self._machine = LoopbackServer(self._answer_machine)
        self.url = f"https://{self._entra.address}"
        self.machine_url = f"http://{self._machine.address}"
        self._stack = ExitStack()

    def __enter__(self) -> "Entra":
        self._stack.enter_context(self._entra)
        self._stack.enter_context(self._machine)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def environment(self) -> Mapping[str, str]:
        """Where to ask, and whom to trust there."""
        return {"AZURE_AUTHORITY_HOST": self.url, "REQUESTS_CA_BUNDLE": str(self.authority.ca_file)}

    def _answer(self, call: Call) -> Reply:
        path = urlsplit(call.target).path
        self.asked.append(path)
        if path.endswith("/openid-configuration"):
            base = f"{self.url}/{TENANT}/oauth2/v2.0"
            kinds = {"token": "token", "authorization": "authorize", "device_authorization": "devicecode"}
            endpoints = {f"{kind}_endpoint": f"{base}/{path}" for kind, path in kinds.items()}
            return _make_reply({**endpoints, "issuer": f"{self.url}/{TENANT}/v2.0"})
        fields = dict(parse_qsl(call.body.decode()))
        is_known = fields.get("client_secret") == SECRET or fields.get("client_assertion") == "federated"
        if path != f"/{TENANT}/oauth2/v2.0/token" or fields.get("client_id") != CLIENT or not is_known:
            text = "AADSTS7000215: Invalid client secret provided: s3cret-azure"
            return _make_reply({"error": "invalid_client", "error_description": text}, status=401)
        return self._give_token(fields.get("scope", "").split()[0].removesuffix("/.default"))

    def _answer_machine(self, call: Call) -> Reply:
        query = dict(parse_qsl(urlsplit(call.target).query))
        self.asked.append(query.get("client_id", ""))
        if query.get("client_id", "") not in self._machine_clients:
            return _make_reply({"error": "invalid_request", "error_description": "Identity not found"}, status=400)
        return self._give_token(query["resource"])

    def _give_token(self, audience: str) -> Reply:
        token = ENTRA_TOKEN if audience == AUDIENCE else f"for {audience}"
        fields = {"access_token": token, "token_type": "Bearer", "resource": audience}
        return _make_reply({**fields, "expires_in": 3600, "expires_on": "4070908800"})


class AzureRegistry:
    """A registry with one repository, `acme/api`, over plain HTTP; it exchanges Entra's token for its own."""

    def __init__(self, *, lasts_s: int = 3 * 3600, exchange: Reply | None = None) -> None:
        self.asked: list[tuple[str, int]] = []
        self._lasts_s, self._exchange = lasts_s, exchange
        self._identity_tokens: set[str] = set()
        self._number = 0
        self._server = LoopbackServer(self._answer)
        self.address = self._server.address

    def __enter__(self) -> "AzureRegistry":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def end_identity_tokens(self) -> None:
        self._identity_tokens.clear()

    def _answer(self, call: Call) -> Reply:
        path = urlsplit(call.target).path
        reply = self._route(call, path, dict(parse_qsl(call.body.decode())))
        self.asked.append((path, reply.status))
        return reply

    def _route(self, call: Call, path: str, fields: Mapping[str, str]) -> Reply:
        if path == "/oauth2/exchange":
            wanted = {"grant_type": "access_token", "service": self.address, "access_token": ENTRA_TOKEN}
            if self._exchange is not None:
                return self._exchange
            return self._exchange_token() if wanted.items() <= fields.items() else Reply(401)
        if path == "/oauth2/token":
            is_known = fields.get("refresh_token") in self._identity_tokens
            scope = fields.get("scope", "")
            return _make_reply({"access_token": f"access {scope}".replace(" ", ".")}) if is_known else Reply(401)
        if call.headers.get("Authorization") != "Bearer access.repository:acme/api:pull":
            challenge = f'Bearer realm="http://{self.address}/oauth2/token",service="{self.address}"'
            return Reply(401, headers={"WWW-Authenticate": challenge})
        return _make_reply({"name": "acme/api", "tags": ["1.0"]})

    def _exchange_token(self) -> Reply:
        self._number += 1
        claims = {"jti": self._number, "iat": 1000, "exp": 1000 + self._lasts_s}
        token = f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"
        self._identity_tokens.add(token)
        return _make_reply({"refresh_token": token})


def _make_reply(fields: Mapping[str, Any], *, status: int = 200) -> Reply:
    return Reply(status, json.dumps(fields).encode(), {"Content-Type": "application/json"})
