"""What the answers of Gitea and Forgejo look like."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from tests.servers.forge_project import MERGED, OPENED, Note, StoredIssue, StoredMergeRequest, StoredProject


def write_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Answers:
    """Writes answers about one project as the server at `url` does."""

    def __init__(self, project: StoredProject, url: str, *, owner_labels: Mapping[str, int], has_drafts: bool) -> None:
        self._project = project
        self._web = f"{url}/{project.path}"
        self._owner_labels = owner_labels
        self._has_drafts = has_drafts

    @cached_property
    def _heads(self) -> Mapping[str, str]:
        return self._project.list_heads()

    def user(self, login: str) -> dict[str, Any]:
        number = (self._project.users | self._project.outsiders).get(login, 99)
        return {"id": number, "login": login, "full_name": "", "email": f"{login}@noreply.localhost"}

    def repo(self, *, can_push: bool = True) -> dict[str, Any]:
        project = self._project
        return {
            "id": project.number,
            "name": project.path.rpartition("/")[2],
            "full_name": project.path,
            "owner": self.user("acme"),
            "default_branch": project.default_branch,
            "archived": project.is_archived,
            "empty": not self._heads,
            "has_issues": project.has_issues,
            "has_pull_requests": project.has_merge_requests,
            "mirror": False,
            "private": True,
            "permissions": {"admin": False, "push": can_push, "pull": True},
            "default_merge_style": "merge",
            "html_url": self._web,
        }

    def branch(self, name: str, head: str) -> dict[str, Any]:
        return {
            "name": name,
            "commit": {"id": head},
            "protected": self._project.requires_checks,
            "enable_status_check": self._project.requires_checks and name == self._project.default_branch,
            "status_check_contexts": ["test"] if self._project.requires_checks else [],
            "user_can_push": True,
        }

    def status(self, head: str) -> dict[str, Any]:
        result = self._project.checks.get(head)
        return {"sha": head, "state": result or "pending", "total_count": 1 if result else 0, "statuses": []}

    def label(self, name: str) -> dict[str, Any]:
        number = self._project.labels.get(name) or self._owner_labels[name]
        return {"id": number, "name": name, "color": "1d76db", "description": ""}

    def milestone(self, title: str) -> dict[str, Any]:
        return {"id": self._project.milestones[title], "title": title, "state": "open"}

    def pull(self, stored: StoredMergeRequest) -> dict[str, Any]:
        ended_at = write_time(stored.updated_at) if stored.state != OPENED else None
        is_merged = stored.state == MERGED
        fork = {**self.repo(), "id": 99, "full_name": "mallory/infra"}
        # The branch itself is the ref only while it is there.
        ref = stored.branch if stored.branch in self._heads else f"refs/pull/{stored.number}/head"
        is_checked = stored.state == OPENED and stored.reads > 1
        base = {
            "label": stored.target,
            "ref": stored.target,
            "sha": self._heads.get(stored.target, ""),
            "repo": self.repo(),
        }
        return {
            **self._common(stored),
            "url": f"{self._web}/pulls/{stored.number}",
            "html_url": f"{self._web}/pulls/{stored.number}",
            **({"draft": stored.is_draft} if self._has_drafts else {}),
            "merged": is_merged,
            "merged_at": ended_at if is_merged else None,
            "merged_by": self.user(stored.ended_by) if is_merged and stored.ended_by else None,
            "merge_commit_sha": stored.merge_commit,
            "closed_at": ended_at,
            "mergeable": is_checked and not stored.is_draft and not self._project.has_conflicts(stored),
            "requested_reviewers": [self.user(name) for name in stored.reviewers] or None,
            "head": {
                "label": stored.branch,
                "ref": ref,
                "sha": str(stored.head),
                "repo_id": 99 if stored.is_from_fork else self._project.number,
                "repo": fork if stored.is_from_fork else self.repo(),
            },
            "base": {**base, "repo_id": self._project.number},
        }

    def issue(self, stored: StoredIssue | StoredMergeRequest) -> dict[str, Any]:
        is_pull = isinstance(stored, StoredMergeRequest)
        return {
            **self._common(stored),
            "url": f"{self._web}/issues/{stored.number}",
            "html_url": f"{self._web}/issues/{stored.number}",
            "pull_request": {"merged": stored.state == MERGED, "merged_at": None} if is_pull else None,
        }

    def comment(self, number: int, note: Note) -> dict[str, Any]:
        return {
            "id": note.number,
            "body": note.body,
            "user": self.user(note.author),
            "html_url": f"{self._web}/issues/{number}#issuecomment-{note.number}",
            "created_at": write_time(note.at),
            "updated_at": write_time(note.at),
        }

    def _common(self, stored: StoredIssue | StoredMergeRequest) -> dict[str, Any]:
        assignees = stored.assignees if isinstance(stored, StoredMergeRequest) else []
        milestone = stored.milestone if isinstance(stored, StoredMergeRequest) else None
        return {
            "id": 1000 + stored.number,
            "number": stored.number,
            "state": "open" if stored.state == OPENED else "closed",
            "title": stored.title,
            "body": stored.body,
            "user": self.user(stored.author),
            "labels": [self.label(name) for name in stored.labels],
            "milestone": self.milestone(milestone) if milestone else None,
            "assignees": [self.user(name) for name in assignees] or None,
            "comments": len(stored.notes),
            "is_locked": False,
            "created_at": write_time(stored.created_at),
            "updated_at": write_time(stored.updated_at),
        }
