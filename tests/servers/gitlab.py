"""GitLab's dialect of a loopback forge: its operations; what it makes of them is in `gitlab_rules.py`."""

import ssl
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

from tests.servers.forge_project import (
    OPENED,
    RefusalError,
    StoredIssue,
    StoredMergeRequest,
    StoredProject,
)
from tests.servers.gitlab_answers import Answers
from tests.servers.gitlab_rules import (
    CREATE_PARAMETERS,
    DRAFT,
    ISSUE_PARAMETERS,
    MERGE_PARAMETERS,
    UPDATE_PARAMETERS,
    Rules,
)
from tests.servers.loopback_forge import (
    EXPIRED_TOKEN,
    OUTSIDER_TOKEN,
    READ_TOKEN,
    TOKEN,
    Answer,
    LoopbackForge,
    Request,
)

# What an OpenAPI description of its operations leaves out; see GitLab's own documentation of its API.
UNDESCRIBED = ("GET /projects/{id}/milestones", "GET /groups/{id}/members")
_INSUFFICIENT_SCOPE = {
    "error": "insufficient_scope",
    "error_description": "The request requires higher privileges than provided by the access token.",
    "scope": "api",
}
_PAGE = {"order_by", "sort", "page", "per_page"}
_LIST_PARAMETERS = {"state", "source_branch", "target_branch", "scope", "updated_after", *_PAGE}


def LoopbackGitLab(git_dir: Path, *, tls: ssl.SSLContext | None = None) -> LoopbackForge:  # noqa: N802 - names a server
    return LoopbackForge(GitLabDialect(git_dir), tls=tls)


class GitLabDialect:
    """Implements `Dialect`."""

    name = "gitlab"
    root = "/api/v4"

    def __init__(self, git_dir: Path) -> None:
        self.project = StoredProject(git_dir, draft_marks=DRAFT, shares_numbers=False)
        self.rules = Rules(self.project)
        self.ignored: list[str] = []
        self.token_expires_at = "2027-01-31"
        self.token_scopes = ["api"]
        self.role: int | None = 30

    def answer(self, request: Request, *, url: str) -> Answer:
        return _Operations(self, request, url=url).run()

    def reopen(self, merge_request: StoredMergeRequest, *, by: str) -> None:
        self.rules.check_branches(merge_request.branch, merge_request.target)
        self.project.set_state(merge_request, OPENED, by=by)


class _Operations:
    """One request: who sends it, which operation it is, and what that answers."""

    def __init__(self, gitlab: GitLabDialect, request: Request, *, url: str) -> None:
        self.gitlab = gitlab
        self.project = gitlab.project
        self.rules = gitlab.rules
        self.request = request
        self.url = url
        self.headers: dict[str, str] = {}
        self.answers = Answers(gitlab.project, url)

    def run(self) -> Answer:
        user = self._authenticate()
        # The raw path is split before it is decoded: a project's path and a branch hold encoded slashes.
        segments = tuple(unquote(part) for part in self.request.path.strip("/").split("/"))
        status, body = self._route(segments, user)
        return Answer(status, body, self.headers)

    def _route(self, segments: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, segments:
            case "GET", ("version",):
                return 200, {"version": "18.5.0", "revision": "0123456789a"}
            case "GET", ("user",):
                return 200, self.answers.user(user)
            case "GET", ("users",):
                name = str(self._take({"username"}).get("username", "")).lower()
                everyone = self.project.users | self.project.outsiders
                return 200, [self.answers.user(each) for each in everyone if each == name]
            case "GET", ("personal_access_tokens", "self"):
                return 200, self.answers.token(self.gitlab.token_scopes, self.gitlab.token_expires_at)
            case "GET", ("groups", group, "members"):
                if group not in self.project.teams:
                    raise RefusalError(404, {"message": "404 Group Not Found"})
                members = [self.answers.user(each) for each in self.project.teams[group]]
                return 200, self._page([{**each, "created_at": ""} for each in members], self._take(_PAGE))
            case _, ("projects", project, *rest):
                self._enter_project(project, user)
                return self._in_project(tuple(rest), user)
        raise RefusalError(404, {"error": "404 Not Found"})

    def _authenticate(self) -> str:
        token = self.request.token
        if token == EXPIRED_TOKEN:
            raise RefusalError(401, {"error": "invalid_token", "error_description": "Token is expired."})
        if token not in {TOKEN, READ_TOKEN, OUTSIDER_TOKEN}:
            raise RefusalError(401, {"message": "401 Unauthorized"})
        if token == READ_TOKEN and self.request.method != "GET":
            raise RefusalError(403, _INSUFFICIENT_SCOPE)
        return "outsider" if token == OUTSIDER_TOKEN else "imagebot"

    def _enter_project(self, name: str, user: str) -> None:
        names = {self.project.path, str(self.project.number), self.project.old_path}
        if user not in self.project.users or name not in names:
            raise RefusalError(404, {"message": "404 Project Not Found"})
        if name == self.project.old_path:
            if self.request.method != "GET":
                raise RefusalError(405, {"message": "Non GET methods are not allowed for moved projects"})
            here = self.request.path.split("/", 3)[3:]
            location = "/".join([f"{self.url}/api/v4/projects/{self.project.number}", *here])
            raise RefusalError(301, "This resource has been moved permanently", {"Location": location})

    def _in_project(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        if self.project.is_archived and self.request.method != "GET":
            raise RefusalError(403, {"message": "403 Forbidden"})
        match self.request.method, path:
            case "GET", ():
                return 200, self.answers.project(self.gitlab.role)
            case "GET", ("repository", "branches", branch):
                head = self.project.find_head(branch)
                if head is None:
                    raise RefusalError(404, {"message": "404 Branch Not Found"})
                return 200, self.answers.branch(branch, head)
            case "GET", ("milestones",):
                wanted = self._take({"title", "state", "include_ancestors"})
                found = [(title, number) for title, number in self.project.milestones.items()]
                return 200, [{"id": n, "title": title} for title, n in found if title == wanted.get("title", title)]
            case _, ("merge_requests", *rest):
                return self._in_merge_requests(tuple(rest), user)
            case _, ("issues", *rest):
                return self._in_issues(tuple(rest), user)
        raise RefusalError(404, {"error": "404 Not Found"})

    def _in_merge_requests(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        if not self.project.has_merge_requests:
            raise RefusalError(403, {"message": "403 Forbidden"})
        match self.request.method, path:
            case "GET", ():
                return 200, self._list_merge_requests()
            case "POST", ():
                made = self.rules.create(self._take(CREATE_PARAMETERS), author=user)
                return 201, self.answers.single_merge_request(made)
            case _, (number, *rest):
                found = self.project.merge_requests.get(int(number))
                if found is None:
                    raise RefusalError(404, {"message": "404 Not found"})
                return self._in_merge_request(found, tuple(rest), user)
        raise RefusalError(404, {"error": "404 Not Found"})

    def _in_merge_request(self, found: StoredMergeRequest, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                found.reads += 1
                return 200, self.answers.single_merge_request(found)
            case "PUT", ():
                self.rules.update(found, self._take(UPDATE_PARAMETERS), by=user)
                return 200, self.answers.single_merge_request(found)
            case "PUT", ("merge",):
                self.rules.merge(found, self._take(MERGE_PARAMETERS), by=user)
                return 200, self.answers.single_merge_request(found)
        return self._in_notes(found, path, user)

    def _in_notes(
        self, found: StoredMergeRequest | StoredIssue, path: tuple[str, ...], user: str
    ) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ("notes",):
                rows = [self.answers.note(found, each) for each in found.notes]
                return 200, self._page(rows, self._take(_PAGE))
            case "POST", ("notes",):
                note = self.rules.comment(found, self._take({"body"}).get("body", ""), by=user)
                if note is None:
                    return 202, {"commands_changes": {}, "summary": ["Commands applied"]}
                return 201, self.answers.note(found, note)
        raise RefusalError(404, {"error": "404 Not Found"})

    def _in_issues(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                wanted = self._take({"search", "in", "state", *_PAGE})
                assert wanted.get("in", "description") == "description"
                found = [each for each in self.project.issues.values() if wanted.get("search", "") in each.body]
                is_visible = self.project.has_issues
                return 200, self._page([self.answers.issue(each) for each in found if is_visible], wanted)
            case "POST", ():
                if not self.project.has_issues:
                    raise RefusalError(403, {"message": "403 Forbidden"})
                return 201, self.answers.issue(self.rules.create_issue(self._take(ISSUE_PARAMETERS), author=user))
            case _, (number, *rest):
                issue = self.project.issues.get(int(number))
                if issue is None:
                    raise RefusalError(404, {"message": "404 Not found"})
                if self.request.method == "PUT" and not rest:
                    self.rules.update_issue(issue, self._take(ISSUE_PARAMETERS), by=user)
                    return 200, self.answers.issue(issue)
                return self._in_notes(issue, tuple(rest), user)
        raise RefusalError(404, {"error": "404 Not Found"})

    def _take(self, known: Collection[str]) -> Mapping[str, Any]:
        """The parameters; those that this operation does not know are noted, and dropped as GitLab does."""
        for name in sorted(self.request.parameters.keys() - set(known)):
            self.gitlab.ignored.append(f"{self.request.method} {self.request.path}: unknown parameter {name}")
        return {name: value for name, value in self.request.parameters.items() if name in known}

    def _list_merge_requests(self) -> list[Mapping[str, Any]]:
        wanted = self._take(_LIST_PARAMETERS)
        state, since = wanted.get("state", "all"), wanted.get("updated_after", "2000-01-01T00:00:00+00:00")
        found = [
            self.answers.merge_request(each)
            for each in self.project.merge_requests.values()
            if state in {"all", each.state}
            and each.updated_at >= datetime.fromisoformat(since)
            and wanted.get("source_branch", each.branch) == each.branch
            and wanted.get("target_branch", each.target) == each.target
        ]
        return self._page(found, wanted)

    def _page(self, rows: list[dict[str, Any]], wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        order = wanted.get("order_by", "created_at")
        rows = sorted(rows, key=lambda row: (row[order], row["id"]), reverse=wanted.get("sort", "desc") == "desc")
        size, page = min(int(wanted.get("per_page", 20)), 100), int(wanted.get("page", 1))
        last = max(1, -(-len(rows) // size))
        neighbours = {"first": 1, "prev": page - 1, "next": page + 1, "last": last}
        self.headers |= {
            "Link": ", ".join(
                f'<{self.url}/api/v4{self.request.path}?{urlencode({**wanted, "page": n})}>; rel="{name}"'
                for name, n in neighbours.items()
                if 1 <= n <= last
            ),
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Next-Page": str(page + 1) if page < last else "",
            "X-Prev-Page": str(page - 1) if page > 1 else "",
            "X-Total": str(len(rows)),
            "X-Total-Pages": str(last),
        }
        return list(rows[(page - 1) * size : page * size])
