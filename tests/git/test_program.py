"""One run of git: which git, in which environment, with which limits; and where secrets are not."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebot.git import GitAccessDenied, GitUnavailable, OutputTooLarge, UnusableGit
from imagebot.git.program import GitProgram, make_environment
from tests.git.conftest import REAL_GIT, TOKEN
from tests.servers.gitserver import create_repo, git, list_heads

AT = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.fixture
def program(tmp_path):
    """Return git with a short patience, and a file in the place of the mirror's lock."""
    with (tmp_path / "lock").open("w") as lock:
        yield GitProgram("https://git.example.org/a", make_environment(tmp_path), 1, lock.fileno())


@pytest.mark.parametrize("printed", ["git version 2.33.9", "git version 1.8.3.1", "git version 0.1", "hello"])
def test_git_that_is_too_old(open_repo, put_git_on_path, printed):
    put_git_on_path(f"echo '{printed}'")

    with pytest.raises(UnusableGit, match=f"this is '{printed}'; imagebot needs git 2.34 or newer on PATH"):
        open_repo()


@pytest.mark.parametrize(
    "printed", ["git version 2.34.0", "git version 2.100.1", "git version 3.0.0", "git version 2.39.5 (Apple Git-154)"]
)
def test_git_that_is_new_enough(program, put_git_on_path, printed, tmp_path):
    put_git_on_path(f"echo '{printed}'")

    GitProgram(program.url, make_environment(tmp_path), 1, program.lock_fd).require_version()


def test_no_git_at_all(open_repo, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnusableGit, match="there is no git program"):
        open_repo()


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        pytest.param(0o644, "Permission denied", id="not executable"),
        pytest.param(0o755, "Exec format error", id="no program"),
    ],
)
def test_git_that_does_not_start(open_repo, tmp_path, monkeypatch, mode, reason):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_bytes(b"\0")
    (tmp_path / "bin" / "git").chmod(mode)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(UnusableGit, match=f"git cannot be started: {reason}; imagebot needs git"):
        open_repo()


def test_nothing_of_the_machine_reaches_git(repo, put_git_on_path, open_repo, tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.gitconfig").write_text(f'[url "file://{tmp_path}/elsewhere/"]\n\tinsteadOf = http://\n')
    foreign = {
        "HOME": str(tmp_path / "home"),
        "GIT_CONFIG_GLOBAL": str(tmp_path / "home/.gitconfig"),
        "GIT_CONFIG_PARAMETERS": "'core.bare'='false'",
        "GIT_OBJECT_DIRECTORY": str(tmp_path),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_WORK_TREE": str(tmp_path),
        "GIT_NAMESPACE": "other",
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_ASKPASS": "/bin/false",
        "GIT_TRACE": "1",
        "GIT_TRACE_CURL": str(tmp_path / "trace"),
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "de_DE.UTF-8",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    put_git_on_path(f'env >"{tmp_path}/$1.env"\nexec {REAL_GIT} "$@"')
    repo.close()

    heads = open_repo().fetch(["main"], depth=1)

    assert set(heads) == {"main"}
    seen = dict(line.split("=", 1) for line in (tmp_path / "fetch.env").read_text().splitlines())
    assert {name for name, value in foreign.items() if seen.get(name) == value} == set()
    assert seen["LC_ALL"] == "C"
    assert not (tmp_path / "trace").exists()


def test_proxies_are_handed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.internal:3128")
    monkeypatch.setenv("NO_PROXY", "git.internal")

    environment = make_environment(tmp_path)

    assert environment["https_proxy"] == "http://proxy.internal:3128"
    assert environment["NO_PROXY"] == "git.internal"


def test_git_that_hangs_is_killed_with_all_it_started(program, put_git_on_path, tmp_path):
    os.mkfifo(tmp_path / "alive")
    # The grandchild ignores what git would die of, and keeps the fifo open for as long as it lives.
    put_git_on_path(f"(trap '' TERM; exec 3>'{tmp_path}/alive'; while :; do sleep 1000; done) &\nwait")
    slow = GitProgram(program.url, make_environment(tmp_path), 1, program.lock_fd)
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)

    with pytest.raises(GitUnavailable, match="git ls-remote took longer than 1 s"):
        slow.run("ls-remote")

    os.set_blocking(alive, True)
    assert os.read(alive, 1) == b""  # the end: nobody holds it any more
    os.close(alive)


def test_git_that_never_stops_printing_is_killed(program, put_git_on_path, tmp_path):
    put_git_on_path("exec cat /dev/zero")
    endless = GitProgram(program.url, make_environment(tmp_path), 60, program.lock_fd)

    with pytest.raises(OutputTooLarge, match="git printed more than 1000000 bytes: the repository is too large"):
        endless.run("ls-tree", limit_bytes=1_000_000)


def test_tree_that_lists_for_ever_is_not_listed(open_repo, tmp_path):
    bare = create_repo(tmp_path / "bomb.git")
    oid = git(bare, "hash-object", "-w", "--stdin", stdin=b"image: nginx:1.2\n").strip()
    kind = b"100644 blob"
    for _ in range(10):  # ten levels of ten: 10,000,000,000 paths of eleven objects
        names = [b"%d%s" % (number, 200 * b"d") for number in range(10)]
        oid = git(bare, "mktree", stdin=b"".join(b"%s %s\t%s\n" % (kind, oid, name) for name in names)).strip()
        kind = b"040000 tree"
    data = b"tree %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nBomb\n" % oid
    commit = git(bare, "hash-object", "-w", "-t", "commit", "--stdin", stdin=data).decode().strip()
    git(bare, "update-ref", "refs/heads/main", commit)
    repo = open_repo(f"file://{bare}", password=None)

    head = repo.fetch(["main"], depth=1)["main"]

    with pytest.raises(OutputTooLarge, match="the repository is too large"):
        repo.list_files(head)


def test_large_input_and_output_pass(program):
    data = os.urandom(5_000_000)

    done = GitProgram(program.url, program.environment, 60, program.lock_fd).run(
        "stripspace", stdin=data.hex().encode()
    )

    assert (done.status, done.stdout.strip()) == (0, data.hex().encode())


def test_git_that_reads_no_input(program):
    done = program.run("version", stdin=1_000_000 * b"x")

    assert done.status == 0


@pytest.fixture
def trace(put_git_on_path, tmp_path):
    """Have every git, and all that they start, write down their arguments; return the folder of what they wrote."""
    folder = tmp_path / "trace"
    folder.mkdir()
    put_git_on_path(f'GIT_TRACE2_EVENT="{folder}" GIT_TRACE2_ENV_VARS=PATH exec {REAL_GIT} "$@"')
    return folder


def _read_all(folder: Path) -> bytes:
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_token_is_in_no_argument_and_no_file(trace, open_repo, upstream, tmp_path):
    repo = open_repo()
    head = repo.fetch(["main"], depth=1)["main"]
    made = repo.commit({"app.yaml": b"new"}, parent=head, message="New", at=AT)

    repo.push("imagebot/nginx", made, expected=None)
    repo.delete_branch("imagebot/nginx", expected=made)

    events = [json.loads(line) for path in trace.iterdir() for line in path.read_text().splitlines()]
    started = {" ".join(event["argv"]) for event in events if event["event"] in ("start", "child_start")}
    assert any("remote-http" in line for line in started)
    everything = _read_all(trace) + _read_all(tmp_path / "mirror")
    for secret in _forms_of(TOKEN):
        assert secret not in everything
    assert list_heads(upstream) == {"main": head}


def _forms_of(token: str) -> list[bytes]:
    return [token.encode(), b"Ym90Omds", b"Authorization"]  # the second begins the base64 of bot:gl...


def test_token_is_in_no_error(open_repo, server):
    server.fault = lambda request: (403, f"no {TOKEN} {request.headers['Authorization']}\n")

    with pytest.raises(GitAccessDenied) as caught:
        open_repo().list_branches()

    assert "no ******** Basic ********" in str(caught.value)
    for secret in (TOKEN, "Ym90Omds"):
        assert secret not in repr(caught.value) + str(vars(caught.value))


def test_token_reaches_no_command_that_stays_here(open_repo, put_git_on_path, tmp_path):
    put_git_on_path(f'env >>"{tmp_path}/$1.env"\nexec {REAL_GIT} "$@"')
    repo = open_repo()

    repo.list_files(repo.fetch(["main"], depth=1)["main"])

    with_token = {path.stem for path in tmp_path.glob("*.env") if "Authorization" in path.read_text()}
    assert with_token == {"ls-remote", "fetch"}
