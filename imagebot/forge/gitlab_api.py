"""One request to the GitLab REST API (v4): it goes to the configured host only, and comes back as a value or an error.

python-gitlab is the transport: address, credentials, sending. Its objects, its retries and its reading of errors are
not used: objects have whatever attributes the answer has, a retry sleeps for as long as the server says and repeats
what may have happened, and the headers of an error are lost. What an operation means is the business of `gitlab.py`.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import gitlab
import requests
from gitlab.utils import EncodedId
from pydantic import TypeAdapter

import imagebot
from imagebot.forge.answers import Answers
from imagebot.forge.errors import UnexpectedForgeAnswer
from imagebot.forge.interface import ForgeProject

T = TypeVar("T")

PAGE_SIZE = 100
_MAX_PAGES = 50
NEEDED = "the scope `api` and at least the role Developer in the project"


class GitLabApi:
    """Speaks for one project: paths without a leading `/` are below the project, others below the API's root."""

    def __init__(self, project: ForgeProject, *, timeout_s: float) -> None:
        self._project = project
        self._answers = Answers(project, needed=NEEDED, timeout_s=timeout_s)
        self._gitlab = gitlab.Gitlab(
            project.url,
            private_token=project.token.reveal(),
            ssl_verify=self._answers.verify,
            timeout=timeout_s,
            user_agent=f"imagebot/{imagebot.__version__}",
            session=self._answers.make_session(),
        )

    def get(self, path: str, answer: TypeAdapter[T], **query: str | int) -> T:
        return self._answers.parse(self._send("get", path, query=query)[0], answer)

    def post(self, path: str, body: Mapping[str, object], answer: TypeAdapter[T]) -> T:
        return self._answers.parse(self._send("post", path, body=body)[0], answer)

    def put(self, path: str, body: Mapping[str, object], answer: TypeAdapter[T]) -> T:
        return self._answers.parse(self._send("put", path, body=body)[0], answer)

    def list_all(self, path: str, answer: TypeAdapter[list[T]], **query: str | int) -> Iterator[T]:
        """List the items of all pages, each page when it is needed; raise UnexpectedForgeAnswer after too many.

        Pages are asked for by number: the server's link to the next one could lead anywhere.
        """
        for page in range(1, _MAX_PAGES + 1):
            content, headers = self._send("get", path, query={**query, "per_page": PAGE_SIZE, "page": page})
            yield from self._answers.parse(content, answer)
            if not headers.get("X-Next-Page"):
                return
        raise UnexpectedForgeAnswer(self._project.host, f"a list has more than {_MAX_PAGES} pages of {PAGE_SIZE}")

    def close(self) -> None:
        self._gitlab.session.close()

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> tuple[bytes, Mapping[str, str]]:
        if not path.startswith("/"):
            path = f"/projects/{EncodedId(self._project.path)}/{path}".rstrip("/")
        try:
            response = self._gitlab.http_request(
                method,
                path,
                query_data=dict(query or {}),
                post_data=dict(body) if body is not None else None,
                streamed=True,
                obey_rate_limit=False,
            )
            return self._answers.read(response), response.headers
        except requests.RequestException as error:
            raise self._answers.unreached(error) from error
