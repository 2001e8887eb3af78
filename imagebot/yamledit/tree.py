"""Going down the tree of a file: through aliases, and past each collection once, however many aliases lead to it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from imagebot.yamledit.candidate import find_scalar
from imagebot.yamledit.nodes import Alias, MappingNode, Node, SequenceNode

ITEMS = "[]"
"""A step to all items of a sequence."""
VALUES = "*"
"""A step to the values of all keys of a mapping."""

# Of a name, a kind or a URL. Any number of aliases may stand for one text, which is looked at for each.
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """What an object says it is: the group of its `apiVersion`, and its `kind`."""

    group: str
    name: str


def select(nodes: Iterable[Node], *steps: str) -> tuple[Node, ...]:
    """Return what the steps lead to: keys, ITEMS or VALUES; aliases on the way are followed, those at the end stay."""
    selected = tuple(nodes)
    for step in steps:
        collections = dict.fromkeys(map(resolve, selected))
        selected = tuple(child for collection in collections for child in _step(collection, step))
    return selected


def select_mappings(nodes: Iterable[Node], *steps: str) -> tuple[MappingNode, ...]:
    """Return the mappings that the steps lead to, each once."""
    targets = dict.fromkeys(map(resolve, select(nodes, *steps)))
    return tuple(target for target in targets if isinstance(target, MappingNode))


def resolve(node: Node) -> Node:
    return node.target if isinstance(node, Alias) and node.target is not None else node


def find_text(mapping: MappingNode, key: str) -> str | None:
    """Return the text under a key that is written once; None if there is no such scalar, or one beyond all use."""
    nodes = mapping.find(key)
    scalar = find_scalar(nodes[0]) if len(nodes) == 1 else None
    return scalar.value if scalar is not None and len(scalar.value) <= _LONGEST else None


def list_by_kind(roots: Iterable[Node]) -> dict[Kind, list[MappingNode]]:
    """List the mappings by the innermost object that they stand in, the object itself among them.

    What stands in no object is left out, and so is the status of an object, which nobody writes.
    """
    found: dict[Kind, list[MappingNode]] = {}
    stack: list[tuple[Node, Kind | None]] = [(root, None) for root in roots]
    while stack:
        node, kind = stack.pop()
        if isinstance(node, MappingNode):
            own_kind = _find_kind(node)
            kind = own_kind or kind
            if kind is not None:
                found.setdefault(kind, []).append(node)
            is_object = own_kind is not None
            stack += [(child, kind) for key, child in node.list_collections() if not (is_object and key == "status")]
        elif isinstance(node, SequenceNode):
            stack += [(item, kind) for item in node.list_collections()]
    return found


def _step(collection: Node, step: str) -> Iterator[Node]:
    if isinstance(collection, SequenceNode) and step == ITEMS:
        yield from collection.items
    elif isinstance(collection, MappingNode) and step == VALUES:
        yield from (node for nodes in collection.values.values() for node in nodes)
    elif isinstance(collection, MappingNode):
        yield from collection.find(step)


def _find_kind(mapping: MappingNode) -> Kind | None:
    version = find_text(mapping, "apiVersion")
    kind = find_text(mapping, "kind") if version else None
    return Kind(version.partition("/")[0], kind) if version and kind else None
