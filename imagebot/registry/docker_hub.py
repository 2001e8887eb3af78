"""Docker Hub's own list of tags: when each was pushed and what it points to, which its registry does not tell.

https://docs.docker.com/reference/api/hub/latest/#tag/repositories/operation/ListRepositoryTags. Anyone may ask it about
public repositories, and it counts nothing as a pull. It lists what was pushed last first, so only what is new is read.
What it says is taken for nothing else: which tags there are is for the registry to say.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from imagebot.image.manifest import find_instant
from imagebot.image.reference import DOCKER_HUB, Repository, is_digest, is_tag
from imagebot.image.snapshot import Pushes
from imagebot.registry.errors import UnexpectedAnswer
from imagebot.registry.message import Answer, Request

# Of what was pushed before the last 500 tags hardly anything is a candidate; its age is from when it was first seen.
_MOST_PAGES = 5
_PAGE_TAGS = 100
_MAX_BYTES = 4 * 1024 * 1024


class DockerHub:
    """Asks at a base URL, by way of `send`."""

    def __init__(self, base_url: str, send: Callable[[Request], Answer]) -> None:
        self._base_url = base_url
        self._send = send

    def list_pushes(self, repository: Repository, *, known: Mapping[str, datetime]) -> Pushes:
        """List the tags that were pushed last, to the first page that ends with a time that is known.

        All or nothing: what breaks off is an error, so that what is known never has gaps. Raises what `send` raises,
        and UnexpectedAnswer, also for a repository that is private.
        """
        pushes = Pushes()
        for page in range(1, _MOST_PAGES + 1):
            query = f"page_size={_PAGE_TAGS}&page={page}&ordering=last_updated"
            answer = self._ask(repository, f"?{query}")
            entries = answer.get("results")
            if not isinstance(entries, list):
                raise UnexpectedAnswer(DOCKER_HUB, '"results" in the list of tags of its API is no list')
            pushes = pushes.add(*(_read_entry(entry) for entry in entries))
            last = _read_entry(entries[-1]) if entries else None
            is_known = last is not None and last[1] is not None and known.get(last[0]) == last[1]
            if is_known or not answer.get("next"):
                break
        return pushes

    def find_push(self, repository: Repository, tag: str) -> Pushes:
        """Find when one tag was pushed; nothing if that is not told. Raises what `list_pushes` raises."""
        name, at, digest = _read_entry(self._ask(repository, f"/{tag}"))
        return Pushes().add((name, at, digest)) if name == tag else Pushes()

    def _ask(self, repository: Repository, rest: str) -> Mapping[str, Any]:
        namespace, _, name = repository.path.partition("/")
        url = f"{self._base_url}/v2/namespaces/{namespace}/repositories/{name}/tags{rest}"
        answer = self._send(Request("GET", url, _MAX_BYTES))
        if answer.status != 200:
            reason = f"status {answer.status} where its API was asked when tags of {repository} were pushed"
            raise UnexpectedAnswer(DOCKER_HUB, reason)
        try:
            fields = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise UnexpectedAnswer(DOCKER_HUB, "what its API says of tags is no JSON") from error
        if not isinstance(fields, dict):
            raise UnexpectedAnswer(DOCKER_HUB, "what its API says of tags is no JSON object")
        return fields


def _read_entry(entry: object) -> tuple[str, datetime | None, str | None]:
    """Read `{"name": TAG, "tag_last_pushed": TIME, "digest": DIGEST, ...}`; what is none of these is left out."""
    fields = entry if isinstance(entry, dict) else {}
    tag, digest = fields.get("name"), fields.get("digest")
    if not isinstance(tag, str) or not is_tag(tag):
        return "", None, None
    at = find_instant(fields.get("tag_last_pushed")) or find_instant(fields.get("last_updated"))
    return tag, at, digest if isinstance(digest, str) and is_digest(digest) else None
