"""Where reviewers are led: which labels make an address, and which pages of which forge."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot.image.description import Description
from imagebot.image.reference import parse_repository
from imagebot.proposal.links import Links, Told, find_links, parse_source
from tests.proposal.builders import DIGEST_1

_OLD, _NEW = 5 * "3b0c7d21", 5 * "a91f03e7"


def _tell(tag: str | None, **labels: str) -> Told:
    found = {f"org.opencontainers.image.{key}": text for key, text in labels.items()}
    return Told(tag, Description(DIGEST_1, frozenset(), None, None, found))


def _find(source: str, old: Mapping[str, str], new: Mapping[str, str], *, tags: tuple[str, str]) -> Links:
    before, after = (_tell(tag, source=source, **labels) for tag, labels in zip(tags, (old, new), strict=True))
    return find_links(parse_repository("ghcr.io/acme/api"), old=before, new=after)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("https://github.com/acme/api", "https://github.com/acme/api", id="a repository"),
        pytest.param("https://github.com/acme/api.git", "https://github.com/acme/api", id="as git clones it"),
        pytest.param("https://github.com/acme/api/", "https://github.com/acme/api", id="a slash at the end"),
        pytest.param("http://github.com/acme/api", "https://github.com/acme/api", id="without encryption"),
        pytest.param("https://www.github.com/acme/api/issues/1", "https://github.com/acme/api", id="an issue"),
        pytest.param("https://GitHub.com/acme/API", "https://github.com/acme/API", id="a host in upper case"),
        pytest.param("https://github.com/acme/api/tree/main/cmd", "https://github.com/acme/api", id="a folder"),
        pytest.param("https://github.com/acme/api?tab=x#readme", "https://github.com/acme/api", id="a part of a page"),
        pytest.param("git+https://github.com/acme/api.git", "https://github.com/acme/api", id="as npm writes it"),
        pytest.param("git@github.com:acme/api.git", "https://github.com/acme/api", id="as ssh has it"),
        pytest.param("ssh://git@gitlab.com/acme/api.git", "https://gitlab.com/acme/api", id="as a URL of ssh"),
        pytest.param("git://github.com/acme/api.git", "https://github.com/acme/api", id="git's own protocol"),
        pytest.param("https://gitlab.com/a/b/c/d", "https://gitlab.com/a/b/c/d", id="GitLab's groups of groups"),
        pytest.param("https://gitlab.com/a/b/c/-/tree/x", "https://gitlab.com/a/b/c", id="a page of GitLab"),
        pytest.param("https://gitlab.com/a/b/tree/x", "https://gitlab.com/a/b", id="an old page of GitLab"),
        pytest.param("https://git.example.com:8443/a/b", "https://git.example.com:8443/a/b", id="a port"),
        pytest.param("http://git.example.com/a", "http://git.example.com/a", id="a forge of one's own, unencrypted"),
        pytest.param("https://git.example.com/a/b/issues/1", "https://git.example.com/a/b", id="an issue elsewhere"),
    ],
)
def test_a_label_that_leads_to_a_repository_becomes_its_address(text, url):
    source = parse_source(text)

    assert source is not None
    assert source.url == url
    assert source.name == url.partition("://")[2]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("acme/api", id="no URL"),
        pytest.param("javascript:alert(1)//github.com/a/b", id="a script"),
        pytest.param("data:text/html,x", id="data"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("ftp://github.com/a/b", id="another protocol"),
        pytest.param("https://user:pass@github.com/acme/api", id="a login"),
        pytest.param("https://github.com@evil.example/a/b", id="a host that is a user"),
        pytest.param("https://github.com/acme", id="half a repository"),
        pytest.param("https://github.com/acme/api)](x", id="what would end a link"),
        pytest.param("https://github.com/acme/<b>", id="HTML"),
        pytest.param("https://github.com/a b/c", id="a blank"),
        pytest.param("https://github.com/a/b\u202e", id="a mark that reorders"),
        pytest.param("https://github.com/a\n/merge", id="a line break"),
        pytest.param("https://github.com/../a", id="a step out"),
        pytest.param("https://github.com/%2e%2e/a", id="a step out, encoded"),
        pytest.param("https://127.0.0.1/a/b", id="a number for a host"),
        pytest.param("https://[::1]/a/b", id="an IPv6 address"),
        pytest.param("https://localhost/a/b", id="a host of this machine"),
        pytest.param("https://github.com:99999/a/b", id="a port that is none"),
        pytest.param("https://github.\u0441om/a/b", id="a letter that looks like another"),
        pytest.param("https://github.com/" + "a/" * 300, id="a long text"),
        pytest.param("git@evil.example:a/b", id="ssh to a host that is not known"),
    ],
)
def test_a_label_that_does_not_lead_to_a_repository_is_none(text):
    assert parse_source(text) is None


_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?=%")
_PIECES = st.sampled_from(
    ["https://", "http:", "//", "github.com", "gitlab.com", "/", "a", "@", ":", "..", "%2f", "\\", "]", "(", "-"]
)
_TEXTS = st.one_of(st.text(max_size=40), st.lists(_PIECES, max_size=12).map("".join))


@settings(max_examples=60, deadline=None)
@given(source=_TEXTS, version=_TEXTS, revision=_TEXTS)
def test_whatever_labels_hold_addresses_are_plain(source: str, version: str, revision: str):
    labels = {"version": version, "revision": revision}
    texts = ["https://github.com/acme/api", source]

    found = [_find(text, {}, labels, tags=("v1.0.0", "v1.1.0")) for text in texts]

    for links in found:
        home = links.source.url if links.source else None
        for url in filter(None, (home, links.changes, links.commit, links.release)):
            assert set(url) <= _SAFE
            assert urlsplit(url).scheme in ("http", "https")


_GITHUB, _GITLAB = "https://github.com/acme/api", "https://gitlab.example.com/infra/acme/api"
_GITEA, _BITBUCKET = "https://codeberg.org/acme/api", "https://bitbucket.org/acme/api"


@pytest.mark.parametrize(
    ("source", "changes", "commit", "release", "search"),
    [
        pytest.param(
            _GITHUB,
            f"compare/{_OLD}...{_NEW}",
            f"commit/{_NEW}",
            "releases/tag/v1.5.0",
            "releases?q=1.5.0",
            id="GitHub",
        ),
        pytest.param(
            _GITLAB,
            f"-/compare/{_OLD}...{_NEW}",
            f"-/commit/{_NEW}",
            "-/releases/v1.5.0",
            "-/tags?search=1.5.0",
            id="GitLab",
        ),
        pytest.param(
            _GITEA, f"compare/{_OLD}...{_NEW}", f"commit/{_NEW}", "releases/tag/v1.5.0", "releases?q=1.5.0", id="Gitea"
        ),
        pytest.param(
            _BITBUCKET, f"branches/compare/{_NEW}%0D{_OLD}", f"commits/{_NEW}", "src/v1.5.0", None, id="Bitbucket"
        ),
    ],
)
def test_pages_are_found_on_every_forge(source, changes, commit, release, search):
    old, new = {"revision": _OLD}, {"revision": _NEW}

    links = _find(source, old, new, tags=("v1.4.2", "v1.5.0"))
    searched = _find(source, old, new, tags=("1.4.2", "1.5.0")).release

    assert (links.changes, links.commit, links.release) == tuple(
        f"{source}/{page}" for page in (changes, commit, release)
    )
    assert searched == (None if search is None else f"{source}/{search}")


@pytest.mark.parametrize(
    ("old", "new", "tags", "page"),
    [
        pytest.param({}, {}, ("v1.4.2", "v1.5.0"), "compare/v1.4.2...v1.5.0", id="tags in the form of the source"),
        pytest.param({}, {}, ("v1.4.2-alpine", "v1.5.0-alpine"), "compare/v1.4.2...v1.5.0", id="without the variant"),
        pytest.param(
            {"version": "v1.4.2"}, {"version": "v1.5.0"}, ("1.4.2", "1.5.0"), "compare/v1.4.2...v1.5.0", id="by labels"
        ),
        pytest.param({}, {}, ("1.4.2", "1.5.0"), None, id="tags that the source may write otherwise"),
        pytest.param({}, {}, ("v1.4", "v1.5"), None, id="tags that move"),
        pytest.param({"revision": _OLD}, {}, ("1.4.2", "1.5.0"), None, id="one revision alone"),
        pytest.param({"revision": _OLD}, {"revision": _OLD}, ("v1.4.2", "v1.5.0"), None, id="the same revision"),
        pytest.param({"revision": "main"}, {"revision": "../x"}, ("1.4.2", "1.5.0"), None, id="no revisions"),
    ],
)
def test_what_changed_is_compared_by_revisions_or_else_by_tags(old, new, tags, page):
    links = _find(_GITHUB, old, new, tags=tags)

    assert links.changes == (None if page is None else f"{_GITHUB}/{page}")


def test_sources_that_differ_are_not_compared():
    old, new = _tell("v1.0.0", source="https://github.com/a/b"), _tell("v1.1.0", source="https://github.com/c/b")

    assert find_links(parse_repository("ghcr.io/x/y"), old=old, new=new).changes is None


def test_an_image_that_is_gone_is_compared_by_its_tag():
    links = find_links(parse_repository("ghcr.io/x/y"), old=Told("v1.0.0", None), new=_tell("v1.1.0", source=_GITHUB))

    assert links.changes == f"{_GITHUB}/compare/v1.0.0...v1.1.0"


def test_of_a_forge_that_is_not_known_only_the_source_is_shown():
    links = _find("https://git.example.com/a/b", {"revision": _OLD}, {"revision": _NEW}, tags=("v1.0.0", "v1.1.0"))

    assert (links.changes, links.commit, links.release) == (None, None, None)
    assert links.source is not None


@pytest.mark.parametrize(
    ("image", "url"),
    [
        pytest.param("nginx", "https://hub.docker.com/_/nginx/tags?name=1.1.0", id="an official image"),
        pytest.param("grafana/grafana", "https://hub.docker.com/r/grafana/grafana/tags?name=1.1.0", id="another"),
        pytest.param("ghcr.io/acme/api", None, id="of another registry"),
    ],
)
def test_images_of_docker_hub_have_a_page_there(image, url):
    links = find_links(parse_repository(image), old=Told("1.0.0", None), new=Told("1.1.0", None))

    assert links == Links(registry=url)
