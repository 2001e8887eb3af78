"""The whole service: worker, pages and webhooks around a registry, git and a forge on loopback, in simulated time."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
import requests

from imagebot.agenda.values import Now
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.log import LogFormat, LogLevel, Repeats, configure_logging
from imagebot.registry.pacing import Pacing
from imagebot.settings.operator import load_settings
from imagebot.store.store import Store
from imagebot.traffic import watched
from imagebot.web.app import make_app
from imagebot.web.board import Board
from imagebot.web.events import Events
from imagebot.web.metrics import Metrics
from imagebot.web.server import WebServer
from imagebot.web.source import Source
from imagebot.worker.worker import Worker
from tests.servers.loopback_forge import Fault
from tests.stories.world import World, branch_of

pytestmark = pytest.mark.slow

_LIMIT_S = 60.0
HOUR = 3600


@dataclass
class Service:
    """What `imagebot run` puts together, but for the process; `live` lets time pass."""

    world: World
    worker: Worker
    url: str
    steady_s: float = 0.0

    def live(self, seconds: int, *, beat_s: int = 10) -> None:
        for _ in range(max(1, seconds // beat_s)):
            self.world.now += timedelta(seconds=beat_s)
            self.steady_s += beat_s
            self.worker.beat()
            assert self.worker.wait(_LIMIT_S)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=30)

    def read(self, path: str) -> list[dict[str, object]]:
        return list(self.get(f"/api/v1/{path}").json()["items"])

    def send(self, body: object) -> int:
        """Send what GitLab would, and let what is due then be done."""
        answer = requests.post(
            f"{self.url}/webhooks/gitlab",
            data=json.dumps(body),
            headers={"X-Gitlab-Token": os.environ["GIT_PASSWORD"]},
            timeout=30,
        )
        assert answer.status_code == 202
        assert self.worker.wait(_LIMIT_S)
        return int(answer.json()["due"])


@pytest.fixture
def service(world: World, registry: LoopbackRegistry) -> Iterator[Service]:
    world.settings |= {
        "web": {"listen": "127.0.0.1:0"},
        "webhooks": {"gitlab": {"kind": "gitlab", "secret": {"env": "GIT_PASSWORD"}}},
        "recheck": "3h",
    }
    with ExitStack() as stack:
        yield start(world, stack)


def start(world: World, stack: ExitStack) -> Service:
    settings = load_settings(world.write_settings(), os.environ)
    store = stack.enter_context(Store.open(settings.data_dir / "store.sqlite"))
    metrics, events = Metrics(), Events()
    service = Service(world, None, "")  # type: ignore[arg-type]  # it is made of the clock, which is the service's
    monotonic = lambda: service.steady_s  # noqa: E731 - the one clock of everything here
    configure_logging(LogLevel.INFO, LogFormat.JSON, processors=[Repeats(monotonic), events])
    clock = lambda: Now(world.now, service.steady_s)  # noqa: E731
    pacing = Pacing(monotonic=monotonic, wait=lambda _: None, now=lambda: world.now)
    service.worker = Worker(settings, store, clock=clock, observe=metrics.observe, pacing=pacing)
    source = Source(
        store=store,
        board=Board(store),
        clock=clock,
        settings=lambda: service.worker.settings,
        view=service.worker.view,
        beaten_at=lambda: service.worker.beaten_at,
        make_due=service.worker.make_due,
        find_prefix=service.worker.find_prefix,
        find_rules=service.worker.find_rules,
        find_left=metrics.find_left,
        events=events,
        find_fault=lambda: "",
        is_stopping=lambda: False,
    )
    metrics.watch(source)
    stack.enter_context(watched(metrics.count))
    stack.enter_context(service.worker)
    assert settings.web is not None
    service.url = stack.enter_context(WebServer(make_app(source, metrics), settings.web.listen)).url
    service.live(10)
    return service


def make_event(action: str, branch: str) -> dict[str, object]:
    request = {"action": action, "source_branch": branch, "target_branch": "main"}
    return {
        "object_kind": "merge_request",
        "project": {"path_with_namespace": "acme/infra"},
        "object_attributes": request,
    }


def test_from_a_new_tag_to_a_merge_request_that_pages_show_and_back_when_it_is_merged(
    service: Service, registry: LoopbackRegistry
):
    (image,) = service.read("images")
    branch = branch_of(registry, "acme/good")
    assert (image["state"], image["allowed"], image["newest"], image["branch"]) == (
        "proposed",
        "1.1.0",
        "1.1.0",
        branch,
    )
    assert str(image["url"]) in service.get("/images").text
    assert any(event["name"] == "merge request opened" for event in service.read("events"))
    assert 'imagebot_images_behind{target="infra"} 1.0' in service.get("/metrics").text

    service.world.gitlab.merge(1)
    service.live(10)
    assert service.send(make_event("merge", branch)) == 1

    (image,) = service.read("images")
    assert (image["state"], image["tag"]) == ("current", "1.1.0")
    assert 'imagebot_images_behind{target="infra"} 0.0' in service.get("/metrics").text


def test_a_person_says_no_and_changes_their_mind(service: Service, registry: LoopbackRegistry):
    branch = branch_of(registry, "acme/good")
    service.world.gitlab.close(1)
    service.live(10)
    service.send(make_event("close", branch))
    assert [image["state"] for image in service.read("images")] == ["declined"]
    assert len(service.world.gitlab.merge_requests) == 1

    service.world.gitlab.reopen(1)
    service.live(10)
    service.send(make_event("reopen", branch))

    assert [image["state"] for image in service.read("images")] == ["proposed"]


def test_what_is_closed_without_a_webhook_is_seen_when_a_recheck_is_due(service: Service):
    service.live(HOUR)
    asked = len(service.world.gitlab.requests)
    service.world.gitlab.close(1)
    service.live(HOUR)
    assert len(service.world.gitlab.requests) == asked

    service.live(2 * HOUR, beat_s=60)

    assert [image["state"] for image in service.read("images")] == ["declined"]


def test_a_forge_and_a_registry_that_are_down_for_an_hour(
    service: Service, registry: LoopbackRegistry, capfd: pytest.CaptureFixture[str]
):
    service.live(600)
    push_image(registry.address, "acme/good", "1.2.0")
    service.world.gitlab.fault = lambda _: Fault(503)
    service.live(600)
    registry.fault = lambda _method, _target: Reply(503)
    capfd.readouterr()
    asked = len(registry.requests), len(service.world.gitlab.requests)

    service.live(HOUR)

    ready = service.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert service.get("/healthz").status_code == 200
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    by_event = [line["event"] for line in lines if line["level"] in ("warning", "error")]
    assert by_event.count("target_failed") <= 2
    assert by_event.count("poll_failed") <= 4
    assert len(registry.requests) - asked[0] <= 60
    assert len(service.world.gitlab.requests) - asked[1] <= 30

    registry.fault = None
    service.world.gitlab.fault = lambda _: None
    asked = len(registry.requests), len(service.world.gitlab.requests)
    for _ in range(25):
        before = len(registry.requests), len(service.world.gitlab.requests)
        service.live(60)
        assert len(registry.requests) - before[0] <= 6
        assert len(service.world.gitlab.requests) - before[1] <= 12
    assert (len(registry.requests), len(service.world.gitlab.requests)) > asked

    assert [image["state"] for image in service.read("images")] == ["proposed"]
    assert service.world.only_request().title.endswith("to 1.2.0")
    assert service.get("/readyz").json()["status"] == "ready"
    assert len(service.world.gitlab.merge_requests) == 1


def test_a_policy_file_that_is_wrong_is_shown_and_what_is_open_stays(service: Service):
    service.world.commit({".imagebot.yaml": b"version: 1\nimages: [{image: '*', policy: {semver: 'x.y'}}]\n"})
    service.live(310)

    (target,) = service.read("targets")
    assert (target["condition"], target["open"]) == ("faulty", 1)
    assert ".imagebot.yaml:2" in str(target["error"])
    assert "policy file is wrong" in service.get("/").text
    assert service.world.only_request().state == "opened"
