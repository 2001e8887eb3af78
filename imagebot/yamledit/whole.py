"""Scalars that hold a whole reference, and are known as such by the keys around them."""

from collections.abc import Iterator

from imagebot.yamledit.candidate import Candidate, is_collection, is_nothing, text_of
from imagebot.yamledit.occurrence import Place
from imagebot.yamledit.parts import has_identifier, leaves_tag_open
from imagebot.yamledit.scan import MappingNode, Node, Path
from imagebot.yamledit.search import make_need
from imagebot.yamledit.tree import find_text

_DOCKER = "docker://"
NEEDS = (make_need("image"), make_need("docker:", "uses"))
# What the CI systems that know `image: {name: ...}` know beside the name.
_IMAGE_KEYS = frozenset(
    (
        *("name", "entrypoint", "docker", "kubernetes", "pull_policy"),  # GitLab
        *("username", "password", "email", "run-as-user", "aws", "oidc"),  # Bitbucket
    )
)


def find_whole(mapping: MappingNode) -> list[Candidate]:
    """List the references among the values of one mapping."""
    images, uses = mapping.values.get("image", ()), mapping.values.get("uses", ())
    found = [make_whole(node, Path(mapping.path, "image")) for node in images if not _is_silent(mapping, node)]
    found += [make_whole(node, Path(mapping.path, "uses")) for node in uses if text_of(node).startswith(_DOCKER)]
    if mapping.path.step == "image":
        found += _find_below_image(mapping)
    return found


def make_whole(node: Node, path: Path) -> Candidate:
    """Make the candidate of a scalar that holds a reference, perhaps with `docker://` before it."""
    before = _DOCKER if text_of(node).startswith(_DOCKER) else ""
    return Candidate(Place.IMAGE, path, whole=node, before=before)


def _is_silent(mapping: MappingNode, node: Node) -> bool:
    """Whether what stands under `image` says nothing, leaves the tag open, or is a GitHub action's Dockerfile."""
    if is_collection(node) or is_nothing(node):
        return True
    if leaves_tag_open(mapping.values) and not has_identifier(text_of(node)):
        return True
    is_action = mapping.path.step == "runs" and find_text(mapping, "using") == "docker"
    return is_action and not text_of(node).startswith(_DOCKER)


def _find_below_image(mapping: MappingNode) -> Iterator[Candidate]:
    """Yield the `name` of a CI job's image, and the `reference` of a volume that is one."""
    is_plain = mapping.values.keys() <= _IMAGE_KEYS
    for node in mapping.values.get("name", ()):
        if not is_collection(node) and not is_nothing(node) and (is_plain or has_identifier(text_of(node))):
            yield make_whole(node, Path(mapping.path, "name"))
    if _is_volume(mapping.path.parent):
        for node in mapping.values.get("reference", ()):
            if not is_collection(node) and not is_nothing(node):
                yield make_whole(node, Path(mapping.path, "reference"))


def _is_volume(path: Path | None) -> bool:
    return path is not None and isinstance(path.step, int) and path.parent is not None and path.parent.step == "volumes"
