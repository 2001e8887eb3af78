"""Whether a commit is still part of a branch's history, in a mirror that holds only the end of it."""

import pytest

from imagebot.git import BranchMoved, MirrorDamaged, Oid
from tests.git.conftest import Opener
from tests.servers.gitserver import GitServer, find_head, git, list_heads, seed

DEPTH = 10


def _seed_history(upstream, count: int, *, branch: str = "main") -> list[Oid]:
    """Add commits to a branch; return their oids, the newest first."""
    return [Oid(seed(upstream, {"app.yaml": b"%d" % number}, branch=branch)) for number in range(count)][::-1]


def _merge(upstream, branch: str) -> None:
    """Merge a branch into main, without a change to main's files."""
    stdin = f"tree {git(upstream, 'rev-parse', 'main^{tree}').decode().strip()}\n"
    stdin += "".join(f"parent {list_heads(upstream)[name]}\n" for name in ("main", branch))
    stdin += "author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nMerge\n"
    oid = git(upstream, "hash-object", "-w", "-t", "commit", "--stdin", stdin=stdin.encode()).decode().strip()
    git(upstream, "update-ref", "refs/heads/main", oid)


def _count_fetches(server: GitServer, since: int) -> int:
    # A fetch asks for refs once, however many rounds its negotiation takes.
    return sum(request.path.endswith("/info/refs") for request in server.requests[since:])


@pytest.fixture
def opened(open_repo: Opener):
    """Return a function that opens a mirror of the server's acme/infra that holds two commits of main."""

    def opened():
        repo = open_repo()
        return repo, repo.fetch(["main"], depth=2)["main"]

    return opened


@pytest.mark.parametrize(
    ("back", "fetches"),
    [
        pytest.param(0, 0, id="the head itself"),
        pytest.param(1, 0, id="in the mirror"),
        pytest.param(2, 1, id="just beyond the mirror"),
        pytest.param(DEPTH - 1, 1, id="the last within the depth"),
    ],
)
def test_commit_of_the_history_is_found(opened, server, upstream, back, fetches):
    history = _seed_history(upstream, DEPTH + 5)
    repo, head = opened()
    since = len(server.requests)

    assert repo.contains(history[back], branch="main", head=head, depth=DEPTH)
    assert _count_fetches(server, since) == fetches


def test_commit_beyond_the_depth_is_not_found(opened, upstream):
    history = _seed_history(upstream, DEPTH + 5)
    repo, head = opened()

    assert not repo.contains(history[DEPTH], branch="main", head=head, depth=DEPTH)


def test_commit_that_was_rewritten_away_is_not_found(opened, upstream):
    _seed_history(upstream, 3)
    repo, dropped = opened()
    git(upstream, "update-ref", "refs/heads/main", f"{dropped}~2")
    seed(upstream, {"other": b"history"})
    head = repo.fetch(["main"], depth=2)["main"]

    assert not repo.contains(dropped, branch="main", head=head, depth=DEPTH)


def test_commit_that_nobody_has_is_not_found(opened, upstream):
    _seed_history(upstream, 3)
    repo, head = opened()

    assert not repo.contains(Oid(40 * "1"), branch="main", head=head, depth=DEPTH)


def test_oid_of_a_file_is_not_found(opened, upstream):
    repo, head = opened()
    blob = repo.list_files(head)[0].oid

    assert not repo.contains(blob, branch="main", head=head, depth=DEPTH)


def test_commit_of_a_merged_branch_is_found(opened, upstream):
    side = _seed_history(upstream, 3, branch="side")
    _merge(upstream, "side")
    repo, head = opened()

    assert repo.contains(side[2], branch="main", head=head, depth=DEPTH)


def test_many_questions_about_a_short_branch_that_merged_a_long_one_cost_one_fetch(opened, server, upstream):
    _seed_history(upstream, DEPTH + 5, branch="side")
    _merge(upstream, "side")
    repo, head = opened()
    since = len(server.requests)

    answers = [repo.contains(Oid(f"{n:040x}"), branch="main", head=head, depth=DEPTH) for n in range(1, 4)]

    assert answers == 3 * [False]
    assert _count_fetches(server, since) == 1


@pytest.mark.parametrize("count", [1, DEPTH + 5], ids=["more than the whole history", "a part of it"])
def test_many_questions_cost_one_fetch(opened, server, upstream, count):
    _seed_history(upstream, count + 1)
    repo, head = opened()
    since = len(server.requests)

    answers = [repo.contains(Oid(f"{n:040x}"), branch="main", head=head, depth=DEPTH) for n in range(1, 31)]

    assert answers == 30 * [False]
    assert _count_fetches(server, since) == 1


def test_history_that_the_mirror_has_whole_is_not_fetched(opened, server):
    repo, head = opened()
    since = len(server.requests)

    assert not repo.contains(Oid(40 * "1"), branch="main", head=head, depth=DEPTH)
    assert _count_fetches(server, since) == 0


def test_history_that_is_deep_enough_is_not_fetched_the_next_time(opened, server, upstream):
    _seed_history(upstream, DEPTH + 5)
    repo, head = opened()
    repo.contains(Oid(40 * "1"), branch="main", head=head, depth=DEPTH)
    repo.close()
    again, head = opened()
    since = len(server.requests)

    assert not again.contains(Oid(40 * "1"), branch="main", head=head, depth=DEPTH)
    assert _count_fetches(server, since) == 0


def test_new_head_is_deepened_anew(opened, upstream):
    history = _seed_history(upstream, 5)
    repo, head = opened()
    assert repo.contains(history[4], branch="main", head=head, depth=DEPTH)
    seed(upstream, {"app.yaml": b"newer"})

    newer = repo.fetch(["main"], depth=1)["main"]

    assert repo.contains(history[4], branch="main", head=newer, depth=DEPTH)


def test_fetch_of_a_branch_that_was_merged_does_not_cut_the_history_off(opened, upstream):
    history = _seed_history(upstream, 6)
    git(upstream, "update-ref", "refs/heads/imagebot/nginx", history[1])
    repo, head = opened()
    assert repo.contains(history[4], branch="main", head=head, depth=DEPTH)

    # Git marks the end of what it fetches here as the end of all history, main's too.
    repo.fetch(["imagebot/nginx"], depth=1)

    assert repo.contains(history[5], branch="main", head=head, depth=DEPTH)


def test_deepening_leaves_the_branches_as_they_are(opened, upstream, tmp_path):
    history = _seed_history(upstream, 6)
    repo, head = opened()

    repo.contains(history[4], branch="main", head=head, depth=DEPTH)

    refs = git(tmp_path / "mirror", "for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
    assert refs == [f"refs/imagebot/main {head}"]


def test_head_that_vanished_meanwhile(opened, upstream):
    history = _seed_history(upstream, 6)
    repo, head = opened()
    git(upstream, "update-ref", "-d", "refs/heads/main")
    git(upstream, "prune", "--expire=now")
    assert list_heads(upstream) == {}

    with pytest.raises(BranchMoved):
        repo.contains(history[4], branch="main", head=head, depth=DEPTH)


def test_head_that_moved_meanwhile_is_still_asked_about(opened, upstream):
    history = _seed_history(upstream, 6)
    repo, head = opened()
    seed(upstream, {"app.yaml": b"newer"})

    assert repo.contains(history[4], branch="main", head=head, depth=DEPTH)
    assert find_head(upstream, "main") != head


def test_damaged_history_is_no_answer(opened, upstream, tmp_path):
    history = _seed_history(upstream, 6)
    repo, head = opened()
    repo.contains(history[5], branch="main", head=head, depth=DEPTH)
    middle = tmp_path / "mirror/objects" / history[2][:2] / history[2][2:]
    middle.chmod(0o644)
    middle.write_bytes(b"")

    with pytest.raises(MirrorDamaged):
        repo.contains(history[5], branch="main", head=head, depth=DEPTH)
