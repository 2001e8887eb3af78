"""What is done once however often it is tried: creating a merge request, and keeping one issue for one matter.

The rules are the same on every forge; what a forge sends and answers is its own module's business.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, TypeVar

from imagebot.forge.errors import (
    ForgeAccessDenied,
    ForgeConflict,
    ForgeRefused,
    ForgeUnavailable,
    UnexpectedForgeAnswer,
    UnfitProject,
)
from imagebot.forge.interface import ForgeProject

T = TypeVar("T")

WAITS_S = (1.0, 2.0, 4.0)


def create_once(
    create: Callable[[], T], *, find: Callable[[], T | None], wait: Callable[[float], object]
) -> tuple[T, bool]:
    """Create something, or find the one that is there, however the attempts to create it ended; tell if it is new.

    No choice depends on what the forge says in words, though nothing else tells its refusals apart: there is one
    already, something is locked, the branch is not seen yet.
    """
    for wait_s in WAITS_S:
        try:
            return create(), True
        except (ForgeConflict, ForgeRefused, ForgeUnavailable, UnexpectedForgeAnswer):
            existing = find()
        if existing is not None:
            return existing, False
        wait(wait_s)
    return create(), True


@contextmanager
def explained(find_fault: Callable[[], str | None], project: ForgeProject) -> Iterator[None]:
    """Say of what is refused that it is the project which takes nothing, where asking about it shows that."""
    try:
        yield
    except (ForgeAccessDenied, ForgeRefused) as error:
        if error.status != 401 and (fault := find_fault()):
            raise UnfitProject(project.host, project.path, fault) from error
        raise


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue of the project."""

    number: int
    url: str
    title: str
    body: str
    is_open: bool


class Issues(Protocol):
    """The issues of one project, each operation one request."""

    def list_marked(self, mark: str) -> tuple[Issue, ...]:
        """List the issues, open and closed, among which are all whose body holds the mark."""

    def create(self, *, title: str, body: str) -> Issue: ...

    def edit(self, issue: Issue, *, title: str, body: str, is_open: bool) -> Issue: ...

    def comment(self, issue: Issue, note: str) -> None: ...


def ensure_issue(issues: Issues, *, key: str, title: str, body: str) -> str:
    """Let there be one open issue for the key, with this text; return its URL."""
    mark = _make_mark(key)
    body = f"{body.rstrip()}\n\n{mark}"
    found = _find_issue(issues, mark)
    if found is None:
        return issues.create(title=title, body=body).url
    if not found.is_open or (found.title, as_stored(found.body)) != (title, as_stored(body)):
        found = issues.edit(found, title=title, body=body, is_open=True)
    return found.url


def close_issue(issues: Issues, *, key: str, note: str) -> None:
    """Close the issue for the key if there is an open one; if the closing failed after the note, both are repeated."""
    found = _find_issue(issues, _make_mark(key))
    if found is not None and found.is_open:
        issues.comment(found, note)
        issues.edit(found, title=found.title, body=found.body, is_open=False)


def as_stored(text: str) -> str:
    """Return what forges make of a text that they keep: else every round would edit it again."""
    return text.replace("\r", "").rstrip()


def _make_mark(key: str) -> str:
    # Whatever the key holds, this is one word that a forge can search for, and ends no comment.
    return f"<!-- imagebot-issue-{sha256(key.encode()).hexdigest()[:16]} -->"


def _find_issue(issues: Issues, mark: str) -> Issue | None:
    """Find the issue with the mark: an open one, or else the newest."""
    marked = [each for each in issues.list_marked(mark) if mark in each.body]
    return max(marked, key=lambda each: (each.is_open, each.number), default=None)
