"""What a reviewer should know before merging: sentences in Markdown, the gravest first, each about one image."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from imagebot.image.reference import Repository
from imagebot.proposal.markup import code, link, list_some
from imagebot.proposal.moves import Move
from imagebot.proposal.plan import Change
from imagebot.proposal.survey import Survey

_MOST_PLACES = 5

FindUrl = Callable[[str, int], str | None]
"""Finds the web address of a line of a file, as it is before the change."""


@dataclass(frozen=True, slots=True)
class Left:
    """A place that names an image at the version that others leave, and is not proposed to be changed at all."""

    repository: Repository
    tag: str
    path: str
    line: int


def find_left(survey: Survey, moving: Iterable[Change]) -> tuple[Left, ...]:
    """Find the places that stay at a version that others leave, in the order of places; `moving` are all changes."""
    moving = tuple(moving)
    moved = {(each.path, each.line, each.governed.occurrence.column) for each in moving}
    versions = {(each.governed.repository, each.before.tag) for each in moving if each.moves_tag}
    named = chain(((each.path, each.occurrence) for each in survey.governed), survey.ungoverned)
    left = {
        (path, each.line, each.column): Left(each.reference.repository, each.reference.tag or "", path, each.line)
        for path, each in named
        if (each.reference.repository, each.reference.tag) in versions and (path, each.line, each.column) not in moved
    }
    return tuple(left[place] for place in sorted(left))


def list_cautions(moves: Sequence[Move], left: Sequence[Left], find_url: FindUrl) -> tuple[str, ...]:
    """List all that is to be looked at with care."""
    kinds = (_warn_of_jump, _warn_of_step_back, _warn_of_push, _warn_of_platforms, _warn_of_source)
    cautions = [caution for warn in kinds for move in moves for caution in warn(move)]
    cautions += [caution for move in moves for caution in _warn_of_left(move, left, find_url)]
    return tuple(dict.fromkeys(cautions))


def _name(move: Move) -> str:
    return f"{code(move.name)} {code(move.becomes)}"


def _name_both(move: Move) -> str:
    return f"{code(move.name)} from {code(move.was)} to {code(move.becomes)}"


def _warn_of_jump(move: Move) -> Iterator[str]:
    if move.is_major and not move.goes_back:
        links = [("the release", move.links.release), ("what changed", move.links.changes)]
        where = " and ".join(link(text, url) for text, url in links if url is not None)
        advice = f": read {where}" if where else ": read its release notes"
        yield f"⚠️ **Major jump** of {_name_both(move)}{advice} before merging."


def _warn_of_step_back(move: Move) -> Iterator[str]:
    if move.goes_back:
        yield (f"⚠️ **A step back** of {_name_both(move)}: its entry has `allow_downgrade`.")


def _warn_of_push(move: Move) -> Iterator[str]:
    since = move.changes[0].selection.since
    if move.is_repushed and since is not None:
        yield (
            f"⚠️ **Pushed again:** {_name(move)} is not what it was when it was first pushed. imagebot saw it change on"
            f" {since.at:%Y-%m-%d %H:%M} UTC; a version should never change."
        )


def _warn_of_platforms(move: Move) -> Iterator[str]:
    if lost := move.lost_platforms:
        names = ", ".join(code(str(platform)) for platform in sorted(lost))
        yield f"⚠️ **Fewer platforms:** {_name(move)} has no {names}, which the image now written has."


def _warn_of_source(move: Move) -> Iterator[str]:
    old, new = move.old.source, move.new.source
    if old is not None and new is not None and old.url != new.url:
        yield (
            f"⚠️ **Another source:** {_name(move)} says that it is built from {link(code(new.name), new.url)},"
            f" and {code(move.was)} from {link(code(old.name), old.url)}."
        )


def _warn_of_left(move: Move, left: Sequence[Left], find_url: FindUrl) -> Iterator[str]:
    places = [each for each in left if (each.repository, each.tag) == (move.repository, move.changes[0].before.tag)]
    if places and move.moves_tag:
        shown = [link(code(f"{each.path}:{each.line}"), find_url(each.path, each.line)) for each in places]
        stays = f"{code(f'{move.name}:{move.was}')} stays in {list_some(shown, most=_MOST_PLACES)}"
        yield f"\u2139\ufe0f **Not everywhere:** {stays}."
