"""GitLab's merge requests as a `Forge`.

It answers for what GitLab means by each operation and for what it does besides: drafts known by their titles, titles
that are too long, merge requests that are open already, branches that it does not see at once. How a request is sent,
and which answer is which error, is in `gitlab_api.py`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from types import TracebackType
from typing import Self
from urllib.parse import quote

from imagebot.forge.errors import (
    BranchNotVisible,
    ForgeAccessDenied,
    ForgeConflict,
    ForgeRefused,
    TokenTooWeak,
    UnfitProject,
    UnknownMergeRequest,
    UnknownProject,
)
from imagebot.forge.gitlab_answers import (
    ANSWER,
    ANSWERS,
    ANYTHING,
    BODY_LIMIT,
    PROJECT,
    TITLE_LIMIT,
    TOKEN,
    Answer,
    Project,
    make_description,
    make_merge_request,
    make_title,
    without_forks,
)
from imagebot.forge.gitlab_api import NEEDED, PAGE_SIZE, GitLabApi
from imagebot.forge.gitlab_issues import GitLabIssues, comment_once
from imagebot.forge.gitlab_wishes import GitLabNames
from imagebot.forge.interface import (
    ForgeProject,
    MergeRequest,
    MergeRequestState,
    NewMergeRequest,
    Opened,
    ProjectState,
)
from imagebot.forge.once import as_stored, close_issue, create_once, ensure_issue, explained

_MOST_ENDED = 1000
_DEVELOPER = 30
_EXPIRES_SOON = timedelta(days=14)
# Of a pipeline that may still come to pass; without one that does or has, GitLab would merge at once.
_HOPEFUL = frozenset(
    ("created", "waiting_for_resource", "preparing", "pending", "running", "scheduled", "manual", "success")
)


class GitLabForge:
    """Implements `Forge` for one project of a GitLab; its connections belong to one thread at a time.

    `wait` is called with the seconds between attempts to open a merge request.
    """

    has_merge_requests = True
    body_limit = BODY_LIMIT
    title_limit = TITLE_LIMIT
    commits = None

    def __init__(
        self, project: ForgeProject, *, timeout_s: float, wait: Callable[[float], object] = time.sleep
    ) -> None:
        self._project = project
        self._api = GitLabApi(project, timeout_s=timeout_s)
        self._issues = GitLabIssues(self._api)
        self._wait = wait
        self._names = GitLabNames(self._api)

    def check(self, *, now: datetime) -> ProjectState:
        project = self._api.get("", PROJECT)
        host, path = self._project.host, self._project.path
        if fault := _find_fault(project):
            raise UnfitProject(host, path, fault)
        role = project.permissions.role if project.permissions else None
        if role is not None and role < _DEVELOPER:
            raise TokenTooWeak(host, path, has=f"a role below Developer ({role})", needed=NEEDED)
        warnings = list(_list_warnings(project, path, role=role))
        try:
            token = self._api.get("/personal_access_tokens/self", TOKEN)
        except (ForgeAccessDenied, UnknownProject):
            # Only access tokens of users, projects and groups can be asked about themselves.
            return ProjectState(project.default_branch, project.empty_repo, tuple(warnings))
        if "api" not in token.scopes:
            raise TokenTooWeak(host, path, has=f"the scopes {', '.join(token.scopes) or 'none'}", needed=NEEDED)
        if token.expires_at is not None and token.expires_at - now.date() < _EXPIRES_SOON:
            warnings.append(f"the token set for {path} on {host} expires on {token.expires_at}; renew it before")
        return ProjectState(project.default_branch, project.empty_repo, tuple(warnings))

    def list_open(self, *, branch_prefix: str, target: str) -> tuple[MergeRequest, ...]:
        answers = self._api.list_all(
            "merge_requests", ANSWERS, state="opened", target_branch=target, order_by="created_at", sort="asc"
        )
        own = {a.iid: a for a in without_forks(answers) if a.source_branch.startswith(branch_prefix)}
        return tuple(make_merge_request(own[number]) for number in sorted(own))

    def list_ended(self, *, branch_prefix: str, target: str, since: datetime | None) -> tuple[MergeRequest, ...]:
        query = {"state": "all", "target_branch": target, "order_by": "updated_at", "sort": "desc"}
        if since is not None:
            query["updated_after"] = since.isoformat()
        answers = islice(self._api.list_all("merge_requests", ANSWERS, **query), _MOST_ENDED)
        # What is updated while the pages are read moves to their beginning.
        own = {a.iid: a for a in without_forks(answers) if a.source_branch.startswith(branch_prefix)}
        return _list_ended(sorted(own.values(), key=lambda answer: (answer.updated_at, answer.iid), reverse=True))

    def find_ended(self, *, branch: str, target: str) -> tuple[MergeRequest, ...]:
        return _list_ended(self._find(branch, target, state="all"))

    def open(self, new: NewMergeRequest) -> Opened:
        """As `Forge.open` says. Labels that the project does not have are created by GitLab."""
        wishes = self._names.resolve(new)
        body: dict[str, object] = {
            "source_branch": new.branch,
            "target_branch": new.target,
            "title": make_title(new.title, is_draft=new.is_draft),
            "description": make_description(new.body),
            "labels": list(new.labels),
            "reviewer_ids": [user.id for user in wishes.reviewers],
            "assignee_ids": [user.id for user in wishes.assignees],
            "remove_source_branch": new.deletes_branch,
        }
        if wishes.milestone_id is not None:
            body["milestone_id"] = wishes.milestone_id
        with explained(lambda: _find_fault(self._api.get("", PROJECT)), self._project):
            answer, is_new = self._create_or_find(new, body)
        unmet = [*wishes.unmet, *wishes.list_dropped(answer)]
        opened = make_merge_request(answer)
        if not is_new:
            opened = self.edit(opened, title=new.title, body=new.body)
        return Opened(opened, tuple(unmet))

    def list_push_options(self, *, target: str, title: str) -> tuple[str, ...]:  # noqa: ARG002 - as in Forge
        return ()

    def edit(self, merge_request: MergeRequest, *, title: str, body: str) -> MergeRequest:
        changes = {}
        new_title = make_title(title, is_draft=merge_request.is_draft)
        if new_title != make_title(merge_request.title, is_draft=merge_request.is_draft):
            changes["title"] = new_title
        description = make_description(body)
        if as_stored(description) != as_stored(merge_request.body):
            changes["description"] = description
        if not changes:
            return merge_request
        with self._known(merge_request) as path:
            return make_merge_request(self._api.put(path, changes, ANSWER))

    def close(self, merge_request: MergeRequest, *, note: str) -> None:
        with self._known(merge_request) as path:
            if make_merge_request(self._api.get(path, ANSWER)).state is not MergeRequestState.OPEN:
                return
            comment_once(self._api, path, note, newest=1)
            self._api.put(path, {"state_event": "close"}, ANYTHING)

    def comment(self, merge_request: MergeRequest, *, note: str) -> None:
        with self._known(merge_request) as path:
            comment_once(self._api, path, note, newest=PAGE_SIZE)

    def set_auto_merge(self, merge_request: MergeRequest) -> str | None:
        """As `Forge.set_auto_merge` says. Without a pipeline GitLab would merge at once, so one has to be there."""
        with self._known(merge_request) as path:
            answer = self._api.get(path, ANSWER)
            pipeline = answer.head_pipeline
            if answer.state in {"merged", "locked"} or answer.merge_when_pipeline_succeeds:
                return None
            if pipeline is None or pipeline.sha != answer.sha:
                return "it is not merged automatically: no pipeline has begun for it yet"
            if pipeline.status not in _HOPEFUL:
                return f"it is not merged automatically: its pipeline is {pipeline.status}"
            # Before GitLab 17.11 the first of them was unknown, and without either it would merge at once.
            wish = {"auto_merge": True, "merge_when_pipeline_succeeds": True, "sha": answer.sha}
            try:
                self._api.put(f"{path}/merge", wish, ANYTHING)
            except (ForgeAccessDenied, ForgeConflict, ForgeRefused) as error:
                return f"it is not merged automatically: {error}"
        return None

    def ensure_issue(self, *, key: str, title: str, body: str) -> str | None:
        try:
            return ensure_issue(self._issues, key=key, title=title, body=body)
        except ForgeAccessDenied:
            # That issues are turned off is told as a missing right.
            if self._api.get("", PROJECT).issues_access_level == "disabled":
                return None
            raise

    def close_issue(self, *, key: str, note: str) -> None:
        close_issue(self._issues, key=key, note=note)

    def file_url(self, oid: str, path: str, *, line: int | None = None) -> str | None:
        """As `Forge.file_url` says. A project that is named by its number has no address that is known."""
        if self._project.path.isdecimal():
            return None
        anchor = f"#L{line}" if line else ""
        return f"{self._project.url}/{self._project.path}/-/blob/{oid}/{quote(path)}{anchor}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.close()

    def _create_or_find(self, new: NewMergeRequest, body: Mapping[str, object]) -> tuple[Answer, bool]:
        """Create a merge request, or find the one that is there; tell which.

        A merge request is open already (409), a resource is locked (409), the branch is not seen yet (400 or 422, by
        release): all of that is gone through in the same way.
        """

        def find() -> Answer | None:
            return next(iter(self._find(new.branch, new.target, state="opened")), None)

        try:
            return create_once(lambda: self._api.post("merge_requests", body, ANSWER), find=find, wait=self._wait)
        except ForgeRefused as error:
            if self._has_branch(new.branch):
                raise
            raise BranchNotVisible(self._project.host, new.branch) from error

    def _find(self, branch: str, target: str, *, state: str) -> tuple[Answer, ...]:
        """List the newest hundred from a branch, newest first."""
        answers = self._api.get(
            "merge_requests",
            ANSWERS,
            state=state,
            source_branch=branch,
            target_branch=target,
            order_by="created_at",
            sort="desc",
            per_page=PAGE_SIZE,
        )
        return tuple(sorted(without_forks(answers), key=lambda answer: -answer.iid))

    def _has_branch(self, branch: str) -> bool:
        try:
            self._api.get(f"repository/branches/{quote(branch, safe='')}", ANYTHING)
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


def _list_ended(answers: Iterable[Answer]) -> tuple[MergeRequest, ...]:
    made = (make_merge_request(answer) for answer in answers)
    return tuple(each for each in made if each.state is not MergeRequestState.OPEN)


def _find_fault(project: Project) -> str | None:
    """Say why no merge request can be opened in the project, whatever the token may do."""
    if project.archived:
        return "it is archived"
    if project.merge_requests_access_level == "disabled":
        return "merge requests are turned off in its settings"
    if project.repository_access_level == "disabled":
        return "its repository is turned off in its settings"
    return None


def _list_warnings(project: Project, path: str, *, role: int | None) -> Iterator[str]:
    if role is None:
        yield f"the token's user is no member of {path}; imagebot can work there only if that is an administrator"
    if project.mirror:
        yield f"{path} mirrors another repository, which may overwrite what is merged here"
    if project.marked_for_deletion_on is not None:
        yield f"{path} is marked for deletion on {project.marked_for_deletion_on}"
