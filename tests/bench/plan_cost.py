"""`imagebot plan` as a whole process, and what no program that does its job could do without."""

import subprocess
import sys

from tests.bench.folder import Folder
from tests.stories.fleet import FLEET

# Load the libraries, send the same requests by as many threads, and run bare libyaml events over the same bytes. Which
# two tags of an image matter, if any, is told to it: it says `PATH` or `PATH:OLD:NEW`.
_BARE = """
import pathlib, sys
from concurrent.futures import ThreadPoolExecutor
import pydantic, requests, rich.console, rich.table, ruamel.yaml, typer, yaml

folder, address, *images = sys.argv[1:]
session = requests.Session()
accept = {"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"}

def ask(image):
    path, *tags = image.split(":")
    base = f"http://{address}/v2/{path}"
    session.get(f"{base}/tags/list?n=1000").json()
    for tag in tags:
        digest = session.head(f"{base}/manifests/{tag}", headers=accept).headers["Docker-Content-Digest"]
        manifest = session.get(f"{base}/manifests/{digest}", headers=accept).json()
        session.get(f"{base}/blobs/{manifest['config']['digest']}").json()

with ThreadPoolExecutor(8) as pool:
    list(pool.map(ask, images))
for file in pathlib.Path(folder).rglob("*.yaml"):
    for _ in yaml.parse(file.read_bytes(), Loader=yaml.CSafeLoader):
        pass
"""


def run_plan(folder: Folder) -> None:
    arguments = ["-m", "imagebot", "plan", str(folder.path), "--settings", str(folder.settings_file)]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    assert b"24 images can move, in 98 places of 60 files" in done.stdout


def run_bare(folder: Folder) -> None:
    images = (f"{image.path}:{image.old}:{image.new}" if image.new else image.path for image in FLEET)
    arguments = [str(folder.path), folder.registry.address, *images]
    subprocess.run([sys.executable, "-c", _BARE, *arguments], check=True)
