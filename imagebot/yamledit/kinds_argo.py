"""Argo CD's Application and ApplicationSet: what their sources hand over to Kustomize and Helm.

https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from imagebot.yamledit.candidate import Candidate, is_collection, is_nothing, text_of
from imagebot.yamledit.occurrence import Place
from imagebot.yamledit.parts import find_split_fields, is_image_key
from imagebot.yamledit.scan import MappingNode, Node, SequenceNode
from imagebot.yamledit.search import make_need
from imagebot.yamledit.tree import ITEMS, find_text, resolve, select, select_mappings
from imagebot.yamledit.whole import make_whole

GROUP = "argoproj.io"
KINDS = ("Application", "ApplicationSet")
NEEDS = tuple(make_need(GROUP, kind) for kind in KINDS)
_PARTS = frozenset(["registry", "repository", "name", "image", "tag", "imageTag", "version", "digest", "sha"])
_IDENTIFIERS = ("tag", "imageTag", "digest")
# Two references and what is between them; cut, as any number of aliases may stand for one text.
_LONGEST_OVERRIDE = 2000
_INDEX = re.compile(r"\[\d+\]$")


def find_in_applications(mappings: Sequence[MappingNode]) -> Iterator[Candidate]:
    """Yield what the sources among the mappings say of images; `valuesObject` is like any other values."""
    sources = (
        *select_mappings(mappings, "source"),
        *select_mappings(mappings, "sources", ITEMS),
        *select_mappings(mappings, "drySource"),
    )
    for node in select(sources, "kustomize", "images", ITEMS):
        if not is_collection(node) and not is_nothing(node):
            yield _make_override(node)
    lists = dict.fromkeys(map(resolve, select(sources, "helm", "parameters")))
    for parameters in lists:
        if isinstance(parameters, SequenceNode):
            yield from _find_in_parameters(parameters)


def _make_override(node: Node) -> Candidate:
    """Read `[OLD=]NEW[:TAG][@DIGEST]`, as `kustomize edit set image` does."""
    old, equals, _ = text_of(node)[:_LONGEST_OVERRIDE].rpartition("=")
    return replace(make_whole(node, node.path), before=old + equals)


@dataclass(frozen=True, slots=True)
class _Group:
    """The parameters of one prefix: the values by the last part of the name; none of them is a collection."""

    prefix: str
    fields: dict[str, tuple[Node, ...]]

    @property
    def is_image(self) -> bool:
        return is_image_key(_INDEX.sub("", self.prefix).rpartition(".")[2])

    def name_of(self, part: str) -> str:
        return f"{self.prefix}.{part}" if self.prefix else part


def _find_in_parameters(parameters: SequenceNode) -> Iterator[Candidate]:
    for group in _make_groups(select_mappings((parameters,), ITEMS)):
        found = find_split_fields(group.fields, parameters.path, is_image=group.is_image)
        if found is not None:
            yield _place(found, group)
        else:
            yield from _find_lone(group)


def _make_groups(parameters: Iterable[MappingNode]) -> Iterator[_Group]:
    groups: dict[str, dict[str, list[Node]]] = {}
    for parameter in parameters:
        prefix, _, part = (find_text(parameter, "name") or "").rpartition(".")
        if part in _PARTS:
            nodes = [node for node in parameter.values.get("value", ()) if not is_collection(node)]
            groups.setdefault(prefix, {}).setdefault(part, []).extend(nodes)
    for prefix, fields in groups.items():
        yield _Group(prefix, {part: tuple(nodes) for part, nodes in fields.items()})


def _place(found: Candidate, group: _Group) -> Candidate:
    """Give the candidate the path of what it edits, and say in the words of parameters what is ambiguous."""
    repeated = next((part for part, nodes in group.fields.items() if len(nodes) > 1), None)
    problem = found.problem if repeated is None else f"the parameter {group.name_of(repeated)} is given more than once"
    node = found.tag if found.tag is not None else found.digest
    path = found.path if node is None else node.path
    # An empty digest would be a parameter of its own, which not every chart knows.
    return replace(found, path=path, empty_digest=None, problem=problem)


def _find_lone(group: _Group) -> Iterator[Candidate]:
    """Yield a whole reference under `image`, or else an image's tag or digest that no other parameter gives a name."""
    images = [node for node in group.fields.get("image", ()) if not is_nothing(node)]
    for node in images:
        yield make_whole(node, node.path)
    if images or not (group.is_image or "imageTag" in group.fields):
        return
    for part in _IDENTIFIERS:
        for node in group.fields.get(part, ()):
            if not is_nothing(node):
                reason = f"no parameter {group.name_of('repository')} says which image the {part} is of"
                yield Candidate(Place.SPLIT, node.path, whole=node, problem=reason)
