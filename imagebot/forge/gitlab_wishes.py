"""From the names in a new merge request to GitLab's numbers for them: users, groups and milestones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from imagebot.forge.errors import UnknownProject
from imagebot.forge.gitlab_answers import MILESTONES, USERS, Answer, User
from imagebot.forge.gitlab_api import PAGE_SIZE, GitLabApi
from imagebot.forge.interface import NewMergeRequest

# A review is asked of every member of a group; of more than these, nobody would feel asked.
_MOST_MEMBERS = 20


@dataclass(frozen=True, slots=True)
class Wishes:
    """The numbers that a merge request is opened with, and a sentence for each name that has none."""

    reviewers: tuple[User, ...]
    assignees: tuple[User, ...]
    milestone_id: int | None
    unmet: tuple[str, ...]

    def list_dropped(self, answer: Answer) -> tuple[str, ...]:
        """Say whom GitLab did not keep: its Free edition keeps one reviewer and one assignee."""
        return (
            *_list_dropped("reviewer", self.reviewers, answer.reviewers),
            *_list_dropped("assignee", self.assignees, answer.assignees),
        )


class GitLabNames:
    """Looks names up, each once."""

    def __init__(self, api: GitLabApi) -> None:
        self._api = api
        self._users: dict[str, User | None] = {}
        self._members: dict[str, tuple[User, ...] | None] = {}
        self._milestones: dict[str, int | None] = {}

    def resolve(self, new: NewMergeRequest) -> Wishes:
        unmet: list[str] = []
        users = {name: self._find_user(name) for name in (*new.reviewers, *new.assignees)}
        if unknown := [name for name, user in users.items() if user is None]:
            unmet.append(f"GitLab knows no user {', '.join(unknown)}")
        reviewers = [user for name in new.reviewers if (user := users[name])]
        for team in new.teams:
            members = self._find_members(team)
            if members is None or len(members) > _MOST_MEMBERS:
                why = "that the token may see" if members is None else f"of at most {_MOST_MEMBERS} members"
                unmet.append(f"GitLab has no group {team} {why}, which were asked for a review")
            else:
                reviewers += members
        milestone_id = self._find_milestone(new.milestone) if new.milestone is not None else None
        if new.milestone is not None and milestone_id is None:
            unmet.append(f"the project has no open milestone {new.milestone}")
        assignees = [user for name in new.assignees if (user := users[name])]
        return Wishes(tuple(dict.fromkeys(reviewers)), tuple(dict.fromkeys(assignees)), milestone_id, tuple(unmet))

    def _find_user(self, name: str) -> User | None:
        key = name.lower()
        if key not in self._users:
            found = self._api.get("/users", USERS, username=name)
            self._users[key] = next((user for user in found if user.username.lower() == key), None)
        return self._users[key]

    def _find_members(self, group: str) -> tuple[User, ...] | None:
        """Find the direct members of a group; None if it is not to be seen."""
        if group not in self._members:
            path = f"/groups/{quote(group, safe='')}/members"
            try:
                found = self._api.get(path, USERS, per_page=PAGE_SIZE)
                self._members[group] = tuple(found)
            except UnknownProject:
                self._members[group] = None
        return self._members[group]

    def _find_milestone(self, title: str) -> int | None:
        if title not in self._milestones:
            found = self._api.get("milestones", MILESTONES, title=title, state="active", include_ancestors="true")
            self._milestones[title] = next((each.id for each in found if each.title == title), None)
        return self._milestones[title]


def _list_dropped(role: str, wanted: Sequence[User], kept: Iterable[User]) -> tuple[str, ...]:
    ids = {user.id for user in kept}
    dropped = [user.username for user in wanted if user.id not in ids]
    return (f"GitLab did not take as {role}: {', '.join(dropped)}; its Free edition keeps one",) if dropped else ()
