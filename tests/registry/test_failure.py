"""What failures mean that no server on loopback can provoke; the others are in test_transport.py."""

import errno
import ssl

import pytest

from imagebot.registry.errors import RegistryUnavailable
from imagebot.registry.failure import make_failure

BROKEN_OFF = "the connection was broken off; if that stays so, look for a firewall or proxy between"


@pytest.mark.parametrize(
    ("cause", "reason", "is_brief"),
    [
        pytest.param(OSError(errno.EHOSTUNREACH, "x"), "No route to host", False, id="by the system's text"),
        pytest.param(ssl.SSLEOFError("x"), BROKEN_OFF, True, id="an end in the handshake"),
        pytest.param(BrokenPipeError("x"), BROKEN_OFF, True, id="an end while sending"),
        pytest.param(ValueError("secret"), "ValueError", False, id="by the class, never by the text"),
    ],
)
def test_what_a_failure_means(cause, reason, is_brief):
    error = OSError("wrapped")
    error.__cause__ = cause

    failure = make_failure(error, "ghcr.io", 5.0)

    assert isinstance(failure, RegistryUnavailable)
    assert (failure.reason, failure.is_brief) == (reason, is_brief)


def test_causes_that_go_in_circles_come_to_an_end():
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first

    assert str(make_failure(first, "ghcr.io", 5.0)) == "ghcr.io is unavailable: ValueError"
