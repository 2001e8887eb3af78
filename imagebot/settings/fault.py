"""One fault of a file that a person wrote: where it is, what stands there, and what is accepted there.

Texts from the file are shown quoted, shortened and without control characters, because a fault is printed on
terminals and pages, and a policy file is untrusted. Of a URL only the scheme and the host are shown, because people
paste URLs with passwords and tokens in them.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from imagebot.errors import InvalidInput

Path = tuple[str | int, ...]

MAX_FAULTS = 100
_MAX_SHOWN = 60
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Line and column count from 1, in characters; `path` reads like `images[2].policy.semver`, empty for the whole."""

    file: str
    line: int
    column: int
    path: str
    found: str
    accepted: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " + (f"{self.path}: " if self.path else "")
        return f"{place}found {self.found}; accepted is {self.accepted}"


class FaultyFile(InvalidInput):
    """A file has faults: all of them, in the order of their positions, up to MAX_FAULTS."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults))[:MAX_FAULTS])
        super().__init__(list_faults(self.faults))


def list_faults(faults: tuple[Fault, ...]) -> str:
    """One fault a line."""
    more = [f"there may be more: the first {MAX_FAULTS} faults are shown"] if len(faults) == MAX_FAULTS else []
    return "\n".join([*map(str, faults), *more])


def quote(text: str) -> str:
    """Show a text from a file in quotes, on one line, cut after 60 characters; of a URL only scheme and host."""
    shown = _hide_path(text)
    return repr(shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…")


def _hide_path(text: str) -> str:
    """Cut everything but scheme and host from a URL, and the host too if a password may have been taken for it."""
    match = _URL.fullmatch(text.strip())
    if not match:
        return text if "://" not in text else "…://…"
    scheme, rest = match.groups()
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    if not _HOST.fullmatch(host) or "@" in rest[len(authority) :]:
        return f"{scheme}://…"
    return f"{scheme}://{host}" + ("" if rest == host else "/…")


def format_path(path: Path) -> str:
    """`("images", 2, "policy")` is `images[2].policy`; a key that is no plain word stands in brackets and quotes."""
    text = ""
    for part in path:
        if isinstance(part, str) and len(part) <= _MAX_SHOWN and _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{part if isinstance(part, int) else json.dumps(_hide_path(part)[:_MAX_SHOWN])}]"
    return text
