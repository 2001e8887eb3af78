"""A strict GitLab on loopback, for what a merge-request bot asks of one.

    with LoopbackGitLab(bare_repository) as server:
        server.url                                   # http://127.0.0.1:PORT
        server.project.merge_requests[1].title       # what is there; see gitlab_project.py for the rules
        server.fault = lambda request: Fault(502) if request.method == "POST" else None

It answers from the same bare repository that a git server serves. Who may do what hangs on the token, as on GitLab.
Requests are kept in `requests`; parameters that GitLab would silently ignore are kept in `faults`.
"""

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.servers.gitlab_answers import Answers
from tests.servers.gitlab_project import (
    CREATE_PARAMETERS,
    UPDATE_PARAMETERS,
    GitLabProject,
    RefusalError,
    StoredMergeRequest,
)

TOKEN = "glpat-bot"
READ_TOKEN = "glpat-reader"
EXPIRED_TOKEN = "glpat-expired"
OUTSIDER_TOKEN = "glpat-outsider"
_INSUFFICIENT_SCOPE = {
    "error": "insufficient_scope",
    "error_description": "The request requires higher privileges than provided by the access token.",
    "scope": "api",
}
_LIST_PARAMETERS = {
    "updated_after",
    "state",
    "source_branch",
    "target_branch",
    "order_by",
    "sort",
    "page",
    "per_page",
    "scope",
}
_NOTE_PARAMETERS = {"order_by", "sort", "page", "per_page"}
INJECTED = "X-Injected-Fault"
"""A header that marks the answers a test put in GitLab's place."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; the path as sent, below /api/v4, and the parameters of query and body together."""

    method: str
    path: str
    parameters: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is sent instead of the answer; without a status the connection ends unanswered."""

    status: int | None
    body: object = "Injected\n"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_late: bool = False
    """Whether the request is carried out all the same, and only its answer lost."""


class LoopbackGitLab:
    """One GitLab with one project, `acme/infra`; a context manager that listens until its end."""

    def __init__(self, git_dir: Path, *, tls: ssl.SSLContext | None = None) -> None:
        self.users = {"imagebot": 1, "alice": 2, "bob": 3}
        self.project = GitLabProject(git_dir, "acme/infra", users=self.users)
        self.old_path = "acme/old-infra"
        """Where the project was before it moved."""
        self.requests: list[Request] = []
        self.faults: list[str] = []
        self.fault: Callable[[Request], Fault | None] = lambda request: None
        self.lock = threading.Lock()
        self._scheme = "https" if tls else "http"
        self._http = _Listener(("127.0.0.1", 0), type("_BoundHandler", (_Handler,), {"gitlab": self}))
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.method != "GET"]

    def close(self, iid: int, *, by: str) -> None:
        with self.lock:
            self.project.set_state(self.project.find(iid), "closed", by=by)

    def reopen(self, iid: int, *, by: str) -> None:
        with self.lock:
            self.project.update(iid, {"state_event": "reopen"}, by=by)

    def merge(self, iid: int, *, by: str) -> str:
        with self.lock:
            return self.project.merge(iid, by=by)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        # Clients that give up, or do not accept our certificate, are what some tests are about.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write an answer: with more, delayed acknowledgements cost 40 ms each.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    gitlab: LoopbackGitLab

    def do_GET(self) -> None:
        request = self._read()
        self.gitlab.requests.append(request)
        fault = self.gitlab.fault(request)
        if fault is None or fault.is_late:
            status, body, headers = self._answer(request)
        if fault is None:
            self._send(status, body, headers)
        elif fault.status is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._send(fault.status, fault.body, {**fault.headers, INJECTED: "yes"})

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        parameters: dict[str, Any] = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if content:
            parameters |= json.loads(content)
        return Request(self.command, parts.path.removeprefix("/api/v4"), parameters, dict(self.headers))

    def _answer(self, request: Request) -> tuple[int, object, dict[str, str]]:
        headers: dict[str, str] = {}
        try:
            with self.gitlab.lock:
                self.gitlab.project.refresh()
                status, body = _Operations(self.gitlab, request, headers).run()
                return status, body, headers
        except RefusalError as refused:
            return refused.status, refused.body, headers

    def _send(self, status: int, body: object, headers: Mapping[str, str]) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        kind = "text/plain" if isinstance(body, str) else "application/json"
        self.send_response_only(status)
        headers = {"Date": self.date_time_string(), **headers}
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class _Operations:
    """One request: who sends it, which operation it is, and what that answers."""

    def __init__(self, gitlab: LoopbackGitLab, request: Request, headers: dict[str, str]) -> None:
        self.gitlab = gitlab
        self.project = gitlab.project
        self.request = request
        self.headers = headers
        self.answers = Answers(gitlab.project, gitlab.url)

    def run(self) -> tuple[int, object]:
        user = self._authenticate()
        # The raw path is split before it is decoded: a project's path and a branch hold encoded slashes.
        segments = tuple(unquote(part) for part in self.request.path.strip("/").split("/"))
        match self.request.method, segments:
            case "GET", ("version",):
                return 200, {"version": "18.5.0", "revision": "0123456789a"}
            case "GET", ("user",):
                return 200, self.answers.user(user)
            case "GET", ("users",):
                name = str(self._take({"username"}).get("username", "")).lower()
                return 200, [self.answers.user(each) for each in self.gitlab.users if each == name]
            case _, ("projects", project, *rest):
                self._enter_project(project, user)
                return self._in_project(tuple(rest), user)
        raise RefusalError(404, {"error": "404 Not Found"})

    def _authenticate(self) -> str:
        sent = {name.lower(): value for name, value in self.request.headers.items()}
        token = sent.get("private-token") or sent.get("authorization", "").removeprefix("Bearer ")
        if token == EXPIRED_TOKEN:
            raise RefusalError(401, {"error": "invalid_token", "error_description": "Token is expired."})
        if token not in {TOKEN, READ_TOKEN, OUTSIDER_TOKEN}:
            raise RefusalError(401, {"message": "401 Unauthorized"})
        if token == READ_TOKEN and self.request.method != "GET":
            raise RefusalError(403, _INSUFFICIENT_SCOPE)
        return "outsider" if token == OUTSIDER_TOKEN else "imagebot"

    def _enter_project(self, name: str, user: str) -> None:
        names = {self.project.path, str(self.project.number), self.gitlab.old_path}
        if user not in self.gitlab.users or name not in names:
            raise RefusalError(404, {"message": "404 Project Not Found"})
        if name == self.gitlab.old_path:
            if self.request.method != "GET":
                raise RefusalError(405, {"message": "Non GET methods are not allowed for moved projects"})
            here = self.request.path.split("/", 3)[3:]
            self.headers["Location"] = "/".join([f"{self.gitlab.url}/api/v4/projects/{self.project.number}", *here])
            raise RefusalError(301, "This resource has been moved permanently")

    def _in_project(self, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                return 200, self.answers.project()
            case "GET", ("repository", "branches", branch):
                head = self.project.find_head(branch)
                if head is None:
                    raise RefusalError(404, {"message": "404 Branch Not Found"})
                return 200, self.answers.branch(branch, head)
            case "GET", ("merge_requests",):
                return 200, self._list_merge_requests()
            case "POST", ("merge_requests",):
                made = self.project.create(self._take(CREATE_PARAMETERS), author=user)
                return 201, self.answers.single_merge_request(made)
            case _, ("merge_requests", iid, *rest):
                return self._in_merge_request(self.project.find(int(iid)), tuple(rest), user)
        raise RefusalError(404, {"error": "404 Not Found"})

    def _in_merge_request(self, found: StoredMergeRequest, path: tuple[str, ...], user: str) -> tuple[int, object]:
        match self.request.method, path:
            case "GET", ():
                found.reads += 1
                return 200, self.answers.single_merge_request(found)
            case "PUT", ():
                self.project.update(found.iid, self._take(UPDATE_PARAMETERS), by=user)
                return 200, self.answers.single_merge_request(found)
            case "GET", ("notes",):
                rows = [self.answers.note(found, each) for each in found.notes]
                return 200, self._page(rows, self._take(_NOTE_PARAMETERS))
            case "POST", ("notes",):
                note = self.project.comment(found.iid, self._take({"body"}).get("body", ""), by=user)
                if note is None:
                    return 202, {"commands_changes": {}, "summary": ["Commands applied"]}
                return 201, self.answers.note(found, note)
        raise RefusalError(404, {"error": "404 Not Found"})

    def _take(self, known: set[str]) -> Mapping[str, Any]:
        """The parameters; those that this operation does not know are noted, and dropped as GitLab does."""
        for name in sorted(set(self.request.parameters) - known):
            self.gitlab.faults.append(f"{self.request.method} {self.request.path}: unknown parameter {name}")
        return {name: value for name, value in self.request.parameters.items() if name in known}

    def _list_merge_requests(self) -> list[Mapping[str, Any]]:
        wanted = self._take(_LIST_PARAMETERS)
        state, since = wanted.get("state", "all"), wanted.get("updated_after", "2000-01-01T00:00:00+00:00")
        found = [
            self.answers.merge_request(each)
            for each in self.project.merge_requests.values()
            if state in {"all", each.state}
            and datetime.fromisoformat(each.updated_at) >= datetime.fromisoformat(since)
            and wanted.get("source_branch", each.source_branch) == each.source_branch
            and wanted.get("target_branch", each.target_branch) == each.target_branch
        ]
        return self._page(found, wanted)

    def _page(self, rows: list[dict[str, Any]], wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        order = wanted.get("order_by", "created_at")
        rows = sorted(rows, key=lambda row: (row[order], row["id"]), reverse=wanted.get("sort", "desc") == "desc")
        size, page = min(int(wanted.get("per_page", 20)), 100), int(wanted.get("page", 1))
        last = max(1, -(-len(rows) // size))
        neighbours = {"first": 1, "prev": page - 1, "next": page + 1, "last": last}
        self.headers |= {
            "Link": ", ".join(
                f'<{self.gitlab.url}/api/v4{self.request.path}?{urlencode({**wanted, "page": n})}>; rel="{name}"'
                for name, n in neighbours.items()
                if 1 <= n <= last
            ),
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Next-Page": str(page + 1) if page < last else "",
            "X-Prev-Page": str(page - 1) if page > 1 else "",
            "X-Total": str(len(rows)),
            "X-Total-Pages": str(last),
        }
        return list(rows[(page - 1) * size : page * size])
