"""What GitLab's answers look like: the forms of users, projects, branches, merge requests, issues and notes."""

from datetime import datetime
from typing import Any

from tests.servers.forge_project import CLOSED, MERGED, OPENED, Note, StoredIssue, StoredMergeRequest, StoredProject


def write_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


class Answers:
    """Writes answers about one project as the GitLab at `url` does."""

    def __init__(self, project: StoredProject, url: str) -> None:
        self._project = project
        self._web_url = f"{url}/{project.path}"

    def user(self, name: str) -> dict[str, Any]:
        number = (self._project.users | self._project.outsiders).get(name, 99)
        return {"id": number, "username": name, "name": name.title(), "state": "active"}

    def token(self, scopes: list[str], expires_at: str) -> dict[str, Any]:
        return {
            "id": 5,
            "name": "imagebot",
            "revoked": False,
            "created_at": "2026-01-01T00:00:00.000Z",
            "scopes": scopes,
            "user_id": 1,
            "active": True,
            "expires_at": expires_at,
        }

    def project(self, role: int | None) -> dict[str, Any]:
        path, name = self._project.path, self._project.path.rpartition("/")[2]
        access = {"access_level": role, "notification_level": 3} if role is not None else None
        return {
            "id": self._project.number,
            "name": name,
            "path": name,
            "path_with_namespace": path,
            "default_branch": None if self._project.is_empty else self._project.default_branch,
            "ssh_url_to_repo": f"git@localhost:{path}.git",
            "http_url_to_repo": f"{self._web_url}.git",
            "web_url": self._web_url,
            "visibility": "private",
            "namespace": {"id": 1, "name": "acme", "path": "acme", "kind": "group", "full_path": "acme"},
            "archived": self._project.is_archived,
            "empty_repo": self._project.is_empty,
            "merge_method": "merge",
            "merge_requests_access_level": "enabled" if self._project.has_merge_requests else "disabled",
            "repository_access_level": "enabled",
            "issues_access_level": "enabled" if self._project.has_issues else "disabled",
            "permissions": {"project_access": access, "group_access": None},
        }

    def branch(self, name: str, head: str) -> dict[str, Any]:
        fields = "%H%x00%h%x00%cI%x00%P%x00%s%x00%an%x00%ae%x00%aI%x00%cn%x00%ce"
        values = self._project.git("show", "--no-patch", f"--format={fields}", head).split("\0")
        names = ("id", "short_id", "created_at", "parent_ids", "title", "author_name", "author_email", "authored_date")
        commit: dict[str, Any] = dict(zip((*names, "committer_name", "committer_email"), values, strict=True))
        commit["parent_ids"] = commit["parent_ids"].split()
        commit |= {"message": commit["title"], "committed_date": commit["created_at"], "web_url": self._web_url}
        is_default = name == self._project.default_branch
        return {
            "name": name,
            "commit": commit,
            "merged": False,
            "protected": is_default,
            "default": is_default,
            "web_url": self._web_url,
        }

    def note(self, item: StoredMergeRequest | StoredIssue, note: Note) -> dict[str, Any]:
        return {
            "id": note.number,
            "body": note.body,
            "author": self.user(note.author),
            "created_at": write_time(note.at),
            "updated_at": write_time(note.at),
            "system": False,
            "noteable_id": 1000 + item.number,
            "noteable_iid": item.number,
            "noteable_type": "Issue" if isinstance(item, StoredIssue) else "MergeRequest",
            "resolvable": False,
        }

    def issue(self, stored: StoredIssue) -> dict[str, Any]:
        return {
            "id": 5000 + stored.number,
            "iid": stored.number,
            "project_id": self._project.number,
            "title": stored.title,
            "description": stored.body,
            "state": stored.state,
            "created_at": write_time(stored.created_at),
            "updated_at": write_time(stored.updated_at),
            "labels": stored.labels,
            "author": self.user(stored.author),
            "web_url": f"{self._web_url}/-/issues/{stored.number}",
        }

    def merge_request(self, stored: StoredMergeRequest) -> dict[str, Any]:
        """The form of lists: whether it can be merged is only known once it was read by itself."""
        status, detailed = self._merge_status(stored)
        ended_by = self.user(stored.ended_by) if stored.ended_by else None
        milestone = stored.milestone and {"id": self._project.milestones[stored.milestone], "title": stored.milestone}
        return {
            # Numbers of all of GitLab's merge requests, unlike iid, which counts those of the project.
            "id": 1000 + stored.number,
            "iid": stored.number,
            "project_id": self._project.number,
            "title": stored.title,
            "description": stored.body,
            "state": stored.state,
            "created_at": write_time(stored.created_at),
            "updated_at": write_time(stored.updated_at),
            "closed_by": ended_by if stored.state == CLOSED else None,
            "merged_by": ended_by if stored.state == MERGED else None,
            "target_branch": stored.target,
            "source_branch": stored.branch,
            "author": self.user(stored.author),
            "assignees": [self.user(name) for name in stored.assignees],
            "reviewers": [self.user(name) for name in stored.reviewers],
            "milestone": milestone,
            "source_project_id": 99 if stored.is_from_fork else self._project.number,
            "target_project_id": self._project.number,
            "labels": stored.labels,
            "draft": stored.is_draft,
            "work_in_progress": stored.is_draft,
            "merge_when_pipeline_succeeds": stored.is_auto_merging,
            "merge_status": status,
            "detailed_merge_status": detailed,
            "has_conflicts": detailed == "conflict",
            "sha": stored.head,
            "merge_commit_sha": stored.merge_commit,
            "force_remove_source_branch": stored.removes_branch,
            "squash": False,
            "web_url": f"{self._web_url}/-/merge_requests/{stored.number}",
        }

    def single_merge_request(self, stored: StoredMergeRequest) -> dict[str, Any]:
        """The form of one: null at first where GitLab works it out in the background."""
        is_prepared = stored.reads > 1
        diff_refs = None
        if is_prepared and stored.head is not None:
            target = f"refs/heads/{stored.target}"
            base = self._project.git("merge-base", target, stored.head, fine=(0, 1)) or None
            start = self._project.git("rev-parse", target)
            diff_refs = {"base_sha": base, "start_sha": start, "head_sha": stored.head}
        return {
            **self.merge_request(stored),
            "diff_refs": diff_refs,
            "changes_count": "1" if is_prepared else None,
            "user": {"can_merge": True},
            "head_pipeline": self._pipeline(stored),
        }

    def _pipeline(self, stored: StoredMergeRequest) -> dict[str, Any] | None:
        check = self._project.checks.get(str(stored.head))
        names = {"pending": "running", "success": "success", "failure": "failed"}
        return {"id": 1, "sha": stored.head, "status": names[check]} if check else None

    def _merge_status(self, stored: StoredMergeRequest) -> tuple[str, str]:
        if stored.state != OPENED:
            return "can_be_merged", "not_open"
        if stored.reads < 2:
            return ("unchecked", "unchecked") if stored.reads == 0 else ("checking", "checking")
        if self._project.has_conflicts(stored):
            return "cannot_be_merged", "conflict"
        if self._project.requires_current_branches and not self._project.is_current(stored):
            return "can_be_merged", "need_rebase"
        return "can_be_merged", "draft_status" if stored.is_draft else "mergeable"
