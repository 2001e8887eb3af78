"""Git objects that a loopback GitHub makes in the bare repository: blobs, trees and commits, signed where it signs."""

import base64
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.forge_project import StoredProject

_SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n \n wsBcBAABCAAQBQJ\n -----END PGP SIGNATURE-----"


def create_blob(project: StoredProject, values: Mapping[str, Any]) -> str:
    assert values["encoding"] == "base64"
    return _run(project, "hash-object", "-w", "--stdin", stdin=base64.b64decode(values["content"]))


def create_tree(project: StoredProject, values: Mapping[str, Any]) -> str:
    """Put the entries into the base tree."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        _run(project, "read-tree", values["base_tree"], index=index)
        lines = [f"{each['mode']} {each['sha']}\t{each['path']}\0" for each in values["tree"]]
        _run(project, "update-index", "-z", "--index-info", stdin="".join(lines).encode(), index=index)
        return _run(project, "write-tree", index=index)


def create_commit(project: StoredProject, values: Mapping[str, Any], *, user: str, is_signed: bool) -> str:
    """Commit as whoever sends the request; GitHub signs what an App sends without naming an author."""
    person = f"{user} <77+{user}@users.noreply.github.com> {int(project.now().timestamp())} +0000"
    lines = [f"tree {values['tree']}", *(f"parent {parent}" for parent in values["parents"])]
    lines += [f"author {person}", f"committer {person}"]
    if is_signed:
        lines.append(f"gpgsig {_SIGNATURE}")
    content = "\n".join(lines) + "\n\n" + values["message"]
    return _run(project, "hash-object", "-w", "-t", "commit", "--stdin", stdin=content.encode())


def _run(project: StoredProject, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    command = ["git", "--git-dir", str(project.git_dir), *arguments]
    return (
        subprocess.run(command, env=environment, input=stdin, check=True, capture_output=True).stdout.decode().strip()
    )
