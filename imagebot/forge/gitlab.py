"""GitLab's merge requests as a `Forge`.

It answers for what GitLab means by each operation and for what it does besides: drafts known by their titles, titles
that are too long, merge requests that are open already, branches that it does not see at once. How a request is sent,
and which answer is which error, is in `gitlab_api.py`.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

from pydantic import TypeAdapter

from imagebot.forge.errors import (
    BranchNotVisible,
    ForgeConflict,
    ForgeRefused,
    ForgeUnavailable,
    UnexpectedForgeAnswer,
    UnknownMergeRequest,
    UnknownProject,
)
from imagebot.forge.gitlab_api import PAGE_SIZE, GitLabApi
from imagebot.forge.interface import ForgeProject, MergeRequest, MergeRequestState, NewMergeRequest, Opened

_TITLE_LIMIT = 255
_BODY_LIMIT = 1_048_576
_DRAFT = "Draft: "
# What GitLab takes as the mark of a draft, in any case and repeated.
_DRAFT_MARKS = re.compile(r"\A(?:\s*(?:\[draft\]|\(draft\)|draft:)\s*)+", re.IGNORECASE)
_WAITS_S = (1.0, 2.0, 4.0)
_STATES = {
    "opened": MergeRequestState.OPEN,
    "closed": MergeRequestState.CLOSED,
    "merged": MergeRequestState.MERGED,
    # GitLab is merging it at this moment; if that fails it is open again, and a later round sees it.
    "locked": MergeRequestState.MERGED,
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """A merge request as GitLab sends it, as far as it matters here."""

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


@dataclass(frozen=True, slots=True)
class _User:
    id: int
    username: str


@dataclass(frozen=True, slots=True)
class _Note:
    body: str


_ANSWER = TypeAdapter(_Answer)
_ANSWERS = TypeAdapter(list[_Answer])
_USERS = TypeAdapter(list[_User])
_NOTES = TypeAdapter(list[_Note])
# Whatever it says, that it is JSON shows that GitLab and not something before it has answered.
_ANYTHING = TypeAdapter(object)


class GitLabForge:
    """Implements `Forge` for one project of a GitLab; its connections belong to one thread at a time.

    `wait` is called with the seconds between attempts to open a merge request.
    """

    has_merge_requests = True
    body_limit = _BODY_LIMIT

    def __init__(
        self, project: ForgeProject, *, timeout_s: float, wait: Callable[[float], object] = time.sleep
    ) -> None:
        self._project = project
        self._api = GitLabApi(project, timeout_s=timeout_s)
        self._wait = wait
        self._user_ids: dict[str, int] = {}

    def list_open(self, *, branch_prefix: str, target: str) -> tuple[MergeRequest, ...]:
        answers = self._api.list_all(
            "merge_requests", _ANSWERS, state="opened", target_branch=target, order_by="created_at", sort="asc"
        )
        own = {a.iid: a for a in _without_forks(answers) if a.source_branch.startswith(branch_prefix)}
        return tuple(_make_merge_request(own[number]) for number in sorted(own))

    def find_closed(self, *, branch: str, target: str) -> tuple[MergeRequest, ...]:
        return self._find(branch, target, state="closed")

    def open(self, new: NewMergeRequest) -> Opened:
        """As `Forge.open` says. Labels that the project does not have are created by GitLab."""
        ids, unknown = self._find_user_ids((*new.reviewers, *new.assignees))
        body: dict[str, object] = {
            "source_branch": new.branch,
            "target_branch": new.target,
            "title": _make_title(new.title, is_draft=new.is_draft),
            "description": _make_description(new.body),
            "labels": list(new.labels),
            "reviewer_ids": [ids[name] for name in new.reviewers if name in ids],
            "assignee_ids": [ids[name] for name in new.assignees if name in ids],
            "remove_source_branch": True,
        }
        return Opened(self._create_or_adopt(new, body), unknown)

    def edit(self, merge_request: MergeRequest, *, title: str, body: str) -> MergeRequest:
        changes = {}
        new_title = _make_title(title, is_draft=merge_request.is_draft)
        if new_title != _make_title(merge_request.title, is_draft=merge_request.is_draft):
            changes["title"] = new_title
        description = _make_description(body)
        if _as_stored(description) != _as_stored(merge_request.body):
            changes["description"] = description
        if not changes:
            return merge_request
        with self._known(merge_request) as path:
            return _make_merge_request(self._api.put(path, changes, _ANSWER))

    def close(self, merge_request: MergeRequest, *, note: str) -> None:
        with self._known(merge_request) as path:
            if _make_merge_request(self._api.get(path, _ANSWER)).state is not MergeRequestState.OPEN:
                return
            newest = self._api.get(f"{path}/notes", _NOTES, order_by="created_at", sort="desc", per_page=1)
            if [_as_stored(each.body) for each in newest] != [_as_stored(note)]:
                self._api.post(f"{path}/notes", {"body": note}, _ANYTHING)
            self._api.put(path, {"state_event": "close"}, _ANYTHING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.close()

    def _create_or_adopt(self, new: NewMergeRequest, body: Mapping[str, object]) -> MergeRequest:
        """Create a merge request, or find the one that is there, however the attempts to create it ended.

        No choice depends on what GitLab says in words, though nothing else tells its refusals apart: a merge request
        is open already (409), a resource is locked (409), the branch is not seen yet (400 or 422, by release).
        """
        for wait_s in _WAITS_S:
            try:
                return self._create(body)
            except (ForgeConflict, ForgeRefused, ForgeUnavailable, UnexpectedForgeAnswer):
                existing = self._find(new.branch, new.target, state="opened")
            if existing:
                return self.edit(existing[0], title=new.title, body=new.body)
            self._wait(wait_s)
        try:
            return self._create(body)
        except ForgeRefused as error:
            if self._has_branch(new.branch):
                raise
            raise BranchNotVisible(self._project.host, new.branch) from error

    def _create(self, body: Mapping[str, object]) -> MergeRequest:
        return _make_merge_request(self._api.post("merge_requests", body, _ANSWER))

    def _find(self, branch: str, target: str, *, state: str) -> tuple[MergeRequest, ...]:
        answers = self._api.get(
            "merge_requests",
            _ANSWERS,
            state=state,
            source_branch=branch,
            target_branch=target,
            order_by="created_at",
            sort="desc",
            per_page=PAGE_SIZE,
        )
        newest_first = sorted(_without_forks(answers), key=lambda answer: -answer.iid)
        return tuple(_make_merge_request(answer) for answer in newest_first)

    def _find_user_ids(self, names: Iterable[str]) -> tuple[dict[str, int], tuple[str, ...]]:
        """Find the users' numbers by their names, and the names that no user has; numbers are remembered."""
        wanted = tuple(dict.fromkeys(names))
        for name in wanted:
            if name.lower() not in self._user_ids:
                found = self._api.get("/users", _USERS, username=name)
                self._user_ids |= {user.username.lower(): user.id for user in found}
        ids = {name: self._user_ids[name.lower()] for name in wanted if name.lower() in self._user_ids}
        return ids, tuple(name for name in wanted if name not in ids)

    def _has_branch(self, branch: str) -> bool:
        try:
            self._api.get(f"repository/branches/{quote(branch, safe='')}", _ANYTHING)
        except UnknownProject:
            return False
        return True

    @contextmanager
    def _known(self, merge_request: MergeRequest) -> Iterator[str]:
        """Give the merge request's path; what is not found there is the merge request, as its project was just seen."""
        try:
            yield f"merge_requests/{merge_request.number}"
        except UnknownProject as error:
            raise UnknownMergeRequest(self._project.host, self._project.path, f"!{merge_request.number}") from error


def _without_forks(answers: Iterable[_Answer]) -> Iterator[_Answer]:
    return (answer for answer in answers if answer.source_project_id == answer.target_project_id)


def _make_merge_request(answer: _Answer) -> MergeRequest:
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
    )


def _make_title(title: str, *, is_draft: bool) -> str:
    """Write a title as GitLab takes it: one line, not too long, marked as a draft if it is one and not otherwise."""
    line = _DRAFT_MARKS.sub("", " ".join(title.replace("\0", "").split()))
    mark = _DRAFT if is_draft else ""
    room = _TITLE_LIMIT - len(mark)
    return mark + (line if len(line) <= room else line[: room - 1].rstrip() + "…")


def _make_description(body: str) -> str:
    """Write a description as GitLab takes it: without NUL.

    Raises ValueError for one that is too long: cut here, it would lose what its writer put at the end.
    """
    if len(body) > _BODY_LIMIT:
        raise ValueError(f"the body has {len(body)} characters, GitLab takes {_BODY_LIMIT}")
    return body.replace("\0", "")


def _as_stored(text: str) -> str:
    # What GitLab makes of a text when it looks for quick actions in it: without this, every round would edit it again.
    return text.replace("\r", "").rstrip()
