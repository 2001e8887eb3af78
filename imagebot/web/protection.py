"""Who may see the pages: whoever sends the user name and password, or the token, of the settings."""

import base64
import binascii
import hmac

from imagebot.secret import Secret
from imagebot.settings.service_section import WebSection


def is_same(given: str, secret: Secret) -> bool:
    """Compare a text from outside with a secret, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode(), secret.reveal().encode())


def may_see(authorization: str, web: WebSection) -> bool:
    """Tell whether an Authorization header lets its sender see the pages."""
    if not web.is_protected:
        return True
    scheme, _, credentials = authorization.partition(" ")
    if web.token is not None and scheme.lower() == "bearer" and is_same(credentials.strip(), web.token):
        return True
    if web.username is None or web.password is None or scheme.lower() != "basic":
        return False
    username, _, password = _decode(credentials).partition(":")
    # Both are compared, whatever comes of the first.
    is_user, is_password = is_same(username, Secret(web.username)), is_same(password, web.password)
    return is_user and is_password


def _decode(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
