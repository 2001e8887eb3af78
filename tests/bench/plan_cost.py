"""`imagebot plan` as a whole process, and what no program that does its job could do without."""

import subprocess
import sys

from tests.bench.folder import Folder
from tests.stories.fleet import FLEET

# Load the libraries, ask for the same tags by as many threads, and run bare libyaml events over the same bytes.
_BARE = """
import pathlib, sys
from concurrent.futures import ThreadPoolExecutor
import pydantic, requests, rich.console, rich.table, ruamel.yaml, typer, yaml

folder, address, *paths = sys.argv[1:]
session = requests.Session()

def ask(path):
    return session.get(f"http://{address}/v2/{path}/tags/list?n=1000").json()

with ThreadPoolExecutor(8) as pool:
    list(pool.map(ask, paths))
for file in pathlib.Path(folder).rglob("*.yaml"):
    for _ in yaml.parse(file.read_bytes(), Loader=yaml.CSafeLoader):
        pass
"""


def run_plan(folder: Folder) -> None:
    arguments = ["-m", "imagebot", "plan", str(folder.path), "--settings", str(folder.settings_file)]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    assert b"24 images can move, in 98 places of 60 files" in done.stdout


def run_bare(folder: Folder) -> None:
    arguments = [str(folder.path), folder.address, *(image.path for image in FLEET)]
    subprocess.run([sys.executable, "-c", _BARE, *arguments], check=True)
