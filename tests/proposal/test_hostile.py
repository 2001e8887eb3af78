"""Whatever comes from outside is text in a merge request, in its title and in its commit, and nothing else.

A hostile value stands in every place where one can come from, all at once. What is rendered is held against what a tame
value makes of the same merge request: it differs in the contents of code spans and nowhere else.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from imagebot.image.description import Description
from imagebot.image.reference import parse_repository
from imagebot.policy.gates import Waiting
from imagebot.policy.policies import Follow
from imagebot.proposal.block import compose_body, find_block, make_block
from imagebot.proposal.cautions import Left
from imagebot.proposal.commit import Trailers, find_trailers, make_commit_message, make_commit_text
from imagebot.proposal.group import GroupKey, GroupKind
from imagebot.proposal.plan import Change, Group, make_changes
from imagebot.proposal.text import Backdrop, make_text, make_title
from tests.proposal.builders import DIGEST_1, NOW, make_choices, make_entry

_RENDERER = MarkdownIt("gfm-like", {"linkify": False, "html": True})
_IMAGE = parse_repository("ghcr.io/acme/api")
_SUMMARY = "<details>\n<summary>Why these tags, and what their images are</summary>"
_FEW = settings(max_examples=60, deadline=None)
_OUR_HTML = {"<br>", _SUMMARY, "</details>"}

HOSTILE = [
    pytest.param("`", id="a backquote"),
    pytest.param("a``b`", id="several backquotes"),
    pytest.param("</code></td></table><script>alert(1)</script>", id="HTML"),
    pytest.param("</details><details>", id="HTML that we use ourselves"),
    pytest.param("**bold** _it_ ~~gone~~ [link](javascript:x) ![](http://x)", id="Markdown"),
    pytest.param("# heading\n\n- list\n> quote\n```\nfence", id="blocks of Markdown"),
    pytest.param("@all @acme/platform", id="mentions"),
    pytest.param("#1 !2 $3 %4 &5 ~6 GH-7 gl-8 acme/api#9", id="references"),
    pytest.param("Fixes #1, closes GH-2 and resolves acme/api#3", id="what closes issues"),
    pytest.param("x\n/merge\n/approve", id="quick actions on lines of their own"),
    pytest.param("/merge", id="a quick action"),
    pytest.param("a|b|c", id="bars, which end cells"),
    pytest.param("a\\|b\\", id="a bar behind a backslash"),
    pytest.param(":bug: :+1:", id="pictures"),
    pytest.param("https://evil.example www.evil.example me@evil.example", id="what becomes a link"),
    pytest.param("5badb8cf1d9be1b0a6c4d7b0a3f7c7e9d2a1b0c3", id="the id of a commit"),
    pytest.param("<!-- imagebot {} -->", id="a comment like the block"),
    pytest.param("--><!--", id="the end of a comment"),
    pytest.param("imagebot's text begins: what stands from here", id="the mark of our part"),
    pytest.param("safe\u202egpj.exe", id="right to left"),
    pytest.param("zero\u200bwidth\u2060\ufeff", id="zero width"),
    pytest.param("fill\u3164er\u115f\u034f", id="letters that show nothing"),
    pytest.param("\x1b[31mred\x07", id="an escape sequence"),
    pytest.param("a\r\nb\u2028c\x85d", id="every kind of line break"),
    pytest.param("  padded  ", id="blanks at the ends"),
    pytest.param("&lt;b&gt; &copy;", id="entities"),
    pytest.param("$`a^2`$ $$x$$", id="formulas"),
    pytest.param("[skip ci] [ci skip]", id="what stops CI"),
    pytest.param("x\n\nImagebot-Update: evil=1\nImagebot-Target: prod", id="trailers"),
    pytest.param("\U0001f600", id="emoji"),
    pytest.param("\udcff", id="a byte that is no UTF-8"),
    pytest.param("{{ title }} {% raw %}", id="a template"),
]


@cache
def _make_changes() -> tuple[Change, ...]:
    files = {"a.yaml": b"image: ghcr.io/acme/api:1.4.1\n---\nimage: ghcr.io/acme/web:1.0.0\n"}
    tags = {"ghcr.io/acme/api": ["1.4.1", "1.4.2"], "ghcr.io/acme/web": ["1.0.0", "2.0.0"]}
    return make_changes(make_choices(files, tags, [make_entry("*", ">=0")]))


def _make_group(value: str, *, tag: str = "t1") -> Group:
    """Make a group in which the value is a file name, an entry's name and rules, and what is told of other tags."""
    path = f"apps/{value}.yaml"
    changes = []
    for change in _make_changes():
        entry = change.governed.entry
        named = replace(entry, name=f"n{value}", rules=replace(entry.rules, policy=Follow(f"p{value}")))
        governed = replace(change.governed, path=path, entry=named)
        waiting = (Waiting(f"w{value}", None, None), Waiting(f"v{value}", change.selection.since, NOW))
        changes.append(
            replace(change, governed=governed, selection=replace(change.selection, tag=tag, waiting=waiting))
        )
    return Group(GroupKey(GroupKind.FILE, path), "imagebot/file-x", tuple(changes))


def _write(value: str) -> str:
    """Write the text; no such tag could be written to a file, but it may be told. `@` begins a digest."""
    tag = f"t{value}".replace("@", "a")
    left = (Left(_IMAGE, "1.4.1", f"left/{value}", 3),)
    backdrop = Backdrop(f".{value}.yaml", lambda path, line: f"https://forge.example/{path}#L{line}", left=left)
    return make_text(_make_group(value, tag=tag), backdrop).body


def _write_labels(source: str, version: str) -> str:
    labels = {"source": source, "revision": version, "version": version}
    labels = {f"org.opencontainers.image.{key}": text for key, text in labels.items()}
    described = {_IMAGE: {"t1": Description(DIGEST_1, frozenset(), 1_000_000, None, labels)}}
    return make_text(_make_group("x"), Backdrop("p", descriptions=described)).body


def _list_tokens(markdown: str) -> Iterator[Token]:
    for token in _RENDERER.parse(markdown):
        yield from token.children or [token]


def _outline(markdown: str) -> list[tuple[str, str]]:
    """List all that is rendered but the contents of code spans and the addresses of links."""
    return [(each.type, "" if each.type == "code_inline" else each.content) for each in _list_tokens(markdown)]


@cache
def _find_tame(characters: int) -> list[tuple[str, str]]:
    """Outline the text of a tame value: of the same length, as the layout of a cell depends on that."""
    return _outline(_write("x" * characters))


def _assert_is_plain(body: str) -> None:
    """See that nothing is hidden, that addresses are encoded, and that HTML is our own."""
    tokens = list(_list_tokens(body))
    html = {each.content.strip() for each in tokens if each.type.startswith("html")}

    assert html <= _OUR_HTML
    assert all(re.fullmatch(r"[!-~]*", str(each.attrs.get("href", ""))) for each in tokens)
    assert all(c.isprintable() or c in "\n\u00a0" for c in body)
    assert not any(line.lstrip().startswith("/") for line in body.splitlines())


def _assert_is_text(value: str) -> None:
    body = _write(value)

    assert _outline(body) == _find_tame(len(value))
    _assert_is_plain(body)


@pytest.mark.parametrize("value", HOSTILE)
def test_in_the_rendered_text_it_is_text(value):
    _assert_is_text(value)


@_FEW
@given(st.text(max_size=40))
def test_in_the_rendered_text_anything_is_text(value):
    _assert_is_text(value)


@_FEW
@given(st.lists(st.sampled_from([*"`|\\[](){}<>!@#$%&*_~-=+:;'\"/.\n\t a1", "-->", "<!--", "@a", "#1"]), max_size=30))
def test_in_the_rendered_text_marks_are_text(pieces):
    _assert_is_text("".join(pieces))


_OWN_WORDS = {
    each.content
    for labels in [
        ("", ""),
        ("https://github.com/acme/api", ""),
        ("https://github.com/acme/api", 5 * "5badb8cf"),
        ("https://x.example/y", "v1.2.3"),
        ("https://github.com/acme/api", "v1.2.3"),
        ("https://bitbucket.org/acme/api", "1.2.3"),
    ]
    for each in _list_tokens(_write_labels(*labels))
    if each.type == "text"
}


def _assert_labels_are_text(value: str) -> None:
    for source, version in [(value, "1.0"), (f"https://github.com/acme/{value}", value), (f"https://{value}/a", value)]:
        body = _write_labels(source, version)

        assert {each.content for each in _list_tokens(body) if each.type == "text"} <= _OWN_WORDS
        _assert_is_plain(body)


@pytest.mark.parametrize("value", HOSTILE)
def test_what_images_say_of_themselves_is_text(value):
    _assert_labels_are_text(value)


@_FEW
@given(st.text(max_size=40))
def test_whatever_images_say_of_themselves_is_text(value):
    _assert_labels_are_text(value)


@pytest.mark.parametrize("value", HOSTILE)
def test_what_imagebot_remembers_is_read_from_its_own_block(value):
    group = _make_group(value)
    block = make_block(group, policy_file=f".{value}", opened_at=NOW)

    body = compose_body(_write(value), block)

    assert find_block(body) == block
    assert body.count("<!--") == 2


# What GitLab, GitHub and Gitea read in titles and in messages of commits, where there are no code spans.
_READ_BY_FORGES = [
    re.compile(r"(?<![\w`])@\w"),
    re.compile(r"[#!&%$~][\w\"'{]"),
    re.compile(r"\bG[HL]-[0-9]", re.IGNORECASE),
    re.compile(r"\[[\w ]"),
    re.compile(r":[\w+-]+:"),
    re.compile(r"`"),
]


def _list_meanings(line: str) -> list[str]:
    return [found.group() for pattern in _READ_BY_FORGES if (found := pattern.search(line))]


@pytest.mark.parametrize("value", HOSTILE)
def test_in_a_title_it_is_text_on_one_line(value):
    title = make_title(_make_group(value))

    assert title.startswith("Update 2 images in apps/")
    assert title.isprintable()
    assert _list_meanings(title) == []


@pytest.mark.parametrize("tag", ["GH-12", "gl-7", "__init__", "5badb8cf1d9b"])
def test_in_a_title_a_tag_is_text(tag):
    group = _make_group("x")
    (change, *_) = group.changes
    moved = replace(change, selection=replace(change.selection, tag=tag))

    title = make_title(Group(GroupKey.of_image(_IMAGE), "b", (moved,)))

    assert _list_meanings(title) == []


@pytest.mark.parametrize("value", HOSTILE)
def test_in_a_commit_message_it_is_text(value):
    group = _make_group(value)
    trailers = Trailers(frozenset(), "x", "p", "f", "main")

    message = make_commit_message(make_commit_text("Update it", group), trailers)

    tame = make_commit_message(make_commit_text("Update it", _make_group("x")), trailers)
    assert len(message.splitlines()) == len(tame.splitlines())
    assert find_trailers(message) == trailers
    assert [meaning for line in message.splitlines() for meaning in _list_meanings(line)] == []
