"""What GitLab sends, as far as it matters here, and how titles and descriptions are written for it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import TypeAdapter

from imagebot.forge.interface import MergeRequest, MergeRequestState

TITLE_LIMIT = 255
BODY_LIMIT = 1_048_576
_DRAFT = "Draft: "
# What GitLab takes as the mark of a draft, in any case and repeated.
_DRAFT_MARKS = re.compile(r"\A(?:\s*(?:\[draft\]|\(draft\)|draft:)\s*)+", re.IGNORECASE)
_STATES = {
    "opened": MergeRequestState.OPEN,
    "closed": MergeRequestState.CLOSED,
    "merged": MergeRequestState.MERGED,
    # GitLab is merging it at this moment; if that fails it is open again, and a later round sees it.
    "locked": MergeRequestState.MERGED,
}
# What is none of these is not known yet: `has_conflicts` alone is false until then.
_CONFLICTS = {"can_be_merged": False, "cannot_be_merged": True}


@dataclass(frozen=True, slots=True)
class User:
    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    sha: str
    status: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A merge request. What has a default came with some release, or is sent only where one is asked for by itself."""

    iid: int
    state: Literal["opened", "locked", "closed", "merged"]
    title: str
    description: str | None
    source_branch: str
    target_branch: str
    source_project_id: int | None
    target_project_id: int
    labels: list[str]
    web_url: str
    updated_at: datetime
    reviewers: list[User]
    assignees: list[User]
    sha: str | None = None
    author: User | None = None
    merge_status: str = ""
    detailed_merge_status: str = ""
    merge_when_pipeline_succeeds: bool | None = None
    head_pipeline: Pipeline | None = None


@dataclass(frozen=True, slots=True)
class Note:
    body: str


@dataclass(frozen=True, slots=True)
class Milestone:
    id: int
    title: str


@dataclass(frozen=True, slots=True)
class Access:
    access_level: int


@dataclass(frozen=True, slots=True)
class Permissions:
    project_access: Access | None = None
    group_access: Access | None = None

    @property
    def role(self) -> int | None:
        """The higher of both roles, as GitLab's number for it; None for who is no member."""
        return max((each.access_level for each in (self.project_access, self.group_access) if each), default=None)


@dataclass(frozen=True, slots=True)
class Project:
    default_branch: str | None
    archived: bool
    empty_repo: bool = False
    merge_requests_access_level: str = ""
    repository_access_level: str = ""
    issues_access_level: str = ""
    marked_for_deletion_on: date | None = None
    mirror: bool = False
    permissions: Permissions | None = None


@dataclass(frozen=True, slots=True)
class Token:
    scopes: list[str]
    expires_at: date | None


ANSWER = TypeAdapter(Answer)
ANSWERS = TypeAdapter(list[Answer])
USERS = TypeAdapter(list[User])
NOTES = TypeAdapter(list[Note])
MILESTONES = TypeAdapter(list[Milestone])
PROJECT = TypeAdapter(Project)
TOKEN = TypeAdapter(Token)
# Whatever it says, that it is JSON shows that GitLab and not something before it has answered.
ANYTHING = TypeAdapter(object)


def without_forks(answers: Iterable[Answer]) -> Iterator[Answer]:
    return (answer for answer in answers if answer.source_project_id == answer.target_project_id)


def make_merge_request(answer: Answer) -> MergeRequest:
    title = _DRAFT_MARKS.sub("", answer.title)
    return MergeRequest(
        number=answer.iid,
        url=answer.web_url,
        state=_STATES[answer.state],
        branch=answer.source_branch,
        target=answer.target_branch,
        title=title,
        body=answer.description or "",
        labels=frozenset(answer.labels),
        is_draft=title != answer.title,
        head=answer.sha,
        has_conflicts=_CONFLICTS.get(answer.merge_status),
        is_behind=answer.detailed_merge_status == "need_rebase",
        updated_at=answer.updated_at,
        author=answer.author.username if answer.author else None,
        is_auto_merging=answer.merge_when_pipeline_succeeds is True,
    )


def make_title(title: str, *, is_draft: bool) -> str:
    """Write a title as GitLab takes it: one line, not too long, marked as a draft if it is one and not otherwise."""
    line = _DRAFT_MARKS.sub("", " ".join(title.replace("\0", "").split()))
    mark = _DRAFT if is_draft else ""
    room = TITLE_LIMIT - len(mark)
    return mark + (line if len(line) <= room else line[: room - 1].rstrip() + "…")


def make_description(body: str) -> str:
    """Write a description as GitLab takes it: without NUL.

    Raises ValueError for one that is too long: cut here, it would lose what its writer put at the end.
    """
    if len(body) > BODY_LIMIT:
        raise ValueError(f"the body has {len(body)} characters, GitLab takes {BODY_LIMIT}")
    return body.replace("\0", "")
