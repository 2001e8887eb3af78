"""Gitea's labels, which are known by numbers: those of the project, and those of the organisation that owns it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from imagebot.forge.errors import ForgeAccessDenied, UnknownProject
from imagebot.forge.pulls import RepoApi

# Any colour has to be named.
_COLOR = "#1d76db"


@dataclass(frozen=True, slots=True)
class _Label:
    id: int
    name: str


_LABEL = TypeAdapter(_Label)
_LABELS = TypeAdapter(list[_Label])


class GiteaLabels:
    """Looks labels up, each once, and makes those that are missing."""

    def __init__(self, api: RepoApi) -> None:
        self._api = api
        self._ids: dict[str, int] = {}

    def find_ids(self, names: Sequence[str]) -> tuple[int, ...]:
        """Find the numbers of labels: at most a request for those of the project, one for its owner's, and one each."""
        self._learn("labels", names)
        self._learn(f"/orgs/{self._api.project.path.partition('/')[0]}/labels", names)
        for name in names:
            if name not in self._ids:
                made = self._api.post("labels", {"name": name, "color": _COLOR}, _LABEL)
                self._ids[name] = made.id
        return tuple(dict.fromkeys(self._ids[name] for name in names))

    def _learn(self, path: str, names: Sequence[str]) -> None:
        if all(name in self._ids for name in names):
            return
        try:
            found = self._api.list_all(path, _LABELS)
            # The project's own come first.
            self._ids = {**{label.name: label.id for label in found}, **self._ids}
        except (ForgeAccessDenied, UnknownProject):
            # The owner is a user, or lets nobody see its labels.
            if not path.startswith("/"):
                raise
