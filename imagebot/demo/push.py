"""Pushes tiny images to a registry on this machine, over HTTP as any client does.

With http.client, because it leaves proxies and the like alone.
"""

import base64
import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlencode

from imagebot.demo.image import TinyImage, make_digest, make_image

_TIMEOUT_S = 10.0


def push_image(
    address: str,
    path: str,
    tag: str,
    *,
    labels: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
) -> str:
    """Push an image for linux/amd64, whose version label is the tag, as `push` does; return its digest."""
    image = make_image({"org.opencontainers.image.version": tag, **(labels or {})})
    return push(address, path, tag, image=image, login=login)


def push(address: str, path: str, tag: str, *, image: TinyImage, login: tuple[str, str] | None = None) -> str:
    """Push an image or index to the registry at `127.0.0.1:PORT` and return its digest.

    With a login, a token is asked of the registry's own `/token`, as `LoopbackRegistry` has it, and Basic sent if there
    is none. Raises RuntimeError if the registry does not take the image.
    """
    with closing(http.client.HTTPConnection(address, timeout=_TIMEOUT_S)) as connection:
        door = _Door(connection, {})
        if login is not None:
            door = _Door(connection, {"Authorization": _authorize(door, path, login)})
        for each in image.images:
            _push_one(door, path, each.digest, image=each)
        _push_one(door, path, tag, image=image)
    return image.digest


def _push_one(door: "_Door", path: str, identifier: str, *, image: TinyImage) -> None:
    for blob in image.blobs:
        upload = door.send("POST", f"/v2/{path}/blobs/uploads/", b"").location
        mark = "&" if "?" in upload else "?"
        door.send("PUT", f"{upload}{mark}{urlencode({'digest': make_digest(blob)})}", blob)
    door.send("PUT", f"/v2/{path}/manifests/{identifier}", image.manifest, media_type=image.media_type)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    location: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Door:
    """A connection, and what lets us in through it."""

    connection: http.client.HTTPConnection
    headers: Mapping[str, str]

    def send(
        self, method: str, target: str, body: bytes | None, *, media_type: str = "application/octet-stream"
    ) -> _Answer:
        answer = self.ask(method, target, body, headers={"Content-Type": media_type})
        if answer.status not in (201, 202):
            raise RuntimeError(f"{method} {target}: the registry answered {answer.status}")
        return answer

    def ask(self, method: str, target: str, body: bytes | None, *, headers: Mapping[str, str]) -> _Answer:
        self.connection.request(method, target, body=body, headers={**self.headers, **headers})
        answer = self.connection.getresponse()
        return _Answer(answer.status, answer.getheader("Location", ""), answer.read())


def _authorize(door: _Door, path: str, login: tuple[str, str]) -> str:
    basic = f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"
    service = f"{door.connection.host}:{door.connection.port}"
    query = urlencode({"service": service, "scope": f"repository:{path}:pull,push"})
    answer = door.ask("GET", f"/token?{query}", None, headers={"Authorization": basic})
    return f"Bearer {json.loads(answer.body)['token']}" if answer.status == 200 else basic
