"""The loopback GitLab does what GitLab does, as seen by a client that is not ours."""

from collections.abc import Iterator
from pathlib import Path

import gitlab
import pytest
from gitlab.v4.objects import Project

from tests.servers.gitlab import LoopbackGitLab
from tests.servers.loopback_forge import TOKEN, LoopbackForge


@pytest.fixture
def server(git_dir: Path) -> Iterator[LoopbackForge]:
    with LoopbackGitLab(git_dir) as server:
        yield server


@pytest.fixture
def project(server: LoopbackForge) -> Iterator[Project]:
    with gitlab.Gitlab(server.url, private_token=TOKEN) as client:
        yield client.projects.get("acme/infra")


def create(project: Project, **values: object) -> int:
    made = project.mergerequests.create(
        {"source_branch": "change", "target_branch": "main", "title": "Change", **values}
    )
    return int(made.iid)


def test_it_knows_its_version_and_its_users(server: LoopbackForge):
    with gitlab.Gitlab(server.url, oauth_token=TOKEN) as client:
        client.auth()

        assert client.version() == ("18.5.0", "0123456789a")
        assert client.user is not None
        assert client.user.username == "imagebot"
        assert [user.id for user in client.users.list(username="ALICE")] == [2]


def test_a_merge_is_a_merge_commit_on_the_target(project: Project, server: LoopbackForge):
    iid = create(project, remove_source_branch=True)
    main, change = (project.branches.get(name).commit["id"] for name in ("main", "change"))

    commit = server.merge(iid, by="alice")

    merged = project.mergerequests.get(iid)
    assert (merged.state, merged.merged_by["username"], merged.merge_commit_sha) == ("merged", "alice", commit)
    assert project.branches.get("main").commit["parent_ids"] == [main, change]
    assert server.project.find_head("change") is None


def test_mergeability_is_known_only_at_the_second_look(project: Project):
    iid = create(project)

    looks = [project.mergerequests.get(iid) for _ in range(2)]

    assert [look.detailed_merge_status for look in looks] == ["checking", "mergeable"]
    assert looks[0].diff_refs is None
    assert looks[1].diff_refs["head_sha"] == looks[1].sha


def test_conflicts_are_those_that_git_finds(project: Project, server: LoopbackForge):
    clash = create(project, source_branch="clash")
    server.merge(create(project), by="alice")

    looks = [project.mergerequests.get(clash) for _ in range(2)]

    assert [look.has_conflicts for look in looks] == [False, True]


def test_what_is_merged_by_hand_is_merged_and_what_lost_its_branch_is_closed(project: Project, server: LoopbackForge):
    merged, closed = create(project), create(project, source_branch="clash")
    server.project.git("update-ref", "refs/heads/main", "refs/heads/change")
    server.project.git("update-ref", "-d", "refs/heads/clash")

    assert [project.mergerequests.get(iid).state for iid in (merged, closed)] == ["merged", "closed"]


def test_a_branch_without_commits_of_its_own_gives_a_draft(project: Project, server: LoopbackForge):
    server.project.git("update-ref", "refs/heads/change", "refs/heads/main")

    made = project.mergerequests.get(create(project))

    assert (made.title, made.draft, made.state) == ("Draft: Change", True, "opened")


@pytest.mark.parametrize(
    ("text", "state", "kept", "lines"),
    [
        pytest.param("a\n/close\nb", "closed", "a\nb", ["/close"], id="a command"),
        pytest.param("/merge", "merged", "", ["/merge"], id="nothing but a command"),
        pytest.param("<!--\n/close\n-->", "closed", "<!--\n-->", ["/close"], id="a command in a comment"),
        pytest.param("a\r\n/close \r\n", "closed", "a", ["/close"], id="lines of another system"),
        pytest.param("```\n/close\n```", "opened", "```\n/close\n```", [], id="code"),
        pytest.param("see /close", "opened", "see /close", [], id="not at the beginning of a line"),
    ],
)
def test_quick_actions_are_carried_out(
    text: str, state: str, kept: str, lines: list[str], project: Project, server: LoopbackForge
):
    iid = create(project, description=text)

    made = project.mergerequests.get(iid)

    assert (made.state, made.description) == (state, kept)
    assert server.project.quick_actions == [(iid, line) for line in lines]


def test_labels_come_in_any_form_and_are_made(project: Project, server: LoopbackForge):
    made = project.mergerequests.get(create(project, labels="one, two"))
    made.labels = ["two", "three"]
    made.save()

    assert made.labels == ["three", "two"]
    assert server.project.labels.keys() == {"one", "two", "three"}


@pytest.mark.parametrize(
    ("values", "status"),
    [
        pytest.param({}, 409, id="the same again"),
        pytest.param({"target_branch": "clash"}, None, id="the same onto another target"),
        pytest.param({"source_branch": "gone"}, 400, id="no such source"),
        pytest.param({"target_branch": "gone"}, 422, id="no such target"),
        pytest.param({"source_branch": "main"}, 422, id="source is target"),
        pytest.param({"title": "x" * 256}, 400, id="a title too long"),
        pytest.param({"title": "a\0b"}, 400, id="NUL"),
        pytest.param({"description": "x" * 1_048_577}, 400, id="a description too long"),
    ],
)
def test_what_gitlab_refuses_is_refused(values: dict[str, object], status: int | None, project: Project):
    create(project)

    try:
        create(project, **values)
        found = None
    except gitlab.GitlabCreateError as error:
        found = error.response_code

    assert found == status


def test_a_second_one_for_the_branch_is_refused_with_a_list(project: Project):
    create(project)

    with pytest.raises(gitlab.GitlabCreateError) as caught:
        create(project)

    said = "Another open merge request already exists for this source branch: !1"
    assert list(caught.value.error_message) == [said]


def test_parameters_that_gitlab_ignores_are_noted(project: Project, server: LoopbackForge):
    create(project, draft=True)

    assert server.faults == ["POST /projects/7/merge_requests: unknown parameter draft"]


def test_pages_are_linked(project: Project, server: LoopbackForge):
    for branch in ("change", "clash"):
        create(project, source_branch=branch)

    listed = project.mergerequests.list(iterator=True, per_page=1, order_by="created_at", sort="asc")

    assert (listed.total, listed.next_page) == (2, 2)
    assert [each.iid for each in listed] == [1, 2]
