"""What holds for every answer, who may see what, and what is said of health."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from imagebot.agenda.values import Finished, HostTiming, Phase, Timing, View
from imagebot.image.reference import Repository
from imagebot.settings.service_section import Address
from imagebot.web.server import MAX_BODY_BYTES, CannotListen, WebServer
from tests.web.conftest import Site

LOGIN = {"listen": "127.0.0.1:0", "username": "ops", "password": {"env": "PASSWORD"}, "token": {"env": "TOKEN"}}


def test_it_is_alive_as_long_as_its_clock_beats(site: Site):
    assert site.get("/healthz").status_code == 200

    site.now = replace(site.now, steady_s=site.now.steady_s + 61)

    answer = site.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "its clock has stopped\n")


def test_it_is_ready_and_says_what_it_looked_at(site: Site):
    answer = site.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert set(answer.json()["checks"]) == {"clock", "store", "rounds"}


def test_what_fails_outside_degrades_it(site: Site):
    site.view = View({"fleet": Timing(Phase.WAITING, 5.0, failures=1)})

    answer = site.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def test_a_store_that_is_gone_makes_it_unready_in_words(site: Site):
    site.store.close()
    shutil.rmtree(site.folder)

    answer = site.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (503, "unready")
    assert "cannot be used" in answer.json()["checks"]["store"]["detail"]


def test_it_is_unready_while_it_stops_and_alive(site: Site):
    site.is_stopping = True

    assert (site.get("/readyz").status_code, site.get("/readyz").json()["status"]) == (503, "stopping")
    assert site.get("/healthz").status_code == 200


def test_metrics_are_our_own_and_prometheus_reads_them(site: Site):
    site.metrics.observe(Finished("poll", "moved", 0.2))
    site.view = View(
        {
            "fleet": Timing(Phase.WAITING, 12.0, failures=3),
            "nightly": Timing(Phase.WAITING, None, at=site.now.wall + timedelta(hours=1)),
        },
        {Repository("ghcr.io", "acme/api"): Timing(Phase.READY, None)},
        {"ghcr.io": HostTiming(1, 0, 2, 30.0)},
    )

    answer = site.get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    lines = answer.text.splitlines()
    for line in (
        'imagebot_rounds_total{kind="poll",result="moved"} 1.0',
        'imagebot_round_seconds_count{kind="poll"} 1.0',
        'imagebot_target_due_seconds{target="fleet"} 12.0',
        'imagebot_target_due_seconds{target="nightly"} 3600.0',
        'imagebot_target_failures{target="fleet"} 3.0',
        'imagebot_repositories{phase="ready"} 1.0',
        'imagebot_registry_paused_seconds{host="ghcr.io"} 30.0',
        'imagebot_registry_ready_polls{host="ghcr.io"} 1.0',
    ):
        assert line in lines
    assert not any("python_gc" in line for line in lines)


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nothing-here"])
def test_every_answer_forbids_what_no_page_of_ours_needs(site: Site, path: str):
    headers = site.get(path).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers


def test_with_a_login_everything_but_health_and_webhooks_asks_for_it(site: Site):
    site.configure(web=LOGIN)

    refused = site.get("/metrics")
    assert (refused.status_code, refused.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert site.get("/nothing-here").status_code == 401
    assert site.get("/metrics", auth=("ops", "pa55word")).status_code == 200
    assert site.get("/metrics", headers={"Authorization": "Bearer t0ken"}).status_code == 200
    assert site.get("/healthz").status_code == 200
    assert site.post("/webhooks/none", b"{}").status_code == 404


def test_what_is_wrong_is_said_only_to_who_may_see_it(site: Site):
    site.configure(web=LOGIN)

    assert site.get("/readyz").json() == {"status": "ready", "checks": {}}
    assert "store" in site.get("/readyz", auth=("ops", "pa55word")).json()["checks"]


def test_a_bug_is_logged_and_nothing_of_it_shown(site: Site, capfd: pytest.CaptureFixture[str]):
    site.view = None  # type: ignore[assignment]  # what a bug would leave

    answer = site.get("/metrics")

    assert (answer.status_code, answer.text) == (500, "imagebot has a bug; its log says more.\n")
    assert "page_ended_by_a_bug" in "".join(capfd.readouterr())


def test_a_body_that_is_too_long_is_refused(site: Site):
    assert site.post("/webhooks/hub", b"x" * (MAX_BODY_BYTES + 1)).status_code == 413


def test_headers_that_are_too_long_are_refused(site: Site):
    assert site.get("/healthz", headers={"X": "x" * 40_000}).status_code == 431


def test_other_methods_are_refused(site: Site):
    answer = requests.delete(f"{site.url}/metrics", timeout=30)

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_a_name_that_leads_nowhere_is_said(site: Site):
    with pytest.raises(CannotListen, match=r"choose another address as web\.listen"):
        WebServer(object(), Address("no-such-host.invalid", 80))


def test_json_is_json(site: Site):
    assert json.loads(site.get("/readyz").text)
