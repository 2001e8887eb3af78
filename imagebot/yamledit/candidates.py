"""The places of a file in which an image may stand, found by their form alone.

A candidate says which nodes would spell a reference. Whether they do, and whether they may be edited, is decided by
`locate`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from imagebot.yamledit.occurrence import Place
from imagebot.yamledit.scan import Alias, MappingNode, Node, Path, Scalar, SequenceNode, Style

_NULLS = frozenset(["~", "null", "Null", "NULL"])
_NAME_KEYS = ("registry", "repository", "name", "newName")
_IDENTIFIER_KEYS = ("tag", "newTag", "digest")
# What Kustomize does not know: with one of these, `name` and `digest` may be parts of another image than they spell.
_FOREIGN_KEYS = ("registry", "repository", "tag")
_QUOTED = (Style.SINGLE, Style.DOUBLE)
_LENT = "a merge key brings its tag or digest into a mapping that names another image"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Nodes that together may name an image: either a whole reference, or a name in parts with a tag or a digest.

    `empty_digest` is a scalar that is there for a digest and holds none; null and nothing at all are no such scalar.
    """

    place: Place
    path: Path
    whole: Node | None = None
    name: tuple[Node, ...] = ()
    tag: Node | None = None
    digest: Node | None = None
    empty_digest: Scalar | None = None
    problem: str | None = None
    is_merged: bool = False
    """Whether a merge key takes the mapping over into another, which may say a part of it otherwise."""

    @property
    def editable(self) -> tuple[Node, ...]:
        return tuple(node for node in (self.whole, self.tag, self.digest) if node is not None)

    def spell(self) -> str:
        """Write the nodes as one reference; an alias to nothing is written as it stands."""
        if self.whole is not None:
            return text_of(self.whole)
        tag = f":{text_of(self.tag)}" if self.tag is not None else ""
        digest = f"@{text_of(self.digest)}" if self.digest is not None else ""
        return self.spell_name() + tag + digest

    def spell_name(self) -> str:
        return "/".join(text_of(node) for node in self.name)


def find_scalar(node: Node) -> Scalar | None:
    """Return the scalar itself, or the one that an alias stands for."""
    target = node.target if isinstance(node, Alias) else node
    return target if isinstance(target, Scalar) else None


def text_of(node: Node) -> str:
    scalar = find_scalar(node)
    if scalar is not None:
        return scalar.value
    return f"*{node.name}" if isinstance(node, Alias) else ""


def make_candidates(
    mapping: MappingNode, *, merged: Collection[MappingNode], lent: Collection[MappingNode]
) -> Iterator[Candidate]:
    """Yield the candidates among the values of one mapping; no scalar belongs to two.

    `merged` are the mappings that merge keys take over, as `find_merged` finds them, and `lent` are those whose tag or
    digest another image takes over, as `find_lent` finds them.
    """
    for node in mapping.values.get("image", ()):
        if not _is_collection(node) and not _is_nothing(node):
            yield Candidate(Place.IMAGE, Path(mapping.path, "image"), whole=node)
    parted = (_is_item_of_images(mapping) and _find_kustomize(mapping)) or _find_split(mapping)
    if parted:
        problem = parted.problem or (_LENT if mapping in lent else None)
        yield replace(parted, problem=problem, is_merged=mapping in merged)


def find_merged(mappings: Iterable[MappingNode]) -> frozenset[MappingNode]:
    """Find the mappings that a merge key brings into another."""
    return frozenset(base for mapping in mappings for base in _list_merged(mapping))


def find_lent(mappings: Iterable[MappingNode]) -> frozenset[MappingNode]:
    """Find the mappings that a merge key brings into one that names another image, but has no tag of its own."""
    lent: set[MappingNode] = set()
    passed: set[MappingNode] = set()
    for mapping in mappings:
        if not any(key in mapping.values for key in _NAME_KEYS):
            continue
        has_none = not any(key in mapping.values for key in _IDENTIFIER_KEYS)
        bases = _list_merged(mapping)
        while bases:
            base = bases.pop()
            if any(key in base.values and key not in mapping.values for key in _IDENTIFIER_KEYS):
                lent.add(base)
            if has_none and base not in passed:
                passed.add(base)
                bases += _list_merged(base)
    return frozenset(lent)


def _list_merged(mapping: MappingNode) -> list[MappingNode]:
    """List the mappings that merge keys bring into one."""
    nodes = [
        item
        for node in mapping.values.get("<<", ())
        for item in (node.items if isinstance(node, SequenceNode) else (node,))
    ]
    targets = [node.target if isinstance(node, Alias) else node for node in nodes]
    return [target for target in targets if isinstance(target, MappingNode)]


def _is_item_of_images(mapping: MappingNode) -> bool:
    step, parent = mapping.path.step, mapping.path.parent
    return isinstance(step, int) and parent is not None and parent.step == "images"


def _find_kustomize(mapping: MappingNode) -> Candidate | None:
    parts, problem = _pick(mapping, ("name", "newName", "newTag", "digest"))
    if "name" not in parts or len(parts) == 1:
        return None
    is_foreign = any(key in mapping.values for key in _FOREIGN_KEYS)
    if is_foreign and "newName" not in parts and "newTag" not in parts:
        return None
    return Candidate(
        Place.KUSTOMIZE,
        mapping.path,
        name=(parts.get("newName", parts["name"]),),
        tag=parts.get("newTag"),
        digest=parts.get("digest"),
        empty_digest=_find_empty_digest(mapping),
        problem=problem or _find_inherited(mapping, ("newName", "newTag", "digest")),
    )


def _find_split(mapping: MappingNode) -> Candidate | None:
    if "repository" not in mapping.values:
        return None
    parts, problem = _pick(mapping, ("registry", "repository", "tag", "digest"))
    if "repository" not in parts or not ("tag" in parts or "digest" in parts):
        return None
    return Candidate(
        Place.SPLIT,
        mapping.path,
        name=tuple(parts[key] for key in ("registry", "repository") if key in parts),
        tag=parts.get("tag"),
        digest=parts.get("digest"),
        empty_digest=_find_empty_digest(mapping),
        problem=problem or _find_inherited(mapping, ("registry", "tag", "digest")),
    )


def _find_empty_digest(mapping: MappingNode) -> Scalar | None:
    """Return the scalar under `digest` if it is a pair of quotes; what is empty without quotes has no bytes to edit."""
    for node in mapping.values.get("digest", ()):
        if isinstance(node, Scalar) and node.style in _QUOTED and not node.value and node.is_string:
            return node
    return None


def _pick(mapping: MappingNode, keys: tuple[str, ...]) -> tuple[Mapping[str, Node], str | None]:
    """Return the scalars under the keys, without those that are empty or null, and what makes the keys ambiguous."""
    parts: dict[str, Node] = {}
    problem = None
    for key in keys:
        nodes = mapping.values.get(key, ())
        if len(nodes) > 1:
            problem = f"the mapping has the key {key} {len(nodes)} times, and readers differ in which one they take"
        if any(_is_collection(node) for node in nodes):
            problem = f"what stands under the key {key} is no scalar"
        elif nodes and not _is_nothing(nodes[0]):
            parts[key] = nodes[0]
    return parts, problem


def _find_inherited(mapping: MappingNode, keys: tuple[str, ...]) -> str | None:
    """Say which of the keys a merge key may add to the mapping; a merge inside what is merged is not looked into."""
    missing = [key for key in keys if key not in mapping.values]
    for base in _list_merged(mapping):
        found = [key for key in (*missing, "<<") if key in base.values]
        if found:
            what = "another merge key" if found[0] == "<<" else f"the key {found[0]}"
            return f"a merge key brings {what} into the mapping"
    return None


def _is_collection(node: Node) -> bool:
    target = node.target if isinstance(node, Alias) else node
    return isinstance(target, MappingNode | SequenceNode)


def _is_nothing(node: Node) -> bool:
    """Whether the node is empty or null, which in all these places means that nothing is said."""
    scalar = find_scalar(node)
    if scalar is None:
        return False
    return not scalar.value or (scalar.style is Style.PLAIN and scalar.value in _NULLS)
