"""One issue for each matter: made, kept up to date, opened again, and closed when it is settled."""

import pytest

from imagebot.forge import Forge, NewMergeRequest
from imagebot.forge.errors import ForgeUnavailable
from tests.forge.conftest import BRANCH, Connect
from tests.servers.loopback_forge import Fault, LoopbackForge

KEY = "policy-file main"
PATHS = {"gitlab": "-/issues/", "github": "issues/", "gitea": "issues/", "forgejo": "issues/"}


def ensure(forge: Forge, body: str = "Line 3 is wrong.") -> str | None:
    return forge.ensure_issue(key=KEY, title="The policy file is wrong", body=body)


def test_an_issue_is_made_and_its_address_told(forge: Forge, server: LoopbackForge, kind: str):
    url = ensure(forge)

    (issue,) = server.issues.values()
    assert url == f"{server.url}/acme/infra/{PATHS[kind]}{issue.number}"
    assert (issue.title, issue.state) == ("The policy file is wrong", "opened")
    assert issue.body.startswith("Line 3 is wrong.\n\n<!-- imagebot-issue-")
    # Where labels are numbers, the label of the first issue has to be made.
    assert len(server.requests) <= (2 if kind in {"gitlab", "github"} else 5)


def test_one_that_is_there_and_says_the_same_is_left_alone(forge: Forge, server: LoopbackForge):
    first = ensure(forge)
    before = len(server.requests)

    assert ensure(forge) == first
    assert [request.method for request in server.requests[before:]] == ["GET"]


def test_one_that_says_something_else_is_edited_in_place(forge: Forge, server: LoopbackForge):
    ensure(forge)

    ensure(forge, "Line 4 is wrong.")

    (issue,) = server.issues.values()
    assert issue.body.startswith("Line 4 is wrong.\n\n<!--")


def test_one_that_was_closed_is_opened_again(forge: Forge, server: LoopbackForge):
    ensure(forge)
    (issue,) = server.issues.values()
    server.project.set_state(issue, "closed", by="alice")

    ensure(forge)

    assert ([each.state for each in server.issues.values()], issue.state) == (["opened"], "opened")


def test_each_matter_has_its_own(forge: Forge, server: LoopbackForge):
    ensure(forge)
    forge.ensure_issue(key="policy-file prod", title="Another", body="Line 1.")

    forge.close_issue(key="policy-file prod", note="Mended.")

    assert [(each.title, each.state) for each in server.issues.values()] == [
        ("The policy file is wrong", "opened"),
        ("Another", "closed"),
    ]


def test_closing_says_why(forge: Forge, server: LoopbackForge):
    ensure(forge)

    forge.close_issue(key=KEY, note="It can be used again.")

    (issue,) = server.issues.values()
    assert (issue.state, [note.body for note in issue.notes]) == ("closed", ["It can be used again."])


def test_closing_what_is_closed_or_never_was_writes_nothing(forge: Forge, server: LoopbackForge):
    forge.close_issue(key=KEY, note="It can be used again.")
    ensure(forge)
    forge.close_issue(key=KEY, note="It can be used again.")
    before = len(server.writes)

    forge.close_issue(key=KEY, note="It can be used again.")

    assert len(server.writes) == before


def test_a_note_is_not_repeated_where_the_closing_after_it_failed(forge: Forge, server: LoopbackForge):
    ensure(forge)
    server.fault = lambda request: Fault(502) if request.method in {"PUT", "PATCH"} else None
    with pytest.raises(ForgeUnavailable):
        forge.close_issue(key=KEY, note="Mended.")
    server.fault = lambda request: None

    forge.close_issue(key=KEY, note="Mended.")

    (issue,) = server.issues.values()
    assert (issue.state, [note.body for note in issue.notes]) == ("closed", ["Mended."])


def test_an_issue_whose_making_was_not_confirmed_is_found(forge: Forge, server: LoopbackForge):
    server.fail("POST", "issues$", Fault(502, is_late=True))
    with pytest.raises(ForgeUnavailable):
        ensure(forge)

    assert ensure(forge) is not None
    assert len(server.issues) == 1


def test_a_merge_request_is_taken_for_no_issue(forge: Forge, server: LoopbackForge):
    ensure(forge)
    (issue,) = server.issues.values()
    forge.open(NewMergeRequest(BRANCH, "main", "Title", issue.body, labels=("imagebot",)))
    server.issues.clear()

    ensure(forge)

    assert [each.title for each in server.issues.values()] == ["The policy file is wrong"]
    assert [each.title for each in server.merge_requests.values()] == ["Title"]


def test_where_the_project_has_no_issues_there_is_none(forge: Forge, server: LoopbackForge):
    server.project.has_issues = False

    assert ensure(forge) is None
    assert server.issues == {}


def test_what_people_wrote_by_themselves_is_no_issue_of_imagebots(connect: Connect, server: LoopbackForge):
    ensure(connect())
    (issue,) = server.issues.values()
    issue.body = "I have rewritten all of this."

    ensure(connect())

    assert len(server.issues) == 2
