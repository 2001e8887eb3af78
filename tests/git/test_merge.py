"""What git's three-way merge makes of one file, byte for byte."""

import os

import pytest

BASE = b"".join(b"line %d\n" % number for number in range(9))
EVERY_BYTE = bytes(range(1, 256)).replace(b"\n", b"")


def _swap(data: bytes, line: int, new: bytes) -> bytes:
    return data.replace(b"line %d" % line, new)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        pytest.param(BASE, BASE, BASE, BASE, id="nobody changed it"),
        pytest.param(BASE, _swap(BASE, 1, b"x"), BASE, _swap(BASE, 1, b"x"), id="we changed it"),
        pytest.param(BASE, BASE, _swap(BASE, 7, b"y"), _swap(BASE, 7, b"y"), id="they changed it"),
        pytest.param(
            BASE,
            _swap(BASE, 1, b"x"),
            _swap(BASE, 7, b"y"),
            _swap(_swap(BASE, 1, b"x"), 7, b"y"),
            id="both, in different places",
        ),
        pytest.param(BASE, _swap(BASE, 1, b"x"), _swap(BASE, 1, b"x"), _swap(BASE, 1, b"x"), id="both, the same"),
        pytest.param(BASE, BASE + b"end", BASE[7:], BASE[7:] + b"end", id="no newline at the end"),
        pytest.param(b"", b"", b"", b"", id="empty"),
        pytest.param(BASE, _swap(BASE, 1, EVERY_BYTE), BASE, _swap(BASE, 1, EVERY_BYTE), id="every byte but NUL"),
        pytest.param(
            b"\xef\xbb\xbf" + BASE, b"\xef\xbb\xbf" + BASE, _swap(b"\xef\xbb\xbf" + BASE, 7, b"y"),
            _swap(b"\xef\xbb\xbf" + BASE, 7, b"y"), id="BOM",
        ),
    ],
)  # fmt: skip
def test_merge_without_a_conflict(repo, base, ours, theirs, merged):
    assert repo.merge_blobs(base=base, ours=ours, theirs=theirs) == merged


def test_line_ends_are_kept(repo):
    base = BASE.replace(b"\n", b"\r\n").replace(b"line 4\r\n", b"line 4\n")

    merged = repo.merge_blobs(base=base, ours=_swap(base, 1, b"x"), theirs=_swap(base, 7, b"y"))

    assert merged == _swap(_swap(base, 1, b"x"), 7, b"y")


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        pytest.param(BASE, _swap(BASE, 1, b"x"), _swap(BASE, 1, b"y"), id="the same line"),
        pytest.param(BASE, _swap(BASE, 1, b"x"), _swap(BASE, 2, b"y"), id="lines side by side"),
        pytest.param(BASE, _swap(BASE, 1, b"x"), b"", id="changed and emptied"),
        pytest.param(b"", b"x\n", b"y\n", id="two beginnings"),
        pytest.param(BASE, BASE.replace(b"\n", b"\r\n"), _swap(BASE, 1, b"x"), id="all line ends"),
        pytest.param(b"\0a\n", b"\0a\n", b"\0b\n", id="binary"),
        pytest.param(200 * b"a\n\n\n\n", 200 * b"b\n\n\n\n", 200 * b"c\n\n\n\n", id="two hundred conflicts"),
    ],
)
def test_merge_with_a_conflict(repo, base, ours, theirs):
    assert repo.merge_blobs(base=base, ours=ours, theirs=theirs) is None


def test_merge_leaves_nothing_behind(repo, tmp_path):
    before = sorted((tmp_path / "mirror").rglob("*"))

    repo.merge_blobs(base=BASE, ours=BASE, theirs=_swap(BASE, 1, b"x"))

    assert sorted((tmp_path / "mirror").rglob("*")) == before


def test_merge_asks_no_server(repo, server):
    repo.merge_blobs(base=BASE, ours=BASE, theirs=BASE)

    assert server.requests == []


def test_configuration_of_the_machine_does_not_merge(open_repo, tmp_path, monkeypatch):
    (tmp_path / "gitconfig").write_text("[merge]\n\tconflictStyle = nonsense\n[core]\n\tautocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.fspath(tmp_path / "gitconfig"))

    assert open_repo().merge_blobs(base=BASE, ours=_swap(BASE, 1, b"x"), theirs=_swap(BASE, 1, b"y")) is None
