"""What each page shows: chosen from how things stand, in a certain order, a page at a time. Pure.

A page of the browser and the same address under the API are made of the same values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from imagebot.agenda.values import HostTiming, View
from imagebot.image.history import Failing
from imagebot.image.reference import Repository
from imagebot.proposal.image_state import ImageState, State
from imagebot.web.board import Condition, TargetState

T = TypeVar("T")

PAGE_SIZE = 50
_MOST_PAGES = 10_000
_SHORT_DIGEST = 19
# What people have to look at comes first.
_ORDER = (
    State.FAILED,
    State.FOREIGN,
    State.UNDECIDED,
    State.STUCK,
    State.HELD,
    State.PROPOSED,
    State.WAITING,
    State.DECLINED,
    State.CURRENT,
)
_RANKS = {state: rank for rank, state in enumerate(_ORDER)}
_CONDITIONS = (Condition.FAULTY, Condition.FAILING, Condition.TROUBLED, Condition.NEW, Condition.WELL)
_IDLE = HostTiming(0, 0, 0, 0.0)
_CONDITION_RANKS = {condition: rank for rank, condition in enumerate(_CONDITIONS)}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: words that all have to be in a row, and one of each choice; empty is any."""

    words: tuple[str, ...] = ()
    state: str = ""
    condition: str = ""
    target: str = ""
    host: str = ""
    is_behind: bool = False
    page: int = 1


def parse_query(given: Mapping[str, str]) -> Query:
    """Read it from an address; what makes no sense there is as if it were not there."""
    number = given.get("page", "")
    page = min(int(number), _MOST_PAGES) if number.isascii() and number.isdigit() and len(number) < 7 else 1
    words = tuple(given.get("q", "").lower().split()[:10])
    state = given.get("state", "") if given.get("state") in set(State) else ""
    condition = given.get("condition", "") if given.get("condition") in set(Condition) else ""
    return Query(
        words, state, condition, given.get("target", ""), given.get("host", ""), "behind" in given, max(1, page)
    )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of many: the items of one page, its number and that of the last, and how many items there are."""

    items: Sequence[T]
    number: int
    last: int
    total: int


def paginate(items: Sequence[T], number: int) -> Page[T]:
    last = max(1, -(-len(items) // PAGE_SIZE))
    number = min(number, last)
    return Page(items[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], number, last, len(items))


def select_targets(board: Iterable[TargetState], query: Query) -> Page[TargetState]:
    """Choose targets, those that people have to look at first."""
    chosen = [
        target
        for target in board
        if query.condition in ("", target.condition) and _holds((target.name, target.error), query.words)
    ]
    chosen.sort(key=lambda target: (_CONDITION_RANKS[target.condition], target.name))
    return paginate(chosen, query.page)


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image of a target."""

    target: str
    image: ImageState

    @property
    def digest_shown(self) -> str:
        """The beginning of the digest that is written."""
        return (self.image.digest or "")[:_SHORT_DIGEST]

    @property
    def is_behind_newest(self) -> bool:
        return self.image.newest not in (None, self.image.allowed)

    def summarize(self) -> Mapping[str, object]:
        return {"target": self.target, **self.image.summarize(), "state": self.image.state.value}


def select_images(board: Iterable[TargetState], query: Query) -> Page[ImageRow]:
    """Choose images of targets, those that people have to look at first."""
    chosen = [
        ImageRow(target.name, image)
        for target in board
        if query.target in ("", target.name)
        for image in target.images
        if query.state in ("", image.state)
        if image.behind_since is not None or not query.is_behind
        if not query.host or image.image.startswith(f"{query.host}/")
        if not query.words or _holds((image.image, image.tag or "", image.entry, target.name), query.words)
    ]
    chosen.sort(key=lambda row: (_RANKS[row.image.state], row.image.image, row.target, row.image.tag or ""))
    return paginate(chosen, query.page)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits, for an instant if `until` is one."""

    target: str
    what: str
    reason: str
    until: datetime | None
    url: str | None = None


def list_waiting(board: Iterable[TargetState]) -> list[Waiting]:
    """List what waits: what is due first comes first, what no time will end comes last."""
    found: dict[Waiting, None] = {}
    for target in board:
        branches = {each.branch: each for each in target.proposals}
        for image in target.images:
            proposal = branches.get(image.branch or "")
            if image.state is State.WAITING and proposal is not None:
                found[Waiting(target.name, proposal.title, proposal.detail, proposal.until, proposal.url)] = None
            elif image.state is State.WAITING:
                found[Waiting(target.name, image.image, image.reason, image.until)] = None
    return sorted(found, key=lambda each: (each.until is None, str(each.until), each.target, each.what))


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """One registry: how hard it is pressed, what waits for it, and of which repositories it gave no list."""

    host: str
    repositories: int = 0
    timing: HostTiming = _IDLE
    in_flight: int = 0
    per_second: float | None = None
    pauses: Mapping[str, datetime] = field(default_factory=dict)
    failing: Sequence[tuple[Repository, Failing]] = ()
    left: int | None = None


def list_registries(view: View, failing: Mapping[Repository, Failing]) -> list[RegistryRow]:
    """Make a row for each registry that is polled, those in trouble first; what is kept of others does not count."""
    rows: dict[str, RegistryRow] = {}
    for repository in view.repositories:
        row = rows.setdefault(repository.registry, RegistryRow(repository.registry))
        trouble = [(repository, failing[repository])] if repository in failing else []
        rows[row.host] = replace(row, repositories=row.repositories + 1, failing=(*row.failing, *trouble))
    for host, timing in view.hosts.items():
        rows[host] = replace(rows.get(host, RegistryRow(host)), timing=timing)
    return sorted(rows.values(), key=lambda row: (not row.failing and not row.timing.paused_s, row.host))


@dataclass(frozen=True, slots=True)
class Totals:
    """What is said at the top: of all targets together."""

    targets: int
    conditions: Mapping[Condition, int]
    images: int
    states: Mapping[State, int]
    behind: int
    behind_since: datetime | None
    open_requests: int
    waiting_requests: int


def count_all(board: Sequence[TargetState]) -> Totals:
    instants = [target.behind_since for target in board if target.behind_since is not None]
    return Totals(
        len(board),
        {each: sum(target.condition is each for target in board) for each in _CONDITIONS},
        sum(len(target.images) for target in board),
        {state: sum(target.counts.get(state, 0) for target in board) for state in _ORDER},
        sum(len(target.behind) for target in board),
        min(instants, default=None),
        sum(target.open_count for target in board),
        sum(target.waiting_count for target in board),
    )


def _holds(texts: Iterable[str], words: Iterable[str]) -> bool:
    text = " ".join(texts).lower()
    return all(word in text for word in words)
