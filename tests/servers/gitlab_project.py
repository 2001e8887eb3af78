"""The project behind the loopback GitLab: its merge requests, and the rules by which GitLab takes or refuses a change.

What git knows is not kept here but asked of the bare repository each time: heads, conflicts, and whether a branch was
deleted or merged by hand. Instants are made up and only ever grow.
"""

import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TITLE_LIMIT = 255
DESCRIPTION_LIMIT = 1_048_576
DRAFT = re.compile(r"\A(?:\s*(?:\[draft\]|\(draft\)|draft:)\s*)+", re.IGNORECASE)
_LABELS = {"labels", "add_labels", "remove_labels"}
_OPTIONAL = _LABELS | {"description", "assignee_ids", "reviewer_ids", "remove_source_branch", "squash"}
CREATE_PARAMETERS = _OPTIONAL | {"title", "source_branch", "target_branch"}
UPDATE_PARAMETERS = _OPTIONAL | {"title", "target_branch", "state_event"}
# A fenced block of code, which GitLab passes over, or a command. GitLab passes over some more, but nobody should lean
# on that; an HTML comment hides nothing from it.
_QUICK_ACTION = re.compile(
    r"^```.+?\n```$|^/(?P<command>close|reopen|merge|draft|ready|title|label|assign|approve)(?: [^\n]*)?(?:\s*\n|$)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_IDENTITY = {f"GIT_{who}_{what}": "person" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class RefusalError(Exception):
    """GitLab's refusal of a request: a status, and a body that is text, list or mapping by the kind of fault."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


@dataclass
class Note:
    number: int
    body: str
    author: str
    at: str


@dataclass
class StoredMergeRequest:
    iid: int
    author: str
    title: str
    source_branch: str
    target_branch: str
    created_at: str
    source_project: int
    description: str = ""
    state: str = "opened"
    labels: list[str] = field(default_factory=list)
    assignees: list[int] = field(default_factory=list)
    reviewers: list[int] = field(default_factory=list)
    removes_source_branch: bool = False
    updated_at: str = ""
    closed_by: str | None = None
    merge_commit: str | None = None
    head: str | None = None
    reads: int = 0
    """How often it was read by itself: only that makes GitLab look for conflicts."""
    notes: list[Note] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.updated_at = self.updated_at or self.created_at

    @property
    def is_draft(self) -> bool:
        return DRAFT.match(self.title) is not None


class GitLabProject:
    """One project with its bare repository; methods that GitLab may refuse raise RefusalError."""

    def __init__(self, git_dir: Path, path: str, *, users: Mapping[str, int]) -> None:
        self.git_dir = git_dir
        self.path = path
        self.number = 7
        self.users = users
        self.labels: set[str] = set()
        self.merge_requests: dict[int, StoredMergeRequest] = {}
        self.quick_actions: list[tuple[int, str]] = []
        """What was carried out because a text said so: the merge request, and the line."""
        self.unseen: dict[str, int] = {}
        """Branches that were pushed but are not seen yet, and for how many more looks."""
        self.missing_branch_status = 400
        """How this release says that the source branch does not exist: 400 or 422."""
        self._ticks = 0

    def git(self, *arguments: str, fine: Collection[int] = (0,)) -> str:
        """Run git in the bare repository and return what it prints; exit codes other than `fine` are errors."""
        done = self._run(arguments)
        assert done.returncode in fine, done.stderr
        return done.stdout.strip()

    def find_head(self, branch: str) -> str | None:
        if self.unseen.get(branch, 0) > 0:
            self.unseen[branch] -= 1
            return None
        return self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", fine=(0, 1)) or None

    def is_merged(self, head: str, target: str) -> bool:
        """Whether the target holds the commit; fast-forwards and merges by hand count."""
        return self.git("rev-list", "--max-count=1", head, f"^refs/heads/{target}") == ""

    def now(self) -> str:
        self._ticks += 1
        return (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=self._ticks)).isoformat(timespec="milliseconds")

    def find(self, iid: int) -> StoredMergeRequest:
        if iid not in self.merge_requests:
            raise RefusalError(404, {"message": "404 Not found"})
        return self.merge_requests[iid]

    def refresh(self) -> None:
        """Do what GitLab does after a push: follow heads, notice a merge made by hand, close what lost its branch."""
        for each in self.merge_requests.values():
            if each.state != "opened" or each.source_project != self.number:
                continue
            head = self.find_head(each.source_branch)
            if head is None:
                self.set_state(each, "closed", by=each.author)
            elif head != each.head:
                each.head, each.updated_at, each.reads = head, self.now(), 0
            elif self.is_merged(head, each.target_branch) and not each.is_draft:
                self.set_state(each, "merged", by="alice")

    def create(self, values: Mapping[str, Any], *, author: str) -> StoredMergeRequest:
        missing = [name for name in ("title", "source_branch", "target_branch") if not values.get(name)]
        if missing:
            raise RefusalError(400, {"error": ", ".join(f"{name} is missing" for name in missing)})
        self._check_texts(values)
        head = self._check_branches(values["source_branch"], values["target_branch"])
        made = StoredMergeRequest(
            iid=max(self.merge_requests, default=0) + 1,
            author=author,
            title=values["title"],
            source_branch=values["source_branch"],
            target_branch=values["target_branch"],
            created_at=self.now(),
            source_project=self.number,
            head=head,
        )
        if self.is_merged(head, made.target_branch):
            made.title = f"Draft: {DRAFT.sub('', made.title)}"
        self.merge_requests[made.iid] = made
        self._change(made, values)
        return made

    def update(self, iid: int, values: Mapping[str, Any], *, by: str) -> StoredMergeRequest:
        found = self.find(iid)
        if not values:
            names = ", ".join(sorted(UPDATE_PARAMETERS))
            raise RefusalError(400, {"error": f"{names} are missing, at least one parameter must be provided"})
        self._check_texts(values)
        if values.get("state_event") == "reopen" and found.state == "closed":
            self._check_branches(found.source_branch, found.target_branch)
        if "title" in values:
            found.title = values["title"]
        self._change(found, values)
        if "state_event" in values:
            self._move(found, values["state_event"], by=by)
        return found

    def comment(self, iid: int, body: str, *, by: str) -> Note | None:
        """Add a note; None if it held nothing but quick actions."""
        found = self.find(iid)
        if not body:
            raise RefusalError(400, {"error": "body is missing"})
        text = self._carry_out(found, body)
        if not text:
            return None
        number = 1 + sum(len(each.notes) for each in self.merge_requests.values())
        found.notes.append(Note(number, text, by, self.now()))
        return found.notes[-1]

    def set_state(self, merge_request: StoredMergeRequest, state: str, *, by: str) -> None:
        merge_request.state = state
        merge_request.closed_by = None if state == "opened" else by
        merge_request.updated_at = self.now()

    def merge(self, iid: int, *, by: str) -> str:
        """Merge as a person does with the button; returns the merge commit, which the target then points to."""
        found = self.find(iid)
        old, new = self.find_head(found.target_branch), self.find_head(found.source_branch)
        assert found.state == "opened"
        assert old is not None
        assert new is not None
        tree = self.git("merge-tree", "--write-tree", old, new)
        commit = self.git("commit-tree", tree, "-p", old, "-p", new, "-m", f"Merge branch '{found.source_branch}'")
        self.git("update-ref", f"refs/heads/{found.target_branch}", commit, old)
        if found.removes_source_branch:
            self.git("update-ref", "-d", f"refs/heads/{found.source_branch}", new)
        found.merge_commit = commit
        self.set_state(found, "merged", by=by)
        return commit

    def has_conflicts(self, merge_request: StoredMergeRequest) -> bool:
        target = f"refs/heads/{merge_request.target_branch}"
        return self._run(("merge-tree", "--write-tree", target, str(merge_request.head))).returncode == 1

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        plain = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
        return subprocess.run(
            ["git", "--git-dir", str(self.git_dir), *arguments],
            env={"PATH": os.environ["PATH"], **plain, **_IDENTITY},
            capture_output=True,
            text=True,
            check=False,
        )

    def _check_texts(self, values: Mapping[str, Any]) -> None:
        texts = {name: str(values.get(name) or "") for name in ("title", "description")}
        if any("\0" in text for text in texts.values()):
            raise RefusalError(400, "Bad Request")
        for name, limit in (("title", TITLE_LIMIT), ("description", DESCRIPTION_LIMIT)):
            if len(texts[name]) > limit:
                raise RefusalError(400, {"message": {name: [f"is too long (maximum is {limit} characters)"]}})

    def _check_branches(self, source: str, target: str) -> str:
        """Refuse what GitLab refuses of a pair of branches; return the head of the source."""
        if source == target:
            raise RefusalError(422, {"message": ["You can't use same project/branch for source and target"]})
        head = self.find_head(source)
        if head is None and self.missing_branch_status == 400:
            raise RefusalError(400, {"message": {"source_branch": ["does not exist"]}})
        if head is None:
            raise RefusalError(422, {"message": [f'Source branch "{source}" does not exist']})
        if self.find_head(target) is None:
            raise RefusalError(422, {"message": [f'Target branch "{target}" does not exist']})
        for each in self.merge_requests.values():
            pair = (each.source_project, each.source_branch, each.target_branch)
            if each.state == "opened" and pair == (self.number, source, target):
                said = f"Another open merge request already exists for this source branch: !{each.iid}"
                raise RefusalError(409, {"message": [said]})
        return head

    def _change(self, merge_request: StoredMergeRequest, values: Mapping[str, Any]) -> None:
        if "description" in values:
            merge_request.description = self._carry_out(merge_request, values["description"] or "")
        if "labels" in values:
            merge_request.labels = sorted(_as_list(values["labels"]))
        added, removed = _as_list(values.get("add_labels")), _as_list(values.get("remove_labels"))
        merge_request.labels = sorted({*merge_request.labels, *added} - set(removed))
        self.labels |= set(merge_request.labels)
        for name in ("assignee", "reviewer"):
            if (ids := values.get(f"{name}_ids")) is not None:
                known = [number for number in _as_list(ids) if int(number) in self.users.values()]
                setattr(merge_request, f"{name}s", [int(number) for number in known])
        if "remove_source_branch" in values:
            merge_request.removes_source_branch = bool(values["remove_source_branch"])
        merge_request.updated_at = self.now()

    def _move(self, merge_request: StoredMergeRequest, event: str, *, by: str) -> None:
        """Close or reopen; of what is already so, or merged, nothing becomes and nobody complains."""
        before, after = {"close": ("opened", "closed"), "reopen": ("closed", "opened")}[event]
        if merge_request.state == before:
            self.set_state(merge_request, after, by=by)

    def _carry_out(self, merge_request: StoredMergeRequest, text: str) -> str:
        """Carry out the quick actions in a text, and return what GitLab keeps of it."""

        def act(match: re.Match[str]) -> str:
            if match["command"] is None:
                return match[0]
            self.quick_actions.append((merge_request.iid, match[0].strip()))
            actions.get(match["command"].lower(), lambda: None)()
            return ""

        bare = DRAFT.sub("", merge_request.title)
        actions: Mapping[str, Callable[[], None]] = {
            "close": lambda: self.set_state(merge_request, "closed", by=merge_request.author),
            "merge": lambda: self.set_state(merge_request, "merged", by=merge_request.author),
            "draft": lambda: setattr(merge_request, "title", f"Draft: {bare}"),
            "ready": lambda: setattr(merge_request, "title", bare),
        }
        return _QUICK_ACTION.sub(act, text.replace("\r", "")).rstrip()


def _as_list(value: object) -> list[Any]:
    """A list as GitLab takes it: an array, one value, or a text with commas; 0 and an empty text clear."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list):
        return [part for part in value if part not in {0, "0", ""}]
    return [value] if value else []
