"""A strict forge on loopback, for what a merge-request bot asks of one; which forge it is, its dialect says.

    with LoopbackForge(GitLabDialect(bare_repository)) as forge:
        forge.url                                  # http://127.0.0.1:PORT
        forge.merge_requests[1].title              # what is there
        forge.close(1, by="alice")                 # what people do
        forge.fail("POST", "merge_requests$", Fault(502, is_late=True))

It answers from the same bare repository that a git server serves. Who may do what hangs on the token. Requests are kept
in `requests`; what a client sends that the forge would silently ignore is kept in `faults`.
"""

import json
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

from tests.servers.forge_project import (
    CLOSED,
    RefusalError,
    StoredIssue,
    StoredMergeRequest,
    StoredProject,
)

_T = TypeVar("_T")

TOKEN = "forge-bot-token"
READ_TOKEN = "forge-reader-token"
EXPIRED_TOKEN = "forge-expired-token"
OUTSIDER_TOKEN = "forge-outsider-token"
INJECTED = "X-Injected-Fault"
"""A header that marks the answers a test put in the forge's place."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; the path as sent, below the API's root, and the parameters of query and body together."""

    method: str
    path: str
    parameters: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def token(self) -> str:
        sent = {name.lower(): value for name, value in self.headers.items()}
        return sent.get("private-token") or sent.get("authorization", "").rpartition(" ")[2]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is sent instead of the answer; without a status the connection ends unanswered."""

    status: int | None
    body: object = "Injected\n"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_late: bool = False
    """Whether the request is carried out all the same, and only its answer lost."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    """How one forge speaks, and its rules; refusals are raised as RefusalError."""

    name: str
    """What the settings call it, as `kind`."""
    root: str
    """The path of its API, as /api/v4."""
    project: StoredProject
    ignored: list[str]
    """What was sent and means nothing to it."""

    def answer(self, request: Request, *, url: str) -> Answer: ...

    def reopen(self, merge_request: StoredMergeRequest, *, by: str) -> None: ...


@dataclass
class _Rule:
    """The n-th request like this is answered with the fault."""

    method: str
    path: re.Pattern[str]
    fault: Fault
    countdown: int


class LoopbackForge:
    """One forge with one project, `acme/infra`; a context manager that listens until its end."""

    def __init__(self, dialect: Dialect, *, tls: ssl.SSLContext | None = None) -> None:
        self.dialect = dialect
        self.project = dialect.project
        self.requests: list[Request] = []
        self.fault: Callable[[Request], Fault | None] = lambda request: None
        self.lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._scheme = "https" if tls else "http"
        self._http = _Listener(("127.0.0.1", 0), type("_BoundHandler", (_Handler,), {"forge": self}))
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def kind(self) -> str:
        return self.dialect.name

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def settings(self) -> dict[str, Any]:
        """What a target's settings say of it, in plain HTTP; the token is in the variable FORGE_TOKEN."""
        token = {"env": "FORGE_TOKEN"}
        return {"kind": self.kind, "url": self.url, "project": self.project.path, "token": token, "plain_http": True}

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.method != "GET"]

    @property
    def faults(self) -> list[str]:
        return self.dialect.ignored

    @property
    def merge_requests(self) -> dict[int, StoredMergeRequest]:
        """By their numbers, as they are now."""
        with self.lock:
            self.project.refresh()
        return self.project.merge_requests

    @property
    def issues(self) -> dict[int, StoredIssue]:
        return self.project.issues

    # What people do

    def close(self, number: int, *, by: str = "alice") -> None:
        self._act(number, lambda found: self.project.set_state(found, CLOSED, by=by))

    def reopen(self, number: int, *, by: str = "alice") -> None:
        """Raises RefusalError where the forge does not let people reopen it."""
        self._act(number, lambda found: self.dialect.reopen(found, by=by))

    def merge(self, number: int, *, by: str = "alice", squash: bool = False) -> str:
        return self._act(number, lambda found: self.project.merge(found, by=by, squash=squash))

    def comment(self, number: int, text: str, *, by: str = "alice") -> None:
        self._act(number, lambda found: self.project.add_note(found, text, by=by))

    def edit(self, number: int, *, title: str | None = None, body: str | None = None) -> None:
        def edit(found: StoredMergeRequest) -> None:
            self.project.set_title(found, found.title if title is None else title)
            found.body = found.body if body is None else body
            self.project.touch(found)

        self._act(number, edit)

    def report_checks(self, branch: str, result: str) -> None:
        """Let CI say of a branch's head: pending, success or failure."""
        with self.lock:
            head = self.project.find_head(branch)
            assert head is not None
            self.project.checks[head] = result
            self.project.refresh()

    def _act(self, number: int, step: Callable[[StoredMergeRequest], _T]) -> _T:
        with self.lock:
            self.project.refresh()
            return step(self.project.merge_requests[number])

    # What goes wrong

    def fail(self, method: str, path: str, fault: Fault, *, nth: int = 1, times: int = 1) -> None:
        """Answer the n-th request of the method whose path matches with a fault, and as many after it."""
        self._rules += [_Rule(method, re.compile(path), fault, nth + more) for more in range(times)]

    def find_fault(self, request: Request) -> Fault | None:
        found = self.fault(request)
        for rule in self._rules:
            if rule.method == request.method and rule.path.search(request.path):
                rule.countdown -= 1
                if rule.countdown == 0 and found is None:
                    found = rule.fault
        return found

    def answer(self, request: Request) -> Answer:
        try:
            with self.lock:
                self.project.refresh()
                return self.dialect.answer(request, url=self.url)
        except RefusalError as refused:
            return Answer(refused.status, refused.body, refused.headers)

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
    forge: LoopbackForge

    def _respond(self) -> None:
        request = self._read()
        self.forge.requests.append(request)
        fault = self.forge.find_fault(request)
        if fault is None or fault.is_late:
            answer = self.forge.answer(request)
        if fault is None:
            self._send(answer)
        elif fault.status is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._send(Answer(fault.status, fault.body, {**fault.headers, INJECTED: "yes"}))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        parameters: dict[str, Any] = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if content:
            parameters |= json.loads(content)
        return Request(self.command, parts.path.removeprefix(self.forge.dialect.root), parameters, dict(self.headers))

    def _send(self, answer: Answer) -> None:
        is_text = isinstance(answer.body, str)
        content = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
        if answer.status == 204:
            content = b""
        kind = "text/plain" if is_text else "application/json"
        self.send_response_only(answer.status)
        own = {"Date": self.date_time_string(), "Content-Type": kind, "Content-Length": str(len(content))}
        for name, value in {**own, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class NoForge:
    """What stands for a forge where there is none: the branch is the proposal, and people merge it with git."""

    kind = "git"
    settings: Mapping[str, Any] = {"kind": "git"}
    url = ""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.writes: list[Request] = []
        self.faults: list[str] = []
        self.merge_requests: dict[int, StoredMergeRequest] = {}
        self.issues: dict[int, StoredIssue] = {}
