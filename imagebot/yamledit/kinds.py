"""Places that only documents of a certain kind have: those that say what they are, or whose shape nothing else has."""

from collections.abc import Iterator

from imagebot.yamledit.candidate import Candidate
from imagebot.yamledit.kinds_ansible import find_in_tasks
from imagebot.yamledit.kinds_argo import find_in_applications
from imagebot.yamledit.kinds_ci import find_in_github, find_in_gitlab
from imagebot.yamledit.kinds_flux import find_in_oci_repositories
from imagebot.yamledit.kinds_tekton import find_bundles
from imagebot.yamledit.scan import MappingNode, YamlFile
from imagebot.yamledit.tree import Kind, list_by_kind

_ARGO = "argoproj.io"
_FLUX_SOURCES = "source.toolkit.fluxcd.io"
_TEKTON = "tekton.dev"
# One of these is in every file with such a place, unless escapes spell it; most files have none and are not walked.
_GROUPS = tuple(group.encode() for group in (_ARGO, _FLUX_SOURCES, _TEKTON))


def find_by_kind(file: YamlFile) -> Iterator[Candidate]:
    """Yield the candidates of documents whose kind says what their fields mean."""
    roots = [root for root in file.roots if isinstance(root, MappingNode)]
    for root in roots if b"services" in file.data else ():
        yield from find_in_gitlab(root, file)
    for root in roots if _can_hold_github(file.data) else ():
        yield from find_in_github(root)
    yield from find_in_tasks(file)
    if any(group in file.data for group in _GROUPS):
        yield from _find_in_objects(file)


def can_hold_kind(data: bytes) -> bool:
    """Search for what the places have that need not hold the word `image`; false only if they are not there."""
    if b"docker://" in data or b"oci://" in data:
        return True
    is_gitlab = b"services" in data and any(key in data for key in (b"script", b"trigger", b"run"))
    return is_gitlab or _can_hold_github(data) or any(group in data for group in _GROUPS)


def _can_hold_github(data: bytes) -> bool:
    return b"container" in data and b"runs-on" in data


def _find_in_objects(file: YamlFile) -> Iterator[Candidate]:
    by_kind = list_by_kind(file.roots)
    for name in ("Application", "ApplicationSet"):
        yield from find_in_applications(by_kind.get(Kind(_ARGO, name), ()))
    yield from find_in_oci_repositories(by_kind.get(Kind(_FLUX_SOURCES, "OCIRepository"), ()))
    for kind, mappings in by_kind.items():
        if kind.group == _TEKTON:
            yield from find_bundles(mappings)
