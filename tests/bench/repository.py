"""A generated config repository: 10,000 files of 50 MB, a third of which name 300 images.

The files are of the kinds that such repositories hold: manifests, values of charts, kustomizations, and much that names
no image, as ConfigMaps, dashboards, definitions of custom resources and prose. The same bytes come out every time.
"""

import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

FILES = 10_000
IMAGES = tuple(f"registry.example.org/team{number % 20}/service-{number:03}" for number in range(300))
WANTED = IMAGES[::30]
POLICY = b"""\
version: 1
files: {include: ["**"]}
images:
  - {name: first, image: registry.example.org/team1/**, policy: {semver: minor}}
  - {name: rest, image: "registry.example.org/**", policy: {semver: "^1.2"}}
"""
_WORDS: tuple[str, ...] = (
    "timeout",
    "retry",
    "replicas",
    "region",
    "endpoint",
    "cache",
    "queue",
    "worker",
    "metrics",
    "token",
)
_WORDS += ("cluster", "namespace", "volume", "backup", "schedule", "ingress", "certificate", "gateway", "budget")


def make_files() -> Iterator[tuple[str, bytes]]:
    """Make the files, each with its path: ten to a folder."""
    source = random.Random(5)
    kinds: tuple[Callable[[random.Random], tuple[str, str]], ...] = (
        _make_deployment,
        _make_values,
        _make_kustomization,
        _make_config,
        _make_config,
        _make_config,
        _make_dashboard,
        _make_prose,
        _make_prose,
        _make_definition,
    )
    yield ".imagebot.yaml", POLICY
    for number in range(FILES - 1):
        name, text = kinds[number % len(kinds)](source)
        folder, place = divmod(number, len(kinds))
        yield f"clusters/env-{folder % 8}/app-{folder:04}/{place}-{name}", text.encode()


def write_repository(path: Path) -> None:
    """Make a bare repository of the files in one commit on `main`, packed."""
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(path)], check=True)
    parts = [b"commit refs/heads/main\ncommitter bench <bench@example.org> 1767225600 +0000\ndata 0\n"]
    for name, data in make_files():
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data))
    import_ = ["git", "-C", str(path), "fast-import", "--quiet", "--done"]
    subprocess.run(import_, input=b"".join([*parts, b"done\n"]), check=True)


def _make_deployment(source: random.Random) -> tuple[str, str]:
    containers = "".join(
        f"      - name: {source.choice(_WORDS)}\n"
        f"        image: {_make_image(source)}  # of the team\n"
        "        env:\n" + _make_environment(source, 12)
        for _ in range(source.randint(1, 2))
    )
    return "deployment.yaml", (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {app: web, tier: front}\n"
        f"spec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n{containers}"
        f"---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n  - port: 80\n"
    )


def _make_values(source: random.Random) -> tuple[str, str]:
    name, _, tag = _make_image(source).rpartition(":")
    sections = "".join(f"{source.choice(_WORDS)}{number}:\n{_make_settings(source, 10)}" for number in range(6))
    return "values.yaml", f'# Values\nimage:\n  repository: {name}\n  tag: "{tag}"\n  pullPolicy: Always\n{sections}'


def _make_kustomization(source: random.Random) -> tuple[str, str]:
    name, _, tag = _make_image(source).rpartition(":")
    return "kustomization.yaml", (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- deployment.yaml\n"
        f"images:\n- name: {name}\n  newTag: {tag}\n"
    )


def _make_config(source: random.Random) -> tuple[str, str]:
    settings = _make_settings(source, source.randint(40, 110))
    return "config.yaml", f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n{settings}"


def _make_dashboard(source: random.Random) -> tuple[str, str]:
    panels = ",\n".join(
        f'    {{"id": {number}, "title": "{_make_words(source, 4)}", "gridPos": {{"h": 8, "w": 12, "x": 0}},\n'
        f'     "targets": [{{"expr": "sum(rate({source.choice(_WORDS)}_total[5m]))", "refId": "A"}}]}}'
        for number in range(source.randint(30, 90))
    )
    return "dashboard.json", f'{{\n  "title": "{_make_words(source, 3)}",\n  "panels": [\n{panels}\n  ]\n}}\n'


def _make_definition(source: random.Random) -> tuple[str, str]:
    fields = "".join(
        f"              {word}{number}:\n                description: >-\n"
        f"                  {_make_words(source, 14)}\n                type: string\n"
        for number in range(source.randint(40, 130))
        for word in (source.choice(_WORDS),)
    )
    return "definition.yaml", (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  versions:\n  - name: v1\n"
        f"    schema:\n      openAPIV3Schema:\n        properties:\n          spec:\n            properties:\n{fields}"
    )


def _make_prose(source: random.Random) -> tuple[str, str]:
    lines = "".join(f"{_make_words(source, 11)}.\n" for _ in range(source.randint(20, 60)))
    return "README.md", f"# {_make_words(source, 3)}\n\n{lines}"


def _make_settings(source: random.Random, count: int) -> str:
    return "".join(
        f"  {source.choice(_WORDS)}_{number}: {source.choice(_WORDS)}-{number * 7919}  # {_make_words(source, 4)}\n"
        for number in range(count)
    )


def _make_environment(source: random.Random, count: int) -> str:
    return "".join(
        f'        - name: {source.choice(_WORDS).upper()}_{number}\n          value: "{_make_words(source, 3)}"\n'
        for number in range(count)
    )


def _make_words(source: random.Random, count: int) -> str:
    return " ".join(source.choices(_WORDS, k=count))


def _make_image(source: random.Random) -> str:
    number = source.randrange(len(IMAGES))
    return f"{IMAGES[number]}:1.{number % 30}.{source.randrange(3)}"
