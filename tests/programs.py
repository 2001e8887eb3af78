"""Programs that tests start, and what becomes of a test whose program is not on this machine."""

import os
import shutil
from pathlib import Path

import pytest


def require_program(name: str) -> str:
    """Return the program's path; skip the test where it is not installed, or fail where nothing may be left out.

    `IMAGEBOT_TEST_ALL=1`, as CI sets it, is what forbids leaving a test out.
    """
    # Debian keeps the server of PostgreSQL in folders by version; the newest that is there is taken.
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    folders = [os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *map(str, reversed(servers))]
    path = shutil.which(name, path=os.pathsep.join(folders))
    if path is not None:
        return path
    reason = f"{name} is not installed; `make test` installs it where it may"
    if os.environ.get("IMAGEBOT_TEST_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
