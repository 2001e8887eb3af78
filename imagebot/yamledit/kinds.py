"""Places that only documents of a certain kind have: those that say what they are, or whose shape nothing else has."""

from collections.abc import Iterator

from imagebot.yamledit import kinds_ansible, kinds_argo, kinds_ci, kinds_flux, kinds_tekton
from imagebot.yamledit.candidate import Candidate
from imagebot.yamledit.scan import YamlFile
from imagebot.yamledit.tree import Kind

_OBJECT_NEEDS = (*kinds_argo.NEEDS, *kinds_flux.NEEDS, *kinds_tekton.NEEDS)
NEEDS = (*kinds_ci.GITLAB_NEEDS, *kinds_ci.GITHUB_NEEDS, *kinds_ansible.NEEDS, *_OBJECT_NEEDS)


def find_by_kind(file: YamlFile) -> Iterator[Candidate]:
    """Yield the candidates of documents whose kind says what their fields mean."""
    meets = file.search.meets
    if meets(kinds_ci.GITLAB_NEEDS):
        yield from kinds_ci.find_in_gitlab(file)
    if meets(kinds_ci.GITHUB_NEEDS):
        yield from kinds_ci.find_in_github(file)
    if meets(kinds_ansible.NEEDS):
        yield from kinds_ansible.find_in_tasks(file)
    if meets(_OBJECT_NEEDS):
        yield from _find_in_objects(file)


def _find_in_objects(file: YamlFile) -> Iterator[Candidate]:
    by_kind = file.by_kind
    for name in kinds_argo.KINDS:
        yield from kinds_argo.find_in_applications(by_kind.get(Kind(kinds_argo.GROUP, name), ()))
    artifacts = Kind(kinds_flux.SOURCES, kinds_flux.OCI_REPOSITORY)
    yield from kinds_flux.find_in_oci_repositories(by_kind.get(artifacts, ()))
    for kind, mappings in by_kind.items():
        if kind.group == kinds_tekton.GROUP:
            yield from kinds_tekton.find_bundles(mappings)
