"""What git's plumbing reads and prints, as values; nothing is run here.

Paths and branch names are bytes to git. Those that are not UTF-8 cannot be named in settings, YAML or a merge request,
and so imagebot leaves them alone: `parse_heads` leaves them out. `parse_tree` and `parse_changes` show them, with
U+FFFD for what cannot be read, because no file and no change may go unseen.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

from imagebot.errors import InvalidInput

Oid = NewType("Oid", str)

_SHA1_DIGITS = 40
_PERSON = re.compile(rb"(?P<name>[^<\n]*?) ?<(?P<email>[^>\n]*)>")


class FileMode(Enum):
    """What a path in a tree is; git knows no others."""

    FILE = "100644"
    EXECUTABLE = "100755"
    SYMLINK = "120000"
    SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A path in a commit's tree. A submodule's oid is a commit of another repository, and has no size here.

    A path that is odd is not UTF-8: it is fit to be shown, but names no file.
    """

    path: str
    mode: FileMode
    oid: Oid
    size_bytes: int | None
    has_odd_path: bool

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with bytes of its own that its path names: no symlink, no submodule, no odd path."""
        return self.mode in (FileMode.FILE, FileMode.EXECUTABLE) and not self.has_odd_path


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs between two trees; None where it is not there. If only its mode differs, the oids do not."""

    path: str
    old_oid: Oid | None
    new_oid: Oid | None


@dataclass(frozen=True, slots=True)
class Signature:
    """Who wrote or committed a commit; raises InvalidInput for what no commit can hold."""

    name: str
    email: str

    def __post_init__(self) -> None:
        for text in (self.name, self.email):
            if any(character in text for character in "<>\n\0"):
                raise InvalidInput(f"{text!r} cannot name the author of a commit: it has one of < > newline NUL")

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, without its times; its parents are named even where the mirror is too shallow to hold them."""

    oid: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    author: Signature
    committer: Signature
    message: str


def parse_heads(listing: bytes, *, prefix: bytes) -> dict[str, Oid]:
    """Parse lines of oid, blank, ref; return the oids by what follows the prefix in the ref."""
    pairs = (line.split(None, 1) for line in listing.split(b"\n") if line)
    named = ((_find_text(ref.removeprefix(prefix)), oid) for oid, ref in pairs if ref.startswith(prefix))
    return {name: Oid(oid.decode()) for name, oid in named if name is not None}


def parse_tree(listing: bytes) -> tuple[TreeFile, ...]:
    """Parse what `ls-tree -r -z -l` prints, in its order: by the bytes of the path."""
    return tuple(_parse_tree_files(listing))


def _parse_tree_files(listing: bytes) -> Iterator[TreeFile]:
    for entry in listing.split(b"\0")[:-1]:
        meta, _, raw_path = entry.partition(b"\t")
        path = _find_text(raw_path)
        shown = raw_path.decode(errors="replace") if path is None else path
        mode, _, oid, size = meta.decode().split()
        size_bytes = None if size == "-" else int(size)
        yield TreeFile(shown, FileMode(mode), Oid(oid), size_bytes, has_odd_path=path is None)


def parse_changes(listing: bytes) -> tuple[Change, ...]:
    """Parse what `diff-tree -r -z --raw --no-renames` prints, in its order: by the bytes of the path."""
    fields = listing.split(b"\0")[:-1]
    return tuple(
        Change(path.decode(errors="replace"), _find_oid(meta.split()[2]), _find_oid(meta.split()[3]))
        for meta, path in zip(fields[::2], fields[1::2], strict=True)
    )


def parse_sizes(listing: bytes) -> dict[Oid, int]:
    """Parse what `cat-file --batch-check='%(objectname) %(objectsize)'` prints; raise KeyError for an absent object."""
    sizes = {}
    for line in listing.decode().splitlines():
        oid, _, size = line.partition(" ")
        if not size.isdecimal():
            raise KeyError(oid)
        sizes[Oid(oid)] = int(size)
    return sizes


def parse_blobs(stream: bytes) -> dict[Oid, bytes]:
    """Parse what `cat-file --batch` prints: `OID TYPE SIZE`, a newline, the bytes, a newline."""
    blobs: dict[Oid, bytes] = {}
    at = 0
    while at < len(stream):
        end = stream.index(b"\n", at)
        oid, _, size = stream[at:end].split()
        start, at = end + 1, end + 1 + int(size) + 1
        blobs[Oid(oid.decode())] = stream[start : at - 1]
    return blobs


def parse_commit(oid: Oid, data: bytes) -> Commit:
    """Parse a commit object; its headers begin with those four, and the message comes after the first empty line."""
    head, _, message = data.partition(b"\n\n")
    headers = [line.partition(b" ")[::2] for line in head.split(b"\n")]
    values = dict(reversed(headers))
    return Commit(
        oid,
        Oid(values[b"tree"].decode()),
        tuple(Oid(value.decode()) for name, value in headers if name == b"parent"),
        _parse_signature(values[b"author"]),
        _parse_signature(values[b"committer"]),
        message.decode(errors="replace"),
    )


def _parse_signature(value: bytes) -> Signature:
    """Parse `NAME <EMAIL> SECONDS ZONE`; of what other programs wrote, only what fits is kept."""
    person = _PERSON.match(value)
    name, email = (person["name"], person["email"]) if person else (value, b"")
    name, email = (re.sub(rb"[<>\0]", b"", part) for part in (name, email))
    return Signature(name.decode(errors="replace"), email.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit to be made: new bytes for files of its parent, each with the mode it keeps."""

    parent: Oid
    files: Mapping[str, tuple[FileMode, bytes]]
    message: str
    signature: Signature
    at: datetime

    def to_stream(self) -> bytes:
        """Return the commit as `git fast-import` reads it; the commit's oid is what it will print.

        fast-import wants a ref to commit on: it is removed again, and the commit stands alone until it is pushed.
        """
        ref = b"refs/imagebot-new"
        signature = f"{self.signature} {int(self.at.timestamp())} +0000".encode()
        parts = [b"commit %s\nmark :1\nauthor %s\ncommitter %s\n" % (ref, signature, signature)]
        parts.append(_make_data(self.message.encode()))
        parts.append(b"from %s\n" % self.parent.encode())
        for path in sorted(self.files):
            mode, data = self.files[path]
            parts.append(b"M %s inline %s\n" % (mode.value.encode(), _quote(path)))
            parts.append(_make_data(data))
        parts.append(b"get-mark :1\nreset %s\nfrom %s\n\ndone\n" % (ref, len(self.parent) * b"0"))
        return b"".join(parts)


def _make_data(data: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(data), data)


def _quote(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return b'"%s"' % escaped.encode()


@dataclass(frozen=True, slots=True)
class PushStatus:
    """What became of the one ref of a push, as git and the server put it: `[rejected] (stale info)`."""

    is_done: bool
    summary: str

    @property
    def is_refused_by_lease(self) -> bool:
        """Git itself held the push back: the branch was not as expected. The server says `[remote rejected]`."""
        return self.summary.startswith("[rejected]")


def parse_push(listing: bytes) -> PushStatus | None:
    """Parse what `push --porcelain` prints for one ref; None if it did not get so far."""
    for line in listing.decode(errors="replace").splitlines():
        flag, _, rest = line.partition("\t")
        if len(flag) == 1 and flag in " +-*=!" and "\t" in rest:
            return PushStatus(flag != "!", rest.partition("\t")[2])
    return None


def hash_blob(data: bytes, *, like: Oid) -> Oid:
    """Return the oid that these bytes have as a blob, in the repository of another oid: by its hash function."""
    function = hashlib.sha1 if len(like) == _SHA1_DIGITS else hashlib.sha256
    return Oid(function(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest())


def _find_text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _find_oid(raw: bytes) -> Oid | None:
    return Oid(raw.decode()) if raw.strip(b"0") else None
