"""What GitLabForge does with merge requests, against a GitLab on loopback."""

import subprocess
import sys
from dataclasses import replace

import pytest

from imagebot.forge import Forge, MergeRequest, MergeRequestState, NewMergeRequest
from imagebot.forge.errors import UnknownMergeRequest
from tests.forge.conftest import BRANCH, Connect, Push
from tests.servers.forge_project import StoredMergeRequest
from tests.servers.gitserver import find_head
from tests.servers.loopback_forge import LoopbackForge

NEW = NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "Because.\n")


def at_no_time(merge_request: MergeRequest) -> MergeRequest:
    """Leave out when it was last updated, to compare all else."""
    return replace(merge_request, updated_at=None)


def open_one(forge: Forge, new: NewMergeRequest = NEW) -> MergeRequest:
    return forge.open(new).merge_request


def test_importing_the_package_does_not_load_the_client_library():
    code = "import sys, imagebot.forge, imagebot.forge.branch_only; sys.exit('gitlab' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Opening


def test_an_opened_merge_request_holds_what_was_asked_for(forge: Forge, server: LoopbackForge):
    opened = forge.open(replace(NEW, labels=("image-update", "bot"), reviewers=("alice",), assignees=("Bob", "alice")))

    stored = server.project.merge_requests[1]
    assert at_no_time(opened.merge_request) == MergeRequest(
        number=1,
        url=f"{server.url}/acme/infra/-/merge_requests/1",
        state=MergeRequestState.OPEN,
        branch=BRANCH,
        target="main",
        title="Update nginx to 1.3",
        body="Because.",
        labels=frozenset({"image-update", "bot"}),
        is_draft=False,
        head=find_head(server.project.git_dir, BRANCH),
        author="imagebot",
    )
    assert opened.unmet == ()
    assert (stored.reviewers, stored.assignees) == (["alice"], ["bob", "alice"])
    assert stored.removes_branch


def test_opening_costs_one_request_and_one_for_each_user_met_for_the_first_time(
    forge: Forge, server: LoopbackForge, push: Push
):
    push("imagebot/redis", {"redis.yaml": "image: redis:7"}, onto="main")
    new = replace(NEW, reviewers=("alice", "bob"), assignees=("alice",))

    forge.open(new)
    first = len(server.requests)
    forge.open(replace(new, branch="imagebot/redis"))

    assert (first, len(server.requests)) == (3, 4)


def test_unknown_users_are_left_out_and_reported(forge: Forge, server: LoopbackForge):
    opened = forge.open(replace(NEW, reviewers=("alice", "nobody"), assignees=("ghost", "nobody")))

    assert opened.unmet == ("GitLab knows no user nobody, ghost",)
    assert server.project.merge_requests[1].reviewers == ["alice"]
    assert server.project.merge_requests[1].assignees == []


def test_a_draft_is_marked_in_gitlabs_title_only(forge: Forge, server: LoopbackForge):
    opened = open_one(forge, replace(NEW, is_draft=True))

    assert server.project.merge_requests[1].title == "Draft: Update nginx to 1.3"
    assert (opened.title, opened.is_draft) == ("Update nginx to 1.3", True)


@pytest.mark.parametrize(
    ("title", "is_draft", "stored"),
    [
        pytest.param("x" * 255, False, "x" * 255, id="the longest title there is"),
        pytest.param("x" * 256, False, "x" * 254 + "…", id="a title that is too long is cut"),
        pytest.param("x" * 255, True, "Draft: " + "x" * 247 + "…", id="the mark of a draft counts"),
        pytest.param("a\n b\0c", False, "a bc", id="a title is one line without NUL"),
        pytest.param("[Draft] draft: Update", False, "Update", id="a title does not make a draft"),
    ],
)
def test_a_title_is_written_as_gitlab_takes_it(
    title: str, is_draft: bool, stored: str, forge: Forge, server: LoopbackForge
):
    opened = open_one(forge, replace(NEW, title=title, is_draft=is_draft))

    assert server.project.merge_requests[1].title == stored
    assert forge.edit(opened, title=title, body=NEW.body) is opened


def test_the_longest_body_is_taken(forge: Forge):
    assert len(open_one(forge, replace(NEW, body="x" * forge.body_limit)).body) == forge.body_limit


def test_a_body_over_the_limit_is_a_bug_and_sends_nothing(forge: Forge, server: LoopbackForge):
    with pytest.raises(ValueError, match="has 1048577 characters, GitLab takes 1048576"):
        forge.open(replace(NEW, body="x" * (forge.body_limit + 1)))

    assert server.requests == []


def test_a_body_is_sent_without_nul(forge: Forge):
    assert open_one(forge, replace(NEW, body="a\0b")).body == "ab"


def test_a_project_may_be_named_by_its_number(connect: Connect):
    assert open_one(connect(path="7")).number == 1


# Listing


def test_only_open_ones_of_the_prefix_the_target_and_the_project_are_listed(
    forge: Forge, server: LoopbackForge, push: Push
):
    for branch in ("imagebot/closed", "imagebot/merged", "imagebot/fork", "feature", "release"):
        push(branch, {f"{branch}.yaml": branch}, onto="main")
    wanted = open_one(forge)
    open_one(forge, replace(NEW, branch="imagebot/closed"))
    open_one(forge, replace(NEW, branch="imagebot/merged"))
    open_one(forge, replace(NEW, branch="imagebot/fork"))
    open_one(forge, replace(NEW, branch="feature"))
    open_one(forge, replace(NEW, target="release"))
    server.close(2, by="alice")
    server.merge(3, by="alice")
    server.project.merge_requests[4].is_from_fork = True

    assert forge.list_open(branch_prefix="imagebot/", target="main") == (wanted,)


@pytest.mark.parametrize(
    ("count", "requests"),
    [
        pytest.param(0, 1, id="none"),
        pytest.param(100, 1, id="one full page"),
        pytest.param(101, 2, id="one more than a page"),
        pytest.param(230, 3, id="three pages"),
    ],
)
def test_listing_costs_one_request_for_every_hundred(count: int, requests: int, forge: Forge, server: LoopbackForge):
    # From forks whose branches are called like ours; the one that is ours comes last.
    from_fork = StoredMergeRequest(1, "bob", "Title", BRANCH, "main", server.project.now(), is_from_fork=True)
    server.project.merge_requests = {n: replace(from_fork, number=n) for n in range(1, count)}
    ours = [open_one(forge).number] if count else []
    before = len(server.requests)

    listed = forge.list_open(branch_prefix="imagebot/", target="main")

    assert [each.number for each in listed] == ours
    assert len(server.requests) - before == requests


def test_ended_ones_are_found_newest_first_in_one_request(forge: Forge, server: LoopbackForge):
    for number in (1, 2, 3):
        open_one(forge, replace(NEW, title=f"Round {number}"))
        server.close(number, by="alice")
    open_one(forge)
    server.merge(4, by="alice")
    before = len(server.requests)

    found = forge.find_ended(branch=BRANCH, target="main")

    assert [(each.number, each.state) for each in found] == [
        (4, MergeRequestState.MERGED),
        *((number, MergeRequestState.CLOSED) for number in (3, 2, 1)),
    ]
    assert len(server.requests) - before == 1


def test_a_reopened_one_is_open_and_not_ended(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    server.close(1, by="alice")
    server.reopen(1, by="alice")

    (listed,) = forge.list_open(branch_prefix="imagebot/", target="main")
    assert at_no_time(listed) == at_no_time(opened)
    assert forge.find_ended(branch=BRANCH, target="main") == ()


# Editing


def test_an_edit_sends_only_what_differs(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)

    edited = forge.edit(opened, title="Update nginx to 1.4", body=NEW.body)

    assert at_no_time(edited) == at_no_time(replace(opened, title="Update nginx to 1.4"))
    assert dict(server.writes[-1].parameters) == {"title": "Update nginx to 1.4"}


def test_an_edit_without_a_difference_sends_nothing(forge: Forge, server: LoopbackForge):
    open_one(forge, replace(NEW, body="one\r\ntwo\n\n"))
    (listed,) = forge.list_open(branch_prefix="imagebot/", target="main")
    before = len(server.requests)

    edited = forge.edit(listed, title=NEW.title, body="one\r\ntwo\n\n")

    assert edited == listed
    assert len(server.requests) == before


def test_an_edit_leaves_a_draft_a_draft(forge: Forge, server: LoopbackForge):
    open_one(forge)
    server.project.merge_requests[1].title = "[DRAFT] Update nginx to 1.3"
    (listed,) = forge.list_open(branch_prefix="imagebot/", target="main")

    edited = forge.edit(listed, title="Update nginx to 1.4", body="New.")

    assert server.project.merge_requests[1].title == "Draft: Update nginx to 1.4"
    assert (edited.title, edited.body, edited.is_draft) == ("Update nginx to 1.4", "New.", True)


# Closing


def test_closing_says_why_first(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    before = len(server.requests)

    forge.close(opened, note="main already has nginx 1.3.")

    stored = server.project.merge_requests[1]
    assert stored.state == "closed"
    assert [note.body for note in stored.notes] == ["main already has nginx 1.3."]
    assert [request.method for request in server.writes[1:]] == ["POST", "PUT"]
    assert len(server.requests) - before == 4


def test_closing_again_does_nothing(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    forge.close(opened, note="Done.")
    before = len(server.writes)

    forge.close(opened, note="Done.")

    assert len(server.writes) == before


@pytest.mark.parametrize("state", ["merged", "locked", "closed"])
def test_what_is_not_open_any_more_is_not_closed(state: str, forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    server.project.merge_requests[1].state = state

    forge.close(opened, note="Done.")

    assert server.project.merge_requests[1].state == state
    assert server.project.merge_requests[1].notes == []


@pytest.mark.parametrize("operation", ["edit", "close"])
def test_a_merge_request_that_was_deleted_is_not_the_operators_business(
    operation: str, forge: Forge, server: LoopbackForge
):
    opened = open_one(forge)
    server.project.merge_requests.clear()

    with pytest.raises(UnknownMergeRequest, match=r"acme/infra on 127.0.0.1:.* has no merge request !1 any more"):
        forge.edit(opened, title="Other", body="") if operation == "edit" else forge.close(opened, note="Done.")


def test_quick_actions_go_through_as_they_are_given(forge: Forge, server: LoopbackForge):
    opened = open_one(forge, replace(NEW, body="Why.\n\n`/merge`\n/label ~x"))

    forge.close(opened, note="```\n/merge\n```\nNothing to do.")

    assert server.project.quick_actions == [(1, "/label ~x")]
    assert opened.body == "Why.\n\n`/merge`"
