"""What a failed exchange means: the errors of urllib3, ssl and the socket, turned into ours.

They come wrapped in one another, and their texts change with every release: what counts is the classes in the chain of
causes, from what is most telling to what is least.
"""

import os
import socket
import ssl
from collections.abc import Iterator

import urllib3

from imagebot.errors import ImagebotError
from imagebot.registry.errors import RegistryUnavailable, UntrustedCertificate

_MAX_CHAIN = 20
_NAME_NOT_FOUND = "there is no host of this name, or the name cannot be looked up"
_BROKEN_OFF = "the connection was broken off"
# The class of a cause, what it means, and whether it tends to be brief.
_REASONS: tuple[tuple[type[BaseException], str, bool], ...] = (
    (socket.gaierror, _NAME_NOT_FOUND, False),
    (urllib3.exceptions.LocationParseError, _NAME_NOT_FOUND, False),
    (ConnectionRefusedError, "it refuses the connection", False),
    # Not urllib3's TimeoutError: there, every connection that cannot be made is one.
    (TimeoutError, "no complete answer within {timeout_s:g} s", False),
    (urllib3.exceptions.ReadTimeoutError, "no complete answer within {timeout_s:g} s", False),
    (ConnectionError, _BROKEN_OFF, True),
    (ssl.SSLEOFError, _BROKEN_OFF, True),
    (ssl.SSLError, "TLS could not be agreed on; a registry that speaks plain HTTP needs plain_http: true", False),
    (urllib3.exceptions.ProtocolError, f"{_BROKEN_OFF}, or what came is no HTTP", True),
)


def make_failure(error: BaseException, registry: str, timeout_s: float) -> ImagebotError:
    """Say what no answer means for a registry; the caller chains the error."""
    causes = tuple(_unwrap(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UntrustedCertificate(registry, cause.verify_message)
    through = "its proxy: " if any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes) else ""
    for kind, reason, is_brief in _REASONS:
        if any(isinstance(cause, kind) for cause in causes):
            text = through + reason.format(timeout_s=timeout_s)
            return RegistryUnavailable(registry, text, retry_after_s=0.0 if is_brief else None)
    return RegistryUnavailable(registry, through + _describe(causes))


def _describe(causes: tuple[BaseException, ...]) -> str:
    """Name what no table foresaw: by the system's text for its number (no route to host), else by its class."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno is not None:
            return os.strerror(cause.errno)
    return type(causes[-1]).__name__


def _unwrap(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
