"""What GitHub's answers look like: every field that its description demands, and those that a client of ours reads."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from tests.servers.forge_project import CLOSED, MERGED, OPENED, Note, StoredIssue, StoredMergeRequest, StoredProject

_REPO_URLS = """
    archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads
    events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges
    milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees
"""
_USER_URLS = "events followers following gists organizations received_events repos starred subscriptions"
_REPO_COUNTS = "forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count"
_PULL_COUNTS = "additions changed_files comments commits deletions review_comments"


def write_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Answers:
    """Writes answers about one project as the GitHub at `url`, with its API below /api/v3, does."""

    def __init__(self, project: StoredProject, url: str) -> None:
        self._project = project
        self._api = f"{url}/api/v3"
        self._url = url
        self._web = f"{url}/{project.path}"
        self.here = f"{self._api}/repos/{project.path}"

    @cached_property
    def _heads(self) -> Mapping[str, str]:
        return self._project.list_heads()

    def user(self, login: str) -> dict[str, Any]:
        number = (self._project.users | self._project.outsiders).get(login, 99)
        here = f"{self._api}/users/{quote(login)}"
        return {
            "id": number,
            "node_id": f"U_{number}",
            "login": login,
            "gravatar_id": "",
            "avatar_url": f"{self._url}/avatars/{number}",
            "html_url": f"{self._url}/{quote(login)}",
            "url": here,
            "type": "Bot" if login.endswith("[bot]") else "User",
            "site_admin": False,
            **{f"{name}_url": f"{here}/{name}" for name in _USER_URLS.split()},
        }

    def repo(self, *, can_push: bool = True) -> dict[str, Any]:
        project = self._project
        name = project.path.rpartition("/")[2]
        at = write_time(datetime(2024, 1, 1))  # noqa: DTZ001 - written as UTC
        return {
            "id": project.number,
            "node_id": f"R_{project.number}",
            "name": name,
            "full_name": project.path,
            "owner": {**self.user("acme"), "type": "Organization"},
            "private": True,
            "html_url": self._web,
            "description": None,
            "fork": False,
            "url": self.here,
            "clone_url": f"{self._web}.git",
            "git_url": f"git://localhost/{project.path}.git",
            "ssh_url": f"git@localhost:{project.path}.git",
            "svn_url": self._web,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "default_branch": project.default_branch,
            "archived": project.is_archived,
            "disabled": False,
            "has_issues": project.has_issues,
            "has_pull_requests": project.has_merge_requests,
            **{f"has_{name}": False for name in ("projects", "wiki", "pages", "downloads", "discussions")},
            **dict.fromkeys(_REPO_COUNTS.split(), 0),
            **{f"{name}_url": f"{self.here}/{name}" for name in _REPO_URLS.split()},
            "permissions": {"admin": False, "push": can_push, "pull": True},
            "pushed_at": at,
            "created_at": at,
            "updated_at": at,
        }

    def full_repo(self, *, can_push: bool) -> dict[str, Any]:
        return {
            **self.repo(can_push=can_push),
            "network_count": 0,
            "subscribers_count": 0,
            "allow_auto_merge": self._project.allows_auto_merge,
            "allow_merge_commit": True,
            "allow_squash_merge": True,
            "allow_rebase_merge": True,
        }

    def label(self, name: str) -> dict[str, Any]:
        number = self._project.labels.get(name, 0)
        return {
            "id": number,
            "node_id": f"L_{number}",
            "url": f"{self.here}/labels/{name}",
            "name": name,
            "description": "",
            "color": "ededed",
            "default": False,
        }

    def milestone(self, title: str) -> dict[str, Any]:
        number = self._project.milestones[title]
        at = "2024-01-01T00:00:00Z"
        return {
            "id": number,
            "node_id": f"M_{number}",
            "number": number,
            "title": title,
            "description": None,
            "state": "open",
            "creator": None,
            "open_issues": 0,
            "closed_issues": 0,
            "due_on": None,
            "closed_at": None,
            "created_at": at,
            "updated_at": at,
            **dict.fromkeys(("url", "html_url", "labels_url"), self.here),
        }

    def pull(self, stored: StoredMergeRequest) -> dict[str, Any]:
        """The form of lists: whether it can be merged is not in it."""
        number, api = stored.number, f"{self.here}/pulls/{stored.number}"
        issue = f"{self.here}/issues/{number}"
        owner = self._project.path.partition("/")[0]
        fork = {**self.repo(), "id": 99, "full_name": "mallory/infra"}
        names = ("self", "html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses")
        ended_at = write_time(stored.updated_at) if stored.state != OPENED else None
        return {
            "id": 1000 + number,
            "node_id": f"PR_{number}",
            "number": number,
            "state": "open" if stored.state == OPENED else "closed",
            "locked": False,
            "title": stored.title,
            "body": stored.body or None,
            "user": self.user(stored.author),
            "labels": [self.label(name) for name in stored.labels],
            "milestone": self.milestone(stored.milestone) if stored.milestone else None,
            "assignee": self.user(stored.assignees[0]) if stored.assignees else None,
            "assignees": [self.user(name) for name in stored.assignees],
            "requested_reviewers": [self.user(name) for name in stored.reviewers],
            "draft": stored.is_draft,
            "created_at": write_time(stored.created_at),
            "updated_at": write_time(stored.updated_at),
            "closed_at": ended_at,
            "merged_at": ended_at if stored.state == MERGED else None,
            "merge_commit_sha": stored.merge_commit,
            "auto_merge": self._auto_merge(stored),
            "author_association": "CONTRIBUTOR",
            "head": self._branch(owner, stored.branch, str(stored.head), fork if stored.is_from_fork else None),
            "base": self._branch(owner, stored.target, self._heads.get(stored.target, ""), None),
            "url": api,
            "html_url": f"{self._web}/pull/{number}",
            "diff_url": f"{self._web}/pull/{number}.diff",
            "patch_url": f"{self._web}/pull/{number}.patch",
            "issue_url": issue,
            "comments_url": f"{issue}/comments",
            "commits_url": f"{api}/commits",
            "review_comment_url": f"{self.here}/pulls/comments/{{number}}",
            "review_comments_url": f"{api}/comments",
            "statuses_url": f"{self.here}/statuses/{stored.head}",
            "_links": {name: {"href": api} for name in names},
        }

    def single_pull(self, stored: StoredMergeRequest) -> dict[str, Any]:
        """The form of one: null at first where GitHub works it out in the background."""
        mergeable = None
        if stored.state == OPENED and stored.reads > 1:
            mergeable = not self._project.has_conflicts(stored)
        state = {None: "unknown", False: "dirty", True: "draft" if stored.is_draft else "clean"}[mergeable]
        return {
            **self.pull(stored),
            "mergeable": mergeable,
            "mergeable_state": state,
            "merged": stored.state == MERGED,
            "merged_by": self.user(stored.ended_by) if stored.state == MERGED and stored.ended_by else None,
            "maintainer_can_modify": False,
            **dict.fromkeys(_PULL_COUNTS.split(), 0),
        }

    def issue(self, stored: StoredIssue | StoredMergeRequest) -> dict[str, Any]:
        """The form of issues, which pull requests have as well."""
        here = f"{self.here}/issues/{stored.number}"
        is_pull = isinstance(stored, StoredMergeRequest)
        milestone = stored.milestone if isinstance(stored, StoredMergeRequest) else None
        assignees = stored.assignees if isinstance(stored, StoredMergeRequest) else []
        pull = f"{self.here}/pulls/{stored.number}"
        links = {"url": pull, "html_url": pull, "diff_url": pull, "patch_url": pull}
        return {
            "id": 1000 + stored.number,
            "node_id": f"I_{stored.number}",
            "number": stored.number,
            "state": "open" if stored.state == OPENED else "closed",
            "locked": False,
            "title": stored.title,
            "body": stored.body,
            "user": self.user(stored.author),
            "labels": [self.label(name) for name in stored.labels],
            "milestone": self.milestone(milestone) if milestone else None,
            "assignee": self.user(assignees[0]) if assignees else None,
            "assignees": [self.user(name) for name in assignees],
            "comments": len(stored.notes),
            "created_at": write_time(stored.created_at),
            "updated_at": write_time(stored.updated_at),
            "closed_at": write_time(stored.updated_at) if stored.state in {CLOSED, MERGED} else None,
            "url": here,
            "html_url": f"{self._web}/issues/{stored.number}",
            "repository_url": self.here,
            "comments_url": f"{here}/comments",
            "events_url": f"{here}/events",
            "labels_url": f"{here}/labels",
            **({"pull_request": links} if is_pull else {}),
        }

    def comment(self, number: int, note: Note) -> dict[str, Any]:
        here = f"{self.here}/issues/comments/{note.number}"
        return {
            "id": note.number,
            "node_id": f"C_{note.number}",
            "body": note.body,
            "user": self.user(note.author),
            "created_at": write_time(note.at),
            "updated_at": write_time(note.at),
            "url": here,
            "html_url": here,
            "issue_url": f"{self.here}/issues/{number}",
        }

    def branch(self, name: str, head: str) -> dict[str, Any]:
        return {"name": name, "commit": {"sha": head, "url": f"{self.here}/commits/{head}"}, "protected": False}

    def single_branch(self, name: str, head: str) -> dict[str, Any]:
        author = {"name": "person", "email": "person@example.com", "date": "2024-01-01T00:00:00Z"}
        url = f"{self.here}/commits/{head}"
        commit: dict[str, Any] = {
            "sha": head,
            "node_id": f"C_{head}",
            "url": url,
            "html_url": url,
            "comments_url": url,
            "author": None,
            "committer": None,
            "parents": [],
            "commit": {
                "url": url,
                "author": author,
                "committer": author,
                "message": "",
                "comment_count": 0,
                "tree": {"sha": head, "url": url},
            },
        }
        return {
            "name": name,
            "commit": commit,
            "_links": {"html": url, "self": url},
            "protected": False,
            "protection": {},
            "protection_url": url,
        }

    def check_run(self, head: str, result: str) -> dict[str, Any]:
        is_done = result != "pending"
        return {
            "id": 1,
            "node_id": "CR_1",
            "head_sha": head,
            "external_id": "",
            "name": "test",
            "url": self.here,
            "html_url": self._web,
            "details_url": self._web,
            "status": "completed" if is_done else "in_progress",
            "conclusion": result if is_done else None,
            "started_at": "2024-01-01T00:00:00Z",
            "completed_at": "2024-01-01T00:00:00Z" if is_done else None,
            "check_suite": {"id": 1},
            "app": None,
            "pull_requests": [],
            "output": {
                "title": None,
                "summary": None,
                "text": None,
                "annotations_count": 0,
                "annotations_url": self.here,
            },
        }

    def status(self, head: str) -> dict[str, Any]:
        """The state of the older kind of checks, of which there are none here."""
        return {
            "state": "pending",
            "sha": head,
            "total_count": 0,
            "statuses": [],
            "repository": self.repo(),
            "commit_url": self.here,
            "url": self.here,
        }

    def installation(self, app_id: int, permissions: Mapping[str, str]) -> dict[str, Any]:
        at = "2024-01-01T00:00:00Z"
        return {
            "id": 4242,
            "app_id": app_id,
            "app_slug": "imagebot",
            "target_id": 1,
            "target_type": "Organization",
            "single_file_name": None,
            "repository_selection": "selected",
            "access_tokens_url": f"{self._api}/app/installations/4242/access_tokens",
            "html_url": self._url,
            "repositories_url": f"{self._api}/installation/repositories",
            "events": [],
            "account": self.user("acme"),
            "permissions": dict(permissions),
            "created_at": at,
            "updated_at": at,
            "suspended_by": None,
            "suspended_at": None,
        }

    def git_commit(self, sha: str) -> dict[str, Any]:
        text = self._project.git("cat-file", "commit", sha)
        head, _, message = text.partition("\n\n")
        values = [line.partition(" ")[::2] for line in head.splitlines()]
        tree = next(value for name, value in values if name == "tree")
        url = f"{self.here}/git/commits/{sha}"
        person = {"name": "imagebot[bot]", "email": "bot@example.com", "date": "2024-01-01T00:00:00Z"}
        is_signed = any(name == "gpgsig" for name, _ in values)
        verification = {
            "verified": is_signed,
            "reason": "valid" if is_signed else "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        }
        return {
            "sha": sha,
            "node_id": f"C_{sha}",
            "url": url,
            "html_url": url,
            "author": person,
            "committer": person,
            "message": message,
            "tree": {"sha": tree, "url": url},
            "parents": [{"sha": v, "url": url, "html_url": url} for name, v in values if name == "parent"],
            "verification": verification,
        }

    def _branch(self, owner: str, name: str, sha: str, fork: Mapping[str, Any] | None) -> dict[str, Any]:
        repo = self.repo() if fork is None else fork
        return {"label": f"{owner}:{name}", "ref": name, "sha": sha, "repo": repo, "user": self.user(owner)}

    def _auto_merge(self, stored: StoredMergeRequest) -> dict[str, Any] | None:
        if not stored.is_auto_merging:
            return None
        by = self.user(stored.author)
        return {"enabled_by": by, "merge_method": "merge", "commit_title": "", "commit_message": ""}


def write_errors(message: str, *errors: Mapping[str, str]) -> dict[str, Any]:
    """Write the body of a refusal, as 422 has it."""
    listed: Iterable[Mapping[str, str]] = errors
    return {
        "message": message,
        "errors": [dict(each) for each in listed],
        "documentation_url": "https://docs.github.com",
    }
