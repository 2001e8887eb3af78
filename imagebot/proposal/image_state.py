"""How each image of a target stands after an update: what is written, what may be, what there is, and why not more.

Made for people who look at many images at once: one row for all places that are written alike and governed alike. It is
kept as JSON, and read back strictly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from imagebot.image.snapshot import Snapshot
from imagebot.policy.policies import Follow, Newest, SemverLevel, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rule, Rules
from imagebot.policy.select import NoCandidate, Selection, select
from imagebot.proposal.choose import Choice, Listings, Unlisted
from imagebot.proposal.outcome import Action, Result
from imagebot.proposal.plan import Group

_MOST_PLACES = 20
_ANY_RELEASE = SemverRange(parse_range("*"))


class State(StrEnum):
    """Where an image stands; the first that is true."""

    CURRENT = "current"
    """Nothing else is allowed, or there is nothing else."""
    PROPOSED = "proposed"
    WAITING = "waiting"
    """For its age, the schedule or a limit."""
    DECLINED = "declined"
    FOREIGN = "foreign"
    """Someone else committed to its branch."""
    HELD = "held"
    """The digest stays, or the place cannot hold one."""
    STUCK = "stuck"
    """The policy admits no tag at all."""
    UNDECIDED = "undecided"
    """Its registry could not be asked, or is not believed."""
    FAILED = "failed"


_STATES = {
    Action.OPENED: State.PROPOSED,
    Action.MOVED: State.PROPOSED,
    Action.RETOLD: State.PROPOSED,
    Action.UNCHANGED: State.PROPOSED,
    Action.CLOSED: State.DECLINED,
    Action.DECLINED: State.DECLINED,
    Action.WAITING: State.WAITING,
    Action.LEFT_ALONE: State.FOREIGN,
    Action.FAILED: State.FAILED,
}


@dataclass(frozen=True, slots=True)
class ImageState:
    """One image as it is written in a target: `image` is its repository in full, `line` that of its entry.

    `allowed` is the newest tag that the entry admits and `newest` the newest there is, whatever the entry admits; None
    where that is not known. `behind_since` is when the first tag came that would have been allowed, None if nothing is
    to be done.
    """

    image: str
    tag: str | None
    digest: str | None
    entry: str
    line: int
    state: State
    reason: str = ""
    allowed: str | None = None
    allowed_digest: str | None = None
    newest: str | None = None
    branch: str | None = None
    url: str | None = None
    until: datetime | None = None
    behind_since: datetime | None = None
    places: tuple[str, ...] = ()
    place_count: int = 0

    def summarize(self) -> Mapping[str, object]:
        """Make what is kept as JSON, without what has its default."""
        default = ImageState("", None, None, "", 0, State.CURRENT)
        told = {name: value for name, value in asdict(self).items() if value != getattr(default, name)}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}


def parse_image_state(kept: object) -> ImageState | None:
    """Read a row back; None if another version wrote it in another form."""
    try:
        values: dict[str, Any] = dict(kept)  # type: ignore[call-overload]  # what is no mapping is refused here
        values = {"image": "", "tag": None, "digest": None, "entry": "", "line": 0, "state": "current"} | values
        values["state"] = State(values["state"])
        values["places"] = tuple(map(str, values.get("places", ())))
        for name in ("until", "behind_since"):
            values[name] = datetime.fromisoformat(values[name]).astimezone(UTC) if values.get(name) else None
        row = ImageState(**values)
    except (TypeError, ValueError):
        return None
    return row if all(isinstance(getattr(row, each.name), _TYPES[each.name]) for each in fields(row)) else None


_TEXT, _INSTANT = (str, type(None)), (datetime, type(None))
_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(("image", "entry", "reason"), str),
    **dict.fromkeys(("tag", "digest", "allowed", "allowed_digest", "newest", "branch", "url"), _TEXT),
    **dict.fromkeys(("line", "place_count"), int),
    **dict.fromkeys(("until", "behind_since"), _INSTANT),
    "state": State,
    "places": tuple,
}


def list_image_states(
    choices: Iterable[Choice], *, listings: Listings, groups: Iterable[Group], results: Iterable[Result]
) -> tuple[ImageState, ...]:
    """Make the rows of a target, in the order of images, entries and tags.

    `groups` are what the choices come to, and `results` what was done about them, by their branches.
    """
    branches = {
        (change.path, change.governed.occurrence.line, change.governed.occurrence.column): group.branch
        for group in groups
        for change in group.changes
    }
    by_branch = {result.branch: result for result in results}
    together: dict[tuple[str, str, int, str, str], list[Choice]] = {}
    for choice in choices:
        governed, reference = choice.governed, choice.governed.occurrence.reference
        entry = governed.entry
        key = (str(governed.repository), entry.label, entry.position, reference.tag or "", reference.digest or "")
        together.setdefault(key, []).append(choice)
    rows = []
    for key in sorted(together):
        first = together[key][0]
        occurrence = first.governed.occurrence
        branch = branches.get((first.governed.path, occurrence.line, occurrence.column))
        listing = listings.get(first.governed.repository)
        row = _make_row(together[key], listing if isinstance(listing, Snapshot) else None)
        if branch is not None:
            row = _add_result(row, branch, by_branch.get(branch))
        rows.append(row)
    return tuple(rows)


def _make_row(alike: Sequence[Choice], listing: Snapshot | None) -> ImageState:
    """Make the row of places that are alike, as far as the choice tells."""
    choice = alike[0]
    governed, reference = choice.governed, choice.governed.occurrence.reference
    state, reason, until = _judge(choice)
    verdict = choice.verdict
    return ImageState(
        str(governed.repository),
        reference.tag,
        reference.digest,
        governed.entry.label,
        governed.entry.position,
        state,
        reason,
        allowed=verdict.tag if isinstance(verdict, Selection) else None,
        allowed_digest=choice.new_digest,
        newest=_find_newest(listing, governed.entry.rules, current=reference.tag) if listing is not None else None,
        until=until,
        behind_since=_find_behind_since(choice, listing) if listing is not None else None,
        places=tuple(f"{each.governed.path}:{each.governed.occurrence.line}" for each in alike[:_MOST_PLACES]),
        place_count=len(alike),
    )


def _judge(choice: Choice) -> tuple[State, str, datetime | None]:
    """Say where a choice stands before anything is done about it, why, and until when."""
    verdict, pin = choice.verdict, choice.pin
    if isinstance(verdict, Unlisted):
        return State.UNDECIDED, verdict.reason, None
    waiting = (*verdict.waiting, *([pin.waiting] if pin.waiting else []))
    if isinstance(verdict, Selection) and not choice.is_settled:
        return State.PROPOSED, "", None
    if waiting:
        instants = [each.until for each in waiting if each.until is not None]
        return State.WAITING, "; ".join(map(str, waiting)), min(instants, default=None)
    if isinstance(verdict, NoCandidate):
        return State.STUCK, verdict.reason, None
    return (State.HELD, pin.held, None) if pin.held else (State.CURRENT, "", None)


def _add_result(row: ImageState, branch: str, result: Result | None) -> ImageState:
    """Say what was done about an image that is to move."""
    if result is None:
        return replace(row, state=State.FAILED, branch=branch, reason="the round ended before it was proposed")
    state = _STATES[result.action]
    refused = "; ".join(map(str, result.refused))
    reason = "; ".join(each for each in (result.detail, refused) if each)
    behind_since = None if state is State.DECLINED else row.behind_since
    return replace(
        row, state=state, branch=branch, url=result.url, reason=reason, until=result.until, behind_since=behind_since
    )


def _find_newest(listing: Snapshot, rules: Rules, *, current: str | None) -> str | None:
    """Find the newest tag there is of the kind that is written, whatever range, level, age or platforms are asked for.

    Of versions it is the newest release. None where tags have no order, or it takes more than their names to tell.
    """
    policy = rules.policy
    if isinstance(policy, Follow | Newest):
        return None
    if isinstance(policy, SemverRange | SemverLevel):
        policy = _ANY_RELEASE
    verdict = select(listing.first_seen, replace(rules, policy=policy, min_age=None), current=current)
    return verdict.tag if isinstance(verdict, Selection) else None


def _find_behind_since(choice: Choice, listing: Snapshot) -> datetime | None:
    """Find when the first of the tags came that would have been allowed and are newer than the one written."""
    verdict = choice.verdict
    if not isinstance(verdict, Selection) or choice.is_settled:
        return None
    tags = {verdict.tag}
    if choice.new_tag is not None:
        tags |= {tag for tag, rule in verdict.refused.items() if rule is Rule.LOWER_PRECEDENCE} - {choice.current_tag}
    instants = [since.at for tag in tags if (since := listing.find_since(tag)) is not None]
    return min(instants, default=verdict.since.at if verdict.since else None)
