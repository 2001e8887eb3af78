"""GitHub's pull requests as a `Forge`, on github.com and on GitHub Enterprise.

It answers for what GitHub does its own way: a pull request is made first, and its labels, people and milestone come in
requests of their own, in which one wrong name refuses all of them. What Gitea has as well is in `pulls.py`, how a
request is sent in `github_api.py`.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote

from github.Auth import Token
from pydantic import TypeAdapter

from imagebot.forge.errors import BranchNotVisible, ForgeRefused, UnknownProject
from imagebot.forge.github_api import GitHubApi
from imagebot.forge.github_checks import check_project, find_fault, set_auto_merge
from imagebot.forge.github_commits import GitHubCommits
from imagebot.forge.interface import ForgeProject, MergeRequest, NewMergeRequest, Opened, ProjectState
from imagebot.forge.once import close_issue, create_once, ensure_issue, explained
from imagebot.forge.pulls import (
    ANYTHING,
    PULL,
    Pull,
    PullIssues,
    Pulls,
    Style,
    Titled,
    User,
    cut,
    find_state,
)

_TITLE_LIMIT = 256
_BODY_LIMIT = 65_536
_NEWEST = {"sort": "created", "direction": "desc"}
_GONE = 410


@dataclass(frozen=True, slots=True)
class _Equipped:
    """What an issue, which a pull request is as well, has been given."""

    assignees: list[User]
    milestone: Titled | None


@dataclass(frozen=True, slots=True)
class _Milestone:
    number: int
    title: str


_EQUIPPED = TypeAdapter(_Equipped)
_MILESTONES = TypeAdapter(list[_Milestone])


class GitHubForge:
    """Implements `Forge` for one project of a GitHub; its connections belong to one thread at a time.

    `permissions` are those of an App's installation, None for a token. `makes_commits` lets GitHub make the commits.
    `wait` is called with the seconds between attempts to open a merge request.
    """

    has_merge_requests = True
    body_limit = _BODY_LIMIT
    title_limit = _TITLE_LIMIT

    def __init__(
        self,
        project: ForgeProject,
        *,
        timeout_s: float,
        permissions: Mapping[str, str] | None = None,
        makes_commits: bool = False,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._project = project
        self._api = GitHubApi(project, auth=Token(project.token.reveal()), timeout_s=timeout_s)
        self._repo = self._api.repo
        style = Style(_read, _write_title, _BODY_LIMIT, has_comment_pages=True)
        self._style = style
        self._pulls = Pulls(self._repo, style)
        self._issues = PullIssues(self._repo, style, find_labels=lambda names: names)
        self._permissions = permissions
        self._wait = wait
        self.commits = GitHubCommits(self._repo) if makes_commits else None

    def check(self, *, now: datetime) -> ProjectState:
        return check_project(self._repo, permissions=self._permissions, now=now)

    def list_open(self, *, branch_prefix: str, target: str) -> tuple[MergeRequest, ...]:
        return self._pulls.list_open(branch_prefix=branch_prefix, target=target, query={"base": target})

    def list_ended(self, *, branch_prefix: str, target: str, since: datetime | None) -> tuple[MergeRequest, ...]:
        query = {"base": target, "sort": "updated", "direction": "desc"}
        return self._pulls.list_ended(branch_prefix=branch_prefix, target=target, since=since, query=query)

    def find_ended(self, *, branch: str, target: str) -> tuple[MergeRequest, ...]:
        query = {**self._from(branch), "base": target, **_NEWEST}
        return self._pulls.find_ended(branch, target, query=query, most=100)

    def open(self, new: NewMergeRequest) -> Opened:
        """As `Forge.open` says. Labels that the project does not have are created by GitHub."""
        unmet: list[str] = []
        with explained(lambda: find_fault(self._repo), self._project):
            pull, is_new = self._create_or_find(new, unmet)
        unmet += self._equip(pull, new)
        if refused := self._pulls.ask_reviewers(pull.number, new):
            unmet.append(f"GitHub does not let {', '.join(refused)} be asked for a review here")
        opened = _read(pull)
        if not is_new:
            opened = self._pulls.edit(opened, title=new.title, body=new.body)
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
        with self._pulls.known(merge_request) as path:
            return set_auto_merge(self._api, path)

    def ensure_issue(self, *, key: str, title: str, body: str) -> str | None:
        try:
            return ensure_issue(self._issues, key=key, title=title, body=body)
        except ForgeRefused as error:
            if error.status == _GONE:
                return None
            raise

    def close_issue(self, *, key: str, note: str) -> None:
        close_issue(self._issues, key=key, note=note)

    def file_url(self, oid: str, path: str, *, line: int | None = None) -> str | None:
        anchor = f"#L{line}" if line else ""
        return f"{self._project.url}/{self._project.path}/blob/{oid}/{quote(path)}{anchor}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.close()

    def _from(self, branch: str) -> Mapping[str, str]:
        # A branch without its owner is no filter: then all are listed.
        return {"head": f"{self._project.path.partition('/')[0]}:{branch}"}

    def _create_or_find(self, new: NewMergeRequest, unmet: list[str]) -> tuple[Pull, bool]:
        """Create a pull request, or find the one that is there; tell which.

        One is open already, the branch is not seen yet, there are no drafts: all of that is 422.
        """
        body: dict[str, object] = {
            "head": new.branch,
            "base": new.target,
            "title": _write_title(new.title),
            "body": self._style.write_body(new.body),
        }
        query = {**self._from(new.branch), "base": new.target}

        def create(*, is_draft: bool) -> Pull:
            return self._repo.post("pulls", {**body, "draft": is_draft}, PULL)

        def find() -> Pull | None:
            return self._pulls.find_open(new.branch, new.target, query=query)

        try:
            return create_once(lambda: create(is_draft=new.is_draft), find=find, wait=self._wait)
        except ForgeRefused as error:
            if not self._repo.has_branch(new.branch):
                raise BranchNotVisible(self._project.host, new.branch) from error
            if not new.is_draft:
                raise
        made = create(is_draft=False)
        unmet.append("it is no draft, because this project has none")
        return made, True

    def _equip(self, pull: Pull, new: NewMergeRequest) -> list[str]:
        """Give it labels, assignees and a milestone, beside those it has; return what could not be given."""
        wishes: dict[str, object] = {}
        if new.labels:
            wishes["labels"] = _union((each.name for each in pull.labels or ()), new.labels)
        if new.assignees:
            wishes["assignees"] = _union(_logins(pull.assignees), new.assignees)
        unmet = []
        if new.milestone is not None:
            number = self._find_milestone(new.milestone)
            if number is None:
                unmet.append(f"the project has no open milestone {new.milestone}")
            else:
                wishes["milestone"] = number
        path = f"issues/{pull.number}"
        try:
            # One wrong name refuses all; some are dropped without a word.
            assigned = _logins(self._repo.patch(path, wishes, _EQUIPPED).assignees) if wishes else []
        except ForgeRefused:
            assigned, refused = self._equip_each(path, wishes, new.assignees)
            unmet += refused
        lower = {name.lower() for name in assigned}
        if dropped := [name for name in new.assignees if name.lower() not in lower]:
            unmet.append(f"GitHub does not let {', '.join(dropped)} be assigned here")
        return unmet

    def _equip_each(
        self, path: str, wishes: Mapping[str, object], assignees: Iterable[str]
    ) -> tuple[list[str], list[str]]:
        """Try each wish by itself; return who is assigned then, and what was refused."""
        refused, assigned = [], []
        for name, value in wishes.items():
            try:
                if name != "assignees":
                    self._repo.patch(path, {name: value}, ANYTHING)
            except ForgeRefused as error:
                refused.append(f"GitHub does not take the {name}: {error.said}")
        for name in assignees:
            try:
                assigned = _logins(self._repo.post(f"{path}/assignees", {"assignees": [name]}, _EQUIPPED).assignees)
            except (ForgeRefused, UnknownProject):
                continue
        return assigned, refused

    def _find_milestone(self, title: str) -> int | None:
        found = self._repo.get_page("milestones", _MILESTONES, state="open")
        return next((each.number for each in found if each.title == title), None)


def _read(pull: Pull) -> MergeRequest:
    return MergeRequest(
        number=pull.number,
        url=pull.html_url,
        state=find_state(pull),
        branch=pull.head.ref,
        target=pull.base.ref,
        title=pull.title,
        body=pull.body or "",
        labels=frozenset(each.name for each in pull.labels or ()),
        is_draft=pull.draft,
        head=pull.head.sha,
        has_conflicts=None if pull.mergeable is None else not pull.mergeable,
        updated_at=pull.updated_at,
        author=pull.user.login if pull.user else None,
        is_auto_merging=pull.auto_merge is not None,
    )


def _write_title(title: str, *, is_draft: bool = False) -> str:  # noqa: ARG001 - a draft has no mark here
    return cut(title, _TITLE_LIMIT)


def _union(there: Iterable[str], wanted: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*there, *wanted)))


def _logins(users: Iterable[User] | None) -> list[str]:
    return [user.login for user in users or ()]
