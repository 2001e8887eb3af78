"""Gitea's dialect of a loopback forge, and Forgejo's, which differs in little.

Labels are numbers, the API's scopes tell code from issues, comments come all at once, and of two branches no pull
request can be asked for that is sure to be the open one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from tests.servers.forge_project import OPENED, RefusalError, StoredIssue, StoredMergeRequest, StoredProject
from tests.servers.gitea_answers import Answers
from tests.servers.gitea_rules import DRAFT, Rules, refuse
from tests.servers.loopback_forge import EXPIRED_TOKEN, OUTSIDER_TOKEN, READ_TOKEN, TOKEN, Answer, Request
from tests.servers.paging import take_page, write_links

T = TypeVar("T")

# What an OpenAPI description of its operations leaves out; see its own documentation of the API.
UNDESCRIBED = ("GET /repos/{owner}/{repo}/milestones",)
_PAGE = {"page", "limit"}
_ORDERS: Mapping[str, tuple[Callable[[StoredMergeRequest], Any], bool]] = {
    "": (lambda each: each.number, True),
    "oldest": (lambda each: each.number, False),
    "recentupdate": (lambda each: (each.updated_at, each.number), True),
}


class GiteaDialect:
    """Implements `Dialect`."""

    root = "/api/v1"

    def __init__(self, git_dir: Path, *, is_forgejo: bool = False) -> None:
        self.name = "forgejo" if is_forgejo else "gitea"
        self.is_forgejo = is_forgejo
        self.project = StoredProject(git_dir, draft_marks=DRAFT, shares_numbers=True)
        self.owner_labels = {"org-wide": 900}
        """Labels of the organisation, which its projects may use."""
        self.rules = Rules(self.project, self.owner_labels)
        self.ignored: list[str] = []
        self.can_push = True
        self.scopes = {"write:repository", "write:issue"}
        self.most_a_page = 50

    def answer(self, request: Request, *, url: str) -> Answer:
        return _Operations(self, request, url=url).run()

    def reopen(self, merge_request: StoredMergeRequest, *, by: str) -> None:
        self.rules.move(merge_request, "open", by=by)


class _Operations:
    """One request: who sends it, which operation it is, and what that answers."""

    def __init__(self, gitea: GiteaDialect, request: Request, *, url: str) -> None:
        self.gitea = gitea
        self.project = gitea.project
        self.rules = gitea.rules
        self.request = request
        self.url = url
        self.headers: dict[str, str] = {}
        self.answers = Answers(gitea.project, url, owner_labels=gitea.owner_labels, has_drafts=not gitea.is_forgejo)

    def run(self) -> Answer:
        user = self._authenticate()
        segments = tuple(unquote(part) for part in self.request.path.strip("/").split("/"))
        match self.request.method, segments:
            case "GET", ("orgs", "acme", "labels"):
                rows = [self.answers.label(name) for name in self.gitea.owner_labels]
                return Answer(200, self._page(rows, self._take(_PAGE)), self.headers)
            case _, ("repos", owner, name, *rest):
                self._enter_project(f"{owner}/{name}", user)
                status, body = self._in_project(tuple(rest), user)
                return Answer(status, body, self.headers)
        raise refuse(404, "not found")

    def _authenticate(self) -> str:
        token = self.request.token
        if token == EXPIRED_TOKEN or token not in {TOKEN, READ_TOKEN, OUTSIDER_TOKEN}:
            raise refuse(401, "invalid username, password or token")
        if token == READ_TOKEN and self.request.method != "GET":
            raise refuse(403, "token does not have at least one of required scope(s): [write:repository]")
        return "outsider" if token == OUTSIDER_TOKEN else "imagebot"

    def _enter_project(self, name: str, user: str) -> None:
        if user == "outsider" or name not in {self.project.path, self.project.old_path}:
            raise refuse(404, "The target couldn't be found.")
        if name == self.project.old_path:
            here = "/".join(self.request.path.strip("/").split("/")[3:])
            raise RefusalError(307, "", {"Location": f"/api/v1/repos/{self.project.path}/{here}"})

    def _in_project(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        inner = {"pulls": self._in_pulls, "issues": self._in_issues, "labels": self._in_labels}
        if path and path[0] in {"issues", "labels", "milestones"}:
            self._require("issue")
        if self.project.is_archived and self.request.method != "GET":
            raise refuse(423, f"Repo is archived: {self.project.path}")
        if path and path[0] in inner:
            return inner[path[0]](path[1:], user)
        match self.request.method, path:
            case "GET", ():
                return 200, self.answers.repo(can_push=self.gitea.can_push)
            case "GET", ("branches", branch):
                head = self.project.find_head(branch)
                if head is None:
                    raise refuse(404, "branch does not exist")
                return 200, self.answers.branch(branch, head)
            case "GET", ("commits", head, "status"):
                return 200, self.answers.status(head)
            case "GET", ("milestones",):
                wanted = self._take({"name", "state", *_PAGE})
                titles = [title for title in self.project.milestones if wanted.get("name", "") in title]
                return 200, [self.answers.milestone(title) for title in titles]
        raise refuse(404, "not found")

    def _require(self, scope: str) -> None:
        """Refuse a token that lacks the scope; to write includes to read."""
        wanted = f"{'read' if self.request.method == 'GET' else 'write'}:{scope}"
        if not {wanted, f"write:{scope}"} & self.gitea.scopes:
            raise refuse(403, f"token does not have at least one of required scope(s): [{wanted}]")

    def _in_labels(self, path: tuple[str, ...], _user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                rows = [self.answers.label(name) for name in self.project.labels]
                return 200, self._page(rows, self._take(_PAGE))
            case "POST", ():
                wanted = self._take({"name", "color"})
                if not wanted.get("color", "").startswith("#"):
                    raise refuse(422, "Color")
                self.project.add_labels([wanted["name"]])
                return 201, self.answers.label(wanted["name"])
        raise refuse(404, "not found")

    def _in_pulls(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                return 200, self._list_pulls()
            case "POST", ():
                known = {"title", "body", "head", "base", "labels", "milestone", "assignees"}
                return 201, self.answers.pull(self.rules.create(self._take(known), author=user))
            case _, (number, *rest):
                found = self.project.merge_requests.get(int(number))
                if found is None:
                    raise refuse(404, "pull request does not exist")
                return self._in_pull(found, tuple(rest), user)
        raise refuse(404, "not found")

    def _list_pulls(self) -> list[Mapping[str, Any]]:
        wanted = self._take({"state", "sort", "base_branch", *_PAGE})
        state = wanted.get("state", "open")
        # Forgejo does not know this filter.
        base = None if self.gitea.is_forgejo else wanted.get("base_branch")
        found = [
            each
            for each in self.project.merge_requests.values()
            if state in {"all", "open" if each.state == OPENED else "closed"} and base in {None, each.target}
        ]
        key, is_descending = _ORDERS[wanted.get("sort", "")]
        found.sort(key=key, reverse=is_descending)
        return [self.answers.pull(each) for each in self._page(found, wanted)]

    def _in_pull(self, found: StoredMergeRequest, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                found.reads += 1
                return 200, self.answers.pull(found)
            case "PATCH", ():
                self.rules.update(found, self._take({"title", "body", "state", "base", "labels", "assignees"}), by=user)
                return 201, self.answers.pull(found)
            case "POST", ("requested_reviewers",):
                self.rules.ask_reviewers(found, self._take({"reviewers", "team_reviewers"}))
                return 201, []
            case "POST", ("merge",):
                known = {"Do", "head_commit_id", "merge_when_checks_succeed", "delete_branch_after_merge"}
                return self.rules.merge(found, self._take(known), by=user), ""
        raise refuse(404, "not found")

    def _in_issues(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                return 200, self._list_issues()
            case "POST", ():
                if not self.project.has_issues:
                    raise refuse(404, "not found")
                return 201, self.answers.issue(self.rules.create_issue(self._take({"title", "body", "labels"}), user))
            case _, (number, *rest):
                items: dict[int, StoredIssue | StoredMergeRequest] = {**self.project.merge_requests}
                items |= self.project.issues
                if int(number) not in items:
                    raise refuse(404, "issue does not exist")
                return self._in_issue(items[int(number)], tuple(rest), user)
        raise refuse(404, "not found")

    def _list_issues(self) -> list[Mapping[str, Any]]:
        wanted = self._take({"state", "labels", "type", *_PAGE})
        # Labels that nobody has made are no filter.
        labels = {label for label in wanted.get("labels", "").split(",") if label in self.project.labels}
        everything: list[StoredIssue | StoredMergeRequest] = [*self.project.merge_requests.values()]
        everything += self.project.issues.values() if self.project.has_issues else ()
        assert wanted.get("state") == "all"
        found = [each for each in everything if labels <= set(each.labels)]
        found.sort(key=lambda each: each.number, reverse=True)
        return [self.answers.issue(each) for each in self._page(found, wanted)]

    def _in_issue(
        self, found: StoredIssue | StoredMergeRequest, path: tuple[str, ...], user: str
    ) -> tuple[int, object]:
        match self.request.method, path:
            case "PATCH", ():
                self.rules.update_issue(found, self._take({"title", "body", "state", "assignees"}), by=user)
                return 201, self.answers.issue(found)
            case "GET", ("comments",):
                self._take({"since", "before"})
                return 200, [self.answers.comment(found.number, note) for note in found.notes]
            case "POST", ("comments",):
                body = self._take({"body"}).get("body", "")
                if not body:
                    raise refuse(422, "[Body]: Required")
                return 201, self.answers.comment(found.number, self.project.add_note(found, body, by=user))
        raise refuse(404, "not found")

    def _take(self, known: Collection[str]) -> Mapping[str, Any]:
        """The parameters; those that this operation does not know are noted, and dropped as Gitea does."""
        for name in sorted(self.request.parameters.keys() - set(known)):
            self.gitea.ignored.append(f"{self.request.method} {self.request.path}: unknown parameter {name}")
        return {name: value for name, value in self.request.parameters.items() if name in known}

    def _page(self, rows: Sequence[T], wanted: Mapping[str, Any]) -> list[T]:
        taken, page, last = take_page(rows, wanted, size_name="limit", size=30, most=self.gitea.most_a_page)
        self.headers |= write_links(f"{self.url}/api/v1{self.request.path}", wanted, page, last)
        self.headers["X-Total-Count"] = str(len(rows))
        return taken
