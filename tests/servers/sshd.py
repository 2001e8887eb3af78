"""A real sshd on loopback, with its own host key, for one user: the one who runs the tests.

with SshServer(tmp_path / "sshd") as server:
    server.url(repo)               # ssh://USER@127.0.0.1:PORT/abs/repo.git
    server.key_file, server.known_hosts_file
"""

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Self

from tests.programs import require_program

_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


class SshServer:
    """Serves every git repository that the user may read, by path; skips the test where there is no sshd."""

    def __init__(self, folder: Path) -> None:
        self._sshd = require_program("sshd")
        require_program("ssh")
        folder.mkdir(parents=True)
        self.user = getpass.getuser()
        self.port = _find_free_port()
        self.key_file = make_key(folder / "client_key")
        make_key(folder / "host_key")
        shutil.copy(folder / "client_key.pub", folder / "authorized_keys")
        host_key = (folder / "host_key.pub").read_text()
        self.known_hosts_file = folder / "known_hosts"
        self.known_hosts_file.write_text(f"[127.0.0.1]:{self.port} {host_key}")
        self._config_file = folder / "sshd_config"
        self._config_file.write_text(_CONFIG.format(port=self.port, folder=folder))

    def url(self, repo: Path) -> str:
        return f"ssh://{self.user}@127.0.0.1:{self.port}{repo}"

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where an sshd of root insists to lock itself in
        # It must be called by its full path, because it starts itself anew for every connection.
        self._process = subprocess.Popen([self._sshd, "-D", "-e", "-f", self._config_file], stderr=subprocess.PIPE)
        assert self._process.stderr
        printed = []
        for line in self._process.stderr:
            printed.append(line.decode())
            if b"Server listening" in line:
                return self
        self.__exit__()
        raise RuntimeError(f"sshd did not start: {''.join(printed)}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()


def make_key(path: Path) -> Path:
    """Make a key pair without passphrase, `path` and `path.pub`; return the private one's path."""
    keygen = require_program("ssh-keygen")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    return path


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
