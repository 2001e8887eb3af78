"""Pull requests of Gitea and Forgejo as a `Forge`, by a thin client of our own.

It answers for what they do their own way: drafts known by their titles, labels that are numbers, people who are asked
in requests of their own, lists that cannot be narrowed down to one branch. `pulls/BASE/HEAD` is not used: it gives any
one of the pull requests for two branches, and as a rule the oldest. What GitHub has as well is in `pulls.py`.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote

from pydantic import TypeAdapter

from imagebot.forge.errors import (
    BranchNotVisible,
    ForgeAccessDenied,
    ForgeConflict,
    ForgeRefused,
    TokenTooWeak,
    UnfitProject,
    UnknownProject,
)
from imagebot.forge.gitea_api import NEEDED, GiteaApi
from imagebot.forge.gitea_labels import GiteaLabels
from imagebot.forge.interface import ForgeProject, MergeRequest, NewMergeRequest, Opened, ProjectState
from imagebot.forge.once import close_issue, create_once, ensure_issue, explained
from imagebot.forge.pulls import ANYTHING, PULL, Pull, PullIssues, Pulls, Style, cut, find_state, grant

# In bytes: older servers cut there.
_TITLE_LIMIT = 255
_BODY_LIMIT = 1_000_000
_DRAFT = "WIP: "
# What the servers take as the mark of a draft unless told otherwise, in any case.
_DRAFT_MARKS = re.compile(r"\A(?:\s*(?:wip:|\[wip\])\s*)+", re.IGNORECASE)
_NEWEST = {"sort": "recentupdate"}
_NOT_MERGED = "it is not merged automatically: "


@dataclass(frozen=True, slots=True)
class _Permissions:
    push: bool


@dataclass(frozen=True, slots=True)
class _Project:
    default_branch: str
    archived: bool
    empty: bool
    has_issues: bool = True
    has_pull_requests: bool = True
    mirror: bool = False
    permissions: _Permissions | None = None
    default_merge_style: str = "merge"


@dataclass(frozen=True, slots=True)
class _Branch:
    enable_status_check: bool


@dataclass(frozen=True, slots=True)
class _Status:
    state: str
    total_count: int


@dataclass(frozen=True, slots=True)
class _Milestone:
    id: int
    title: str


_PROJECT = TypeAdapter(_Project)
_BRANCH = TypeAdapter(_Branch)
_STATUS = TypeAdapter(_Status)
_MILESTONES = TypeAdapter(list[_Milestone])


class GiteaForge:
    """Implements `Forge` for one project of a Gitea or Forgejo; its connections belong to one thread at a time.

    `wait` is called with the seconds between attempts to open a merge request.
    """

    has_merge_requests = True
    body_limit = _BODY_LIMIT
    title_limit = _TITLE_LIMIT
    commits = None

    def __init__(
        self, project: ForgeProject, *, timeout_s: float, wait: Callable[[float], object] = time.sleep
    ) -> None:
        self._project = project
        self._api = GiteaApi(project, timeout_s=timeout_s)
        self._repo = self._api.repo
        self._style = Style(_read, _write_title, _BODY_LIMIT, has_comment_pages=False)
        self._pulls = Pulls(self._repo, self._style)
        self._labels = GiteaLabels(self._repo)
        self._issues = PullIssues(self._repo, self._style, find_labels=self._labels.find_ids)
        self._wait = wait

    def check(self, *, now: datetime) -> ProjectState:  # noqa: ARG002 - tokens do not say when they expire
        """As `Forge.check` says. What a token may write does not show before something is written."""
        project = self._repo.get("", _PROJECT)
        host, path = self._project.host, self._project.path
        if fault := _say_fault(project):
            raise UnfitProject(host, path, fault)
        if project.permissions is not None and not project.permissions.push:
            raise TokenTooWeak(host, path, has="no write access to the project", needed=NEEDED)
        # Labels and comments are of another scope than branches and pull requests.
        self._repo.get("labels", ANYTHING, limit=1)
        mirrors = (f"{path} mirrors another repository: nothing can be pushed to it",) if project.mirror else ()
        return ProjectState(project.default_branch, project.empty, mirrors)

    def list_open(self, *, branch_prefix: str, target: str) -> tuple[MergeRequest, ...]:
        query = {"sort": "oldest", "base_branch": target}
        return self._pulls.list_open(branch_prefix=branch_prefix, target=target, query=query)

    def list_ended(self, *, branch_prefix: str, target: str, since: datetime | None) -> tuple[MergeRequest, ...]:
        query = {**_NEWEST, "base_branch": target}
        return self._pulls.list_ended(branch_prefix=branch_prefix, target=target, since=since, query=query)

    def find_ended(self, *, branch: str, target: str) -> tuple[MergeRequest, ...]:
        return self._pulls.find_ended(branch, target, query={**_NEWEST, "base_branch": target})

    def open(self, new: NewMergeRequest) -> Opened:
        """As `Forge.open` says. Labels that neither the project nor its owner has are made."""
        unmet: list[str] = []
        label_ids = self._labels.find_ids(new.labels)
        milestone = self._find_milestone(new.milestone, unmet) if new.milestone is not None else None
        with explained(lambda: _say_fault(self._repo.get("", _PROJECT)), self._project):
            pull, is_new = self._create_or_find(new, label_ids, milestone)
        unmet += self._assign(pull, new.assignees)
        if refused := self._pulls.ask_reviewers(pull.number, new):
            unmet.append(f"{', '.join(refused)} cannot be asked for a review in this project")
        opened = _read(pull)
        if not is_new:
            opened = self.edit(opened, title=new.title, body=new.body)
        return Opened(opened, tuple(unmet))

    def list_push_options(self, *, target: str, title: str) -> tuple[str, ...]:  # noqa: ARG002 - as in Forge
        return ()

    def edit(self, merge_request: MergeRequest, *, title: str, body: str) -> MergeRequest:
        return self._pulls.edit(merge_request, title=title, body=body)

    def close(self, merge_request: MergeRequest, *, note: str) -> None:
        self._pulls.close(merge_request, note=note)

    def comment(self, merge_request: MergeRequest, *, note: str) -> None:
        self._pulls.comment(merge_request, note=note)

    def set_auto_merge(self, merge_request: MergeRequest) -> str | None:
        """As `Forge.set_auto_merge` says.

        The server waits only for checks that the protection of the target requires, and else would merge at once: then
        it is asked to only if there was a check, and all passed.
        """
        with self._pulls.known(merge_request) as path:
            pull = self._repo.get(path, PULL)
            if pull.merged_at is not None:
                return None
            waits = self._has_required_checks(merge_request.target)
            if not waits:
                status = self._repo.get(f"commits/{pull.head.sha}/status", _STATUS)
                if status.state != "success" or status.total_count == 0:
                    return f"{_NOT_MERGED}no checks are required for {merge_request.target}, and not all have passed"
            body = {
                "Do": self._repo.get("", _PROJECT).default_merge_style,
                "head_commit_id": pull.head.sha,
                "merge_when_checks_succeed": waits,
            }
            try:
                self._repo.tell("POST", f"{path}/merge", body)
            except (ForgeAccessDenied, ForgeConflict, ForgeRefused) as error:
                # Of what waits, a conflict says that it does so already.
                return None if waits and isinstance(error, ForgeConflict) else f"{_NOT_MERGED}{error}"
        return None

    def ensure_issue(self, *, key: str, title: str, body: str) -> str | None:
        try:
            return ensure_issue(self._issues, key=key, title=title, body=body)
        except (ForgeAccessDenied, ForgeRefused, UnknownProject):
            # That issues are turned off is told as if there were no project.
            if not self._repo.get("", _PROJECT).has_issues:
                return None
            raise

    def close_issue(self, *, key: str, note: str) -> None:
        close_issue(self._issues, key=key, note=note)

    def file_url(self, oid: str, path: str, *, line: int | None = None) -> str | None:
        anchor = f"#L{line}" if line else ""
        return f"{self._project.url}/{self._project.path}/src/commit/{oid}/{quote(path)}{anchor}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.close()

    def _create_or_find(
        self, new: NewMergeRequest, label_ids: Sequence[int], milestone: int | None
    ) -> tuple[Pull, bool]:
        """Create a pull request, or find the one that is there; tell which.

        A branch that is not seen yet is answered as if there were no project (404).
        """
        body: dict[str, object] = {
            "head": new.branch,
            "base": new.target,
            "title": _write_title(new.title, is_draft=new.is_draft),
            "body": self._style.write_body(new.body),
            "labels": list(label_ids),
        }
        if milestone is not None:
            body["milestone"] = milestone

        def create() -> Pull:
            try:
                return self._repo.post("pulls", body, PULL)
            except UnknownProject as error:
                raise ForgeRefused(self._project.host, 404, "there is no such branch, or no such project") from error

        def find() -> Pull | None:
            query = {**_NEWEST, "base_branch": new.target}
            return self._pulls.find_open(new.branch, new.target, query=query)

        try:
            return create_once(create, find=find, wait=self._wait)
        except ForgeRefused as error:
            if self._repo.has_branch(new.branch):
                raise
            raise BranchNotVisible(self._project.host, new.branch) from error

    def _assign(self, pull: Pull, names: Sequence[str]) -> list[str]:
        """Assign users beside those who are; return a sentence for those who cannot be. A list replaces the last."""
        assigned = [user.login for user in pull.assignees or ()]

        def ask(some: Sequence[str]) -> None:
            wanted = list(dict.fromkeys((*assigned, *some)))
            self._repo.patch(f"issues/{pull.number}", {"assignees": wanted}, ANYTHING)
            assigned[:] = wanted

        refused = grant(names, ask)
        return [f"{', '.join(refused)} cannot be assigned in this project"] if refused else []

    def _find_milestone(self, title: str, unmet: list[str]) -> int | None:
        found = self._repo.get_page("milestones", _MILESTONES, name=title, state="open")
        number = next((each.id for each in found if each.title == title), None)
        if number is None:
            unmet.append(f"the project has no open milestone {title}")
        return number

    def _has_required_checks(self, branch: str) -> bool:
        return self._repo.get(f"branches/{quote(branch, safe='')}", _BRANCH).enable_status_check


def _say_fault(project: _Project) -> str | None:
    """Say why no pull request can be opened in the project, whatever the token may do."""
    if project.archived:
        return "it is archived"
    return None if project.has_pull_requests else "pull requests are turned off in its settings"


def _read(pull: Pull) -> MergeRequest:
    title = _DRAFT_MARKS.sub("", pull.title)
    return MergeRequest(
        number=pull.number,
        url=pull.html_url,
        state=find_state(pull),
        branch=pull.head.label,
        target=pull.base.label,
        title=title,
        body=pull.body or "",
        labels=frozenset(each.name for each in pull.labels or ()),
        is_draft=pull.draft or title != pull.title,
        head=pull.head.sha,
        # False also while it is not known yet, and for drafts.
        has_conflicts=False if pull.mergeable else None,
        updated_at=pull.updated_at,
        author=pull.user.login if pull.user else None,
    )


def _write_title(title: str, *, is_draft: bool) -> str:
    mark = _DRAFT if is_draft else ""
    line = cut(_DRAFT_MARKS.sub("", cut(title, _TITLE_LIMIT)), _TITLE_LIMIT - len(mark))
    while len((mark + line).encode()) > _TITLE_LIMIT:
        line = line[:-2].rstrip() + "…"
    return mark + line
