"""What merge keys (`<<`) bring into mappings, as far as it matters to the images that these name."""

from collections.abc import Iterable

from imagebot.yamledit.nodes import Alias, MappingNode, SequenceNode

_MERGE = frozenset(["<<"])
_NAME_KEYS = ("registry", "repository", "repo", "name", "newName", "image")
_IDENTIFIER_KEYS = ("tag", "newTag", "imageTag", "version", "digest", "sha")


Merges = list[tuple[MappingNode, list[MappingNode]]]
"""Mappings with the mappings that merge keys bring into each."""


def list_merges(mappings: Iterable[MappingNode]) -> Merges:
    """List the mappings that have merge keys."""
    return [(mapping, _list_merged(mapping)) for mapping in mappings if _may_merge(mapping)]


def find_merged(merges: Merges) -> frozenset[MappingNode]:
    """Find the mappings that a merge key brings into another."""
    return frozenset(base for _, bases in merges for base in bases)


def find_lent(merges: Merges) -> frozenset[MappingNode]:
    """Find the mappings that a merge key brings into one that names another image, but has no tag of its own."""
    lent: set[MappingNode] = set()
    passed: set[MappingNode] = set()
    for mapping, merged in merges:
        if mapping.values.keys().isdisjoint(_NAME_KEYS):
            # A single one takes its tag beside no other's name.
            lent |= _find_lent_beside(merged) if len(merged) > 1 else set()
            continue
        has_none = mapping.values.keys().isdisjoint(_IDENTIFIER_KEYS)
        bases = [*merged]
        while bases:
            base = bases.pop()
            if any(key in base.values and key not in mapping.values for key in _IDENTIFIER_KEYS):
                lent.add(base)
            if has_none and base not in passed:
                passed.add(base)
                bases += _list_merged(base)
    return frozenset(lent)


def _find_lent_beside(bases: Iterable[MappingNode]) -> set[MappingNode]:
    """Find those of the bases of one mapping whose tag or digest is taken beside the name of an earlier one."""
    lent: set[MappingNode] = set()
    taken: set[str] = set()
    for base in bases:
        has_other_name = any(key in taken for key in _NAME_KEYS)
        if has_other_name and any(key in base.values and key not in taken for key in _IDENTIFIER_KEYS):
            lent.add(base)
        taken.update(base.values)
    return lent


def brings_repository(mapping: MappingNode) -> bool:
    """Whether a merge key brings the repository into a mapping that has none of its own."""
    if "repository" in mapping.values or not _may_merge(mapping):
        return False
    return any("repository" in base.values for base in _list_merged(mapping))


def find_inherited(mapping: MappingNode, keys: Iterable[str]) -> str | None:
    """Say which of the keys a merge key may add to the mapping; a merge inside what is merged is not looked into."""
    if "<<" not in mapping.values:
        return None
    missing = [key for key in keys if key not in mapping.values]
    for base in _list_merged(mapping):
        found = [key for key in (*missing, "<<") if key in base.values]
        if found:
            what = "another merge key" if found[0] == "<<" else f"the key {found[0]}"
            return f"a merge key brings {what} into the mapping"
    return None


def _may_merge(mapping: MappingNode) -> bool:
    return mapping.source.may_merge and mapping.may_have(_MERGE)


def _list_merged(mapping: MappingNode) -> list[MappingNode]:
    """List the mappings that merge keys bring into one."""
    found = []
    for node in mapping.values.get("<<", ()):
        for item in node.items if isinstance(node, SequenceNode) else (node,):
            target = item.target if isinstance(item, Alias) else item
            if isinstance(target, MappingNode):
                found.append(target)
    return found
