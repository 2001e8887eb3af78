"""Tekton's bundles: tasks and pipelines that are pulled as images.

https://tekton.dev/docs/pipelines/bundle-resolver/
"""

from collections.abc import Iterable, Iterator

from imagebot.yamledit.candidate import Candidate, is_collection, is_nothing
from imagebot.yamledit.scan import MappingNode, Path
from imagebot.yamledit.search import make_need
from imagebot.yamledit.tree import ITEMS, find_text, select_mappings
from imagebot.yamledit.whole import make_whole

GROUP = "tekton.dev"
NEEDS = (make_need(GROUP, "bundles"),)


def find_bundles(mappings: Iterable[MappingNode]) -> Iterator[Candidate]:
    """Yield what the references to tasks and pipelines among the mappings give to the resolver of bundles."""
    references = [mapping for mapping in mappings if find_text(mapping, "resolver") == "bundles"]
    for param in select_mappings(references, "params", ITEMS):
        if find_text(param, "name") == "bundle":
            for node in param.values.get("value", ()):
                if not is_collection(node) and not is_nothing(node):
                    yield make_whole(node, Path(param.path, "value"))
