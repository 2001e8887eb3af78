"""HTTPS with certificates, SSH with keys and host keys, and files: what lets us in, and what keeps us out."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.git import (
    GitAccessDenied,
    GitUnavailable,
    RefusedUrl,
    UnknownProject,
    UntrustedServer,
)
from tests.git.conftest import TOKEN
from tests.servers.certificates import Authority
from tests.servers.gitserver import GitServer, list_heads, seed
from tests.servers.sshd import SshServer, make_key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def secure_server(authority: Authority, tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path / "secure", users={"bot": TOKEN}, tls=authority.make_server_context()) as server:
        seed(server.create("acme/infra"), {"app.yaml": b"image: nginx:1.2\n"})
        yield server


def test_server_with_a_certificate_of_an_own_authority(open_repo, secure_server, authority):
    repo = open_repo(secure_server.url("acme/infra"), ca_file=authority.ca_file)

    assert repo.fetch(["main"], depth=1) == list_heads(secure_server.path("acme/infra"))


def test_own_authority_named_by_the_environment(open_repo, secure_server, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))

    assert "main" in open_repo(secure_server.url("acme/infra")).list_branches()


def test_certificate_that_nobody_vouches_for(open_repo, secure_server, tmp_path):
    other = Authority(tmp_path / "other")

    for settings in ({}, {"ca_file": other.ca_file}):
        with pytest.raises(UntrustedServer, match="unknown certificate; name its CA in ca_file"):
            open_repo(secure_server.url("acme/infra"), name=str(len(settings)), **settings).list_branches()
    assert secure_server.requests == []


def test_ca_file_that_is_not_there(open_repo, secure_server, tmp_path):
    repo = open_repo(secure_server.url("acme/infra"), ca_file=tmp_path / "missing.pem")

    with pytest.raises(UntrustedServer, match="ca_file"):
        repo.list_branches()


def test_plain_http_on_the_port_of_https(open_repo, server):
    with pytest.raises(GitUnavailable):
        open_repo(f"https://{server.address}/acme/infra.git").list_branches()


def test_plain_http_that_is_not_allowed(open_repo, server):
    with pytest.raises(RefusedUrl):
        open_repo(plain_http_hosts=frozenset())

    assert server.requests == []


@pytest.fixture
def ssh_server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "sshd") as server:
        yield server


@pytest.fixture
def trust(ssh_server: SshServer) -> dict[str, object]:
    """Return the settings that let us in."""
    return {"ssh_key_file": ssh_server.key_file, "ssh_known_hosts_file": ssh_server.known_hosts_file}


def test_fetch_and_push_over_ssh(open_repo, ssh_server, trust, upstream):
    repo = open_repo(ssh_server.url(upstream), **trust)

    head = repo.fetch(["main"], depth=1)["main"]
    repo.push("imagebot/nginx", head, expected=None)

    assert list_heads(upstream)["imagebot/nginx"] == head


def test_paths_that_mean_something_to_ssh_or_the_shell(open_repo, ssh_server, upstream, tmp_path):
    folder = tmp_path / "my \"ssh\" 100%h $(id) 'x'\\"
    folder.mkdir()
    key_file = shutil.copy(ssh_server.key_file, folder / "key")
    known_hosts_file = shutil.copy(ssh_server.known_hosts_file, folder / "known_hosts")

    repo = open_repo(ssh_server.url(upstream), ssh_key_file=key_file, ssh_known_hosts_file=known_hosts_file)

    assert repo.list_branches() == list_heads(upstream)


def test_form_of_scp(open_repo, ssh_server, trust, upstream, tmp_path, monkeypatch):
    # This form has no port: an ssh on PATH adds it.
    wrapper = tmp_path / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -p {ssh_server.port} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")

    repo = open_repo(f"{ssh_server.user}@127.0.0.1:{upstream}", **trust)

    assert repo.list_branches() == list_heads(upstream)


def test_unknown_host_key(open_repo, ssh_server, trust, upstream, tmp_path):
    empty = tmp_path / "known_hosts"
    empty.touch()
    repo = open_repo(ssh_server.url(upstream), **{**trust, "ssh_known_hosts_file": empty})

    with pytest.raises(UntrustedServer, match="unknown host key; add it to ssh_known_hosts_file"):
        repo.list_branches()


def test_changed_host_key(open_repo, ssh_server, trust, upstream, tmp_path):
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    changed = tmp_path / "known_hosts"
    changed.write_text(f"[127.0.0.1]:{ssh_server.port} {other}")
    repo = open_repo(ssh_server.url(upstream), **{**trust, "ssh_known_hosts_file": changed})

    with pytest.raises(UntrustedServer):
        repo.list_branches()


def test_wrong_key(open_repo, ssh_server, trust, upstream, tmp_path):
    repo = open_repo(ssh_server.url(upstream), **{**trust, "ssh_key_file": make_key(tmp_path / "other")})

    with pytest.raises(GitAccessDenied, match="Permission denied"):
        repo.list_branches()


def test_unknown_project_over_ssh(open_repo, ssh_server, trust, tmp_path):
    with pytest.raises(UnknownProject):
        open_repo(ssh_server.url(tmp_path / "nope.git"), **trust).list_branches()


def test_nobody_listens_for_ssh(open_repo):
    with pytest.raises(GitUnavailable):
        open_repo("ssh://git@127.0.0.1:1/acme/infra.git").list_branches()


def test_unknown_project_in_a_folder(open_repo, tmp_path):
    with pytest.raises(UnknownProject):
        open_repo(f"file://{tmp_path}/nope.git").list_branches()
