"""Files and their bytes, exactly as git stores them."""

from datetime import UTC, datetime

import pytest

from imagebot.git import FileMode, Oid, hash_blob
from tests.git.conftest import FILES, fetch_main, read_files
from tests.servers.gitserver import create_repo, git, read_branch, seed

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ODD_PATHS = [
    pytest.param("with blanks/a b.yaml", id="blanks"),
    pytest.param('"quoted".yaml', id="quotes"),
    pytest.param("back\\slash\\n.yaml", id="backslashes"),
    pytest.param("line\nbreak\ttab.yaml", id="a line break"),
    pytest.param("größe/日本.yaml", id="not ASCII"),
    pytest.param("-rf", id="like an option"),
    pytest.param(":(glob)*", id="like a pathspec"),
    pytest.param("HEAD", id="like a ref"),
]


def test_files_are_listed_with_mode_oid_and_size(repo, upstream):
    link = "dir/link"
    seed(
        upstream,
        {"run.sh": b"#!/bin/sh\n", link: b"../app.yaml", "module": 40 * b"a"},
        modes={"run.sh": "100755", link: "120000", "module": "160000"},
    )

    files = repo.list_files(fetch_main(repo))

    assert [(file.path, file.mode, file.size_bytes) for file in files] == [
        ("app.yaml", FileMode.FILE, 17),
        ("dir/link", FileMode.SYMLINK, 11),
        ("docs/README", FileMode.FILE, 6),
        ("module", FileMode.SUBMODULE, None),
        ("run.sh", FileMode.EXECUTABLE, 10),
    ]
    assert files[3].oid == 40 * "a"
    assert [file.path for file in files if file.is_regular] == ["app.yaml", "docs/README", "run.sh"]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_odd_path_is_read_and_written(repo, upstream, path):
    seed(upstream, {path: b"old\r\n"})
    head = fetch_main(repo)

    made = repo.commit({path: b"new\r\n"}, parent=head, message="New", at=AT)

    assert read_files(repo, head) == {**FILES, path: b"old\r\n"}
    assert read_files(repo, made) == {**FILES, path: b"new\r\n"}
    assert [change.path for change in repo.list_changes(head, made)] == [path]


def test_path_that_is_not_utf8_is_listed_but_no_file_to_read(repo, upstream):
    seed(upstream, {"caf\udce9.yaml": b"image: nginx:1.2\n"})
    seed(upstream, {"caf\ufffd.yaml": b"readable"})

    files = repo.list_files(fetch_main(repo))

    assert [(file.path, file.mode, file.has_odd_path) for file in files if file.path not in FILES] == [
        ("caf\ufffd.yaml", FileMode.FILE, True),
        ("caf\ufffd.yaml", FileMode.FILE, False),
    ]
    assert [file.path for file in files if file.is_regular] == ["app.yaml", "caf\ufffd.yaml", "docs/README"]


def test_path_that_is_not_utf8_is_left_alone(repo, upstream):
    odd = "caf\udce9.yaml"
    head = seed(upstream, {odd: b"image: nginx:1.2\n"})
    repo.fetch(["main"], depth=2)
    parent = repo.describe_commit(head).parents[0]

    made = repo.commit({"app.yaml": b"new"}, parent=head, message="New", at=AT)
    repo.push("imagebot/x", made, expected=None)

    assert read_branch(upstream, "imagebot/x") == {**FILES, "app.yaml": b"new", odd: b"image: nginx:1.2\n"}
    assert [change.path for change in repo.list_changes(parent, made)] == ["app.yaml", "caf\ufffd.yaml"]
    with pytest.raises(ValueError, match="is no file in"):
        repo.commit({"caf\ufffd.yaml": b"new"}, parent=head, message="New", at=AT)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a: 1\r\nb: 2\r\n", id="CRLF"),
        pytest.param(b"\xef\xbb\xbfa: 1", id="BOM, no newline at the end"),
        pytest.param(bytes(range(256)) * 3, id="every byte"),
        pytest.param(b"$Id$ ${TAG}\n", id="a keyword"),
    ],
)
def test_attributes_change_no_byte(repo, upstream, data):
    seed(upstream, {".gitattributes": b"* text eol=crlf ident filter=x working-tree-encoding=UTF-16\n", "f": data})
    head = fetch_main(repo)

    made = repo.commit({"f": data + b"\n", "app.yaml": data}, parent=head, message="New", at=AT)
    repo.push("imagebot/x", made, expected=None)

    assert read_files(repo, head)["f"] == data
    pushed = read_branch(upstream, "imagebot/x")
    assert (pushed["f"], pushed["app.yaml"]) == (data + b"\n", data)


def test_blob_over_the_limit_is_left_out(repo, upstream):
    seed(upstream, {"big": 101 * b"x", "fits": 100 * b"y"})
    oids = {file.path: file.oid for file in repo.list_files(fetch_main(repo))}

    blobs = repo.read_blobs([oids["big"], oids["fits"], oids["fits"]], limit_bytes=100)

    assert blobs == {oids["fits"]: 100 * b"y"}


@pytest.mark.parametrize("function", ["sha1", "sha256"])
def test_oid_of_bytes_is_the_one_git_gives_them(tmp_path, function):
    bare = tmp_path / "bare.git"
    git(bare, "init", "--quiet", "--bare", f"--object-format={function}")

    for data in (b"", b"image: nginx:1.2\r\n"):
        oid = git(bare, "hash-object", "--stdin", stdin=data).decode().strip()
        assert hash_blob(data, like=Oid(oid)) == oid


@pytest.mark.slow
def test_blobs_that_would_pass_the_limit_of_all_are_left_out(open_repo, tmp_path):
    size_bytes = 4 * 2**20
    upstream = create_repo(tmp_path / "large.git")
    seed(upstream, {f"{number:02}": b"%0*d" % (size_bytes, number) for number in range(33)})
    repo = open_repo(f"file://{upstream}", password=None)
    oids = [file.oid for file in repo.list_files(fetch_main(repo))]

    blobs = repo.read_blobs(oids)

    assert list(blobs) == oids[:32]
    assert {len(data) for data in blobs.values()} == {size_bytes}


def test_no_blobs_are_read_for_no_oids(repo):
    assert repo.read_blobs([]) == {}
