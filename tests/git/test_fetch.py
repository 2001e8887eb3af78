"""What is fetched, what it costs, and which branches the mirror knows afterwards."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from imagebot.git import GitAccessDenied, GitRemote, UnknownBranch, UnknownProject, list_branches
from imagebot.secret import Secret
from tests.git.conftest import FILES, TOKEN, fetch_main, read_files
from tests.servers.gitserver import GitServer, git, list_heads, read_branch, seed

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def _list_requests(server: GitServer, since: int) -> list[tuple[str, str]]:
    return [(request.method, request.path.rpartition("/")[2]) for request in server.requests[since:]]


def test_branches_are_listed_with_their_heads(repo, upstream):
    seed(upstream, {"a": b"1"}, branch="imagebot/nginx")
    seed(upstream, {"a": b"1"}, branch="größe")

    assert repo.list_branches() == list_heads(upstream)
    assert set(repo.list_branches()) == {"main", "imagebot/nginx", "größe"}


def test_branches_are_listed_without_a_mirror_as_with_one(repo, server):
    remote = GitRemote(
        url=server.url("acme/infra"),
        username="bot",
        password=Secret(TOKEN),
        plain_http_hosts=frozenset({"127.0.0.1"}),
    )

    assert list_branches(remote, timeout_s=20) == repo.list_branches()
    with pytest.raises(UnknownProject):
        list_branches(replace(remote, url=server.url("acme/other")), timeout_s=20)
    with pytest.raises(GitAccessDenied):
        list_branches(replace(remote, password=Secret("wrong")), timeout_s=20)


def test_fetch_brings_the_head_and_its_files(repo, upstream):
    heads = repo.fetch(["main"], depth=1)

    assert heads == {"main": list_heads(upstream)["main"]}
    assert read_files(repo, heads["main"]) == FILES


@pytest.mark.parametrize("depth", [1, 2])
def test_history_ends_at_the_depth(open_repo, upstream, tmp_path, depth):
    for number in range(5):
        seed(upstream, {"app.yaml": b"%d" % number})

    open_repo().fetch(["main"], depth=depth)

    assert git(tmp_path / "mirror", "rev-list", "--count", "refs/imagebot/main") == b"%d\n" % depth


def test_next_fetch_brings_only_what_is_new(repo, upstream, tmp_path):
    seed(upstream, {f"file{number}": b"%d" % number for number in range(200)})
    fetch_main(repo)
    before = git(tmp_path / "mirror", "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    head = seed(upstream, {"app.yaml": b"image: nginx:1.3\n"})

    assert fetch_main(repo) == head
    after = git(tmp_path / "mirror", "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    assert len(set(after) - set(before)) == 3  # the blob, the tree and the commit


def test_fetch_of_nothing_new_costs_one_listing(repo, server):
    fetch_main(repo)
    since = len(server.requests)

    fetch_main(repo)

    assert _list_requests(server, since) == [("GET", "refs"), ("POST", "git-upload-pack")]


def test_fetch_of_nothing_new_after_a_listing_costs_nothing(repo, server):
    fetch_main(repo)
    heads = repo.list_branches()
    since = len(server.requests)

    repo.fetch(["main"], depth=1, heads=heads)

    assert _list_requests(server, since) == []


def test_fetch_of_two_branches_costs_one_request_pair(repo, server, upstream):
    head = seed(upstream, {"b": b"2"}, branch="imagebot/nginx")
    heads = repo.list_branches()
    since = len(server.requests)

    fetched = repo.fetch(["main", "imagebot/nginx"], depth=1, heads=heads)

    assert fetched["imagebot/nginx"] == head
    assert _list_requests(server, since) == [("GET", "refs"), ("POST", "git-upload-pack")]


def test_forced_and_vanished_branches_are_followed(repo, upstream, tmp_path):
    seed(upstream, {"a": b"1"}, branch="bot")
    repo.fetch(["main", "bot"], depth=1)
    git(upstream, "update-ref", "-d", "refs/heads/bot")
    git(upstream, "update-ref", "-d", "refs/heads/main")
    rewritten = seed(upstream, {"other": b"history"})
    below = seed(upstream, {"a": b"1"}, branch="bot/nginx")

    repo.fetch(["main", "bot/nginx"], depth=1)

    refs = git(tmp_path / "mirror", "for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
    assert refs == [f"refs/imagebot/bot/nginx {below}", f"refs/imagebot/main {rewritten}"]


def test_tags_are_not_fetched(repo, upstream, tmp_path):
    git(upstream, "tag", "v1", "main")

    fetch_main(repo)

    assert git(tmp_path / "mirror", "tag") == b""


def test_unknown_branch_is_named(repo):
    with pytest.raises(UnknownBranch, match="has no branch prod: check the name"):
        repo.fetch(["main", "prod"], depth=1)


def test_empty_repository_is_told_from_a_wrong_name(open_repo, server):
    server.create("acme/empty")

    with pytest.raises(UnknownBranch, match="is empty, push a first commit") as caught:
        open_repo(server.url("acme/empty")).fetch(["main"], depth=1)

    assert caught.value.is_empty


def test_repository_of_a_file_url(open_repo, upstream):
    repo = open_repo(f"file://{upstream}", password=None)

    head = fetch_main(repo)
    made = repo.commit({"app.yaml": b"new"}, parent=head, message="New", at=AT)
    repo.push("imagebot/x", made, expected=None)

    assert read_branch(upstream, "imagebot/x")["app.yaml"] == b"new"


def test_branch_that_is_not_utf8_is_left_out(repo, upstream):
    packed = b"%s refs/heads/caf\xe9\n" % list_heads(upstream)["main"].encode()
    (upstream / "packed-refs").write_bytes(packed)

    assert set(repo.list_branches()) == {"main"}
