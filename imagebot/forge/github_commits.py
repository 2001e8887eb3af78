"""Commits that GitHub makes: those of an App are signed by GitHub, and shown as verified."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from imagebot.forge.pulls import RepoApi


@dataclass(frozen=True, slots=True)
class _Object:
    sha: str


@dataclass(frozen=True, slots=True)
class _Commit:
    tree: _Object


_OBJECT = TypeAdapter(_Object)
_COMMIT = TypeAdapter(_Commit)


class GitHubCommits:
    """Implements `CommitsByApi`. Neither author nor committer is named: GitHub signs only what it writes itself."""

    def __init__(self, api: RepoApi) -> None:
        self._api = api

    def create_commit(self, *, parent: str, files: Mapping[str, tuple[str, bytes]], message: str) -> str:
        base = self._api.get(f"git/commits/{parent}", _COMMIT).tree
        tree = [
            {"path": path, "mode": mode, "type": "blob", "sha": self._create_blob(data)}
            for path, (mode, data) in sorted(files.items())
        ]
        made = self._api.post("git/trees", {"base_tree": base.sha, "tree": tree}, _OBJECT)
        body = {"message": message, "tree": made.sha, "parents": [parent]}
        return self._api.post("git/commits", body, _OBJECT).sha

    def _create_blob(self, data: bytes) -> str:
        body = {"content": b64encode(data).decode(), "encoding": "base64"}
        return self._api.post("git/blobs", body, _OBJECT).sha
