"""Which URLs are taken for git repos and forges."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.settings.section import Refused
from imagebot.settings.url import find_host, find_repo_path, make_forge_url, make_git_url, simplify_url


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        pytest.param("https://git.example/infra/fleet.git", "git.example", "infra/fleet", id="https"),
        pytest.param("https://git.example:8443/fleet/", "git.example:8443", "fleet", id="a port"),
        pytest.param("http://127.0.0.1:3000/a/b", "127.0.0.1:3000", "a/b", id="http"),
        pytest.param("https://[::1]:3000/a", "[::1]:3000", "a", id="an IPv6 address"),
        pytest.param("ssh://git@git.example:2222/~me/fleet.git", "git.example:2222", "~me/fleet", id="ssh"),
        pytest.param("ssh://git.example/fleet", "git.example", "fleet", id="ssh without a user"),
        pytest.param("git@git.example:infra/fleet.git", "git.example", "infra/fleet", id="as scp has it"),
        pytest.param("git@git.example:/srv/fleet", "git.example", "srv/fleet", id="an absolute path as scp has it"),
        pytest.param("file:///srv/git/fleet.git", None, "srv/git/fleet", id="a path on this machine"),
    ],
)
def test_a_git_url_names_a_host_and_a_path(url, host, path):
    assert make_git_url(url, None) == url
    assert find_host(url) == host
    assert find_repo_path(url) == path


@pytest.mark.parametrize("end", ["", "/", ".git", ".git/"])
def test_how_a_url_ends_makes_no_other_git_repo_of_it(end):
    assert simplify_url(f"https://git.example/fleet{end}") == "https://git.example/fleet"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("infra/fleet", id="a relative path"),
        pytest.param("/srv/git/fleet", id="an absolute path"),
        pytest.param("https://git.example", id="no path"),
        pytest.param("https://git.example/", id="only a slash"),
        pytest.param("https:///fleet", id="no host"),
        pytest.param("https://git.example:port/fleet", id="a port that is no number"),
        pytest.param("https://git.example:99999/fleet", id="a port that is none"),
        pytest.param("https://[::1/fleet", id="an open bracket"),
        pytest.param("https://git.example/fleet?private_token=x", id="a query"),
        pytest.param("https://git.example/fleet#x", id="a fragment"),
        pytest.param("https://git.example/a b", id="a blank"),
        pytest.param("https://git.example/a\nb", id="a line break"),
        pytest.param("HTTPS://git.example/fleet", id="a scheme in capitals"),
        pytest.param("ext::sh -c id", id="a program, as git's ext transport has it"),
        pytest.param("ext::sh", id="a program without a blank"),
        pytest.param("a@ext::sh", id="a program after a user"),
        pytest.param("fd::17", id="an open file, as git's fd transport has it"),
        pytest.param("git://git.example/fleet", id="git's own protocol, which is neither encrypted nor checked"),
        pytest.param("ftp://git.example/fleet", id="ftp"),
        pytest.param("-oProxyCommand=id@h:x", id="an option as user"),
        pytest.param("git@-oProxyCommand=id:x", id="an option as host"),
        pytest.param("git@git.example:-x", id="an option as path"),
        pytest.param("ssh://-oProxyCommand=id/x", id="an option as host of a URL"),
        pytest.param("ssh://-x@git.example/x", id="an option as user of a URL"),
        pytest.param("file://server/srv/fleet", id="a file on another host"),
        pytest.param("file:///", id="the root of this machine"),
        pytest.param("https://git.example/" + "a" * 1000, id="a long text"),
    ],
)
def test_other_texts_are_no_git_urls(text):
    with pytest.raises(Refused):
        make_git_url(text, None)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("https://me:pass@git.example/fleet", id="https"),
        pytest.param("https://:pass@git.example/fleet", id="no user"),
        pytest.param("ssh://git:pass@git.example/fleet", id="ssh"),
        pytest.param("https://pass@git.example/fleet", id="a token as the user"),
    ],
)
def test_a_credential_in_a_url_is_refused_without_showing_it(text):
    with pytest.raises(Refused) as refused:
        make_git_url(text, None)

    assert "pass@" not in f"{refused.value.found} {refused.value.accepted}"
    assert refused.value.found in ("a URL with a password in it", "a URL with a user in it")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("https://gitlab.example", "https://gitlab.example", id="a host"),
        pytest.param("https://example.com:8443/gitlab/", "https://example.com:8443/gitlab", id="a port and a path"),
        pytest.param("http://127.0.0.1:8080", "http://127.0.0.1:8080", id="http"),
    ],
)
def test_a_forge_url_has_no_slash_at_its_end(text, url):
    assert make_forge_url(text, None) == url


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("gitlab.example", id="no scheme"),
        pytest.param("ssh://git@gitlab.example/x", id="ssh"),
        pytest.param("https://me@gitlab.example", id="a user"),
        pytest.param("https://me:pass@gitlab.example", id="a password"),
        pytest.param("https://gitlab.example/?a=b", id="a query"),
        pytest.param("file:///srv", id="a file"),
    ],
)
def test_other_texts_are_no_forge_urls(text):
    with pytest.raises(Refused):
        make_forge_url(text, None)


@given(st.text(st.sampled_from(string.printable + "é@:/[]?#%\\"), max_size=40))
def test_any_text_is_a_git_url_or_refused(text):
    try:
        url = make_git_url(text, None)
    except Refused:
        return

    assert url == text
    assert text.startswith(("https://", "http://", "ssh://", "file:///")) or "@" in text
