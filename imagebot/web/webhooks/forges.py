"""What forges send: pushes, what became of merge requests, and packages, which are images as well."""

from urllib.parse import urlsplit

from imagebot.web.webhooks.delivery import NOTHING, Delivery, MovedBranch, Notice, Payload
from imagebot.web.webhooks.registries import parse_distribution

_HEADS = "refs/heads/"
_ENDS = ("closed", "reopened")
_GITHUB_REGISTRY = "ghcr.io"


def parse_github(delivery: Delivery) -> Notice:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads"""
    kind, payload = delivery.headers.get("x-github-event", ""), delivery.read()
    if kind in ("package", "registry_package"):
        package = Payload(payload.find(kind))
        if package.text("package_type").lower() != "container":
            return NOTHING
        path = f"{package.text('namespace')}/{package.text('name')}".lower()
        return Notice(frozenset([delivery.name_repository(_GITHUB_REGISTRY, path)]))
    return _read_repo_event(kind, payload)


def parse_gitea(delivery: Delivery) -> Notice:
    """Read what Gitea and Forgejo send: https://docs.gitea.com/usage/repository/webhooks"""
    headers, payload = delivery.headers, delivery.read()
    kind = headers.get("x-gitea-event") or headers.get("x-forgejo-event", "")
    if kind == "package":
        if payload.text("package", "type") != "container":
            return NOTHING
        host = urlsplit(str(payload.find("package", "html_url") or "")).netloc
        path = f"{payload.text('package', 'owner', 'login')}/{payload.text('package', 'name')}".lower()
        return Notice(frozenset([delivery.name_repository(host, path)]))
    return _read_repo_event(kind, payload)


def parse_gitlab(delivery: Delivery) -> Notice:
    """Read the hooks of projects, groups and the instance, and the notifications of GitLab's registry.

    https://docs.gitlab.com/user/project/integrations/webhook_events/
    """
    if "distribution.events" in delivery.headers.get("content-type", ""):
        return parse_distribution(delivery)
    payload = delivery.read()
    kind = payload.find("object_kind")
    if kind not in ("push", "merge_request"):
        return NOTHING
    repo = payload.text("project", "path_with_namespace")
    if kind == "push":
        return _make_push(repo, payload.text("ref"))
    request = Payload(payload.find("object_attributes"))
    if request.find("action") not in ("close", "reopen", "merge"):
        return NOTHING
    moved = MovedBranch(repo, request.text("target_branch"), request.text("source_branch"))
    return Notice(branches=frozenset([moved]))


def _read_repo_event(kind: str, payload: Payload) -> Notice:
    """Read the events that Gitea sends in the form of GitHub's."""
    if kind == "push":
        return _make_push(payload.text("repository", "full_name"), payload.text("ref"))
    if kind != "pull_request" or payload.find("action") not in _ENDS:
        return NOTHING
    repo, request = payload.text("repository", "full_name"), Payload(payload.find("pull_request"))
    return Notice(branches=frozenset([MovedBranch(repo, request.text("base", "ref"), request.text("head", "ref"))]))


def _make_push(repo: str, ref: str) -> Notice:
    if not ref.startswith(_HEADS):
        return NOTHING
    return Notice(branches=frozenset([MovedBranch(repo, ref.removeprefix(_HEADS))]))
