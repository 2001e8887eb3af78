"""Where webhooks come in: `/webhooks/NAME`, each as the settings say."""

import json
from collections.abc import Callable, Mapping

from flask import Flask, Response, request

from imagebot.log import log
from imagebot.settings.service_section import HookKind, HookSection
from imagebot.web.source import Source
from imagebot.web.webhooks.delivery import Delivery, InvalidDelivery, Notice
from imagebot.web.webhooks.forges import parse_gitea, parse_github, parse_gitlab
from imagebot.web.webhooks.match import find_targets
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
from imagebot.web.webhooks.verify import is_genuine

_PARSERS: Mapping[HookKind, Callable[[Delivery], Notice]] = {
    HookKind.ACR: parse_acr,
    HookKind.CLOUDEVENTS: parse_cloudevents,
    HookKind.DISTRIBUTION: parse_distribution,
    HookKind.DOCKER_HUB: parse_docker_hub,
    HookKind.ECR: parse_ecr,
    HookKind.GITEA: parse_gitea,
    HookKind.GITHUB: parse_github,
    HookKind.GITLAB: parse_gitlab,
    HookKind.HARBOR: parse_harbor,
    HookKind.QUAY: parse_quay,
}
_GRID_KINDS = (HookKind.ACR, HookKind.CLOUDEVENTS)


def add_webhooks(app: Flask, source: Source) -> None:
    @app.route("/webhooks/<name>", methods=["POST", "OPTIONS"])
    def _webhook(name: str) -> Response:
        hook = source.settings().webhooks.get(name)
        if hook is None:
            return _answer(404, error="there is no such webhook")
        headers = {key.lower(): value for key, value in request.headers.items()}
        delivery = Delivery(headers, request.get_data(), request.args.get("token", ""), hook.registry)
        if not is_genuine(delivery, hook.kind, hook.secret, now=source.clock().wall):
            log.warning("webhook_refused", webhook=name, error="it does not prove that its sender knows the secret")
            return _answer(401, error="the token or signature is not right")
        if request.method == "OPTIONS":
            return _shake_hands(hook)
        try:
            return _act(name, hook, delivery, source)
        except InvalidDelivery as error:
            log.warning("webhook_refused", webhook=name, error=str(error))
            return _answer(400, error=str(error))


def _act(name: str, hook: HookSection, delivery: Delivery, source: Source) -> Response:
    """Make due what the webhook is about."""
    if hook.kind in _GRID_KINDS and (code := find_validation(delivery)) is not None:
        return _answer(200, validationResponse=code)
    notice = _PARSERS[hook.kind](delivery)
    targets = find_targets(notice.branches, source.settings().targets, find_prefix=source.find_prefix)
    due = source.make_due(targets, notice.repositories)
    log.debug("webhook_heeded", webhook=name, due=due)
    return _answer(202, due=due)


def _shake_hands(hook: HookSection) -> Response:
    """Say that events may be sent: https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md §4"""
    origin = request.headers.get("WebHook-Request-Origin")
    if hook.kind not in _GRID_KINDS or origin is None:
        return Response(status=405, headers={"Allow": "POST"})
    granted = {"Allow": "POST", "WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
    return Response(status=200, headers=granted)


def _answer(status: int, **facts: object) -> Response:
    return Response(json.dumps(facts) + "\n", status, content_type="application/json")
