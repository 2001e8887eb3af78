"""A server without merge requests: the branch is all there is."""

from dataclasses import replace
from datetime import UTC, datetime

from imagebot.forge import Forge, MergeRequest, MergeRequestState, NewMergeRequest, ProjectState
from imagebot.forge.branch_only import BranchForge

NEW = NewMergeRequest(
    "imagebot/nginx", "main", "Update nginx to 1.3", "Because.", labels=("x",), reviewers=("alice",), is_draft=True
)
OPENED = MergeRequest(
    number=None,
    url=None,
    state=MergeRequestState.OPEN,
    branch="imagebot/nginx",
    target="main",
    title="Update nginx to 1.3",
    body="Because.",
    labels=frozenset(),
    is_draft=False,
)


def test_what_is_opened_is_the_branch_with_its_text_and_nothing_else():
    opened = BranchForge().open(NEW)

    assert (opened.merge_request, opened.unmet) == (OPENED, ())


def test_there_are_no_merge_requests_to_list_open_or_closed():
    forge = BranchForge()
    forge.open(NEW)

    assert not forge.has_merge_requests
    assert forge.list_open(branch_prefix="imagebot/", target="main") == ()
    assert forge.list_ended(branch_prefix="imagebot/", target="main", since=None) == ()
    assert forge.find_ended(branch="imagebot/nginx", target="main") == ()


def test_an_edited_text_is_what_the_caller_wrote():
    edited = BranchForge().edit(OPENED, title="Update nginx to 1.4", body="Newer.")

    assert edited == replace(OPENED, title="Update nginx to 1.4", body="Newer.")


def test_it_is_used_as_every_forge():
    forge: Forge = BranchForge()

    with forge as entered:
        entered.close(OPENED, note="Done.")

        assert entered.body_limit == 65_536


def test_push_options_say_the_target_and_the_title():
    forge = BranchForge(["merge_request.create", "merge_request.target={target}", "x={title} of {what}"])

    options = forge.list_push_options(target="main", title="Update {target}\nto 1.3")

    assert options == ("merge_request.create", "merge_request.target=main", "x=Update {target} to 1.3 of {what}")


def test_there_is_nothing_to_check_no_issue_and_nobody_who_merges():
    forge = BranchForge()

    assert forge.check(now=datetime(2026, 9, 1, tzinfo=UTC)) == ProjectState(default_branch=None)
    assert forge.ensure_issue(key="x", title="x", body="x") is None
    assert forge.file_url("abc", "x") is None
    assert forge.set_auto_merge(OPENED) == "a git server merges nothing by itself"
