"""The loopback Gitea does what Gitea does, asked without any client library."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.servers.forges import make_forge
from tests.servers.gitserver import git
from tests.servers.loopback_forge import TOKEN, LoopbackForge

Ask = Callable[..., requests.Response]


@pytest.fixture(params=["gitea", "forgejo"])
def server(request: pytest.FixtureRequest, git_dir: Path) -> Iterator[LoopbackForge]:
    with make_forge(request.param, git_dir) as server:
        yield server


@pytest.fixture
def ask(server: LoopbackForge) -> Ask:
    def ask(method: str, path: str, *, query: dict[str, Any] | None = None, **body: object) -> requests.Response:
        url = f"{server.url}/api/v1/repos/acme/infra/{path}"
        headers = {"Authorization": f"token {TOKEN}"}
        return requests.request(method, url, params=query, json=body or None, headers=headers, timeout=10)

    return ask


def create(ask: Ask, head: str = "change", base: str = "main", **values: object) -> int:
    answer = ask("POST", "pulls", head=head, base=base, title="Change", **values)
    answer.raise_for_status()
    return int(answer.json()["number"])


def test_a_merged_one_is_closed_and_keeps_its_branchs_name_when_that_is_gone(
    ask: Ask, server: LoopbackForge, git_dir: Path
):
    number = create(ask)
    server.merge(number)
    git(git_dir, "update-ref", "-d", "refs/heads/change")

    pull = ask("GET", f"pulls/{number}").json()

    assert (pull["state"], pull["merged"]) == ("closed", True)
    assert (pull["head"]["label"], pull["head"]["ref"]) == ("change", f"refs/pull/{number}/head")


def test_mergeable_is_false_until_it_was_looked_into(ask: Ask, server: LoopbackForge):
    number, clash = create(ask), create(ask, "clash")

    looks = [ask("GET", f"pulls/{number}").json()["mergeable"] for _ in range(2)]
    server.merge(number)
    ask("GET", f"pulls/{clash}")

    assert looks == [False, True]
    assert ask("GET", f"pulls/{clash}").json()["mergeable"] is False


def test_labels_are_numbers_and_unknown_ones_are_passed_over(ask: Ask):
    label = ask("POST", "labels", name="bot", color="#00aabb").json()

    number = create(ask, labels=[label["id"], 12345])

    assert [each["name"] for each in ask("GET", f"pulls/{number}").json()["labels"]] == ["bot"]
    assert ask("POST", "labels", name="bot", color="blue").status_code == 422


@pytest.mark.parametrize(
    ("values", "status"),
    [
        pytest.param({}, 409, id="the same again"),
        pytest.param({"base": "clash"}, 201, id="the same onto another target"),
        pytest.param({"head": "gone"}, 404, id="no such branch"),
        pytest.param({"head": "main"}, 422, id="source is target"),
        pytest.param({"head": "clash", "assignees": ["ghost"]}, 422, id="no such assignee"),
        pytest.param({"head": "clash", "milestone": 5}, 404, id="no such milestone"),
    ],
)
def test_what_gitea_refuses_is_refused(values: dict[str, object], status: int, ask: Ask):
    create(ask)

    assert ask("POST", "pulls", **{"head": "change", "base": "main", "title": "Again", **values}).status_code == status


def test_the_state_of_a_merged_one_stays(ask: Ask, server: LoopbackForge):
    number = create(ask)
    server.merge(number)

    assert ask("PATCH", f"pulls/{number}", state="open").status_code == 412


@pytest.mark.parametrize(
    ("title", "is_draft"), [("WIP: Change", True), ("[wip] Change", True), ("Draft: Change", False)]
)
def test_drafts_are_known_by_their_titles(title: str, is_draft: bool, ask: Ask, server: LoopbackForge):
    number = create(ask)

    ask("PATCH", f"pulls/{number}", title=title)

    assert server.merge_requests[number].is_draft == is_draft


@pytest.mark.parametrize(
    ("requires_checks", "result", "state"),
    [
        pytest.param(True, None, "opened", id="checks are required"),
        pytest.param(True, "success", "merged", id="they passed"),
        pytest.param(False, "pending", "merged", id="none are required, so nothing is waited for"),
    ],
)
def test_what_is_to_wait_for_checks_waits_only_for_those_that_are_required(
    requires_checks: bool, result: str | None, state: str, ask: Ask, server: LoopbackForge
):
    number = create(ask)
    server.project.requires_checks = requires_checks
    if result:
        server.report_checks("change", result)

    answer = ask("POST", f"pulls/{number}/merge", Do="merge", merge_when_checks_succeed=True)

    assert (answer.status_code, server.merge_requests[number].state) == (201, state)


def test_at_most_fifty_come_in_a_page(ask: Ask, server: LoopbackForge):
    for number in range(60):
        server.project.add_labels([f"label-{number}"])

    first = ask("GET", "labels", query={"limit": 100})

    assert (len(first.json()), first.headers["X-Total-Count"], "next" in first.links) == (50, "60", True)


def test_only_gitea_narrows_a_list_down_to_a_target(ask: Ask, server: LoopbackForge):
    create(ask)
    create(ask, base="clash")

    listed = ask("GET", "pulls", query={"base_branch": "clash"}).json()

    assert len(listed) == (2 if server.kind == "forgejo" else 1)
