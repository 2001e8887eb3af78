"""The rules by which a loopback GitLab takes or refuses a change, and what it does besides: quick actions."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.servers.forge_project import (
    CLOSED,
    MERGED,
    OPENED,
    Note,
    RefusalError,
    StoredIssue,
    StoredMergeRequest,
    StoredProject,
)

_TITLE_LIMIT = 255
_DESCRIPTION_LIMIT = 1_048_576
DRAFT = re.compile(r"\A(?:\s*(?:\[draft\]|\(draft\)|draft:)\s*)+", re.IGNORECASE)
_LABELS = {"labels", "add_labels", "remove_labels"}
_OPTIONAL = _LABELS | {"description", "assignee_ids", "reviewer_ids", "milestone_id", "remove_source_branch", "squash"}
CREATE_PARAMETERS = _OPTIONAL | {"title", "source_branch", "target_branch"}
UPDATE_PARAMETERS = _OPTIONAL | {"title", "target_branch", "state_event"}
MERGE_PARAMETERS = {"auto_merge", "merge_when_pipeline_succeeds", "sha", "should_remove_source_branch", "squash"}
ISSUE_PARAMETERS = _LABELS | {"title", "description", "state_event"}
# A fenced block of code, which GitLab passes over, or a command. GitLab passes over some more, but nobody should lean
# on that; an HTML comment hides nothing from it.
_QUICK_ACTION = re.compile(
    r"^```.+?\n```$|^/(?P<command>close|reopen|merge|draft|ready|title|label|assign|approve)(?: [^\n]*)?(?:\s*\n|$)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


class Rules:
    """What GitLab makes of what it is sent, and what it refuses."""

    def __init__(self, project: StoredProject) -> None:
        self.project = project
        self.is_free_edition = False
        """Whether one reviewer and one assignee are kept, and the others dropped without a word."""
        self.missing_branch_status = 400
        """How this release says that the source branch does not exist: 400 or 422."""

    def create(self, values: Mapping[str, Any], *, author: str) -> StoredMergeRequest:
        missing = [name for name in ("title", "source_branch", "target_branch") if not values.get(name)]
        if missing:
            raise RefusalError(400, {"error": ", ".join(f"{name} is missing" for name in missing)})
        self._check_texts(values)
        head = self.check_branches(values["source_branch"], values["target_branch"])
        made = StoredMergeRequest(
            number=self.project.next_number(),
            author=author,
            title="",
            branch=values["source_branch"],
            target=values["target_branch"],
            created_at=self.project.now(),
            head=head,
        )
        has_commits = not self.project.is_merged(head, self.project.list_heads()[made.target])
        title = values["title"] if has_commits else f"Draft: {DRAFT.sub('', values['title'])}"
        self.project.set_title(made, title)
        self.project.merge_requests[made.number] = made
        self._change(made, values)
        return made

    def update(self, found: StoredMergeRequest, values: Mapping[str, Any], *, by: str) -> None:
        if not values:
            names = ", ".join(sorted(UPDATE_PARAMETERS))
            raise RefusalError(400, {"error": f"{names} are missing, at least one parameter must be provided"})
        self._check_texts(values)
        if values.get("state_event") == "reopen" and found.state == CLOSED:
            self.check_branches(found.branch, found.target)
        if "title" in values:
            self.project.set_title(found, values["title"])
        self._change(found, values)
        if "state_event" in values:
            self._move(found, values["state_event"], by=by)

    def merge(self, found: StoredMergeRequest, values: Mapping[str, Any], *, by: str) -> None:
        if found.state != OPENED or found.is_draft or self.project.has_conflicts(found):
            raise RefusalError(405, {"message": "405 Method Not Allowed"})
        if values.get("sha", found.head) != found.head:
            raise RefusalError(409, {"message": f"SHA does not match HEAD of source branch: {found.head}"})
        check = self.project.checks.get(str(found.head))
        waits = bool(values.get("auto_merge") or values.get("merge_when_pipeline_succeeds"))
        if check is None or check == "success":
            self.project.merge(found, by=by)
        elif waits and check == "pending":
            found.is_auto_merging = True
            self.project.touch(found)
        else:
            raise RefusalError(405, {"message": "405 Method Not Allowed"})

    def comment(self, found: StoredMergeRequest | StoredIssue, body: str, *, by: str) -> Note | None:
        """Add a note; None if it held nothing but quick actions."""
        if not body:
            raise RefusalError(400, {"error": "body is missing"})
        text = self._carry_out(found, body)
        return self.project.add_note(found, text, by=by) if text else None

    def create_issue(self, values: Mapping[str, Any], *, author: str) -> StoredIssue:
        if not values.get("title"):
            raise RefusalError(400, {"error": "title is missing"})
        self._check_texts(values)
        at = self.project.now()
        made = StoredIssue(self.project.next_number(is_issue=True), author, values["title"], "", at, updated_at=at)
        made.body = self._carry_out(made, values.get("description") or "")
        self.project.issues[made.number] = made
        return made

    def update_issue(self, found: StoredIssue, values: Mapping[str, Any], *, by: str) -> None:
        self._check_texts(values)
        found.title = values.get("title", found.title)
        if "description" in values:
            found.body = self._carry_out(found, values["description"] or "")
        if "state_event" in values:
            self.project.set_state(found, {"close": CLOSED, "reopen": OPENED}[values["state_event"]], by=by)
        self.project.touch(found)

    def check_branches(self, source: str, target: str) -> str:
        """Refuse what GitLab refuses of a pair of branches; return the head of the source."""
        if source == target:
            raise RefusalError(422, {"message": ["You can't use same project/branch for source and target"]})
        head = self.project.find_head(source)
        if head is None and self.missing_branch_status == 400:
            raise RefusalError(400, {"message": {"source_branch": ["does not exist"]}})
        if head is None:
            raise RefusalError(422, {"message": [f'Source branch "{source}" does not exist']})
        if self.project.find_head(target) is None:
            raise RefusalError(422, {"message": [f'Target branch "{target}" does not exist']})
        for each in self.project.merge_requests.values():
            if each.state == OPENED and (each.is_from_fork, each.branch, each.target) == (False, source, target):
                said = f"Another open merge request already exists for this source branch: !{each.number}"
                raise RefusalError(409, {"message": [said]})
        return head

    def _check_texts(self, values: Mapping[str, Any]) -> None:
        texts = {name: str(values.get(name) or "") for name in ("title", "description")}
        if any("\0" in text for text in texts.values()):
            raise RefusalError(400, "Bad Request")
        for name, limit in (("title", _TITLE_LIMIT), ("description", _DESCRIPTION_LIMIT)):
            if len(texts[name]) > limit:
                raise RefusalError(400, {"message": {name: [f"is too long (maximum is {limit} characters)"]}})

    def _change(self, found: StoredMergeRequest, values: Mapping[str, Any]) -> None:
        if "description" in values:
            found.body = self._carry_out(found, values["description"] or "")
        if "labels" in values:
            found.labels = sorted(_as_list(values["labels"]))
        added, removed = _as_list(values.get("add_labels")), _as_list(values.get("remove_labels"))
        found.labels = sorted({*found.labels, *added} - set(removed))
        self.project.add_labels(found.labels)
        people = {number: name for name, number in (self.project.users | self.project.outsiders).items()}
        kept = 1 if self.is_free_edition else None
        if (ids := values.get("assignee_ids")) is not None:
            found.assignees = [people[int(n)] for n in _as_list(ids) if int(n) in people][:kept]
        if (ids := values.get("reviewer_ids")) is not None:
            found.reviewers = [people[int(n)] for n in _as_list(ids) if int(n) in people][:kept]
        if (number := values.get("milestone_id")) is not None:
            titles = {n: title for title, n in self.project.milestones.items()}
            found.milestone = titles.get(int(number))
        if "remove_source_branch" in values:
            found.removes_branch = bool(values["remove_source_branch"])
        self.project.touch(found)

    def _move(self, found: StoredMergeRequest, event: str, *, by: str) -> None:
        """Close or reopen; of what is already so, or merged, nothing becomes and nobody complains."""
        before, after = {"close": (OPENED, CLOSED), "reopen": (CLOSED, OPENED)}[event]
        if found.state == before:
            self.project.set_state(found, after, by=by)

    def _carry_out(self, found: StoredMergeRequest | StoredIssue, text: str) -> str:
        """Carry out the quick actions in a text, and return what GitLab keeps of it."""

        def act(match: re.Match[str]) -> str:
            if match["command"] is None:
                return match[0]
            self.project.quick_actions.append((found.number, match[0].strip()))
            actions.get(match["command"].lower(), lambda: None)()
            return ""

        bare = DRAFT.sub("", found.title)
        actions: Mapping[str, Callable[[], None]] = {
            "close": lambda: self.project.set_state(found, CLOSED, by=found.author),
            "merge": lambda: self.project.set_state(found, MERGED, by=found.author),
            "draft": lambda: setattr(found, "title", f"Draft: {bare}"),
            "ready": lambda: setattr(found, "title", bare),
        }
        return _QUICK_ACTION.sub(act, text.replace("\r", "")).rstrip()


def _as_list(value: object) -> list[Any]:
    """A list as GitLab takes it: an array, one value, or a text with commas; 0 and an empty text clear."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list):
        return [part for part in value if part not in {0, "0", ""}]
    return [value] if value else []
