"""The words that reviewers read, and what must not get into them."""

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from imagebot.policy.entry import Entry
from imagebot.proposal.group import GroupKey, GroupKind
from imagebot.proposal.plan import Group, make_changes
from imagebot.proposal.text import make_text, make_title
from tests.proposal.builders import (
    DIGEST_1,
    DIGEST_2,
    SHORT_2,
    make_choices,
    make_entry,
    make_follower,
    make_group,
    see,
)

_TAGS = {"ghcr.io/acme/api": ["1.4.1", "1.4.2", "1.5.0-rc.1", "2.0.0", "latest"]}


def _make_group(files: dict[str, bytes], *, semver: str = "^1.4", tags: dict[str, list[str]] | None = None) -> Group:
    return make_group(make_choices(files, tags or _TAGS, [make_entry("*", semver, name="api", line=8)]))


def _make_digest_group(*texts: str, entry: Entry | None = None, path: str = "a.yaml") -> Group:
    """Make the group of places of nginx at `latest`, whose digest is DIGEST_2 since it was pushed again."""
    files = {path: "".join(f"---\nimage: {text}\n" for text in texts).encode()}
    sightings = {"latest": see(DIGEST_2, is_repushed=True)}
    entries = [entry or make_follower("latest", line=3)]
    return make_group(make_choices(files, {"nginx": ["1.0.0", "latest"]}, entries, sightings=sightings))


_ONE = {"clusters/prod/api.yaml": b"kind: X\nimage: ghcr.io/acme/api:1.4.1\n"}


def test_the_title_names_the_image_and_both_versions():
    assert (
        make_text(_make_group(_ONE), policy_file=".imagebot.yaml").title
        == "Update ghcr.io/acme/api from 1.4.1 to 1.4.2"
    )


def test_the_title_of_several_images_counts_them():
    files = {"a.yaml": b"image: nginx:1.0.0\n---\nimage: redis:7.0.0\n"}
    changes = make_changes(make_choices(files, {"nginx": ["1.0.0", "1.1.0"], "redis": ["7.0.0", "7.1.0"]}))

    assert make_title(Group(GroupKey(GroupKind.ALL, ""), "imagebot/all", changes)) == "Update 2 images"


def test_the_title_leaves_the_old_version_out_where_there_are_several():
    files = {**_ONE, "b.yaml": b"image: ghcr.io/acme/api:1.4.0\n"}
    tags = {"ghcr.io/acme/api": ["1.4.0", "1.4.1", "1.4.2"]}

    assert make_text(_make_group(files, tags=tags), policy_file="p").title == "Update ghcr.io/acme/api to 1.4.2"


def test_the_body_says_where_what_why_and_how_to_say_no():
    body = make_text(_make_group(_ONE), policy_file=".imagebot.yaml").body

    assert "| `clusters/prod/api.yaml:2` | `1.4.1` | `1.4.2` | patch | `api`, `.imagebot.yaml:8` |" in body
    assert "of the 5 tags of `ghcr.io/acme/api` it is the one that `semver: ^1.4` chooses." in body
    assert "Not chosen: 1 not a version, 1 outside the range, 1 a prerelease, 1 not the newest candidate." in body
    assert "close this merge request: `1.4.2` will not be proposed again" in body
    assert "edit `.imagebot.yaml:8`" in body


@pytest.mark.parametrize(
    ("texts", "title"),
    [
        pytest.param([f"nginx:latest@{DIGEST_1}"], f"Update nginx to latest@{SHORT_2}", id="a digest changes"),
        pytest.param(["nginx:latest"], f"Update nginx to latest@{SHORT_2}", id="a digest is added"),
        pytest.param([f"nginx@{DIGEST_1}"], f"Update nginx to latest@{SHORT_2}", id="there is only a digest"),
        pytest.param(
            ["nginx:latest", f"nginx@{DIGEST_1}"], f"Update nginx to latest@{SHORT_2}", id="with a tag and without"
        ),
    ],
)
def test_the_title_of_a_new_digest_has_its_first_digits(texts: list[str], title: str):
    assert make_title(_make_digest_group(*texts)) == title


def test_the_title_names_a_new_tag_and_the_digest_of_a_place_that_has_it_already():
    files = {"a.yaml": b"image: nginx:1.0.0\n---\nimage: nginx:1.1.0\n"}
    entry = make_entry("*", ">=0", pins_digest=True)

    group = make_group(make_choices(files, {"nginx": ["1.0.0", "1.1.0"]}, [entry]))

    assert make_title(group) == f"Update nginx to 1.1.0 and 1.1.0@{SHORT_2}"


def test_the_body_for_a_digest_says_where_what_why_and_how_to_say_no():
    group = _make_digest_group(f"nginx:latest@{DIGEST_1}", "nginx:latest", f"nginx@{DIGEST_1}")

    text = make_text(group, policy_file="p")

    new = f"`latest@{SHORT_2}`"
    assert f"| `a.yaml:2` | `latest@sha256:111111111111` | {new} | digest | `*`, `p:3` |" in text.body
    assert f"| `a.yaml:4` | `latest` | {new} | digest | `*`, `p:3` |" in text.body
    assert f"| `a.yaml:6` | `@sha256:111111111111` | {new} | digest | `*`, `p:3` |" in text.body
    assert f"**Why {new}:** of the 2 tags of `docker.io/library/nginx` it is the one that `digest: latest`" in text.body
    assert f"{new} will not be proposed again, the next digest will." in text.body
    assert "a newer digest moves it on" in text.body


@pytest.mark.parametrize(
    ("group", "sentence"),
    [
        pytest.param(_make_group(_ONE), "It was first seen 2026-03-01 00:00 UTC.", id="a tag first seen"),
        pytest.param(
            _make_digest_group(f"nginx:latest@{DIGEST_1}"),
            "It was seen to be pushed again 2026-03-01 00:00 UTC.",
            id="a tag pushed again",
        ),
    ],
)
def test_the_body_says_how_old_the_tag_is_and_how_that_is_known(group: Group, sentence: str):
    assert f" chooses. {sentence} Not chosen: " in make_text(group, policy_file="p").body


def test_the_body_is_silent_about_an_age_that_is_not_known():
    group = _make_group(_ONE)
    ageless = [replace(each, selection=replace(each.selection, since=None)) for each in group.changes]

    body = make_text(replace(group, changes=tuple(ageless)), policy_file="p").body

    assert "`semver: ^1.4` chooses. Not chosen: " in body


def test_a_major_jump_stands_out():
    body = make_text(_make_group(_ONE, semver=">=1"), policy_file="p").body

    assert "| **major** |" in body


def test_a_title_with_many_tags_counts_them():
    files = {f"{n}.yaml": f"image: ghcr.io/acme/api:1.{n}.0-v{n}\n".encode() for n in range(5)}
    tags = {"ghcr.io/acme/api": [tag for n in range(5) for tag in (f"1.{n}.0-v{n}", f"1.{n}.1-v{n}")]}

    text = make_text(_make_group(files, semver="^1", tags=tags), policy_file="p")

    assert text.title == "Update ghcr.io/acme/api to 5 tags"


def test_rows_are_dropped_before_the_text_is_too_long():
    files = {f"{'x' * 200}{n}.yaml": b"image: ghcr.io/acme/api:1.4.1\n" for n in range(300)}

    text = make_text(_make_group(files), policy_file="p", limit=10_000)

    assert len(text.body) <= 10_000
    assert "and 290 more places: see the changes." in text.body


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("a\n/merge\n@all.yaml", id="a line break and a quick action"),
        pytest.param("`**b** <b>|x|`.yaml", id="Markdown, HTML and bars"),
        pytest.param("\u202egpj.yaml", id="right to left"),
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: _make_group({path: b"image: ghcr.io/acme/api:1.4.1\n"}), id="a tag"),
        pytest.param(lambda path: _make_digest_group(f"nginx:latest@{DIGEST_1}", path=path), id="a digest"),
    ],
)
def test_a_hostile_file_name_is_text(make, path):
    text = make_text(make(path), policy_file="p")
    html = MarkdownIt("commonmark").enable("table").render(text.body)

    assert html.count("<tr>") == 2
    assert html.count("<td>") == 5
    assert "<b>" not in html
    assert not any(line.startswith("/") for line in (text.body + text.title).splitlines())
