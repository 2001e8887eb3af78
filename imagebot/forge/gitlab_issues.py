"""GitLab's issues, for the one issue that imagebot keeps for each matter."""

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from imagebot.forge.gitlab_answers import ANYTHING, NOTES, make_description, make_title
from imagebot.forge.gitlab_api import PAGE_SIZE, GitLabApi
from imagebot.forge.once import Issue, as_stored


@dataclass(frozen=True, slots=True)
class _Answer:
    iid: int
    state: Literal["opened", "closed"]
    title: str
    description: str | None
    web_url: str


_ANSWER = TypeAdapter(_Answer)
_ANSWERS = TypeAdapter(list[_Answer])


class GitLabIssues:
    """Implements `Issues`."""

    def __init__(self, api: GitLabApi) -> None:
        self._api = api

    def list_marked(self, mark: str) -> tuple[Issue, ...]:
        word = mark.strip("<!-> ")
        query: dict[str, str | int] = {"search": word, "in": "description", "state": "all", "per_page": PAGE_SIZE}
        return tuple(_make_issue(each) for each in self._api.get("issues", _ANSWERS, **query))

    def create(self, *, title: str, body: str) -> Issue:
        return _make_issue(self._api.post("issues", _write(title, body), _ANSWER))

    def edit(self, issue: Issue, *, title: str, body: str, is_open: bool) -> Issue:
        changes = dict(_write(title, body))
        if is_open != issue.is_open:
            changes["state_event"] = "reopen" if is_open else "close"
        return _make_issue(self._api.put(f"issues/{issue.number}", changes, _ANSWER))

    def comment(self, issue: Issue, note: str) -> None:
        comment_once(self._api, f"issues/{issue.number}", note, newest=1)


def comment_once(api: GitLabApi, path: str, note: str, *, newest: int) -> None:
    """Write a note below an issue or a merge request, unless one of so many newest ones says the same."""
    found = api.get(f"{path}/notes", NOTES, order_by="created_at", sort="desc", per_page=newest)
    if as_stored(note) not in {as_stored(each.body) for each in found}:
        api.post(f"{path}/notes", {"body": note}, ANYTHING)


def _write(title: str, body: str) -> dict[str, object]:
    return {"title": make_title(title, is_draft=False), "description": make_description(body)}


def _make_issue(answer: _Answer) -> Issue:
    is_open = answer.state == "opened"
    return Issue(answer.iid, answer.web_url, answer.title, answer.description or "", is_open)
