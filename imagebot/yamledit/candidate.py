"""A candidate: nodes of a file that may name an image, found by their form alone.

Whether they do, and whether they may be edited, is decided by `locate`.
"""

from dataclasses import dataclass

from imagebot.yamledit.nodes import Alias, MappingNode, Node, Path, Role, Scalar, SequenceNode, Style
from imagebot.yamledit.occurrence import Place

# A file within MAX_BYTES that names nothing but images could name a million.
MAX_PLACES = 2000

_NULLS = frozenset(["", "~", "null", "Null", "NULL"])


# Not frozen, though nobody changes one: of the many that a file may have, each would take three times as long to make.
@dataclass(slots=True, eq=False)
class Candidate:
    """Nodes that together may name an image: either a whole reference, or a name in parts with a tag or a digest.

    The whole reference may have other text `before` and `after` it in its scalar, as in `docker://alpine:3.20`, and so
    may a tag that stands in a scalar with a name full of variables. A name that stands in no node, or not literally, is
    given as `known_name`. `is_sha256` is whether the digest is written without its algorithm, by its digits alone.
    `empty_digest` is a scalar that is there for a digest and holds none; null and nothing at all are no such scalar.
    `entry` is the name of the entry that a marker binds it to.
    """

    place: Place
    path: Path
    whole: Node | None = None
    before: str = ""
    after: str = ""
    known_name: str = ""
    name: tuple[Node, ...] = ()
    tag: Node | None = None
    digest: Node | None = None
    is_sha256: bool = False
    empty_digest: Scalar | None = None
    problem: str | None = None
    entry: str | None = None
    is_merged: bool = False
    """Whether a merge key takes the mapping over into another, which may say a part of it otherwise."""

    @property
    def editable(self) -> tuple[Node, ...]:
        if self.tag is None and self.digest is None:
            return () if self.whole is None else (self.whole,)
        return tuple([node for node in (self.whole, self.tag, self.digest) if node is not None])

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that say which image it is, those to be edited first."""
        return (*self.editable, *self.name)

    def spell(self) -> str:
        """Write the nodes as one reference; an alias to nothing is written as it stands."""
        if self.whole is not None:
            return self._cut(self.whole)
        tag = f":{self._cut(self.tag)}" if self.tag is not None else ""
        algorithm = "sha256:" if self.is_sha256 else ""
        digest = f"@{algorithm}{text_of(self.digest)}" if self.digest is not None else ""
        return self.spell_name() + tag + digest

    def spell_name(self) -> str:
        if self.known_name or len(self.name) == 1:
            return self.known_name or text_of(self.name[0])
        return "/".join(map(text_of, self.name))

    def _cut(self, node: Node) -> str:
        text = text_of(node)
        if not self.before and not self.after:
            return text
        return text[len(self.before) : len(text) - len(self.after)]


def find_scalar(node: Node) -> Scalar | None:
    """Return the scalar itself, or the one that an alias stands for."""
    if isinstance(node, Scalar):
        return node
    target = node.target if isinstance(node, Alias) else node
    return target if isinstance(target, Scalar) else None


def text_of(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.value
    scalar = find_scalar(node)
    if scalar is not None:
        return scalar.value
    return f"*{node.name}" if isinstance(node, Alias) else ""


def is_collection(node: Node) -> bool:
    if isinstance(node, Scalar):
        return False
    target = node.target if isinstance(node, Alias) else node
    return isinstance(target, MappingNode | SequenceNode)


def is_nothing(node: Node) -> bool:
    """Whether the node is empty or null, which in all these places means that nothing is said.

    In a document that is nothing but a text, null is this text.
    """
    scalar = find_scalar(node)
    if scalar is None:
        return False
    if scalar.value not in _NULLS:
        return False
    return not scalar.value or (scalar.style is Style.PLAIN and scalar.role is not Role.ROOT)
