"""There is exactly one merge request in the end, wherever its creation was interrupted and whoever works beside."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.servers.loopback_forge import Fault, Request
from tests.stories.story import Story

CREATES = r"(merge_requests|pulls)$"


@pytest.fixture
def ready(story: Story) -> Story:
    """A story in which 1.1.0 is going to be proposed."""
    story.push("api", "1.0.0", "1.1.0")
    story.write("api.yaml", api="1.0.0")
    return story


def _refuse_pushes(story: Story) -> None:
    story.world.git.fault = lambda request: (503, "busy\n") if request.is_push else None


def _fail(method: str, path: str, fault: Fault, *, times: int = 1) -> Callable[[Story], None]:
    return lambda story: story.forge.fail(method, path, fault, times=times)


@pytest.mark.parametrize(
    "interrupt",
    [
        pytest.param(_fail("GET", CREATES, Fault(503)), id="before anything was done"),
        pytest.param(_refuse_pushes, id="before the branch was pushed"),
        pytest.param(_fail("POST", CREATES, Fault(503), times=9), id="after the branch was pushed"),
        pytest.param(_fail("POST", CREATES, Fault(502, is_late=True)), id="by a lost answer"),
        pytest.param(_fail("POST", CREATES, Fault(None, is_late=True)), id="by a broken connection"),
        pytest.param(_fail("POST", CREATES, Fault(502, is_late=True), times=9), id="by answers that are all lost"),
    ],
)
def test_an_interrupted_creation_is_finished_by_the_next_round(ready: Story, interrupt: Callable[[Story], None]):
    interrupt(ready)
    ready.run()
    ready.forgive()

    ready.run()

    assert len(ready.forge.merge_requests) == 1
    assert ready.open == ready.branches == {ready.branch("api")}
    assert ready.read(ready.branch("api"), "api.yaml") == ready.render(api="1.1.0")


@pytest.mark.parametrize("story", ["github", "gitea"], indirect=True)  # GitLab takes all of it at once
def test_labels_and_reviewers_that_were_not_asked_for_yet_are_made_up_for(ready: Story):
    ready.set_policy("labels: [image-update], reviewers: [alice], assignees: [bob]")
    ready.forge.fail("POST", "(requested_reviewers|/issues/1/.*)$", Fault(502), times=9)
    interrupted = ready.run()
    ready.forgive()

    healed = ready.run()

    assert (interrupted.exit_code, healed.exit_code) == (1, 0)
    request = ready.request(ready.branch("api"))
    assert (request.labels, request.reviewers, request.assignees) == (["image-update"], ["alice"], ["bob"])
    assert len(ready.forge.merge_requests) == 1
    request.labels = []
    ready.run()
    assert ready.request(ready.branch("api")).labels == []


def _is_creation(request: Request) -> bool:
    return request.method == "POST" and request.path.rpartition("/")[2] in ("merge_requests", "pulls")


@pytest.mark.parametrize("moment", ["list", "push", "create"])
def test_a_worker_that_does_the_same_in_between_does_no_harm(ready: Story, moment: str):
    others: list[list[str]] = []
    guard = threading.Lock()

    def run_other(is_moment: bool) -> None:
        if is_moment and guard.acquire(blocking=False):
            others.append(ready.run_other())

    def at_forge(request: Request) -> None:
        run_other(_is_creation(request) if moment == "create" else moment == "list" and "state" in request.parameters)

    ready.forge.fault = at_forge
    ready.world.git.fault = lambda request: run_other(moment == "push" and request.path.endswith("git-receive-pack"))

    ran = ready.run()

    assert others == [["opened"]]
    assert set(ran.actions()) == {ready.branch("api")}
    assert len(ready.forge.merge_requests) == 1
    assert ready.world.count_commits(ready.branch("api")) == 1


def test_of_two_merge_requests_for_one_branch_the_first_stays(ready: Story):
    ready.run()
    request = ready.request(ready.branch("api"))
    twin = replace(request, number=request.number + 1, notes=[])
    ready.forge.project.merge_requests[twin.number] = twin

    assert ready.act() == {ready.branch("api"): "unchanged"}
    assert [each.state for each in ready.forge.merge_requests.values()] == ["opened", "closed"]
    assert twin.note_bodies == [f"{ready.ran[-1]['results'][0]['url']} is open for the same branch."]


def test_opening_costs_at_most_four_requests_and_a_quiet_round_at_most_two(ready: Story):
    ready.is_forgetful = False
    ready.run()
    ready.push("web", "1.0.0", "1.1.0")
    ready.push("old", "1.0.0", "1.1.0")
    ready.write("web.yaml", web="1.0.0")
    before_opening = ready.count_requests()
    opening = ready.run()
    after_opening = ready.count_requests()
    ready.write("old.yaml", old="1.0.0")
    ready.run()
    ready.close(ready.branch("old"))
    ready.run()
    before_quiet = ready.count_requests()

    quiet = ready.run()

    assert opening.actions()[ready.branch("web")] == "opened"
    assert after_opening - before_opening <= 4
    assert sorted(quiet.actions().values()) == ["declined", "unchanged", "unchanged"]
    assert ready.count_requests() - before_quiet <= 2
