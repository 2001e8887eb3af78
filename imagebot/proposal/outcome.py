"""What came of one update of one target: values for the summary, the log, the store and the exit code."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from imagebot.proposal.choose import (
    Choice,
    Unlisted,
    find_due,
    find_undecided,
    list_held,
    list_stuck,
    list_unfit,
    list_waiting,
    summarize_waiting,
)
from imagebot.proposal.plan import Change
from imagebot.proposal.survey import Survey, Unread


class Action(StrEnum):
    """What was done about one branch; in a dry run, what would have been done."""

    OPENED = "opened"
    MOVED = "moved"
    RETOLD = "retold"  # the change is the same, its text was brought up to date
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    DECLINED = "declined"  # a person closed exactly this unmerged
    WAITING = "waiting"  # a limit or the schedule does not let it be opened or moved now
    LEFT_ALONE = "left alone"  # someone else committed to the branch
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one branch; `detail` is a sentence where the action alone does not say enough.

    What is waiting waits until an instant, or until something is done if that is None.
    """

    branch: str
    title: str
    action: Action
    url: str | None = None
    detail: str = ""
    changes: tuple[Change, ...] = ()
    refused: tuple[Unread, ...] = ()
    until: datetime | None = None

    def summarize(self) -> Mapping[str, object]:
        return {
            "branch": self.branch,
            "title": self.title,
            "action": self.action.value,
            "url": self.url,
            "detail": self.detail,
            "until": self.until.isoformat() if self.until else None,
            "refused": [str(each) for each in self.refused],
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a target as a whole.

    A target that could not be read, or whose policy file is wrong, has an `error` and nothing else; so has one whose
    round was ended by a bug. One whose forge refused to go on has what was done until then. `warnings` are sentences
    about what will stop imagebot before long, or what it had to do without.
    """

    target: str
    head: str | None = None
    results: tuple[Result, ...] = ()
    choices: tuple[Choice, ...] = ()
    survey: Survey | None = None
    error: str = ""
    is_dry: bool = field(default=False, kw_only=True)
    is_bug: bool = field(default=False, kw_only=True)
    is_transient: bool = field(default=False, kw_only=True)
    """Whether the error may pass by itself."""
    retry_at: datetime | None = field(default=None, kw_only=True)
    """Before which instant the forge does not want to be asked again, if it says so."""
    warnings: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def has_failed(self) -> bool:
        """True if a person or a later round has to look at something: it makes the exit code 1."""
        failed = any(result.action is Action.FAILED or result.refused for result in self.results)
        return bool(self.error or self.unlisted) or failed

    @property
    def has_met_bug(self) -> bool:
        """True if a bug ended the round, or nothing was decided about a repository for one: the exit code is 3."""
        return self.is_bug or any(
            isinstance(choice.verdict, Unlisted) and choice.verdict.is_bug for choice in self.choices
        )

    @property
    def unlisted(self) -> Mapping[str, str]:
        """The repositories about which nothing was decided, each with the reason."""
        return {str(image): reason for image, reason in find_undecided(self.choices).items()}

    @property
    def waiting(self) -> tuple[str, ...]:
        """The tags that are too young to be written, and what may not be proposed yet; each with until when."""
        young = (f"{image.familiar}: {waiting}" for image, waiting in list_waiting(self.choices))
        return (*young, *(f"{each.title}: {each.detail}" for each in self.results if each.action is Action.WAITING))

    @property
    def due_at(self) -> datetime | None:
        """The instant at which the first of them need not wait any more; None if none waits for a known time."""
        instants = [find_due(self.choices), *(result.until for result in self.results), self.retry_at]
        return min((instant for instant in instants if instant is not None), default=None)

    def count_actions(self) -> Mapping[str, int]:
        """Count the branches by what was done about them, for the log."""
        return Counter(result.action.value.replace(" ", "_") for result in self.results)

    def summarize(self) -> Mapping[str, object]:
        """Make the short form that the store keeps and `--format json` prints."""
        return {
            "target": self.target,
            "head": self.head,
            "error": self.error,
            "warnings": list(self.warnings),
            "dry_run": self.is_dry,
            "results": [result.summarize() for result in self.results],
            "unlisted": self.unlisted,
            "stuck": list_stuck(self.choices),
            "held": list_held(self.choices),
            "unfit": list_unfit(self.choices),
            "waiting": summarize_waiting(self.choices),
            "due_at": self.due_at.isoformat() if self.due_at else None,
            "unreadable": [str(each) for each in self.survey.unreadable] if self.survey else [],
            "left_alone": [str(each) for each in self.survey.left_alone] if self.survey else [],
        }
