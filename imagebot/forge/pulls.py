"""What GitHub and Gitea have in common, whose API follows GitHub's: pull requests, comments, issues.

They differ in how requests are sent, in drafts, labels, pages and merging: that is in the module of each.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal, Protocol, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter

from imagebot.forge.answers import Answers
from imagebot.forge.errors import ForgeRefused, UnexpectedForgeAnswer, UnknownMergeRequest, UnknownProject
from imagebot.forge.interface import ForgeProject, MergeRequest, MergeRequestState, NewMergeRequest
from imagebot.forge.once import Issue, as_stored

T = TypeVar("T")

_MAX_PAGES = 100
_MOST_ENDED = 1000
_MOST_FOUND = 100
_MOST_NOTES = 1000
_ISSUE_LABEL = "imagebot"

Send = Callable[[str, str, Mapping[str, str | int], Mapping[str, object] | None], tuple[bytes, Mapping[str, str]]]
"""Send a method to a path, with a query and a body; return the content and the headers of the answer."""


@dataclass(frozen=True, slots=True)
class User:
    login: str


@dataclass(frozen=True, slots=True)
class Titled:
    title: str


@dataclass(frozen=True, slots=True)
class Named:
    name: str


@dataclass(frozen=True, slots=True)
class Repo:
    id: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a pull request; on Gitea its name is the `label`, as `ref` is another ref once it is deleted."""

    ref: str
    label: str
    sha: str
    repo: Repo | None


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. What has a default is not sent by each of the forges, or not in a list."""

    number: int
    html_url: str
    state: Literal["open", "closed"]
    title: str
    body: str | None
    head: Branch
    base: Branch
    labels: list[Named] | None
    assignees: list[User] | None
    user: User | None
    updated_at: datetime
    merged_at: datetime | None
    draft: bool = False
    mergeable: bool | None = None
    node_id: str = ""
    mergeable_state: str = ""
    auto_merge: object = None

    @property
    def is_from_fork(self) -> bool:
        return self.head.repo is None or self.base.repo is None or self.head.repo.id != self.base.repo.id

    @property
    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True, slots=True)
class Comment:
    body: str


@dataclass(frozen=True, slots=True)
class _Issue:
    number: int
    html_url: str
    state: Literal["open", "closed"]
    title: str
    body: str | None
    pull_request: object = None


PULL = TypeAdapter(Pull)
PULLS = TypeAdapter(list[Pull])
# Whatever it says, that it is JSON shows that the forge and not something before it has answered.
ANYTHING = TypeAdapter(object)
_COMMENTS = TypeAdapter(list[Comment])
_ISSUE = TypeAdapter(_Issue)
_ISSUES = TypeAdapter(list[_Issue])


class RepoApi:
    """Asks for what is below one project, `/repos/OWNER/NAME/`, or with a leading `/` below the API's root."""

    def __init__(self, project: ForgeProject, send: Send, *, answers: Answers, page_size: Mapping[str, int]) -> None:
        """`page_size` is the parameter for the size of a page, with the largest that the forge takes."""
        self.project = project
        self._send = send
        self._answers = answers
        self._page_size = page_size

    def get(self, path: str, answer: TypeAdapter[T], **query: str | int) -> T:
        return self._answers.parse(self._ask("GET", path, query)[0], answer)

    def get_page(self, path: str, answer: TypeAdapter[list[T]], **query: str | int) -> list[T]:
        """Get the first page of a list, as large as it may be."""
        return self.get(path, answer, **{**query, **self._page_size})

    def list_all(self, path: str, answer: TypeAdapter[list[T]], **query: str | int) -> Iterator[T]:
        """List the items of all pages, each page when it is needed; raise UnexpectedForgeAnswer after too many.

        Pages are asked for by number: the server's link to the next one could lead anywhere.
        """
        for page in range(1, _MAX_PAGES + 1):
            content, headers = self._ask("GET", path, {**query, **self._page_size, "page": page})
            yield from self._answers.parse(content, answer)
            if 'rel="next"' not in headers.get("Link", ""):
                return
        raise UnexpectedForgeAnswer(self.project.host, f"a list has more than {_MAX_PAGES} pages")

    def get_with_headers(self, path: str, answer: TypeAdapter[T]) -> tuple[T, Mapping[str, str]]:
        content, headers = self._ask("GET", path, {})
        return self._answers.parse(content, answer), headers

    def post(self, path: str, body: Mapping[str, object], answer: TypeAdapter[T]) -> T:
        return self._answers.parse(self._ask("POST", path, {}, body)[0], answer)

    def patch(self, path: str, body: Mapping[str, object], answer: TypeAdapter[T]) -> T:
        return self._answers.parse(self._ask("PATCH", path, {}, body)[0], answer)

    def tell(self, method: str, path: str, body: Mapping[str, object]) -> None:
        """Send what is answered by a status alone."""
        self._ask(method, path, {}, body)

    def has_branch(self, branch: str) -> bool:
        try:
            self.get(f"branches/{quote(branch, safe='')}", ANYTHING)
        except UnknownProject:
            return False
        return True

    def _ask(
        self, method: str, path: str, query: Mapping[str, str | int], body: Mapping[str, object] | None = None
    ) -> tuple[bytes, Mapping[str, str]]:
        if not path.startswith("/"):
            path = f"/repos/{self.project.path}/{path}".rstrip("/")
        return self._send(method, path, query, body)


class WriteTitle(Protocol):
    def __call__(self, title: str, *, is_draft: bool) -> str: ...


@dataclass(frozen=True, slots=True)
class Style:
    """How one forge writes pull requests, and reads them."""

    read: Callable[[Pull], MergeRequest]
    write_title: WriteTitle
    body_limit: int
    has_comment_pages: bool
    """Whether comments come in pages; else all come at once."""

    def write_body(self, body: str) -> str:
        """Raises ValueError for one that is too long: cut here, it would lose what its writer put at the end."""
        if len(body) > self.body_limit:
            raise ValueError(f"the body has {len(body)} characters, the forge takes {self.body_limit}")
        return body.replace("\0", "")


class Comments:
    """Comments below issues and pull requests."""

    def __init__(self, api: RepoApi, style: Style) -> None:
        self._api = api
        self._is_paged = style.has_comment_pages

    def write_once(self, number: int | None, note: str, *, is_newest: bool) -> None:
        """Write a comment, unless the newest one, or else any one, says the same."""
        path = f"issues/{number}/comments"
        found = self._api.list_all(path, _COMMENTS) if self._is_paged else self._api.get(path, _COMMENTS)
        bodies = [as_stored(each.body) for each in islice(found, _MOST_NOTES)]
        if as_stored(note) not in (bodies[-1:] if is_newest else bodies):
            self._api.post(path, {"body": note}, ANYTHING)


class Pulls:
    """The operations on pull requests that GitHub and Gitea take alike."""

    def __init__(self, api: RepoApi, style: Style) -> None:
        self._api = api
        self._style = style
        self._comments = Comments(api, style)

    def list_open(self, *, branch_prefix: str, target: str, query: Mapping[str, str | int]) -> tuple[MergeRequest, ...]:
        pulls = self._api.list_all("pulls", PULLS, state="open", **query)
        own = {each.number: each for each in self._select(pulls, branch_prefix, target)}
        return tuple(own[number] for number in sorted(each for each in own if each is not None))

    def list_ended(
        self, *, branch_prefix: str, target: str, since: datetime | None, query: Mapping[str, str | int]
    ) -> tuple[MergeRequest, ...]:
        """List those that ended; the query has to ask for the most recently updated first."""
        pulls: Iterable[Pull] = islice(self._api.list_all("pulls", PULLS, state="closed", **query), _MOST_ENDED)
        if since is not None:
            pulls = _take_until(since, pulls)
        # What is updated while the pages are read moves to their beginning.
        own = {each.number: each for each in self._select(pulls, branch_prefix, target)}
        return tuple(sorted(own.values(), key=_by_update, reverse=True))

    def find_open(self, branch: str, target: str, *, query: Mapping[str, str | int]) -> Pull | None:
        pulls = self._api.list_all("pulls", PULLS, state="open", **query)
        return next((pull for pull in pulls if self._is_ours(pull, branch, target)), None)

    def find_ended(
        self, branch: str, target: str, *, query: Mapping[str, str | int], most: int = _MOST_ENDED
    ) -> tuple[MergeRequest, ...]:
        pulls = islice(self._api.list_all("pulls", PULLS, state="closed", **query), most)
        found = {pull.number: pull for pull in pulls if self._is_ours(pull, branch, target)}
        newest_first = sorted(found, reverse=True)[:_MOST_FOUND]
        return tuple(self._style.read(found[number]) for number in newest_first)

    def edit(self, merge_request: MergeRequest, *, title: str, body: str) -> MergeRequest:
        changes = {}
        new_title = self._style.write_title(title, is_draft=merge_request.is_draft)
        if new_title != self._style.write_title(merge_request.title, is_draft=merge_request.is_draft):
            changes["title"] = new_title
        new_body = self._style.write_body(body)
        if as_stored(new_body) != as_stored(merge_request.body):
            changes["body"] = new_body
        if not changes:
            return merge_request
        with self.known(merge_request) as path:
            return self._style.read(self._api.patch(path, changes, PULL))

    def close(self, merge_request: MergeRequest, *, note: str) -> None:
        with self.known(merge_request) as path:
            if not self._api.get(path, PULL).is_open:
                return
            self._comments.write_once(merge_request.number, note, is_newest=True)
            self._api.patch(path, {"state": "closed"}, ANYTHING)

    def comment(self, merge_request: MergeRequest, *, note: str) -> None:
        with self.known(merge_request):
            self._comments.write_once(merge_request.number, note, is_newest=False)

    def ask_reviewers(self, number: int, new: NewMergeRequest) -> tuple[str, ...]:
        """Ask users and teams for reviews; return those who cannot be: unknown, without rights, or the author."""
        # A team belongs to the project's owner: its name alone is sent.
        teams = [("team_reviewers", team.rpartition("/")[2]) for team in new.teams]
        wanted = [*(("reviewers", name) for name in new.reviewers), *teams]

        def ask(some: Sequence[tuple[str, str]]) -> None:
            body = {kind: [name for each, name in some if each == kind] for kind, _ in some}
            self._api.post(f"pulls/{number}/requested_reviewers", body, ANYTHING)

        return tuple(name for _, name in grant(wanted, ask))

    @contextmanager
    def known(self, merge_request: MergeRequest) -> Iterator[str]:
        """Give the merge request's path; what is not found there is the merge request, as its project was just seen."""
        try:
            yield f"pulls/{merge_request.number}"
        except UnknownProject as error:
            project = self._api.project
            raise UnknownMergeRequest(project.host, project.path, f"#{merge_request.number}") from error

    def _select(self, pulls: Iterable[Pull], branch_prefix: str, target: str) -> Iterator[MergeRequest]:
        made = (self._style.read(pull) for pull in pulls if not pull.is_from_fork)
        return (each for each in made if each.target == target and each.branch.startswith(branch_prefix))

    def _is_ours(self, pull: Pull, branch: str, target: str) -> bool:
        made = self._style.read(pull)
        return not pull.is_from_fork and (made.branch, made.target) == (branch, target)


class PullIssues:
    """Implements `Issues`, which are found by a label that imagebot gives them."""

    def __init__(self, api: RepoApi, style: Style, *, find_labels: Callable[[Sequence[str]], Sequence[object]]) -> None:
        """`find_labels` gives for the names of labels what the forge calls them in a new issue."""
        self._api = api
        self._style = style
        self._comments = Comments(api, style)
        self._find_labels = find_labels

    def list_marked(self, mark: str) -> tuple[Issue, ...]:  # noqa: ARG002 - as in Issues
        found = self._api.get_page("issues", _ISSUES, state="all", labels=_ISSUE_LABEL)
        return tuple(_make_issue(each) for each in found if each.pull_request is None)

    def create(self, *, title: str, body: str) -> Issue:
        labels = list(self._find_labels([_ISSUE_LABEL]))
        return _make_issue(self._api.post("issues", {**self._write(title, body), "labels": labels}, _ISSUE))

    def edit(self, issue: Issue, *, title: str, body: str, is_open: bool) -> Issue:
        changes = {**self._write(title, body), "state": "open" if is_open else "closed"}
        return _make_issue(self._api.patch(f"issues/{issue.number}", changes, _ISSUE))

    def comment(self, issue: Issue, note: str) -> None:
        self._comments.write_once(issue.number, note, is_newest=True)

    def _write(self, title: str, body: str) -> dict[str, object]:
        return {"title": self._style.write_title(title, is_draft=False), "body": self._style.write_body(body)}


def grant(names: Sequence[T], ask: Callable[[Sequence[T]], object]) -> tuple[T, ...]:
    """Ask for all at once, or for one after the other where that is refused; return those that are refused alone."""
    if not names:
        return ()
    try:
        ask(names)
    except (ForgeRefused, UnknownProject):
        if len(names) == 1:
            return tuple(names)
        return tuple(name for each in names for name in grant([each], ask))
    return ()


def find_state(pull: Pull) -> MergeRequestState:
    if pull.merged_at is not None:
        return MergeRequestState.MERGED
    return MergeRequestState.OPEN if pull.is_open else MergeRequestState.CLOSED


def cut(title: str, limit: int) -> str:
    """Write a title on one line, without NUL, and cut where it is too long."""
    line = " ".join(title.replace("\0", "").split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _by_update(merge_request: MergeRequest) -> tuple[float, int]:
    at = merge_request.updated_at
    return (at.timestamp() if at else 0.0, merge_request.number or 0)


def _take_until(since: datetime, pulls: Iterable[Pull]) -> Iterator[Pull]:
    for pull in pulls:
        if pull.updated_at < since:
            return
        yield pull


def _make_issue(answer: _Issue) -> Issue:
    return Issue(answer.number, answer.html_url, answer.title, answer.body or "", answer.state == "open")
