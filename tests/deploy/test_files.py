"""The Dockerfile and the deployments: to the letter of their formats, hardened, and with settings that load."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

import imagebot
from imagebot.settings.operator import Settings, load_settings
from tests.programs import require_program

_ROOT = Path(__file__).parents[2]
_DEPLOY = _ROOT / "deploy"
_OVERLAYS = ("base", "postgres")
_KUBERNETES = ("1.28", "1.33")
_BIN = Path(sys.executable).parent
_SECRETS = ("/run/secrets/imagebot", "/run/secrets")


def run(*command: str | Path) -> str:
    done = subprocess.run([str(each) for each in command], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def render(overlay: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(run(_BIN / "kubectl", "kustomize", _DEPLOY / "kubernetes" / overlay)))


def find_one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def load(text: str, folder: Path) -> Settings:
    """Load settings whose secrets are mounted as files, from a folder where they are."""
    for number, mount in enumerate(_SECRETS):
        secrets = folder / str(number)
        secrets.mkdir()
        (secrets / "forge-token").write_text("s3cret")
        (secrets / "store-url").write_text("postgresql://imagebot:s3cret@db.example.com/imagebot")
        text = text.replace(f"file: {mount}/", f"file: {secrets}/")
    (folder / "imagebot.yaml").write_text(text)
    return load_settings(folder / "imagebot.yaml", {})


def test_the_dockerfile_passes_hadolint():
    run(_BIN / "hadolint", _ROOT / "Dockerfile")


def test_the_dockerfile_builds_from_the_base_that_tools_see():
    text = (_ROOT / "Dockerfile").read_text()

    arguments = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert arguments == re.findall(r"^FROM (\S+) AS default$", text, re.MULTILINE)
    assert len(arguments) == 1


def test_whatever_the_dockerfile_copies_is_sent_to_the_builder():
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", (_ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sent = (_ROOT / ".dockerignore").read_text().splitlines()

    assert {f"!{name}" for line in copied for name in line.split()} == {each for each in sent if each.startswith("!")}


@pytest.mark.parametrize("version", _KUBERNETES)
@pytest.mark.parametrize("overlay", _OVERLAYS)
def test_what_kustomize_renders_is_what_kubernetes_knows(overlay: str, version: str):
    objects = render(overlay)

    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)
    assert {each["kind"] for each in objects} >= {
        "ConfigMap",
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
    }


@pytest.mark.parametrize("overlay", _OVERLAYS)
def test_pods_may_do_nothing_that_they_need_not(overlay: str):
    pod = find_one(render(overlay), "Deployment")["spec"]["template"]["spec"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} <= container["resources"].keys()
    written = {each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")}
    assert written == {"/var/lib/imagebot", "/tmp"}


@pytest.mark.parametrize("overlay", _OVERLAYS)
def test_selectors_and_probes_name_what_is_there(overlay: str):
    objects = render(overlay)
    deployment = find_one(objects, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"].items()
    selectors = [
        find_one(objects, "Service")["spec"]["selector"],
        find_one(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        find_one(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        deployment["selector"]["matchLabels"],
    ]
    assert all(selector and selector.items() <= labels for selector in selectors)
    (container,) = deployment["template"]["spec"]["containers"]
    paths = [container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")]
    assert paths == ["/healthz", "/healthz", "/readyz"]
    claims = {each["metadata"]["name"] for each in objects if each["kind"] == "PersistentVolumeClaim"}
    volumes = deployment["template"]["spec"]["volumes"]
    assert claims == {each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each}


def test_the_service_monitor_reads_the_port_of_the_service(tmp_path: Path):
    kustomization = {"resources": [os.path.relpath(_DEPLOY / "kubernetes/base", tmp_path)]}
    kustomization["components"] = [os.path.relpath(_DEPLOY / "kubernetes/monitoring", tmp_path)]
    (tmp_path / "kustomization.yaml").write_text(json.dumps(kustomization))
    objects = list(yaml.safe_load_all(run(_BIN / "kubectl", "kustomize", tmp_path)))

    monitor, service = find_one(objects, "ServiceMonitor")["spec"], find_one(objects, "Service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert [each["port"] for each in monitor["endpoints"]] == [each["name"] for each in service["spec"]["ports"]]


def list_settings() -> Iterator[Any]:
    for overlay in _OVERLAYS:
        yield pytest.param(_DEPLOY / "kubernetes" / overlay / "imagebot.yaml", id=f"kubernetes, {overlay}")
    for kind in ("compose", "compose-postgres"):
        yield pytest.param(_DEPLOY / kind / "settings/imagebot.yaml", id=kind)


@pytest.mark.parametrize("path", [*list_settings()])
def test_the_settings_of_a_deployment_load(path: Path, tmp_path: Path):
    settings = load(path.read_text(), tmp_path)

    assert settings.web is not None
    assert settings.web.listen.host == "0.0.0.0"
    assert [target.name for target in settings.targets] == ["fleet"]
    assert (settings.store is not None) == ("postgres" in str(path))


@pytest.mark.parametrize("kind", ["compose", "compose-postgres"])
def test_compose_files_are_what_compose_knows(kind: str):
    file = _DEPLOY / kind / "compose.yaml"
    run(_BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)

    service = yaml.safe_load(file.read_text())["services"]["imagebot"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert {each.split(":")[-2 if each.endswith(":ro") else -1] for each in service["volumes"]} == {
        "/var/lib/imagebot",
        "/etc/imagebot",
    }


@pytest.mark.parametrize(("name", "schema"), [("gitlab-ci", "gitlab-ci"), ("github-actions", "github-workflows")])
def test_pipelines_are_what_their_forges_know(name: str, schema: str):
    run(_BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", _DEPLOY / f"{name}.yml")


def test_jobs_on_github_may_write_what_it_mounts():
    jobs = yaml.safe_load((_DEPLOY / "github-actions.yml").read_text())["jobs"].values()

    # GitHub's actions fail in a container whose user is not root: https://github.com/actions/checkout/issues/956
    assert {job["container"]["options"] for job in jobs} == {"--user root"}


def read_scripts() -> Iterator[Any]:
    gitlab = yaml.safe_load((_DEPLOY / "gitlab-ci.yml").read_text())["imagebot-once"]["script"]
    yield pytest.param(
        gitlab,
        {
            "CI_PROJECT_DIR": "/builds/infra/fleet",
            "CI_PROJECT_URL": "https://gitlab.example.com/infra/fleet",
            "CI_DEFAULT_BRANCH": "main",
            "CI_SERVER_URL": "https://gitlab.example.com",
            "CI_PROJECT_PATH": "infra/fleet",
        },
        "gitlab",
        id="gitlab",
    )
    github = yaml.safe_load((_DEPLOY / "github-actions.yml").read_text())["jobs"]["once"]["steps"]
    yield pytest.param(
        [step["run"] for step in github if "run" in step],
        {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "infra/fleet", "BRANCH": "main"},
        "github",
        id="github",
    )


@pytest.mark.parametrize(("script", "variables", "kind"), [*read_scripts()])
def test_the_settings_that_a_pipeline_writes_load(
    script: list[str], variables: Mapping[str, str], kind: str, tmp_path: Path
):
    *writing, once = script
    assert once == "imagebot once --settings /tmp/imagebot.yaml"
    text = "\n".join(writing).replace("/tmp/imagebot.yaml", str(tmp_path / "imagebot.yaml"))
    subprocess.run([require_program("sh"), "-euc", text], env={"PATH": os.environ["PATH"], **variables}, check=True)

    (target,) = load_settings(tmp_path / "imagebot.yaml", {"IMAGEBOT_TOKEN": "s3cret"}).targets
    assert (target.forge.kind, target.url, target.branch) == (
        kind,
        f"https://{'github.com' if kind == 'github' else 'gitlab.example.com'}/infra/fleet.git",
        "main",
    )


def test_every_deployment_is_of_this_version():
    tags = set()
    for path in _DEPLOY.rglob("*.y*ml"):
        tags |= set(re.findall(r"\bimagebot:([0-9][\w.]*)", path.read_text()))
        tags |= set(re.findall(r"newTag: (\S+)", path.read_text()))
    tags |= set(re.findall(r"ARG VERSION=(\S+)", (_ROOT / "Dockerfile").read_text()))

    assert tags == {imagebot.__version__}


def test_imagebot_itself_moves_the_deployments_to_a_new_version(tmp_path: Path):
    run("cp", "-r", _DEPLOY, tmp_path)
    run(_BIN / "imagebot", "set", "registry.example.com/imagebot=9.9.9", tmp_path / "deploy")

    changed = [
        path.relative_to(tmp_path).as_posix()
        for path in sorted(tmp_path.rglob("*"))
        if path.is_file() and "9.9.9" in path.read_text()
    ]
    assert changed == [
        "deploy/github-actions.yml",
        "deploy/gitlab-ci.yml",
        "deploy/kubernetes/base/kustomization.yaml",
    ]
