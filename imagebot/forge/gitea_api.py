"""One request to the API (v1) of a Gitea or Forgejo: to the configured host only, back as a value or an error."""

import json
from collections.abc import Mapping

import requests

import imagebot
from imagebot.forge.answers import Answers
from imagebot.forge.interface import ForgeProject
from imagebot.forge.pulls import RepoApi

NEEDED = "the scopes write:repository and write:issue, and write access to the project"
# As many as a server gives by default; those that give fewer say that there are more.
_PAGE = {"limit": 50}


class GiteaApi:
    """Sends requests; `repo` is for what is below the project."""

    def __init__(self, project: ForgeProject, *, timeout_s: float) -> None:
        self._project = project
        self._answers = Answers(project, needed=NEEDED, timeout_s=timeout_s)
        self._session = self._answers.make_session()
        self._timeout_s = timeout_s
        self.repo = RepoApi(project, self._send, answers=self._answers, page_size=_PAGE)

    def close(self) -> None:
        self._session.close()

    def _send(
        self, method: str, path: str, query: Mapping[str, str | int], body: Mapping[str, object] | None
    ) -> tuple[bytes, Mapping[str, str]]:
        headers = {
            "Authorization": f"token {self._project.token.reveal()}",
            "Accept": "application/json",
            "User-Agent": f"imagebot/{imagebot.__version__}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._session.request(
                method,
                f"{self._project.url}/api/v1{path}",
                params=dict(query),
                data=json.dumps(body) if body is not None else None,
                headers=headers,
                timeout=self._timeout_s,
                verify=self._answers.verify,
                stream=True,
                allow_redirects=False,
            ) as response:
                return self._answers.read(response), response.headers
        except requests.RequestException as error:
            raise self._answers.unreached(error) from error
