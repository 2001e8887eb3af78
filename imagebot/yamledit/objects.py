"""Kubernetes objects in a file, read without an opinion on what they are about.

A field is found through aliases. What readers of YAML do not agree on is refused where it is asked for: a key that is
written twice, one that a merge key may bring, a value of the wrong shape.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from imagebot.errors import InvalidInput
from imagebot.yamledit.candidate import find_scalar, is_nothing
from imagebot.yamledit.scan import Alias, MappingNode, Node, Scalar, SequenceNode, YamlFile, scan

# As Go's YAML library reads them.
_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"])


class UnreadableField(InvalidInput):
    """A field of an object does not say what a program could rely on; the line counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class ObjectNode:
    """An object, or a mapping in one; `line` is where it names itself, or its kind."""

    file: YamlFile
    node: MappingNode
    line: int

    def find(self, *keys: str) -> Node | None:
        """Find the node below these keys; None if it is not there, or is null or empty. Raises UnreadableField."""
        node: Node = self.node
        for key in keys:
            if not isinstance(node, MappingNode):
                raise UnreadableField(self.line_of(node), f"what {key} belongs to is no mapping")
            nodes = node.values.get(key, ())
            if len(nodes) > 1:
                raise UnreadableField(self.line_of(nodes[1]), f"the key {key} is written {len(nodes)} times")
            if not nodes and "<<" in node.values:
                raise UnreadableField(self.line, f"a merge key may bring {key}, and merge keys are not followed here")
            if not nodes or is_nothing(nodes[0]):
                return None
            node = _resolve(nodes[0])
        return node

    def find_text(self, *keys: str) -> str | None:
        """Find the text below these keys. Raises UnreadableField."""
        node = self.find(*keys)
        if node is None:
            return None
        scalar = find_scalar(node)
        if scalar is None:
            raise UnreadableField(self.line_of(node), f"{'.'.join(keys)} is no text")
        return scalar.value

    def find_texts(self, *keys: str) -> tuple[str, ...] | None:
        """Find the list of texts below these keys. Raises UnreadableField."""
        scalars = [find_scalar(item) for item in self.list_items(*keys)]
        if any(scalar is None for scalar in scalars):
            raise UnreadableField(self.line, f"{'.'.join(keys)} holds what is no text")
        return None if self.find(*keys) is None else tuple(scalar.value for scalar in scalars if scalar is not None)

    def list_items(self, *keys: str) -> tuple[Node, ...]:
        """List what stands in the list below these keys; nothing if there is none. Raises UnreadableField."""
        node = self.find(*keys)
        if node is not None and not isinstance(node, SequenceNode):
            raise UnreadableField(self.line_of(node), f"{'.'.join(keys)} is no list")
        return () if node is None else tuple(map(_resolve, node.items))

    def list_mappings(self, *keys: str) -> tuple["ObjectNode", ...]:
        """List the mappings in the list below these keys. Raises UnreadableField."""
        items = self.list_items(*keys)
        return tuple(ObjectNode(self.file, item, self.line) for item in items if isinstance(item, MappingNode))

    def is_true(self, *keys: str) -> bool:
        """Read a truth value, which is false if it is not there. Raises UnreadableField."""
        text = self.find_text(*keys) or "false"
        if text not in _TRUE | _FALSE:
            raise UnreadableField(self.line_at(*keys), f"{'.'.join(keys)} is {text}; accepted is true or false")
        return text in _TRUE

    def line_at(self, *keys: str) -> int:
        """Return the line of what stands below these keys, or else that of the object. Raises UnreadableField."""
        node = self.find(*keys)
        return self.line if node is None else self.line_of(node)

    def line_of(self, node: Node) -> int:
        return self.file.positions.to_line(node.start) if isinstance(node, Scalar | Alias) else self.line


def list_objects(data: bytes) -> tuple[ObjectNode, ...]:
    """List the objects of a file that have a kind, and in their place those that a list of the API holds.

    Raises NotYaml.
    """
    file = scan(data)
    return tuple(each for root in file.roots for each in _list_below(file, root))


def make_object(data: bytes) -> ObjectNode | None:
    """Read a file that is one mapping, whatever it is; None if it has none or several. Raises NotYaml."""
    file = scan(data)
    roots = [root for root in file.roots if isinstance(root, MappingNode)]
    return ObjectNode(file, roots[0], 1) if len(roots) == 1 else None


def _list_below(file: YamlFile, root: Node) -> Iterator[ObjectNode]:
    if not isinstance(root, MappingNode) or "kind" not in root.values:
        return
    line = _find_line(file, root)
    items = root.values.get("items", ())
    if len(items) == 1 and isinstance(items[0], SequenceNode):
        inner = [_resolve(item) for item in items[0].items]
        mappings = [item for item in inner if isinstance(item, MappingNode) and "kind" in item.values]
        yield from (ObjectNode(file, item, _find_line(file, item)) for item in mappings)
    yield ObjectNode(file, root, line)


def _find_line(file: YamlFile, mapping: MappingNode) -> int:
    """Return the line of `metadata.name`, or else that of `kind`."""
    metadata = [_resolve(node) for node in mapping.values.get("metadata", ())]
    names = [node for each in metadata if isinstance(each, MappingNode) for node in each.values.get("name", ())]
    for node in (*names, *mapping.values["kind"]):
        if isinstance(node, Scalar | Alias):
            return file.positions.to_line(node.start)
    return 1


def _resolve(node: Node) -> Node:
    return node.target if isinstance(node, Alias) and node.target is not None else node
