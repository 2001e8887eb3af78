"""CI files that are known by their shape: GitLab CI's `services:` and GitHub's `container:`.

https://docs.gitlab.com/ci/yaml/, https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
"""

import re
from collections.abc import Iterator

from imagebot.yamledit.candidate import Candidate, is_collection, is_nothing
from imagebot.yamledit.scan import Alias, MappingNode, Node, Path, Scalar, SequenceNode, YamlFile
from imagebot.yamledit.search import make_need
from imagebot.yamledit.tree import ITEMS, VALUES, resolve, select, select_mappings
from imagebot.yamledit.whole import make_whole

# All keys at the top of a GitLab CI file that are no jobs; every other one holds a mapping.
_GITLAB_KEYS = frozenset(
    (
        *("default", "include", "stages", "variables", "workflow", "spec"),
        *("image", "services", "cache", "before_script", "after_script"),  # deprecated here, and still read
    )
)
_JOB_KEYS = frozenset(["script", "before_script", "after_script", "trigger", "run"])
GITLAB_NEEDS = tuple(make_need("services", key) for key in sorted(_JOB_KEYS))
GITHUB_NEEDS = (make_need("runs-on", "container"),)
_REFERENCE = re.compile(rb"!reference[ \t]*(?:\[|[\r\n]+[ \t]*-)\s*['\"]?$")
_REFERENCE_BYTES = 100


def find_in_gitlab(file: YamlFile) -> Iterator[Candidate]:
    """Yield the services of GitLab CI files: at the top, under `default`, and in jobs and hidden jobs."""
    for root in file.roots:
        if isinstance(root, MappingNode) and _is_gitlab(root):
            yield from _find_services(root, file)


def _find_services(root: MappingNode, file: YamlFile) -> Iterator[Candidate]:
    lists = (*select((root,), "services"), *select((root,), VALUES, "services"))
    for services in dict.fromkeys(map(resolve, lists)):
        if isinstance(services, SequenceNode) and not _is_reference(services, file):
            yield from _find_in_services(services)


def _is_gitlab(root: MappingNode) -> bool:
    """Whether all that is no keyword is a mapping, as jobs are, and one of them has what only a job has.

    Travis, whose files look alike, has scalars and lists there, as `language:` and `script:`. Hidden jobs (`.x`) may
    hold anything.
    """
    jobs = []
    for key, nodes in root.values.items():
        if key in _GITLAB_KEYS:
            continue
        mappings = [node for node in map(resolve, nodes) if isinstance(node, MappingNode)]
        if len(mappings) < len(nodes) and not key.startswith("."):
            return False
        jobs += mappings
    return any(job.may_have(_JOB_KEYS) and not _JOB_KEYS.isdisjoint(job.values) for job in jobs)


def _find_in_services(services: SequenceNode) -> Iterator[Candidate]:
    for item in services.items:
        if not is_collection(item) and not is_nothing(item):
            yield make_whole(item, item.path)
    for service in select_mappings((services,), ITEMS):
        for node in service.values.get("name", ()):
            if not is_collection(node) and not is_nothing(node):
                yield make_whole(node, Path(service.path, "name"))


def _is_reference(services: SequenceNode, file: YamlFile) -> bool:
    """Whether the list is `!reference [JOB, services]`, the path to another; the tag of a list is only in the text."""
    first: Node | None = services.items[0] if services.items else None
    if not isinstance(first, Scalar | Alias):
        return False
    before = file.data[max(0, first.start - _REFERENCE_BYTES) : first.start]
    return _REFERENCE.search(before) is not None


def find_in_github(file: YamlFile) -> Iterator[Candidate]:
    """Yield the containers of a GitHub workflow's jobs that are written as a text."""
    workflows = [root for root in file.roots if isinstance(root, MappingNode) and root.find("on")]
    for job in select_mappings(workflows, "jobs", VALUES):
        for node in job.values.get("container", ()) if "runs-on" in job.values else ():
            if not is_collection(node) and not is_nothing(node):
                yield make_whole(node, Path(job.path, "container"))
