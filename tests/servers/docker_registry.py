"""Debian's `docker-registry` (the CNCF's distribution), really started on a free port of loopback.

    with DockerRegistry(tmp_path) as registry:
        push_image(registry.address, "acme/api", "1.4.2")
        ...
        registry.read_requests(1)

Several may stand on one `folder` at a time: an open one to push by, and one that asks for a login.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, NamedTuple, Self

from tests.programs import require_program
from tests.servers.certificates import Authority
from tests.servers.token_server import ISSUER, SERVICE, TokenServer

USER, PASSWORD = "bob", "s3cret"
# bcrypt, the only kind it reads, of PASSWORD: no library that could make it is needed for one user.
_HTPASSWD = f"{USER}:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n"

_START_LIMIT_S = 20.0
_LOG_LIMIT_S = 5.0
_LISTENING = re.compile(r'msg="listening on ([0-9.]+:[0-9]+)')
_ACCESS = re.compile(r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[0-9.]+" (?P<status>[0-9]{3}) ')


class SeenRequest(NamedTuple):
    method: str
    target: str
    status: int


class DockerRegistry:
    """Runs while inside `with`: open, or with `htpasswd`, or with the tokens of a TokenServer; over TLS with `tls`.

    What happens in it is told to the endpoint `notifies`, as its configuration has one: `url` and `headers`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        htpasswd: bool = False,
        tokens: TokenServer | None = None,
        tls: Authority | None = None,
        notifies: Mapping[str, object] | None = None,
    ) -> None:
        self._program = require_program("docker-registry")
        folder.mkdir(parents=True, exist_ok=True)
        self._repositories = folder / "data/docker/registry/v2/repositories"
        number = len(list(folder.glob("*.json")))
        self._config_file = folder / f"registry-{number}.json"
        self._log_file = folder / f"registry-{number}.log"
        # Its configuration is YAML, and JSON is YAML.
        config = _make_config(folder, htpasswd=htpasswd, tokens=tokens, tls=tls)
        if notifies is not None:
            endpoint = {"name": "hook", "timeout": "5s", "threshold": 3, "backoff": "1s", **notifies}
            config["notifications"] = {"endpoints": [endpoint]}
        self._config_file.write_text(json.dumps(config))
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self.address = ""

    def __enter__(self) -> Self:
        self._log = self._log_file.open("wb")
        arguments = [self._program, "serve", str(self._config_file)]
        self._process = subprocess.Popen(arguments, stdout=self._log, stderr=subprocess.STDOUT)
        try:
            self.address = self._wait_for_address(self._process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._log is not None:
            self._log.close()

    def write_tags(self, path: str, tags: Iterable[str], digest: str) -> None:
        """Let tags point to what was pushed to the repository, by writing to its folder: a push of each takes 3 ms."""
        folder = self._repositories / path / "_manifests/tags"
        for tag in tags:
            link = folder / tag / "current/link"
            link.parent.mkdir(parents=True)
            link.write_text(digest)

    def copy_repository(self, path: str, copies: Iterable[str]) -> None:
        """Let there be other repositories that hold the same."""
        for copy in copies:
            shutil.copytree(self._repositories / path, self._repositories / copy)

    def read_requests(self, count: int) -> list[SeenRequest]:
        """Return what it was asked and answered so far, once that is `count` or more: it logs after it answers."""
        ends_at = time.monotonic() + _LOG_LIMIT_S
        seen: list[SeenRequest] = []
        while len(seen) < count and time.monotonic() < ends_at:
            found = _ACCESS.finditer(self._log_file.read_text())
            seen = [SeenRequest(line["method"], line["target"], int(line["status"])) for line in found]
        return seen

    def _wait_for_address(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the line that it logs once it listens: port 0 lets it choose one that is free."""
        ends_at = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < ends_at and process.poll() is None:
            if found := _LISTENING.search(self._log_file.read_text()):
                return found.group(1)
            time.sleep(0.01)  # of its 35 ms, where a pause costs the machine less than asking all the time
        raise RuntimeError(f"docker-registry did not start:\n{self._log_file.read_text()}")


def _make_config(
    folder: Path, *, htpasswd: bool, tokens: TokenServer | None, tls: Authority | None
) -> dict[str, object]:
    http: dict[str, object] = {"addr": "127.0.0.1:0", "secret": "loopback"}
    if tls is not None:
        http["tls"] = {"certificate": str(tls._server_file), "key": str(tls._server_file)}
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": http,
    }
    if htpasswd:
        file = folder / "htpasswd"
        file.write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "loopback", "path": str(file)}}
    if tokens is not None:
        bundle = str(tokens.certificate_file)
        token = {"realm": tokens.realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": bundle}
        config["auth"] = {"token": token}
    return config
