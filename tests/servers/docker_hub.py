"""A stand-in for Docker Hub's own API, as documented: pages of tags, what was pushed last first.

https://docs.docker.com/reference/api/hub/latest/#tag/repositories/operation/ListRepositoryTags
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from imagebot.demo.loopback import Call, Reply

Tag = tuple[datetime, str]
"""When it was pushed, and its digest."""

_PATH = re.compile(r"/v2/namespaces/([^/]+)/repositories/([^/]+)/tags(?:/([^/]+))?")


class HubApi:
    """Answers calls; `repositories` has the tags of each `NAMESPACE/NAME`. What is not there may be private as well."""

    def __init__(
        self, repositories: Mapping[str, Mapping[str, Tag]], *, base_url: str = "https://hub.docker.com"
    ) -> None:
        self.repositories = {path: dict(tags) for path, tags in repositories.items()}
        self.asked: list[str] = []
        self.left: int | None = None
        """How many requests it still answers before it refuses them; None for any."""
        self._base_url = base_url

    def answer(self, call: Call) -> Reply:
        self.asked.append(call.target)
        if self.left is not None:
            if self.left == 0:
                return Reply(429, b"too many requests", {"Retry-After": "60", "X-RateLimit-Remaining": "0"})
            self.left -= 1
        url = urlsplit(call.target)
        found = _PATH.fullmatch(url.path)
        tags = self.repositories.get(f"{found[1]}/{found[2]}") if found else None
        if found is None or tags is None:
            return _reply(404, {"message": "object not found", "errinfo": {}})
        if found[3] is not None:
            return _reply(200, _describe(found[3], tags[found[3]])) if found[3] in tags else _reply(404, {})
        query = dict(parse_qsl(url.query))
        assert query["ordering"] == "last_updated"
        size, page = min(100, int(query["page_size"])), int(query.get("page", "1"))
        ordered = sorted(tags, key=lambda tag: (tags[tag][0], tag), reverse=True)
        shown = ordered[(page - 1) * size : page * size]
        more = urlencode({**query, "page": page + 1})
        following = f"{self._base_url}{url.path}?{more}" if page * size < len(ordered) else None
        results = [_describe(tag, tags[tag]) for tag in shown]
        return _reply(200, {"count": len(ordered), "next": following, "previous": None, "results": results})


def _describe(name: str, tag: Tag) -> Mapping[str, object]:
    at = tag[0].isoformat().replace("+00:00", "Z")
    image = {"architecture": "amd64", "os": "linux", "digest": tag[1], "size": 1, "status": "active", "last_pushed": at}
    more = {"id": 1, "repository": 1, "full_size": 1, "tag_status": "active", "images": [image], "v2": True}
    return {"name": name, "last_updated": at, "tag_last_pushed": at, "digest": tag[1], **more}


def _reply(status: int, fields: Mapping[str, object]) -> Reply:
    return Reply(status, json.dumps(fields).encode(), {"Content-Type": "application/json"})
