"""What imagebot asks of a forge, whichever it is, and the values it speaks in.

A forge knows merge requests and nothing of images, tags or git: which branch to propose, in which words and when is
decided by its callers. Texts go through as they are given; escaping them is the business of who writes them.
"""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from imagebot.forge.errors import UnusableForge
from imagebot.secret import Secret


@dataclass(frozen=True, slots=True)
class ForgeProject:
    """One project of a forge, and how it is reached.

    Raises UnusableForge unless the URL is `https://HOST[:PORT][/PATH]` and the token can be sent in a header.
    """

    url: str
    """The forge's own address, without the project: `https://gitlab.example.com`."""
    path: str
    """The project's path, as in its web address, or its number."""
    token: Secret
    ca_file: Path | None = None
    """Certificates to trust instead of the machine's own."""
    plain_http: bool = False
    """Whether `http://` is accepted as well, and the token sent unencrypted."""

    def __post_init__(self) -> None:
        fault = _find_fault_of_url(self.url, plain_http=self.plain_http) or _find_fault_of_token(self.token)
        if fault is None and self.ca_file is not None and not self.ca_file.is_file():
            fault = f"there is no CA file {self.ca_file}"
        if fault is not None:
            raise UnusableForge(self.host, fault)

    @property
    def host(self) -> str:
        """The host and port, for people: never a user name or password that somebody wrote into the URL."""
        return self.url.partition("://")[2].partition("/")[0].rpartition("@")[2] or "the forge"

    @property
    def is_encrypted(self) -> bool:
        return urllib.parse.urlsplit(self.url).scheme == "https"


def _find_fault_of_url(url: str, *, plain_http: bool) -> str | None:
    schemes = ("https", "http") if plain_http else ("https",)
    try:
        parts = urllib.parse.urlsplit(url)
        is_address = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        return f"its URL has to begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and a host"
    return "its URL holds more than a host and a path" if "@" in parts.netloc or parts.query or parts.fragment else None


def _find_fault_of_token(token: Secret) -> str | None:
    # The HTTP library would quote the whole of a token that no header can hold.
    text = token.reveal()
    if text and text.isascii() and text.isprintable() and " " not in text:
        return None
    return "its token is empty, or holds a space, a line break or a non-ASCII character"


class MergeRequestState(Enum):
    OPEN = "open"
    CLOSED = "closed"
    """Closed unmerged."""
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge request from a branch of the project to another branch of the same project."""

    number: int | None
    """What people call it by; None where the forge has no merge requests."""
    url: str | None
    """Where people read it; None where the forge has no merge requests."""
    state: MergeRequestState
    branch: str
    target: str
    title: str
    """Without the mark by which some forges know a draft."""
    body: str
    labels: frozenset[str]
    is_draft: bool
    head: str | None = None
    """The commit at which the forge sees the branch; None if it does not say."""
    has_conflicts: bool | None = None
    """None while it is not known: forges work it out later, and some never say so in a list."""
    updated_at: datetime | None = None
    author: str | None = None
    """The user name of who opened it; None if the forge does not say, as where that user was deleted."""
    is_auto_merging: bool = False
    """Whether it is known to wait for its checks, to be merged by the forge then."""
    is_behind: bool = False
    """Whether it is known that the forge merges it only when its branch has what the target has now."""


@dataclass(frozen=True, slots=True)
class NewMergeRequest:
    """What to open."""

    branch: str
    target: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    """User names, without `@`."""
    assignees: tuple[str, ...] = ()
    """User names, without `@`."""
    is_draft: bool = False
    teams: tuple[str, ...] = ()
    """Reviewers by the names of teams, on GitLab by the paths of groups."""
    milestone: str | None = None
    """By its title."""
    deletes_branch: bool = True
    """Whether the forge is to delete the branch after the merge, where that can be said of one merge request."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The merge request that is open now, and a sentence for each wish that could not be met."""

    merge_request: MergeRequest
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectState:
    """What the forge says of the project, if all that imagebot does can be done in it with the token."""

    default_branch: str | None
    """None if the forge does not say."""
    is_empty: bool = False
    """Whether there is no commit in it yet."""
    warnings: tuple[str, ...] = ()
    """A sentence for each thing that will stop imagebot before long, or that it will have to do without."""


class CommitsByApi(Protocol):
    """Commits that the forge makes itself, so that it shows them as verified."""

    def create_commit(self, *, parent: str, files: Mapping[str, tuple[str, bytes]], message: str) -> str:
        """Make a commit with other bytes for files of its parent; return its oid.

        `files` has the mode (`100644`) and the content for each path. The commit is on the server then, but no branch
        points to it: fetch it by its oid, see that its tree is the wanted one, and push it. One request for each file,
        and two.
        """


class Forge(Protocol):
    """Merge requests of one project. Every operation may be repeated, after a failure as well as after success.

    All of them raise the errors of `imagebot.forge.errors`. Used as a context manager, it closes its connections.
    Requests are counted as they are where nothing fails.
    """

    @property
    def has_merge_requests(self) -> bool:
        """Whether there are merge requests at all.

        If not, the branch is the whole proposal and its commit message is where people read the text: nothing is ever
        listed, and what is opened, edited and closed is only what the caller does to the branch.
        """

    @property
    def body_limit(self) -> int:
        """The most characters a merge request's body may have; more is a bug of whoever wrote it."""

    @property
    def title_limit(self) -> int:
        """The most characters that are kept of a title; the rest is cut."""

    @property
    def commits(self) -> CommitsByApi | None:
        """How the forge makes commits itself; None if it is not set to, and commits are pushed as git makes them."""

    def check(self, *, now: datetime) -> ProjectState:
        """See whether the token lets imagebot do all that it does in the project, as far as that shows beforehand.

        Raises UnfitProject if the project is archived or has no merge requests, TokenTooWeak if the token lacks a
        right, and what every request may. At most three requests.
        """

    def list_open(self, *, branch_prefix: str, target: str) -> tuple[MergeRequest, ...]:
        """List the open merge requests onto the target whose branch begins with the prefix, in order of their numbers.

        Those that come from other projects (forks) are left out. One request for every page of open merge requests (a
        hundred; fifty on Gitea), whatever their branches are called.
        """

    def list_ended(self, *, branch_prefix: str, target: str, since: datetime | None) -> tuple[MergeRequest, ...]:
        """List those that were merged, or closed unmerged, the most recently updated first.

        With `since` only those that were updated then or later: one request where little happened. Without, the 1,000
        of the project that were updated last are looked through. Else as `list_open`.
        """

    def find_ended(self, *, branch: str, target: str) -> tuple[MergeRequest, ...]:
        """List those from exactly this branch that were merged, or closed unmerged, newest first, at most a hundred.

        One request; on Gitea as many as `list_ended` without `since`.
        """

    def open(self, new: NewMergeRequest) -> Opened:
        """Open a merge request, or bring the one that is already open for this branch and target up to date.

        At most four requests, and more for a milestone, and for names of users, teams and labels that were not met
        before. The branch was pushed: a forge that does not know it yet is asked again, a few times.
        Where an attempt fails or its answer is lost, the merge request is looked for before it is asked for again. A
        title is cut where it is too long for the forge. Whom the forge does not know is left out. A merge request that
        was open already gets the title and body, and beside what people gave it what an attempt may have left undone.
        """

    def list_push_options(self, *, target: str, title: str) -> tuple[str, ...]:
        """List what is to be sent along when the branch of a proposal is pushed. No request."""

    def edit(self, merge_request: MergeRequest, *, title: str, body: str) -> MergeRequest:
        """Change the title and body where they differ from the merge request's, and return it as it is then.

        One request, or none if nothing differs. Whether it is a draft stays as people left it.
        """

    def close(self, merge_request: MergeRequest, *, note: str) -> None:
        """Close a merge request with a note that says why; do nothing if it is not open any more.

        At most four requests. The note is written first and not repeated if the closing after it failed.
        """

    def comment(self, merge_request: MergeRequest, *, note: str) -> None:
        """Write a note, unless one with the same text is there already. At most two requests for a hundred notes."""

    def set_auto_merge(self, merge_request: MergeRequest) -> str | None:
        """Let the forge merge it when its checks pass; return the sentence that says why it does not, or None.

        It is never merged before there is a check that passed. To be called when it was opened, moved, or its checks
        are known to have changed; not in every round.
        """

    def ensure_issue(self, *, key: str, title: str, body: str) -> str | None:
        """Let there be one open issue for the key, with this text; return its URL, or None if there can be no issues.

        A hidden mark in its text tells for which key it is. One that is there is edited where it differs, and opened
        again if it was closed. At most three requests.
        """

    def close_issue(self, *, key: str, note: str) -> None:
        """Close the issue for the key, with a note that says why; do nothing if none is open."""

    def file_url(self, oid: str, path: str, *, line: int | None = None) -> str | None:
        """Make the web address of a file at a commit; None if none is known. No request."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
