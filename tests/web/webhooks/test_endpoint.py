"""Webhooks from the request to what is due, and one of a real registry."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

from imagebot.demo.push import push_image
from imagebot.image.reference import Repository
from tests.servers.docker_registry import DockerRegistry
from tests.web.conftest import Site

API = Repository("docker.io", "acme/api")
HUB = json.dumps({"repository": {"repo_name": "acme/api"}}).encode()
FLEET = {"name": "fleet", "url": "https://git.example.com/Infra/Fleet.git", "branch": "main"}
EDGE = {"name": "edge", "url": "git@other.example.com:infra/edge.git", "branch": "prod"}


@pytest.fixture
def hooks(site: Site) -> Site:
    kinds = {"hub": "docker-hub", "gh": "github", "azure": "acr", "registry": "distribution"}
    hooks: Mapping[str, Any] = {name: {"kind": kind, "secret": {"env": "SECRET"}} for name, kind in kinds.items()}
    site.configure(webhooks=hooks, targets=[FLEET, EDGE])
    site.known = {API, "fleet"}
    return site


def sign(body: bytes, kind: str) -> dict[str, str]:
    digest = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    return {"X-GitHub-Event": kind, "X-Hub-Signature-256": f"sha256={digest}"}


def test_what_a_registry_tells_of_is_due(hooks: Site):
    answer = hooks.post("/webhooks/hub?token=s3cret", HUB)

    assert (answer.status_code, answer.json()) == (202, {"due": 1})
    assert hooks.due == [(set(), {API})]


@pytest.mark.parametrize(
    ("repo", "branch", "targets"),
    [
        pytest.param("Infra/Fleet", "main", {"fleet"}, id="the target's branch"),
        pytest.param("infra/fleet", "main", {"fleet"}, id="whatever the case"),
        pytest.param("infra/edge", "prod", {"edge"}, id="whatever the host"),
        pytest.param("infra/fleet", "feature", set(), id="another branch"),
        pytest.param("infra/other", "main", set(), id="another git repo"),
        pytest.param("infra/fleet", "imagebot/nginx", {"fleet"}, id="a branch of ours"),
        pytest.param("infra/edge", "imagebot/nginx", set(), id="a prefix that is not known yet"),
    ],
)
def test_a_push_makes_the_targets_due_that_it_is_about(hooks: Site, repo: str, branch: str, targets: set[str]):
    hooks.prefixes = {"fleet": "imagebot/"}
    body = json.dumps({"ref": f"refs/heads/{branch}", "repository": {"full_name": repo}}).encode()

    assert hooks.post("/webhooks/gh", body, sign(body, "push")).status_code == 202

    assert hooks.due == [(targets, set())]


@pytest.mark.parametrize(
    ("prefix", "source", "is_due"),
    [
        pytest.param("imagebot/", "imagebot/nginx", True, id="ours"),
        pytest.param("imagebot/", "feature", False, id="someone else's"),
        pytest.param(None, "feature", True, id="not known whose"),
    ],
)
def test_the_end_of_a_merge_request_makes_its_target_due(hooks: Site, prefix: str | None, source: str, is_due: bool):
    hooks.prefixes = {"fleet": prefix} if prefix else {}
    request = {"base": {"ref": "main"}, "head": {"ref": source}}
    repository = {"full_name": "infra/fleet"}
    body = json.dumps({"action": "closed", "pull_request": request, "repository": repository}).encode()

    hooks.post("/webhooks/gh", body, sign(body, "pull_request"))

    assert hooks.due == [({"fleet"} if is_due else set(), set())]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        pytest.param("/webhooks/hub?token=wrong", HUB, {}, 401, id="another token"),
        pytest.param("/webhooks/hub", HUB, {}, 401, id="no token"),
        pytest.param("/webhooks/gh", b"{}", sign(b"{ }", "push"), 401, id="the signature of another body"),
        pytest.param("/webhooks/none?token=s3cret", HUB, {}, 404, id="no such webhook"),
        pytest.param("/webhooks/hub?token=s3cret", b"hello", {}, 400, id="no JSON"),
        pytest.param("/webhooks/hub?token=s3cret", b"{}", {}, 400, id="another shape"),
    ],
)
def test_what_is_not_right_makes_nothing_due(
    hooks: Site, path: str, body: bytes, headers: Mapping[str, str], status: int
):
    answer = hooks.post(path, body, headers)

    assert (answer.status_code, hooks.due) == (status, [])
    assert "s3cret" not in answer.text
    assert answer.json()["error"]


def test_a_webhook_is_posted(hooks: Site):
    assert hooks.get("/webhooks/hub?token=s3cret").status_code == 405


def test_event_grid_is_answered_before_it_sends_anything(hooks: Site):
    event = {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d38b6"}}

    answer = hooks.post("/webhooks/azure?token=s3cret", json.dumps([event]).encode())

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "512d38b6"})


def test_cloudevents_are_asked_for_leave(hooks: Site):
    asking = {"WebHook-Request-Origin": "eventgrid.azure.net"}

    answer = requests.options(f"{hooks.url}/webhooks/azure?token=s3cret", headers=asking, timeout=30)

    assert (answer.status_code, answer.headers["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.net")
    assert requests.options(f"{hooks.url}/webhooks/azure", headers=asking, timeout=30).status_code == 401
    assert requests.options(f"{hooks.url}/webhooks/hub?token=s3cret", timeout=30).status_code == 405


def test_a_real_registry_tells_of_a_push_and_our_own_polls_make_nothing_due(hooks: Site, tmp_path: Path):
    pushed = Event()
    hooks.configure(webhooks={"registry": {"kind": "distribution", "secret": {"env": "SECRET"}}})
    make_due = hooks.make_due

    def hear(targets: Any, repositories: Any) -> int:
        if repositories:
            pushed.set()
        return make_due(targets, repositories)

    hooks.make_due = hear  # type: ignore[method-assign]  # the event spares waiting for the list
    hook = {"url": f"{hooks.url}/webhooks/registry", "headers": {"Authorization": ["Bearer s3cret"]}}
    with DockerRegistry(tmp_path / "registry", notifies=hook) as registry:
        requests.get(f"http://{registry.address}/v2/acme/api/tags/list", timeout=30)
        push_image(registry.address, "acme/api", "1.0.0")

        assert pushed.wait(60)
        found = set().union(*(repositories for _, repositories in hooks.due))
        assert found == {Repository(registry.address, "acme/api")}
