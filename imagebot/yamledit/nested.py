"""YAML in a scalar of YAML: the values that an Argo CD application hands to Helm as one text.

Only what stands in a literal block is edited, for there each line is written as it is read, behind the indentation. An
edit of the inner text is an edit of the same bytes in the file around it.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from imagebot.yamledit.candidate import find_scalar
from imagebot.yamledit.kinds_argo import GROUP, KINDS
from imagebot.yamledit.occurrence import LeftAlone, Located, Occurrence, Part
from imagebot.yamledit.scan import Alias, MappingNode, Node, NotYaml, Path, Role, Scalar, Style, YamlFile
from imagebot.yamledit.search import make_need

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_LINE_END = re.compile(r"\r\n|\r")
NEEDS = tuple(make_need(GROUP, kind, "values") for kind in KINDS)
_NO_LITERAL = "it stands in YAML in a text that is no literal block, and only in one (|) without a tag is it edited"
_SHARED = "it stands in YAML in a text that is shared through an anchor"
_UNLIKE = "it stands in YAML in a block whose lines are not what the parser read there"
_TOO_FAR_LEFT = "it stands in YAML in a block of which a line is indented less than the others"


@dataclass(frozen=True, slots=True)
class Block:
    """The text in a literal block as a file of its own, with the line ends of the file around it.

    Each line of it begins at one of the `starts`, and in the file around it at one of the `outer_starts`, behind one of
    the `prefixes`. What stands before all of these is the header; `line` is the number of the line behind it.
    """

    data: bytes
    header: bytes
    line: int
    prefixes: Sequence[bytes]
    starts: Sequence[int]
    outer_starts: Sequence[int]

    def to_outer(self, offset: int) -> int:
        number = bisect_right(self.starts, offset) - 1
        return self.outer_starts[number] + offset - self.starts[number]

    def to_inner(self, offset: int) -> int | None:
        """Return the offset in the inner text; None if the byte is none of its, as those of the indentation."""
        number = bisect_right(self.outer_starts, offset) - 1
        inner = self.starts[number] + offset - self.outer_starts[number]
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.data)
        return inner if number >= 0 and inner < end else None

    def to_outer_line_and_column(self, line: int, column: int) -> tuple[int, int]:
        indentation = len(self.prefixes[line - 1]) if line <= len(self.prefixes) else 0
        return self.line + line - 1, indentation + column

    def write(self, data: bytes) -> bytes:
        """Return the source of the block with another inner text of as many lines."""
        lines = zip(self.prefixes, _LINE.findall(data.decode()), strict=True)
        return self.header + b"".join(prefix + line.encode() for prefix, line in lines)


def open_block(file: YamlFile, scalar: Scalar) -> Block | str:
    """Return the text in a literal block, or why it cannot be edited."""
    if scalar.style is not Style.LITERAL or scalar.tag is not None:
        return _NO_LITERAL
    header, *lines = _LINE.findall(file.data[scalar.start : scalar.end].decode())
    values = scalar.value.split("\n")
    indentation = next((len(_strip(line)) - len(value) for line, value in zip(lines, values, strict=False) if value), 0)
    prefixes: list[str] = []
    for line in lines:
        prefix = line[:indentation] if _strip(line, " ") else _strip(line)[:indentation]
        if prefix.strip(" "):
            return _TOO_FAR_LEFT
        prefixes.append(prefix)
    contents = [line.removeprefix(prefix) for line, prefix in zip(lines, prefixes, strict=True)]
    inner = "".join(contents)
    # A lone CR and the LF of an empty line behind it would be one line end.
    if _LINE.findall(inner) != contents or find_block_value(file, scalar, inner) != scalar.value:
        return _UNLIKE
    return _make_block(file, scalar, header=header, prefixes=prefixes, contents=contents)


def find_block_value(file: YamlFile, block: Scalar, inner: str) -> str:
    """Return the value that the block has with this inner text; the line ends behind the last line are the block's."""
    text = _LINE_END.sub("\n", inner)
    text = text if block.is_literal else file.mask(text)
    content = text.rstrip("\n")
    return content + block.value[len(block.value.rstrip("\n")) :]


def _strip(line: str, more: str = "") -> str:
    return line.rstrip("\r\n" + more)


def _make_block(
    file: YamlFile, scalar: Scalar, *, header: str, prefixes: Sequence[str], contents: Sequence[str]
) -> Block:
    starts: list[int] = []
    outer_starts: list[int] = []
    start, outer = 0, scalar.start + len(header.encode())
    for prefix, line in zip(prefixes, contents, strict=True):
        starts.append(start)
        outer_starts.append(outer + len(prefix))
        size = len(line.encode())
        start, outer = start + size, outer + len(prefix) + size
    return Block(
        data="".join(contents).encode(),
        header=header.encode(),
        line=file.positions.to_line(scalar.start) + 1,
        prefixes=tuple(prefix.encode() for prefix in prefixes),
        starts=tuple(starts),
        outer_starts=tuple(outer_starts),
    )


def find_nested(file: YamlFile) -> Iterator[Scalar | Alias]:
    """Yield what holds YAML because of where it stands: `helm.values` of the sources of Argo CD's applications."""
    if not file.search.meets(NEEDS):
        return
    documents = {number for number, root in enumerate(file.roots) if _is_application(root)}
    if not documents:
        return
    nodes: list[Scalar | Alias] = [*file.scalars, *file.aliases]
    for node in nodes:
        if node.role is Role.VALUE and node.document in documents and _is_values_of_source(node.path):
            yield node


def _is_application(root: Node) -> bool:
    if not isinstance(root, MappingNode):
        return False
    kinds, versions = ([*map(find_scalar, root.values.get(key, ()))] for key in ("kind", "apiVersion"))
    return any(kind and kind.value in KINDS for kind in kinds) and any(
        version and version.value.startswith(f"{GROUP}/") for version in versions
    )


def _is_values_of_source(path: Path) -> bool:
    helm = path.parent
    source = helm.parent if helm is not None else None
    if path.step != "values" or helm is None or helm.step != "helm" or source is None:
        return False
    is_listed = isinstance(source.step, int) and source.parent is not None and source.parent.step == "sources"
    return source.step == "source" or is_listed


def locate_nested(file: YamlFile, locate: Callable[[bytes], Located]) -> Located:
    """Locate what nested YAML names, with the places in the file around it; nested YAML in this is not looked for."""
    shared = {id(alias.target) for alias in file.aliases}
    found: list[Located] = []
    seen: set[int] = set()
    for node in find_nested(file):
        scalar = find_scalar(node)
        # Any number of aliases may stand for one text, which is reported where it is used first.
        if scalar is None or id(scalar) in seen:
            continue
        seen.add(id(scalar))
        block = _SHARED if id(scalar) in shared else open_block(file, scalar)
        try:
            if isinstance(block, Block):
                found.append(_move(locate(block.data), block, scalar.path))
            else:
                found.append(_refuse(locate(scalar.value.encode()), block, file, node))
        except NotYaml as error:
            found.append(_report(error, block, file, node))
    return Located(
        tuple(occurrence for located in found for occurrence in located.occurrences),
        tuple(left for located in found for left in located.left_alone),
    )


def _move(located: Located, block: Block, path: Path) -> Located:
    """Move what was found in the inner text to where it stands in the file around it."""
    return Located(
        tuple(_move_occurrence(occurrence, block, path) for occurrence in located.occurrences),
        tuple(_move_left_alone(left, block) for left in located.left_alone),
    )


def _move_occurrence(occurrence: Occurrence, block: Block, path: Path) -> Occurrence:
    line, column = block.to_outer_line_and_column(occurrence.line, occurrence.column)
    return replace(
        occurrence,
        parts=tuple(_move_part(part, block) for part in occurrence.parts),
        room=None if occurrence.room is None else _move_part(occurrence.room, block),
        line=line,
        column=column,
        path=_append(path, occurrence.path),
    )


def _move_part(part: Part, block: Block) -> Part:
    start = block.to_outer(part.start)
    return replace(part, start=start, end=start + part.end - part.start)


def _move_left_alone(left: LeftAlone, block: Block) -> LeftAlone:
    line, column = block.to_outer_line_and_column(left.line, left.column)
    return replace(left, line=line, column=column)


def _append(path: Path, inner: Path) -> Path:
    steps: list[str | int] = []
    while inner.parent is not None:
        steps.append(inner.step)
        inner = inner.parent
    for step in reversed(steps):
        path = Path(path, step)
    return path


def _refuse(located: Located, reason: str, file: YamlFile, node: Scalar | Alias) -> Located:
    line, column = file.positions.to_line_and_column(node.start)
    refused = tuple(LeftAlone(line, column, str(one.reference), reason) for one in located.occurrences)
    return Located((), (*refused, *(replace(left, line=line, column=column) for left in located.left_alone)))


def _report(error: NotYaml, block: Block | str, file: YamlFile, node: Scalar | Alias) -> Located:
    line, column = file.positions.to_line_and_column(node.start)
    if isinstance(block, Block):
        line, column = block.to_outer_line_and_column(error.line, error.column)
    return Located((), (LeftAlone(line, column, str(node.path), f"what stands there is no YAML: {error.reason}"),))
