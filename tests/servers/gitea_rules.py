"""The rules by which a loopback Gitea takes or refuses a change."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from tests.servers.forge_project import (
    CLOSED,
    MERGED,
    OPENED,
    RefusalError,
    StoredIssue,
    StoredMergeRequest,
    StoredProject,
)

DRAFT = re.compile(r"\A\s*(?:wip:|\[wip\])", re.IGNORECASE)
_TITLE_BYTES = 255


def refuse(status: int, message: str) -> RefusalError:
    return RefusalError(status, {"message": message, "url": "http://localhost/api/swagger"})


class Rules:
    """What Gitea makes of what it is sent, and what it refuses."""

    def __init__(self, project: StoredProject, owner_labels: Mapping[str, int]) -> None:
        self.project = project
        self._owner_labels = owner_labels

    def create(self, values: Mapping[str, Any], *, author: str) -> StoredMergeRequest:
        source, target = values["head"], values["base"]
        if source == target:
            raise refuse(422, "Invalid PullRequest: There are no changes between the head and the base")
        head = self.project.find_head(source)
        if head is None or self.project.find_head(target) is None:
            raise refuse(404, "The target couldn't be found.")
        self._check_unique(source, target)
        titles = {number: title for title, number in self.project.milestones.items()}
        if values.get("milestone") and values["milestone"] not in titles:
            raise refuse(404, "The target couldn't be found.")
        made = StoredMergeRequest(
            number=self.project.next_number(),
            author=author,
            title="",
            branch=source,
            target=target,
            created_at=self.project.now(),
            body=values.get("body") or "",
            head=head,
            labels=self._name_labels(values.get("labels") or ()),
            milestone=titles.get(values.get("milestone") or 0),
        )
        self._set_title(made, values["title"])
        self._assign(made, values.get("assignees") or ())
        self.project.merge_requests[made.number] = made
        self.project.touch(made)
        return made

    def update(self, found: StoredMergeRequest, values: Mapping[str, Any], *, by: str) -> None:
        if values.get("title"):
            self._set_title(found, values["title"])
        if values.get("body") is not None:
            found.body = values["body"]
        if values.get("state"):
            self.move(found, values["state"], by=by)
        self.project.touch(found)

    def move(self, found: StoredMergeRequest, state: str, *, by: str) -> None:
        if found.state == MERGED:
            raise refuse(412, "cannot change state of this pull request, it was already merged")
        if state == "open" and found.state == CLOSED:
            if self.project.find_head(found.branch) is None:
                raise refuse(422, "the head branch does not exist")
            self._check_unique(found.branch, found.target)
            self.project.set_state(found, OPENED, by=by)
        elif state == "closed" and found.state == OPENED:
            self.project.set_state(found, CLOSED, by=by)

    def merge(self, found: StoredMergeRequest, values: Mapping[str, Any], *, by: str) -> int:
        """Merge, or schedule it; it waits only for checks that are required, and else is merged at once."""
        if found.state == CLOSED:
            raise refuse(404, "The target couldn't be found.")
        if found.state == MERGED:
            raise refuse(405, "")
        if found.is_draft:
            raise refuse(405, "Work in progress PRs cannot be merged")
        if self.project.has_conflicts(found):
            raise refuse(405, "Please try again later")
        found.removes_branch = bool(values.get("delete_branch_after_merge"))
        result = self.project.checks.get(str(found.head))
        is_blocked = self.project.requires_checks and result != "success"
        if values.get("merge_when_checks_succeed"):
            if found.is_auto_merging:
                raise refuse(409, "pull request is already scheduled to auto merge when checks succeed")
            found.is_auto_merging = True
            if not is_blocked:
                self.project.merge(found, by=by)
            return 201
        if is_blocked:
            raise refuse(405, "not all required status checks successful")
        if values.get("head_commit_id", found.head) != found.head:
            raise refuse(409, "head out of date")
        self.project.merge(found, by=by)
        return 200

    def create_issue(self, values: Mapping[str, Any], author: str) -> StoredIssue:
        if not values.get("title"):
            raise refuse(422, "[Title]: Required")
        at = self.project.now()
        made = StoredIssue(self.project.next_number(), author, values["title"], values.get("body") or "", at)
        made.labels, made.updated_at = self._name_labels(values.get("labels") or ()), at
        self.project.issues[made.number] = made
        return made

    def update_issue(self, found: StoredIssue | StoredMergeRequest, values: Mapping[str, Any], *, by: str) -> None:
        found.title = values.get("title") or found.title
        found.body = found.body if values.get("body") is None else values["body"]
        if values.get("state"):
            self.project.set_state(found, {"open": OPENED, "closed": CLOSED}[values["state"]], by=by)
        if isinstance(found, StoredMergeRequest) and values.get("assignees") is not None:
            self._assign(found, values["assignees"])
        self.project.touch(found)

    def ask_reviewers(self, found: StoredMergeRequest, values: Mapping[str, Any]) -> None:
        users = {name.lower(): name for name in self.project.users}
        everyone = {name.lower() for name in self.project.users | self.project.outsiders}
        teams = {team.rpartition("/")[2] for team in self.project.teams}
        for name in values.get("reviewers") or ():
            if name.lower() not in everyone:
                raise refuse(404, f"user does not exist [name: {name}]")
            if name.lower() not in users or name.lower() == found.author.lower():
                raise refuse(422, f"{name} is not a valid review request")
        for team in values.get("team_reviewers") or ():
            if team not in teams:
                raise refuse(404, f"team does not exist [name: {team}]")
        names = (users[name.lower()] for name in values.get("reviewers") or ())
        found.reviewers = list(dict.fromkeys((*found.reviewers, *names)))
        found.teams = list(dict.fromkeys((*found.teams, *(values.get("team_reviewers") or ()))))
        self.project.touch(found)

    def _assign(self, found: StoredMergeRequest, names: Collection[str]) -> None:
        users = {name.lower(): name for name in self.project.users}
        for name in names:
            if name.lower() not in users:
                raise refuse(422, f"Assignee does not exist: [name: {name}]")
        found.assignees = [users[name.lower()] for name in names]

    def _name_labels(self, ids: Collection[int]) -> list[str]:
        """Name the labels; numbers that nobody has are passed over."""
        names = {number: name for name, number in (*self._owner_labels.items(), *self.project.labels.items())}
        return sorted(names[number] for number in ids if number in names)

    def _set_title(self, found: StoredMergeRequest, title: str) -> None:
        self.project.set_title(found, title.encode()[:_TITLE_BYTES].decode(errors="ignore"))

    def _check_unique(self, source: str, target: str) -> None:
        for each in self.project.merge_requests.values():
            if each.state == OPENED and (each.is_from_fork, each.branch, each.target) == (False, source, target):
                said = f"pull request already exists for these targets [id: 1, issue_id: {each.number}]"
                raise refuse(409, said)
