"""Digests: movable tags that are followed, and digests that stand beside a tag."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from imagebot.demo.image import make_index
from imagebot.demo.push import push, push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.stories.world import World, branch_of, make_policy

FOLLOW_LATEST = make_policy("policy: {digest: latest}")
PINNED = make_policy("policy: {semver: minor}, pin_digest: true")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Push = Callable[..., str]


@pytest.fixture
def branch(empty_registry: LoopbackRegistry) -> str:
    return branch_of(empty_registry, "acme/good")


@pytest.fixture
def image(empty_registry: LoopbackRegistry) -> str:
    return f"{empty_registry.address}/acme/good"


@pytest.fixture
def push_tag(empty_registry: LoopbackRegistry) -> Push:
    """Push a tag and return its digest; another build has another one."""

    def push_tag(tag: str, build: int = 1) -> str:
        return push_image(empty_registry.address, "acme/good", tag, labels={"build": str(build)})

    return push_tag


@pytest.fixture
def following(world: World, image: str, push_tag: Push) -> World:
    """A world in which `latest` is followed; it was pushed once, and is written without a digest."""
    push_tag("latest")
    world.commit({".imagebot.yaml": FOLLOW_LATEST, "good.yaml": f"image: {image}:latest\n".encode()})
    return world


@pytest.fixture
def pinning(world: World, image: str, push_tag: Push) -> World:
    """A world in which digests are pinned; 1.0.0 is written, with its digest, and is the newest."""
    digest = push_tag("1.0.0")
    world.commit({".imagebot.yaml": PINNED, "good.yaml": f"image: {image}:1.0.0@{digest}\n".encode()})
    return world


def test_a_followed_tag_gets_its_digest_added(following: World, image: str, push_tag: Push, branch: str):
    ran = following.run()

    digest = push_tag("latest")
    assert ran.actions() == {branch: "opened"}
    assert following.read(branch)["good.yaml"].decode() == f"image: {image}:latest@{digest}\n"
    request = following.only_request()
    assert request.title == f"Update {image} to latest@{digest[:19]}"
    assert f"| `latest`<br>→\u00a0`{digest[:19]}` | digest |" in request.body


def test_a_followed_tag_that_is_pushed_again_moves_the_same_merge_request_on(
    following: World, image: str, push_tag: Push, branch: str
):
    following.run()
    digest = push_tag("latest", build=2)

    ran = following.run()

    assert ran.actions() == {branch: "moved"}
    assert following.read(branch)["good.yaml"].decode() == f"image: {image}:latest@{digest}\n"
    assert following.only_request().title == f"Update {image} to latest@{digest[:19]}"


def test_a_no_to_one_digest_is_no_no_to_the_next(following: World, image: str, push_tag: Push, branch: str):
    following.run()
    following.gitlab.close(1, by="alice")
    declined = [following.run().actions(), following.run().actions()]

    digest = push_tag("latest", build=2)
    next_one = following.run()

    assert declined == [{branch: "declined"}, {branch: "declined"}]
    assert next_one.actions() == {branch: "opened"}
    assert following.read(branch)["good.yaml"].decode() == f"image: {image}:latest@{digest}\n"


def test_a_proposal_is_closed_when_its_tag_went_back_a_day_ago_to_the_digest_that_was_declined(
    following: World, push_tag: Push, branch: str
):
    following.run()
    following.gitlab.close(1, by="alice")
    push_tag("latest", build=2)
    following.run()
    push_tag("latest", build=1)

    actions = [following.run().actions()]
    following.now += DAY
    actions += [following.run().actions(), following.run().actions()]
    push_tag("latest", build=2)
    actions.append(following.run().actions())

    assert [each[branch] for each in actions] == ["unchanged", "closed", "declined", "opened"]
    _, second, third = following.gitlab.project.merge_requests.values()
    assert (second.state, third.state) == ("closed", "opened")
    assert second.notes[-1].body == "What is chosen now is something else, and that was closed unmerged before."


def test_a_place_that_names_only_a_digest_follows_the_tag(world: World, image: str, push_tag: Push, branch: str):
    old, new = push_tag("latest"), push_tag("latest", build=2)
    world.commit({".imagebot.yaml": FOLLOW_LATEST, "good.yaml": f"image: {image}@{old}\n".encode()})

    ran = world.run()

    assert ran.actions() == {branch: "opened"}
    assert world.read(branch)["good.yaml"].decode() == f"image: {image}@{new}\n"
    assert f"| `latest`<br>`{old[:19]}`<br>→\u00a0`{new[:19]}` | digest |" in world.only_request().body


def test_a_place_with_another_tag_than_the_followed_one_is_reported(following: World, image: str, push_tag: Push):
    push_tag("1.0.0")
    following.commit({"good.yaml": f"image: {image}:1.0.0\n".encode()})

    ran = following.run()

    assert (ran.exit_code, ran.actions()) == (0, {})
    reason = "the tag 1.0.0 is written, and digest: latest changes nothing but digests of latest"
    assert ran["stuck"] == [f"good.yaml:1: {image}:1.0.0: {reason}"]


def test_a_followed_tag_that_the_registry_does_not_list_leaves_its_digest_alone(
    following: World, empty_registry: LoopbackRegistry, image: str, push_tag: Push, branch: str
):
    following.run()
    push_tag("1.0.0")
    empty_registry.delete_tag("acme/good", "latest")
    writes = following.count_writes()

    ran = following.run()

    assert (ran.exit_code, ran.actions()) == (1, {})
    assert following.count_writes() == writes
    assert following.only_request().state == "opened"


_PLACES = {
    "image": ("image: IMAGE:1.0.0@OLD\n", "image: IMAGE:1.1.0@NEW\n"),
    "kustomize": (
        "images:\n- name: IMAGE\n  newTag: 1.0.0\n  digest: OLD\n",
        "images:\n- name: IMAGE\n  newTag: 1.1.0\n  digest: NEW\n",
    ),
    "kustomize without digest": (
        "images:\n- name: IMAGE\n  newTag: 1.0.0\n",
        "images:\n- name: IMAGE\n  newTag: 1.1.0@NEW\n",
    ),
    "image without digest": ("image: 'IMAGE:1.0.0' # why\n", "image: 'IMAGE:1.1.0@NEW' # why\n"),
    "helm with room": (
        'image: {repository: IMAGE, tag: 1.0.0, digest: ""}\n',
        'image: {repository: IMAGE, tag: 1.1.0, digest: "NEW"}\n',
    ),
    "helm": (
        "image: {repository: IMAGE, tag: 1.0.0, digest: OLD}\n",
        "image: {repository: IMAGE, tag: 1.1.0, digest: NEW}\n",
    ),
}


@pytest.mark.parametrize("name", _PLACES)
def test_a_tag_moves_together_with_its_digest(world: World, image: str, push_tag: Push, branch: str, *, name: str):
    digests = {"OLD": push_tag("1.0.0"), "NEW": push_tag("1.1.0")}
    before, after = (_fill(text, image, digests) for text in _PLACES[name])
    world.commit({".imagebot.yaml": PINNED, "good.yaml": before})

    first = world.run()
    writes = world.count_writes()
    second = world.run()

    assert (first.actions(), second.actions()) == ({branch: "opened"}, {branch: "unchanged"})
    assert world.read(branch)["good.yaml"] == after
    assert world.count_writes() == writes
    assert first["held"] == []


def _fill(text: str, image: str, digests: dict[str, str]) -> bytes:
    for name, value in {"IMAGE": image, **digests}.items():
        text = text.replace(name, value)
    return text.encode()


def test_where_no_digest_can_be_written_the_tag_moves_and_that_is_said(
    world: World, image: str, push_tag: Push, branch: str
):
    push_tag("1.0.0")
    push_tag("1.1.0")
    values = f"image: {{repository: {image}, tag: 1.0.0}}\n"
    world.commit({".imagebot.yaml": PINNED, "values.yaml": values.encode()})

    ran = world.run()

    assert ran.actions() == {branch: "opened"}
    assert world.read(branch)["values.yaml"].decode() == values.replace("1.0.0", "1.1.0")
    assert ran["held"] == [f"values.yaml:1: {image}:1.0.0: no digest can be written there"]


def test_a_tag_that_stays_gets_its_new_digest(pinning: World, image: str, push_tag: Push, branch: str):
    nothing = pinning.run()
    old, new = push_tag("1.0.0"), push_tag("1.0.0", build=2)

    ran = pinning.run()

    assert (nothing.actions(), ran.actions()) == ({}, {branch: "opened"})
    assert pinning.read(branch)["good.yaml"].decode() == f"image: {image}:1.0.0@{new}\n"
    request = pinning.only_request()
    assert request.title == f"Update {image} to 1.0.0@{new[:19]}"
    assert f"| `1.0.0`<br>`{old[:19]}`<br>→\u00a0`{new[:19]}` | digest |" in request.body


def test_a_digest_is_added_to_a_tag_that_stays(pinning: World, image: str, push_tag: Push, branch: str):
    pinning.commit({"good.yaml": f"image: {image}:1.0.0\n".encode()})

    ran = pinning.run()

    assert ran.actions() == {branch: "opened"}
    assert pinning.read(branch)["good.yaml"].decode() == f"image: {image}:1.0.0@{push_tag('1.0.0')}\n"


def test_a_digest_that_the_registry_does_not_have_any_more_gives_way_to_the_one_it_has(
    pinning: World, image: str, push_tag: Push, branch: str
):
    rules = "policy: {semver: minor}, pin_digest: true, platforms: [linux/amd64]"
    gone = f"image: {image}:1.0.0@sha256:{64 * 'a'}\n"
    pinning.commit({".imagebot.yaml": make_policy(rules), "good.yaml": gone.encode()})

    ran = pinning.run()

    assert ran.actions() == {branch: "opened"}
    assert pinning.read(branch)["good.yaml"].decode() == f"image: {image}:1.0.0@{push_tag('1.0.0')}\n"


def test_a_merged_digest_is_done(pinning: World, push_tag: Push, branch: str):
    push_tag("1.0.0", build=2)
    pinning.run()
    pinning.gitlab.merge(1, by="alice")

    after = pinning.run()
    last = pinning.run()

    assert (after.exit_code, last.actions()) == (0, {})
    assert pinning.git_head(branch) is None


def test_a_new_digest_of_the_same_tag_has_to_be_old_enough(pinning: World, image: str, push_tag: Push, branch: str):
    pinning.commit({".imagebot.yaml": make_policy("policy: {semver: minor}, pin_digest: true, min_age: 6h")})
    pinning.run()
    push_tag("1.0.0", build=2)
    pinning.now += HOUR

    noticed = pinning.run()
    pinning.now += 6 * HOUR
    then = pinning.run()

    assert noticed.actions() == {}
    assert [(each["tag"], each["source"]) for each in noticed["waiting"]] == [("1.0.0", "seen to be pushed again")]
    assert noticed["due_at"] == "2026-09-01T19:00:00+00:00"
    assert then.actions() == {branch: "opened"}


def test_without_pin_digest_a_digest_moves_with_its_tag_only(pinning: World, image: str, push_tag: Push, branch: str):
    pinning.commit({".imagebot.yaml": make_policy("policy: {semver: minor}")})
    push_tag("1.0.0", build=2)
    same_tag = pinning.run()
    digest = push_tag("1.1.0")

    ran = pinning.run()

    assert (same_tag.actions(), ran.actions()) == ({}, {branch: "opened"})
    assert pinning.read(branch)["good.yaml"].decode() == f"image: {image}:1.1.0@{digest}\n"


def test_a_proposed_tag_that_is_pushed_again_moves_its_digest_on(
    pinning: World, image: str, push_tag: Push, branch: str
):
    push_tag("1.1.0")
    pinning.run()
    digest = push_tag("1.1.0", build=2)

    ran = pinning.run()

    assert ran.actions() == {branch: "moved"}
    assert pinning.read(branch)["good.yaml"].decode() == f"image: {image}:1.1.0@{digest}\n"


def test_of_an_image_for_several_platforms_the_digest_of_the_index_is_written(
    pinning: World, empty_registry: LoopbackRegistry, image: str, branch: str
):
    index = make_index({"linux/amd64": {"build": "2"}, "linux/arm64": {"build": "2"}})
    push(empty_registry.address, "acme/good", "1.1.0", image=index)

    ran = pinning.run()

    assert ran.actions() == {branch: "opened"}
    assert pinning.read(branch)["good.yaml"].decode() == f"image: {image}:1.1.0@{index.digest}\n"
