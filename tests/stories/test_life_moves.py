"""The life of a proposal as things move on: each row of the table in DESIGN §7, on each forge and on none.

Every story ends with one more round, which has to find nothing to do.
"""

import pytest

from tests.servers.gitserver import git, list_heads
from tests.stories.story import ONE_OF_ANY, Story
from tests.stories.world import make_policy


@pytest.fixture
def opened(any_story: Story) -> Story:
    """A story in which 1.1.0 of one image is proposed."""
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    assert any_story.act() == {any_story.branch("api"): "opened"}
    return any_story


def test_a_better_tag_is_proposed_on_a_branch_of_one_commit(opened: Story):
    branch = opened.branch("api")

    assert opened.read(branch, "api.yaml") == opened.render(api="1.1.0")
    assert opened.world.count_commits(branch) == 1
    assert opened.open == {branch}
    if opened.has_requests:
        request = opened.request(branch)
        assert (request.target, request.title.rpartition(" from ")[2]) == ("main", "1.0.0 to 1.1.0")


def test_an_even_better_tag_moves_the_same_branch_and_merge_request(opened: Story):
    opened.push("api", "1.2.0")

    assert opened.act() == {opened.branch("api"): "moved"}
    assert opened.read(opened.branch("api"), "api.yaml") == opened.render(api="1.2.0")
    assert opened.world.count_commits(opened.branch("api")) == 1
    if opened.has_requests:
        request = opened.request(opened.branch("api"))
        assert (request.number, request.title.rpartition(" to ")[2]) == (1, "1.2.0")
        assert "1.1.0" not in request.body


def test_a_base_that_moved_elsewhere_leaves_the_branch_as_it_is(opened: Story):
    head = opened.world.git_head(opened.branch("api"))
    opened.commit({"README.md": b"about\n"})

    assert opened.act() == {opened.branch("api"): "unchanged"}
    assert opened.world.git_head(opened.branch("api")) == head


@ONE_OF_ANY
def test_a_base_that_changed_elsewhere_in_the_file_leaves_the_branch_and_its_approvals(any_story: Story):
    any_story.push("api", "1.0.0", "1.1.0")
    filler = b"".join(b"# line %d\n" % n for n in range(20))
    any_story.commit({"api.yaml": any_story.render(api="1.0.0") + filler})
    any_story.run()
    head = any_story.world.git_head(any_story.branch("api"))
    any_story.commit({"api.yaml": any_story.render(api="1.0.0") + filler + b"# one more\n"})

    assert any_story.act() == {any_story.branch("api"): "unchanged"}
    assert any_story.world.git_head(any_story.branch("api")) == head


def test_a_base_with_which_the_branch_conflicts_gets_it_built_anew(opened: Story):
    other = b"# a comment\n" + opened.render(api="1.0.0").replace(b"containers:\n", b"initContainers:\n")
    opened.commit({"api.yaml": other})

    assert opened.act() == {opened.branch("api"): "moved"}
    assert opened.read(opened.branch("api"), "api.yaml") == other.replace(b"1.0.0", b"1.1.0")
    assert opened.world.count_commits(opened.branch("api")) == 1
    assert not opened.has_requests or "api.yaml:5" in opened.request(opened.branch("api")).body


@ONE_OF_ANY  # the others do not tell in a list
def test_a_base_that_moved_gets_the_branch_built_anew_where_the_forge_requires_that(opened: Story):
    opened.forge.project.requires_current_branches = True
    opened.commit({"README.md": b"about\n"})
    opened.request(opened.branch("api")).reads = 2

    assert opened.act() == {opened.branch("api"): "moved"}
    assert opened.world.count_commits(opened.branch("api")) == 1
    opened.request(opened.branch("api")).reads = 2


@ONE_OF_ANY
def test_a_base_on_which_there_is_more_to_change_gets_it_built_anew(opened: Story):
    opened.write("more.yaml", api="1.0.0")

    assert opened.act() == {opened.branch("api"): "moved"}
    assert opened.read(opened.branch("api"), "more.yaml") == opened.render(api="1.1.0")


@ONE_OF_ANY
def test_what_was_taken_out_of_the_history_does_not_come_back_with_a_merge_request(any_story: Story):
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    base = str(any_story.world.git_head("main"))
    any_story.commit({"secret.txt": b"hunter2\n"})
    any_story.run()
    any_story.world.set_head("main", base)
    any_story.commit({"README.md": b"about\n"})

    assert any_story.act() == {any_story.branch("api"): "moved"}
    changed = git(any_story.world.bare, "diff", "--name-only", f"main...{any_story.branch('api')}")
    assert changed.split() == [b"api.yaml"]


@pytest.mark.parametrize("leaves_branch", [False, True], ids=["and its branch deleted", "and its branch left"])
def test_what_was_merged_is_done(opened: Story, leaves_branch: bool):
    opened.merge(opened.branch("api"), leaves_branch=leaves_branch)

    opened.run()

    assert opened.branches == set()
    assert opened.act() == {}
    assert not opened.has_requests or opened.request(opened.branch("api")).state == "merged"


def test_what_somebody_made_true_by_hand_is_closed_with_a_note(opened: Story):
    opened.write("api.yaml", api="1.1.0")

    ran = opened.run()

    note = "main holds what was proposed here: nothing is left to do."
    assert (ran.actions(), ran.details()) == ({opened.branch("api"): "closed"}, {opened.branch("api"): note})
    assert (opened.open, opened.branches) == (set(), set())
    assert not opened.has_requests or opened.request(opened.branch("api")).note_bodies == [note]


def test_what_imagebot_closed_itself_is_proposed_again_when_it_is_wanted_again(opened: Story):
    opened.write("api.yaml", api="1.1.0")
    opened.run()
    opened.write("api.yaml", api="1.0.0")

    assert opened.act() == {opened.branch("api"): "opened"}


def test_a_proposal_for_an_image_that_nothing_names_any_more_is_closed(opened: Story):
    opened.commit({"api.yaml": b"kind: Pod\n"})

    assert opened.act() == {opened.branch("api"): "closed"}
    assert (opened.open, opened.branches) == (set(), set())


def test_a_proposal_that_the_policy_no_longer_wants_is_closed_with_the_reason(opened: Story):
    opened.set_policy(policy=make_policy('policy: {semver: "^2"}'))

    ran = opened.run()

    assert ran.actions() == {opened.branch("api"): "closed"}
    reason = ran.details()[opened.branch("api")]
    assert reason.startswith(".imagebot.yaml allows nothing else now: `none of 2 tags is a candidate")
    assert not opened.has_requests or opened.request(opened.branch("api")).note_bodies == [reason]


def test_a_proposal_stays_while_the_policy_file_is_wrong(opened: Story):
    opened.commit({".imagebot.yaml": b"version: 2\n"})

    ran = opened.run()

    assert (ran.exit_code, opened.open) == (1, {opened.branch("api")})


def test_a_proposal_stays_while_the_registry_lists_less(opened: Story):
    opened.registry.delete_tag("acme/api", "1.1.0")

    ran = opened.run()

    assert ran.actions() == {opened.branch("api"): "unchanged"}
    assert "does not give 1.1.0 any more" in ran.details()[opened.branch("api")]


@ONE_OF_ANY
def test_a_branch_that_stands_in_the_way_of_the_prefix_is_named(any_story: Story):
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    any_story.commit({"x": b"x"}, branch="imagebot")

    ran = any_story.run()

    assert ran.actions() == {any_story.branch("api"): "failed"}
    assert ran.details() == {
        any_story.branch("api"): "its branch cannot exist beside the branch imagebot; choose another branch_prefix"
    }
    assert any_story.world.count_writes() == 0
    assert set(list_heads(any_story.world.bare)) == {"main", "imagebot"}
