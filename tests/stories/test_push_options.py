"""A git server that makes merge requests of pushed branches is told to by push options."""

import pytest

from tests.servers.gitserver import git, set_hook
from tests.stories.story import Story


@pytest.fixture
def told(any_story: Story) -> Story:
    """A story on a server that keeps the options of each push, and in which 1.1.0 of one image can be proposed."""
    set_hook(
        any_story.world.bare,
        "post-receive",
        'for n in $(seq 0 $((${GIT_PUSH_OPTION_COUNT:-0} - 1))); do eval echo "\\"\\$GIT_PUSH_OPTION_$n\\""; done'
        " >> options",
    )
    any_story.push("api", "1.0.0", "1.1.0")
    any_story.write("api.yaml", api="1.0.0")
    return any_story


@pytest.mark.parametrize("any_story", ["git"], indirect=True)
def test_each_push_of_a_proposal_carries_them(told: Story):
    options = ["merge_request.create", "merge_request.target={target}", "merge_request.title={title}"]
    told.world.targets[0]["forge"] = {"kind": "git", "push_options": options}

    told.run()
    told.push("api", "1.2.0")
    told.run()

    title = f"merge_request.title=Update {told.registry.address}/acme/api from 1.0.0 to"
    assert (told.world.bare / "options").read_text().splitlines() == [
        "merge_request.create",
        "merge_request.target=main",
        f"{title} 1.1.0",
        "merge_request.create",
        "merge_request.target=main",
        f"{title} 1.2.0",
    ]


@pytest.mark.parametrize("any_story", ["git"], indirect=True)
def test_a_server_that_takes_none_is_told_of(told: Story):
    told.world.targets[0]["forge"] = {"kind": "git", "push_options": ["merge_request.create"]}
    git(told.world.bare, "config", "receive.advertisePushOptions", "false")

    ran = told.run()
    told.is_unsettled = True

    assert ran.exit_code == 1
    (detail,) = ran.details().values()
    assert "takes no push options; take push_options out of the target's forge" in detail
    assert told.branches == set()
