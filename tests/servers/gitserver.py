"""A real git server over HTTP or HTTPS on loopback: git's own http-backend behind Python's HTTP server.

    with GitServer(tmp_path / "srv", users={"bot": "token"}) as server:
        repo = server.create("acme/infra")
        seed(repo, {"app.yaml": b"image: nginx:1.2\n"})
        server.url("acme/infra")          # http://127.0.0.1:PORT/acme/infra.git

Like GitLab, it answers 401 for a repository that an anonymous user may not see, 404 for one that does not exist, and
403 for a push of a user who may only read. Every request is kept in `requests`; `fault` can answer in the server's
place, and `pushed` is told of every push that went through.

`seed`, `read_branch` and `git` work on any bare repository, without a work tree.
"""

import base64
import http.server
import io
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

_SERVICE = re.compile(
    r"/(?P<repo>[\w.-]+(?:/[\w.-]+)+)\.git/(?P<rest>info/refs|git-upload-pack|git-receive-pack|HEAD|objects/.*)"
)
_CHUNK = 65536
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="GitLab"'}
_SERVER_CONFIG = {
    "receive.advertisePushOptions": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
}

Fault = Callable[["Request"], tuple[int, str] | None]
"""Sees a request before it is answered; a status and a text are sent instead of an answer, None lets it pass."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent, without its body; `user` is who it proved to be, if anyone."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    user: str | None

    @property
    def is_push(self) -> bool:
        return self.path.endswith("/git-receive-pack") or "service=git-receive-pack" in self.query


class GitServer:
    """Serves the bare repositories under `root`; a context manager that listens from its making to its end.

    Reads need a user unless the repository is in `public`; pushes always do, and one who is not in `readonly`.
    """

    def __init__(
        self, root: Path, *, users: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.root = root
        self.users = dict(users or {})
        self.public: set[str] = set()
        self.readonly: set[str] = set()
        self.requests: list[Request] = []
        self.fault: Fault = lambda _: None
        self.pushed: Callable[[str, str], None] = lambda _repo, _user: None
        self.closing = threading.Event()
        self._scheme = "https" if tls else "http"
        self._http = _Listener(("127.0.0.1", 0), type("_Handler", (_Handler,), {"server_of_git": self}))
        if tls:
            # The handshake is left to the handler's thread: a client that never ends it would hold up the others.
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._http.server_address[1]
        root.mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        """HOST:PORT, as it stands in the URLs."""
        return f"127.0.0.1:{self.port}"

    def url(self, repo: str) -> str:
        return f"{self._scheme}://{self.address}/{repo}.git"

    def path(self, repo: str) -> Path:
        return self.root / f"{repo}.git"

    def create(self, repo: str, *, branch: str = "main") -> Path:
        """Make an empty bare repository, GROUP/NAME, and return its folder."""
        create_repo(self.path(repo), branch=branch)
        for key, value in _SERVER_CONFIG.items():
            git(self.path(repo), "config", key, value)
        return self.path(repo)

    def hang(self, _request: Request) -> tuple[int, str]:
        """Be a fault that leaves the client without an answer until the server closes."""
        self.closing.wait()
        return 503, "closing\n"

    def find_user(self, authorization: str) -> str | None:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        name, _, password = base64.b64decode(value).decode().partition(":")
        return name if self.users.get(name) == password else None

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that was killed, or that refused our certificate, leaves its connection: that is what tests do.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = _CHUNK  # one write a response: with none, Nagle and delayed ACKs cost 40 ms each
    disable_nagle_algorithm = True
    server_of_git: GitServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        owner = self.server_of_git
        path, _, query = self.path.partition("?")
        user = owner.find_user(self.headers.get("Authorization") or "")
        request = Request(self.command, path, query, dict(self.headers), user)
        owner.requests.append(request)
        refusal = owner.fault(request) or self._find_refusal(request)
        if refusal:
            self._answer(*refusal)
        else:
            self._run_backend(request)

    do_POST = do_GET  # noqa: N815 - http.server finds it by this name

    def _find_refusal(self, request: Request) -> tuple[int, str] | None:
        owner = self.server_of_git
        service = _SERVICE.fullmatch(request.path)
        exists = service is not None and owner.path(service["repo"]).is_dir()
        is_public = service is not None and service["repo"] in owner.public
        if request.user is None and (request.is_push or not is_public):
            return 401, "HTTP Basic: Access denied\n"
        if not exists:
            return 404, "The project you were looking for could not be found.\n"
        if request.is_push and request.user in owner.readonly:
            return 403, "You are not allowed to push code to this project.\n"
        return None

    def _answer(self, status: int, text: str) -> None:
        for _ in self._read_body():  # left unread, the client sees a reset instead of the answer
            pass
        body = text.encode()
        self.send_response(status)
        headers = {"Content-Type": "text/plain", "Content-Length": str(len(body))}
        for name, value in (headers | (_CHALLENGE if status == 401 else {})).items():
            self.send_header(name, value)
        if status in (301, 302):
            self.send_header("Location", text.strip())
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _read_body(self) -> Iterator[bytes]:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left > 0 and (piece := self.rfile.read(min(left, _CHUNK))):
            left -= len(piece)
            yield piece

    def _run_backend(self, request: Request) -> None:
        backend = subprocess.Popen(
            ["git", "http-backend"],
            env=self._make_cgi_environment(request),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert backend.stdin
        assert isinstance(backend.stdout, io.BufferedReader)
        feeder = threading.Thread(target=self._feed, args=(backend.stdin,))
        feeder.start()
        try:
            self._relay(backend.stdout)
        finally:
            backend.stdout.close()
            feeder.join()
            backend.wait()
        if request.is_push and request.method == "POST" and (service := _SERVICE.fullmatch(request.path)):
            self.server_of_git.pushed(service["repo"], request.user or "")

    def _make_cgi_environment(self, request: Request) -> dict[str, str]:
        root = str(self.server_of_git.root)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": root,
            "GIT_PROJECT_ROOT": root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "REQUEST_METHOD": request.method,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type") or "",
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
        }
        if request.user:
            environment["REMOTE_USER"] = request.user  # http-backend admits pushes of a known user only
        if length := self.headers.get("Content-Length"):
            environment["CONTENT_LENGTH"] = length
        return environment

    def _feed(self, stdin: IO[bytes]) -> None:
        try:
            with stdin:
                for piece in self._read_body():
                    stdin.write(piece)
        except OSError:
            pass  # the backend has heard enough, or the client is gone

    def _relay(self, stdout: io.BufferedReader) -> None:
        status, headers = 200, []
        while line := stdout.readline().strip():
            name, _, value = line.decode().partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := stdout.read1(_CHUNK):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


def git(repo: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in a bare repository, untouched by this machine's configuration; return what it printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(repo),
        "GIT_DIR": str(repo),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "LC_ALL": "C",
    }
    return subprocess.run(["git", *arguments], env=environment, input=stdin, check=True, capture_output=True).stdout


_ANN = "Ann Author <ann@example.org>"


def create_repo(repo: Path, *, branch: str = "main") -> Path:
    """Make an empty bare repository without hooks, its HEAD on the branch."""
    repo.parent.mkdir(parents=True, exist_ok=True)
    git(repo, "init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}")
    (repo / "hooks").mkdir()
    return repo


def seed(
    repo: Path,
    files: Mapping[str, bytes | None],
    *,
    branch: str = "main",
    message: str = "Seed",
    modes: Mapping[str, str] | None = None,
    author: str = _ANN,
) -> str:
    """Commit files onto a branch of a bare repository, which is made if missing; return the commit's oid.

    None removes a file; what is not named stays. `modes` holds those that are not 100644; the data of a symlink is its
    target, that of a submodule (160000) the oid it is at. A path that is no UTF-8 is written as `os.fsdecode` gives it.
    Author and date are always the same.
    """
    ref = f"refs/heads/{branch}"
    parent = find_head(repo, branch)
    text = message.encode()
    people = [b"author %s 1700000000 +0000\n" % author.encode(), b"committer %s 1700000000 +0000\n" % _ANN.encode()]
    stream = [b"commit %s\n" % ref.encode(), *people]
    stream.append(b"data %d\n%s\n" % (len(text), text))
    if parent:
        stream.append(b"from %s\n" % parent.encode())
    for path, data in files.items():
        stream.append(_make_change(os.fsencode(path), data, mode=(modes or {}).get(path, "100644")))
    git(repo, "fast-import", "--quiet", "--done", "--force", stdin=b"".join([*stream, b"done\n"]))
    head = find_head(repo, branch)
    assert head
    return head


def _make_change(path: bytes, data: bytes | None, *, mode: str) -> bytes:
    quoted = b'"%s"' % path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    if data is None:
        return b"D %s\n" % quoted
    if mode == "160000":
        return b"M 160000 %s %s\n" % (data, quoted)
    return b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(data), data)


def find_head(repo: Path, branch: str) -> str | None:
    """Return the oid at the tip of a branch, None if there is no such branch."""
    return git(repo, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").decode().strip() or None


def read_branch(repo: Path, branch: str = "main") -> dict[str, bytes]:
    """Return every file at the tip of a branch by its path; submodules are left out."""
    listing = git(repo, "ls-tree", "-r", "-z", f"refs/heads/{branch}")
    entries = [entry.partition(b"\t") for entry in listing.split(b"\0") if entry]
    blobs = {os.fsdecode(path): meta.split()[2] for meta, _, path in entries if meta.split()[1] == b"blob"}
    return {path: git(repo, "cat-file", "blob", oid.decode()) for path, oid in blobs.items()}


def list_heads(repo: Path) -> dict[str, str]:
    """Return the oid of every branch by its name."""
    listing = git(repo, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").decode()
    return dict(line.rsplit(" ", 1) for line in listing.splitlines())


def set_hook(repo: Path, name: str, script: str) -> None:
    """Install a shell script as a hook of a bare repository."""
    hook = repo / "hooks" / name
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)
