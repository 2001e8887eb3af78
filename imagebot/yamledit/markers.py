"""Inline markers: comments that bind a scalar to an entry of the policy file. This module reads them.

There are two forms. The own one is `# imagebot: ENTRY`, with `:tag`, `:name` or `:digest` behind the name if the scalar
holds only that part of a reference. The other is Flux's, `# {"$imagepolicy": "NAMESPACE:NAME:tag"}`: of these are read
the ones that Flux reads, and reported the ones that it passes over. Both stand behind a scalar on its line or right
above it; those in lines that are commented out are none. What a marker does to the scalar is for `binding` to say.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from imagebot.yamledit.candidate import is_nothing
from imagebot.yamledit.comments import Block, Comment, Nodes, find_blocks, find_comments
from imagebot.yamledit.scan import Alias, MappingNode, Node, Role, Scalar, SequenceNode, Style, YamlFile
from imagebot.yamledit.search import make_need

# More than any name needs; also bounds how deep the JSON may be nested.
_MAX_CHARACTERS = 400
_MAX_LISTED = 10
_MAX_QUOTED = 80

_OWN = re.compile(r"#[ \t]*imagebot[ \t]*:")
_OWN_MARKER = re.compile(r"#+[ \t]*imagebot:[ \t]*([A-Za-z0-9][A-Za-z0-9._/:-]*)[ \t]*")
_FLUX_KEY = "$imagepolicy"
NEEDS = (make_need("imagebot"), make_need(_FLUX_KEY))
_FLUX_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*:[A-Za-z0-9][A-Za-z0-9._-]*)(?::(tag|name|digest))?")
# What Flux lets stand between a scalar and the marker behind it, and between the start of a line and a scalar on it.
_FLUX_LEAD = re.compile(r"[ \t]*(?:,[ \t]*)?")
_FLUX_LEAD_BELOW = re.compile(r"([ \t]*)(?:[?:-][ \t]+)?(?:[&!]\S*[ \t]+)*")

# A sentence has more words than a marker with a blank too much.
_FEWEST_WORDS = 3
_WORD = re.compile(r"[(\"']*[^\W\d_]+(?:['\u2019-][^\W\d_]+)*[.,;:!?)\"']*")
_PARTS = ("tag", "name", "digest")
_NAME_KEYS = ("name", "newName", "repository", "registry")

_NOR_FLUX = ", and no ImagePolicy that is used: one that is suspended or at fault is reported where it stands"
_NO_OWN = "it is no marker; accepted is # imagebot: ENTRY alone, or ENTRY:tag, ENTRY:name, ENTRY:digest for a part"
_NO_FLUX = (
    f'it is no marker; accepted is # {{"{_FLUX_KEY}": "NAMESPACE:NAME"}}, as JSON and nothing else in the comment, or '
    "with :tag, :name or :digest behind the name for a part"
)


class Suffix(Enum):
    """Which part of a reference a marker says that its scalar holds; the value stands behind the entry's name."""

    NONE = ""
    TAG = "tag"
    NAME = "name"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Marker:
    """A comment, and the scalar that it binds to the entry of a name."""

    comment: Comment
    entry: str
    suffix: Suffix
    scalar: Scalar


@dataclass(frozen=True, slots=True)
class Misfit:
    """A comment that is meant as a marker and is none, and why; the node is the one that it stands for, if any.

    Prose is only meant as one if it stands at an image: what it asks for there is not what would be done. `unknown` is
    the name that it gives, if there is no entry of that name.
    """

    comment: Comment
    reason: str
    node: Scalar | Alias | None
    is_prose: bool = False
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """What a comment says that is meant as a marker, or what is wrong with it."""

    entry: str = ""
    suffix: Suffix = Suffix.NONE
    is_flux: bool = False
    fault: str | None = None
    is_prose: bool = False


def may_hold_markers(data: bytes, *, reads_flux: bool) -> bool:
    """Search for what every marker holds."""
    return b"imagebot" in data or (reads_flux and _FLUX_KEY.encode() in data)


def read_markers(file: YamlFile, names: Collection[str], *, reads_flux: bool) -> Iterator[Marker | Misfit]:
    """Yield the markers, first those behind their scalars; `names` are those of the entries.

    A scalar has one marker: another that says the same is passed over, and one that says otherwise is a misfit. Without
    `reads_flux`, those of Flux are comments like any other.
    """
    nodes = Nodes(file)
    comments = tuple(find_comments(file, nodes))
    places = _Places(file, comments, nodes)
    unknown = f"names no entry of the policy file{_NOR_FLUX if reads_flux else ''}; {_list_names(names)}"
    first: dict[Scalar, Marker] = {}
    for comment in sorted(comments, key=lambda each: each.behind is None):
        said = _read(comment, names, reads_flux=reads_flux)
        if said is None:
            continue
        node, reason = places.find(comment, said)
        is_unknown = said.fault is None and said.entry not in names
        reason = said.fault or (f"{said.entry} {unknown}" if is_unknown else reason)
        if reason is not None or not isinstance(node, Scalar):
            yield Misfit(comment, reason or "", node, said.is_prose, said.entry if is_unknown else None)
            continue
        marker = Marker(comment, said.entry, said.suffix, node)
        other = first.setdefault(node, marker)
        if other is marker:
            yield marker
        elif (other.entry, other.suffix) != (marker.entry, marker.suffix):
            yield Misfit(comment, f"the scalar has another marker, in line {other.comment.line}", None)


def _list_names(names: Collection[str]) -> str:
    listed = sorted(names)[:_MAX_LISTED]
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return f"entries are: {', '.join(listed)}{more}" if listed else "no entry has a name"


def _read(comment: Comment, names: Collection[str], *, reads_flux: bool) -> _Said | None:
    """Read a comment; None if it is not meant as a marker.

    What begins otherwise may be a line that is commented out with its marker, but not behind a scalar.
    """
    is_behind = comment.behind is not None
    text = comment.text.lstrip("#")
    if _OWN.search(comment.text) if is_behind else _OWN.match(f"#{text}"):
        return _read_own(comment.text, names)
    if reads_flux and _FLUX_KEY in text and (is_behind or text.lstrip(" \t").startswith("{")):
        return _read_flux(text)
    return None


def _read_own(text: str, names: Collection[str]) -> _Said:
    match = _OWN_MARKER.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    if match is None:
        return _Said(fault=_NO_OWN, is_prose=_is_prose(text.partition(":")[2], names))
    entry, _, word = match[1].rpartition(":")
    # Flux calls its policies NAMESPACE:NAME, and the name may be one of the words.
    is_suffix = match[1] not in names and word in _PARTS
    return _Said(entry, Suffix(word)) if is_suffix else _Said(match[1])


def _is_prose(text: str, names: Collection[str]) -> bool:
    """Whether a text is a sentence: several words, none of which looks as if it were to name an entry or a part."""
    words = text.split()
    is_meant = any(word in names or word.rpartition(":")[2] in _PARTS for word in words)
    return not is_meant and sum(_WORD.fullmatch(word) is not None for word in words) >= _FEWEST_WORDS


def _read_flux(text: str) -> _Said | None:
    """Read as Go does into a map of strings: a null is an empty string, and of a key written twice the last counts."""
    if len(text) > _MAX_CHARACTERS:
        return _Said(fault=_NO_FLUX)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return _Said(fault=_NO_FLUX)
    if not isinstance(content, dict) or not all(isinstance(value, str | None) for value in content.values()):
        return _Said(fault=_NO_FLUX)
    if _FLUX_KEY not in content:
        return None
    match = _FLUX_NAME.fullmatch(content[_FLUX_KEY] or "")
    return _Said(match[1], Suffix(match[2] or ""), is_flux=True) if match else _Said(fault=_NO_FLUX)


class _Places:
    """Which node of a file a comment stands for."""

    def __init__(self, file: YamlFile, comments: Sequence[Comment], nodes: Nodes) -> None:
        self._file = file
        self._blocks = find_blocks(comments)
        self._nodes = nodes
        self._commented = frozenset(comment.behind for comment in comments)
        self._actions = _list_actions(file)

    def find(self, comment: Comment, said: _Said) -> tuple[Scalar | Alias | None, str | None]:
        """Return the node, and what keeps it from being bound; one of the two is always there."""
        action = self._find_action(comment)
        if action is not None:
            return (
                action,
                f"it stands at {action.value[:_MAX_QUOTED]}, which a template fills in: no tag is written there",
            )
        if comment.behind is not None and comment.behind.role is Role.KEY:
            return self._nodes.find_value_of(comment.behind), "it stands at a key, and belongs to the value"
        if comment.behind is not None:
            node = comment.behind
            reason = self._find_flux_obstacle_before(comment) if said.is_flux else None
        elif comment in self._blocks:
            block = self._blocks[comment]
            values = self._nodes.find_values(block.line_below)
            if len(values) != 1:
                return None, f"on the line below it stands {'more than one' if values else 'no'} value"
            node = values[0]
            reason = _find_name_below(node, said.suffix)
            reason = reason or (self._find_flux_obstacle_below(comment, block, node) if said.is_flux else None)
        else:
            return None, "no scalar stands before it on its line"
        return node, reason or self._find_obstacle(node, said.suffix)

    def _find_action(self, comment: Comment) -> Scalar | None:
        """Find the action that the comment stands at, if it is a value as a whole."""
        nodes: Sequence[Scalar | Alias] = (comment.behind,) if comment.behind is not None else ()
        if comment in self._blocks:
            nodes = self._nodes.find_values(self._blocks[comment].line_below)
        found = {self._find_covering(node) for node in nodes} if self._actions else set()
        return found.pop() if len(found) == 1 else None

    def _find_covering(self, node: Scalar | Alias) -> Scalar | None:
        number = bisect_right(self._actions, node.start, key=lambda action: action.start) - 1
        return self._actions[number] if number >= 0 and node.start < self._actions[number].end else None

    def _find_obstacle(self, node: Scalar | Alias, suffix: Suffix) -> str | None:
        if isinstance(node, Alias):
            return f"it stands at an alias, and belongs to the scalar with the anchor &{node.name}"
        if not self._file.is_on_one_line(node):
            return "its scalar spans several lines or is a block, and only scalars on one line are edited"
        may_be_empty = suffix is Suffix.DIGEST and node.style is not Style.PLAIN
        return "its scalar is empty" if is_nothing(node) and not may_be_empty else None

    def _find_flux_obstacle_before(self, comment: Comment) -> str | None:
        is_read = _FLUX_LEAD.fullmatch(comment.lead)
        return None if is_read else "Flux reads no marker behind a bracket, only right behind the scalar"

    def _find_flux_obstacle_below(self, comment: Comment, block: Block, node: Scalar | Alias) -> str | None:
        """Say why Flux does not read a marker above this node."""
        if block.size > 1:
            return "Flux reads no marker among other comments above the scalar"
        if node in self._commented:
            return "Flux reads no marker above a scalar that has a comment behind it"
        line_start = self._file.positions.line_starts[block.line_below - 1]
        lead = _FLUX_LEAD_BELOW.fullmatch(self._file.data[line_start : node.start].decode())
        if lead is None:
            return "Flux reads no marker above a key or a bracket, only behind the scalar"
        is_indented = not comment.lead.strip() and len(comment.lead) > len(lead[1])
        return "Flux may not read it, for it is indented more than the line below it" if is_indented else None


def _find_name_below(node: Scalar | Alias, suffix: Suffix) -> str | None:
    """Say if a marker for a tag or a digest stands above an item, at the name with which that begins."""
    is_name = node.role is Role.VALUE and node.path.step in _NAME_KEYS
    if not is_name or suffix not in (Suffix.TAG, Suffix.DIGEST):
        return None
    return f"below it stands the {node.path.step}; a marker for the {suffix.value} stands behind that"


def _list_actions(file: YamlFile) -> list[Scalar]:
    """List the values that are an action each to a template, and a mapping to YAML, in the order of the text.

    The scalars of the file have not these but what stands in them.
    """
    actions: list[Scalar] = []
    nodes: list[Node] = [*file.roots] if file.blank is None and "{{" in file.text else []
    while nodes:
        node = nodes.pop()
        if isinstance(node, MappingNode):
            nodes += [value for values in node.values.values() for value in values]
        elif isinstance(node, SequenceNode):
            nodes += node.items
        elif isinstance(node, Scalar) and not node.is_literal:
            actions.append(node)
    return sorted(actions, key=lambda action: action.start)
