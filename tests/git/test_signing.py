"""Commits signed with SSH and GPG, as git itself verifies them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from imagebot.git import GitRemote, GitRepo, KeyKind, Oid, SigningFailed, SigningKey
from imagebot.secret import Secret
from tests.git.conftest import AUTHOR, TOKEN, fetch_main
from tests.git.test_commit import AT

NEEDS_GPG = pytest.mark.skipif(shutil.which("gpg") is None, reason="needs the program gpg")


def _run(*command: str, **environment: str) -> bytes:
    return subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True).stdout


@pytest.fixture
def ssh_key(tmp_path: Path) -> Path:
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key"))
    return tmp_path / "key"


@pytest.fixture
def gpg_home(tmp_path_factory: pytest.TempPathFactory):
    """A keyring of its own, with a key of the author's; its agent ends with it."""
    home = tmp_path_factory.mktemp("g", numbered=True)
    home.chmod(0o700)
    environment = {"GNUPGHOME": str(home)}
    _run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", str(AUTHOR), "ed25519", "sign", **environment)
    yield home
    _run("gpgconf", "--kill", "all", **environment)


@pytest.fixture
def gpg_key(gpg_home: Path, tmp_path: Path) -> Path:
    key = tmp_path / "key.asc"
    key.write_bytes(_run("gpg", "--batch", "--armor", "--export-secret-keys", GNUPGHOME=str(gpg_home)))
    return key


def _open(server, tmp_path: Path, key: SigningKey) -> GitRepo:
    url = server.url("acme/infra")
    remote = GitRemote(url=url, username="bot", password=Secret(TOKEN), plain_http_hosts=frozenset({"127.0.0.1"}))
    return GitRepo(tmp_path / "mirror", remote, author=AUTHOR, timeout_s=20, signing=key)


def _commit(repo: GitRepo) -> Oid:
    return repo.commit({"app.yaml": b"new"}, parent=fetch_main(repo), message="New\n\nImagebot-Plan: x\n", at=AT)


def test_a_commit_signed_with_ssh_is_verified_by_git(server, tmp_path, ssh_key):
    with _open(server, tmp_path, SigningKey(KeyKind.SSH, ssh_key)) as repo:
        made, again = _commit(repo), _commit(repo)
        commit = repo.describe_commit(made)

    signers = tmp_path / "signers"
    signers.write_text(f"{AUTHOR.email} {ssh_key.with_suffix('.pub').read_text()}")
    git = ("git", "--git-dir", str(tmp_path / "mirror"), "-c", f"gpg.ssh.allowedSignersFile={signers}")
    _run(*git, "verify-commit", made)
    assert (commit.author, commit.committer, commit.message) == (AUTHOR, AUTHOR, "New\n\nImagebot-Plan: x\n")
    assert made == again


@NEEDS_GPG
def test_a_commit_signed_with_gpg_is_verified_by_git(server, tmp_path, gpg_home, gpg_key):
    with _open(server, tmp_path, SigningKey(KeyKind.GPG, gpg_key)) as repo:
        made = _commit(repo)
        commit = repo.describe_commit(made)

    _run("git", "--git-dir", str(tmp_path / "mirror"), "verify-commit", made, GNUPGHOME=str(gpg_home))
    assert (commit.author, commit.committer, commit.message) == (AUTHOR, AUTHOR, "New\n\nImagebot-Plan: x\n")


@NEEDS_GPG
def test_nothing_is_left_of_a_key_of_gpg(server, tmp_path, tmp_path_factory, gpg_key, monkeypatch):
    temporary = tmp_path_factory.mktemp("t")  # short, as the agent's socket stands in it
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    with _open(server, tmp_path, SigningKey(KeyKind.GPG, gpg_key)) as repo:
        _commit(repo)
        used = [each.name[:13] for each in temporary.iterdir()]

    assert (used, list(temporary.iterdir())) == (["imagebot-gpg-"], [])
    with _open(server, tmp_path, SigningKey(KeyKind.GPG, gpg_key)) as again:
        assert again.author == AUTHOR


@pytest.mark.parametrize("kind", [KeyKind.SSH, pytest.param(KeyKind.GPG, marks=NEEDS_GPG)])
def test_a_key_that_is_none_is_named(server, tmp_path, kind):
    key = tmp_path / "no-key"
    key.write_text("nothing of the kind\n")
    key.chmod(0o600)

    with _open(server, tmp_path, SigningKey(kind, key)) as repo, pytest.raises(SigningFailed) as raised:
        _commit(repo)

    assert str(raised.value).startswith(f"commits cannot be signed with {key}: ")
    assert str(raised.value).endswith(", without a passphrase")


def test_a_missing_program_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(str(shutil.which("git")))
    (tmp_path / "key").write_text("x")

    with _open(server, tmp_path, SigningKey(KeyKind.GPG, tmp_path / "key")) as repo:
        head = fetch_main(repo)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        with pytest.raises(SigningFailed, match="gpg does not start: No such file"):
            repo.commit({"app.yaml": b"new"}, parent=head, message="New", at=AT)


def test_a_commit_to_which_no_branch_points_is_fetched_by_its_oid(repo, upstream, open_repo):
    other = open_repo(name="other")
    made = other.commit({"app.yaml": b"new"}, parent=fetch_main(other), message="New", at=AT)
    other.push("imagebot/x", made, expected=None)
    other.delete_branch("imagebot/x", expected=made)

    repo.fetch_commit(made)

    assert repo.describe_commit(made).message == "New"
