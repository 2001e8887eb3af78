"""skopeo: somebody else's word on what a registry holds."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.programs import require_program

_LIMIT_S = 60


class Skopeo:
    """Asks registries on loopback over plain HTTP; its configuration is in `folder`: the machine's has no say."""

    def __init__(self, folder: Path) -> None:
        self._program = require_program("skopeo")
        self._policy = folder / "skopeo-policy.json"
        self._policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')

    def list_tags(self, image: str) -> Sequence[str]:
        answer: dict[str, Any] = json.loads(self._run("list-tags", "--tls-verify=false", f"docker://{image}"))
        tags: list[str] = answer["Tags"]
        return tags

    def find_digest(self, image: str) -> str:
        form = ("--no-tags", "--format", "{{.Digest}}")
        return self._run("inspect", "--tls-verify=false", *form, f"docker://{image}").strip()

    def read_manifest(self, image: str) -> str:
        return self._run("inspect", "--tls-verify=false", "--raw", f"docker://{image}")

    def copy(self, source: str, target: str) -> None:
        """Copy an image or index with all of its images, byte for byte."""
        verify = ("--src-tls-verify=false", "--dest-tls-verify=false")
        self._run("copy", "--quiet", "--all", "--preserve-digests", *verify, f"docker://{source}", f"docker://{target}")

    def _run(self, *arguments: str) -> str:
        command = [self._program, "--policy", str(self._policy), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
        if done.returncode:
            raise RuntimeError(f"skopeo {arguments[0]}: {done.stderr}")
        return done.stdout
