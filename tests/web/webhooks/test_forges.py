"""What each forge's webhook makes due. The bodies are written after what each product documents."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from imagebot.web.webhooks.delivery import Delivery, InvalidDelivery, MovedBranch, Notice
from imagebot.web.webhooks.forges import parse_gitea, parse_github, parse_gitlab

Parse = Callable[[Delivery], Notice]

REPOSITORY = {"id": 1, "name": "fleet", "full_name": "Infra/fleet", "clone_url": "https://forge/Infra/fleet.git"}
PUSH = {"ref": "refs/heads/main", "before": 40 * "0", "after": 40 * "1", "repository": REPOSITORY, "commits": []}
PUSHED = {MovedBranch("Infra/fleet", "main")}
ENDED = {MovedBranch("Infra/fleet", "main", "imagebot/nginx")}
NOTHING: set[MovedBranch] = set()


def make_request(action: str) -> dict[str, Any]:
    branches = {"base": {"ref": "main", "sha": "1"}, "head": {"ref": "imagebot/nginx", "sha": "2"}}
    request = {"number": 7, "state": "closed", "merged": True, **branches}
    return {"action": action, "number": 7, "pull_request": request, "repository": REPOSITORY}


def read(parse: Parse, headers: dict[str, str], body: object) -> tuple[set[MovedBranch], set[str]]:
    notice = parse(Delivery(headers, json.dumps(body).encode()))
    return set(notice.branches), {str(each) for each in notice.repositories}


@pytest.mark.parametrize(
    ("parse", "header"),
    [(parse_github, "x-github-event"), (parse_gitea, "x-gitea-event"), (parse_gitea, "x-forgejo-event")],
    ids=["github", "gitea", "forgejo"],
)
@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        pytest.param("push", PUSH, PUSHED, id="a push"),
        pytest.param("push", {**PUSH, "ref": "refs/heads/a/b"}, {MovedBranch("Infra/fleet", "a/b")}, id="of a/b"),
        pytest.param("push", {**PUSH, "ref": "refs/tags/v1"}, NOTHING, id="a tag"),
        pytest.param("pull_request", make_request("closed"), ENDED, id="closed or merged"),
        pytest.param("pull_request", make_request("reopened"), ENDED, id="reopened"),
        pytest.param("pull_request", make_request("labeled"), NOTHING, id="labeled"),
        pytest.param("issues", {"action": "opened"}, NOTHING, id="something else"),
        pytest.param("", {}, NOTHING, id="no kind"),
    ],
)
def test_a_forge_of_githubs_kind(parse: Parse, header: str, kind: str, body: object, found: set[MovedBranch]):
    assert read(parse, {header: kind}, body) == (found, set())


def make_gitlab(action: str, **more: Any) -> dict[str, Any]:
    ends = {"iid": 7, "source_branch": "imagebot/nginx", "target_branch": "main", "state": "closed", "action": action}
    project = {"id": 1, "path_with_namespace": "Infra/fleet", "web_url": "https://gitlab/Infra/fleet"}
    return {"object_kind": "merge_request", "project": project, "object_attributes": ends, **more}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(make_gitlab("", object_kind="push", ref="refs/heads/main"), PUSHED, id="a push"),
        pytest.param(make_gitlab("close"), ENDED, id="closed"),
        pytest.param(make_gitlab("reopen"), ENDED, id="reopened"),
        pytest.param(make_gitlab("merge"), ENDED, id="merged"),
        pytest.param(make_gitlab("update"), NOTHING, id="updated"),
        pytest.param(make_gitlab("", object_kind="tag_push", ref="refs/tags/v1"), NOTHING, id="a tag"),
        pytest.param({"object_kind": "pipeline"}, NOTHING, id="something else"),
        pytest.param({"event_name": "project_create"}, NOTHING, id="a system hook"),
    ],
)
def test_gitlab(body: object, found: set[MovedBranch]):
    assert read(parse_gitlab, {"x-gitlab-event": "Push Hook"}, body) == (found, set())


def test_the_notifications_of_gitlabs_registry():
    event = {
        "action": "push",
        "target": {"repository": "shop/api", "tag": "1.4"},
        "request": {"host": "registry.gitlab.acme.com"},
    }
    headers = {"content-type": "application/vnd.docker.distribution.events.v1+json"}

    assert read(parse_gitlab, headers, {"events": [event]}) == (NOTHING, {"registry.gitlab.acme.com/shop/api"})


@pytest.mark.parametrize("kind", ["package", "registry_package"])
def test_github_packages(kind: str):
    package = {
        "id": 10696678,
        "name": "api",
        "namespace": "Acme",
        "ecosystem": "CONTAINER",
        "package_type": "CONTAINER",
        "package_version": {"container_metadata": {"tag": {"name": "1.4", "digest": "sha256:1"}}},
    }

    assert read(parse_github, {"x-github-event": kind}, {"action": "published", kind: package}) == (
        NOTHING,
        {"ghcr.io/acme/api"},
    )
    assert read(parse_github, {"x-github-event": kind}, {kind: {**package, "package_type": "npm"}}) == (NOTHING, set())


def test_gitea_packages():
    package = {
        "id": 1,
        "owner": {"login": "Acme"},
        "type": "container",
        "name": "api",
        "version": "1.4",
        "html_url": "https://gitea.acme.com:3000/Acme/-/packages/container/api/1.4",
    }

    found = read(parse_gitea, {"x-gitea-event": "package"}, {"action": "created", "package": package})

    assert found == (NOTHING, {"gitea.acme.com:3000/acme/api"})
    assert read(parse_gitea, {"x-gitea-event": "package"}, {"package": {**package, "type": "npm"}}) == (NOTHING, set())


@pytest.mark.parametrize(
    ("parse", "headers", "body", "reason"),
    [
        (parse_github, {"x-github-event": "push"}, {"ref": "refs/heads/main"}, "repository.full_name"),
        (parse_github, {"x-github-event": "package"}, {"package": {}}, "package_type"),
        (parse_gitea, {"x-gitea-event": "pull_request"}, {"action": "closed", "repository": REPOSITORY}, "base.ref"),
        (parse_gitlab, {}, {"object_kind": "push"}, "project.path_with_namespace"),
        (parse_gitlab, {}, make_gitlab("close", object_attributes={"action": "close"}), "target_branch"),
    ],
)
def test_what_is_not_as_documented_is_refused_in_words(parse: Parse, headers: Any, body: object, reason: str):
    with pytest.raises(InvalidDelivery, match=reason):
        read(parse, headers, body)
