"""What belongs to people stays theirs, and a no stays a no, on each forge."""

import pytest

from tests.servers.gitserver import list_heads, seed
from tests.stories.story import ONE_OF_ANY, ONE_STORY, Story


@pytest.fixture
def opened(story: Story) -> Story:
    """A story in which 1.1.0 of one image is proposed."""
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    assert story.act() == {story.branch("api"): "opened"}
    return story


# Commits of others


def test_a_branch_with_a_commit_of_somebody_else_is_left_alone_and_one_note_says_so(opened: Story):
    branch = opened.branch("api")
    theirs = seed(opened.world.bare, {"note.md": b"tested by hand\n"}, branch=branch)
    opened.push("api", "1.2.0")

    actions = [opened.act(), opened.act()]

    assert actions == 2 * [{branch: "left alone"}]
    assert opened.world.git_head(branch) == theirs
    (note,) = opened.request(branch).note_bodies
    assert note.startswith("Someone else committed to this branch, so imagebot leaves it alone")


def test_a_branch_is_taken_up_again_when_the_commits_of_others_are_gone(opened: Story):
    branch = opened.branch("api")
    ours = str(opened.world.git_head(branch))
    seed(opened.world.bare, {"note.md": b"tested by hand\n"}, branch=branch)
    opened.run()
    opened.push("api", "1.2.0")
    opened.world.set_head(branch, ours)

    assert opened.act() == {branch: "moved"}
    assert opened.read(branch, "api.yaml") == opened.render(api="1.2.0")


@ONE_OF_ANY
def test_a_commit_of_ours_that_somebody_amended_is_theirs(any_story: Story):
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    any_story.run()
    branch = any_story.branch("api")
    theirs = any_story.world.amend(branch, {"api.yaml": any_story.render(api="1.1.0") + b"# checked\n"})
    any_story.push("api", "1.2.0")

    assert any_story.act() == {branch: "left alone"}
    assert any_story.world.git_head(branch) == theirs


def test_a_branch_that_somebody_moved_between_our_reading_and_our_push_is_theirs(any_story: Story):
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    any_story.run()
    any_story.push("api", "1.2.0")
    branch = any_story.branch("api")
    theirs: list[str] = []

    def commit_first(request: object) -> None:
        if getattr(request, "is_push", False) and not theirs:
            theirs.append(seed(any_story.world.bare, {"note.md": b"wait\n"}, branch=branch))

    any_story.world.git.fault = commit_first

    assert any_story.act() == {branch: "left alone"}
    assert any_story.world.git_head(branch) == theirs[0]


def test_a_branch_that_a_button_brought_up_to_date_is_still_ours(any_story: Story):
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    any_story.run()
    branch = any_story.branch("api")
    any_story.commit({"README.md": b"about\n"})
    any_story.merge_into(branch, "main")
    merged = any_story.world.git_head(branch)
    unmoved = any_story.act(), any_story.world.git_head(branch)
    any_story.push("api", "1.2.0")

    assert unmoved == ({branch: "unchanged"}, merged)
    assert any_story.act() == {branch: "moved"}
    assert any_story.world.count_commits(branch) == 1


@pytest.mark.parametrize("squash", [False, True], ids=["merged", "squashed"])
def test_a_commit_of_somebody_else_that_was_merged_keeps_the_branch_no_longer(opened: Story, squash: bool):
    branch = opened.branch("api")
    seed(opened.world.bare, {"note.md": b"tested by hand\n"}, branch=branch)
    opened.run()
    request = opened.request(branch)
    request.removes_branch = False
    opened.forge.merge(request.number, squash=squash)
    left = opened.branches
    retired = opened.act()
    opened.push("api", "1.2.0")

    assert (left, opened.branches - {branch}) == ({branch}, set())
    assert retired == {branch: "closed"}
    assert opened.act() == {branch: "opened"}
    assert opened.read("main", "note.md") == b"tested by hand\n"


def test_a_merged_branch_to_which_somebody_committed_is_moved_on_with_the_next_version(opened: Story):
    branch = opened.branch("api")
    seed(opened.world.bare, {"note.md": b"tested by hand\n"}, branch=branch)
    opened.run()
    request = opened.request(branch)
    request.removes_branch = False
    opened.forge.merge(request.number)
    opened.push("api", "1.2.0")

    assert opened.act() == {branch: "opened"}
    assert opened.read(branch, "api.yaml") == opened.render(api="1.2.0")
    assert opened.read(branch, "note.md") == b"tested by hand\n"


# A no


def test_what_a_person_closed_is_not_proposed_again_and_the_next_version_is(opened: Story):
    branch = opened.branch("api")
    opened.close(branch)
    heads = list_heads(opened.world.bare)

    ran = opened.run()

    assert ran.actions() == {branch: "declined"}
    assert ran.details()[branch].startswith("a person closed exactly this unmerged (http://")
    assert list_heads(opened.world.bare) == heads
    opened.push("api", "1.2.0")
    assert opened.act() == {branch: "opened"}
    assert opened.open == {branch}


def test_a_no_outlives_the_one_after_it(opened: Story):
    branch = opened.branch("api")
    opened.close(branch)
    opened.push("api", "1.2.0")
    opened.run()
    opened.close(branch)
    opened.registry.delete_tag("acme/api", "1.2.0")

    assert opened.act() == {branch: "declined"}


def test_reopening_undoes_a_no(opened: Story):
    branch = opened.branch("api")
    opened.close(branch)
    opened.run()
    opened.reopen(branch)

    assert opened.act() == {branch: "unchanged"}
    assert opened.open == {branch}


def test_a_no_counts_though_somebody_took_the_block_out_of_the_text(opened: Story):
    branch = opened.branch("api")
    opened.forge.edit(opened.request(branch).number, body="no, thanks")
    opened.close(branch)

    assert opened.act() == {branch: "declined"}
    opened.push("api", "1.2.0")
    assert opened.act() == {branch: "opened"}


@ONE_STORY
def test_half_of_what_was_declined_is_not_proposed_again_with_the_next_version(story: Story):
    story.push("api", "1.0.0", "1.1.0", "1.0.0-alpine", "1.1.0-alpine")
    story.write("api.yaml", api="1.0.0")
    story.write("alpine.yaml", api="1.0.0-alpine")
    story.run()
    branch = story.branch("api")
    story.close(branch)
    story.push("api", "1.2.0")

    assert story.act() == {branch: "opened"}
    assert story.read(branch, "api.yaml") == story.render(api="1.2.0")
    assert story.read(branch, "alpine.yaml") == story.render(api="1.0.0-alpine")


# A merge that was taken back


@pytest.mark.parametrize("squash", [False, True], ids=["merged", "squashed"])
def test_what_was_merged_and_reverted_waits_for_something_newer(opened: Story, squash: bool):
    branch = opened.branch("api")
    opened.forge.merge(opened.request(branch).number, squash=squash)
    opened.run()
    opened.write("api.yaml", api="1.0.0")

    ran = opened.run()

    assert ran.actions() == {branch: "declined"}
    assert ran.details()[branch].startswith(
        "it was merged, and taken back since: it waits for something newer (http://"
    )
    opened.push("api", "1.2.0")
    assert opened.act() == {branch: "opened"}


def test_a_new_place_with_an_old_tag_is_no_revert(opened: Story):
    branch = opened.branch("api")
    opened.merge(branch)
    opened.run()
    opened.write("new.yaml", api="1.0.0")

    assert opened.act() == {branch: "opened"}
    assert opened.read(branch, "new.yaml") == opened.render(api="1.1.0")


# What people write and set


def test_what_people_wrote_around_the_text_survives_a_move(opened: Story):
    branch = opened.branch("api")
    request = opened.request(branch)
    opened.forge.edit(request.number, body=f"Ask Bob first.\n\n{request.body}\n\n- [x] tested on staging\n")
    opened.push("api", "1.2.0")

    assert opened.act() == {branch: "moved"}
    body = opened.request(branch).body
    assert body.startswith("Ask Bob first.\n")
    assert body.rstrip().endswith("- [x] tested on staging")
    assert ("`1.2.0`" in body, "`1.1.0`" in body) == (True, False)


@ONE_STORY
def test_a_text_of_an_older_version_is_taken_over_whole(opened: Story):
    branch = opened.branch("api")
    request = opened.request(branch)
    image = opened.image("api", "").rstrip(":")
    old = f'It moves to 1.1.0.\n\n<!-- imagebot {{"image": "{image}", "tags": ["1.1.0"], "changes": "0"}} -->\n'
    opened.forge.edit(request.number, body=old)

    assert opened.act() == {branch: "retold"}
    assert "It moves to 1.1.0." not in opened.request(branch).body


def test_labels_reviewers_and_drafts_stay_as_people_left_them(story: Story):
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    story.set_policy("labels: [image-update], reviewers: [alice], draft: true")
    story.run()
    branch = story.branch("api")
    request = story.request(branch)
    opened_with = (request.labels, request.reviewers, request.is_draft)
    request.labels, request.reviewers = ["urgent"], []
    before = story.count_requests()
    story.push("api", "1.2.0")
    story.run()

    request = story.request(branch)
    assert opened_with == (["image-update"], ["alice"], True)
    assert (request.labels, request.reviewers, request.is_draft) == (["urgent"], [], True)
    assert not any("review" in str(each.parameters) for each in story.forge.requests[before:] if each.method != "GET")
