"""A small OCI registry on this machine, for `imagebot demo` and for tests.

It keeps images in memory, speaks the distribution-spec as far as pushing, pulling and listing go, and refuses what the
spec refuses. Beyond the spec it logs what it was asked, and lets a test put an answer of its own in place of any other.
"""

import base64
import json
import re
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from imagebot.demo.image import IMAGE, INDEX, make_digest
from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.image.reference import is_tag

_PATH = r"/v2/(?P<path>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"


class LoggedRequest(NamedTuple):
    method: str
    target: str
    user: str | None
    status: int


class _SpecError(Exception):
    """An answer in the form that the spec gives to errors."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        body = json.dumps({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}).encode()
        self.reply = Reply(status, body, {"Content-Type": "application/json", **(headers or {})})


@dataclass(slots=True)
class _Stored:
    """One repository: blobs and manifests by digest, the latter with their media type and time, and digests by tag."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    uploaded_at: dict[str, datetime] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class _Token(NamedTuple):
    user: str | None
    path: str
    actions: frozenset[str]
    ends_at: float


class _Call(NamedTuple):
    method: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    headers: Message
    body: bytes


class LoopbackRegistry:
    """Serves while inside `with`. `users` alone asks for Basic; with `token_ttl_s`, for tokens of its own `/token`.

    Anyone may pull what `public` names; without `users` anyone may do anything.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        public: frozenset[str] = frozenset(),
        token_ttl_s: float | None = None,
        page_limit: int = 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests: list[LoggedRequest] = []
        self.fault: Callable[[str, str], Reply | None] | None = None
        """Given method and path with query, returns an answer of its own or None for the usual one."""
        self.upload_clock: Callable[[], datetime] | None = None
        """Gives the instant of each push from here on; lists of tags then tell them, as Google's registries do."""
        self._users, self._public = users, public
        self._token_ttl_s, self._monotonic = token_ttl_s, monotonic
        self._page_limit = page_limit
        self._stored: defaultdict[str, _Stored] = defaultdict(_Stored)
        self._tokens: dict[str, _Token] = {}
        self._lock = threading.Lock()
        self._routes: tuple[tuple[re.Pattern[str], tuple[str, ...], Callable[[_Call], Reply]], ...] = (
            (re.compile(r"/token"), ("GET",), self._answer_token),
            (re.compile(r"/v2/"), ("GET", "HEAD"), lambda _: Reply(200, b"{}")),
            (re.compile(rf"{_PATH}/tags/list"), ("GET", "HEAD"), self._answer_tags),
            (re.compile(rf"{_PATH}/manifests/(?P<identifier>[^/]+)"), ("GET", "HEAD", "PUT"), self._answer_manifest),
            (re.compile(rf"{_PATH}/blobs/uploads/(?P<upload>[^/]*)"), ("POST", "PUT"), self._answer_upload),
            (re.compile(rf"{_PATH}/blobs/(?P<identifier>[^/]+)"), ("GET", "HEAD"), self._answer_blob),
        )
        self._server = LoopbackServer(self._answer)
        self.address = self._server.address
        """As the registry of a reference: `127.0.0.1:PORT`."""

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def delete_tag(self, path: str, tag: str) -> None:
        """Let a tag go; the manifest that it names stays."""
        with self._lock:
            del self._stored[path].tags[tag]

    def _answer(self, call: Call) -> Reply:
        user = self._find_user(call.headers.get("Authorization", ""))
        try:
            fault = self.fault(call.method, call.target) if self.fault else None
            reply = fault or self._route(call)
        except _SpecError as refusal:
            reply = refusal.reply
        with self._lock:
            self.requests.append(LoggedRequest(call.method, call.target, user, reply.status))
        return reply

    def _route(self, sent: Call) -> Reply:
        url = urlsplit(sent.target)
        query = {key: values[0] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        for pattern, methods, answer in self._routes:
            found = pattern.fullmatch(url.path)
            if found is None:
                continue
            if sent.method not in methods:
                raise _SpecError(405, "UNSUPPORTED", {"Allow": ", ".join(methods)})
            call = _Call(sent.method, found.groupdict(), query, sent.headers, sent.body)
            if answer != self._answer_token:
                self._check_access(call)
            with self._lock:
                return answer(call)
        raise _SpecError(404, "UNSUPPORTED")

    def _find_user(self, authorization: str) -> str | None:
        scheme, _, value = authorization.partition(" ")
        if scheme == "Bearer":
            token = self._tokens.get(value)
            return token.user if token is not None else None
        name, _, password = base64.b64decode(value if scheme == "Basic" else "").decode().partition(":")
        return name if self._users is not None and self._users.get(name) == password else None

    def _check_access(self, call: _Call) -> None:
        if self._users is None:
            return
        action = "pull" if call.method in ("GET", "HEAD") else "push"
        path = call.parts.get("path", "")
        authorization = call.headers.get("Authorization", "")
        if self._token_ttl_s is None:
            is_public = action == "pull" and path in self._public and not authorization
            if not is_public and self._find_user(authorization) is None:
                raise _SpecError(401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="loopback", charset="UTF-8"'})
            return
        token = self._tokens.get(authorization.removeprefix("Bearer "))
        is_valid = token is not None and self._monotonic() < token.ends_at
        if token is None or not is_valid or (path and (token.path != path or action not in token.actions)):
            scope = f'scope="repository:{path}:{action}"'
            challenge = f'Bearer realm="http://{self.address}/token",service="{self.address}",{scope}'
            raise _SpecError(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})

    def _answer_token(self, call: _Call) -> Reply:
        authorization = call.headers.get("Authorization", "")
        user = self._find_user(authorization)
        # Without a scope a token lets through the door alone.
        scope = re.fullmatch(r"(?:repository:(.+):(.+))?", call.query.get("scope", ""))
        if self._token_ttl_s is None or scope is None or call.query.get("service") != self.address:
            raise _SpecError(400, "UNSUPPORTED")
        if authorization and user is None:
            raise _SpecError(401, "UNAUTHORIZED")
        path, actions = scope.groups("")
        allowed = {"pull", "push"} if user is not None else {"pull"} if path in self._public else set()
        granted = frozenset(allowed.intersection(actions.split(",")))
        text = secrets.token_urlsafe()
        self._tokens[text] = _Token(user, path, granted, self._monotonic() + self._token_ttl_s)
        return _make_json_reply({"token": text, "expires_in": self._token_ttl_s})

    def _answer_tags(self, call: _Call) -> Reply:
        stored = self._find_stored(call)
        number = call.query.get("n", str(self._page_limit))
        if not re.fullmatch(r"[0-9]+", number):
            raise _SpecError(400, "PAGINATION_NUMBER_INVALID")
        count = min(int(number), self._page_limit)
        after = sorted(tag for tag in stored.tags if tag > call.query.get("last", ""))
        page, path = after[:count], call.parts["path"]
        more = urlencode({"n": count, "last": page[-1]}) if page and len(after) > count else None
        headers = {"Link": f'</v2/{path}/tags/list?{more}>; rel="next"'} if more else {}
        return _make_json_reply({"name": path, "tags": page, **_tell_uploads(stored)}, headers)

    def _answer_manifest(self, call: _Call) -> Reply:
        if call.method == "PUT":
            return self._put_manifest(call)
        stored, identifier = self._find_stored(call), call.parts["identifier"]
        digest = stored.tags.get(identifier, identifier)
        media_type, manifest = stored.manifests.get(digest, ("", b""))
        if not media_type or media_type not in call.headers.get("Accept", ""):
            raise _SpecError(404, "MANIFEST_UNKNOWN")
        return Reply(200, manifest, {"Content-Type": media_type, "Docker-Content-Digest": digest})

    def _put_manifest(self, call: _Call) -> Reply:
        stored, identifier = self._stored[call.parts["path"]], call.parts["identifier"]
        media_type = call.headers.get("Content-Type", "")
        if _find_missing(call.body, media_type, stored):
            raise _SpecError(404, "MANIFEST_BLOB_UNKNOWN")
        digest = make_digest(call.body)
        if identifier != digest and not is_tag(identifier):
            raise _SpecError(400, "DIGEST_INVALID" if ":" in identifier else "MANIFEST_INVALID")
        if self.upload_clock is not None and digest not in stored.manifests:
            stored.uploaded_at[digest] = self.upload_clock()
        stored.manifests[digest] = (media_type, call.body)
        if identifier != digest:
            stored.tags[identifier] = digest
        return Reply(201, headers={"Location": f"/v2/{call.parts['path']}/manifests/{digest}"})

    def _answer_upload(self, call: _Call) -> Reply:
        """Take a blob in one piece: by POST with its digest, or by POST and then PUT to the Location."""
        path, digest = call.parts["path"], call.query.get("digest")
        if call.method == "POST" and digest is None:
            return Reply(202, headers={"Location": f"/v2/{path}/blobs/uploads/{secrets.token_hex(8)}"})
        if digest != make_digest(call.body):
            raise _SpecError(400, "DIGEST_INVALID")
        self._stored[path].blobs[digest] = call.body
        return Reply(201, headers={"Location": f"/v2/{path}/blobs/{digest}"})

    def _answer_blob(self, call: _Call) -> Reply:
        blob = self._find_stored(call).blobs.get(call.parts["identifier"])
        if blob is None:
            raise _SpecError(404, "BLOB_UNKNOWN")
        return Reply(200, blob, {"Content-Type": "application/octet-stream"})

    def _find_stored(self, call: _Call) -> _Stored:
        stored = self._stored[call.parts["path"]]
        if not stored.blobs:
            raise _SpecError(404, "NAME_UNKNOWN")
        return stored


def _find_missing(body: bytes, media_type: str, stored: _Stored) -> set[str]:
    """Return what an image manifest or index names and the repository does not hold; refuse anything else."""
    try:
        manifest: dict[str, Any] = json.loads(body)
        is_valid = manifest["schemaVersion"] == 2 and manifest.get("mediaType", media_type) == media_type
        children = manifest["manifests"] if media_type == INDEX else [manifest["config"], *manifest["layers"]]
        needed = {str(child["digest"]) for child in children}
    except (ValueError, KeyError, TypeError) as error:
        raise _SpecError(400, "MANIFEST_INVALID") from error
    if not is_valid or media_type not in (IMAGE, INDEX):
        raise _SpecError(400, "MANIFEST_INVALID")
    return needed - (stored.manifests if media_type == INDEX else stored.blobs).keys()


def _tell_uploads(stored: _Stored) -> dict[str, object]:
    """Return what Google's registries add to a page of tags, if there is any: their manifests, whose tags these are."""
    manifests = {
        digest: {
            "mediaType": stored.manifests[digest][0],
            "tag": sorted(tag for tag, tagged in stored.tags.items() if tagged == digest),
            "timeUploadedMs": str(int(at.timestamp() * 1000)),
        }
        for digest, at in stored.uploaded_at.items()
    }
    return {"manifest": manifests} if manifests else {}


def _make_json_reply(data: object, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(200, json.dumps(data).encode(), {"Content-Type": "application/json", **(headers or {})})
