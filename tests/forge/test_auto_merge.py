"""Merging when checks pass: by the forge, never before there was a check, and with a sentence where it cannot be."""

from collections.abc import Callable

import pytest

from imagebot.forge import Forge, MergeRequest, NewMergeRequest
from tests.forge.conftest import BRANCH, Push
from tests.servers.loopback_forge import LoopbackForge

SAYS = "it is not merged automatically: "


@pytest.fixture
def opened(forge: Forge) -> MergeRequest:
    return forge.open(NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "")).merge_request


def test_it_waits_for_its_checks_and_is_merged_then(forge: Forge, opened: MergeRequest, server: LoopbackForge):
    server.report_checks(BRANCH, "pending")

    assert forge.set_auto_merge(opened) is None
    assert (server.merge_requests[1].state, server.merge_requests[1].is_auto_merging) == ("opened", True)
    server.report_checks(BRANCH, "success")
    assert server.merge_requests[1].state == "merged"


def test_asking_again_changes_nothing(forge: Forge, opened: MergeRequest, server: LoopbackForge):
    server.report_checks(BRANCH, "pending")
    forge.set_auto_merge(opened)

    assert forge.set_auto_merge(opened) is None
    assert server.merge_requests[1].is_auto_merging


def test_checks_that_failed_merge_nothing(forge: Forge, opened: MergeRequest, server: LoopbackForge):
    server.report_checks(BRANCH, "pending")
    forge.set_auto_merge(opened)

    server.report_checks(BRANCH, "failure")

    assert server.merge_requests[1].state == "opened"


def test_where_the_checks_have_passed_already_it_is_merged(forge: Forge, opened: MergeRequest, server: LoopbackForge):
    server.report_checks(BRANCH, "success")

    assert forge.set_auto_merge(opened) is None
    assert server.merge_requests[1].state == "merged"


def test_what_is_merged_already_is_as_good(forge: Forge, opened: MergeRequest, server: LoopbackForge):
    server.merge(1)
    before = len(server.writes)

    assert forge.set_auto_merge(opened) is None
    assert len(server.writes) == before


@pytest.mark.parametrize("result", ["none", "pending", "failure"])
def test_where_no_checks_are_required_it_is_not_merged_before_all_passed(
    result: str, forge: Forge, opened: MergeRequest, server: LoopbackForge, kind: str
):
    # GitLab waits for a pipeline that runs, required or not.
    server.project.requires_checks = False
    if result != "none":
        server.report_checks(BRANCH, result)

    said = forge.set_auto_merge(opened)

    assert server.merge_requests[1].state == "opened"
    assert (said is None) == (kind == "gitlab" and result == "pending")
    assert said is None or said.startswith(SAYS)


def test_with_no_check_at_all_nothing_is_merged(forge: Forge, opened: MergeRequest, server: LoopbackForge, kind: str):
    said = forge.set_auto_merge(opened)

    assert server.merge_requests[1].state == "opened"
    assert said == (f"{SAYS}no pipeline has begun for it yet" if kind == "gitlab" else None)


@pytest.mark.parametrize("kind", ["github"])
def test_where_the_project_does_not_allow_it_that_is_told(forge: Forge, opened: MergeRequest, server: LoopbackForge):
    server.project.allows_auto_merge = False

    assert forge.set_auto_merge(opened) == f"{SAYS}auto-merge is turned off in the settings of the project"


def _make_draft(server: LoopbackForge) -> None:
    server.project.merge_requests[1].is_draft = True


def _make_conflict(server: LoopbackForge) -> None:
    git = server.project.git
    blob = git("hash-object", "-w", "--stdin")
    tree = git("write-tree") if not blob else _make_tree(server, blob)
    commit = git("commit-tree", tree, "-p", "refs/heads/main", "-m", "Clash")
    git("update-ref", "refs/heads/main", commit)


def _make_tree(server: LoopbackForge, blob: str) -> str:
    done = server.project.run_git(("mktree",), stdin=f"100644 blob {blob}\tapp.yaml\n")
    return done.stdout.strip()


@pytest.mark.parametrize(
    "obstacle", [pytest.param(_make_draft, id="a draft"), pytest.param(_make_conflict, id="a conflict")]
)
def test_what_keeps_the_forge_from_merging_is_told(
    obstacle: Callable[[LoopbackForge], None], forge: Forge, opened: MergeRequest, server: LoopbackForge
):
    server.report_checks(BRANCH, "success")
    obstacle(server)

    said = forge.set_auto_merge(opened)

    assert said is not None
    assert said.startswith(SAYS)
    assert server.merge_requests[1].state == "opened"


@pytest.mark.parametrize("kind", ["gitlab", "github"])
def test_it_shows_in_a_list_that_it_waits(forge: Forge, opened: MergeRequest, server: LoopbackForge):
    # Gitea does not tell.
    server.report_checks(BRANCH, "pending")
    forge.set_auto_merge(opened)

    (listed,) = forge.list_open(branch_prefix="imagebot/", target="main")

    assert (opened.is_auto_merging, listed.is_auto_merging) == (False, True)


@pytest.mark.parametrize("kind", ["gitlab"])
def test_a_pipeline_of_an_earlier_head_does_not_count(
    forge: Forge, opened: MergeRequest, server: LoopbackForge, push: Push
):
    server.report_checks(BRANCH, "success")
    push(BRANCH, {"app.yaml": "image: nginx:1.4"})

    assert forge.set_auto_merge(opened) == f"{SAYS}no pipeline has begun for it yet"
    assert server.merge_requests[1].state == "opened"
