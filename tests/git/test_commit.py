"""Commits that are made without a work tree."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from imagebot.git import Change, GitRepo, Oid, Signature
from tests.git.conftest import AUTHOR, fetch_main
from tests.servers.gitserver import create_repo, git, list_heads, seed

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_commit_says_who_when_and_why(repo):
    head = fetch_main(repo)
    text = "nginx 1.3\n\n# not a comment\n\nImagebot: größe\n"

    made = repo.commit({"app.yaml": b"new"}, parent=head, message=text, at=AT)

    commit = repo.describe_commit(made)
    assert commit.parents == (head,)
    assert commit.author == commit.committer == repo.author == AUTHOR
    assert commit.message == text
    assert repo.list_changes(head, made) == (
        Change("app.yaml", _oid_of(repo, head, "app.yaml"), _oid_of(repo, made, "app.yaml")),
    )


def _oid_of(repo: GitRepo, commit: Oid, path: str) -> Oid:
    return next(file.oid for file in repo.list_files(commit) if file.path == path)


def test_author_of_someone_else_is_told(repo):
    commit = repo.describe_commit(fetch_main(repo))

    assert commit.author == commit.committer == Signature("Ann Author", "ann@example.org")
    assert commit.parents == ()


def test_parents_are_told_though_the_mirror_is_too_shallow_to_hold_them(repo, upstream):
    first = list_heads(upstream)["main"]
    seed(upstream, {"app.yaml": b"2"})

    assert repo.describe_commit(fetch_main(repo)).parents == (first,)


def test_same_arguments_make_the_same_commit(open_repo):
    first, second = open_repo(name="first"), open_repo(name="second")
    files = {"app.yaml": b"new", "docs/README": b"too"}

    oids = {
        first.commit(files, parent=fetch_main(first), message="New", at=AT),
        first.commit(dict(reversed(files.items())), parent=fetch_main(first), message="New", at=AT),
        second.commit(files, parent=fetch_main(second), message="New", at=AT.astimezone(timezone(timedelta(hours=5)))),
    }

    assert len(oids) == 1


def test_commit_keeps_modes_and_everything_else(repo, upstream):
    seed(
        upstream,
        {"run.sh": b"old", "link": b"run.sh", "module": 40 * b"a"},
        modes={"run.sh": "100755", "link": "120000", "module": "160000"},
    )
    head = fetch_main(repo)

    made = repo.commit({"run.sh": b"new"}, parent=head, message="New", at=AT)

    assert [(file.path, file.mode) for file in repo.list_files(made)] == [
        (file.path, file.mode) for file in repo.list_files(head)
    ]
    assert [change.path for change in repo.list_changes(head, made)] == ["run.sh"]


@pytest.mark.parametrize("path", ["missing.yaml", "docs", "link", "module", "", "../app.yaml"])
def test_only_files_of_the_parent_are_changed(repo, upstream, path):
    seed(upstream, {"link": b"app.yaml", "module": 40 * b"a"}, modes={"link": "120000", "module": "160000"})
    head = fetch_main(repo)

    with pytest.raises(ValueError, match="is no file in"):
        repo.commit({path: b"new"}, parent=head, message="New", at=AT)


def test_instant_without_a_time_zone_is_a_bug(repo):
    with pytest.raises(ValueError, match="has no time zone"):
        repo.commit({}, parent=Oid(40 * "a"), message="New", at=AT.replace(tzinfo=None))


def test_commit_stands_alone_until_it_is_pushed(repo, tmp_path):
    head = fetch_main(repo)

    repo.commit({"app.yaml": b"new"}, parent=head, message="New", at=AT)

    refs = git(tmp_path / "mirror", "for-each-ref", "--format=%(refname)").split()
    assert refs == [b"refs/imagebot/main"]


def test_changes_show_what_came_went_and_changed(repo, upstream):
    seed(upstream, {"app.yaml": b"2", "docs/README": None, "new": b"3"})
    new = repo.fetch(["main"], depth=2)["main"]
    old = repo.describe_commit(new).parents[0]

    changes = {change.path: (change.old_oid is None, change.new_oid is None) for change in repo.list_changes(old, new)}

    assert changes == {"app.yaml": (False, False), "docs/README": (False, True), "new": (True, False)}


def test_hostile_tree_is_read_like_any_other(open_repo, tmp_path):
    # Names that would be dangerous in a checkout, as only hand-made trees have them.
    bare = create_repo(tmp_path / "hostile.git")
    blob = git(bare, "hash-object", "-w", "--stdin", stdin=b"[core]\n\thooksPath = .\n").strip()
    inner = git(bare, "mktree", stdin=b"100644 blob %s\tconfig\n" % blob).strip()
    folders = [b"040000 tree %s\t%s\n" % (inner, name) for name in (b"..", b".git")]
    files = [b"100644 blob %s\t%s\n" % (blob, name) for name in (b".gitmodules", b"a.yaml")]
    tree = git(bare, "mktree", stdin=b"".join(folders + files)).strip()
    person = b"A <a@example.org> 1 +0000"
    data = b"tree %s\nauthor %s\ncommitter %s\n\nHostile\n" % (tree, person, person)
    commit = git(bare, "hash-object", "-w", "-t", "commit", "--stdin", stdin=data).decode().strip()
    git(bare, "update-ref", "refs/heads/main", commit)
    repo = open_repo(f"file://{bare}", password=None)

    head = fetch_main(repo)
    made = repo.commit({"a.yaml": b"new"}, parent=head, message="New", at=AT)

    assert [file.path for file in repo.list_files(made)] == ["../config", ".git/config", ".gitmodules", "a.yaml"]
    assert [change.path for change in repo.list_changes(head, made)] == ["a.yaml"]
