"""What imagebot asks of a forge, whichever it is, and the values it speaks in.

A forge knows merge requests and nothing of images, tags or git: which branch to propose, in which words and when is
decided by its callers. Texts go through as they are given; escaping them is the business of who writes them.
"""

import urllib.parse
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Opened:
    """The merge request that is open now, and the user names among reviewers and assignees that the forge has not."""

    merge_request: MergeRequest
    unknown_users: tuple[str, ...] = ()


class Forge(Protocol):
    """Merge requests of one project. Every operation may be repeated, after a failure as well as after success.

    All of them raise the errors of `imagebot.forge.errors`. Used as a context manager, it closes its connections.
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

    def list_open(self, *, branch_prefix: str, target: str) -> tuple[MergeRequest, ...]:
        """List the open merge requests onto the target whose branch begins with the prefix, in order of their numbers.

        Those that come from other projects (forks) are left out. One request for every hundred open merge requests
        onto the target, whatever their branches are called.
        """

    def find_closed(self, *, branch: str, target: str) -> tuple[MergeRequest, ...]:
        """List the merge requests from the branch that were closed unmerged, newest first, at most a hundred.

        One request.
        """

    def open(self, new: NewMergeRequest) -> Opened:
        """Open a merge request, or bring the one that is already open for this branch and target up to date.

        One request, and one for every user name that was not met before. The branch was pushed: a forge that does not
        know it yet is asked again, a few times. Where an attempt fails or its answer is lost, the merge request is
        looked for before it is asked for again. A title is cut where it is too long for the forge. Unknown users are
        left out. Of a merge request that was open already only title and body are changed.
        """

    def edit(self, merge_request: MergeRequest, *, title: str, body: str) -> MergeRequest:
        """Change the title and body where they differ from the merge request's, and return it as it is then.

        One request, or none if nothing differs. Whether it is a draft stays as people left it.
        """

    def close(self, merge_request: MergeRequest, *, note: str) -> None:
        """Close a merge request with a note that says why; do nothing if it is not open any more.

        At most four requests. The note is written first and not repeated if the closing after it failed.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
