"""What kustomizations make of the objects in a repository's files: their namespaces, and whether they are patched.

Followed are the files that Kustomize itself goes by, and Flux's `Kustomization` objects, which apply a folder. Of
namespaces the outermost wins, as in Kustomize, and comes before the one that the object has; but Flux's objects may be
about a folder of another repository, so beside theirs the others count. A file that several kustomizations reach has
the namespaces of all.
"""

import posixpath
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from imagebot.errors import InvalidInput
from imagebot.proposal.survey import Unread
from imagebot.yamledit.objects import ObjectNode, UnreadableField, list_objects, make_object
from imagebot.yamledit.occurrence import About
from imagebot.yamledit.scan import NotYaml

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
T = TypeVar("T", bound=Hashable)

_FLUX_API = "kustomize.toolkit.fluxcd.io/v"
# Bounds the time that kustomizations take which all reach each other.
_MOST_STEPS = 1_000_000
# Bounds what a deep path costs.
_MOST_FOLDERS = 50


class TooManyKustomizations(InvalidInput):
    """The kustomizations reach each other in more ways than are followed."""

    def __init__(self) -> None:
        super().__init__(f"the kustomizations reach files in more than {_MOST_STEPS} ways, the most that are followed")


@dataclass(frozen=True, slots=True)
class Patch:
    """Which objects a patch changes: those of a kind whose name the pattern matches as a whole."""

    kind: str
    name: str

    def changes(self, kind: str, name: str) -> bool:
        # Only for comparison: what is a pattern, and so may be meant for more than one, is taken to match.
        return self.kind == kind and (not re.fullmatch(r"[a-z0-9.-]+", self.name) or self.name == name)


@dataclass(slots=True)
class _Kustomization:
    """One kustomization: what it sets, and the paths of the files and folders that it applies.

    What it applies has its namespace, if any; if that is not certain, also the one that it has without it.
    """

    namespace: str | None
    resources: tuple[str, ...]
    patches: tuple[Patch, ...] = ()
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Kustomizations:
    """What is made of each file that a kustomization reaches, and the files that are patches and no objects.

    `faults` are the kustomizations that could not be read.
    """

    namespaces: Mapping[str, frozenset[str | None]]
    patches: Mapping[str, frozenset[Patch]]
    patch_files: frozenset[str]
    faults: tuple[Unread, ...]

    def find_namespaces(self, path: str, own: str | None) -> tuple[str | None, ...]:
        """Find the namespaces that an object in the file has in the end; None stands for one that is not known."""
        imposed = self.namespaces.get(path, frozenset([None]))
        found = {own if namespace is None else namespace for namespace in imposed}
        return tuple(sorted(found - {None}, key=str)) or (None,)

    def is_patched(self, path: str, kind: str, name: str) -> bool:
        return any(patch.changes(kind, name) for patch in self.patches.get(path, ()))


def read_kustomizations(files: Mapping[str, bytes], kinds: Iterable[str], *, wanted: Iterable[str]) -> Kustomizations:
    """Read the kustomizations of all files, as far as they concern objects of these kinds in the files `wanted`.

    One that cannot be read reaches nothing. Raises TooManyKustomizations.
    """
    reader = _Reader(files, frozenset(kinds), sorted(wanted))
    nodes = reader.read()
    namespaces, patches = _spread_namespaces(nodes), _spread_patches(nodes)
    return Kustomizations(namespaces, patches, frozenset(reader.patch_files), tuple(reader.faults))


class _Reader:
    """Makes nodes of the kustomizations: of Kustomize by the path of the folder, of Flux by a key of its own."""

    def __init__(self, files: Mapping[str, bytes], kinds: frozenset[str], wanted: Sequence[str]) -> None:
        self.patch_files: set[str] = set()
        self.faults: list[Unread] = []
        self._files = files
        self._kinds = kinds
        self._wanted = wanted

    def read(self) -> Mapping[str, _Kustomization]:
        nodes: dict[str, _Kustomization] = {}
        applied: list[tuple[str, str, _Kustomization]] = []
        for path, data in sorted(self._files.items()):
            try:
                folder, name = posixpath.split(path)
                if name in _NAMES and (root := make_object(data)) and not _is_flux(root):
                    nodes.setdefault(folder, self._read_kustomize(root, folder))
                if _FLUX_API.encode() in data:
                    applied += self._read_flux(path, data)
            except (NotYaml, UnreadableField) as error:
                reason = f"its kustomization is not followed: {error.reason}"
                self.faults.append(Unread(path, error.line, None, reason, About.FLUX))
        folders = tuple(nodes)
        below = {folder: self._list_below(folder, folders) for _, folder, _ in applied if folder not in nodes}
        for key, folder, node in applied:
            node.resources = below.get(folder, (folder,))
            nodes[key] = node
        return nodes

    def _read_kustomize(self, root: ObjectNode, folder: str) -> _Kustomization:
        resources = [text for key in ("resources", "bases", "components") for text in root.find_texts(key) or ()]
        patches = tuple(self._list_patches(root, folder))
        return _Kustomization(root.find_text("namespace"), tuple(_join(folder, text) for text in resources), patches)

    def _read_flux(self, path: str, data: bytes) -> Iterator[tuple[str, str, _Kustomization]]:
        """Yield a key, the folder that is applied, and the node of each of Flux's objects that changes anything."""
        for index, each in enumerate(list_objects(data)):
            if _is_flux(each):
                namespace, patches = each.find_text("spec", "targetNamespace"), self._list_patches(each, "", "spec")
                node = _Kustomization(namespace, (), tuple(patches), is_certain=False)
                if node.namespace or node.patches:
                    yield f"{path}#{index}", normalise(each.find_text("spec", "path") or ""), node

    def _list_below(self, folder: str, known: Sequence[str]) -> tuple[str, ...]:
        """List what is applied of a folder without a kustomization: files, and in their place folders with one."""
        prefix = f"{folder}/" if folder else ""
        inner = {each for each in known if each.startswith(prefix)}
        outermost = (each for each in inner if not inner.intersection(_list_parents(each)))
        files = (
            path for path in self._wanted if path.startswith(prefix) and not inner.intersection(_list_parents(path))
        )
        return (*outermost, *files)

    def _list_patches(self, root: ObjectNode, folder: str, *keys: str) -> Iterator[Patch]:
        for text in root.find_texts(*keys, "patchesStrategicMerge") or ():
            yield from self._read_patch(folder, text, text)
        for key in ("patchesJson6902", "patches"):
            for patch in root.list_mappings(*keys, key):
                yield from self._read_entry(patch, folder)

    def _read_entry(self, patch: ObjectNode, folder: str) -> Iterator[Patch]:
        path, text = patch.find_text("path") or "", patch.find_text("patch") or ""
        if patch.find("target") is None:
            yield from self._read_patch(folder, path, text)
            return
        data = self._files.get(_join(folder, path)) if path else text.encode()
        kind, name = patch.find_text("target", "kind"), patch.find_text("target", "name")
        if data is None or b"spec" in data:
            yield from (Patch(each, name or "*") for each in self._kinds if kind in (None, each))

    def _read_patch(self, folder: str, path: str, text: str) -> Iterator[Patch]:
        """Yield what a patch names, which stands in a file or, if there is no such file, in the text."""
        path = _join(folder, path)
        if path in self._files:
            self.patch_files.add(path)
        data = self._files.get(path) or text.encode()
        if b"spec" not in data or not any(kind.encode() in data for kind in self._kinds):
            return
        for each in list_objects(data):
            kind = each.find_text("kind")
            if kind in self._kinds:
                yield Patch(kind, each.find_text("metadata", "name") or "*")


def _is_flux(node: ObjectNode) -> bool:
    return (node.find_text("apiVersion") or "").startswith(_FLUX_API)


def normalise(path: str) -> str:
    """Return a path that starts at the root of the repository as files have it; of the root itself nothing."""
    return _join("", path.lstrip("/"))


def _join(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")


def _list_parents(path: str) -> list[str]:
    """List the folders that a file or folder is in, the outermost first."""
    parts = path.split("/")[:_MOST_FOLDERS]
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _spread_namespaces(nodes: Mapping[str, _Kustomization]) -> Mapping[str, frozenset[str | None]]:
    """Carry namespaces from the kustomizations that no other certainly applies to all that they reach."""

    def hand_on(node: _Kustomization, outer: str | None) -> Iterable[str | None]:
        if outer is not None:
            return (outer,)
        return (node.namespace,) if node.is_certain else (node.namespace, None)

    inner = {resource for node in nodes.values() if node.is_certain for resource in node.resources}
    return _spread(nodes, [(key, None) for key in nodes if key not in inner], hand_on)


def _spread_patches(nodes: Mapping[str, _Kustomization]) -> Mapping[str, frozenset[Patch]]:
    start = [(key, patch) for key, node in nodes.items() for patch in node.patches]
    return _spread(nodes, start, lambda _, patch: (patch,))


def _spread(
    nodes: Mapping[str, _Kustomization], start: list[tuple[str, T]], hand_on: Callable[[_Kustomization, T], Iterable[T]]
) -> Mapping[str, frozenset[T]]:
    """Carry values down from where they start: what each file and folder then has. Raises TooManyKustomizations."""
    found: dict[str, set[T]] = {}
    for key, value in start:
        found.setdefault(key, set()).add(value)
    waiting = list(start)
    steps = 0
    while waiting:
        key, value = waiting.pop()
        for handed, resource in product(hand_on(nodes[key], value), nodes[key].resources):
            steps += 1
            if steps > _MOST_STEPS:
                raise TooManyKustomizations
            reached = found.setdefault(resource, set())
            if handed not in reached:
                reached.add(handed)
                if resource in nodes:
                    waiting.append((resource, handed))
    return {path: frozenset(reached) for path, reached in found.items()}
