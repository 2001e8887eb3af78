"""The places that any document may have: whole references, Kustomize's `images:`, mappings with parts."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from imagebot.yamledit.candidate import Candidate, find_scalar
from imagebot.yamledit.merges import brings_repository
from imagebot.yamledit.occurrence import Place
from imagebot.yamledit.parts import NEEDS as PARTS_NEEDS
from imagebot.yamledit.parts import find_kustomize, find_split
from imagebot.yamledit.scan import MappingNode
from imagebot.yamledit.whole import NEEDS as WHOLE_NEEDS
from imagebot.yamledit.whole import find_whole

NEEDS = (*PARTS_NEEDS, *WHOLE_NEEDS)
# One of these is in every mapping with a candidate, but for one under `image`. Others are not looked into.
_KEYS = frozenset(["image", "uses", "newName", "newTag", "tag", "imageTag", "version", "digest", "sha"])
_BORROWED = "a merge key brings the repository, and only parts that stand together are edited"
_LENT = "a merge key brings its tag or digest into a mapping that names another image"


def make_candidates(
    mapping: MappingNode, *, merged: Collection[MappingNode], lent: Collection[MappingNode]
) -> Iterable[Candidate]:
    """Find the candidates among the values of one mapping; no scalar belongs to two.

    `merged` are the mappings that merge keys take over, and `lent` those whose tag or digest another image takes over:
    `merges` finds both.
    """
    if mapping.path.step != "image" and not mapping.may_have(_KEYS):
        return ()
    parted = (_is_item_of_images(mapping) and find_kustomize(mapping)) or find_split(mapping)
    found = find_whole(mapping)
    if parted is not None:
        names = parted.name
        found = [whole for whole in found if whole.whole not in names]
        if mapping in lent and not parted.problem:
            parted = replace(parted, problem=_LENT)
        found.append(replace(parted, is_merged=True) if mapping in merged else parted)
    elif brings_repository(mapping):
        tags = (node for key in ("tag", "digest") for node in mapping.values.get(key, ()))
        found += [Candidate(Place.SPLIT, mapping.path, tag=tag, problem=_BORROWED) for tag in tags if find_scalar(tag)]
    return found


def _is_item_of_images(mapping: MappingNode) -> bool:
    step, parent = mapping.path.step, mapping.path.parent
    return isinstance(step, int) and parent is not None and parent.step == "images"
