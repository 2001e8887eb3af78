"""What registries send when something was pushed or deleted. Each function is about one product, after its documents.

Pulls and scans say nothing new: our own polls are pulls.
"""

import re
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from imagebot.image.reference import DOCKER_HUB, Repository
from imagebot.web.webhooks.delivery import NOTHING, Delivery, InvalidDelivery, Notice, Payload, parse_name

_CHANGES = ("push", "delete")
_GRID = "Microsoft.ContainerRegistry."
_URN = re.compile(r"urn:aws:ecr:(?P<region>[a-z0-9-]{1,40}):(?P<account>[0-9]{12}):repository/(?P<path>\S{1,300})")
_ACCOUNT, _REGION = re.compile(r"[0-9]{12}"), re.compile(r"[a-z0-9-]{1,40}")


def parse_distribution(delivery: Delivery) -> Notice:
    """Read the notifications of the CNCF's distribution, which GitLab's registry sends as well.

    https://distribution.github.io/distribution/about/notifications/
    """
    return _collect(_find_event(event, delivery) for event in delivery.read().items("events"))


def parse_docker_hub(delivery: Delivery) -> Notice:
    """https://docs.docker.com/docker-hub/repos/manage/webhooks/"""
    return Notice(frozenset([delivery.name_repository(DOCKER_HUB, delivery.read().text("repository", "repo_name"))]))


def parse_harbor(delivery: Delivery) -> Notice:
    """https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks/"""
    payload = delivery.read()
    if payload.find("specversion") is not None:
        return parse_cloudevents(delivery)
    if payload.text("type") not in ("PUSH_ARTIFACT", "DELETE_ARTIFACT", "REPLICATION", "TAG_RETENTION"):
        return NOTHING
    return _collect([_find_of_harbor(Payload(payload.find("event_data")), delivery)])


def parse_quay(delivery: Delivery) -> Notice:
    """https://docs.quay.io/guides/notifications.html"""
    payload = delivery.read()
    if delivery.registry is not None:
        return Notice(frozenset([delivery.name_repository("", payload.text("repository"))]))
    return Notice(frozenset([parse_name(payload.text("docker_url").removeprefix("https://"))]))


def parse_acr(delivery: Delivery) -> Notice:
    """Read what Azure's registry sends itself, and through Event Grid in either of its schemas.

    https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
    """
    return _collect(_find_of_azure(event, delivery) for event in delivery.read().items())


def parse_ecr(delivery: Delivery) -> Notice:
    """Read the events that EventBridge hands to an API destination.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
    """
    return _collect(_find_of_aws(event, delivery) for event in delivery.read().items())


def parse_cloudevents(delivery: Delivery) -> Notice:
    """Read CloudEvents in any mode: those of Harbor, Azure, EventBridge's transformers, zot, and CDEvents.

    https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md
    """
    payload = delivery.read()
    if (kind := delivery.headers.get("ce-type")) is not None:
        event = {"type": kind, "source": delivery.headers.get("ce-source", ""), "data": payload.value}
        return _collect([_find_of_event(Payload(event), delivery)])
    return _collect(_find_of_event(event, delivery) for event in payload.items())


def find_validation(delivery: Delivery) -> str | None:
    """Return the code that Event Grid wants back before it sends anything; None if it does not ask for it."""
    for event in delivery.read().items():
        if event.find("eventType") == "Microsoft.EventGrid.SubscriptionValidationEvent":
            return event.text("data", "validationCode")
    return None


def _collect(found: Iterable[Repository | None]) -> Notice:
    return Notice(frozenset(each for each in found if each is not None))


def _find_event(event: Payload, delivery: Delivery) -> Repository | None:
    """Find the repository of which a tag was pushed, or something deleted; a blob that was pushed is nothing new."""
    action = event.text("action")
    if action not in _CHANGES or (action == "push" and not event.find("target", "tag")):
        return None
    return delivery.name_repository(event.find("request", "host") or "", event.text("target", "repository"))


def _find_of_harbor(data: Payload, delivery: Delivery) -> Repository:
    path = data.text("repository", "repo_full_name")
    resources = data.find("resources")
    url = resources[0].get("resource_url") if isinstance(resources, list) and resources else None
    return delivery.name_repository(str(url or "").partition("/")[0], path)


def _find_of_azure(event: Payload, delivery: Delivery) -> Repository | None:
    kind = event.find("eventType") or event.find("type")
    if kind is None:
        return _find_event(event, delivery)
    return _find_event(Payload(event.find("data")), delivery) if str(kind).startswith(_GRID) else None


def _find_of_aws(event: Payload, delivery: Delivery) -> Repository | None:
    if event.find("specversion") is not None:
        return _find_of_event(event, delivery)
    if event.find("source") != "aws.ecr" or event.find("detail-type") != "ECR Image Action":
        return None
    if event.find("detail", "result") != "SUCCESS" or event.find("detail", "action-type") not in ("PUSH", "DELETE"):
        return None
    host = _name_ecr(event.text("account"), event.text("region"))
    return delivery.name_repository(host, event.text("detail", "repository-name"))


def _name_ecr(account: str, region: str) -> str:
    if not _ACCOUNT.fullmatch(account) or not _REGION.fullmatch(region):
        raise InvalidDelivery("it has no account or region of AWS")
    return f"{account}.dkr.ecr.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def _find_of_event(event: Payload, delivery: Delivery) -> Repository | None:
    """Find the repository of a CloudEvent, by who sends it."""
    kind, data = event.text("type"), Payload(event.find("data"))
    if kind.startswith("harbor."):
        is_change = kind in ("harbor.artifact.pushed", "harbor.artifact.deleted")
        return _find_of_harbor(data, delivery) if is_change else None
    if kind.startswith(_GRID):
        return _find_event(data, delivery)
    if match := _URN.fullmatch(str(event.find("source"))):
        return delivery.name_repository(_name_ecr(match["account"], match["region"]), match["path"])
    if kind.startswith("zotregistry."):
        return _find_of_zot(kind, event, delivery)
    if kind.startswith("dev.cdevents.artifact."):
        return _find_of_package_url(data.text("subject", "id"), delivery)
    raise InvalidDelivery(f"events of the type {kind[:80]!r} are not known")


def _find_of_zot(kind: str, event: Payload, delivery: Delivery) -> Repository | None:
    """https://zotregistry.dev/latest/articles/event-configuration/"""
    if not kind.startswith(("zotregistry.image.updated", "zotregistry.image.deleted")):
        return None
    return delivery.name_repository("", event.text("data", "name"))


def _find_of_package_url(text: str, delivery: Delivery) -> Repository:
    """Find the repository of a package URL of the type `oci`.

    https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md
    """
    url = parse_qs(urlsplit(text).query).get("repository_url", [""])[0]
    if not text.startswith("pkg:oci/") or not url:
        raise InvalidDelivery("its subject is no package URL of an image with its repository_url")
    return parse_name(url) if delivery.registry is None else delivery.name_repository("", url.partition("/")[2])
