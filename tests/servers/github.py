"""GitHub's dialect of a loopback forge: its operations; what it makes of them is in `github_rules.py`.

It stands for a GitHub Enterprise server, whose API is below /api/v3, and which takes tokens as well as an App's.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import jwt

from tests.servers.forge_project import OPENED, RefusalError, StoredIssue, StoredMergeRequest, StoredProject
from tests.servers.github_answers import Answers
from tests.servers.github_objects import create_blob, create_commit, create_tree
from tests.servers.github_rules import Rules
from tests.servers.loopback_forge import EXPIRED_TOKEN, OUTSIDER_TOKEN, READ_TOKEN, TOKEN, Answer, Request
from tests.servers.paging import take_page, write_links

T = TypeVar("T")

# What an OpenAPI description of its operations leaves out; see GitHub's own documentation of its API.
UNDESCRIBED = ("GET /repos/{owner}/{repo}/milestones", "POST /repos/{owner}/{repo}/issues/{number}/assignees")
_PAGE = {"page", "per_page"}
_BOT = "imagebot[bot]"
_PERMISSIONS = {"contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"}


class GitHubDialect:
    """Implements `Dialect`."""

    name = "github"
    root = "/api/v3"

    def __init__(self, git_dir: Path) -> None:
        self.project = StoredProject(git_dir, draft_marks=None, shares_numbers=True)
        self.project.users |= {_BOT: 77}
        self.rules = Rules(self.project)
        self.ignored: list[str] = []
        self.can_push = True
        self.scopes: str | None = "repo"
        """Those of the token, as a classic one has them; None for a fine-grained one."""
        self.token_expires_at: str | None = None
        """As GitHub writes it: 2026-10-01 08:00:00 UTC."""
        self.app_id = 1234
        self.app_key: str | None = None
        """The public half of the App's key."""
        self.permissions = dict(_PERMISSIONS)
        """Of the App's installation."""
        self.installation_tokens: list[str] = []
        self.token_issued: Callable[[str], object] = lambda token: None
        """Told of every token, which is a password for git as well."""

    def answer(self, request: Request, *, url: str) -> Answer:
        return _Operations(self, request, url=url).run()

    def reopen(self, merge_request: StoredMergeRequest, *, by: str) -> None:
        self.rules.reopen(merge_request, by=by)


class _Operations:
    """One request: who sends it, which operation it is, and what that answers."""

    def __init__(self, github: GitHubDialect, request: Request, *, url: str) -> None:
        self.github = github
        self.project = github.project
        self.rules = github.rules
        self.request = request
        self.answers = Answers(github.project, url)
        self.url = url
        self.headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"}

    def run(self) -> Answer:
        segments = tuple(unquote(part) for part in self.request.path.strip("/").split("/"))
        if segments[0] == "app" or segments[3:] == ("installation",):
            return self._as_app(segments)
        user = self._authenticate()
        match self.request.method, segments:
            case "POST", ("api", "graphql"):
                return Answer(200, self.rules.enable_auto_merge(self.request.parameters), self.headers)
            case _, ("repos", owner, name, *rest):
                self._enter_project(f"{owner}/{name}", user)
                status, body = self._in_project(tuple(rest), user)
                return Answer(status, body, self.headers)
        raise RefusalError(404, {"message": "Not Found"})

    def _as_app(self, segments: tuple[str, ...]) -> Answer:
        """Answer what is asked with the signed word of the App."""
        github = self.github
        try:
            said = jwt.decode(self.request.token, str(github.app_key), algorithms=["RS256"], issuer=str(github.app_id))
        except jwt.InvalidTokenError as error:
            raise RefusalError(401, {"message": "A JSON web token could not be decoded"}) from error
        if said["exp"] - said["iat"] > 660:
            raise RefusalError(401, {"message": "'Expiration time' claim ('exp') is too far in the future"})
        match self.request.method, segments:
            case "GET", ("repos", owner, name, "installation") if f"{owner}/{name}" == self.project.path:
                return Answer(200, self.answers.installation(github.app_id, github.permissions), self.headers)
            case "POST", ("app", "installations", "4242", "access_tokens"):
                wanted = self._take({"repositories"})
                assert wanted["repositories"] == [self.project.path.rpartition("/")[2]]
                github.installation_tokens.append(f"ghs_{len(github.installation_tokens) + 1:036}")
                github.token_issued(github.installation_tokens[-1])
                expires_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
                token = {"token": github.installation_tokens[-1], "expires_at": expires_at}
                return Answer(201, {**token, "permissions": github.permissions}, self.headers)
        raise RefusalError(404, {"message": "Not Found"})

    def _authenticate(self) -> str:
        token = self.request.token
        if not any(name.lower() == "user-agent" for name in self.request.headers):
            raise RefusalError(403, {"message": "Request forbidden by administrative rules."})
        if token in self.github.installation_tokens:
            return _BOT
        if token == EXPIRED_TOKEN or token not in {TOKEN, READ_TOKEN, OUTSIDER_TOKEN}:
            raise RefusalError(401, {"message": "Bad credentials"})
        if self.github.scopes is not None:
            self.headers["X-OAuth-Scopes"] = self.github.scopes
        if self.github.token_expires_at:
            self.headers["github-authentication-token-expiration"] = self.github.token_expires_at
        if token == READ_TOKEN and self.request.method != "GET":
            raise RefusalError(403, {"message": "Resource not accessible by personal access token"})
        return "outsider" if token == OUTSIDER_TOKEN else "imagebot"

    def _enter_project(self, name: str, user: str) -> None:
        if user == "outsider" or name not in {self.project.path, self.project.old_path}:
            raise RefusalError(404, {"message": "Not Found"})
        if name == self.project.old_path:
            here = "/".join(self.request.path.strip("/").split("/")[3:])
            location = f"{self.url}/api/v3/repositories/{self.project.number}/{here}"
            status = 301 if self.request.method == "GET" else 307
            raise RefusalError(status, {"message": "Moved Permanently", "url": location}, {"Location": location})
        if self.project.is_archived and self.request.method != "GET":
            raise RefusalError(403, {"message": "Repository was archived so is read-only."})

    def _in_project(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        inner = {
            "pulls": self._in_pulls,
            "issues": self._in_issues,
            "git": self._in_objects,
            "commits": self._in_commits,
        }
        if path and path[0] in inner:
            return inner[path[0]](path[1:], user)
        match self.request.method, path:
            case "GET", ():
                return 200, self.answers.full_repo(can_push=self.github.can_push)
            case "GET", ("branches",):
                rows = [self.answers.branch(name, head) for name, head in self.project.list_heads().items()]
                return 200, self._page(rows, self._take(_PAGE))
            case "GET", ("branches", branch):
                head = self.project.find_head(branch)
                if head is None:
                    raise RefusalError(404, {"message": "Branch not found"})
                return 200, self.answers.single_branch(branch, head)
            case "GET", ("milestones",):
                self._take({"state", *_PAGE})
                return 200, [self.answers.milestone(title) for title in self.project.milestones]
        raise RefusalError(404, {"message": "Not Found"})

    def _in_commits(self, path: tuple[str, ...], _user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", (head, "check-runs"):
                self._take(_PAGE)
                result = self.project.checks.get(head)
                runs = [self.answers.check_run(head, result)] if result else []
                return 200, {"total_count": len(runs), "check_runs": runs}
            case "GET", (head, "status"):
                return 200, self.answers.status(head)
        raise RefusalError(404, {"message": "Not Found"})

    def _in_pulls(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                return 200, self._list_pulls()
            case "POST", ():
                made = self.rules.create(self._take({"title", "body", "head", "base", "draft"}), author=user)
                return 201, self.answers.single_pull(made)
            case _, (number, *rest):
                found = self.project.merge_requests.get(int(number))
                if found is None:
                    raise RefusalError(404, {"message": "Not Found"})
                return self._in_pull(found, tuple(rest), user)
        raise RefusalError(404, {"message": "Not Found"})

    def _in_pull(self, found: StoredMergeRequest, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                found.reads += 1
                return 200, self.answers.single_pull(found)
            case "PATCH", ():
                self.rules.update(found, self._take({"title", "body", "state", "base"}), by=user)
                return 200, self.answers.single_pull(found)
            case "POST", ("requested_reviewers",):
                self.rules.ask_reviewers(found, self._take({"reviewers", "team_reviewers"}))
                return 201, self.answers.pull(found)
            case "PUT", ("merge",):
                commit = self.rules.merge(found, self._take({"sha", "merge_method"}), by=user)
                return 200, {"merged": True, "message": "Pull Request successfully merged", "sha": commit}
        raise RefusalError(404, {"message": "Not Found"})

    def _list_pulls(self) -> list[Mapping[str, Any]]:
        wanted = self._take({"state", "head", "base", "sort", "direction", *_PAGE})
        state, head = wanted.get("state", "open"), wanted.get("head", "")
        owner = self.project.path.partition("/")[0]
        # Without an owner it is no filter at all.
        branch = head.removeprefix(f"{owner}:") if ":" in head else None
        found = [
            each
            for each in self.project.merge_requests.values()
            if state in {"all", "open" if each.state == OPENED else "closed"}
            and branch in {None, each.branch}
            and wanted.get("base", each.target) == each.target
        ]
        is_updated = wanted.get("sort", "created") == "updated"
        is_descending = wanted.get("direction", "desc") == "desc"
        key = "updated_at" if is_updated else "created_at"
        found.sort(key=lambda each: (getattr(each, key), each.number), reverse=is_descending)
        return [self.answers.pull(each) for each in self._page(found, wanted)]

    def _in_issues(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                return 200, self._list_issues()
            case "POST", ():
                if not self.project.has_issues:
                    raise RefusalError(410, {"message": "Issues has been disabled in this repository."})
                return 201, self.answers.issue(self.rules.create_issue(self._take({"title", "body", "labels"}), user))
            case _, (number, *rest):
                items: Mapping[int, StoredIssue | StoredMergeRequest] = {
                    **self.project.merge_requests,
                    **self.project.issues,
                }
                if int(number) not in items:
                    raise RefusalError(404, {"message": "Not Found"})
                return self._in_issue(items[int(number)], tuple(rest), user)
        raise RefusalError(404, {"message": "Not Found"})

    def _list_issues(self) -> list[Mapping[str, Any]]:
        wanted = self._take({"state", "labels", *_PAGE})
        if not self.project.has_issues:
            raise RefusalError(410, {"message": "Issues has been disabled in this repository."})
        labels = {label for label in wanted.get("labels", "").split(",") if label}
        everything: list[StoredIssue | StoredMergeRequest]
        everything = [*self.project.issues.values(), *self.project.merge_requests.values()]
        found = [each for each in everything if labels <= set(each.labels)]
        assert wanted.get("state") == "all"
        found.sort(key=lambda each: each.number, reverse=True)
        return [self.answers.issue(each) for each in self._page(found, wanted)]

    def _in_issue(
        self, found: StoredIssue | StoredMergeRequest, path: tuple[str, ...], user: str
    ) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                return 200, self.answers.issue(found)
            case "PATCH", ():
                known = {"title", "body", "state", "labels", "assignees", "milestone"}
                self.rules.update_issue(found, self._take(known), by=user)
                return 200, self.answers.issue(found)
            case "POST", ("assignees",):
                assert isinstance(found, StoredMergeRequest)
                self.rules.assign(found, [*found.assignees, *self._take({"assignees"})["assignees"]])
                return 201, self.answers.issue(found)
            case "GET", ("comments",):
                rows = [self.answers.comment(found.number, note) for note in found.notes]
                return 200, self._page(rows, self._take(_PAGE))
            case "POST", ("comments",):
                body = self._take({"body"}).get("body", "")
                note = self.rules.comment(found, body, by=user)
                return 201, self.answers.comment(found.number, note)
        raise RefusalError(404, {"message": "Not Found"})

    def _in_objects(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ("commits", sha):
                return 200, self.answers.git_commit(sha)
            case "POST", ("blobs",):
                sha = create_blob(self.project, self._take({"content", "encoding"}))
                return 201, {"sha": sha, "url": f"{self.answers.here}/git/blobs/{sha}"}
            case "POST", ("trees",):
                sha = create_tree(self.project, self._take({"base_tree", "tree"}))
                return 201, {"sha": sha, "tree": [], "truncated": False, "url": self.answers.here}
            case "POST", ("commits",):
                wanted = self._take({"message", "tree", "parents"})
                sha = create_commit(self.project, wanted, user=user, is_signed=user == _BOT)
                return 201, self.answers.git_commit(sha)
        raise RefusalError(404, {"message": "Not Found"})

    def _take(self, known: Collection[str]) -> Mapping[str, Any]:
        """The parameters; those that this operation does not know are noted, and dropped as GitHub does."""
        for name in sorted(self.request.parameters.keys() - set(known)):
            self.github.ignored.append(f"{self.request.method} {self.request.path}: unknown parameter {name}")
        return {name: value for name, value in self.request.parameters.items() if name in known}

    def _page(self, rows: Sequence[T], wanted: Mapping[str, Any]) -> list[T]:
        taken, page, last = take_page(rows, wanted, size_name="per_page", size=30, most=100)
        self.headers |= write_links(f"{self.url}/api/v3{self.request.path}", wanted, page, last)
        return taken
