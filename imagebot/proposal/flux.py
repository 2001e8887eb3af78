"""The image policies that a Flux repository has of its own: each `ImagePolicy` in its files becomes an entry.

Such an entry is called `NAMESPACE:NAME`, as Flux's markers call it, and governs nothing but what a marker binds to it.
What cannot be expressed in our rules is a fault with its place, and governs nothing.

What the files do not say, because the cluster does:

- A namespace that neither the object nor a kustomization names is the one that the markers name, if they agree.
- Several clusters may have policies of the same name in one repository. If they differ, each is about the folder that
  its `ImageUpdateAutomation` updates: the one of the same namespace that stands nearest to it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

from imagebot.errors import InvalidInput
from imagebot.image.reference import Repository, parse_repository
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.flux import (
    DEFAULT_EXCLUSIONS,
    make_flux_filter,
    make_flux_policy,
    make_flux_rules,
    parse_reflection,
)
from imagebot.policy.policies import Policy
from imagebot.policy.reading import Rules
from imagebot.proposal.kustomize import Kustomizations, TooManyKustomizations, normalise, read_kustomizations
from imagebot.proposal.nearest import Nearest
from imagebot.proposal.survey import Unread
from imagebot.yamledit.objects import ObjectNode, UnreadableField, list_objects
from imagebot.yamledit.occurrence import About
from imagebot.yamledit.scan import NotYaml

_API = "image.toolkit.fluxcd.io/v"
_VERSIONS = ("v1", "v1beta2", "v1beta1")
_REPOSITORY, _POLICY, _AUTOMATION = "ImageRepository", "ImagePolicy", "ImageUpdateAutomation"
_KINDS = (_REPOSITORY, _POLICY, _AUTOMATION)
_POLICIES = {"semver": "range", "numerical": "order", "alphabetical": "order"}
_EVERYWHERE = ""
# Counted once for each namespace. Each policy may be a filter with memory of its own.
_MOST_OBJECTS = 5000

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_MARKER = re.compile(rb'"\$imagepolicy"\s*:\s*"([a-z0-9.-]+):([a-z0-9.-]+)[":]')


@dataclass(frozen=True, slots=True)
class FluxPolicies:
    """The entries for all files, those for the files of some folders, and what can be none, each with its place."""

    entries: tuple[Entry, ...] = ()
    in_folders: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    faults: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class _Object:
    """A Flux object in one namespace that it has in the end; None if that is not known."""

    path: str
    node: ObjectNode
    kind: str
    name: str
    namespace: str | None

    @property
    def label(self) -> str:
        return f"{self.namespace}:{self.name}" if self.namespace else self.name

    @property
    def place(self) -> str:
        return f"{self.path}:{self.node.line}"

    def make_fault(self, line: int | None, reason: str) -> Unread:
        label = self.label if self.kind == _POLICY else None
        return Unread(self.path, line or self.node.line, None, f"{self.kind} {self.label}: {reason}", About.FLUX, label)


@dataclass(frozen=True, slots=True)
class _Image:
    """What an ImageRepository says of tags."""

    repository: Repository
    exclusions: tuple[str, ...]
    is_suspended: bool


@dataclass(frozen=True, slots=True)
class _Draft:
    """A policy, and what it says of which image; None if that is a fault."""

    policy: _Object
    meaning: tuple[Repository, Rules] | None


def find_flux_policies(files: Mapping[str, bytes]) -> FluxPolicies:
    """Find the image policies in the files, and make entries of them, in the order of path and place."""
    faults: list[Unread] = []
    nodes = list(_find_nodes(files, faults))
    if not nodes:
        return FluxPolicies(faults=tuple(faults))
    try:
        kustomizations = read_kustomizations(files, (_POLICY, _REPOSITORY), wanted={path for path, _ in nodes})
    except TooManyKustomizations as error:
        return FluxPolicies(faults=(*faults, Unread(nodes[0][0], nodes[0][1].line, None, str(error), About.FLUX)))
    faults += kustomizations.faults
    made = (each for path, node in nodes for each in _make_objects(path, node, kustomizations, faults))
    objects = list(islice(made, _MOST_OBJECTS + 1))
    if len(objects) > _MOST_OBJECTS:
        reason = f"it is one too many, the most are {_MOST_OBJECTS}; image policies are not read"
        return FluxPolicies(faults=(*faults, objects[-1].make_fault(None, reason)))
    of_kind = {kind: [each for each in objects if each.kind == kind] for kind in _KINDS}
    images = _Images(of_kind[_REPOSITORY], kustomizations, faults)
    drafts: list[_Draft] = []
    for policy in _name_by_markers(of_kind[_POLICY], files, faults):
        meaning = None
        try:
            meaning = _read_meaning(policy, images, kustomizations)
        except InvalidInput as error:
            faults.append(_explain(policy, error))
        drafts.append(_Draft(policy, meaning))
    in_folders: dict[str, tuple[Entry, ...]] = {}
    for folder, entry in _make_entries(drafts, of_kind[_AUTOMATION], faults):
        in_folders[folder] = (*in_folders.get(folder, ()), entry)
    faults.sort(key=lambda fault: (fault.path, fault.line or 0, fault.reason))
    return FluxPolicies(in_folders.pop(_EVERYWHERE, ()), in_folders, tuple(faults))


def _explain(thing: _Object, error: InvalidInput) -> Unread:
    if isinstance(error, UnreadableField):
        return thing.make_fault(error.line, error.reason)
    return thing.make_fault(None, str(error))


def _find_nodes(files: Mapping[str, bytes], faults: list[Unread]) -> Iterator[tuple[str, ObjectNode]]:
    """Yield the objects of all files that are of Flux's kinds about images."""
    for path, data in sorted(files.items()):
        if _API.encode() not in data or not any(kind.encode() in data for kind in _KINDS):
            continue
        try:
            for node in list_objects(data):
                if (node.find_text("apiVersion") or "").startswith(_API) and node.find_text("kind") in _KINDS:
                    yield path, node
        except (NotYaml, UnreadableField) as error:
            reason = f"its image policies are not read: {error.reason}"
            faults.append(Unread(path, error.line, getattr(error, "column", None), reason, About.FLUX))


def _make_objects(
    path: str, node: ObjectNode, kustomizations: Kustomizations, faults: list[Unread]
) -> Iterator[_Object]:
    """Make an object of each namespace that the node has; what is a patch, and no object, is passed over."""
    if path in kustomizations.patch_files:
        return
    try:
        kind, name, own = _read_head(node)
    except UnreadableField as error:
        reason = f"a Flux object about images is not read: {error.reason}"
        faults.append(Unread(path, error.line, None, reason, About.FLUX))
        return
    yield from (_Object(path, node, kind, name, each) for each in kustomizations.find_namespaces(path, own))


def _read_head(node: ObjectNode) -> tuple[str, str, str | None]:
    """Read kind, name and namespace. Raises UnreadableField."""
    kind, version = node.find_text("kind") or "", (node.find_text("apiVersion") or "").partition("/")[2]
    name, namespace = node.find_text("metadata", "name") or "", node.find_text("metadata", "namespace")
    if kind != _AUTOMATION and version not in _VERSIONS:
        raise UnreadableField(node.line, f"the version of {kind} is {version}; accepted are {', '.join(_VERSIONS)}")
    for text in (name, namespace or name):
        if not _NAME.fullmatch(text):
            raise UnreadableField(node.line, f"the {kind} has the name or namespace {text[:80]!r}, which can be none")
    return kind, name, namespace


class _Images:
    """What the image repositories say, by their names, with and without their namespaces."""

    def __init__(self, repositories: Iterable[_Object], kustomizations: Kustomizations, faults: list[Unread]) -> None:
        self._found: Nearest[tuple[str, str | None], _Image | str] = Nearest()
        self._anywhere: Nearest[str, _Image | str] = Nearest()
        for each in repositories:
            image: _Image | str
            try:
                image = _make_image(each, kustomizations)
            except InvalidInput as error:
                faults.append(_explain(each, error))
                image = each.place
            self._found.add((each.name, each.namespace), each.path, image)
            self._anywhere.add(each.name, each.path, image)

    def find(self, policy: _Object) -> _Image:
        """Find the image that the policy is about. Raises UnreadableField."""
        name = _require(policy.node, "spec", "imageRepositoryRef", "name")
        namespace = policy.node.find_text("spec", "imageRepositoryRef", "namespace") or policy.namespace
        line = policy.node.line_at("spec", "imageRepositoryRef", "name")
        if namespace:
            images = self._found.find((name, namespace), policy.path) or self._found.find((name, None), policy.path)
        else:
            images = self._anywhere.find(name, policy.path)
        what = f"the ImageRepository {f'{namespace}:{name}' if namespace else name} that it names"
        if not images:
            raise UnreadableField(line, f"{what} is in none of the files")
        if len(images) > 1:
            raise UnreadableField(line, f"{what} is there more than once, and is not the same")
        image = images[0]
        if isinstance(image, str):
            raise UnreadableField(line, f"{what} cannot be used: {image}")
        if image.is_suspended:
            raise UnreadableField(line, f"{what} is suspended, so nothing moves")
        return image


def _make_image(thing: _Object, kustomizations: Kustomizations) -> _Image:
    _refuse_patched(thing, kustomizations)
    node = thing.node
    line = node.line_at("spec", "image")
    text = _require(node, "spec", "image")
    try:
        repository = parse_repository(text)
        exclusions = node.find_texts("spec", "exclusionList")
        exclusions = DEFAULT_EXCLUSIONS if exclusions is None else exclusions
        line = node.line_at("spec", "exclusionList")
        make_flux_filter(None, None, exclusions)
    except UnreadableField:
        raise
    except InvalidInput as error:
        raise UnreadableField(line, str(error)) from error
    return _Image(repository, exclusions, node.is_true("spec", "suspend"))


def _read_meaning(policy: _Object, images: _Images, kustomizations: Kustomizations) -> tuple[Repository, Rules]:
    """Read what a policy says. Raises UnreadableField."""
    _refuse_patched(policy, kustomizations)
    node = policy.node
    if node.is_true("spec", "suspend"):
        raise UnreadableField(node.line_at("spec", "suspend"), "it is suspended, so nothing moves")
    image = images.find(policy)
    line = node.line_at("spec", "filterTags", "pattern")
    try:
        tag_filter = make_flux_filter(
            node.find_text("spec", "filterTags", "pattern"),
            node.find_text("spec", "filterTags", "extract"),
            image.exclusions,
        )
        line = node.line_at("spec", "digestReflectionPolicy")
        reflection = parse_reflection(node.find_text("spec", "digestReflectionPolicy") or "Never")
    except UnreadableField:
        raise
    except InvalidInput as error:
        raise UnreadableField(line, str(error)) from error
    return image.repository, make_flux_rules(_read_policy(node), tag_filter, reflection)


def _read_policy(node: ObjectNode) -> Policy:
    """Read what orders tags. Raises UnreadableField."""
    given = [kind for kind in _POLICIES if node.find("spec", "policy", kind) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise UnreadableField(node.line, f"its policy is {found}; accepted is exactly one of {', '.join(_POLICIES)}")
    keys = ("spec", "policy", given[0], _POLICIES[given[0]])
    try:
        return make_flux_policy(given[0], node.find_text(*keys))
    except UnreadableField:
        raise
    except InvalidInput as error:
        raise UnreadableField(node.line_at(*keys), str(error)) from error


def _refuse_patched(thing: _Object, kustomizations: Kustomizations) -> None:
    if kustomizations.is_patched(thing.path, thing.kind, thing.name):
        raise UnreadableField(thing.node.line, "a kustomization patches it, and patches are not followed")


def _require(node: ObjectNode, *keys: str) -> str:
    text = node.find_text(*keys)
    if text is None:
        raise UnreadableField(node.line, f"it has no {'.'.join(keys)}")
    return text


def _name_by_markers(
    policies: Iterable[_Object], files: Mapping[str, bytes], faults: list[Unread]
) -> Iterator[_Object]:
    """Give the policies whose namespace is not known the one that the markers of their name have."""
    policies = list(policies)
    unknown = {each.name for each in policies if each.namespace is None}
    taken = {(each.namespace, each.name) for each in policies}
    named: dict[str, set[str]] = {}
    for data in files.values() if unknown else ():
        for match in _MARKER.finditer(data):
            namespace, name = match[1].decode(), match[2].decode()
            if name in unknown and (namespace, name) not in taken:
                named.setdefault(name, set()).add(namespace)
    for policy in policies:
        namespaces = sorted(named.get(policy.name, ())) if policy.namespace is None else [policy.namespace]
        if len(namespaces) == 1:
            yield replace(policy, namespace=namespaces[0])
        elif namespaces:
            reason = f"no file says its namespace, and markers name it in {' and '.join(namespaces[:3])}"
            faults.append(policy.make_fault(None, reason))


def _make_entries(
    drafts: Iterable[_Draft], automations: Iterable[_Object], faults: list[Unread]
) -> Iterator[tuple[str, Entry]]:
    """Make entries with their folders: one of each name if its policies say the same, or else one for each folder."""
    updated: Nearest[str | None, str] = Nearest()
    for automation in automations:
        updated.add(automation.namespace, automation.path, _read_folder(automation))
    by_label: dict[str, list[_Draft]] = {}
    for draft in drafts:
        by_label.setdefault(draft.policy.label, []).append(draft)
    for together in by_label.values():
        if len({draft.meaning for draft in together}) == 1:
            parted = [(_EVERYWHERE, together[0])]
        else:
            parted = [(_find_folder(draft.policy, updated), draft) for draft in together]
            if _overlap(folder for folder, _ in parted):
                places = ", ".join(draft.policy.place for draft in together[:5])
                reason = f"several of this name differ, and no ImageUpdateAutomation parts them by folders: {places}"
                faults += [draft.policy.make_fault(None, reason) for draft in together if draft.meaning]
                continue
        yield from ((folder, _make_entry(each.policy, *each.meaning)) for folder, each in parted if each.meaning)


def _read_folder(automation: _Object) -> str:
    """Read which folder an automation updates; one that cannot be read tells no folder from another."""
    try:
        return normalise(automation.node.find_text("spec", "update", "path") or "")
    except UnreadableField:
        return _EVERYWHERE


def _find_folder(policy: _Object, updated: Nearest[str | None, str]) -> str:
    """Find the folder that the nearest automations update, which is the whole repository if they do not agree."""
    folders = updated.find(policy.namespace, policy.path) or updated.find(None, policy.path)
    return folders[0] if len(folders) == 1 else _EVERYWHERE


def _overlap(folders: Iterable[str]) -> bool:
    ordered = sorted(f"{folder}/".lstrip("/") for folder in folders)
    return any(after.startswith(before) for before, after in pairwise(ordered))


def _make_entry(policy: _Object, repository: Repository, rules: Rules) -> Entry:
    image, line = parse_image_pattern(str(repository)), policy.node.line
    return Entry(policy.label, image, None, rules, line, file=policy.path, only_marked=True)
