"""Proposals where several things meet: files that cannot be read, digests, other targets, no forge."""

from collections import Counter

import pytest

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.servers.gitserver import list_heads, seed
from tests.stories.world import POLICY, PROJECT, World, branch_of, make_pod, make_target


@pytest.fixture
def branch(registry: LoopbackRegistry) -> str:
    return branch_of(registry, "acme/good")


def _push(registry: LoopbackRegistry, *tags: str) -> None:
    for tag in tags:
        push_image(registry.address, "acme/good", tag)


def test_a_merge_request_says_what_changes_and_who_allowed_it(world: World, branch: str):
    world.commit({".imagebot.yaml": POLICY + b"merge_requests: {labels: [image-update], draft: true}\n"})

    world.run()

    request = world.only_request()
    assert (request.branch, request.target) == (branch, "main")
    assert request.title.startswith("Draft: Update 127.0.0.1")
    assert request.title.endswith("/acme/good from 1.0.0 to 1.1.0")
    assert "| `1.0.0` →\u00a0`1.1.0` | minor |" in request.body
    at = f"{world.gitlab.url}/{PROJECT}/-/blob/{world.git_head('main')}"
    where, entry = f"[`good.yaml:4`]({at}/good.yaml#L4)", f"[`.imagebot.yaml:3`]({at}/.imagebot.yaml#L3)"
    assert f"| {where} | {entry} |" in request.body
    assert request.labels == ["image-update"]
    assert world.gitlab.project.quick_actions == []


def test_a_proposal_stays_while_the_file_that_names_its_image_cannot_be_read(world: World, branch: str):
    world.run()
    world.commit({"good.yaml": b"image: [\n"})

    ran = world.run()

    assert ran.actions() == {}
    assert world.only_request().state == "opened"


def test_a_file_that_cannot_be_read_keeps_no_proposal_that_does_not_change_it(world: World, branch: str):
    world.commit({"chart.yaml": b"{{ if .Values.image }}\n"})
    world.run()
    world.commit({"good.yaml": b"kind: Pod\n"})

    assert world.run().actions() == {branch: "closed"}


def test_a_proposal_stays_while_the_registry_does_not_list_the_tag_that_is_written(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    listing = Reply(200, b'{"name": "acme/good", "tags": ["0.1.0"]}', {"Content-Type": "application/json"})
    registry.fault = lambda _method, target: listing if "tags/list" in target else None

    ran = world.run()

    assert ran.actions() == {}
    assert world.only_request().state == "opened"


def test_a_branch_that_holds_a_proposal_for_another_target_is_left_alone_and_reported(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    head = world.git_head(branch)
    world.commit({".imagebot.yaml": POLICY, "other.yaml": b"kind: Pod\n"}, branch="prod")
    world.targets[:] = [{**world.targets[0], "name": "prod", "branch": "prod"}]

    unconcerned = world.run()
    world.commit({"other.yaml": make_pod(registry, "acme/good")}, branch="prod")
    concerned = world.run()

    assert unconcerned.actions("prod") == {}
    assert world.git_head(branch) == head
    (result,) = concerned.targets["prod"]["results"]
    assert (concerned.exit_code, result["action"]) == (1, "failed")
    assert "holds a proposal for main: delete it if that is no target any more" in result["detail"]


def test_two_config_repositories_that_use_one_image_cost_the_requests_of_one(world: World, registry: LoopbackRegistry):
    other = world.git.create("acme/other")
    seed(other, {".imagebot.yaml": POLICY, "values.yaml": make_pod(registry, "acme/good")})
    world.targets.append(make_target("other", world.git.url("acme/other"), None))
    registry.requests.clear()

    ran = world.run()

    assert [action for name in ("infra", "other") for action in ran.actions(name).values()] == ["opened", "opened"]
    asked = Counter((each.method, each.target.split("/")[4]) for each in registry.requests)
    assert asked == {("GET", "tags"): 1, ("HEAD", "manifests"): 2, ("GET", "manifests"): 2, ("GET", "blobs"): 2}
    assert len({(each.method, each.target) for each in registry.requests}) == len(registry.requests)


def test_without_a_forge_the_branch_is_the_proposal_and_its_commit_the_text(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.targets[:] = [make_target("infra", world.git.url(PROJECT), None)]

    actions = [world.run().actions()]
    actions.append(world.run().actions())
    _push(registry, "1.2.0")
    actions.append(world.run().actions())

    assert actions == [{branch: "opened"}, {branch: "unchanged"}, {branch: "moved"}]
    message = world.read_message(branch)
    assert message.startswith(f"Update {registry.address}/acme/good from 1.0.0 to 1.2.0\n\ngood.yaml:4 ")
    assert f"\nImagebot-Update: {registry.address}/acme/good=1.2.0\n" in message
    world.commit({"good.yaml": make_pod(registry, "acme/good", "1.2.0")})
    assert world.run().actions() == {branch: "closed"}
    assert branch not in list_heads(world.bare)
    assert world.gitlab.requests == []


def test_a_pinned_digest_moves_with_its_tag_and_is_asked_for_once_a_round(
    world: World, registry: LoopbackRegistry, branch: str
):
    old, new = (push_image(registry.address, "acme/good", tag) for tag in ("1.0.0", "1.1.0"))
    pinned = f"image: {registry.address}/acme/good:1.0.0@{old}\n".encode()
    world.commit({"good.yaml": pinned})
    world.run()
    registry.requests.clear()

    ran = world.run()

    assert ran.actions() == {branch: "unchanged"}
    assert world.read(branch)["good.yaml"] == pinned.replace(b"1.0.0", b"1.1.0").replace(old.encode(), new.encode())
    assert [(each.method, each.target.rpartition("/")[2]) for each in registry.requests] == [
        ("GET", "list?n=1000"),
        ("HEAD", "1.1.0"),
    ]


def test_an_image_whose_digest_cannot_be_had_stays_and_says_so(world: World, registry: LoopbackRegistry, branch: str):
    old = push_image(registry.address, "acme/good", "1.0.0")
    world.commit({"good.yaml": f"image: {registry.address}/acme/good:1.0.0@{old}\n".encode()})
    world.run()
    _push(registry, "1.2.0")
    registry.fault = lambda method, _target: Reply(503) if method == "HEAD" else None
    head = world.git_head(branch)

    ran = world.run()

    image = f"{registry.address}/acme/good"
    reason = (
        f"what has to be known of its images could not be had: {registry.address} is unavailable: it answered 503,"
        " which is for those who run it to mend"
    )
    assert (ran.exit_code, ran.actions(), ran.targets["infra"]["unlisted"]) == (1, {}, {image: reason})
    assert world.git_head(branch) == head
    assert world.only_request().state == "opened"
