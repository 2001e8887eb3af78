"""Opening a merge request comes to the same end however it was interrupted, and whatever was there before."""

from dataclasses import replace

import pytest

from imagebot.errors import ImagebotError
from imagebot.forge import Forge, NewMergeRequest
from imagebot.forge.errors import BranchNotVisible, ForgeConflict, ForgeRefused, ForgeUnavailable
from tests.forge.conftest import BRANCH, Connect
from tests.servers.loopback_forge import Fault, LoopbackForge, Request

NEW = NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "Because.")
CREATION = r"/(merge_requests|pulls)$"
LOCKED = Fault(409, {"message": "409 Conflict: Resource lock"})


def count_creations(server: LoopbackForge) -> int:
    return sum(r.method == "POST" and r.path.rpartition("/")[2] in {"merge_requests", "pulls"} for r in server.requests)


def test_opening_twice_gives_the_same_merge_request(forge: Forge, server: LoopbackForge, waits: list[float]):
    first = forge.open(NEW).merge_request

    again = forge.open(NEW).merge_request

    assert (again.number, again.title, again.body) == (first.number, first.title, first.body)
    assert len(server.merge_requests) == 1
    assert waits == []


def test_adopting_costs_two_requests_more(forge: Forge, server: LoopbackForge):
    forge.open(NEW)
    before = len(server.requests)

    forge.open(replace(NEW, title="Update nginx to 1.4", body="Newer."))

    methods = [request.method for request in server.requests[before:]]
    assert (methods[:2], methods[2] in {"PUT", "PATCH"}, len(methods)) == (["POST", "GET"], True, 3)


def test_an_adopted_merge_request_gets_the_new_text_and_keeps_what_people_gave_it(forge: Forge, server: LoopbackForge):
    forge.open(replace(NEW, labels=("by-hand",), assignees=("bob",)))

    adopted = forge.open(replace(NEW, title="Update nginx to 1.4", body="Newer.")).merge_request

    stored = server.merge_requests[1]
    assert (adopted.number, adopted.title, adopted.body) == (1, "Update nginx to 1.4", "Newer.")
    assert (stored.title, stored.body) == ("Update nginx to 1.4", "Newer.")
    assert (stored.labels, stored.assignees) == (["by-hand"], ["bob"])


def test_the_one_that_is_open_is_adopted_and_not_one_that_ended(forge: Forge, server: LoopbackForge):
    forge.open(NEW)
    server.close(1)
    forge.open(NEW)

    assert forge.open(NEW).merge_request.number == 2


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(Fault(502, is_late=True), id="a bad gateway"),
        pytest.param(Fault(None, is_late=True), id="a connection that ends"),
        pytest.param(Fault(200, "<html>Signed out</html>", is_late=True), id="a page of something in between"),
    ],
)
def test_a_merge_request_whose_creation_was_not_confirmed_is_found_and_gets_all_it_should(
    lost: Fault, forge: Forge, server: LoopbackForge, waits: list[float]
):
    server.project.add_labels(["bot"])
    server.fail("POST", CREATION, lost)

    opened = forge.open(replace(NEW, labels=("bot",), assignees=("bob",), reviewers=("alice",)))

    stored = server.merge_requests[1]
    assert (opened.merge_request.number, count_creations(server)) == (1, 1)
    assert (stored.labels, stored.assignees, stored.reviewers) == (["bot"], ["bob"], ["alice"])
    assert waits == []


@pytest.mark.parametrize(
    "failed",
    [
        pytest.param(Fault(503), id="the forge is out of order"),
        pytest.param(Fault(None), id="the connection ends"),
        pytest.param(LOCKED, id="a lock is held"),
    ],
)
def test_creation_that_failed_is_tried_again(failed: Fault, forge: Forge, server: LoopbackForge, waits: list[float]):
    server.fail("POST", CREATION, failed, times=2)

    assert forge.open(NEW).merge_request.number == 1
    assert len(server.merge_requests) == 1
    assert waits == [1.0, 2.0]


def test_two_workers_at_once_open_one(connect: Connect, server: LoopbackForge):
    first, second = connect(), connect()
    made: list[int | None] = []

    def open_first(request: Request) -> None:
        if request.method == "POST" and not made:
            made.append(0)
            made[0] = first.open(NEW).merge_request.number

    server.fault = open_first

    assert second.open(NEW).merge_request.number == made[0] == 1
    assert len(server.merge_requests) == 1


def test_a_branch_that_is_not_seen_at_once_is_waited_for(forge: Forge, server: LoopbackForge, waits: list[float]):
    server.project.unseen[BRANCH] = 2

    assert forge.open(NEW).merge_request.number == 1
    assert waits == [1.0, 2.0]


def test_a_branch_that_is_never_seen_is_transient(forge: Forge, server: LoopbackForge, waits: list[float]):
    with pytest.raises(BranchNotVisible, match="does not see the branch imagebot/lost yet"):
        forge.open(replace(NEW, branch="imagebot/lost"))

    assert count_creations(server) == 4
    assert waits == [1.0, 2.0, 4.0]


def test_a_refusal_that_does_not_pass_is_told_as_the_forge_tells_it(forge: Forge, kind: str):
    with pytest.raises(ForgeRefused) as caught:
        forge.open(replace(NEW, branch="main"))

    said = {
        "gitlab": "You can't use same project/branch for source and target",
        "github": "Validation Failed: No commits between main and main",
    }
    gitea = "Invalid PullRequest: There are no changes between the head and the base"
    assert (caught.value.status, caught.value.said) == (422, said.get(kind, gitea))


def test_a_lock_that_does_not_end_is_a_conflict(forge: Forge, server: LoopbackForge, waits: list[float]):
    server.fail("POST", CREATION, LOCKED, times=4)

    with pytest.raises(ForgeConflict, match="reports a conflict: 409 Conflict: Resource lock"):
        forge.open(NEW)

    assert waits == [1.0, 2.0, 4.0]


def test_a_forge_that_is_down_is_asked_twice_at_most(forge: Forge, server: LoopbackForge, waits: list[float]):
    server.fault = lambda request: Fault(503)

    with pytest.raises(ForgeUnavailable):
        forge.open(NEW)

    assert len(server.requests) == 2
    assert waits == []


def test_a_closing_note_is_not_repeated_after_the_closing_failed(forge: Forge, server: LoopbackForge):
    opened = forge.open(NEW).merge_request
    server.fault = lambda request: Fault(502) if request.method in {"PUT", "PATCH"} else None
    with pytest.raises(ForgeUnavailable):
        forge.close(opened, note="Done.\n")
    server.fault = lambda request: None

    forge.close(opened, note="Done.\n")

    assert server.merge_requests[1].state == "closed"
    assert [body.rstrip() for body in server.merge_requests[1].note_bodies] == ["Done."]


@pytest.mark.parametrize("nth", range(1, 6))
@pytest.mark.parametrize("is_late", [False, True], ids=["before it is done", "after it is done"])
def test_whichever_request_fails_there_is_one_merge_request_in_the_end(
    nth: int, is_late: bool, forge: Forge, server: LoopbackForge
):
    new = replace(NEW, labels=("bot",), assignees=("bob",), reviewers=("alice",))
    left = [nth]

    def fail(request: Request) -> Fault | None:
        left[0] -= 1
        return Fault(502, is_late=is_late) if left[0] == 0 else None

    server.fault = fail
    try:
        forge.open(new)
    except ImagebotError:
        forge.open(new)

    stored = server.merge_requests[1]
    assert len(server.merge_requests) == 1
    assert (stored.labels, stored.assignees, stored.reviewers) == (["bot"], ["bob"], ["alice"])
