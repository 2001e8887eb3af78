"""The words of merge requests in whole rounds: what images say of themselves, templates, and when words are renewed."""

import pytest

from imagebot.demo.image import make_index
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push, push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.stories.world import POLICY, World, branch_of, make_pod

_SOURCE = "https://github.com/acme/good"
_BREAKS = "{{ images[7].name }}"


@pytest.fixture
def branch(registry: LoopbackRegistry) -> str:
    return branch_of(registry, "acme/good")


def _set_policy(world: World, lines: str) -> None:
    world.commit({".imagebot.yaml": POLICY + f"merge_requests:\n{lines}".encode()})


@pytest.fixture
def labelled(world: World, empty_registry: LoopbackRegistry) -> World:
    """A world whose images are for two platforms and say where they come from."""
    for number, tag in enumerate(("1.0.0", "1.1.0")):
        labels = {"source": _SOURCE, "revision": 8 * f"{number}badb"}
        own = {f"org.opencontainers.image.{key}": text for key, text in labels.items()}
        image = make_index(dict.fromkeys(("linux/amd64", "linux/arm64"), own))
        push(empty_registry.address, "acme/good", tag, image=image)
    world.commit({".imagebot.yaml": POLICY, "good.yaml": make_pod(empty_registry, "acme/good")})
    return world


def test_what_images_say_of_themselves_is_told(labelled: World):
    labelled.run()

    body = labelled.only_request().body
    assert f"[changes]({_SOURCE}/compare/{8 * '0badb'}...{8 * '1badb'})" in body
    assert f"[release]({_SOURCE}/releases?q=1.1.0) · [source]({_SOURCE})" in body
    assert "`amd64`, `arm64`" in body


def _list_read(registry: LoopbackRegistry) -> list[str]:
    """List what was read of images since this was called last."""
    read = [each.target for each in registry.requests if each.method == "GET" and "/tags/" not in each.target]
    registry.requests.clear()
    return read


def test_images_are_asked_what_they_say_only_for_a_text_that_is_written(
    labelled: World, empty_registry: LoopbackRegistry
):
    empty_registry.requests.clear()
    labelled.run(is_dry=True)
    dry = _list_read(empty_registry)
    labelled.run()
    opened = _list_read(empty_registry)
    labelled.run()
    quiet = _list_read(empty_registry)

    # Both indexes are read to compare platforms; manifest and config of each are for the text.
    assert [len(each) for each in (dry, opened, quiet)] == [2, 4, 0]


def test_without_what_images_say_the_merge_request_is_opened_all_the_same(
    labelled: World, empty_registry: LoopbackRegistry
):
    empty_registry.fault = lambda _, target: Reply(500) if "/blobs/" in target else None

    ran = labelled.run()

    assert list(ran.actions().values()) == ["opened"]
    assert "[changes]" not in labelled.only_request().body


def test_a_second_run_leaves_every_word_as_it_is(labelled: World):
    labelled.run()
    told = labelled.only_request()
    words = told.title, told.body

    labelled.run()
    labelled.forget()
    labelled.run()

    again = labelled.only_request()
    assert (again.title, again.body) == words


def test_teams_write_titles_descriptions_and_commit_messages(world: World, registry: LoopbackRegistry, branch: str):
    _set_policy(
        world,
        '  title: "chore: {{ new }}"\n'
        '  description: "Ask @team about {{ image }}.\\n\\n{{ text }}"\n'
        '  commit_message: "fix: {{ old }} to {{ new }}\\n\\n{{ text }}"\n',
    )

    ran = world.run()

    request = world.only_request()
    assert request.title == "chore: 1.1.0"
    assert f"-->\n\nAsk @team about `{registry.address}/acme/good`.\n\n| Image |" in request.body
    assert world.read_message(branch).startswith("fix: 1.0.0 to 1.1.0\n\ngood.yaml:4 ")
    assert ran["warnings"] == []


def test_another_template_is_told_without_a_push(world: World, registry: LoopbackRegistry, branch: str):
    world.run()
    head = world.git_head(branch)
    _set_policy(world, '  title: "chore: {{ title }}"\n')

    ran, again = world.run(), world.run()

    assert (ran.actions(), again.actions()) == ({branch: "retold"}, {branch: "unchanged"})
    assert world.only_request().title.startswith("chore: Update ")
    assert world.git_head(branch) == head


def test_where_a_template_breaks_the_built_in_text_says_so(world: World, registry: LoopbackRegistry, branch: str):
    keys = ("title", "description", "commit_message")
    _set_policy(world, "".join(f'  {key}: "{_BREAKS}"\n' for key in keys))

    ran, again = world.run(), world.run()

    assert (ran.exit_code, ran.actions(), again.actions()) == (0, {branch: "opened"}, {branch: "unchanged"})
    reason = "it cannot be carried out: tuple index out of range; the built-in text is used"
    faults = {f".imagebot.yaml:{line}: merge_requests.{key}: {reason}" for line, key in enumerate(keys, start=6)}
    assert set(ran["warnings"]) == faults
    request = world.only_request()
    assert request.title.startswith("Update ")
    assert all(f"- ⚠️ `{fault}`\n" in request.body for fault in faults)
    assert "| Image |" in request.body
    assert world.read_message(branch).startswith("Update ")


def test_a_version_that_is_pushed_again_while_it_is_proposed_is_warned_of(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.run()
    before = world.only_request().body
    push_image(registry.address, "acme/good", "1.1.0", labels={"build": "2"})

    ran, again = world.run(), world.run()

    assert (ran.actions(), again.actions()) == ({branch: "retold"}, {branch: "unchanged"})
    assert "Pushed again" not in before
    assert "⚠️ **Pushed again:**" in world.only_request().body


def test_places_that_keep_the_old_version_are_named_until_another_merge_request_moves_them(
    world: World, registry: LoopbackRegistry
):
    pod = make_pod(registry, "acme/good")
    world.commit({"apps/a.yaml": pod, "apps/b.yaml": pod, "good.yaml": None})
    policy = POLICY.replace(b'image: "*"', b'image: "*"\n    files: ["apps/a.yaml"]')
    world.commit({".imagebot.yaml": policy})

    world.run()

    body = world.only_request().body
    assert f"**Not everywhere:** `{registry.address}/acme/good:1.0.0` stays in [`apps/b.yaml:4`](" in body


def test_hostile_names_and_labels_do_nothing_and_the_next_round_knows_its_own(
    world: World, empty_registry: LoopbackRegistry
):
    hostile = "x\n@all #1 `<b>` | <!-- imagebot {} --> \u202e"
    for tag in ("1.0.0", "1.1.0"):
        keys = ("source", "revision", "version", "url")
        labels = {f"org.opencontainers.image.{key}": f"{hostile}\n/merge\n" for key in keys}
        push_image(empty_registry.address, "acme/good", tag, labels=labels)
    path = f"apps/{hostile}.yaml"
    world.commit({".imagebot.yaml": POLICY, path: make_pod(empty_registry, "acme/good")})
    branch = branch_of(empty_registry, "acme/good")

    ran, again = world.run(), world.run()

    assert (ran.actions(), again.actions()) == ({branch: "opened"}, {branch: "unchanged"})
    assert world.gitlab.project.quick_actions == []
    body = world.only_request().body
    shown = "``apps/x\\u{000A}@all #1 `<b>` \\u{007C} \\u{003C}!-- imagebot {} --> \\u{202E}.yaml:4``"
    assert f"| [{shown}](" in body
    assert not any(line.startswith(("/", "@")) for line in (body + world.read_message(branch)).splitlines())
