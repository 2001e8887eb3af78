"""The folder of a mirror: whose it is, how it is mended, and that nobody shares it."""

import fcntl
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from imagebot.git import ForeignFolder, GitRepo, GitUnavailable, MirrorDamaged, MirrorInUse, MirrorUnavailable, Oid
from imagebot.git.mirror import lock_mirror
from tests.git.conftest import FILES, REAL_GIT, fetch_main, read_files
from tests.servers.gitserver import create_repo, git, list_heads, seed

AT = datetime(2026, 3, 4, tzinfo=UTC)


def _read(repo: GitRepo) -> dict[str, bytes]:
    return read_files(repo, fetch_main(repo))


def test_mirror_is_kept_from_one_time_to_the_next(open_repo, server, upstream):
    with open_repo() as repo:
        _read(repo)
    since = len(server.requests)

    with open_repo() as repo:
        repo.fetch(["main"], depth=1, heads=list_heads(upstream))

    assert server.requests[since:] == []


def test_mirror_may_be_deleted_at_any_time(open_repo, tmp_path):
    open_repo().close()
    for path in sorted((tmp_path / "mirror").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert _read(open_repo()) == FILES


def test_mirror_holds_no_hooks_and_no_configuration_of_ours(repo, tmp_path):
    config = git(tmp_path / "mirror", "config", "--local", "--list").decode().split()

    assert not (tmp_path / "mirror" / "hooks").exists()
    assert config == ["core.repositoryformatversion=0", "core.filemode=true", "core.bare=true"]


@pytest.mark.parametrize("name", ["notes.txt", "description", "HEAD"])
def test_folder_of_someone_else_is_left_alone(open_repo, tmp_path, name):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / name).write_text("precious")

    with pytest.raises(ForeignFolder, match="is left alone; move it away"):
        open_repo()

    assert (tmp_path / "mirror" / name).read_text() == "precious"


def test_repository_of_someone_else_is_left_alone(open_repo, tmp_path):
    head = seed(create_repo(tmp_path / "mirror"), {"a": b"1"})

    with pytest.raises(ForeignFolder):
        open_repo()

    assert list_heads(tmp_path / "mirror") == {"main": head}


def test_file_in_the_place_of_the_mirror_is_left_alone(open_repo, tmp_path):
    (tmp_path / "mirror").write_text("precious")

    with pytest.raises(ForeignFolder):
        open_repo()

    assert (tmp_path / "mirror").read_text() == "precious"


@pytest.mark.parametrize("left", ["HEAD", "objects", "refs"])
def test_broken_mirror_is_made_anew(open_repo, tmp_path, left):
    open_repo().close()
    (tmp_path / "mirror" / left).rename(tmp_path / "taken away")

    with capture_logs() as lines:
        assert _read(open_repo()) == FILES

    assert lines == [{"event": "mirror_rebuilt", "log_level": "warning", "path": str(tmp_path / "mirror")}]


def test_mirror_is_tidied_when_many_fetches_have_left_their_packs(open_repo, tmp_path):
    with open_repo() as repo:
        files = _read(repo)
    for number in range(51):
        blob = b"blob\ndata 3\n%03d\n" % number
        git(tmp_path / "mirror", "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", stdin=blob)
    packs = tmp_path / "mirror" / "objects" / "pack"
    assert len(list(packs.glob("*.pack"))) == 51

    repo = open_repo()

    assert len(list(packs.glob("*.pack"))) == 1
    assert _read(repo) == files


def test_making_that_was_cut_short_is_taken_up_again(open_repo, tmp_path):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "description").touch()

    assert _read(open_repo()) == FILES


def _empty_objects(mirror: Path) -> None:
    for path in (mirror / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"")


def _remove_objects(mirror: Path) -> None:
    for path in (mirror / "objects").rglob("*"):
        if path.is_file():
            path.unlink()


@pytest.mark.parametrize("damage", [_empty_objects, _remove_objects])
def test_lost_objects_are_noticed_and_fetched_anew(open_repo, upstream, tmp_path, damage):
    seed(upstream, {f"file{number}": b"%d" % number for number in range(200)})
    with open_repo() as repo:
        whole = _read(repo)
        damage(tmp_path / "mirror")

        with pytest.raises(MirrorDamaged, match="will be fetched anew"):
            _read(repo)

    assert _read(open_repo()) == whole


def test_lost_blob_is_noticed_and_fetched_anew(open_repo, tmp_path):
    with open_repo() as repo:
        files = repo.list_files(repo.fetch(["main"], depth=1)["main"])
        oid = files[0].oid
        (tmp_path / "mirror" / "objects" / oid[:2] / oid[2:]).unlink()

        with pytest.raises(MirrorDamaged, match=f"lacks the object {oid}"):
            repo.read_blobs([file.oid for file in files])

    assert _read(open_repo()) == FILES


def test_damage_in_the_way_of_a_fetch_is_noticed(open_repo, upstream, tmp_path):
    with open_repo() as repo:
        _read(repo)
        _empty_objects(tmp_path / "mirror")
        seed(upstream, {"app.yaml": b"image: nginx:1.3\n"})

        with pytest.raises(MirrorDamaged):
            _read(repo)

    assert _read(open_repo()) == FILES | {"app.yaml": b"image: nginx:1.3\n"}


def test_commit_that_the_mirror_lacks(repo):
    with pytest.raises(MirrorDamaged, match="not a tree object"):
        repo.list_files(Oid(40 * "1"))


def test_leftovers_of_a_killed_git_stop_nobody(open_repo, upstream, tmp_path):
    mirror = tmp_path / "mirror"
    with open_repo() as repo:
        _read(repo)
    (mirror / "imagebot-merge-x").mkdir()
    leftovers = [
        mirror / "shallow.lock",
        mirror / "packed-refs.lock",
        mirror / "config.lock",
        mirror / "refs/imagebot/main.lock",
        mirror / "objects/pack/tmp_pack_abc",
        mirror / "fast_import_crash_1",
        mirror / "imagebot-merge-x/ours",
    ]
    for path in leftovers:
        path.touch()
    head = seed(upstream, {"app.yaml": b"image: nginx:1.3\n"})

    repo = open_repo()

    assert repo.fetch(["main"], depth=1) == {"main": head}
    assert [path.name for path in leftovers if path.exists()] == []


def test_second_one_is_turned_away_until_the_first_is_done(open_repo, tmp_path):
    first = open_repo()

    with pytest.raises(MirrorInUse, match="another process works on the mirror"):
        lock_mirror(tmp_path / "mirror", wait_s=0)
    first.close()

    lock_mirror(tmp_path / "mirror", wait_s=0).close()


def test_second_one_waits_for_a_first_that_is_nearly_done(open_repo):
    first = open_repo()
    ending = threading.Timer(0.2, first.close)
    ending.start()

    assert _read(open_repo()) == FILES
    ending.join()


def test_two_mirrors_side_by_side(open_repo):
    first, second = open_repo(name="first"), open_repo(name="second")

    assert _read(first) == _read(second) == FILES


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("a file/mirror", "File exists: '{folder}/a file'", id="the data folder is a file"),
        pytest.param("a file/below/mirror", "Not a directory: '{folder}/a file/below'", id="a folder above is a file"),
        pytest.param(300 * "n", "File name too long", id="a name that is too long"),
        pytest.param("loop/mirror", "File exists: '{folder}/loop'", id="a symlink to itself"),
        pytest.param("locked", "Is a directory: '{folder}/locked.lock'", id="a folder in the place of the lock"),
        pytest.param("absent", "File exists: '{folder}/absent'", id="a symlink to nowhere"),
    ],
)
def test_folder_that_cannot_be_used(open_repo, tmp_path, name, reason):
    (tmp_path / "a file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "locked.lock").mkdir()
    (tmp_path / "absent").symlink_to("nowhere")

    with pytest.raises(MirrorUnavailable) as caught:
        open_repo(name=name)

    assert caught.value.path == tmp_path / name
    assert str(caught.value).startswith(f"the mirror at {tmp_path / name} cannot be used: ")
    assert reason.format(folder=tmp_path) in str(caught.value)


def test_broken_mirror_that_cannot_be_removed(open_repo, tmp_path):
    open_repo().close()
    (tmp_path / "mirror").rename(tmp_path / "elsewhere")
    (tmp_path / "mirror").symlink_to("elsewhere")
    (tmp_path / "elsewhere" / "HEAD").unlink()

    with pytest.raises(MirrorUnavailable, match="as a symbolic link it is not removed"):
        open_repo()


def test_leftover_that_cannot_be_removed(open_repo, tmp_path):
    open_repo().close()
    (tmp_path / "mirror" / "config.lock").mkdir()

    with pytest.raises(MirrorUnavailable, match=r"mirror/config\.lock"):
        open_repo()


def test_leftover_that_cannot_be_removed_does_not_hide_what_went_wrong(open_repo, server, tmp_path):
    repo = open_repo(timeout_s=1)
    (tmp_path / "mirror" / "config.lock").mkdir()
    server.fault = server.hang

    with pytest.raises(GitUnavailable, match="git ls-remote took longer than 1 s"):
        repo.list_branches()


def test_damage_that_cannot_be_marked(open_repo, tmp_path):
    repo = open_repo()
    (tmp_path / "mirror" / "HEAD").unlink()
    (tmp_path / "mirror" / "HEAD").mkdir()

    with pytest.raises(MirrorUnavailable, match="mirror/HEAD"):
        repo.list_files(Oid(40 * "1"))


def test_mirror_that_git_cannot_make(open_repo, put_git_on_path):
    refusal = "echo 'fatal: No space left on device' >&2; exit 128"
    put_git_on_path(f'[ "$1" = init ] && {{ {refusal}; }}\nexec {REAL_GIT} "$@"')

    with pytest.raises(MirrorUnavailable, match="cannot be used: fatal: No space left on device"):
        open_repo()


def test_mirror_that_vanished_is_no_place_for_a_merge(open_repo, tmp_path):
    repo = open_repo()
    (tmp_path / "mirror").rename(tmp_path / "taken away")

    with pytest.raises(MirrorUnavailable, match="No such file or directory"):
        repo.merge_blobs(base=b"", ours=b"", theirs=b"")


def test_failed_opening_lets_go_of_the_mirror(open_repo, tmp_path):
    (tmp_path / "mirror").write_text("in the way")
    with pytest.raises(ForeignFolder):
        open_repo()
    (tmp_path / "mirror").unlink()

    assert _read(open_repo()) == FILES


_FETCH_FOREVER = """
import sys
from pathlib import Path
from imagebot.git import GitRemote, GitRepo, Signature
remote = GitRemote(url=sys.argv[2], plain_http_hosts=frozenset({"127.0.0.1"}))
GitRepo(Path(sys.argv[1]), remote, author=Signature("a", "b"), timeout_s=1).list_branches()
"""


def test_git_that_outlives_a_killed_imagebot_still_holds_the_mirror(open_repo, server, tmp_path):
    asked = threading.Event()

    def hang(request):
        asked.set()
        return server.hang(request)

    server.fault = hang
    arguments = [sys.executable, "-c", _FETCH_FOREVER, tmp_path / "mirror", server.url("acme/infra")]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as imagebot:
        assert asked.wait(30)
        imagebot.kill()

    with pytest.raises(MirrorInUse):
        lock_mirror(tmp_path / "mirror", wait_s=0)
    with (tmp_path / "mirror.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits for the end of that git: it gives up by itself

    server.fault = lambda _: None
    assert _read(open_repo()) == FILES
