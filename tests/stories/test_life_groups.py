"""Groups: what goes together, what a no to a group means, and what becomes of proposals when groups change."""

import pytest

from tests.stories.story import ONE_OF_ANY, ONE_STORY, Story

GROUPED = b"""\
version: 1
images:
  - {image: "**/acme/web", policy: {semver: minor}, group: edge}
  - {image: "**/acme/proxy", policy: {semver: minor}, group: edge}
  - {image: "*", policy: {semver: minor}}
"""


@pytest.fixture
def pair(story: Story) -> Story:
    """A story of two images, both of which can move to 1.1.0."""
    return _prepare(story)


def _prepare(story: Story) -> Story:
    for name in ("api", "web"):
        story.push(name, "1.0.0", "1.1.0")
    story.write("apps/both.yaml", api="1.0.0", web="1.0.0")
    return story


@ONE_OF_ANY
@pytest.mark.parametrize(
    ("group_by", "branches"),
    [
        ("directory", {"imagebot/dir-apps", "imagebot/dir-db"}),
        ("file", {"imagebot/file-apps-both.yaml", "imagebot/file-db-my--db.yaml"}),
        ("all", {"imagebot/all"}),
    ],
)
def test_changes_go_together_as_the_policy_file_says(any_story: Story, group_by: str, branches: set[str]):
    _prepare(any_story).write("db/my-db.yaml", api="1.0.0")
    any_story.set_policy(f"group_by: {group_by}")

    assert any_story.act() == dict.fromkeys(branches, "opened")
    changed = {
        path: any_story.read(branch, path) for branch in branches for path in ("apps/both.yaml", "db/my-db.yaml")
    }
    assert changed["apps/both.yaml"] or changed["db/my-db.yaml"]
    any_story.push("web", "1.2.0")
    moved = [branch for branch in branches if "db" not in branch]
    assert any_story.act() == {**dict.fromkeys(branches, "unchanged"), **dict.fromkeys(moved, "moved")}
    assert any_story.read(moved[0], "apps/both.yaml") == any_story.render(api="1.1.0", web="1.2.0")


def test_entries_with_a_group_go_by_that(any_story: Story):
    _prepare(any_story).push("proxy", "2.0.0", "2.1.0")
    any_story.write("proxy.yaml", proxy="2.0.0")
    any_story.set_policy(policy=GROUPED)

    assert any_story.act() == {any_story.branch("api"): "opened", "imagebot/group-edge": "opened"}
    assert any_story.read("imagebot/group-edge", "apps/both.yaml") == any_story.render(api="1.0.0", web="1.1.0")
    assert any_story.read("imagebot/group-edge", "proxy.yaml") == any_story.render(proxy="2.1.0")


def test_a_no_to_a_group_is_one_to_each_pair_in_it_and_to_no_newer_one(pair: Story):
    pair.set_policy("group_by: all")
    pair.run()
    pair.close("imagebot/all")
    declined = pair.act()
    pair.push("api", "1.2.0")

    assert (declined, pair.act()) == ({"imagebot/all": "declined"}, {"imagebot/all": "opened"})
    assert pair.read("imagebot/all", "apps/both.yaml") == pair.render(api="1.2.0", web="1.0.0")
    assert pair.act() == {"imagebot/all": "unchanged"}
    pair.push("web", "1.2.0")
    assert pair.act() == {"imagebot/all": "moved"}
    assert pair.read("imagebot/all", "apps/both.yaml") == pair.render(api="1.2.0", web="1.2.0")


def test_reopening_a_group_undoes_the_no_to_all_of_it(pair: Story):
    pair.set_policy("group_by: all")
    pair.run()
    pair.close("imagebot/all")
    pair.run()
    pair.reopen("imagebot/all")

    assert pair.act() == {"imagebot/all": "unchanged"}


@ONE_STORY
def test_a_no_in_one_folder_is_none_in_another(story: Story):
    story.push("api", "1.0.0", "1.1.0")
    story.write("prod/api.yaml", api="1.0.0")
    story.write("staging/api.yaml", api="1.0.0")
    story.set_policy("group_by: directory")
    story.run()
    story.close("imagebot/dir-prod")

    assert story.act() == {"imagebot/dir-prod": "declined", "imagebot/dir-staging": "unchanged"}


def test_a_no_in_one_file_outlives_a_group_in_which_another_gets_the_same(story: Story):
    story.push("api", "1.0.0", "1.1.0")
    story.write("prod/a.yaml", api="1.0.0")
    story.write("prod/b.yaml", api="1.0.0")
    story.set_policy("group_by: file")
    story.run()
    story.close("imagebot/file-prod-a.yaml")
    story.set_policy("group_by: directory")

    first, second = story.act(), story.act()

    assert (first["imagebot/dir-prod"], second["imagebot/dir-prod"]) == ("opened", "unchanged")
    assert story.read("imagebot/dir-prod", "prod/a.yaml") == story.render(api="1.0.0")
    assert story.read("imagebot/dir-prod", "prod/b.yaml") == story.render(api="1.1.0")


def test_regrouping_closes_what_it_replaces_with_a_word_why(any_story: Story):
    _prepare(any_story)
    any_story.run()
    any_story.set_policy("group_by: all")

    ran = any_story.run()

    branches = [any_story.branch(name) for name in ("api", "web")]
    assert ran.actions() == {"imagebot/all": "opened", **dict.fromkeys(branches, "closed")}
    note = "`.imagebot.yaml` groups changes otherwise now: this goes on in `imagebot/all`."
    assert {ran.details()[branch] for branch in branches} == {note}
    assert (any_story.open, any_story.branches) == ({"imagebot/all"}, {"imagebot/all"})
    assert not any_story.has_requests or any_story.request(branches[0]).note_bodies == [note]


def test_a_no_outlives_regrouping(pair: Story):
    _regroup_after_a_no(pair, "group_by: image", "group_by: all")


@ONE_STORY
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("group_by: all", "group_by: image", id="from all to images"),
        pytest.param("group_by: file", "group_by: directory", id="from files to folders"),
    ],
)
def test_a_no_outlives_regrouping_of_any_kind(pair: Story, before: str, after: str):
    _regroup_after_a_no(pair, before, after)


def _regroup_after_a_no(pair: Story, before: str, after: str) -> None:
    pair.set_policy(before)
    pair.run()
    for branch in pair.open:
        pair.close(branch)
    pair.run()
    pair.set_policy(after)

    assert set(pair.act().values()) <= {"declined", "closed"}
    assert pair.open == set()


def test_a_group_that_is_renamed_goes_on_under_its_new_name_and_keeps_its_noes(pair: Story):
    pair.push("proxy", "2.0.0", "2.1.0")
    pair.write("proxy.yaml", proxy="2.0.0")
    pair.set_policy(policy=GROUPED)
    pair.run()
    pair.close("imagebot/group-edge")
    pair.push("proxy", "2.2.0")
    pair.run()
    pair.set_policy(policy=GROUPED.replace(b"edge", b"front"))

    ran = pair.run()

    actions = {branch: action for branch, action in ran.actions().items() if "group" in branch}
    assert actions == {"imagebot/group-edge": "closed", "imagebot/group-front": "opened"}
    assert pair.read("imagebot/group-front", "proxy.yaml") == pair.render(proxy="2.2.0")
    assert pair.read("imagebot/group-front", "apps/both.yaml") == pair.render(api="1.0.0", web="1.0.0")


@ONE_STORY
def test_an_image_of_a_group_that_cannot_be_asked_for_keeps_what_is_open_as_it_is(pair: Story):
    pair.set_policy("group_by: all")
    pair.run()
    head = pair.world.git_head("imagebot/all")
    pair.registry.delete_tag("acme/web", "1.0.0")
    pair.push("api", "1.2.0")

    ran = pair.run()

    assert ran.actions() == {"imagebot/all": "unchanged"}
    assert "lists 1 tag, but not 1.0.0, which is written" in ran.details()["imagebot/all"]
    assert pair.world.git_head("imagebot/all") == head
