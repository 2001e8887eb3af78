"""What a failed exchange means: the errors of urllib3, ssl and the socket, turned into ours.

They come wrapped in one another, and their texts change with every release: what counts is the classes in the chain of
causes, from what is most telling to what is least.
"""

import http.client
import os
import socket
import ssl
from collections.abc import Iterator

import urllib3

from imagebot.errors import ImagebotError
from imagebot.registry.errors import (
    RegistryUnavailable,
    UnexpectedAnswer,
    UntrustedCertificate,
    UnusableClientCertificate,
)

_MAX_CHAIN = 20
_NAME_NOT_FOUND = (
    "there is no host of this name, or it cannot be looked up; check the name, and the DNS of this machine"
)
_TOO_SLOW = "no complete answer within {timeout_s:g} s; is there a way to it from here? If it is slow, raise `timeout`"
_BROKEN_OFF = "the connection was broken off{0}; if that stays so, look for a firewall or proxy between"
_NO_TLS = (
    "TLS could not be agreed on; a registry that speaks plain HTTP needs plain_http: true, one that asks who we are"
    " client_cert_file"
)
_NO_PROXY = "its proxy is none that can be used: accepted are http:// and https:// (in https_proxy, all_proxy, proxy)"
_NO_WAY = "it lets us through to no such host; does it want a login (proxy_username), or forbid the host?"
# The class of a cause, what it means, and whether it tends to be brief.
_REASONS: tuple[tuple[type[BaseException], str, bool], ...] = (
    (urllib3.exceptions.ProxySchemeUnknown, _NO_PROXY, False),
    (socket.gaierror, _NAME_NOT_FOUND, False),
    (urllib3.exceptions.LocationParseError, _NAME_NOT_FOUND, False),
    (UnicodeError, _NAME_NOT_FOUND, False),
    (ConnectionRefusedError, "it refuses the connection; is it running, and is the port right?", False),
    # Not urllib3's TimeoutError: there, every connection that cannot be made is one.
    (TimeoutError, _TOO_SLOW, False),
    (urllib3.exceptions.ReadTimeoutError, _TOO_SLOW, False),
    (ConnectionError, _BROKEN_OFF.format(""), True),
    (ssl.SSLEOFError, _BROKEN_OFF.format(""), True),
    (ssl.SSLError, _NO_TLS, False),
    (urllib3.exceptions.ProtocolError, _BROKEN_OFF.format(", or what came is no HTTP"), True),
)
# http.client's own bounds, of which it says only the first with a class of its own.
_TOO_MUCH_HEAD = "more than 100 headers, or a line of more than 65536 bytes among them"
# Older versions of TLS say what may mean many things.
_NO_CERTIFICATE = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


def make_failure(error: BaseException, registry: str, timeout_s: float) -> ImagebotError:
    """Say what no answer means for a registry; the caller chains the error."""
    causes = tuple(unwrap(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UntrustedCertificate(registry, cause.verify_message)
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None) == _NO_CERTIFICATE:
            return UnusableClientCertificate(registry, "it asks for one, and none is configured for it")
        if isinstance(cause, http.client.LineTooLong) or type(cause) is http.client.HTTPException:
            return UnexpectedAnswer(registry, _TOO_MUCH_HEAD)
    through = "its proxy: " if any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes) else ""
    for kind, reason, is_brief in _REASONS:
        if any(isinstance(cause, kind) for cause in causes):
            text = through + reason.format(timeout_s=timeout_s)
            return RegistryUnavailable(registry, text, is_brief=is_brief)
    return RegistryUnavailable(registry, through + (_NO_WAY if through else _describe(causes)))


def _describe(causes: tuple[BaseException, ...]) -> str:
    """Name what no table foresaw: by the system's text for its number (no route to host), else by its class."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno is not None:
            return os.strerror(cause.errno)
    return type(causes[-1]).__name__


def unwrap(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the causes of it, one after the other."""
    cause: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
