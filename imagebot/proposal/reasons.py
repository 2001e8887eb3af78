"""Why this tag and no other, for reviewers who want to know: a list in Markdown."""

from collections.abc import Iterator

from imagebot.image.description import Description
from imagebot.image.snapshot import Source
from imagebot.policy.gates import Waiting
from imagebot.policy.select import Selection, count_by_rule
from imagebot.proposal.choose import explain_unfit
from imagebot.proposal.markup import code, link, list_some
from imagebot.proposal.moves import Move

_MOST_LISTED = 10
_SHORT_REVISION = 10
_SOURCES = {
    Source.PUSHED: "pushed on {}, as the registry says",
    Source.FIRST_SEEN: "first seen on {}: the registry does not say when it was pushed",
    Source.PUSHED_AGAIN: "pushed again on {}: its digest changed then",
}


def explain(move: Move) -> str:
    """Say of a move what it was chosen from and by which policy, how old the tag is, and what its image is."""
    entry, selection = move.changes[0].governed.entry, move.changes[0].selection
    lines = [*_list_reasons(selection), *_list_facts(move)]
    head = f"**{code(move.name)} {code(move.becomes)}**, chosen by {code(str(entry.rules))} from {_count(selection)}"
    return "\n".join([head, "", *(f"- {line}" for line in lines)]) if lines else head


def _count(selection: Selection) -> str:
    return "its only tag" if selection.considered == 1 else f"{selection.considered} tags"


def _list_reasons(selection: Selection) -> Iterator[str]:
    if since := selection.since:
        yield "It was " + _SOURCES[since.source].format(f"{since.at:%Y-%m-%d %H:%M} UTC") + "."
    counts = count_by_rule(selection.refused)
    if counts:
        yield "Not chosen: " + ", ".join(f"{count} {rule.value}" for rule, count in counts) + "."
    if unfit := explain_unfit(selection):
        yield "Passed over for their images: " + list_some([code(each) for each in unfit], most=_MOST_LISTED) + "."
    if selection.waiting:
        yield "Too young for it: " + list_some([*map(_tell_waiting, selection.waiting)], most=_MOST_LISTED) + "."


def _tell_waiting(waiting: Waiting) -> str:
    if waiting.since is None or waiting.until is None:
        return f"{code(waiting.tag)}, of unknown age"
    return f"{code(waiting.tag)} until {waiting.until:%Y-%m-%d %H:%M} UTC ({waiting.since})"


def _list_facts(move: Move) -> Iterator[str]:
    """Tell what the image says of itself."""
    image, links = move.new.image, move.links
    if image is None:
        return
    built = [f"on {image.built_at:%Y-%m-%d %H:%M} UTC"] if image.built_at else []
    if revision := move.new.revision:
        built.append(f"from commit {link(code(revision[:_SHORT_REVISION]), links.commit)}")
    if links.source:
        built.append(f"of {link(code(links.source.name), links.source.url)}")
    if built:
        same = ", the same commit as before" if revision and revision == move.old.revision else ""
        yield f"It says that it was built {' '.join(built)}{same}."
    yield from _list_sizes(image)


def _list_sizes(image: Description) -> Iterator[str]:
    if image.platforms:
        platforms = [code(str(platform)) for platform in sorted(image.platforms)]
        yield f"It is for {list_some(platforms, most=_MOST_LISTED)}; its digest is {code(image.digest)}."
    else:
        yield f"Its digest is {code(image.digest)}."
