"""What the policy file says of when and how: limits, windows of time, automatic merging, other branches, commits."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.servers.gitserver import git, list_heads, seed
from tests.stories.story import ONE_OF_ANY, ONE_STORY, Story
from tests.stories.world import NOW

HOUR = timedelta(hours=1)
NAMES = ("api", "db", "web")


@pytest.fixture
def three(any_story: Story) -> Story:
    """A story of three images that can move."""
    return _prepare(any_story)


def _prepare(story: Story) -> Story:
    for name in NAMES:
        story.push(name, "1.0.0", "1.1.0")
        story.write(f"{name}.yaml", **{name: "1.0.0"})
    return story


def test_no_more_are_open_than_may_be_and_the_others_wait(three: Story):
    api, db, web = (three.branch(name) for name in NAMES)
    three.set_policy("max_open: 2")

    ran = three.run()

    assert ran.actions() == {api: "opened", db: "opened", web: "waiting"}
    assert ran.details()[web] == "2 are open, and max_open is 2: it is opened when one of them is done"
    assert three.open == {api, db}
    three.merge(api)
    assert three.act()[web] == "opened"


def test_what_is_closed_makes_room_in_the_same_round(three: Story):
    three.set_policy("max_open: 1")
    three.run()
    three.write("api.yaml", api="1.1.0")

    assert three.act() == {three.branch("api"): "closed", three.branch("db"): "opened", three.branch("web"): "waiting"}


def test_no_more_are_opened_in_an_hour_than_may_be(story: Story):
    _prepare(story).set_policy("max_per_hour: 2")
    api, db, web = (story.branch(name) for name in NAMES)

    ran = story.run()
    story.world.now += HOUR - timedelta(minutes=1)
    before = story.act()
    story.world.now += timedelta(minutes=1)
    after = story.act()

    assert ran.actions() == {api: "opened", db: "opened", web: "waiting"}
    assert ran["due_at"] == (NOW + HOUR).isoformat()
    assert ran.details()[web] == "max_per_hour is 2: it is opened at 2026-09-01 13:00 UTC"
    assert (before[web], after[web]) == ("waiting", "opened")


@ONE_STORY
def test_one_that_was_merged_at_once_counts_for_its_hour(story: Story):
    _prepare(story).set_policy("max_per_hour: 1")
    story.run()
    story.merge(story.branch("api"))

    assert story.act()[story.branch("db")] == "waiting"


def test_outside_of_its_windows_nothing_is_opened_or_moved(three: Story):
    api = three.branch("api")
    three.set_policy('schedule: ["* 8-17 * * mon-fri"], timezone: Europe/Berlin')
    three.world.now = datetime(2026, 9, 4, 15, 59, tzinfo=UTC)
    in_time = three.act()
    three.push("api", "1.2.0")
    three.world.now = datetime(2026, 9, 4, 16, 0, tzinfo=UTC)
    three.write("db.yaml", db="1.1.0")

    late = three.run()

    assert set(in_time.values()) == {"opened"}
    assert late.actions() == {api: "waiting", three.branch("db"): "closed", three.branch("web"): "unchanged"}
    assert late.details()[api] == "the schedule opens at 2026-09-07 08:00 CEST"
    assert late["due_at"] == "2026-09-07T06:00:00+00:00"
    assert three.read(api, "api.yaml") == three.render(api="1.1.0")
    three.world.now = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
    assert three.act()[api] == "moved"


@ONE_OF_ANY
def test_what_is_replaced_stays_until_what_replaces_it_may_be_opened(three: Story):
    three.run()
    three.set_policy('group_by: all, schedule: ["* 8-17 * * *"]')
    three.world.now = datetime(2026, 9, 1, 22, tzinfo=UTC)
    waiting = three.act()
    three.world.now += 10 * HOUR
    done = three.act()

    branches = [three.branch(name) for name in NAMES]
    assert waiting == {"imagebot/all": "waiting", **dict.fromkeys(branches, "waiting")}
    assert done == {"imagebot/all": "opened", **dict.fromkeys(branches, "closed")}


# Automatic merging


@pytest.fixture
def merging(story: Story) -> Story:
    """A story whose policy file wants merge requests to be merged when their checks pass."""
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    story.set_policy("auto_merge: when_checks_pass")
    return story


def _start_checks(story: Story) -> None:
    story.forge.report_checks(story.branch("api"), "pending")


def test_it_is_merged_by_the_forge_when_its_checks_have_passed(merging: Story):
    merging.run()
    _start_checks(merging)
    merging.run()
    merging.forge.report_checks(merging.branch("api"), "success")

    merging.run()

    assert merging.request(merging.branch("api")).state == "merged"
    assert merging.read("main", "api.yaml") == merging.render(api="1.1.0")


@pytest.mark.parametrize("story", ["gitlab", "github"], indirect=True)  # Gitea's lists do not tell what was set
def test_automatic_merging_is_set_again_when_a_move_ended_it(merging: Story):
    merging.run()
    _start_checks(merging)
    merging.run()
    merging.push("api", "1.2.0")
    merging.run()
    _start_checks(merging)

    merging.run()

    assert merging.request(merging.branch("api")).is_auto_merging


def test_automatic_merging_that_a_person_took_back_is_not_set_again(merging: Story):
    merging.run()
    _start_checks(merging)
    merging.run()
    merging.request(merging.branch("api")).is_auto_merging = False
    unmoved = (merging.act(), merging.request(merging.branch("api")).is_auto_merging)
    merging.push("api", "1.2.0")
    merging.run()
    _start_checks(merging)
    merging.run()

    assert unmoved == ({merging.branch("api"): "unchanged"}, False)
    assert not merging.request(merging.branch("api")).is_auto_merging


def test_without_a_word_nothing_is_merged_by_itself(story: Story):
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    story.run()
    _start_checks(story)
    story.run()
    story.forge.report_checks(story.branch("api"), "success")
    story.run()

    assert story.request(story.branch("api")).state == "opened"


# Other branches


def test_merge_requests_go_to_the_target_branch_and_hold_its_files(any_story: Story):
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.world.set_head("develop", str(any_story.world.git_head("main")))
    any_story.write("api.yaml", branch="develop", api="1.0.0")
    any_story.set_policy("target_branch: develop")

    assert any_story.act() == {any_story.branch("api"): "opened"}
    assert any_story.read(any_story.branch("api"), "api.yaml") == any_story.render(api="1.1.0")
    assert not any_story.has_requests or any_story.request(any_story.branch("api")).target == "develop"


def test_merge_requests_to_another_target_branch_take_the_place_of_those_before(story: Story):
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    story.run()
    story.world.set_head("develop", str(story.world.git_head("main")))
    story.set_policy("target_branch: develop")

    story.run()

    assert [(each.target, each.state) for each in story.forge.merge_requests.values()] == [
        ("main", "closed"),
        ("develop", "opened"),
    ]
    assert story.forge.merge_requests[1].note_bodies == ["Merge requests go to `develop` now."]


@ONE_OF_ANY
def test_a_target_branch_that_is_not_there_is_named(any_story: Story):
    any_story.set_policy("target_branch: develop")

    ran = any_story.run()

    assert ran["error"] == (
        "target_branch is 'develop' in .imagebot.yaml, and there is no such branch; "
        "name one that merge requests can go to, or leave the key out"
    )


def test_another_prefix_takes_the_place_of_the_one_before(story: Story):
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    story.run()
    seed(story.world.bare, {"x": b"x"}, branch="feature/mine")
    story.set_policy("branch_prefix: bots/images-")
    new = story.branch("api").replace("imagebot/", "bots/images-")

    ran = story.run()

    assert ran.actions() == {story.branch("api"): "closed", new: "opened"}
    assert (story.open, story.branches) == ({new}, {new, "feature/mine"})
    assert story.request(story.branch("api")).note_bodies == [
        f"Branches of imagebot begin with `bots/images-` now: this goes on in `{new}`."
    ]


@ONE_STORY
def test_a_no_outlives_another_prefix(story: Story):
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    story.run()
    story.close(story.branch("api"))
    story.set_policy("branch_prefix: bots/")

    assert set(story.act().values()) == {"declined"}


# Commits


@ONE_OF_ANY
def test_commits_are_by_the_author_of_the_settings_and_signed_off_where_that_is_wanted(any_story: Story):
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    any_story.set_policy("sign_off: true")
    any_story.world.author = {"name": "Image Bot", "email": "bot@example.com"}
    any_story.run()

    message = any_story.world.read_message(any_story.branch("api"))

    assert message.endswith("\nSigned-off-by: Image Bot <bot@example.com>\n")
    any_story.push("api", "1.2.0")
    any_story.world.author = {"name": "Other Bot", "email": "other@example.com"}
    assert any_story.act() == {any_story.branch("api"): "moved"}


@ONE_OF_ANY
def test_signed_commits_are_still_known_as_imagebots(any_story: Story):
    key = any_story.world.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    any_story.world.settings["signing"] = {"kind": "ssh", "key_file": str(key)}
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    any_story.run()
    signed = git(any_story.world.bare, "cat-file", "commit", any_story.branch("api"))
    any_story.push("api", "1.2.0")

    assert b"\ngpgsig -----BEGIN SSH SIGNATURE-----\n" in signed
    assert any_story.act() == {any_story.branch("api"): "moved"}


@pytest.mark.parametrize("deletes", [True, False])
def test_the_branch_is_deleted_after_the_merge_unless_the_policy_file_says_otherwise(story: Story, deletes: bool):
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    story.set_policy(f"delete_branch: {str(deletes).lower()}")
    story.run()
    story.merge(story.branch("api"))
    story.run()

    assert (story.branch("api") in list_heads(story.world.bare)) is not deletes
