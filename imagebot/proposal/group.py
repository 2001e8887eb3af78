"""What goes together into one merge request, and what its branch is called.

A branch is named after what its group is about and nothing else, so that the next tag moves the same branch and the
same merge request. What a person says no to are pairs of an image and a tag, in whichever group.
"""

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import NamedTuple

from imagebot.image.reference import Repository

# Git keeps a ref in a file of its name, and file systems end at 255 bytes; what is longer is told apart by a digest.
_MOST_BYTES = 240
_MAX_SLUG = 180
_MIN_SLUG = 20
_DIGEST_DIGITS = 16


class Pair(NamedTuple):
    """An image, by its repository, and the tag that is proposed for it: `TAG@DIGEST` where only the digest changes."""

    image: str
    tag: str

    def __str__(self) -> str:
        return f"{self.image}={self.tag}"


class GroupKind(Enum):
    """What the changes of a group have in common."""

    IMAGE = "image"
    DIRECTORY = "directory"
    FILE = "file"
    ALL = "all"
    NAMED = "group"


_WORDS = {GroupKind.DIRECTORY: "dir", GroupKind.FILE: "file", GroupKind.ALL: "all", GroupKind.NAMED: "group"}


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What a group is about: an image by its repository, a folder or file by its path, a name of the policy file's.

    The folder at the root has the empty path, and the group of all changes no name.
    """

    kind: GroupKind
    name: str

    @classmethod
    def of_image(cls, repository: Repository) -> "GroupKey":
        return cls(GroupKind.IMAGE, str(repository))

    @property
    def slug(self) -> str:
        """What its branch is called behind the prefix: `ghcr.io-acme-api`, `dir-apps-web`, `group-backend`, `all`.

        Two keys never share one. `/` becomes `-`, and `-` becomes `--`. As no part of an image's path begins or ends
        with `-`, and in other names such a `-` is spelled `=2D`, an odd run of them is a `/`. What stands before the
        first of these is the host of an image's registry or one of four words, none of which can be such a host.
        """
        if self.kind is GroupKind.IMAGE:
            # `:` and brackets, which only hosts hold and refs may not, become `_`, which no host holds.
            registry, slash, path = self.name.partition("/")
            slug = (registry.translate(str.maketrans(":[]", "___")) + slash + path).replace("-", "--").replace("/", "-")
            # git refuses a ref that ends in .lock, and no path of an image ends in `_`.
            return f"{slug}_" if slug.endswith(".lock") else slug
        word = _WORDS[self.kind]
        return f"{word}-{_spell(self.name)}" if self.name else word

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}".rstrip()


def make_branch_name(prefix: str, key: GroupKey) -> str:
    """Name the branch of a group: `imagebot/ghcr.io-acme-api`."""
    slug, room = key.slug, _MOST_BYTES - len(prefix.encode()) - _DIGEST_DIGITS - 2
    most = max(_MIN_SLUG, min(_MAX_SLUG, room))
    if len(slug) > most:
        # A `.` never follows a `-` in the short form, so no short name looks like a cut one.
        slug = f"{slug[:most]}-.{sha256(key.name.encode(errors='surrogatepass')).hexdigest()[:_DIGEST_DIGITS]}"
    return prefix + slug


def _spell(name: str) -> str:
    return "-".join(_spell_part(part) for part in name.split("/"))


def _spell_part(part: str) -> str:
    """Spell one part of a path with letters, digits and `_`, with `.` and `-` inside, and `=2F` for any other byte."""
    raw = part.encode(errors="surrogatepass")
    spelled = re.sub(rb"[^0-9A-Za-z_.-]|^[.-]|[.-]$|(?<=\.)\.|\.(?=lock$)", lambda m: b"=%02X" % m[0][0], raw)
    return spelled.decode().replace("-", "--") or "="
