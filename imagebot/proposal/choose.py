"""Which tag and which digest each governed occurrence should have.

No decision is taken from a repository whose tags could not be listed: its occurrences stay as they are, and so do the
merge requests that concern it. What has to be known beside the tags is asked for by the choices themselves, and they
are made again with the answers: see `policy.known`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.policy.digest import Pin, select_digest
from imagebot.policy.gates import Lacking, Waiting
from imagebot.policy.known import Answers, Known, Question, Unknown
from imagebot.policy.policies import Follow, Newest
from imagebot.policy.reading import Rule, Rules
from imagebot.policy.select import NoCandidate, Ranking, Selection, rank, settle
from imagebot.proposal.survey import Governed, Survey


@dataclass(frozen=True, slots=True)
class Unlisted:
    """What a repository holds is not known, or not to be trusted, and why: a sentence a person can act on.

    `needs_operator` tells what only a setting or a permission can mend from what may pass by itself; `is_of_host` what
    concerns everything at the registry, which is left alone until `retry_at` if that is known.
    """

    repository: Repository
    reason: str
    needs_operator: bool = False
    is_bug: bool = False
    is_of_host: bool = False
    retry_at: datetime | None = None

    @classmethod
    def by_bug(cls, repository: Repository, error: Exception) -> "Unlisted":
        reason = f"a bug of imagebot stood in the way, please report it: {type(error).__name__}: {error}"
        return cls(repository, reason, is_bug=True)


Listings = Mapping[Repository, Snapshot | Unlisted]
"""What is known of each repository's tags."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about one repository; with a `failure`, some of what was asked could not be."""

    answers: Answers = field(default_factory=Answers)
    failure: Unlisted | None = None


Findings = Mapping[Repository, Found]
"""What was found out about each repository that anything was asked of."""
Questions = Mapping[Repository, frozenset[Question]]
"""What has to be known of each repository before all is decided."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A governed occurrence, what its policy says about its tag, and the digest that is to stand beside that."""

    governed: Governed
    verdict: Selection | NoCandidate | Unlisted
    pin: Pin = field(default_factory=lambda: Pin(None))

    @property
    def current_tag(self) -> str | None:
        return self.governed.occurrence.reference.tag

    @property
    def is_settled(self) -> bool:
        """Whether the occurrence is known to stay as it is: by a decision, not for lack of one."""
        return not isinstance(self.verdict, Unlisted) and self.new_tag is None and self.new_digest is None

    @property
    def new_tag(self) -> str | None:
        """The tag to write, or None if it stays as it is."""
        if isinstance(self.verdict, Selection) and self.current_tag not in (None, self.verdict.tag):
            return self.verdict.tag
        return None

    @property
    def new_digest(self) -> str | None:
        """The digest to write, or None if it stays as it is."""
        return None if self.pin.digest == self.governed.occurrence.reference.digest else self.pin.digest


@dataclass(frozen=True, slots=True)
class _Case:
    """What a decision depends on, beside the repository's tags: occurrences that are alike are decided once."""

    repository: Repository
    rules: Rules
    tag: str | None
    digest: str | None
    can_hold_digest: bool

    @classmethod
    def of(cls, governed: Governed) -> "_Case":
        occurrence, reference = governed.occurrence, governed.occurrence.reference
        rules = governed.entry.rules
        return cls(governed.repository, rules, reference.tag, reference.digest, occurrence.can_hold_digest)


class Chooser:
    """Decides all occurrences of a survey, in as many steps as it has to ask."""

    def __init__(self, survey: Survey, listings: Listings, *, now: datetime) -> None:
        self._survey, self._listings, self._now = survey, listings, now
        self._decided: dict[_Case, tuple[Selection | NoCandidate | Unlisted, Pin]] = {}
        self._verdicts: dict[_Case, Selection | NoCandidate] = {}
        self._rankings: dict[tuple[Repository, Rules, str | None], Ranking] = {}

    def choose(self, findings: Findings) -> tuple[Choice, ...] | Questions:
        """Apply to each governed occurrence the policy of its entry, or say what has to be found out first."""
        questions: dict[Repository, frozenset[Question]] = {}
        cases = [_Case.of(governed) for governed in self._survey.governed]
        for case in dict.fromkeys(cases):
            if case in self._decided:
                continue
            decision = self._decide(case, findings.get(case.repository, Found()))
            if isinstance(decision, Unknown):
                questions[case.repository] = questions.get(case.repository, frozenset()) | decision.questions
            else:
                self._decided[case] = decision
        if questions:
            return questions
        self._stop_failed(findings)
        return tuple(
            Choice(governed, *self._decided[case]) for governed, case in zip(self._survey.governed, cases, strict=True)
        )

    def _stop_failed(self, findings: Findings) -> None:
        """Let an image of which one place has to wait for an answer wait as a whole: else it would move twice."""
        failures = {image: found.failure for image, found in findings.items() if found.failure is not None}
        failed = {case.repository for case, (verdict, _) in self._decided.items() if verdict in failures.values()}
        for case in self._decided:
            if case.repository in failed:
                self._decided[case] = failures[case.repository], Pin(case.digest)

    def _decide(self, case: _Case, found: Found) -> tuple[Selection | NoCandidate | Unlisted, Pin] | Unknown:
        snapshot = self._find_listing(case)
        if isinstance(snapshot, Unlisted):
            return snapshot, Pin(case.digest)
        known = Known(snapshot, self._now, found.answers, case.digest)
        verdict = self._select(case, known)
        decision = verdict if isinstance(verdict, Unknown) else _add_digest(case, verdict, known)
        if isinstance(decision, Unknown) and found.failure is not None:
            return found.failure, Pin(case.digest)
        return decision

    def _find_listing(self, case: _Case) -> Snapshot | Unlisted:
        """Find the tags to decide from; none if the one that is written, or else followed, is not among them."""
        listing = self._listings.get(case.repository) or Unlisted(case.repository, "its tags were not listed")
        policy, tag, role = case.rules.policy, case.tag, "written"
        if tag is None and isinstance(policy, Follow):
            tag, role = policy.tag, "followed"
        if isinstance(listing, Unlisted) or tag is None or tag in listing.first_seen:
            return listing
        listed = len(listing.first_seen)
        tags = "tag" if listed == 1 else "tags"
        reason = f"the registry lists {listed} {tags}, but not {tag}, which is {role}: nothing is decided from that"
        return Unlisted(case.repository, reason)

    def _select(self, case: _Case, known: Known) -> Selection | NoCandidate | Unknown:
        """Select a tag; what was ranked is kept for the next step, and so is what was selected."""
        if case in self._verdicts:
            return self._verdicts[case]
        key = case.repository, case.rules, case.tag
        ranking: Ranking | NoCandidate | Unknown | None = self._rankings.pop(key, None)
        if ranking is None:
            ranking = rank(known.snapshot.first_seen, case.rules, current=case.tag, known=known)
        verdict = settle(ranking, known) if isinstance(ranking, Ranking) else ranking
        if not isinstance(verdict, Unknown):
            self._verdicts[case] = verdict
        elif isinstance(ranking, Ranking) and not isinstance(case.rules.policy, Newest):
            self._rankings[key] = ranking  # answers change nothing about it, as they do for `newest`
        return verdict


def _add_digest(
    case: _Case, verdict: Selection | NoCandidate, known: Known
) -> tuple[Selection | NoCandidate, Pin] | Unknown:
    if isinstance(verdict, NoCandidate):
        return verdict, Pin(case.digest)
    moves = case.tag is not None and case.tag != verdict.tag
    pin = select_digest(verdict.tag, case.rules, moves=moves, can_hold=case.can_hold_digest, known=known)
    # What was asked about the digest may tell that the tag was pushed again.
    return pin if isinstance(pin, Unknown) else (replace(verdict, since=known.find_since(verdict.tag)), pin)


def find_undecided(choices: Iterable[Choice]) -> Mapping[Repository, str]:
    """Find the repositories about which nothing was decided, for one of their places or for all, with the reasons."""
    reasons: dict[Repository, list[str]] = {}
    for choice in choices:
        if isinstance(choice.verdict, Unlisted):
            known = reasons.setdefault(choice.verdict.repository, [])
            known += [choice.verdict.reason] if choice.verdict.reason not in known else []
    return {image: "; ".join(known) for image, known in sorted(reasons.items())}


def list_stuck(choices: Iterable[Choice]) -> tuple[str, ...]:
    """List the places whose policy admits no tag at all, each with the reason."""
    return tuple(
        f"{choice.governed}: {choice.verdict.reason}" for choice in choices if isinstance(choice.verdict, NoCandidate)
    )


def list_held(choices: Iterable[Choice]) -> tuple[str, ...]:
    """List the places whose digest stays although the tag has another one, or which cannot hold one; with reasons."""
    return tuple(f"{choice.governed}: {choice.pin.held}" for choice in choices if choice.pin.held)


def explain_unfit(verdict: Selection | NoCandidate) -> tuple[str, ...]:
    """Say of each tag that came before the chosen one what is wrong with its image."""
    reasons = [
        f"{tag} has no {reason}" if isinstance(reason, Lacking) else f"{tag} is {reason.value}"
        for tag, reason in verdict.unfit.items()
        if reason is not Rule.UNEXAMINED
    ]
    others = len(verdict.unfit) - len(reasons)
    return (*reasons, *([f"{others} more are {Rule.UNEXAMINED.value}"] if others else []))


def list_unfit(choices: Iterable[Choice]) -> tuple[str, ...]:
    """List the tags that would be chosen but for their images, each once, with what these lack."""
    found = {
        (choice.governed.repository, reason): None
        for choice in choices
        if not isinstance(choice.verdict, Unlisted)
        for reason in explain_unfit(choice.verdict)
    }
    return tuple(f"{image.familiar}: {reason}" for image, reason in sorted(found, key=lambda each: each[0]))


def list_waiting(choices: Iterable[Choice]) -> tuple[tuple[Repository, Waiting], ...]:
    """List the tags that are too young to be written, each once, by repository and then best first."""
    found: dict[tuple[Repository, Waiting], None] = {}
    for choice in choices:
        waiting = () if isinstance(choice.verdict, Unlisted) else choice.verdict.waiting
        for each in (*waiting, *([choice.pin.waiting] if choice.pin.waiting else [])):
            found[choice.governed.repository, each] = None
    return tuple(sorted(found, key=lambda each: each[0]))


def summarize_waiting(choices: Iterable[Choice]) -> list[Mapping[str, object]]:
    """Make what `--format json` prints of the tags that are too young."""
    return [
        {
            "image": str(image),
            "tag": each.tag,
            "since": each.since.at.isoformat() if each.since else None,
            "source": each.since.source.value if each.since else None,
            "until": each.until.isoformat() if each.until else None,
        }
        for image, each in list_waiting(choices)
    ]


def find_due(choices: Iterable[Choice]) -> datetime | None:
    """Find the instant at which the first waiting tag becomes a candidate; None if none waits for a known time."""
    decided = [choice for choice in choices if not isinstance(choice.verdict, Unlisted)]
    instants = [choice.verdict.due_at for choice in decided if not isinstance(choice.verdict, Unlisted)]
    instants += [choice.pin.waiting.until for choice in decided if choice.pin.waiting]
    return min((instant for instant in instants if instant is not None), default=None)
