"""Who is believed: every kind of proof, and near misses of each."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from imagebot.secret import Secret
from imagebot.settings.service_section import HookKind
from imagebot.web.webhooks.delivery import Delivery
from imagebot.web.webhooks.verify import is_genuine

SECRET, BODY = "s3cret", b'{"a":1}'
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
BASIC = base64.b64encode(b"imagebot:s3cret").decode()
TIME = str(int(NOW.timestamp()))


def sign(body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def sign_by_standard(key: bytes, *, time: str = TIME, body: bytes = BODY) -> dict[str, str]:
    digest = hmac.new(key, b"msg_1." + time.encode() + b"." + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": f"v2,x {signature}"}


@pytest.mark.parametrize(
    ("kind", "headers", "is_believed"),
    [
        pytest.param(HookKind.GITHUB, {"x-hub-signature-256": f"sha256={sign()}"}, True, id="GitHub"),
        pytest.param(HookKind.GITHUB, {"x-hub-signature-256": f"sha256={sign(b'{}')}"}, False, id="another body"),
        pytest.param(HookKind.GITHUB, {"x-hub-signature-256": f"sha256={sign(secret='x')}"}, False, id="another key"),
        pytest.param(HookKind.GITHUB, {"authorization": SECRET}, False, id="no signature"),
        pytest.param(HookKind.GITHUB, {"x-hub-signature": "sha1=1"}, False, id="SHA-1"),
        pytest.param(HookKind.GITHUB, {}, False, id="unsigned"),
        pytest.param(HookKind.GITEA, {"x-gitea-signature": sign()}, True, id="Gitea"),
        pytest.param(HookKind.GITEA, {"x-forgejo-signature": sign()}, True, id="Forgejo"),
        pytest.param(HookKind.GITEA, {"x-gitea-signature": ""}, False, id="Gitea without a secret"),
        pytest.param(HookKind.GITLAB, {"x-gitlab-token": SECRET}, True, id="GitLab"),
        pytest.param(HookKind.GITLAB, {"x-gitlab-token": "s3cre"}, False, id="a part of the token"),
        pytest.param(HookKind.GITLAB, sign_by_standard(SECRET.encode()), True, id="GitLab's signing token"),
        pytest.param(
            HookKind.GITLAB, sign_by_standard(SECRET.encode(), time=str(int(TIME) - 301)), False, id="an old signature"
        ),
        pytest.param(HookKind.GITLAB, sign_by_standard(b"other"), False, id="signed by another"),
        pytest.param(
            HookKind.GITLAB, {**sign_by_standard(SECRET.encode()), "webhook-timestamp": "soon"}, False, id="no time"
        ),
        pytest.param(HookKind.GITLAB, {"authorization": SECRET}, True, id="GitLab's registry"),
        pytest.param(HookKind.DISTRIBUTION, {"authorization": f"Bearer {SECRET}"}, True, id="Bearer"),
        pytest.param(HookKind.HARBOR, {"authorization": SECRET}, True, id="Harbor's header as it is"),
        pytest.param(HookKind.ECR, {"authorization": f"Basic {BASIC}"}, True, id="Basic"),
        pytest.param(HookKind.ECR, {"authorization": "Basic !"}, False, id="no base64"),
        pytest.param(HookKind.DISTRIBUTION, {"authorization": "Bearer "}, False, id="an empty token"),
        pytest.param(HookKind.DISTRIBUTION, {}, False, id="no token"),
    ],
)
def test_who_is_believed(kind: HookKind, headers: dict[str, str], is_believed: bool):
    assert is_genuine(Delivery(headers, BODY), kind, Secret(SECRET), now=NOW) is is_believed


@pytest.mark.parametrize("kind", HookKind)
def test_only_who_can_set_no_header_may_have_the_token_in_the_address(kind: HookKind):
    may = kind in (HookKind.ACR, HookKind.CLOUDEVENTS, HookKind.DOCKER_HUB, HookKind.QUAY)

    assert is_genuine(Delivery({}, BODY, token=SECRET), kind, Secret(SECRET), now=NOW) is may
    assert not is_genuine(Delivery({}, BODY, token="other"), kind, Secret(SECRET), now=NOW)


def test_a_key_in_the_standards_own_form_is_base64():
    secret = Secret(f"whsec_{base64.b64encode(b'key').decode()}")

    assert is_genuine(Delivery(sign_by_standard(b"key"), BODY), HookKind.GITLAB, secret, now=NOW)
