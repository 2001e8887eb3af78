"""What a push does, and what it means when the server does not take it."""

from datetime import UTC, datetime

import pytest

from imagebot.git import (
    BranchMoved,
    GitAccessDenied,
    GitRepo,
    GitUnavailable,
    InvalidBranchName,
    Oid,
    PushOptionsRefused,
    PushRefused,
)
from tests.git.conftest import TOKEN
from tests.servers.gitserver import git, list_heads, read_branch, seed, set_hook

AT = datetime(2026, 3, 4, tzinfo=UTC)


def _commit(repo: GitRepo, data: bytes = b"image: nginx:1.3\n") -> tuple[Oid, Oid]:
    """Make a commit on main; return its oid and main's."""
    head = repo.fetch(["main"], depth=1)["main"]
    return repo.commit({"app.yaml": data}, parent=head, message="New", at=AT), head


def test_new_branch_is_pushed(repo, upstream):
    made, head = _commit(repo)

    repo.push("imagebot/nginx", made, expected=None)

    assert list_heads(upstream) == {"main": head, "imagebot/nginx": made}
    assert read_branch(upstream, "imagebot/nginx")["app.yaml"] == b"image: nginx:1.3\n"


def test_server_is_told_who_pushed(repo, server):
    pushed = []
    server.pushed = lambda project, user: pushed.append((project, user))
    made, _ = _commit(repo)

    repo.push("imagebot/nginx", made, expected=None)

    assert pushed == [("acme/infra", "bot")]


def test_branch_is_moved_on_and_rewritten(repo, upstream):
    first, _ = _commit(repo)
    second, _ = _commit(repo, b"image: nginx:1.4\n")
    repo.push("imagebot/nginx", first, expected=None)

    repo.push("imagebot/nginx", second, expected=first)

    assert list_heads(upstream)["imagebot/nginx"] == second


def test_push_may_happen_twice(repo, upstream):
    made, _ = _commit(repo)

    repo.push("imagebot/nginx", made, expected=None)
    repo.push("imagebot/nginx", made, expected=None)

    assert list_heads(upstream)["imagebot/nginx"] == made


def test_pushed_commit_is_not_fetched_again(repo, server):
    made, _ = _commit(repo)
    repo.push("imagebot/nginx", made, expected=None)
    heads = repo.list_branches()
    since = len(server.requests)

    assert repo.fetch(["imagebot/nginx"], depth=1, heads=heads) == {"imagebot/nginx": made}
    assert server.requests[since:] == []


def test_moved_branch_is_not_overwritten(repo, upstream):
    first, _ = _commit(repo)
    second, _ = _commit(repo, b"image: nginx:1.4\n")
    repo.push("imagebot/nginx", first, expected=None)
    by_a_person = seed(upstream, {"app.yaml": b"mine\n"}, branch="imagebot/nginx")

    with pytest.raises(BranchMoved) as caught:
        repo.push("imagebot/nginx", second, expected=first)

    assert caught.value.branch == "imagebot/nginx"
    assert list_heads(upstream)["imagebot/nginx"] == by_a_person


def test_branch_that_should_not_exist_is_not_overwritten(repo, upstream):
    made, _ = _commit(repo)
    theirs = seed(upstream, {"app.yaml": b"mine\n"}, branch="imagebot/nginx")

    with pytest.raises(BranchMoved):
        repo.push("imagebot/nginx", made, expected=None)

    assert list_heads(upstream)["imagebot/nginx"] == theirs


def test_branch_that_should_exist_is_not_made(repo, upstream):
    made, head = _commit(repo)

    with pytest.raises(BranchMoved):
        repo.push("imagebot/nginx", made, expected=head)

    assert "imagebot/nginx" not in list_heads(upstream)


def test_branch_that_moves_during_the_push_is_not_overwritten(repo, server, upstream):
    first, _ = _commit(repo)
    second, _ = _commit(repo, b"image: nginx:1.4\n")
    repo.push("imagebot/nginx", first, expected=None)

    def move(request):
        if request.method == "POST" and request.is_push:
            seed(upstream, {"app.yaml": b"mine\n"}, branch="imagebot/nginx")

    server.fault = move

    with pytest.raises(BranchMoved):
        repo.push("imagebot/nginx", second, expected=first)

    assert read_branch(upstream, "imagebot/nginx")["app.yaml"] == b"mine\n"


def test_words_of_a_hook_are_handed_on(repo, upstream):
    set_hook(
        upstream, "pre-receive", "echo 'GitLab: only \033[31mmaintainers\033[0m may' >&2; echo 'push here' >&2; exit 1"
    )
    made, _ = _commit(repo)

    with pytest.raises(PushRefused) as caught:
        repo.push("imagebot/nginx", made, expected=None)

    assert caught.value.branch == "imagebot/nginx"
    assert caught.value.said == (
        "[remote rejected] (pre-receive hook declined): GitLab: only [31mmaintainers [0m may; push here"
    )
    assert str(caught.value).startswith("http://127.0.0.1:")


def test_long_speech_of_a_hook_is_cut(repo, upstream):
    set_hook(upstream, "pre-receive", "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1")
    made, _ = _commit(repo)

    with pytest.raises(PushRefused) as caught:
        repo.push("imagebot/nginx", made, expected=None)

    assert len(str(caught.value)) < 1000


def test_token_in_the_words_of_a_hook_is_masked(repo, upstream):
    set_hook(upstream, "pre-receive", f"echo 'hello {TOKEN}' >&2; exit 1")
    made, _ = _commit(repo)

    with pytest.raises(PushRefused, match=r"hello \*{8}; see its protected branches"):
        repo.push("imagebot/nginx", made, expected=None)


def test_update_hook_refuses_one_branch(repo, upstream):
    set_hook(upstream, "update", "case $1 in refs/heads/main) echo 'main is protected' >&2; exit 1;; esac")
    made, head = _commit(repo)

    repo.push("imagebot/nginx", made, expected=None)
    with pytest.raises(PushRefused, match=r"hook declined.*main is protected"):
        repo.push("main", made, expected=head)


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        pytest.param("imagebot", "imagebot/nginx", id="a branch stands where a folder is needed"),
        pytest.param("imagebot/nginx/x", "imagebot/nginx", id="a folder stands where a branch is needed"),
    ],
)
def test_name_that_cannot_exist_beside_another(repo, upstream, existing, wanted):
    made, _ = _commit(repo)
    seed(upstream, {"a": b"1"}, branch=existing)

    with pytest.raises(PushRefused, match=f"beside the branch {existing}; choose another branch_prefix"):
        repo.push(wanted, made, expected=None)


def test_name_is_free_again_when_the_other_branch_is_gone(repo, upstream):
    made, _ = _commit(repo)
    seed(upstream, {"a": b"1"}, branch="imagebot")
    repo.fetch(["imagebot"], depth=1)
    git(upstream, "update-ref", "-d", "refs/heads/imagebot")

    repo.push("imagebot/nginx", made, expected=None)

    assert list_heads(upstream)["imagebot/nginx"] == made


def test_lock_on_the_server_may_pass(repo, upstream):
    made, _ = _commit(repo)
    (upstream / "refs/heads/imagebot").mkdir()
    (upstream / "refs/heads/imagebot/nginx.lock").touch()

    with pytest.raises(GitUnavailable, match="failed to update ref"):
        repo.push("imagebot/nginx", made, expected=None)


def test_user_who_may_only_read(open_repo):
    repo = open_repo(username="reader")
    made, _ = _commit(repo)

    with pytest.raises(GitAccessDenied, match="You are not allowed to push code to this project"):
        repo.push("imagebot/nginx", made, expected=None)


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a..b", "a:b", "a/", "/a", "a.lock", "a~1", "a^", "@{x", "a\nb", "a\\b", "a*", "a\0b", "a\ud800"],
)
def test_name_that_is_no_branch_name(repo, name):
    made, head = _commit(repo)

    with pytest.raises(InvalidBranchName):
        repo.push(name, made, expected=None)
    with pytest.raises(InvalidBranchName):
        repo.delete_branch(name, expected=head)


def test_branch_is_deleted(repo, upstream):
    made, head = _commit(repo)
    repo.push("imagebot/nginx", made, expected=None)

    repo.delete_branch("imagebot/nginx", expected=made)

    assert list_heads(upstream) == {"main": head}


def test_branch_that_is_gone_already_is_as_good_as_deleted(repo, upstream):
    made, head = _commit(repo)

    repo.delete_branch("imagebot/nginx", expected=made)

    assert list_heads(upstream) == {"main": head}


def test_branch_with_new_commits_is_not_deleted(repo, upstream):
    made, _ = _commit(repo)
    repo.push("imagebot/nginx", made, expected=None)
    theirs = seed(upstream, {"app.yaml": b"mine\n"}, branch="imagebot/nginx")

    with pytest.raises(BranchMoved):
        repo.delete_branch("imagebot/nginx", expected=made)

    assert list_heads(upstream)["imagebot/nginx"] == theirs


def test_deletion_that_the_server_forbids(repo, upstream):
    git(upstream, "config", "receive.denyDeletes", "true")
    made, _ = _commit(repo)
    repo.push("imagebot/nginx", made, expected=None)

    with pytest.raises(PushRefused, match="deletion prohibited"):
        repo.delete_branch("imagebot/nginx", expected=made)


def test_shallow_mirror_can_push(open_repo, upstream):
    for number in range(3):
        seed(upstream, {"app.yaml": b"%d" % number})
    repo = open_repo()
    made, head = _commit(repo)

    repo.push("imagebot/nginx", made, expected=None)

    assert git(upstream, "rev-list", "--count", made) == b"5\n"
    assert git(upstream, "rev-parse", f"{made}^").decode().strip() == head


def test_push_options_are_given_to_the_server(repo, upstream):
    set_hook(upstream, "post-receive", 'printf "%s\\n" "$GIT_PUSH_OPTION_0" "$GIT_PUSH_OPTION_1" > options')
    made, _ = _commit(repo)

    repo.push(
        "imagebot/nginx", made, expected=None, options=["merge_request.create", "merge_request.title=Update -o nginx"]
    )

    assert (upstream / "options").read_text().splitlines() == [
        "merge_request.create",
        "merge_request.title=Update -o nginx",
    ]


def test_server_that_takes_no_push_options_needs_the_operator(repo, upstream):
    git(upstream, "config", "receive.advertisePushOptions", "false")
    made, head = _commit(repo)

    with pytest.raises(PushOptionsRefused, match="takes no push options; take push_options out of the target's forge"):
        repo.push("imagebot/nginx", made, expected=None, options=["merge_request.create"])

    assert list_heads(upstream) == {"main": head}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(
            "GitLab: You are not allowed to push code to protected branches on this project.", id="GitLab's branches"
        ),
        pytest.param("GitLab: Commit message does not follow the pattern 'JIRA-'", id="GitLab's push rules"),
        pytest.param(
            "error: GH006: Protected branch update failed for refs/heads/imagebot/nginx.", id="GitHub's branches"
        ),
        pytest.param(
            "error: GH013: Repository rule violations found for refs/heads/imagebot/nginx.", id="GitHub's rules"
        ),
        pytest.param("Gitea: branch imagebot/nginx is protected from force push", id="Gitea's branches"),
    ],
)
def test_what_a_forge_protects_is_told_in_its_words(repo, upstream, said):
    set_hook(upstream, "pre-receive", f'echo "{said}" >&2; exit 1')
    made, _ = _commit(repo)

    with pytest.raises(PushRefused) as caught:
        repo.push("imagebot/nginx", made, expected=None)

    assert f"(pre-receive hook declined): {said}; see its protected branches, push rules" in str(caught.value)


def test_commit_that_only_the_server_has_is_fetched_and_pushed(open_repo, upstream):
    for number in range(3):
        seed(upstream, {"app.yaml": b"%d" % number})
    repo = open_repo()
    _, head = _commit(repo)
    git(upstream, "update-ref", "refs/heads/hidden", head)
    oid = Oid(seed(upstream, {"app.yaml": b"made by the server"}, branch="hidden"))
    git(upstream, "update-ref", "-d", "refs/heads/hidden")

    repo.fetch_commit(oid)
    repo.push("imagebot/nginx", oid, expected=None)

    assert list_heads(upstream) == {"main": head, "imagebot/nginx": oid}
    assert repo.describe_commit(oid).parents == (head,)
