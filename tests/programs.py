"""Programs that tests start, and what becomes of a test whose program is not on this machine."""

import os
import shutil

import pytest


def require_program(name: str) -> str:
    """Return the program's path; skip the test where it is not installed, or fail where nothing may be left out.

    `IMAGEBOT_TEST_ALL=1`, as CI sets it, is what forbids leaving a test out.
    """
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is not None:
        return path
    reason = f"{name} is not installed; `make test` installs it where it may"
    if os.environ.get("IMAGEBOT_TEST_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
