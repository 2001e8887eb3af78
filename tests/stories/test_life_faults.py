"""What goes wrong ends in a sentence that a person can act on; nothing is half done, and everything else goes on."""

import pytest

from tests.servers.gitserver import set_hook
from tests.servers.loopback_forge import EXPIRED_TOKEN, Fault
from tests.stories.story import ONE_OF_ANY, ONE_STORY, Story

FAULTY = b'version: 1\nimages:\n  - image: "*"\n    policy: {semver: "~>>1 `x` @alice"}\n'


@pytest.fixture
def two(story: Story) -> Story:
    """A story of two images that can move."""
    for name in ("api", "web"):
        story.push(name, "1.0.0", "1.1.0")
        story.write(f"{name}.yaml", **{name: "1.0.0"})
    return story


# The policy file


def test_faults_of_the_policy_file_become_one_issue_that_is_closed_when_they_are_mended(two: Story):
    two.commit({".imagebot.yaml": FAULTY})
    first = (two.run().exit_code, two.run().exit_code)
    (issue,) = two.forge.issues.values()
    said = (issue.title, issue.body)
    two.commit({".imagebot.yaml": FAULTY + b"fils: 3\n"})
    two.run()
    more = issue.body
    two.set_policy()

    assert first == (1, 1)
    assert said[0] == ".imagebot.yaml on main cannot be used"
    assert "- `.imagebot.yaml`, line 4, column 22, `images[0].policy.semver`: found ``" in said[1]
    assert "line 5, column 1, `fils`: found `an unknown key`; accepted is" in more
    assert set(two.act().values()) == {"opened"}
    assert [(each.number, each.state) for each in two.forge.issues.values()] == [(issue.number, "closed")]


def test_an_issue_that_is_open_is_not_asked_for_again_until_something_changes(two: Story):
    two.is_forgetful = False
    two.commit({".imagebot.yaml": FAULTY})
    two.run()
    before = two.count_requests()
    two.run()
    unchanged = two.count_requests()
    two.set_policy()
    two.run()
    two.run()

    assert unchanged == before
    assert sum("issues" in each.path for each in two.forge.requests[unchanged:]) <= 4


@ONE_STORY
def test_a_switch_in_the_settings_turns_issues_off(two: Story):
    two.world.targets[0]["report_faults"] = False
    two.commit({".imagebot.yaml": FAULTY})

    assert two.run().exit_code == 1
    assert two.forge.issues == {}


def test_a_faulty_policy_file_is_told_without_issues_as_well(two: Story):
    two.forge.project.has_issues = False
    two.undescribed = ("issues: answer 410 is not described",)
    two.commit({".imagebot.yaml": FAULTY})

    ran = two.run()

    assert ran["error"].startswith(".imagebot.yaml:4:22: images[0].policy.semver: ")
    two.is_unsettled = two.is_forgetful  # that there can be none is found out by trying


# The forge


def test_a_forge_that_limits_requests_ends_the_round_and_the_next_one_goes_on(two: Story):
    two.run()
    two.close(two.branch("api"))
    two.forge.fail("POST", "(merge_requests|pulls)$", Fault(429, headers={"Retry-After": "60"}), times=9)
    for name in ("api", "web"):
        two.push(name, "1.2.0")
    two.push("db", "1.0.0", "1.1.0")
    two.write("zdb.yaml", db="1.0.0")

    limited = two.run()
    posts = sum(each.method == "POST" for each in two.forge.requests)
    two.forgive()
    healed = two.run()

    assert limited.exit_code == 1
    assert limited["error"].startswith("the round ended early: ")
    assert "is limiting our requests for the next 60 s" in limited["error"]
    assert limited["due_at"] == "2026-09-01T12:01:00+00:00"
    assert posts == 3
    assert healed.actions() == {two.branch("api"): "opened", two.branch("db"): "opened", two.branch("web"): "moved"}


@ONE_STORY
def test_a_forge_that_fails_time_and_again_ends_the_round(two: Story):
    two.push("db", "1.0.0", "1.1.0")
    two.write("db.yaml", db="1.0.0")
    two.forge.fail("POST", "(merge_requests|pulls)$", Fault(503), times=99)

    ran = two.run()
    two.forgive()

    assert list(ran.actions().values()) == ["failed", "failed"]
    assert ran["error"].startswith("the round ended early: 127.0.0.1:")
    assert set(two.act().values()) == {"opened"}


@pytest.mark.parametrize(
    ("token", "said"),
    [
        pytest.param(EXPIRED_TOKEN, "refuses the token, as if wrong, expired or revoked", id="expired"),
        pytest.param("nobody-knows-it", "the token", id="unknown"),
    ],
)
def test_a_token_that_will_not_do_is_named_before_anything_is_pushed(
    two: Story, monkeypatch: pytest.MonkeyPatch, token: str, said: str
):
    monkeypatch.setenv("FORGE_TOKEN", token)

    ran = two.run()

    assert (ran.exit_code, two.branches) == (1, set())
    assert said in ran["error"]
    two.is_unsettled = True


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda project: setattr(project, "is_archived", True), "it is archived", id="archived"),
        pytest.param(lambda project: setattr(project, "has_merge_requests", False), "turned off", id="turned off"),
    ],
)
def test_a_project_in_which_nothing_can_be_proposed_is_named_before_anything_is_pushed(two: Story, spoil, said: str):
    spoil(two.forge.project)

    ran = two.run()

    assert (ran.exit_code, two.branches) == (1, set())
    assert said in ran["error"]
    two.is_unsettled = True


def test_a_project_that_moved_is_named_with_its_new_address(two: Story):
    two.world.targets[0]["forge"]["project"] = two.forge.project.old_path
    two.undescribed = ("{repo}: answer 307 is not described",)

    ran = two.run()

    assert (ran.exit_code, two.branches) == (1, set())
    assert two.forge.project.old_path in ran["error"]
    two.is_unsettled = True


def test_a_default_branch_that_was_renamed_is_named(two: Story):
    two.world.set_head("trunk", str(two.world.git_head("main")))
    two.world.delete_head("main")
    two.forge.project.default_branch = "trunk"

    ran = two.run()

    assert ran["error"] == (
        "there is no branch main; the default branch of the project is trunk: "
        "if it was renamed, set `branch` of the target to match"
    )
    two.is_unsettled = True


@ONE_OF_ANY
def test_an_empty_repository_is_named(any_story: Story):
    any_story.world.delete_head("main")

    ran = any_story.run()

    assert ran["error"].endswith("has no branch main: the repository is empty, push a first commit to it")


@ONE_OF_ANY
def test_a_hook_that_refuses_one_branch_keeps_no_other_from_being_pushed(any_story: Story):
    for name in ("api", "web"):
        any_story.push(name, "1.0.0", "1.1.0")
        any_story.write(f"{name}.yaml", **{name: "1.0.0"})
    script = 'while read old new ref; do case $ref in *-api) echo "protected: ask Ann" >&2; exit 1;; esac; done'
    set_hook(any_story.world.bare, "pre-receive", script)

    ran = any_story.run()

    assert ran.actions() == {any_story.branch("api"): "failed", any_story.branch("web"): "opened"}
    assert "protected: ask Ann" in ran.details()[any_story.branch("api")]
    any_story.is_unsettled = True


def test_what_is_asked_for_and_not_to_be_had_is_said_and_the_rest_is_done(two: Story):
    two.set_policy("reviewers: [nobody], milestone: Never, labels: [x]")

    ran = two.run()

    assert set(ran.actions().values()) == {"opened"}
    assert "nobody" in ran.details()[two.branch("api")]
    assert "Never" in ran.details()[two.branch("api")]
