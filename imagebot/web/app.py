"""The web application: which page is where, who may see it, and what holds for every answer."""

from dataclasses import asdict

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from imagebot.errors import ImagebotError
from imagebot.log import log
from imagebot.settings.service_section import WebSection
from imagebot.web.answer import make_json, make_text
from imagebot.web.health import Health, check_clock, check_replicas, check_rounds, check_store
from imagebot.web.metrics import Metrics
from imagebot.web.pages import add_pages
from imagebot.web.protection import may_see
from imagebot.web.source import Source
from imagebot.web.webhooks.endpoint import add_webhooks

# Nothing is loaded from elsewhere, nothing runs, and no other page may show this one inside itself.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_app(source: Source, metrics: Metrics) -> Flask:
    """Make the application."""
    app = Flask("imagebot.web")
    app.before_request(lambda: _refuse_strangers(source))
    app.after_request(_finish)
    app.register_error_handler(Exception, _explain)
    _add_health(app, source)
    add_webhooks(app, source)
    add_pages(app, source)

    @app.get("/metrics")
    def _metrics() -> Response:
        return Response(metrics.format(), content_type=_METRICS_TYPE)

    return app


def _add_health(app: Flask, source: Source) -> None:
    @app.get("/healthz")
    def _healthz() -> Response:
        check = check_clock(source.beaten_at(), source.clock())
        return make_text("alive", 200) if check.is_ok else make_text("its clock has stopped", 503)

    @app.get("/readyz")
    def _readyz() -> Response:
        checks = {
            "clock": check_clock(source.beaten_at(), source.clock()),
            "store": check_store(source.store.ping),
            "rounds": check_rounds(source.view()),
        }
        if source.find_standing is not None:
            checks["replicas"] = check_replicas(source.find_standing)
        health = Health(checks)
        is_ready = health.is_ready and not source.is_stopping()
        status = "stopping" if source.is_stopping() else health.status
        told = {name: asdict(check) for name, check in checks.items()} if _is_known(source) else {}
        return make_json({"status": status, "checks": told}, 200 if is_ready else 503)


def _refuse_strangers(source: Source) -> Response | None:
    """Ask for the login where there is one; health is for everyone, and webhooks prove themselves."""
    is_open = request.path in ("/healthz", "/readyz") or request.path.startswith(("/webhooks/", "/static/"))
    if is_open or _is_known(source):
        return None
    headers = {"WWW-Authenticate": 'Basic realm="imagebot", charset="UTF-8"'}
    return make_text("A login is needed.", 401, headers)


def _is_known(source: Source) -> bool:
    web = source.settings().web or WebSection()
    return may_see(request.headers.get("Authorization", ""), web)


def _finish(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _explain(error: Exception) -> Response:
    """Say in one line what is wrong; a bug is logged, and nothing of it shown."""
    if isinstance(error, HTTPException):
        headers = [(name, value) for name, value in error.get_headers() if name != "Content-Type"]
        return make_text(error.name, error.code or 500, headers)
    if isinstance(error, ImagebotError):
        log.error("page_failed", path=request.path, error=str(error))
        return make_text(str(error), 503)
    log.exception("page_ended_by_a_bug", path=request.path)
    return make_text("imagebot has a bug; its log says more.", 500)
