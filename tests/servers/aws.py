"""Amazon on loopback: moto, which checks signatures and permissions, with one user whose key may read from ECR.

What moto has not is answered by a server of our own: the metadata of an instance, and the public registry's logins.
"""

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import boto3
import requests
from moto.server import ThreadedMotoServer

from imagebot.demo.loopback import Call, LoopbackServer, Reply

REGION = "eu-west-1"
ACCOUNT = "123456789012"
# What moto gives to anyone whom it lets in.
USER, PASSWORD = "AWS", f"{ACCOUNT}-auth-token"
ROLE = "registry-reader"
_MAY_READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]}


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Amazon:
    """What a client needs: where to ask, by environment variables, and as whom."""

    url: str
    reader: Key
    """May read from ECR."""
    stranger: Key
    """Exists, and may do nothing."""

    @property
    def environment(self) -> Mapping[str, str]:
        return {"AWS_ENDPOINT_URL_ECR": self.url}


@contextmanager
def run_amazon() -> Iterator[Amazon]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        yield _populate(url)
    finally:
        # From here on it checks nothing again: it is one for the whole process.
        requests.post(f"{url}/moto-api/reset-auth", data="inf", headers={"Content-Type": "text/plain"}, timeout=10)
        server.stop()


def _populate(url: str) -> Amazon:
    iam = boto3.client(
        "iam", endpoint_url=url, region_name=REGION, aws_access_key_id="root", aws_secret_access_key="root"
    )
    keys = []
    for name in ("reader", "stranger"):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys.append(Key(key["AccessKeyId"], key["SecretAccessKey"]))
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(_MAY_READ))
    iam.close()
    requests.post(
        f"{url}/moto-api/reset-auth", data="0", headers={"Content-Type": "text/plain"}, timeout=10
    ).raise_for_status()
    return Amazon(url, *keys)


class InstanceMetadata:
    """The metadata service of an instance, version 2, whose role has the key given."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._server = LoopbackServer(self._answer)
        self.url = f"http://{self._server.address}"

    def __enter__(self) -> "InstanceMetadata":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, call: Call) -> Reply:
        if call.method == "PUT" and call.target == "/latest/api/token":
            return Reply(200, b"session")
        folder = "/latest/meta-data/iam/security-credentials/"
        if call.headers.get("X-aws-ec2-metadata-token") != "session" or not call.target.startswith(folder):
            return Reply(401)
        if call.target == folder:
            return Reply(200, ROLE.encode())
        now = datetime.now(UTC)
        answer = {
            "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": self._key.id, "SecretAccessKey": self._key.secret,
            "Token": "", "LastUpdated": now.isoformat(), "Expiration": now.replace(year=now.year + 1).isoformat(),
        }  # fmt: skip
        return Reply(200, json.dumps(answer).encode())


class WebIdentities:
    """The service that takes the token of a web identity for a role, which has the key given.

    moto has one, and does not answer what is not signed, as this is not, once it checks signatures.
    """

    def __init__(self, key: Key, *, role_arn: str, token: str) -> None:
        self._key, self._wanted = key, {"RoleArn": role_arn, "WebIdentityToken": token}
        self._server = LoopbackServer(self._answer)
        self.url = f"http://{self._server.address}"

    def __enter__(self) -> "WebIdentities":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, call: Call) -> Reply:
        fields = dict(parse_qsl(call.body.decode()))
        if fields.get("Action") != "AssumeRoleWithWebIdentity" or not self._wanted.items() <= fields.items():
            return Reply(400, b"<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>")
        keys = (
            f"<AccessKeyId>{self._key.id}</AccessKeyId><SecretAccessKey>{self._key.secret}</SecretAccessKey>"
            "<SessionToken></SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
        )
        result = f"<AssumeRoleWithWebIdentityResult><Credentials>{keys}</Credentials></AssumeRoleWithWebIdentityResult>"
        return Reply(200, f"<AssumeRoleWithWebIdentityResponse>{result}</AssumeRoleWithWebIdentityResponse>".encode())


class LoginService:
    """`GetAuthorizationToken` of either kind of ECR, with the answer that a test wants; signatures are not checked."""

    def __init__(self, *, ends_at: datetime | None = None, reply: Reply | None = None, date: str | None = None) -> None:
        self.asked: list[str] = []
        """The operation, and in whose name: as in `SpencerFrontendService.GetAuthorizationToken us-east-1`."""
        self.number = 0
        self._ends_at, self._reply, self._date = ends_at, reply, date
        self._server = LoopbackServer(self._answer)
        self.url = f"http://{self._server.address}"

    def __enter__(self) -> "LoginService":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, call: Call) -> Reply:
        operation = call.headers.get("X-Amz-Target", "")
        region = call.headers.get("Authorization", "").partition("Credential=")[2].split("/")[2]
        self.asked.append(f"{operation} {region}")
        if self._reply is not None:
            return self._reply
        self.number += 1
        token = base64.b64encode(f"AWS:login-{self.number}".encode()).decode()
        data: dict[str, object] = {"authorizationToken": token}
        if self._ends_at is not None:
            data["expiresAt"] = self._ends_at.timestamp()
        is_public = operation.startswith("SpencerFrontendService")
        body = json.dumps({"authorizationData": data if is_public else [data]}).encode()
        date = {"Date": self._date} if self._date is not None else {}
        return Reply(200, body, {"Content-Type": "application/x-amz-json-1.1", **date})
