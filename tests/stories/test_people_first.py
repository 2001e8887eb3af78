"""What belongs to people stays theirs, and a no stays a no, whatever else happens."""

import sys

import pytest

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.servers.gitserver import list_heads, seed
from tests.stories.world import POLICY, World, branch_of, make_pod, make_target


@pytest.fixture
def branch(registry: LoopbackRegistry) -> str:
    return branch_of(registry, "acme/good")


def _push(registry: LoopbackRegistry, *tags: str) -> None:
    for tag in tags:
        push_image(registry.address, "acme/good", tag)


def _list_only(registry: LoopbackRegistry, *tags: str) -> None:
    """Have the registry list these tags and no others."""
    names = ", ".join(f'"{tag}"' for tag in tags)
    listing = Reply(200, f'{{"name": "acme/good", "tags": [{names}]}}'.encode(), {"Content-Type": "application/json"})
    registry.fault = lambda _method, target: listing if "tags/list" in target else None


def test_a_branch_of_a_person_that_begins_with_the_prefix_is_theirs(world: World, branch: str):
    """Cut from main after a fast-forward merge, its last commit is one of imagebot's."""
    world.run()
    head = str(world.git_head(branch))
    world.set_head("main", head)
    world.set_head("imagebot/johns-experiment", head)

    world.run()

    assert world.git_head("imagebot/johns-experiment") == head


def test_a_prefix_with_which_the_target_branch_begins_is_refused(world: World, registry: LoopbackRegistry, branch: str):
    world.commit({".imagebot.yaml": POLICY + b"merge_requests: {branch_prefix: ma}\n"})

    ran = world.run()

    assert ran.exit_code == 1
    assert "branch_prefix is 'ma', with which the branch main itself begins" in ran.targets["infra"]["error"]
    assert list(list_heads(world.bare)) == ["main"]


def test_half_of_what_was_declined_stays_declined_when_the_other_half_was_done_by_hand(
    world: World, registry: LoopbackRegistry, branch: str
):
    _push(registry, "1.0.0-alpine", "1.1.0-alpine")
    world.commit({"alpine.yaml": make_pod(registry, "acme/good", "1.0.0-alpine")})
    world.run()
    world.gitlab.close(1, by="alice")
    world.commit({"good.yaml": make_pod(registry, "acme/good", "1.1.0")})

    assert world.run().actions() == {branch: "declined"}


def test_a_no_to_many_tags_is_kept(world: World, registry: LoopbackRegistry, branch: str):
    variants = [f"q{n:02}{'x' * 90}" for n in range(50)]
    _push(registry, *(f"{version}-{variant}" for version in ("1.0.0", "1.1.0") for variant in variants))
    world.commit(
        {f"{n}.yaml": make_pod(registry, "acme/good", f"1.0.0-{variant}") for n, variant in enumerate(variants)}
    )
    world.run()

    assert world.run().actions() == {branch: "unchanged"}
    world.gitlab.close(1, by="alice")
    assert world.run().actions() == {branch: "declined"}


def test_a_no_outlives_a_tag_that_was_pushed_again(world: World, registry: LoopbackRegistry, branch: str):
    old = push_image(registry.address, "acme/good", "1.0.0")
    world.commit({"good.yaml": f"image: {registry.address}/acme/good:1.0.0@{old}\n".encode()})
    world.run()
    world.gitlab.close(1, by="alice")
    push_image(registry.address, "acme/good", "1.1.0", labels={"rebuilt": "yes"})
    (world.folder / "data" / "store.sqlite").unlink()

    assert world.run().actions() == {branch: "declined"}


def test_a_proposal_does_not_move_back_while_the_registry_lists_less(
    world: World, registry: LoopbackRegistry, branch: str
):
    _push(registry, "1.2.0", "1.3.0")
    world.run()
    _list_only(registry, "1.0.0", "1.1.0")

    ran = world.run()

    (result,) = ran.targets["infra"]["results"]
    assert (result["action"], result["title"].rpartition(" ")[2]) == ("unchanged", "1.3.0")
    assert "does not give 1.3.0 any more" in result["detail"]
    assert world.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.3.0")


def test_nothing_is_proposed_from_a_list_that_lacks_the_tag_that_is_written(world: World, registry: LoopbackRegistry):
    _list_only(registry, "1.9.0")

    ran = world.run()

    assert ran.actions() == {}
    assert "not 1.0.0, which is written" in ran.targets["infra"]["unlisted"][f"{registry.address}/acme/good"]


def test_an_empty_list_is_no_answer(world: World, registry: LoopbackRegistry, branch: str):
    world.run()
    _list_only(registry)

    ran = world.run()

    assert ran.actions() == {}
    assert "lists no tags" in ran.targets["infra"]["unlisted"][f"{registry.address}/acme/good"]
    assert world.gitlab.project.merge_requests[1].state == "opened"


def test_a_place_without_a_version_keeps_no_proposal_open(world: World, registry: LoopbackRegistry, branch: str):
    _push(registry, "latest")
    world.commit({"other.yaml": make_pod(registry, "acme/good", "latest")})
    world.run()
    world.commit({"good.yaml": make_pod(registry, "acme/good", "1.1.0")})

    assert world.run().actions() == {branch: "closed"}


def test_a_policy_that_changed_is_told_in_the_open_merge_request(world: World, branch: str):
    world.run()
    head = world.git_head(branch)
    named = b"version: 1\nimages:\n  - {name: team-x, image: '*', policy: {semver: '^1'}}\n"
    world.commit({".imagebot.yaml": named})

    ran = world.run()

    assert ran.actions() == {branch: "retold"}
    assert "team-x" in world.gitlab.project.merge_requests[1].body
    assert world.git_head(branch) == head


def test_two_targets_with_prefixes_of_their_own_in_one_git_repo_do_not_touch_each_other(
    world: World, registry: LoopbackRegistry, branch: str
):
    seed(world.bare, {".imagebot.yaml": POLICY, "prod.yaml": make_pod(registry, "acme/good")}, branch="prod")
    prefix = "imagebot/prod/"
    world.targets.append({**world.targets[0], "name": "prod", "branch": "prod", "branch_prefix": prefix})

    first, second = world.run(), world.run()

    other = branch.replace("imagebot/", prefix)
    assert (first.actions("infra"), first.actions("prod")) == ({branch: "opened"}, {other: "opened"})
    assert (second.actions("infra"), second.actions("prod")) == ({branch: "unchanged"}, {other: "unchanged"})
    assert world.read(other)["prod.yaml"] == make_pod(registry, "acme/good", "1.1.0")


def test_a_bug_in_one_target_ends_no_other(
    world: World, registry: LoopbackRegistry, branch: str, monkeypatch: pytest.MonkeyPatch
):
    """A client library that cannot be loaded stands in for a bug: no input is known to provoke one."""
    monkeypatch.setitem(sys.modules, "imagebot.forge.gitlab", None)
    other = world.git.create("acme/other")
    seed(other, {".imagebot.yaml": POLICY, "a.yaml": make_pod(registry, "acme/good")})
    world.targets.append(make_target("other", world.git.url("acme/other"), None))

    ran = world.run()

    assert ran.exit_code == 3
    assert "a bug ended the round" in ran.targets["infra"]["error"]
    assert ran.actions("other") == {branch: "opened"}


def test_a_data_folder_that_cannot_hold_mirrors_is_named(world: World, registry: LoopbackRegistry):
    (world.folder / "data").mkdir()
    (world.folder / "data" / "git").write_text("in the way")

    ran = world.run()

    assert ran.exit_code == 1
    assert str(world.folder / "data" / "git") in ran.targets["infra"]["error"]
