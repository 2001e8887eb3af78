"""One request to GitHub's REST API, or to its GraphQL API: to the configured host only, back as a value or an error.

PyGithub makes the request: the API's address, credentials, the signed word of an App. A session of ours sends it and
reads the answer, which PyGithub never sees: it follows redirects with the token, sends what was lost again whatever it
was, sleeps as long as the server says, reads answers of any length, and writes them to debug logs.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from github.Auth import Auth
from github.Requester import Requester
from pydantic import TypeAdapter

import imagebot
from imagebot.errors import ImagebotError
from imagebot.forge.answers import Answers, find_wait_s
from imagebot.forge.errors import ForgeRateLimited, ForgeRefused
from imagebot.forge.interface import ForgeProject
from imagebot.forge.pulls import RepoApi

NEEDED = (
    "read and write access to Contents, Pull requests and Issues of the project, or as a classic token the scope `repo`"
)
_VERSION = "2022-11-28"
_PAGE = {"per_page": 100}
# As GitHub asks where it names no time.
_SECONDARY_WAIT_S = 60.0
_GRAPHQL = TypeAdapter(dict[str, Any])


class GitHubApi:
    """Sends requests with one kind of credentials; `repo` is for what is below the project."""

    def __init__(self, project: ForgeProject, *, auth: Auth, timeout_s: float, needed: str = NEEDED) -> None:
        self._project = project
        self._answers = Answers(project, needed=needed, timeout_s=timeout_s, find_meaning=self._find_meaning)
        self._connection = _Connection(self._answers, find_api_url(project.url), timeout_s=timeout_s)
        self._requester = Requester(
            auth,
            find_api_url(project.url),
            timeout=0,  # of its own connections, which are not used
            user_agent=f"imagebot/{imagebot.__version__}",
            per_page=_PAGE["per_page"],
            verify=True,
            retry=None,
            pool_size=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            api_version=_VERSION,
        )
        self.repo = RepoApi(project, self._send, answers=self._answers, page_size=_PAGE)

    def mutate(self, query: str, variables: Mapping[str, str]) -> None:
        """Send a mutation to the GraphQL API; raise ForgeRefused, with status 200, for the errors it answers."""
        body = {"query": query, "variables": dict(variables)}
        content, _ = self._send("POST", self._requester.graphql_url, {}, body)
        errors = self._answers.parse(content, _GRAPHQL).get("errors")
        if errors:
            said = "; ".join(str(each.get("message", "")) for each in errors if isinstance(each, dict))
            raise ForgeRefused(self._project.host, 200, self._answers.make_line(said))

    def close(self) -> None:
        self._connection.close()

    def _send(
        self, method: str, path: str, query: Mapping[str, str | int], body: Mapping[str, object] | None
    ) -> tuple[bytes, Mapping[str, str]]:
        try:
            self._requester.requestJson(
                method,
                path,
                parameters=dict(query),
                headers={"Accept": "application/vnd.github+json"},
                input=dict(body) if body is not None else None,
                cnx=self._connection,  # type: ignore[arg-type]  # it has what is used of PyGithub's own
            )
        except requests.RequestException as error:
            raise self._answers.unreached(error) from error
        return self._connection.content, self._connection.headers

    def _find_meaning(self, response: requests.Response, said: str) -> ImagebotError | None:
        """Tell a limit from a missing right: both are 403. The secondary limit may be told by its words alone."""
        if response.status_code not in {403, 429}:
            return None
        headers = response.headers
        if "Retry-After" in headers or headers.get("X-RateLimit-Remaining") == "0":
            return ForgeRateLimited(self._project.host, find_wait_s(headers, reset="X-RateLimit-Reset"))
        if response.status_code == 429 or Requester.isRateLimitError(said):
            return ForgeRateLimited(self._project.host, _SECONDARY_WAIT_S)
        return None


class _Connection:
    """What PyGithub sends a request through; the answer is kept here, and read to its bound."""

    def __init__(self, answers: Answers, api_url: str, *, timeout_s: float) -> None:
        parts = urlsplit(api_url)
        self._root = f"{parts.scheme}://{parts.netloc}"
        self._answers = answers
        self._session = answers.make_session()
        self._timeout_s = timeout_s
        self._request: tuple[str, str, Any, Mapping[str, str]] = ("", "", None, {})
        self.content = b""
        self.headers: Mapping[str, str] = {}

    def request(self, verb: str, url: str, data: Any, headers: Mapping[str, str], _stream: object) -> None:
        self._request = (verb, url, data, headers)

    def getresponse(self) -> "_Answered":
        verb, path, data, headers = self._request
        with self._session.request(
            verb,
            self._root + path,
            data=data,
            headers=headers,
            timeout=self._timeout_s,
            verify=self._answers.verify,
            stream=True,
            allow_redirects=False,
        ) as response:
            self.content, self.headers = self._answers.read(response), response.headers
        return _Answered()

    def close(self) -> None:
        self._session.close()


class _Answered:
    """What PyGithub learns of an answer: that there was one."""

    status = 200

    def getheaders(self) -> tuple[tuple[str, str], ...]:
        return ()

    def read(self) -> str:
        return ""


def find_api_url(url: str) -> str:
    """Find where the API of a GitHub is: beside github.com and its data residency hosts, else below the server."""
    parts = urlsplit(url)
    if parts.hostname == "github.com" or (parts.hostname or "").endswith(".ghe.com"):
        return f"{parts.scheme}://api.{parts.netloc}"
    return f"{url}/api/v3"
