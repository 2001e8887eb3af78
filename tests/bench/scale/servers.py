"""A registry and a git server that cost little, in a process of their own, and note when they are asked for what.

    python -m tests.bench.scale.servers FOLDER TAGS

It prints its port. FOLDER has the bare repositories, as NAME.git. Any image repository is there, with the tags 1.0.0 to
1.0.(TAGS - 1); `POST /push/PATH` adds the next. `GET /seen` says how often it was asked, and at which instants for each
repository's tags and each git repo's branches; `POST /forget` begins the count anew.

Git's protocol: https://git-scm.com/docs/protocol-v2 (only `ls-refs` is answered here, git does the rest).
"""

import asyncio
import gzip
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from imagebot.demo.image import IMAGE, make_digest, make_image

_CAPABILITIES = b"".join(
    b"%04x%s" % (len(line) + 4, line)
    for line in (b"version 2\n", b"agent=git/bench\n", b"ls-refs\n", b"fetch=shallow\n", b"object-format=sha1\n")
)
_LS_REFS = b"0014command=ls-refs\n"
_TAGS = re.compile(r"/v2/(?P<path>.+)/tags/list(?:\?.*)?")
_CONTENT = re.compile(r"/v2/(?P<path>.+)/(?P<kind>manifests|blobs)/(?P<name>[^/]+)")
_GIT = re.compile(r"/(?P<name>[\w-]+)\.git/(?P<rest>info/refs\?service=)?git-(?P<service>upload-pack|receive-pack)")
_PUSH = re.compile(r"/push/(?P<path>.+)")
_STATUS = {200: b"200 OK", 404: b"404 Not Found"}

Reply = tuple[int, str, bytes, Mapping[str, str]]
"""Status, type, body and further headers."""


class Servers:
    def __init__(self, folder: Path, tags: int) -> None:
        self._folder = folder
        self._tags: dict[str, list[str]] = defaultdict(lambda: [f"1.0.{number}" for number in range(tags)])
        self._lists: dict[str, bytes] = {}
        self._heads: dict[str, bytes] = {}
        self._blobs: dict[str, tuple[str, bytes]] = {}
        self._seen: dict[str, list[float]] = defaultdict(list)
        self._counts: Counter[str] = Counter()
        # What is made of an image stays: its digests are asked for later.
        self._find_digest = lru_cache(maxsize=None)(self._make_image)

    async def answer(self, method: str, target: str, body: bytes) -> Reply:
        if found := _TAGS.fullmatch(target):
            self._note("registry", found["path"])
            return 200, "application/json", self._list_tags(found["path"]), {}
        if found := _CONTENT.fullmatch(target):
            self._counts["registry"] += 1
            name = found["name"]
            digest = name if ":" in name else self._find_digest(found["path"], name)
            media_type, data = self._blobs.get(digest, (IMAGE, b""))
            return (200 if data else 404), media_type, data, {"Docker-Content-Digest": digest}
        if found := _GIT.fullmatch(target):
            self._counts["git"] += 1
            return await self._serve_git(found["name"], found["service"], is_first=bool(found["rest"]), body=body)
        return self._serve_bench(method, target)

    def _serve_bench(self, method: str, target: str) -> Reply:
        if method == "POST" and (found := _PUSH.fullmatch(target)):
            tags = self._tags[found["path"]]
            tags.append(f"1.0.{len(tags)}")
            self._lists.pop(found["path"], None)
        elif target == "/forget":
            self._counts.clear()
        elif target == "/seen":
            told = {"counts": self._counts, "seen": self._seen}
            return 200, "application/json", json.dumps(told).encode(), {}
        else:
            return 404, "text/plain", b"", {}
        return 200, "text/plain", b"", {}

    def _note(self, kind: str, name: str) -> None:
        self._counts[kind] += 1
        self._seen[f"{kind} {name}"].append(time.monotonic())

    def _list_tags(self, path: str) -> bytes:
        if path not in self._lists:
            self._lists[path] = json.dumps({"name": path, "tags": sorted(self._tags[path])}).encode()
        return self._lists[path]

    def _make_image(self, path: str, tag: str) -> str:
        image = make_image({"org.opencontainers.image.title": f"{path}:{tag}"})
        self._blobs[image.digest] = image.media_type, image.manifest
        self._blobs |= {make_digest(blob): ("application/octet-stream", blob) for blob in image.blobs}
        return image.digest

    async def _serve_git(self, name: str, service: str, *, is_first: bool, body: bytes) -> Reply:
        kind = f"application/x-git-{service}-{'advertisement' if is_first else 'result'}"
        if service == "upload-pack" and is_first:
            return 200, kind, _CAPABILITIES + b"0000", {}
        if service == "upload-pack" and body.startswith(_LS_REFS):
            self._seen[f"git {name}"].append(time.monotonic())
            if name not in self._heads:
                self._heads[name] = await self._list_heads(name)
            return 200, kind, self._heads[name], {}
        flags = ["--stateless-rpc", *(["--advertise-refs"] if is_first else [])]
        told = await self._run_git(service, *flags, str(self._folder / f"{name}.git"), body=body)
        if is_first:
            told = b"001f# service=git-receive-pack\n0000" + told
        self._heads.pop(name, None)
        return 200, kind, told, {}

    async def _list_heads(self, name: str) -> bytes:
        format_ = "--format=%(objectname) %(refname)"
        listing = await self._run_git("-C", str(self._folder / f"{name}.git"), "for-each-ref", format_, "refs/heads/")
        return b"".join(b"%04x%s\n" % (len(line) + 5, line) for line in listing.splitlines()) + b"0000"

    async def _run_git(self, *arguments: str, body: bytes = b"") -> bytes:
        environment = {"PATH": "/usr/bin:/bin", "GIT_PROTOCOL": "version=2" if "upload-pack" in arguments else ""}
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**environment, "GIT_CONFIG_GLOBAL": "/dev/null"},
        )
        told, _ = await process.communicate(body)
        return told

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                method, target, _ = head[0].split(" ")
                status, kind, data, more = await self.answer(method, target, body)
                fields = {"Content-Type": kind, "Content-Length": str(len(data)), **more}
                lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
                writer.write(b"HTTP/1.1 %s\r\n%s\r\n%s" % (_STATUS[status], lines, b"" if method == "HEAD" else data))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def _main(folder: Path, tags: int) -> None:
    server = await asyncio.start_server(Servers(folder, tags).serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
