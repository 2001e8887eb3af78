"""What each registry's webhook makes due. The bodies are written after what each product documents."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from imagebot.web.webhooks.delivery import Delivery, InvalidDelivery, Notice
from imagebot.web.webhooks.registries import (
    find_validation,
    parse_acr,
    parse_cloudevents,
    parse_distribution,
    parse_docker_hub,
    parse_ecr,
    parse_harbor,
    parse_quay,
)

DIGEST = f"sha256:{64 * 'a'}"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

Parse = Callable[[Delivery], Notice]


def deliver(body: object, *, registry: str | None = None, headers: Mapping[str, str] | None = None) -> Delivery:
    return Delivery(headers or {}, json.dumps(body).encode(), registry=registry)


def read(parse: Parse, body: object, **more: Any) -> set[str]:
    notice = parse(deliver(body, **more))
    assert notice.branches == frozenset()
    return {str(each) for each in notice.repositories}


def make_event(action: str = "push", **target: str) -> dict[str, Any]:
    """Write an event of the distribution, which ACR takes over."""
    return {
        "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
        "timestamp": "2016-03-09T14:44:26.402973972-08:00",
        "action": action,
        "target": {"mediaType": MANIFEST, "size": 708, "digest": DIGEST, "repository": "acme/api", **target},
        "request": {"id": "6df24a34", "host": "registry.example.com:5000", "method": "PUT"},
        "actor": {},
    }


def test_distribution_tells_of_pushed_tags_and_of_deletions_and_not_of_blobs_and_pulls():
    events = [
        make_event(tag="1.4.2"),
        make_event(repository="acme/blob"),
        make_event("pull", repository="acme/pulled", tag="1.0.0"),
        make_event("mount", repository="acme/mounted"),
        make_event("delete", repository="acme/gone"),
    ]

    found = read(parse_distribution, {"events": events})

    assert found == {"registry.example.com:5000/acme/api", "registry.example.com:5000/acme/gone"}


def test_the_registry_of_the_settings_counts_more_than_what_the_registry_calls_itself():
    events = {"events": [make_event(tag="1.4.2")]}

    assert read(parse_distribution, events, registry="registry.acme.com") == {"registry.acme.com/acme/api"}


@pytest.mark.parametrize(
    ("name", "repository"),
    [("acme/api", "docker.io/acme/api"), ("library/nginx", "docker.io/library/nginx")],
)
def test_docker_hub(name: str, repository: str):
    body = {
        "callback_url": "https://registry.hub.docker.com/u/acme/api/hook/2141b5bi5i5b02bec211i4eeih0242eg11000a/",
        "push_data": {"pushed_at": 1417566161, "pusher": "trustedbuilder", "tag": "latest"},
        "repository": {"namespace": name.partition("/")[0], "repo_name": name, "status": "Active", "is_private": True},
    }

    assert read(parse_docker_hub, body) == {repository}


def make_harbor(kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "occur_at": 1586922308,
        "operator": "admin",
        "event_data": {
            "resources": [{"digest": DIGEST, "tag": "1.4", "resource_url": "harbor.acme.com/shop/api:1.4"}],
            "repository": {"name": "api", "namespace": "shop", "repo_full_name": "shop/api", "repo_type": "private"},
        },
    }


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("PUSH_ARTIFACT", {"harbor.acme.com/shop/api"}),
        ("DELETE_ARTIFACT", {"harbor.acme.com/shop/api"}),
        ("PULL_ARTIFACT", set()),
        ("SCANNING_COMPLETED", set()),
    ],
)
def test_harbor(kind: str, found: set[str]):
    assert read(parse_harbor, make_harbor(kind)) == found


def test_harbor_in_the_form_of_cloudevents():
    body = {
        "specversion": "1.0",
        "id": "66b5f2f1",
        "source": "/projects/2/webhook/policies/15",
        "type": "harbor.artifact.pushed",
        "datacontenttype": "application/json",
        "data": make_harbor("")["event_data"],
    }

    assert read(parse_harbor, body) == {"harbor.acme.com/shop/api"}
    assert read(parse_harbor, {**body, "type": "harbor.artifact.pulled"}) == set()


@pytest.mark.parametrize(
    ("registry", "found"), [(None, {"quay.io/acme/api"}), ("quay.acme.com", {"quay.acme.com/acme/api"})]
)
def test_quay(registry: str | None, found: set[str]):
    body = {
        "name": "api",
        "repository": "acme/api",
        "namespace": "acme",
        "docker_url": "quay.io/acme/api",
        "homepage": "https://quay.io/repository/acme/api",
        "updated_tags": ["latest"],
    }

    assert read(parse_quay, body, registry=registry) == found


AZURE = {**make_event(tag="v1"), "request": {"host": "acme.azurecr.io", "method": "PUT"}}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(AZURE, {"acme.azurecr.io/acme/api"}, id="the registry's own webhook"),
        pytest.param({**AZURE, "action": "quarantine"}, set(), id="another action"),
        pytest.param(
            [{"id": "1", "eventType": "Microsoft.ContainerRegistry.ImagePushed", "data": AZURE, "dataVersion": "1.0"}],
            {"acme.azurecr.io/acme/api"},
            id="Event Grid's schema",
        ),
        pytest.param(
            [
                {
                    "specversion": "1.0",
                    "type": "Microsoft.ContainerRegistry.ImageDeleted",
                    "data": {**AZURE, "action": "delete"},
                }
            ],
            {"acme.azurecr.io/acme/api"},
            id="CloudEvents",
        ),
        pytest.param([{"eventType": "Microsoft.Storage.BlobCreated", "data": {}}], set(), id="of another service"),
    ],
)
def test_acr(body: object, found: set[str]):
    assert read(parse_acr, body) == found


def make_ecr(**more: Any) -> dict[str, Any]:
    detail = {"result": "SUCCESS", "repository-name": "acme/api", "image-digest": DIGEST, "action-type": "PUSH"}
    return {
        "version": "0",
        "id": "13cde686-328b-6117-af20-0e5566167482",
        "detail-type": "ECR Image Action",
        "source": "aws.ecr",
        "account": "123456789012",
        "time": "2019-11-16T01:54:34Z",
        "region": "us-west-2",
        "resources": [],
        "detail": {**detail, "image-tag": "latest", **more.pop("detail", {})},
        **more,
    }


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(make_ecr(), {"123456789012.dkr.ecr.us-west-2.amazonaws.com/acme/api"}, id="a push"),
        pytest.param(
            make_ecr(region="cn-north-1"), {"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/acme/api"}, id="in China"
        ),
        pytest.param(make_ecr(detail={"result": "FAILURE"}), set(), id="a push that failed"),
        pytest.param(make_ecr(**{"detail-type": "ECR Image Scan"}), set(), id="a scan"),
        pytest.param(
            {
                "specversion": "1.0",
                "type": "com.amazon.ecr.image.push",
                "source": "urn:aws:ecr:eu-central-1:123456789012:repository/acme/api",
                "data": {"repositoryName": "acme/api", "imageTag": "1.4"},
            },
            {"123456789012.dkr.ecr.eu-central-1.amazonaws.com/acme/api"},
            id="made a CloudEvent by a transformer",
        ),
    ],
)
def test_ecr(body: object, found: set[str]):
    assert read(parse_ecr, body) == found


CD_EVENT = {
    "specversion": "1.0",
    "type": "dev.cdevents.artifact.published.0.2.0",
    "source": "/ci",
    "data": {
        "context": {"version": "0.4.1"},
        "subject": {"id": "pkg:oci/api@sha256%3A0b31b1c02ff458ad9b7b81cb?repository_url=ghcr.io/acme/api&tag=1.4"},
    },
}
ZOT = {"specversion": "1.0", "type": "zotregistry.image.updated", "data": {"name": "acme/api", "reference": "1.4"}}


@pytest.mark.parametrize(
    ("body", "more", "found"),
    [
        pytest.param(CD_EVENT, {}, {"ghcr.io/acme/api"}, id="CDEvents"),
        pytest.param([CD_EVENT, CD_EVENT], {}, {"ghcr.io/acme/api"}, id="a batch"),
        pytest.param(ZOT, {"registry": "zot.acme.com"}, {"zot.acme.com/acme/api"}, id="zot"),
        pytest.param(
            {**ZOT, "type": "zotregistry.repository.created"}, {"registry": "zot.acme.com"}, set(), id="zot, otherwise"
        ),
        pytest.param(
            AZURE,
            {"headers": {"ce-type": "Microsoft.ContainerRegistry.ImagePushed", "ce-source": "/subscriptions/1"}},
            {"acme.azurecr.io/acme/api"},
            id="binary mode",
        ),
    ],
)
def test_cloudevents(body: object, more: dict[str, Any], found: set[str]):
    assert read(parse_cloudevents, body, **more) == found


@pytest.mark.parametrize(
    ("parse", "body", "reason"),
    [
        pytest.param(parse_distribution, [], "no list", id="no events"),
        pytest.param(parse_distribution, {"events": [{}] * 1001}, "more than 1000", id="too many events"),
        pytest.param(parse_distribution, {"events": ["push"]}, "no text under action", id="an event that is none"),
        pytest.param(
            parse_distribution, {"events": [make_event(tag="1", repository="A B")]}, "no repository", id="no repository"
        ),
        pytest.param(parse_docker_hub, {"repository": "acme/api"}, "repository.repo_name", id="another shape"),
        pytest.param(parse_docker_hub, None, "repository.repo_name", id="null"),
        pytest.param(parse_quay, {"docker_url": 7}, "docker_url", id="a number"),
        pytest.param(parse_ecr, make_ecr(account="x"), "account or region", id="no account"),
        pytest.param(parse_ecr, make_ecr(region="evil.com/"), "account or region", id="no region"),
        pytest.param(parse_cloudevents, {"type": "com.example.other", "data": {}}, "are not known", id="unknown event"),
        pytest.param(
            parse_cloudevents,
            {"type": "dev.cdevents.artifact.published", "data": {"subject": {"id": "pkg:npm/x"}}},
            "no package URL",
            id="a package that is no image",
        ),
    ],
)
def test_what_is_not_as_documented_is_refused_in_words(parse: Parse, body: object, reason: str):
    with pytest.raises(InvalidDelivery, match=reason):
        parse(deliver(body))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000], ids=["nothing", "half", "no UTF-8", "too deep"])
def test_what_is_no_json_is_refused(body: bytes):
    with pytest.raises(InvalidDelivery, match="no JSON"):
        parse_docker_hub(Delivery({}, body))


def test_event_grid_gets_back_the_code_that_it_asks_for():
    asking = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d38b6"}}]

    assert find_validation(deliver(asking)) == "512d38b6"
    assert find_validation(deliver(AZURE)) is None
