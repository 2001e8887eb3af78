"""Which targets a push or merge request is about: by the git repo's path, whatever host either side calls it by."""

from collections.abc import Callable, Collection, Iterable

from imagebot.settings.operator import TargetSettings
from imagebot.settings.url import find_repo_path
from imagebot.web.webhooks.delivery import MovedBranch


def find_targets(
    branches: Collection[MovedBranch],
    targets: Iterable[TargetSettings],
    *,
    find_prefix: Callable[[str], str | None],
) -> frozenset[str]:
    """Find the targets that have to be looked at again.

    `find_prefix` gives what the branches of a target begin with that are imagebot's, None if that is not known.
    """
    by_repo: dict[str, list[MovedBranch]] = {}
    for moved in branches:
        by_repo.setdefault(moved.repo.lower(), []).append(moved)
    return frozenset(
        target.name
        for target in targets
        for moved in by_repo.get(find_repo_path(target.url).lower(), ())
        if _concerns(moved, target, find_prefix(target.name))
    )


def _concerns(moved: MovedBranch, target: TargetSettings, prefix: str | None) -> bool:
    if moved.source is None:
        is_own = prefix is not None and moved.branch.startswith(prefix)
        return moved.branch == target.branch or is_own
    # A merge request may go to another branch than the target's, if the policy file says so.
    return prefix is None or moved.source.startswith(prefix)
