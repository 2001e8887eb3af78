"""Damaging files at random: the bytes that parsers care about, cut, moved, repeated and put where none belong."""

from collections.abc import Callable, Sequence
from random import Random

MAX_BYTES = 64_000

_PIECES = tuple(
    piece.encode()
    for piece in (
        *("\n", "\r\n", "\r", "\t", " ", "  ", "\u0085", "\u2028", "\u2029", "\ufeff", "\x00", "\x07", "ü", "🐳"),
        *(":", ": ", "- ", "? ", ", ", "[", "]", "{", "}", "#", " #", "'", '"', "\\", "|", ">", "|2-", "%", "@", "`"),
        *("---\n", "...\n", "%YAML 1.1\n---\n", "%TAG ! !x\n---\n", "&a ", "*a", "*a ", "<<: *a\n", "<<: [*a, *a]\n"),
        *("!!str ", "!!int ", "! ", "!x ", "!<tag:x,y> ", "!!binary |\n", "~", "null", "''", '""', "\\x61", "1.10"),
        *(
            "{{ x }}",
            "{{",
            "}}",
            "{{- if x }}\n",
            "{{/*",
            "*/}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "{% raw %}",
            "${X:-a}",
            "$(X)",
        ),
        *("image: a:1\n", "image: &a a:1\n", "image: *a\n", "tag: v1\n", "digest: ''\n", "sha: ''\n", "newTag: 1\n"),
        *(
            "repository: a\n",
            "registry: b.c\n",
            "name: a\n",
            "version: 1\n",
            "docker://",
            "old=",
            "@sha256:" + 64 * "a",
        ),
        *("# imagebot: any\n", "# imagebot: api:tag\n", '# {"$imagepolicy": "ns:p"}\n', "site:\n  release: 1\n"),
        *("values: |\n", "helm:\n", "source:\n", "images:\n", "kind: Application\n", "apiVersion: argoproj.io/x\n"),
    )
)


def mutate(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Return the file with one to six things done to it, cut where it grows too long."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        data = random.choice(_WAYS)(data, others, random)[:MAX_BYTES]
    return data


def _insert(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.choice(_PIECES) + data[at:]


def _replace(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, end = _pick_span(data, random)
    return data[:start] + random.choice(_PIECES) + data[end:]


def _change_byte(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    at = random.randrange(len(data) or 1)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _remove(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, end = _pick_span(data, random)
    return data[:start] + data[end:]


def _repeat(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, end = _pick_span(data, random)
    return data[:end] + data[start:end] * random.choice((1, 1, 2, 10, 1000)) + data[end:]


def _repeat_piece(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.choice(_PIECES) * random.choice((2, 10, 100, 3000)) + data[at:]


def _insert_from_another(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    at, other = random.randint(0, len(data)), random.choice(others)
    start, end = _pick_span(other, random)
    return data[:at] + other[start:end] + data[at:]


def _append_document(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    return data + b"\n---\n" + random.choice(others)


def _move_line(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randint(0, len(lines)), line)
    return b"".join(lines)


def _indent_line(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    number = random.randrange(len(lines))
    lines[number] = random.choice((b" " + lines[number], b"  " + lines[number], lines[number].lstrip(b" ")))
    return b"".join(lines)


def _end_lines(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    return data.replace(b"\n", random.choice((b"\r\n", b"\r", b"\n\n")))


def _pick_span(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.choice((1, 2, 5, 20, 100)))


_WAYS: Sequence[Callable[[bytes, Sequence[bytes], Random], bytes]] = (
    _insert,
    _insert,
    _replace,
    _change_byte,
    _remove,
    _repeat,
    _repeat_piece,
    _insert_from_another,
    _append_document,
    _move_line,
    _indent_line,
    _end_lines,
)
