"""Which tags have to be watched for what they point to, so that what was decided stays true."""

from collections.abc import Iterable, Iterator, Mapping

from imagebot.image.reference import Repository
from imagebot.policy.select import Selection
from imagebot.proposal.choose import Choice, Unlisted


def list_watched(choices: Iterable[Choice]) -> Mapping[Repository, frozenset[str]]:
    """List by repository the tags of which another digest would change a choice.

    These are tags that are followed or pinned, tags that images move from and to, because the platforms of both count,
    and tags that wait, because one that is pushed again waits anew.
    """
    watched: dict[Repository, set[str]] = {}
    for choice in choices:
        watched.setdefault(choice.governed.repository, set()).update(_list_tags(choice))
    return {repository: frozenset(tags) for repository, tags in watched.items()}


def _list_tags(choice: Choice) -> Iterator[str]:
    verdict = choice.verdict
    if isinstance(verdict, Unlisted):
        return
    yield from (each.tag for each in verdict.waiting)
    if choice.pin.waiting is not None:
        yield choice.pin.waiting.tag
    if not isinstance(verdict, Selection):
        return
    if not choice.is_settled or choice.governed.entry.rules.pins_digest:
        yield verdict.tag
    if choice.new_tag is not None and choice.current_tag is not None:
        yield choice.current_tag
