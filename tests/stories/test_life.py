"""The life of a proposal: what becomes of its branch and its merge request when things move on, or people step in."""

from collections import Counter

import pytest

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.servers.gitserver import list_heads, seed
from tests.servers.loopback_forge import Fault
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
    assert (request.source_branch, request.target_branch) == (branch, "main")
    assert request.title.startswith("Draft: Update 127.0.0.1")
    assert request.title.endswith("/acme/good from 1.0.0 to 1.1.0")
    assert "| `good.yaml:4` | `1.0.0` | `1.1.0` | minor | `*`, `.imagebot.yaml:3` |" in request.description
    assert request.labels == ["image-update"]
    assert world.gitlab.project.quick_actions == []


def test_opening_a_merge_request_costs_three_requests_to_the_forge(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    push_image(registry.address, "acme/other", "1.0.0")
    push_image(registry.address, "acme/other", "1.1.0")
    world.commit({"other.yaml": make_pod(registry, "acme/other")})
    before = len(world.gitlab.requests)

    world.run()

    assert [(each.method, each.path.rpartition("/")[2]) for each in world.gitlab.requests[before:]] == [
        ("GET", "merge_requests"),
        ("GET", "merge_requests"),
        ("POST", "merge_requests"),
    ]


def test_a_round_in_which_nothing_changed_costs_one_request_to_the_forge(world: World, branch: str):
    world.run()
    before = len(world.gitlab.requests)

    world.run()

    assert len(world.gitlab.requests) == before + 1


def test_a_better_tag_moves_the_branch_the_title_and_the_text(world: World, registry: LoopbackRegistry, branch: str):
    world.run()
    _push(registry, "1.2.0")

    ran = world.run()

    assert ran.actions() == {branch: "moved"}
    request = world.only_request()
    assert request.title.endswith("from 1.0.0 to 1.2.0")
    assert "`1.2.0`" in request.description
    assert "1.1.0" not in request.description
    assert world.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.2.0")
    assert world.count_commits(branch) == 1


def test_a_base_that_moved_elsewhere_leaves_the_branch_as_it_is(world: World, branch: str):
    world.run()
    head = world.git_head(branch)
    world.commit({"README.md": b"about\n"})

    ran = world.run()

    assert ran.actions() == {branch: "unchanged"}
    assert world.git_head(branch) == head


def test_a_base_with_which_the_branch_conflicts_gets_a_new_branch(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    other = make_pod(registry, "acme/good").replace(b"containers:\n", b"initContainers:\n")
    world.commit({"good.yaml": b"# a comment\n" + other})

    ran = world.run()

    assert ran.actions() == {branch: "moved"}
    assert world.read(branch)["good.yaml"] == b"# a comment\n" + other.replace(b"1.0.0", b"1.1.0")
    assert world.count_commits(branch) == 1
    assert "good.yaml:5" in world.only_request().description


def test_a_base_on_which_there_is_more_to_change_gets_a_new_branch(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    world.commit({"more.yaml": make_pod(registry, "acme/good")})

    ran = world.run()

    assert ran.actions() == {branch: "moved"}
    assert world.read(branch)["more.yaml"] == make_pod(registry, "acme/good", "1.1.0")
    assert world.count_commits(branch) == 1


def test_a_merged_proposal_is_done(world: World, branch: str):
    world.run()
    world.gitlab.merge(1, by="alice")

    ran = world.run()

    assert ran.actions() in ({}, {branch: "closed"})
    assert branch not in list_heads(world.bare)
    assert world.only_request().state == "merged"
    assert world.run().actions() == {}


def test_a_proposal_that_somebody_made_true_by_hand_is_closed_with_a_note(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    world.commit({"good.yaml": make_pod(registry, "acme/good", "1.1.0")})

    ran = world.run()

    assert ran.actions() == {branch: "closed"}
    request = world.only_request()
    assert (request.state, branch in list_heads(world.bare)) == ("closed", False)
    assert request.notes[-1].body == "main holds what was proposed here: nothing is left to do."


def test_what_imagebot_closed_itself_is_proposed_again_when_it_is_wanted_again(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    world.commit({"good.yaml": make_pod(registry, "acme/good", "1.1.0")})
    world.run()
    world.commit({"good.yaml": make_pod(registry, "acme/good", "1.0.0")})

    ran = world.run()

    assert ran.actions() == {branch: "opened"}


def test_a_proposal_for_an_image_that_nothing_names_any_more_is_closed(world: World, branch: str):
    world.run()
    world.commit({"good.yaml": b"kind: Pod\n"})

    ran = world.run()

    assert ran.actions() == {branch: "closed"}
    assert world.only_request().state == "closed"


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


def test_a_proposal_stays_while_the_policy_file_is_wrong(world: World, branch: str):
    world.run()
    world.commit({".imagebot.yaml": b"version: 2\n"})

    ran = world.run()

    assert ran.exit_code == 1
    assert world.only_request().state == "opened"


def test_a_branch_with_a_commit_of_somebody_else_is_left_alone(world: World, registry: LoopbackRegistry, branch: str):
    world.run()
    theirs = seed(world.bare, {"note.md": b"tested by hand\n"}, branch=branch)
    _push(registry, "1.2.0")

    ran, again = world.run(), world.run()

    assert (ran.actions(), again.actions()) == ({branch: "left alone"}, {branch: "left alone"})
    assert world.git_head(branch) == theirs
    (note,) = world.only_request().note_bodies
    assert note.startswith("Someone else committed to this branch, so imagebot leaves it alone")


def test_a_branch_is_taken_up_again_when_the_foreign_commits_are_gone(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    ours = world.git_head(branch)
    seed(world.bare, {"note.md": b"tested by hand\n"}, branch=branch)
    world.run()
    _push(registry, "1.2.0")
    world.set_head(branch, str(ours))

    assert world.run().actions() == {branch: "moved"}


def test_a_branch_that_somebody_moved_between_our_reading_and_our_push_is_theirs(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    _push(registry, "1.2.0")
    theirs: list[str] = []

    def commit_first(request: object) -> None:
        if getattr(request, "is_push", False) and not theirs:
            theirs.append(seed(world.bare, {"note.md": b"wait\n"}, branch=branch))

    world.git.fault = commit_first

    ran = world.run()

    assert ran.actions() == {branch: "left alone"}
    assert world.git_head(branch) == theirs[0]


def test_what_a_person_closed_is_not_proposed_again_and_the_next_version_is(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    world.gitlab.close(1, by="alice")
    heads = list_heads(world.bare)

    ran = world.run()

    assert ran.actions() == {branch: "declined"}
    assert list_heads(world.bare) == heads
    _push(registry, "1.2.0")
    assert world.run().actions() == {branch: "opened"}
    assert [each.state for each in world.gitlab.project.merge_requests.values()] == ["closed", "opened"]


def test_reopening_undoes_the_closing(world: World, branch: str):
    world.run()
    world.gitlab.close(1, by="alice")
    world.run()
    world.gitlab.reopen(1, by="alice")

    assert world.run().actions() == {branch: "unchanged"}


def test_a_round_that_ended_between_push_and_merge_request_is_finished_by_the_next(world: World, branch: str):
    world.gitlab.fault = lambda request: Fault(503) if request.method == "POST" else None
    failed = world.run()
    head = world.git_head(branch)
    world.gitlab.fault = lambda _request: None

    ran = world.run()

    assert (failed.exit_code, failed.actions()) == (1, {branch: "failed"})
    assert ran.actions() == {branch: "opened"}
    assert world.git_head(branch) == head
    assert len(world.gitlab.project.merge_requests) == 1


def test_a_merge_request_whose_creation_was_not_answered_is_found_again(world: World, branch: str):
    world.gitlab.fault = lambda request: Fault(502, is_late=True) if request.method == "POST" else None

    ran = world.run()

    assert ran.actions() == {branch: "opened"}
    assert len(world.gitlab.project.merge_requests) == 1


def test_a_branch_that_stands_in_the_way_of_the_prefix_is_named(world: World, registry: LoopbackRegistry):
    seed(world.bare, {"x": b"x"}, branch="imagebot")

    ran = world.run()

    (result,) = ran.targets["infra"]["results"]
    assert result["action"] == "failed"
    assert "imagebot" in result["detail"]
    assert "branch_prefix" in result["detail"]


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
    assert message.startswith(f"Update {registry.address}/acme/good from 1.0.0 to 1.2.0\n\ngood.yaml:4: ")
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
    reason = f"what has to be known of its images could not be had: {registry.address} is unavailable: it answered 503"
    assert (ran.exit_code, ran.actions(), ran.targets["infra"]["unlisted"]) == (1, {}, {image: reason})
    assert world.git_head(branch) == head
    assert world.only_request().state == "opened"
