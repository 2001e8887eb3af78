"""The rules by which a loopback GitHub takes or refuses a change."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.servers.forge_project import (
    CLOSED,
    OPENED,
    Note,
    RefusalError,
    StoredIssue,
    StoredMergeRequest,
    StoredProject,
)
from tests.servers.github_answers import write_errors

_TITLE_LIMIT = 256
_BODY_LIMIT = 65_536
_FAILED = "Validation Failed"


class Rules:
    """What GitHub makes of what it is sent, and what it refuses."""

    def __init__(self, project: StoredProject) -> None:
        self.project = project
        self.has_drafts = True
        """Whether the project's plan has them."""

    def create(self, values: Mapping[str, Any], *, author: str) -> StoredMergeRequest:
        self._check_texts(values, needs_title=True)
        source, target = values["head"], values["base"]
        head = self._check_branches(source, target)
        if values.get("draft") and not self.has_drafts:
            raise RefusalError(422, write_errors("Draft pull requests are not supported in this repository."))
        made = StoredMergeRequest(
            number=self.project.next_number(),
            author=author,
            title=values["title"],
            branch=source,
            target=target,
            created_at=self.project.now(),
            body=values.get("body") or "",
            head=head,
            is_draft=bool(values.get("draft")),
        )
        self.project.merge_requests[made.number] = made
        self.project.touch(made)
        return made

    def update(self, found: StoredMergeRequest, values: Mapping[str, Any], *, by: str) -> None:
        self._check_texts(values)
        found.title = values.get("title", found.title)
        found.body = values.get("body", found.body) or ""
        state = values.get("state")
        if state == "closed" and found.state == OPENED:
            self.project.set_state(found, CLOSED, by=by)
        if state == "open" and found.state != OPENED:
            self.reopen(found, by=by)
        self.project.touch(found)

    def reopen(self, found: StoredMergeRequest, *, by: str) -> None:
        """Open again what was closed, if its branch is where it was, as GitHub demands."""
        if found.state != CLOSED:
            raise _refuse("PullRequest", "state", "state cannot be changed.")
        head = self._check_branches(found.branch, found.target)
        if head != found.head:
            said = f"state cannot be changed. The {found.branch} branch was force-pushed or recreated."
            raise _refuse("PullRequest", "state", said)
        self.project.set_state(found, OPENED, by=by)

    def merge(self, found: StoredMergeRequest, values: Mapping[str, Any], *, by: str) -> str:
        is_blocked = self.project.checks.get(str(found.head)) == "pending"
        if found.state != OPENED or found.is_draft or is_blocked or self.project.has_conflicts(found):
            raise RefusalError(405, {"message": "Pull Request is not mergeable"})
        if values.get("sha", found.head) != found.head:
            raise RefusalError(409, {"message": "Head branch was modified. Review and try the merge again."})
        return self.project.merge(found, by=by, squash=values.get("merge_method") == "squash")

    def enable_auto_merge(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the one mutation that is known here; what it refuses is answered with status 200."""
        assert "enablePullRequestAutoMerge" in values["query"]
        wanted = values["variables"]
        found = self.project.merge_requests[int(wanted["id"].removeprefix("PR_"))]
        assert wanted["method"] in {"MERGE", "SQUASH", "REBASE"}
        fault = None
        if not self.project.allows_auto_merge:
            fault = "Auto merge is not allowed for this repository"
        elif not self.project.requires_checks:
            fault = "Protected branch rules not configured for this branch"
        elif wanted["head"] != found.head:
            fault = "Head branch was modified. Review and try the merge again."
        elif self.project.checks.get(str(found.head)) == "success":
            fault = "Pull request is in clean status"
        if fault is not None:
            errors = [{"type": "UNPROCESSABLE", "path": ["enablePullRequestAutoMerge"], "message": fault}]
            return {"data": {"enablePullRequestAutoMerge": None}, "errors": errors}
        found.is_auto_merging = True
        self.project.touch(found)
        return {"data": {"enablePullRequestAutoMerge": {"clientMutationId": None}}}

    def create_issue(self, values: Mapping[str, Any], author: str) -> StoredIssue:
        self._check_texts(values, needs_title=True)
        at = self.project.now()
        made = StoredIssue(self.project.next_number(), author, values["title"], values.get("body") or "", at)
        made.labels, made.updated_at = list(values.get("labels", ())), at
        self.project.add_labels(made.labels)
        self.project.issues[made.number] = made
        return made

    def update_issue(self, found: StoredIssue | StoredMergeRequest, values: Mapping[str, Any], *, by: str) -> None:
        self._check_texts(values)
        if isinstance(found, StoredMergeRequest):
            # All of it is refused if one value is wrong.
            self._check_people(values.get("assignees", ()))
            titles = {number: title for title, number in self.project.milestones.items()}
            number = values.get("milestone")
            if number is not None and number not in titles:
                raise _refuse("Issue", "milestone", None)
            found.milestone = found.milestone if number is None else titles[number]
            if "assignees" in values:
                self.assign(found, values["assignees"])
        found.title = values.get("title", found.title)
        found.body = values.get("body", found.body) or ""
        if "labels" in values:
            found.labels = list(values["labels"])
            self.project.add_labels(found.labels)
        if "state" in values:
            self.project.set_state(found, {"open": OPENED, "closed": CLOSED}[values["state"]], by=by)
        self.project.touch(found)

    def assign(self, found: StoredMergeRequest, names: Sequence[str]) -> None:
        """Assign those who have access; others are dropped without a word, and those who are not there refused."""
        self._check_people(names)
        users = {name.lower(): name for name in self.project.users}
        found.assignees = list(dict.fromkeys(users[name.lower()] for name in names if name.lower() in users))
        self.project.touch(found)

    def ask_reviewers(self, found: StoredMergeRequest, values: Mapping[str, Any]) -> None:
        users = {name.lower(): name for name in self.project.users}
        names, teams = values.get("reviewers", ()), values.get("team_reviewers", ())
        known = {team.rpartition("/")[2] for team in self.project.teams}
        if any(name.lower() == found.author.lower() for name in names):
            raise RefusalError(422, write_errors("Review cannot be requested from pull request author."))
        if any(name.lower() not in users for name in names) or set(teams) - known:
            said = "Reviews may only be requested from collaborators. One or more of the users or teams you specified"
            raise RefusalError(
                422, write_errors(f"{said} is not a collaborator of the {self.project.path} repository.")
            )
        found.reviewers = list(dict.fromkeys((*found.reviewers, *(users[name.lower()] for name in names))))
        found.teams = list(dict.fromkeys((*found.teams, *teams)))
        self.project.touch(found)

    def comment(self, found: StoredIssue | StoredMergeRequest, body: str, *, by: str) -> Note:
        if not body or len(body) > _BODY_LIMIT:
            raise _refuse("IssueComment", "body", "body is too long (maximum is 65536 characters)")
        return self.project.add_note(found, body, by=by)

    def _check_people(self, names: Sequence[str]) -> None:
        everyone = {name.lower() for name in self.project.users | self.project.outsiders}
        for name in names:
            if name.lower() not in everyone:
                raise _refuse("Issue", "assignees", None)

    def _check_texts(self, values: Mapping[str, Any], *, needs_title: bool = False) -> None:
        if needs_title and not values.get("title"):
            raise RefusalError(
                422, write_errors(_FAILED, {"resource": "Issue", "field": "title", "code": "missing_field"})
            )
        for name, limit in (("title", _TITLE_LIMIT), ("body", _BODY_LIMIT)):
            text = values.get(name) or ""
            if len(text) > limit:
                raise _refuse("Issue", name, f"{name} is too long (maximum is {limit} characters)")
            if "\0" in text:
                raise RefusalError(400, {"message": "Problems parsing JSON"})

    def _check_branches(self, source: str, target: str) -> str:
        head, base = self.project.find_head(source), self.project.find_head(target)
        if head is None:
            raise RefusalError(
                422, write_errors(_FAILED, {"resource": "PullRequest", "field": "head", "code": "invalid"})
            )
        if base is None:
            raise RefusalError(
                422, write_errors(_FAILED, {"resource": "PullRequest", "field": "base", "code": "invalid"})
            )
        owner = self.project.path.partition("/")[0]
        for each in self.project.merge_requests.values():
            if each.state == OPENED and (each.is_from_fork, each.branch, each.target) == (False, source, target):
                raise _refuse("PullRequest", None, f"A pull request already exists for {owner}:{source}.")
        if self.project.is_merged(head, base):
            raise _refuse("PullRequest", None, f"No commits between {target} and {source}")
        return head


def _refuse(resource: str, field: str | None, message: str | None) -> RefusalError:
    error = {"resource": resource, "code": "custom" if message else "invalid"}
    error |= {"field": field} if field else {}
    error |= {"message": message} if message else {}
    return RefusalError(422, write_errors(_FAILED, error))
