"""Flux's OCIRepository: the name in `url`, the tag and the digest under `ref`; and its objects that name no image.

https://fluxcd.io/flux/components/source/ocirepositories/, https://fluxcd.io/flux/components/image/
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from imagebot.yamledit.candidate import Candidate, is_collection, is_nothing
from imagebot.yamledit.merges import find_inherited
from imagebot.yamledit.occurrence import Place
from imagebot.yamledit.scan import MappingNode, Node, YamlFile
from imagebot.yamledit.search import make_need
from imagebot.yamledit.tree import find_text, select, select_mappings

SOURCES, OCI_REPOSITORY = "source.toolkit.fluxcd.io", "OCIRepository"
NEEDS = (make_need(SOURCES, OCI_REPOSITORY, "oci:"),)
_IMAGES = "image.toolkit.fluxcd.io"
_SCHEME = "oci://"
_CHART = "cncf.helm.chart"
_IMAGES_NEEDS = (make_need(_IMAGES),)
_RANGE = "a semver range stands beside the tag, and Flux goes by the range"


def find_in_oci_repositories(mappings: Iterable[MappingNode]) -> Iterator[Candidate]:
    """Yield the artifacts that the specs among the mappings name by a tag or a digest; a range alone is none.

    Charts are no places, whoever names them.
    """
    for spec in mappings:
        url = find_text(spec, "url")
        is_artifact = spec.path.step == "spec" and url is not None and url.startswith(_SCHEME)
        if is_artifact and url is not None and not _holds_chart(spec):
            for ref in select_mappings((spec,), "ref"):
                yield from _find_in_ref(ref, url.removeprefix(_SCHEME))


def _holds_chart(spec: MappingNode) -> bool:
    selectors = select_mappings((spec,), "layerSelector")
    return any(_CHART in (find_text(selector, "mediaType") or "") for selector in selectors)


def _find_in_ref(ref: MappingNode, name: str) -> Iterator[Candidate]:
    tag, digest, semver = (_find(ref, key) for key in ("tag", "digest", "semver"))
    if tag is None and digest is None:
        return
    found = Candidate(Place.SPLIT, ref.path, known_name=name, tag=tag, digest=digest)
    goes_by_range = semver is not None and digest is None
    yield replace(
        found, problem=find_inherited(ref, ("tag", "digest", "semver")) or (_RANGE if goes_by_range else None)
    )


def _find(ref: MappingNode, key: str) -> Node | None:
    nodes = select((ref,), key)
    return nodes[0] if nodes and not is_collection(nodes[0]) and not is_nothing(nodes[0]) else None


def find_image_objects(file: YamlFile) -> frozenset[MappingNode]:
    """Find the mappings of ImageRepository, ImagePolicy and ImageUpdateAutomation: they say where tags are looked for.

    The `image` of the first is a repository, without a tag on purpose.
    """
    if not file.search.meets(_IMAGES_NEEDS):
        return frozenset()
    return frozenset(
        mapping for kind, mappings in file.by_kind.items() if kind.group == _IMAGES for mapping in mappings
    )
