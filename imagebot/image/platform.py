"""Platforms of images: os, architecture and variant, in the normal form in which two of them can be compared.

The normal form is containerd's, as its clusters choose by it: https://github.com/containerd/platforms. What is not in
its tables passes in lower case, for there will be others; two things differ from it:

- 32-bit names that `uname -m` gives (`armv7l`, `i686`) are known as well, because people copy them from there;
- one half alone (`linux`, `arm64`) is refused: containerd takes the other half from the machine that it runs on.
"""

import re
from dataclasses import dataclass

from imagebot.errors import InvalidInput

_ACCEPTED = "accepted is OS/ARCHITECTURE[/VARIANT], as in linux/amd64 or linux/arm/v7"
_PART = re.compile(r"[a-z0-9_.-]{1,64}")
_MAX_TEXT = 200

_OS = {"macos": "darwin"}
# Architecture and variant that other names stand for; None keeps the variant that is given.
_ARCHITECTURES: dict[str, tuple[str, str | None]] = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "i386": ("386", ""),
    "i686": ("386", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
}
_VARIANTS = {
    ("amd64", "v1"): "",
    ("arm64", "8"): "",
    ("arm64", "v8"): "",
    ("arm", ""): "v7",
    ("arm", "5"): "v5",
    ("arm", "6"): "v6",
    ("arm", "7"): "v7",
    ("arm", "8"): "v8",
}


class InvalidPlatform(InvalidInput):
    """A text is no platform."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text[:_MAX_TEXT]!r} is no platform: {reason}; {_ACCEPTED}")
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """A platform in normal form, made by `parse_platform` or `make_platform`; `variant` is empty if there is none."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}" + (f"/{self.variant}" if self.variant else "")


def parse_platform(text: str) -> Platform:
    """Parse what people write: two or three parts, in any case, by Go's names or by those of `uname`.

    Raises InvalidPlatform.
    """
    parts = text.split("/", 3)
    if len(parts) not in (2, 3):
        raise InvalidPlatform(text, "it has not two or three parts")
    if len(parts) == 3 and not parts[2]:
        raise InvalidPlatform(text, "its variant is empty")
    return make_platform(parts[0], parts[1], parts[2] if len(parts) == 3 else "")


def make_platform(os: str, architecture: str, variant: str) -> Platform:
    """Make a platform of what a manifest says; the variant may be empty.

    Raises InvalidPlatform.
    """
    written = "/".join([os, architecture] + ([variant] if variant else []))
    for name, part in (("os", os), ("architecture", architecture), ("variant", variant)):
        if not part and name != "variant":
            raise InvalidPlatform(written, f"its {name} is empty")
        # Some letters that are not ASCII become ASCII in lower case: the Kelvin sign a k.
        if part and not (part.isascii() and _PART.fullmatch(part.lower())):
            raise InvalidPlatform(written, f"its {name} is not made of 1 to 64 of A-Z a-z 0-9 _ . -")
    os, architecture, variant = os.lower(), architecture.lower(), variant.lower()
    architecture, implied = _ARCHITECTURES.get(architecture, (architecture, None))
    variant = variant if implied is None else implied
    return Platform(_OS.get(os, os), architecture, _VARIANTS.get((architecture, variant), variant))
