"""The loopback GitHub does what GitHub does, as seen by a client that is not ours."""

from collections.abc import Iterator
from pathlib import Path

import github
import pytest
import requests
from github.Repository import Repository

from tests.servers.forge_project import RefusalError
from tests.servers.forges import make_forge
from tests.servers.gitserver import git, seed
from tests.servers.loopback_forge import TOKEN, LoopbackForge


@pytest.fixture
def server(git_dir: Path) -> Iterator[LoopbackForge]:
    with make_forge("github", git_dir) as server:
        yield server


@pytest.fixture
def repo(server: LoopbackForge) -> Iterator[Repository]:
    client = github.Github(
        base_url=f"{server.url}/api/v3",
        auth=github.Auth.Token(TOKEN),
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    with client:
        yield client.get_repo("acme/infra")


def create(repo: Repository, head: str = "change", base: str = "main", **values: object) -> int:
    return repo.create_pull(base=base, head=head, title="Change", body="", **values).number  # type: ignore[arg-type]


def test_a_merge_is_a_merge_commit_on_the_target(repo: Repository, server: LoopbackForge):
    number = create(repo)
    heads = server.project.list_heads()

    commit = server.merge(number)

    pull = repo.get_pull(number)
    assert (pull.state, pull.merged, pull.merge_commit_sha) == ("closed", True, commit)
    assert server.project.git("show", "--no-patch", "--format=%P", "main").split() == [heads["main"], heads["change"]]
    assert "change" in server.project.list_heads()


def test_a_squash_leaves_one_parent(repo: Repository, server: LoopbackForge):
    main = server.project.list_heads()["main"]

    server.merge(create(repo), squash=True)

    assert server.project.git("show", "--no-patch", "--format=%P", "main").split() == [main]


def test_mergeability_is_known_only_at_the_second_look_and_true_to_git(repo: Repository, server: LoopbackForge):
    clash = create(repo, "clash")
    before = [repo.get_pull(clash).mergeable for _ in range(2)]

    server.merge(create(repo))
    repo.get_pull(clash)

    assert before == [None, True]
    assert repo.get_pull(clash).mergeable is False


def test_what_is_merged_by_hand_is_merged_and_what_lost_its_branch_is_closed(repo: Repository, git_dir: Path):
    merged, closed = create(repo), create(repo, "clash")
    git(git_dir, "update-ref", "refs/heads/main", "refs/heads/change")
    git(git_dir, "update-ref", "-d", "refs/heads/clash")

    assert [(repo.get_pull(n).state, repo.get_pull(n).merged) for n in (merged, closed)] == [
        ("closed", True),
        ("closed", False),
    ]


def test_issues_and_pull_requests_share_their_numbers(repo: Repository):
    numbers = [repo.create_issue("One").number, create(repo), repo.create_issue("Two").number]

    assert numbers == [1, 2, 3]
    assert [issue.number for issue in repo.get_issues(state="all") if issue.pull_request is None] == [3, 1]


def test_a_branch_without_its_owner_filters_nothing(repo: Repository):
    create(repo)
    create(repo, "clash")

    assert len(list(repo.get_pulls(head="acme:change"))) == 1
    assert len(list(repo.get_pulls(head="change"))) == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param({}, "A pull request already exists for acme:change.", id="the same again"),
        pytest.param({"base": "clash"}, None, id="the same onto another target"),
        pytest.param({"head": "gone"}, "head", id="no such branch"),
        pytest.param({"base": "gone"}, "base", id="no such target"),
        pytest.param({"head": "level"}, "No commits between main and level", id="no commits"),
    ],
)
def test_what_github_refuses_is_refused(values: dict[str, str], said: str | None, repo: Repository):
    create(repo)

    if said is None:
        assert create(repo, **values) == 2
        return
    with pytest.raises(github.GithubException) as caught:
        create(repo, **values)

    (detail,) = caught.value.data["errors"]
    assert (caught.value.status, detail.get("message") or detail["field"]) == (422, said)


@pytest.mark.parametrize(
    ("change", "is_refused"),
    [
        pytest.param(None, False, id="where it was"),
        pytest.param(b"other", True, id="pushed to meanwhile"),
    ],
)
def test_a_closed_one_is_opened_again_only_while_its_branch_is_where_it_was(
    change: bytes | None, is_refused: bool, repo: Repository, server: LoopbackForge, git_dir: Path
):
    number = create(repo)
    server.close(number)
    if change:
        seed(git_dir, {"app.yaml": change}, branch="change")

    try:
        server.reopen(number)
        was_refused = False
    except RefusalError:
        was_refused = True

    assert was_refused == is_refused


def test_people_without_access_are_dropped_or_refused(repo: Repository):
    pull = repo.get_pull(create(repo))

    pull.add_to_assignees("oscar", "bob")

    assert [user.login for user in pull.assignees] == ["bob"]
    with pytest.raises(github.GithubException, match="Reviews may only be requested from collaborators"):
        pull.create_review_request(reviewers=["oscar"])
    with pytest.raises(github.GithubException, match="Review cannot be requested from pull request author"):
        pull.create_review_request(reviewers=["imagebot"])


def test_a_merge_of_another_head_is_refused(repo: Repository):
    pull = repo.get_pull(create(repo))

    with pytest.raises(github.GithubException) as caught:
        pull.merge(sha="0" * 40)

    assert caught.value.status == 409


def test_pages_are_linked(repo: Repository):
    create(repo)
    create(repo, "clash")
    first = requests.get(
        f"{repo.url}/pulls", params={"per_page": 1}, headers={"Authorization": f"token {TOKEN}"}, timeout=10
    )
    second = requests.get(first.links["next"]["url"], headers={"Authorization": f"token {TOKEN}"}, timeout=10)

    assert [each["number"] for each in (*first.json(), *second.json())] == [2, 1]
    assert "next" not in second.links


def test_a_renamed_project_is_found_at_its_number(server: LoopbackForge):
    url = f"{server.url}/api/v3/repos/acme/old-infra/pulls"
    answer = requests.get(url, headers={"Authorization": f"token {TOKEN}"}, timeout=10, allow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (301, f"{server.url}/api/v3/repositories/7/pulls")


def test_parameters_that_github_ignores_are_noted(repo: Repository, server: LoopbackForge):
    create(repo, maintainer_can_modify=True)

    assert server.faults == ["POST /repos/acme/infra/pulls: unknown parameter maintainer_can_modify"]
