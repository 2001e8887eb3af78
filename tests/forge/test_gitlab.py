"""What only GitLab does: drafts by any of its marks, numbers for users, the Free edition, quick actions."""

from dataclasses import replace

import pytest

from imagebot.forge import Forge, NewMergeRequest
from tests.forge.conftest import BRANCH, Connect
from tests.servers.gitlab import GitLabDialect
from tests.servers.loopback_forge import LoopbackForge

NEW = NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "Because.\n")


@pytest.fixture
def kind() -> str:
    return "gitlab"


@pytest.fixture
def gitlab(server: LoopbackForge) -> GitLabDialect:
    assert isinstance(server.dialect, GitLabDialect)
    return server.dialect


def test_all_of_a_merge_request_is_opened_in_one_request(forge: Forge, server: LoopbackForge):
    forge.open(replace(NEW, reviewers=("alice",), assignees=("bob",), labels=("bot",), is_draft=True))

    assert [(each.method, each.path.rpartition("/")[2]) for each in server.requests] == [
        ("GET", "users"),
        ("GET", "users"),
        ("POST", "merge_requests"),
    ]
    assert server.merge_requests[1].removes_branch


def test_the_branch_stays_after_the_merge_where_it_should(forge: Forge, server: LoopbackForge):
    forge.open(replace(NEW, deletes_branch=False))

    assert not server.merge_requests[1].removes_branch


def test_the_free_edition_keeps_one_reviewer_and_says_so_by_its_answer(
    forge: Forge, server: LoopbackForge, gitlab: GitLabDialect
):
    gitlab.rules.is_free_edition = True

    opened = forge.open(replace(NEW, reviewers=("alice", "bob"), assignees=("bob",)))

    assert server.merge_requests[1].reviewers == ["alice"]
    assert opened.unmet == ("GitLab did not take as reviewer: bob; its Free edition keeps one",)


def test_of_a_large_group_nobody_is_asked(forge: Forge, server: LoopbackForge):
    members = tuple(f"user{number}" for number in range(21))
    server.project.users |= {name: 100 + number for number, name in enumerate(members)}
    server.project.teams["acme/everyone"] = members

    opened = forge.open(replace(NEW, teams=("acme/everyone",)))

    assert server.merge_requests[1].reviewers == []
    assert opened.unmet == ("GitLab has no group acme/everyone of at most 20 members, which were asked for a review",)


@pytest.mark.parametrize(
    ("title", "is_draft", "stored"),
    [
        pytest.param("x" * 255, False, "x" * 255, id="the longest title there is"),
        pytest.param("x" * 256, False, "x" * 254 + "…", id="a title that is too long is cut"),
        pytest.param("x" * 255, True, "Draft: " + "x" * 247 + "…", id="the mark of a draft counts"),
        pytest.param("[Draft] draft: Update", False, "Update", id="a title does not make a draft"),
    ],
)
def test_a_title_is_written_as_gitlab_takes_it(
    title: str, is_draft: bool, stored: str, forge: Forge, server: LoopbackForge
):
    opened = forge.open(replace(NEW, title=title, is_draft=is_draft)).merge_request

    assert server.merge_requests[1].title == stored
    assert forge.edit(opened, title=title, body=NEW.body) is opened


def test_a_project_may_be_named_by_its_number_but_has_no_address_then(connect: Connect):
    forge = connect(path="7")

    assert forge.open(NEW).merge_request.number == 1
    assert forge.file_url("abc", "app.yaml") is None


@pytest.mark.parametrize("status", [400, 422])
def test_a_branch_that_is_not_seen_yet_is_told_by_release(
    status: int, forge: Forge, server: LoopbackForge, gitlab: GitLabDialect, waits: list[float]
):
    gitlab.rules.missing_branch_status = status
    server.project.unseen[BRANCH] = 2

    assert forge.open(NEW).merge_request.number == 1
    assert waits == [1.0, 2.0]


def test_a_merge_that_gitlab_is_about_to_finish_is_one(forge: Forge, server: LoopbackForge):
    opened = forge.open(NEW).merge_request
    server.project.merge_requests[1].state = "locked"

    forge.close(opened, note="Done.")

    assert server.project.merge_requests[1].state == "locked"
    assert server.project.merge_requests[1].notes == []


def test_quick_actions_go_through_as_they_are_given(forge: Forge, server: LoopbackForge):
    opened = forge.open(replace(NEW, body="Why.\n\n`/merge`\n/label ~x")).merge_request

    forge.close(opened, note="```\n/merge\n```\nNothing to do.")

    assert server.project.quick_actions == [(1, "/label ~x")]
    assert opened.body == "Why.\n\n`/merge`"


def test_a_conflict_shows_once_gitlab_has_looked(forge: Forge, server: LoopbackForge):
    opened = forge.open(NEW).merge_request
    server.project.merge_requests[1].reads = 2

    (listed,) = forge.list_open(branch_prefix="imagebot/", target="main")

    assert (opened.has_conflicts, listed.has_conflicts) == (None, False)
