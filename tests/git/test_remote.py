"""Which URLs git is started with, and what goes with them."""

import re
import shlex
from pathlib import Path

import pytest

from imagebot.git import GitRemote, RefusedUrl
from imagebot.secret import Secret


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        pytest.param("https://git.example.org/acme/infra.git", "https", id="https"),
        pytest.param("https://git.example.org:8443/acme/infra", "https", id="https with a port"),
        pytest.param("https://[::1]:8443/acme/infra.git", "https", id="an IPv6 address"),
        pytest.param("http://git.internal/acme/infra.git", "http", id="http, allowed for the host"),
        pytest.param("http://git.internal:8080/acme/infra.git", "http", id="http, allowed for all ports of the host"),
        pytest.param("http://127.0.0.1:3000/acme/infra.git", "http", id="http, allowed for the port"),
        pytest.param("ssh://git@git.example.org/acme/infra.git", "ssh", id="ssh"),
        pytest.param("ssh://git@git.example.org:2222/acme/infra.git", "ssh", id="ssh with a port"),
        pytest.param("ssh://git.example.org/acme/infra.git", "ssh", id="ssh without a user"),
        pytest.param("git@git.example.org:acme/infra.git", "ssh", id="the form of scp"),
        pytest.param("file:///srv/git/infra with blanks.git", "file", id="a file URL"),
    ],
)
def test_accepted_url(url, scheme):
    remote = GitRemote(url=url, plain_http_hosts=frozenset({"git.internal", "127.0.0.1:3000"}))

    assert remote.scheme == scheme
    assert remote.make_variables()["GIT_ALLOW_PROTOCOL"] == scheme


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="nothing"),
        pytest.param("/srv/git/infra.git", id="a path"),
        pytest.param("../infra.git", id="a relative path"),
        pytest.param("C:infra", id="a drive"),
        pytest.param("git://git.example.org/infra.git", id="git's own protocol"),
        pytest.param("ftp://git.example.org/infra.git", id="ftp"),
        pytest.param("ext::sh -c id", id="a program"),
        pytest.param("fd::7", id="a file descriptor"),
        pytest.param("https::https://git.example.org/a", id="a helper by name"),
        pytest.param("git@host::x", id="a helper in the form of scp"),
        pytest.param("--upload-pack=id", id="an option"),
        pytest.param("-oProxyCommand=id", id="an option of ssh"),
        pytest.param("ssh://-oProxyCommand=id/x", id="an option of ssh as the host"),
        pytest.param("ssh://git@-oProxyCommand=id/x", id="an option of ssh behind a user"),
        pytest.param("git@-oProxyCommand=id:x", id="an option of ssh in the form of scp"),
        pytest.param("git@host:-x", id="an option as the path"),
        pytest.param("https://git.example.org", id="no path"),
        pytest.param("https://git.example.org/a\nb", id="a line break"),
        pytest.param("https://git.example.org/a b", id="a blank"),
        pytest.param("file://host/srv/git", id="a file on another host"),
        pytest.param("file:///srv/\0", id="a NUL"),
        pytest.param("HTTPS://git.example.org/a", id="upper case"),
    ],
)
def test_refused_url(url):
    with pytest.raises(RefusedUrl, match="accepted are https://HOST/PATH, ssh://"):
        GitRemote(url=url)


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param([], id="nothing is allowed"),
        pytest.param(["git.example.org"], id="another host"),
        pytest.param(["git.internal:81"], id="another port"),
        pytest.param(["internal"], id="the end of its name"),
    ],
)
def test_plain_http_is_refused_unless_its_host_is_named(hosts):
    with pytest.raises(RefusedUrl, match=re.escape("do not allow it for git.internal:80")):
        GitRemote(url="http://git.internal:80/acme/infra.git", plain_http_hosts=frozenset(hosts))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://bot:s3cr3t@git.example.org/a", id="https"),
        pytest.param("https://s3cr3t@git.example.org/a", id="a token as the user"),
        pytest.param("https://bot:p@s3cr3t@git.example.org/a", id="two at signs"),
        pytest.param("http://bot:s3cr3t@127.0.0.1/a", id="http"),
        pytest.param("ssh://git:s3cr3t@git.example.org/a", id="ssh"),
        pytest.param("git:s3cr3t@git.example.org:a", id="the form of scp"),
    ],
)
def test_credential_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(RefusedUrl, match="belong into an URL but into the settings") as refused:
        GitRemote(url=url, plain_http_hosts=frozenset({"127.0.0.1"}))

    assert "s3cr3t" not in str(refused.value)


def test_token_in_a_query_is_refused_and_not_repeated():
    with pytest.raises(RefusedUrl) as refused:
        GitRemote(url="https://git.example.org/a?private_token=s3cr3t")

    assert "s3cr3t" not in str(refused.value)


def test_password_is_bound_to_the_url():
    remote = GitRemote(url="https://git.example.org/acme/infra.git", username="bot", password=Secret("pw"))

    assert remote.make_config() == (
        ("http.https://git.example.org/acme/infra.git.extraHeader", "Authorization: Basic Ym90OnB3"),
    )


@pytest.mark.parametrize("url", ["ssh://git@git.example.org/a", "file:///srv/git/a.git"])
def test_password_is_for_http_only(url):
    remote = GitRemote(url=url, username="bot", password=Secret("pw"))

    assert remote.make_config() == ()


@pytest.mark.parametrize(
    ("ca_file", "environment", "used"),
    [
        pytest.param("/own.pem", {"GIT_SSL_CAINFO": "/git.pem"}, "/own.pem", id="the settings come first"),
        pytest.param(None, {"GIT_SSL_CAINFO": "/git.pem", "SSL_CERT_FILE": "/ssl.pem"}, "/git.pem", id="then git's"),
        pytest.param(None, {"SSL_CERT_FILE": "/ssl.pem"}, "/ssl.pem", id="then everyone's"),
        pytest.param(None, {}, None, id="else git knows"),
    ],
)
def test_certificates_that_are_trusted(ca_file, environment, used, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    remote = GitRemote(url="https://git.example.org/a", ca_file=Path(ca_file) if ca_file else None)

    assert remote.make_variables().get("GIT_SSL_CAINFO") == used


def test_own_key_shuts_out_the_agent(monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")

    with_key = GitRemote(url="git@git.example.org:a", ssh_key_file=Path("/key")).make_variables()
    without = GitRemote(url="git@git.example.org:a").make_variables()

    assert "SSH_AUTH_SOCK" not in with_key
    assert "-oIdentitiesOnly=yes" in shlex.split(with_key["GIT_SSH_COMMAND"])
    assert without["SSH_AUTH_SOCK"] == "/agent"
    assert "-oBatchMode=yes" in shlex.split(without["GIT_SSH_COMMAND"])
