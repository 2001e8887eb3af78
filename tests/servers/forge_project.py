"""The project behind a loopback forge: its merge requests and issues, as every forge has them.

What git knows is not kept here but asked of the bare repository each time: heads, conflicts, and whether a branch was
deleted or merged by hand. What only one forge does is in that forge's module.
"""

import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

OPENED, CLOSED, MERGED = "opened", "closed", "merged"
_IDENTITY = {f"GIT_{who}_{what}": "person" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


class RefusalError(Exception):
    """A forge's refusal of a request: a status, and a body that is text, list or mapping by the kind of fault."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


@dataclass
class Note:
    number: int
    body: str
    author: str
    at: datetime


@dataclass
class StoredIssue:
    number: int
    author: str
    title: str
    body: str
    created_at: datetime
    state: str = OPENED
    labels: list[str] = field(default_factory=list)
    updated_at: datetime = _BEGIN
    notes: list[Note] = field(default_factory=list)


@dataclass
class StoredMergeRequest:
    """A merge request. People are named by their user names, labels and milestones by their titles."""

    number: int
    author: str
    title: str
    branch: str
    target: str
    created_at: datetime
    body: str = ""
    state: str = OPENED
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    milestone: str | None = None
    is_draft: bool = False
    removes_branch: bool = False
    is_auto_merging: bool = False
    updated_at: datetime = _BEGIN
    ended_by: str | None = None
    merge_commit: str | None = None
    head: str | None = None
    is_from_fork: bool = False
    reads: int = 0
    """How often it was read by itself since its branch moved: only that makes forges look for conflicts."""
    notes: list[Note] = field(default_factory=list)

    @property
    def note_bodies(self) -> list[str]:
        return [note.body for note in self.notes]


class StoredProject:
    """One project, `acme/infra`, with its bare repository, its people, and what may be done in it.

    `find_drafts` tells a draft by its title, where a forge does; instants only ever grow, from what `clock` says.
    """

    def __init__(self, git_dir: Path, *, draft_marks: re.Pattern[str] | None, shares_numbers: bool) -> None:
        self.git_dir = git_dir
        self.path = "acme/infra"
        self.old_path = "acme/old-infra"
        """Where it was before it moved."""
        self.number = 7
        self.draft_marks = draft_marks
        self.shares_numbers = shares_numbers
        self.clock: Callable[[], datetime] = lambda: _BEGIN
        self.users = {"imagebot": 1, "alice": 2, "bob": 3}
        self.outsiders = {"oscar": 9}
        """Users of the forge who may not be asked to review here."""
        self.teams: dict[str, tuple[str, ...]] = {"acme/reviewers": ("alice", "bob")}
        self.milestones = {"Autumn": 41}
        self.labels: dict[str, int] = {}
        self.default_branch = "main"
        self.is_archived = False
        self.has_merge_requests = True
        self.has_issues = True
        self.allows_auto_merge = True
        self.deletes_merged_branches = False
        self.requires_current_branches = False
        """Whether only a branch is merged that has what its target has."""
        self.requires_checks = True
        """Whether a merge has to wait for checks."""
        self.checks: dict[str, str] = {}
        """By commit what its checks came to: pending, success or failure; none where there are no checks."""
        self.merge_requests: dict[int, StoredMergeRequest] = {}
        self.issues: dict[int, StoredIssue] = {}
        self.unseen: dict[str, int] = {}
        """Branches that were pushed but are not seen yet, and for how many more looks."""
        self.quick_actions: list[tuple[int, str]] = []
        """What was carried out because a text said so: the merge request, and the line."""
        self._last = _BEGIN
        self._notes = 0
        self._merged: dict[tuple[str, str], bool] = {}

    # What git knows

    def git(self, *arguments: str, fine: Collection[int] = (0,)) -> str:
        """Run git in the bare repository and return what it prints; exit codes other than `fine` are errors."""
        done = self.run_git(arguments)
        assert done.returncode in fine, done.stderr
        return done.stdout.strip()

    def run_git(self, arguments: Sequence[str], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
        plain = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
        return subprocess.run(
            ["git", "--git-dir", str(self.git_dir), *arguments],
            env={"PATH": os.environ["PATH"], **plain, **_IDENTITY},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def list_heads(self) -> Mapping[str, str]:
        listing = self.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads")
        return dict(line.rsplit(" ", 1) for line in listing.splitlines())

    def find_head(self, branch: str) -> str | None:
        if self.unseen.get(branch, 0) > 0:
            self.unseen[branch] -= 1
            return None
        return self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", fine=(0, 1)) or None

    def is_merged(self, head: str, target_head: str) -> bool:
        """Whether the target holds the commit; fast-forwards and merges by hand count."""
        if (head, target_head) not in self._merged:
            done = self.run_git(("merge-base", "--is-ancestor", head, target_head))
            self._merged[head, target_head] = done.returncode == 0
        return self._merged[head, target_head]

    def has_conflicts(self, merge_request: StoredMergeRequest) -> bool:
        target = f"refs/heads/{merge_request.target}"
        return self.run_git(("merge-tree", "--write-tree", target, str(merge_request.head))).returncode == 1

    def is_current(self, merge_request: StoredMergeRequest) -> bool:
        """Whether the branch has all that the target has."""
        target = self.find_head(merge_request.target)
        return target is not None and self.is_merged(target, str(merge_request.head))

    @property
    def is_empty(self) -> bool:
        return not self.list_heads()

    # What people and the forge itself do

    def now(self) -> datetime:
        self._last = max(self.clock().replace(microsecond=0), self._last + timedelta(seconds=1))
        return self._last

    def touch(self, item: StoredMergeRequest | StoredIssue) -> None:
        item.updated_at = self.now()

    def next_number(self, *, is_issue: bool = False) -> int:
        if self.shares_numbers:
            return 1 + max((*self.merge_requests, *self.issues), default=0)
        return 1 + max(self.issues if is_issue else self.merge_requests, default=0)

    def refresh(self) -> None:
        """Do what a forge does after a push: follow heads, notice a merge made by hand, close what lost its branch."""
        heads = self.list_heads()
        for each in self.merge_requests.values():
            if each.state != OPENED or each.is_from_fork or self.unseen.get(each.branch):
                continue
            head, target = heads.get(each.branch), heads.get(each.target)
            if head is None:
                self.set_state(each, CLOSED, by=each.author)
            elif head != each.head:
                each.head, each.reads, each.is_auto_merging = head, 0, False
                self.touch(each)
            elif target is not None and self.is_merged(head, target) and not each.is_draft:
                self.set_state(each, MERGED, by="alice")
            elif each.is_auto_merging and self.checks.get(head) == "success":
                self.merge(each, by=each.author)
                heads = self.list_heads()

    def set_state(self, item: StoredMergeRequest | StoredIssue, state: str, *, by: str) -> None:
        item.state = state
        if isinstance(item, StoredMergeRequest):
            item.ended_by = None if state == OPENED else by
            item.is_auto_merging = False
        self.touch(item)

    def set_title(self, item: StoredMergeRequest, title: str) -> None:
        item.title = title
        if self.draft_marks is not None:
            item.is_draft = self.draft_marks.match(title) is not None

    def merge(self, found: StoredMergeRequest, *, by: str, squash: bool = False) -> str:
        """Merge as with the button; return the commit, which the target then points to."""
        old, new = self.find_head(found.target), self.find_head(found.branch)
        assert found.state == OPENED
        assert old is not None
        assert new is not None
        tree = self.git("merge-tree", "--write-tree", old, new)
        parents = ("-p", old) if squash else ("-p", old, "-p", new)
        commit = self.git("commit-tree", tree, *parents, "-m", f"Merge branch '{found.branch}'")
        self.git("update-ref", f"refs/heads/{found.target}", commit, old)
        if found.removes_branch or self.deletes_merged_branches:
            self.git("update-ref", "-d", f"refs/heads/{found.branch}", new)
        found.merge_commit = commit
        self.set_state(found, MERGED, by=by)
        return commit

    def add_note(self, item: StoredMergeRequest | StoredIssue, body: str, *, by: str) -> Note:
        self._notes += 1
        note = Note(self._notes, body, by, self.now())
        item.notes.append(note)
        item.updated_at = note.at
        return note

    def add_labels(self, names: Collection[str]) -> None:
        """Make the labels that are missing, as most forges do where they are used."""
        for name in names:
            self.labels.setdefault(name, 100 + len(self.labels))
