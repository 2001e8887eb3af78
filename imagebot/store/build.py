"""Which build of imagebot this is: what another one located is not trusted."""

from functools import cache
from hashlib import sha256
from pathlib import Path

import yaml

import imagebot

# In these it stands what is found in a file, and which entry governs it.
_CORE = ("image", "policy", "yamledit", "proposal")


_HERE = Path(imagebot.__file__).parent


@cache
def fingerprint_build(package: Path = _HERE) -> str:
    """Return a text that is another one for every other core of imagebot, of the same version too.

    So what is kept holds for the code that made it, whether or not anybody thought of that when they changed the code.
    """
    digest = sha256(f"{imagebot.__version__}\n{yaml.__version__}\n".encode())
    for part in _CORE:
        for module in sorted(package.joinpath(part).glob("*.py")):
            digest.update(module.name.encode() + module.read_bytes())
    return digest.hexdigest()[:32]
