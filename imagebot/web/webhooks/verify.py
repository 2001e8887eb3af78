"""Whether a webhook comes from whom it says: by a signature of its body, or by a token.

Comparisons take the same time wherever texts differ. A token is looked for where each product can put one, and only
those that can set no header may have it in the address.
"""

import base64
import binascii
import hashlib
import hmac
from contextlib import suppress
from datetime import datetime, timedelta

from imagebot.secret import Secret
from imagebot.settings.service_section import HookKind
from imagebot.web.protection import is_same
from imagebot.web.webhooks.delivery import Delivery

_MAY_BE_IN_ADDRESS = {HookKind.ACR, HookKind.CLOUDEVENTS, HookKind.DOCKER_HUB, HookKind.QUAY}
_HEX_SIGNATURES = ("x-hub-signature-256", "x-forgejo-signature", "x-gitea-signature")
_STALE = timedelta(minutes=5)
_STANDARD = "whsec_"


def is_genuine(delivery: Delivery, kind: HookKind, secret: Secret, *, now: datetime) -> bool:
    """Tell whether the sender knows the secret."""
    match kind:
        case HookKind.GITHUB | HookKind.GITEA:
            return _is_signed(delivery, secret)
        case HookKind.GITLAB:
            return (
                is_same(delivery.headers.get("x-gitlab-token", ""), secret)
                or _is_signed_by_standard(delivery, secret, now=now)
                or _has_token(delivery, secret)
            )
        case _:
            is_in_address = kind in _MAY_BE_IN_ADDRESS and is_same(delivery.token, secret)
            return is_in_address or _has_token(delivery, secret)


def _is_signed(delivery: Delivery, secret: Secret) -> bool:
    digest = hmac.new(secret.reveal().encode(), delivery.body, hashlib.sha256).hexdigest()
    given = (delivery.headers.get(name, "").removeprefix("sha256=") for name in _HEX_SIGNATURES)
    return any(hmac.compare_digest(each.encode(), digest.encode()) for each in given)


def _is_signed_by_standard(delivery: Delivery, secret: Secret, *, now: datetime) -> bool:
    """Check a signature as GitLab's signing tokens make it, of a time that is not long ago.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    headers = delivery.headers
    name, time = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not time.isascii() or not time.isdigit() or abs(now.timestamp() - int(time[:12])) > _STALE.total_seconds():
        return False
    signed = f"{name}.{time}.".encode() + delivery.body
    digest = base64.b64encode(hmac.digest(_find_key(secret), signed, "sha256"))
    given = (each.partition(",") for each in headers.get("webhook-signature", "").split())
    return any(hmac.compare_digest(each.encode(), digest) for version, _, each in given if version == "v1")


def _find_key(secret: Secret) -> bytes:
    """A key in the standard's own form is base64; any other text is itself the key."""
    text = secret.reveal()
    if text.startswith(_STANDARD):
        with suppress(binascii.Error):
            return base64.b64decode(text.removeprefix(_STANDARD), validate=True)
    return text.encode()


def _has_token(delivery: Delivery, secret: Secret) -> bool:
    """Look for the token in the Authorization header: by itself, as a Bearer token, or as the password of Basic."""
    given = delivery.headers.get("authorization", "")
    scheme, _, credentials = given.partition(" ")
    candidates = [given]
    if scheme.lower() == "bearer":
        candidates.append(credentials.strip())
    if scheme.lower() == "basic":
        try:
            candidates.append(base64.b64decode(credentials, validate=True).decode().partition(":")[2])
        except (binascii.Error, UnicodeDecodeError):
            return False
    return any(is_same(each, secret) for each in candidates)
