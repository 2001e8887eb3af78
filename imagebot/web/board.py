"""How every target stands, as the store has it: read again only where a round has ended since."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from threading import Lock
from typing import Any

from imagebot.proposal.image_state import ImageState, State, parse_image_state
from imagebot.store.store import KeptOutcome, Store

_OPEN = ("opened", "moved", "retold", "unchanged")
_TROUBLED = (State.FAILED, State.FOREIGN, State.UNDECIDED)


class Condition(StrEnum):
    """How a target is: the first that is true."""

    NEW = "new"
    """It was not updated yet."""
    FAULTY = "faulty"
    """Its policy file is wrong."""
    FAILING = "failing"
    """Its last round failed."""
    TROUBLED = "troubled"
    """Some of its images could not be decided or proposed."""
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch and what was done about it."""

    branch: str
    title: str
    action: str
    url: str | None
    detail: str
    until: datetime | None

    @property
    def is_open(self) -> bool:
        return self.action in _OPEN


@dataclass(frozen=True, slots=True)
class TargetState:
    """What came of a target's last rounds; `updated_at` is when one came to its end the last time."""

    name: str
    condition: Condition = Condition.NEW
    finished_at: datetime | None = None
    updated_at: datetime | None = None
    head: str = ""
    error: str = ""
    warnings: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    images: tuple[ImageState, ...] = ()
    unread: tuple[str, ...] = ()
    left_alone: tuple[str, ...] = ()
    counts: Mapping[State, int] = field(default_factory=dict)

    @property
    def open_count(self) -> int:
        return sum(each.is_open for each in self.proposals)

    @property
    def waiting_count(self) -> int:
        return sum(each.action == "waiting" for each in self.proposals)

    @property
    def behind(self) -> list[ImageState]:
        """The images that are to move and have not yet."""
        return [image for image in self.images if image.behind_since is not None]

    @property
    def behind_since(self) -> datetime | None:
        """When the first of these fell behind."""
        return min((image.behind_since for image in self.behind if image.behind_since), default=None)


class Board:
    """Reads the states of targets, in any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._known: dict[str, TargetState] = {}

    def read(self, targets: Iterable[str]) -> list[TargetState]:
        """Return the states of these targets in their order; raises what the store raises."""
        names = list(targets)
        kept = self._store.list_outcomes()
        with self._lock:
            known = {name: state for name, state in self._known.items() if state.finished_at == kept.get(name)}
            for name in names:
                if name in kept and name not in known and (outcome := self._store.find_outcome(name)) is not None:
                    known[name] = parse_target_state(name, outcome)
            self._known = {name: known[name] for name in names if name in known}
            return [self._known.get(name, TargetState(name)) for name in names]


def parse_target_state(name: str, kept: KeptOutcome) -> TargetState:
    """Make a state of what was kept; what another version wrote in another form is left out."""
    summary = kept.summary
    images = tuple(row for each in _list(summary, "images") if (row := parse_image_state(each)) is not None)
    error, updated_at = str(summary.get("error") or ""), _find_instant(summary.get("updated_at"))
    counts = Counter(image.state for image in images)
    return TargetState(
        name,
        _judge(error, is_of_policy=summary.get("is_of_policy") is True, updated_at=updated_at, counts=counts),
        kept.finished_at,
        updated_at,
        str(summary.get("head") or ""),
        error,
        warnings=tuple(map(str, _list(summary, "warnings"))),
        proposals=tuple(_parse_proposal(each) for each in _list(summary, "results") if isinstance(each, dict)),
        images=images,
        unread=tuple(map(str, _list(summary, "unreadable"))),
        left_alone=tuple(map(str, _list(summary, "left_alone"))),
        counts=counts,
    )


def _judge(error: str, *, is_of_policy: bool, updated_at: datetime | None, counts: Mapping[State, int]) -> Condition:
    if error:
        return Condition.FAULTY if is_of_policy else Condition.FAILING
    if updated_at is None:
        return Condition.NEW
    return Condition.TROUBLED if any(counts.get(state) for state in _TROUBLED) else Condition.WELL


def _parse_proposal(kept: Mapping[str, Any]) -> Proposal:
    branch, title, action, detail = (str(kept.get(name) or "") for name in ("branch", "title", "action", "detail"))
    url = str(kept["url"]) if kept.get("url") else None
    return Proposal(branch, title, action, url, detail, _find_instant(kept.get("until")))


def _list(summary: Mapping[str, object], name: str) -> Sequence[Any]:
    value = summary.get(name)
    return value if isinstance(value, list) else ()


def _find_instant(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) else None
    except ValueError:
        return None
