"""The worker against a real git server and a registry, in simulated time."""

import json
from datetime import timedelta
from threading import Event

import pytest

from imagebot.agenda.values import Phase
from imagebot.demo.loopback import Reply
from imagebot.image.reference import Repository
from imagebot.settings.operator import load_settings
from tests.servers.gitserver import git, list_heads, seed
from tests.worker.conftest import Scene


def test_at_its_start_images_are_polled_and_then_proposed(scene: Scene):
    scene.start()

    assert scene.read_proposal() == "acme/api:1.1.0"
    assert [(each.kind, each.result) for each in scene.finished] == [
        ("update", "awaiting"),
        ("poll", "moved"),
        ("update", "updated"),
    ]


def test_a_new_tag_is_proposed_within_the_interval(scene: Scene):
    scene.start()
    scene.live(300)
    scene.push_tag("1.2.0")
    lists = scene.count_asked("/tags/list")

    scene.live(300)

    assert scene.read_proposal() == "acme/api:1.2.0"
    assert 1 <= scene.count_asked("/tags/list") - lists <= 2


def test_a_quiet_hour_costs_one_list_and_one_look_at_git_an_interval(scene: Scene):
    scene.settings["recheck"] = "1d"
    scene.write_image("1.1.0")
    scene.start()
    scene.live(600)
    asked, looked = len(scene.registry.requests), scene.count_git()

    scene.live(3600)

    new = scene.registry.requests[asked:]
    assert {each.target for each in new} == {"/v2/acme/api/tags/list?n=1000"}
    assert 12 <= len(new) <= 15
    # For each look the first request is answered with the demand for a login.
    assert 12 <= scene.count_git() - looked <= 2 * 15
    assert {each.result for each in scene.finished[-20:]} == {"unmoved"}


def test_what_people_push_to_the_branch_is_seen_at_the_next_look(scene: Scene):
    scene.start()
    scene.live(300)

    scene.write_image("1.1.0")
    scene.live(300)

    assert scene.read_proposal() is None


def test_a_branch_of_ours_that_people_delete_is_looked_after(scene: Scene):
    scene.start()
    scene.live(300)
    (branch,) = [name for name in list_heads(scene.bare) if name.startswith("imagebot/")]

    git(scene.bare, "update-ref", "-d", f"refs/heads/{branch}")
    scene.live(300)

    assert scene.read_proposal() == "acme/api:1.1.0"


def test_a_branch_that_is_no_business_of_ours_makes_nothing_due(scene: Scene):
    scene.settings["recheck"] = "1d"
    scene.start()
    scene.live(600)
    scene.finished.clear()

    seed(scene.bare, {"a.txt": b"x"}, branch="feature")
    scene.live(600)

    assert {each.result for each in scene.finished} == {"unmoved"}


def test_another_digest_of_a_tag_that_is_followed_is_found_by_a_poll(scene: Scene):
    scene.push_tag("latest")
    scene.write_image("latest", policy=b'version: 1\nimages:\n  - {image: "*", policy: {digest: latest}}\n')
    scene.start()
    scene.live(300)

    digest = scene.push_tag("latest", labels={"built": "again"})
    scene.live(300)

    assert scene.read_proposal() == f"acme/api:latest@{digest}"


def test_a_tag_that_waits_for_its_age_is_proposed_when_it_has_it(scene: Scene):
    scene.settings.update(interval="1d", recheck="30d")
    scene.write_image("1.0.0", policy=b'version: 1\nimages:\n  - {image: "*", policy: {semver: minor}, min_age: 2h}\n')
    scene.start()
    scene.live(2 * 3600 - 60, beat_s=30)
    assert scene.read_proposal() is None

    scene.live(60)

    assert scene.read_proposal() == "acme/api:1.1.0"


def test_a_registry_that_is_down_is_left_alone_and_caught_up_with_when_it_is_back(scene: Scene):
    scene.start()
    scene.live(300)
    scene.push_tag("1.2.0")
    scene.registry.fault = lambda _method, _target: Reply(500)
    asked = len(scene.registry.requests)
    scene.live(3600)
    hosts = scene.worker.view().hosts
    assert len(scene.registry.requests) - asked <= 20
    assert hosts[scene.registry.address].failures > 3
    assert scene.read_proposal() == "acme/api:1.1.0"

    scene.registry.fault = None
    scene.live(1200)  # the client leaves a host alone for a quarter of an hour at the most

    assert scene.read_proposal() == "acme/api:1.2.0"


def test_a_git_server_that_is_down_is_tried_again_within_the_interval(scene: Scene):
    scene.start()
    scene.git.fault = lambda _: (503, "down")
    scene.live(3600)
    scene.push_tag("1.2.0")
    scene.git.fault = lambda _: None

    scene.live(300)

    assert scene.read_proposal() == "acme/api:1.2.0"


def test_a_new_worker_goes_on_where_another_ended(scene: Scene):
    scene.start()
    scene.push_tag("1.2.0")
    scene.worker.stop()
    asked = scene.count_asked("/tags/list")
    scene.now = type(scene.now)(scene.now.wall + timedelta(minutes=1), 5.0)

    scene.start()

    assert scene.count_asked("/tags/list") == asked
    scene.live(300)
    assert scene.read_proposal() == "acme/api:1.2.0"


def test_what_is_asked_for_is_done_at_once_and_what_nobody_uses_is_not_known(scene: Scene):
    worker = scene.start()
    scene.beat(5)
    scene.push_tag("1.2.0")
    image = Repository(scene.registry.address, "acme/api")

    known = worker.make_due(["no-such-target"], [image, Repository("ghcr.io", "acme/other")])

    assert worker.wait(60)
    assert (known, scene.read_proposal()) == (1, "acme/api:1.2.0")


def test_what_runs_is_ended_and_nothing_is_begun_once_it_stops(scene: Scene):
    worker = scene.start()
    scene.beat(5)
    asked, answer = Event(), Event()

    def hold(_method: str, _target: str) -> None:
        asked.set()
        answer.wait(60)

    scene.registry.fault = hold
    worker.make_due([], [Repository(scene.registry.address, "acme/api")])
    assert asked.wait(60)

    worker.stop()
    assert not worker.wait(0.01)
    answer.set()

    assert worker.wait(60)
    assert worker.make_due(["fleet"], []) == 1
    assert worker.view().targets["fleet"].phase is Phase.READY


def test_other_settings_count_at_once_but_for_those_that_need_another_start(scene: Scene):
    worker = scene.start()
    scene.push_tag("3.0.0", path="acme/web")
    scene.push_tag("3.1.0", path="acme/web")
    bare = scene.git.create("acme/edge")
    seed(bare, {".imagebot.yaml": b'version: 1\nimages: [{image: "*", policy: {semver: minor}}]\n'})
    seed(bare, {"web.yaml": f"image: {scene.registry.address}/acme/web:3.0.0\n".encode()})
    edge = {**scene.settings["targets"][0], "name": "edge", "url": scene.git.url("acme/edge")}
    scene.settings.update(targets=[edge], parallel_polls=3)

    unheeded = worker.reconfigure(load_settings(scene.write_settings(), {"PASSWORD": "s3cret"}))

    assert worker.wait(60)
    assert unheeded == ("parallel_polls",)
    assert list(worker.view().targets) == ["edge"]
    assert [name for name in list_heads(bare) if name.startswith("imagebot/")] != []


def test_a_secret_that_was_wrong_counts_at_once_when_it_is_mended(scene: Scene):
    scene.settings["targets"][0]["password"] = {"env": "OTHER"}
    settings = load_settings(scene.write_settings(), {"OTHER": "wrong"})
    scene.settings["targets"][0]["password"] = {"env": "PASSWORD"}
    worker = scene.start()
    worker.reconfigure(settings)
    assert worker.wait(60)
    scene.beat(5)
    assert worker.view().targets["fleet"].failures == 1
    scene.push_tag("1.2.0")

    worker.reconfigure(load_settings(scene.write_settings(), {"PASSWORD": "s3cret"}))

    scene.beat(5)
    assert worker.view().targets["fleet"].failures == 0


def test_every_line_of_a_round_carries_its_id(scene: Scene, capfd: pytest.CaptureFixture[str]):
    scene.start()

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    by_event = {line["event"]: line["round_id"] for line in lines}
    assert by_event["branch_pushed"] == by_event["target_updated"]
    assert all(len(each) == 12 for each in by_event.values())
