"""What GitLab's answers look like: the forms of users, projects, branches, merge requests and notes."""

from typing import Any

from tests.servers.gitlab_project import GitLabProject, Note, StoredMergeRequest


class Answers:
    """Writes answers about one project as the GitLab at `url` does."""

    def __init__(self, project: GitLabProject, url: str) -> None:
        self._project = project
        self._web_url = f"{url}/{project.path}"

    def user(self, name: str) -> dict[str, Any]:
        number = self._project.users.get(name, 99)
        return {"id": number, "username": name, "name": name.title(), "state": "active"}

    def project(self) -> dict[str, Any]:
        path, name = self._project.path, self._project.path.rpartition("/")[2]
        return {
            "id": self._project.number,
            "name": name,
            "path": name,
            "path_with_namespace": path,
            "default_branch": "main",
            "ssh_url_to_repo": f"git@localhost:{path}.git",
            "http_url_to_repo": f"{self._web_url}.git",
            "web_url": self._web_url,
            "visibility": "private",
            "namespace": {"id": 1, "name": "acme", "path": "acme", "kind": "group", "full_path": "acme"},
            "archived": False,
            "merge_method": "merge",
        }

    def branch(self, name: str, head: str) -> dict[str, Any]:
        fields = "%H%x00%h%x00%cI%x00%P%x00%s%x00%an%x00%ae%x00%aI%x00%cn%x00%ce"
        values = self._project.git("show", "--no-patch", f"--format={fields}", head).split("\0")
        names = ("id", "short_id", "created_at", "parent_ids", "title", "author_name", "author_email", "authored_date")
        commit: dict[str, Any] = dict(zip((*names, "committer_name", "committer_email"), values, strict=True))
        commit["parent_ids"] = commit["parent_ids"].split()
        commit |= {"message": commit["title"], "committed_date": commit["created_at"], "web_url": self._web_url}
        is_default = name == "main"
        return {
            "name": name,
            "commit": commit,
            "merged": False,
            "protected": is_default,
            "default": is_default,
            "web_url": self._web_url,
        }

    def note(self, merge_request: StoredMergeRequest, note: Note) -> dict[str, Any]:
        return {
            "id": note.number,
            "body": note.body,
            "author": self.user(note.author),
            "created_at": note.at,
            "updated_at": note.at,
            "system": False,
            "noteable_id": 1000 + merge_request.iid,
            "noteable_iid": merge_request.iid,
            "noteable_type": "MergeRequest",
            "resolvable": False,
        }

    def merge_request(self, stored: StoredMergeRequest) -> dict[str, Any]:
        """The form of lists: whether it can be merged is only known once it was read by itself."""
        names = {number: name for name, number in self._project.users.items()}
        status, detailed = self._merge_status(stored)
        return {
            # Numbers of all of GitLab's merge requests, unlike iid, which counts those of the project.
            "id": 1000 + stored.iid,
            "iid": stored.iid,
            "project_id": self._project.number,
            "title": stored.title,
            "description": stored.description,
            "state": stored.state,
            "created_at": stored.created_at,
            "updated_at": stored.updated_at,
            "closed_by": self.user(stored.closed_by) if stored.closed_by and stored.state == "closed" else None,
            "merged_by": self.user(stored.closed_by) if stored.closed_by and stored.state == "merged" else None,
            "target_branch": stored.target_branch,
            "source_branch": stored.source_branch,
            "author": self.user(stored.author),
            "assignees": [self.user(names[number]) for number in stored.assignees],
            "reviewers": [self.user(names[number]) for number in stored.reviewers],
            "source_project_id": stored.source_project,
            "target_project_id": self._project.number,
            "labels": stored.labels,
            "draft": stored.is_draft,
            "work_in_progress": stored.is_draft,
            "merge_when_pipeline_succeeds": False,
            "merge_status": status,
            "detailed_merge_status": detailed,
            "has_conflicts": detailed == "conflict",
            "sha": stored.head,
            "merge_commit_sha": stored.merge_commit,
            "force_remove_source_branch": stored.removes_source_branch,
            "squash": False,
            "web_url": f"{self._web_url}/-/merge_requests/{stored.iid}",
        }

    def single_merge_request(self, stored: StoredMergeRequest) -> dict[str, Any]:
        """The form of one: null at first where GitLab works it out in the background."""
        is_prepared = stored.reads > 1
        diff_refs = None
        if is_prepared and stored.head is not None:
            target = f"refs/heads/{stored.target_branch}"
            base = self._project.git("merge-base", target, stored.head, fine=(0, 1)) or None
            start = self._project.git("rev-parse", target)
            diff_refs = {"base_sha": base, "start_sha": start, "head_sha": stored.head}
        return {
            **self.merge_request(stored),
            "diff_refs": diff_refs,
            "changes_count": "1" if is_prepared else None,
            "user": {"can_merge": True},
        }

    def _merge_status(self, stored: StoredMergeRequest) -> tuple[str, str]:
        if stored.state != "opened":
            return "can_be_merged", "not_open"
        if stored.reads < 2:
            return ("unchecked", "unchecked") if stored.reads == 0 else ("checking", "checking")
        if self._project.has_conflicts(stored):
            return "cannot_be_merged", "conflict"
        return "can_be_merged", "draft_status" if stored.is_draft else "mergeable"
