"""Paths into YAML documents, as people write them: `spec.containers[name=web].image`.

path      = "" | "." | "$"             ; the whole document
          | ["$"] step *step           ; the first key needs no dot, unless a $ stands before it
step      = "." key | ["."] "[" ( index | "*" | quoted | selector ) "]"
key       = 1*( letter | digit | "_" | "$" | "/" | "-" ) | quoted | "*"
selector  = key "=" ( quoted | 1*( any but blanks, brackets and quotes ) )
quoted    = a string of JSON | "'" *( any but "'" | "''" ) "'"

name          the value of a key; of a list, if these are digits, an item, as in Kustomize
[0]           an item of a list, counted from 0
[*] or .*     all items of a list, or all values of a mapping
[name=web]    those of them that are mappings in which the key has this value
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from imagebot.errors import InvalidInput
from imagebot.yamledit.candidate import text_of
from imagebot.yamledit.scan import Alias, MappingNode, Node, NotYaml, Scalar, SequenceNode

_MAX_CHARACTERS = 512
# Bounds how often a walk may come by the same node, through aliases.
_MAX_STEPS = 50
# All sites of a file together.
MAX_VISITS = 100_000

_BARE = r"[\w$/-]+"
_BARE_VALUE = r"[^\[\]\"'\s]+"
_QUOTED = r"""\"(?:[^\"\\]|\\.)*\" | '(?:[^']|'')*'"""
_STEP = re.compile(
    rf"""
    (?P<dot> \.? ) (?P<key> {_BARE} | {_QUOTED} | \* )
  | \.? \[ (?:
        \*
      | (?P<index> [0-9]{{1,9}} )
      | (?P<quoted> {_QUOTED} )
      | (?P<child> {_BARE} | {_QUOTED} ) = (?P<value> {_QUOTED} | {_BARE_VALUE} )
    ) \]
    """,
    re.VERBOSE | re.DOTALL,
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class InvalidYamlPath(InvalidInput):
    """A text is no path into a YAML document; the position counts its characters from 1."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        super().__init__(
            f"{text!r} is no YAML path: at character {position} {reason}; accepted is a path such as "
            "spec.containers[name=web].image, with keys, [0], [*] and [name=value]"
        )
        self.text = text
        self.position = position
        self.reason = f"at character {position} {reason}"


@dataclass(frozen=True, slots=True)
class Key:
    name: str

    def __str__(self) -> str:
        return f".{_quote(self.name, _BARE)}"


@dataclass(frozen=True, slots=True)
class Index:
    number: int

    def __str__(self) -> str:
        return f"[{self.number}]"


@dataclass(frozen=True, slots=True)
class Each:
    def __str__(self) -> str:
        return "[*]"


@dataclass(frozen=True, slots=True)
class Having:
    """The items, or values of a mapping, that are mappings with this value under the key."""

    key: str
    value: str

    def __str__(self) -> str:
        return f"[{_quote(self.key, _BARE)}={_quote(self.value, _BARE_VALUE)}]"


Step = Key | Index | Each | Having


def _quote(text: str, bare: str) -> str:
    # A dollar sign alone would be the root.
    is_bare = text != "$" and re.fullmatch(bare, text)
    return text if is_bare else json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class YamlPath:
    """A path; as text it is in one form, which parses to the same path: `.` or `a."b.c"[0][*][name=web]`."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.steps)).removeprefix(".") or "."


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """A node that a path leads to, and the visit that led there; the root of a document has none.

    `detour` says why what is found is at home elsewhere: behind an alias, or under a merge key.
    """

    node: Node
    parent: "Visit | None" = None
    detour: str | None = None

    def go_up(self, steps: int) -> "Visit":
        visit = self
        while steps and visit.parent is not None:
            visit, steps = visit.parent, steps - 1
        return visit

    def list_way(self) -> Iterator[Node]:
        """Yield the nodes from this one up to the root."""
        visit: Visit | None = self
        while visit is not None:
            yield visit.node
            visit = visit.parent


def parse_yaml_path(text: str) -> YamlPath:
    """Parse a path; raises InvalidYamlPath."""
    if len(text) > _MAX_CHARACTERS:
        reason = f"there are too many characters, the most is {_MAX_CHARACTERS}"
        raise InvalidYamlPath(f"{text[:40]}...", _MAX_CHARACTERS + 1, reason)
    surrogate = _SURROGATE.search(text)
    if surrogate:
        raise InvalidYamlPath(text, surrogate.start() + 1, "there is half a character")
    if text in ("", ".", "$"):
        return YamlPath(())
    steps: list[Step] = []
    end = 1 if text.startswith(("$.", "$[")) else 0
    while end < len(text):
        match = _STEP.match(text, end)
        if match is None or (match["key"] and not match["dot"] and end > 0):
            raise InvalidYamlPath(text, end + 1, _explain(text[end:]))
        if len(steps) == _MAX_STEPS:
            raise InvalidYamlPath(text, end + 1, f"there is one step too many, the most is {_MAX_STEPS}")
        try:
            steps.append(_make_step(match))
        except ValueError as error:
            raise InvalidYamlPath(text, end + 1, "there is in double quotes what is no string of JSON") from error
        end = match.end()
    return YamlPath(tuple(steps))


def _make_step(match: re.Match[str]) -> Step:
    key = match["key"] or match["quoted"]
    if key and key != "*":
        return Key(_unquote(key))
    if match["index"]:
        return Index(int(match["index"]))
    return Having(_unquote(match["child"]), _unquote(match["value"])) if match["child"] else Each()


def _unquote(text: str) -> str:
    """Raise ValueError for what is no string of JSON between double quotes, or stands for half a character."""
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    found = str(json.loads(text)) if text.startswith('"') else text
    found.encode()
    return found


def _explain(rest: str) -> str:
    what = rest.removeprefix(".")
    if not what or what.startswith("."):
        return "a key is missing after the dot"
    if what[0] == "[":
        return 'there is a bracket that is open, or holds no index, no *, no key in quotes (["a.b"]) and no key=value'
    if what[0] in "\"'":
        return "there are quotes that do not end, or without a dot before them"
    if what[0] == "*" or re.match(_BARE, what):
        return "there is a key without a dot before it"
    return f'there is {what[0]!r}, which only keys in quotes have: "a.b"'


@dataclass(slots=True)
class Walker:
    """Follows paths in one file; what a step finds in a collection is looked up once, however many aliases lead there.

    Many paths to many places take the product of both: after MAX_VISITS nodes the file is refused, by NotYaml.
    """

    _found: dict[tuple[Node, Step], tuple[Visit, ...]] = field(default_factory=dict)
    _visits: int = 0

    def follow(self, start: Visit, steps: Sequence[Step], *, at_most: int | None = None) -> tuple[Visit, ...]:
        """Go on from a node, and return what is found in the order of the text, of each step the first `at_most`.

        Where a key stands twice in a mapping, both are found. A collection is entered once in each step.
        """
        self._count(1)
        if steps and not _may_enter(start.node, steps[0]):
            return ()
        visits: tuple[Visit, ...] = (start,)
        for step in steps:
            visits = tuple(islice(self._enter(visits, step), at_most))
        return visits

    def _enter(self, visits: Iterable[Visit], step: Step) -> Iterator[Visit]:
        entered: set[Node] = set()
        for visit in visits:
            node, detour = visit.node, visit.detour
            if isinstance(node, Alias) and node.target is not None:
                detour = detour or f"the path leads through the alias *{node.name} to what is shared with its anchor"
                node = node.target
            if isinstance(node, MappingNode | SequenceNode) and node not in entered:
                entered.add(node)
                if (node, step) not in self._found:
                    # To compare a value with each of the children takes the time of a visit to each.
                    self._count(len(_list_all(node)) if isinstance(step, Having) else 1)
                    self._found[node, step] = tuple(_list_children(node, step))
                for child in self._found[node, step]:
                    self._count(1)
                    yield Visit(child.node, visit, detour or child.detour)

    def _count(self, visits: int) -> None:
        self._visits += visits
        if self._visits > MAX_VISITS:
            raise NotYaml(1, 1, f"the paths of sites lead to more than {MAX_VISITS} nodes, the most that are followed")


def _may_enter(node: Node, step: Step) -> bool:
    """Whether the step may lead on: told at once, as a file may have thousands of documents that it does not enter."""
    if isinstance(node, MappingNode) and isinstance(step, Key):
        return node.may_have((step.name, "<<"))
    return not isinstance(node, Scalar)


def _list_children(node: Node, step: Step) -> Iterator[Visit]:
    if isinstance(step, Key) and isinstance(node, MappingNode):
        found = node.find(step.name)
        yield from map(Visit, found)
        for child in () if found else _list_merged(node, step.name):
            yield Visit(child, detour=f"a merge key brings the key {step.name} into the mapping")
    elif isinstance(step, Having):
        yield from (Visit(child) for child in _list_all(node) if _has(child, step))
    elif isinstance(step, Each):
        yield from map(Visit, _list_all(node))
    elif isinstance(node, SequenceNode):
        number = _find_number(step)
        yield from () if number is None else map(Visit, node.items[number : number + 1])


def _find_number(step: Key | Index) -> int | None:
    if isinstance(step, Index):
        return step.number
    return int(step.name) if re.fullmatch("[0-9]{1,9}", step.name) else None


def _list_all(node: Node) -> Sequence[Node]:
    if isinstance(node, SequenceNode):
        return node.items
    if isinstance(node, MappingNode):
        return [child for key, nodes in node.values.items() if key != "<<" for child in nodes]
    return ()


def _has(node: Node, step: Having) -> bool:
    mapping = node.target if isinstance(node, Alias) else node
    nodes = mapping.values.get(step.key, ()) if isinstance(mapping, MappingNode) else ()
    # Of a key written twice, readers differ in which value they take.
    return len(nodes) == 1 and text_of(nodes[0]) == step.value


def _list_merged(mapping: MappingNode, key: str) -> Iterator[Node]:
    """Yield what merge keys bring in under the key; a merge inside what is merged is not looked into."""
    for node in mapping.find("<<"):
        for item in node.items if isinstance(node, SequenceNode) else (node,):
            base = item.target if isinstance(item, Alias) else item
            if isinstance(base, MappingNode):
                yield from base.values.get(key, ())[:1]
