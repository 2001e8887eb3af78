"""Opening a merge request comes to the same end however it was interrupted, and whatever was there before."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from imagebot.forge import Forge, NewMergeRequest
from imagebot.forge.errors import BranchNotVisible, ForgeConflict, ForgeRefused, ForgeUnavailable
from tests.forge.conftest import BRANCH
from tests.servers.gitlab import GitLabDialect
from tests.servers.loopback_forge import Fault, LoopbackForge, Request

NEW = NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "Because.")
LOCKED = Fault(409, {"message": "409 Conflict: Resource lock"})


def on_posts(*faults: Fault) -> Callable[[Request], Fault | None]:
    """Answer the first posts with these faults, and let everything else pass."""
    left: Iterator[Fault] = iter(faults)
    return lambda request: next(left, None) if request.method == "POST" else None


def test_opening_twice_gives_the_same_merge_request(forge: Forge, server: LoopbackForge, waits: list[float]):
    first = forge.open(NEW)

    assert forge.open(NEW) == first
    assert len(server.project.merge_requests) == 1
    assert waits == []


def test_adopting_costs_two_requests_more(forge: Forge, server: LoopbackForge):
    forge.open(NEW)
    before = len(server.requests)

    forge.open(replace(NEW, title="Update nginx to 1.4", body="Newer."))

    assert [request.method for request in server.requests[before:]] == ["POST", "GET", "PUT"]


def test_an_adopted_merge_request_gets_the_new_text(forge: Forge, server: LoopbackForge):
    forge.open(replace(NEW, is_draft=True, labels=("by-hand",)))

    adopted = forge.open(replace(NEW, title="Update nginx to 1.4", body="Newer.")).merge_request

    stored = server.project.merge_requests[1]
    assert (adopted.number, adopted.title, adopted.body) == (1, "Update nginx to 1.4", "Newer.")
    assert (stored.title, stored.description) == ("Draft: Update nginx to 1.4", "Newer.")
    assert adopted.labels == frozenset({"by-hand"})


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(Fault(502, is_late=True), id="a bad gateway"),
        pytest.param(Fault(None, is_late=True), id="a connection that ends"),
        pytest.param(Fault(200, "<html>Signed out</html>", is_late=True), id="a page of something in between"),
    ],
)
def test_a_merge_request_whose_creation_was_not_confirmed_is_found(
    lost: Fault, forge: Forge, server: LoopbackForge, waits: list[float]
):
    server.fault = on_posts(lost)

    assert forge.open(NEW).merge_request.number == 1
    assert len(server.writes) == 1
    assert waits == []


@pytest.mark.parametrize(
    "failed",
    [
        pytest.param(Fault(503), id="GitLab is out of order"),
        pytest.param(Fault(None), id="the connection ends"),
        pytest.param(LOCKED, id="a lock is held"),
    ],
)
def test_creation_that_failed_is_tried_again(failed: Fault, forge: Forge, server: LoopbackForge, waits: list[float]):
    server.fault = on_posts(failed, failed)

    assert forge.open(NEW).merge_request.number == 1
    assert len(server.project.merge_requests) == 1
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize("status", [400, 422])
def test_a_branch_that_is_not_seen_at_once_is_waited_for(
    status: int, forge: Forge, server: LoopbackForge, waits: list[float]
):
    assert isinstance(server.dialect, GitLabDialect)
    server.dialect.rules.missing_branch_status = status
    server.project.unseen[BRANCH] = 2

    assert forge.open(NEW).merge_request.number == 1
    assert waits == [1.0, 2.0]


def test_a_branch_that_is_never_seen_is_transient(forge: Forge, server: LoopbackForge, waits: list[float]):
    with pytest.raises(BranchNotVisible, match="does not see the branch imagebot/lost yet"):
        forge.open(replace(NEW, branch="imagebot/lost"))

    assert len(server.writes) == 4
    assert waits == [1.0, 2.0, 4.0]


def test_a_refusal_that_does_not_pass_is_told_as_gitlab_tells_it(forge: Forge, server: LoopbackForge):
    with pytest.raises(ForgeRefused) as caught:
        forge.open(replace(NEW, branch="main"))

    assert (caught.value.status, caught.value.said) == (422, "You can't use same project/branch for source and target")


def test_a_lock_that_does_not_end_is_a_conflict(forge: Forge, server: LoopbackForge, waits: list[float]):
    server.fault = on_posts(*4 * [LOCKED])

    with pytest.raises(ForgeConflict, match="reports a conflict: 409 Conflict: Resource lock"):
        forge.open(NEW)

    assert waits == [1.0, 2.0, 4.0]


def test_a_gitlab_that_is_down_is_asked_twice_at_most(forge: Forge, server: LoopbackForge, waits: list[float]):
    server.fault = lambda request: Fault(503)

    with pytest.raises(ForgeUnavailable):
        forge.open(NEW)

    assert len(server.requests) == 2
    assert waits == []


def test_a_closing_note_is_not_repeated_after_the_closing_failed(forge: Forge, server: LoopbackForge):
    opened = forge.open(NEW).merge_request
    server.fault = lambda request: Fault(502) if request.method == "PUT" else None
    with pytest.raises(ForgeUnavailable):
        forge.close(opened, note="Done.\n")
    server.fault = lambda request: None

    forge.close(opened, note="Done.\n")

    assert server.project.merge_requests[1].state == "closed"
    assert [note.body for note in server.project.merge_requests[1].notes] == ["Done."]
