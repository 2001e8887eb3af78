"""What every forge does with merge requests, each against its own kind of server on loopback."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from imagebot.forge import Forge, MergeRequest, MergeRequestState, NewMergeRequest
from imagebot.forge.errors import UnknownMergeRequest
from tests.forge.conftest import BRANCH, Connect, Push
from tests.servers.forge_project import StoredMergeRequest
from tests.servers.gitserver import find_head, git
from tests.servers.loopback_forge import LoopbackForge

NEW = NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "Because.\n")
PATHS = {"gitlab": "-/merge_requests/1", "github": "pull/1", "gitea": "pulls/1", "forgejo": "pulls/1"}
TITLE_LIMITS = {"gitlab": 255, "github": 256, "gitea": 255, "forgejo": 255}
BODY_LIMITS = {"gitlab": 1_048_576, "github": 65_536, "gitea": 1_000_000, "forgejo": 1_000_000}
MARKS = {"gitlab": "Draft: ", "github": "", "gitea": "WIP: ", "forgejo": "WIP: "}


def open_one(forge: Forge, new: NewMergeRequest = NEW) -> MergeRequest:
    return forge.open(new).merge_request


def list_open(forge: Forge) -> tuple[MergeRequest, ...]:
    return forge.list_open(branch_prefix="imagebot/", target="main")


def same(merge_request: MergeRequest) -> MergeRequest:
    """Leave out what changes by itself, to compare all else: when it was updated, whether a body ends its last line."""
    return replace(merge_request, updated_at=None, body=merge_request.body.rstrip())


def test_importing_the_package_does_not_load_the_client_libraries():
    code = (
        "import sys, imagebot.forge, imagebot.forge.branch_only, imagebot.connect;"
        "sys.exit(bool({'gitlab', 'github', 'requests'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Opening


def test_an_opened_merge_request_holds_what_was_asked_for(forge: Forge, server: LoopbackForge, kind: str):
    new = replace(
        NEW, labels=("image-update", "bot"), reviewers=("alice",), assignees=("Bob", "alice"), milestone="Autumn"
    )

    opened = forge.open(new)
    (listed,) = list_open(forge)

    stored = server.merge_requests[1]
    assert opened.unmet == ()
    assert same(listed) == MergeRequest(
        number=1,
        url=f"{server.url}/acme/infra/{PATHS[kind]}",
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
    assert (stored.reviewers, set(stored.assignees), stored.milestone) == (["alice"], {"alice", "bob"}, "Autumn")


def test_opening_costs_one_request_where_nothing_is_wished_for(forge: Forge, server: LoopbackForge):
    forge.open(NEW)

    assert [request.method for request in server.requests] == ["POST"]


def test_opening_costs_at_most_four_requests(forge: Forge, server: LoopbackForge):
    server.project.add_labels(["image-update"])

    forge.open(replace(NEW, labels=("image-update",), reviewers=("alice", "bob"), assignees=("alice",)))

    assert len(server.requests) <= 4


def test_names_are_looked_up_once(forge: Forge, server: LoopbackForge, push: Push):
    push("imagebot/redis", {"redis.yaml": "image: redis:7"}, onto="main")
    new = replace(NEW, labels=("image-update",), reviewers=("alice", "bob"), assignees=("alice",))
    forge.open(new)
    reads = [request for request in server.requests if request.method == "GET"]

    forge.open(replace(new, branch="imagebot/redis"))

    assert [request for request in server.requests if request.method == "GET"] == reads


def test_wishes_that_cannot_be_met_are_told_and_the_others_are_met(forge: Forge, server: LoopbackForge):
    new = replace(
        NEW,
        labels=("bot",),
        reviewers=("alice", "nobody"),
        assignees=("ghost", "bob"),
        teams=("acme/strangers",),
        milestone="Spring",
    )

    opened = forge.open(new)

    stored = server.merge_requests[1]
    assert (stored.labels, stored.reviewers, stored.assignees, stored.milestone) == (["bot"], ["alice"], ["bob"], None)
    said = "; ".join(opened.unmet)
    assert all(name in said for name in ("nobody", "ghost", "strangers", "Spring"))
    assert not any(name in said for name in ("alice", "bob"))


def test_whom_the_forge_refuses_as_reviewer_is_told(forge: Forge, server: LoopbackForge, kind: str):
    # GitLab asks its own users, members or not.
    opened = forge.open(replace(NEW, reviewers=("oscar", "alice")))

    assert server.merge_requests[1].reviewers == (["oscar", "alice"] if kind == "gitlab" else ["alice"])
    assert ["oscar" in sentence for sentence in opened.unmet] == ([] if kind == "gitlab" else [True])


def test_a_team_is_asked_for_a_review(forge: Forge, server: LoopbackForge, kind: str):
    # On GitLab a team is a group, each member of which is asked.
    opened = forge.open(replace(NEW, teams=("acme/reviewers",)))

    stored = server.merge_requests[1]
    assert opened.unmet == ()
    assert (set(stored.reviewers), stored.teams) == (
        ({"alice", "bob"}, []) if kind == "gitlab" else (set(), ["reviewers"])
    )


def test_a_draft_is_one(forge: Forge, server: LoopbackForge, kind: str):
    opened = open_one(forge, replace(NEW, is_draft=True))

    stored = server.merge_requests[1]
    assert (stored.title, stored.is_draft) == (f"{MARKS[kind]}Update nginx to 1.3", True)
    assert (opened.title, opened.is_draft) == ("Update nginx to 1.3", True)


@pytest.mark.parametrize(
    ("title", "stored"),
    [
        pytest.param("a\n b\0c", "a bc", id="a title is one line without NUL"),
        pytest.param("x" * 300, None, id="a title that is too long is cut"),
    ],
)
def test_a_title_is_written_as_the_forge_takes_it(
    title: str, stored: str | None, forge: Forge, server: LoopbackForge, kind: str
):
    opened = open_one(forge, replace(NEW, title=title))

    # Gitea counts bytes, and the dots that stand for the rest are three of them.
    cut = "x" * (TITLE_LIMITS[kind] - (3 if kind in {"gitea", "forgejo"} else 1)) + "…"
    assert server.merge_requests[1].title == (stored or cut)
    assert forge.edit(opened, title=title, body=NEW.body) is opened


def test_the_longest_body_is_taken(forge: Forge, kind: str):
    assert forge.body_limit == BODY_LIMITS[kind]
    assert len(open_one(forge, replace(NEW, body="x" * forge.body_limit)).body) == forge.body_limit


def test_a_body_over_the_limit_is_a_bug_and_sends_nothing(forge: Forge, server: LoopbackForge):
    with pytest.raises(ValueError, match=f"has {forge.body_limit + 1} characters, .* takes {forge.body_limit}"):
        forge.open(replace(NEW, body="x" * (forge.body_limit + 1)))

    assert server.requests == []


def test_a_body_is_sent_without_nul(forge: Forge):
    assert open_one(forge, replace(NEW, body="a\0b")).body == "ab"


def test_a_draft_is_not_made_by_a_title(forge: Forge, kind: str):
    title = f"{MARKS[kind].upper() or 'x '}Update"

    assert not open_one(forge, replace(NEW, title=title)).is_draft


# Listing


def make_stored(server: LoopbackForge, number: int, **others: object) -> None:
    """Put a merge request into the project that nobody opened by its API."""
    made = StoredMergeRequest(number, "bob", f"Change {number}", BRANCH, "main", server.project.now())
    made.updated_at = made.created_at
    for name, value in others.items():
        setattr(made, name, value)
    server.project.merge_requests[number] = made


def test_only_open_ones_of_the_prefix_the_target_and_the_project_are_listed(
    forge: Forge, server: LoopbackForge, push: Push
):
    for branch in ("imagebot/closed", "imagebot/merged", "imagebot/fork", "feature", "release"):
        push(branch, {f"{branch}.yaml": branch}, onto="main")
    push("imagebot/release", {"x.yaml": "x"}, onto="main")
    wanted = open_one(forge)
    for branch in ("imagebot/closed", "imagebot/merged", "imagebot/fork", "feature"):
        open_one(forge, replace(NEW, branch=branch))
    open_one(forge, replace(NEW, branch="imagebot/release", target="release"))
    server.close(2)
    server.merge(3)
    server.project.merge_requests[4].is_from_fork = True

    assert [each.number for each in list_open(forge)] == [wanted.number]


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_listing_costs_one_request_for_every_page(pages: int, forge: Forge, server: LoopbackForge, kind: str):
    size = 100 if kind in {"gitlab", "github"} else 50
    # From forks whose branches are called like ours; the one that is ours comes last.
    for number in range(1, (pages - 1) * size + 1):
        make_stored(server, number, is_from_fork=True)
    ours = open_one(forge).number
    before = len(server.requests)

    listed = list_open(forge)

    assert [each.number for each in listed] == [ours]
    assert len(server.requests) - before == pages


def test_open_and_ended_ones_cost_two_requests(forge: Forge, server: LoopbackForge, push: Push):
    for number in range(1, 4):
        push(f"imagebot/{number}", {f"{number}.yaml": "x"}, onto="main")
        open_one(forge, replace(NEW, branch=f"imagebot/{number}"))
    server.close(2)
    server.merge(3)
    before = len(server.requests)

    opened = list_open(forge)
    ended = forge.list_ended(branch_prefix="imagebot/", target="main", since=None)

    assert [each.number for each in opened] == [1]
    assert [(each.number, each.state) for each in ended] == [
        (3, MergeRequestState.MERGED),
        (2, MergeRequestState.CLOSED),
    ]
    assert len(server.requests) - before == 2


def test_an_ended_one_is_known_by_its_branch_though_that_is_deleted(forge: Forge, server: LoopbackForge):
    open_one(forge)
    head = find_head(server.project.git_dir, BRANCH)
    server.merge(1)
    git(server.project.git_dir, "update-ref", "-d", f"refs/heads/{BRANCH}")

    (ended,) = forge.list_ended(branch_prefix="imagebot/", target="main", since=None)

    assert (ended.branch, ended.state, ended.head) == (BRANCH, MergeRequestState.MERGED, head)


def test_ended_ones_since_an_instant_are_those_updated_then_or_later(forge: Forge, server: LoopbackForge, push: Push):
    for number in range(1, 4):
        push(f"imagebot/{number}", {f"{number}.yaml": "x"}, onto="main")
        open_one(forge, replace(NEW, branch=f"imagebot/{number}"))
        server.close(number)
    every = forge.list_ended(branch_prefix="imagebot/", target="main", since=None)
    instants = {each.number: each.updated_at for each in every}
    server.comment(1, "Why?")

    def since(number: int, seconds: int = 0) -> list[int | None]:
        at = instants[number]
        assert at is not None
        listed = forge.list_ended(branch_prefix="imagebot/", target="main", since=at + timedelta(seconds=seconds))
        return [each.number for each in listed]

    assert since(3) == [1, 3]
    assert since(2) == [1, 3, 2]
    assert since(3, seconds=1) == [1]


def test_of_many_ended_ones_those_updated_last_are_looked_through(forge: Forge, server: LoopbackForge, kind: str):
    for number in range(1, 1104):
        make_stored(server, number, state="closed")
    before = len(server.requests)

    listed = forge.list_ended(branch_prefix="imagebot/", target="main", since=None)

    assert [each.number for each in listed] == list(range(1103, 103, -1))
    assert len(server.requests) - before == (10 if kind in {"gitlab", "github"} else 20)


def test_with_an_instant_no_more_is_read_than_happened_since(forge: Forge, server: LoopbackForge):
    for number in range(1, 250):
        make_stored(server, number, state="closed")
    since = server.project.merge_requests[240].updated_at
    before = len(server.requests)

    listed = forge.list_ended(branch_prefix="imagebot/", target="main", since=since)

    assert [each.number for each in listed] == list(range(249, 239, -1))
    assert len(server.requests) - before == 1


def test_ended_ones_of_a_branch_are_found_newest_first(forge: Forge, server: LoopbackForge, push: Push):
    push("imagebot/nginx-debug", {"other.yaml": "x"}, onto="main")
    for number in (1, 2, 3):
        open_one(forge, replace(NEW, title=f"Round {number}"))
        server.close(number)
    open_one(forge, replace(NEW, branch="imagebot/nginx-debug"))
    server.close(4)
    open_one(forge)
    server.merge(5)
    server.comment(1, "Later.")
    before = len(server.requests)

    found = forge.find_ended(branch=BRANCH, target="main")

    assert [(each.number, each.state) for each in found] == [
        (5, MergeRequestState.MERGED),
        *((number, MergeRequestState.CLOSED) for number in (3, 2, 1)),
    ]
    assert len(server.requests) - before == 1


def test_a_reopened_one_is_open_and_not_ended(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    server.close(1)
    server.reopen(1)

    assert [each.number for each in list_open(forge)] == [opened.number]
    assert forge.find_ended(branch=BRANCH, target="main") == ()


def test_the_head_is_where_the_branch_was_last_pushed(forge: Forge, push: Push):
    open_one(forge)
    head = push(BRANCH, {"app.yaml": "image: nginx:1.4"})

    (listed,) = list_open(forge)

    assert listed.head == head


def test_conflicts_are_not_known_before_the_forge_has_looked_for_them(forge: Forge, push: Push):
    open_one(forge)
    push("main", {"app.yaml": "image: httpd"})

    (listed,) = list_open(forge)

    assert listed.has_conflicts is None


# Editing


def test_an_edit_sends_only_what_differs(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)

    edited = forge.edit(opened, title="Update nginx to 1.4", body=NEW.body)

    assert same(edited) == same(replace(opened, title="Update nginx to 1.4", has_conflicts=edited.has_conflicts))
    assert dict(server.writes[-1].parameters) == {"title": "Update nginx to 1.4"}


def test_an_edit_without_a_difference_sends_nothing(forge: Forge, server: LoopbackForge):
    open_one(forge, replace(NEW, body="one\r\ntwo\n\n"))
    (listed,) = list_open(forge)
    before = len(server.requests)

    edited = forge.edit(listed, title=NEW.title, body="one\r\ntwo\n\n")

    assert edited == listed
    assert len(server.requests) == before


def test_an_edit_leaves_a_draft_a_draft(forge: Forge, server: LoopbackForge, kind: str):
    open_one(forge)
    if MARKS[kind]:
        server.edit(1, title=f"[{MARKS[kind].strip(': ').upper()}] Update nginx to 1.3")
    else:
        server.project.merge_requests[1].is_draft = True
    (listed,) = list_open(forge)

    edited = forge.edit(listed, title="Update nginx to 1.4", body="New.")

    assert server.merge_requests[1].title == f"{MARKS[kind]}Update nginx to 1.4"
    assert (edited.title, edited.body, edited.is_draft) == ("Update nginx to 1.4", "New.", True)


# Saying and closing


def test_closing_says_why_first(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    before, writes = len(server.requests), len(server.writes)

    forge.close(opened, note="main already has nginx 1.3.")

    stored = server.merge_requests[1]
    assert (stored.state, stored.note_bodies) == ("closed", ["main already has nginx 1.3."])
    assert server.writes[writes].method == "POST"
    assert len(server.requests) - before == 4


def test_closing_again_does_nothing(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    forge.close(opened, note="Done.")
    before = len(server.writes)

    forge.close(opened, note="Done.")

    assert len(server.writes) == before


def test_what_was_merged_meanwhile_is_not_closed(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    server.merge(1)

    forge.close(opened, note="Done.")

    assert (server.merge_requests[1].state, server.merge_requests[1].notes) == ("merged", [])


def test_what_is_closed_again_for_the_same_reason_says_so_again(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    forge.close(opened, note="Done.")
    server.reopen(1)
    server.comment(1, "Why?")

    forge.close(opened, note="Done.")

    assert server.merge_requests[1].note_bodies == ["Done.", "Why?", "Done."]


def test_a_comment_is_made_once(forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    forge.comment(opened, note="Hands off.\n")
    for number in range(120):
        server.comment(1, f"Note {number}")
    before = len(server.requests)

    forge.comment(opened, note="Something else.")
    forge.comment(opened, note="Something else.\n")

    assert server.merge_requests[1].note_bodies.count("Something else.") == 1
    assert len(server.requests) - before <= 5


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda forge, gone: forge.edit(gone, title="Other", body=""), id="edit"),
        pytest.param(lambda forge, gone: forge.close(gone, note="Done."), id="close"),
        pytest.param(lambda forge, gone: forge.comment(gone, note="Done."), id="comment"),
        pytest.param(lambda forge, gone: forge.set_auto_merge(gone), id="merge"),
    ],
)
def test_a_merge_request_that_was_deleted_is_not_the_operators_business(step, forge: Forge, server: LoopbackForge):
    opened = open_one(forge)
    server.project.merge_requests.clear()

    with pytest.raises(UnknownMergeRequest, match=r"acme/infra on 127.0.0.1:.* has no merge request .1 any more"):
        step(forge, opened)


# Addresses


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("gitlab", "-/blob/abc/apps/a%20b%23.yaml"),
        ("github", "blob/abc/apps/a%20b%23.yaml"),
        ("gitea", "src/commit/abc/apps/a%20b%23.yaml"),
        ("forgejo", "src/commit/abc/apps/a%20b%23.yaml"),
    ],
)
def test_a_file_at_a_commit_has_an_address(kind: str, path: str, connect: Connect, server: LoopbackForge):
    forge = connect()

    assert forge.file_url("abc", "apps/a b#.yaml") == f"{server.url}/acme/infra/{path}"
    assert forge.file_url("abc", "apps/a b#.yaml", line=3) == f"{server.url}/acme/infra/{path}#L3"
    assert server.requests == []
