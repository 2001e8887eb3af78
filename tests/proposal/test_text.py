"""The words that reviewers read. What must not get into them is in `test_hostile.py`."""

import re
from dataclasses import replace

import pytest

from imagebot.policy.entry import Entry
from imagebot.proposal.group import GroupKey, GroupKind
from imagebot.proposal.plan import Group, make_changes
from imagebot.proposal.text import Backdrop, make_text, make_title
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
        make_text(_make_group(_ONE), Backdrop(".imagebot.yaml")).title == "Update ghcr.io/acme/api from 1.4.1 to 1.4.2"
    )


def test_the_title_of_several_images_counts_them():
    files = {"a.yaml": b"image: nginx:1.0.0\n---\nimage: redis:7.0.0\n"}
    changes = make_changes(make_choices(files, {"nginx": ["1.0.0", "1.1.0"], "redis": ["7.0.0", "7.1.0"]}))

    assert make_title(Group(GroupKey(GroupKind.ALL, ""), "imagebot/all", changes)) == "Update 2 images"


def test_the_title_leaves_the_old_version_out_where_there_are_several():
    files = {**_ONE, "b.yaml": b"image: ghcr.io/acme/api:1.4.0\n"}
    tags = {"ghcr.io/acme/api": ["1.4.0", "1.4.1", "1.4.2"]}

    assert make_text(_make_group(files, tags=tags), Backdrop("p")).title == "Update ghcr.io/acme/api to 1.4.2"


def test_the_body_says_what_where_why_and_how_to_say_no():
    backdrop = Backdrop(".imagebot.yaml", find_url=lambda path, line: f"https://forge/{path}#L{line}")

    body = make_text(_make_group(_ONE), backdrop).body

    assert "| `ghcr.io/acme/api` | `1.4.1` →\u00a0`1.4.2` | patch | first\u00a0seen<br>2026-03-01 |" in body
    where = "[`clusters/prod/api.yaml:2`](https://forge/clusters/prod/api.yaml#L2)"
    entry = "[`.imagebot.yaml:8`](https://forge/.imagebot.yaml#L8)"
    assert f"| {where} | `api` in\u00a0{entry} |" in body
    assert "**`ghcr.io/acme/api` `1.4.2`**, chosen by `semver: ^1.4` from 5 tags" in body
    assert "- Not chosen: 1 not a version, 1 outside the range, 1 a prerelease, 1 not the newest candidate." in body
    assert "close this merge request: `1.4.2` will not be proposed again, the next version will." in body
    assert f"edit {entry}." in body


def test_without_addresses_places_stand_alone():
    body = make_text(_make_group(_ONE), Backdrop(".imagebot.yaml")).body

    assert "| `clusters/prod/api.yaml:2` | `api` in\u00a0`.imagebot.yaml:8` |" in body


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


def test_the_body_for_a_digest_says_what_where_why_and_how_to_say_no():
    group = _make_digest_group(f"nginx:latest@{DIGEST_1}", "nginx:latest", f"nginx@{DIGEST_1}")

    body = make_text(group, Backdrop("p")).body

    docker_hub = "[Docker Hub](https://hub.docker.com/_/nginx/tags?name=latest)"
    image, new = f"`nginx`<br>{docker_hub}", f"→\u00a0`{SHORT_2}`"
    assert f"| {image} | `latest`<br>`sha256:111111111111`<br>{new} | digest |" in body
    assert f"| {image} | `latest`<br>{new} | digest |" in body
    assert "| `nginx:latest@sha256:111111111111` | `a.yaml:2` | `p:3` |" in body
    assert "| `nginx:latest` | `a.yaml:4` | `p:3` |" in body
    assert "| `nginx:@sha256:111111111111` | `a.yaml:6` | `p:3` |" in body
    assert f"**`nginx` `latest@{SHORT_2}`**, chosen by `digest: latest` from 2 tags" in body
    assert f"`latest@{SHORT_2}` will not be proposed again, the next digest will." in body
    assert "A newer digest moves it on" in body


@pytest.mark.parametrize(
    ("group", "sentence"),
    [
        pytest.param(
            _make_group(_ONE),
            "It was first seen on 2026-03-01 00:00 UTC: the registry does not say when it was pushed.",
            id="a tag first seen",
        ),
        pytest.param(
            _make_digest_group(f"nginx:latest@{DIGEST_1}"),
            "It was pushed again on 2026-03-01 00:00 UTC: its digest changed then.",
            id="a tag pushed again",
        ),
    ],
)
def test_the_body_says_how_old_the_tag_is_and_how_that_is_known(group: Group, sentence: str):
    assert f"\n- {sentence}\n" in make_text(group, Backdrop("p")).body


def test_the_body_is_silent_about_an_age_that_is_not_known():
    group = _make_group(_ONE)
    ageless = [replace(each, selection=replace(each.selection, since=None)) for each in group.changes]

    body = make_text(replace(group, changes=tuple(ageless)), Backdrop("p")).body

    assert "| Image | Update | Jump |\n" in body
    assert "seen" not in body


def test_a_major_jump_stands_out():
    body = make_text(_make_group(_ONE, semver=">=1"), Backdrop("p")).body

    assert "| ⚠️\u00a0**major** |" in body
    assert body.startswith("- ⚠️ **Major jump** of `ghcr.io/acme/api` from `1.4.1` to `2.0.0`")


def test_what_merges_by_itself_says_so():
    body = make_text(_make_group(_ONE), Backdrop("p", merges_by_itself=True)).body

    assert "- **It merges by itself** as soon as its checks pass" in body


def test_a_title_with_many_tags_counts_them():
    files = {f"{n}.yaml": f"image: ghcr.io/acme/api:1.{n}.0-v{n}\n".encode() for n in range(5)}
    tags = {"ghcr.io/acme/api": [tag for n in range(5) for tag in (f"1.{n}.0-v{n}", f"1.{n}.1-v{n}")]}

    text = make_text(_make_group(files, semver="^1", tags=tags), Backdrop("p"))

    assert text.title == "Update ghcr.io/acme/api to 5 tags"


def _make_many(images: int, places: int) -> Group:
    """Make one group of so many images, each in so many places, of long names."""
    names = [f"ghcr.io/acme/{'x' * 60}{n}" for n in range(images)]
    files = {
        f"{'y' * 150}{place}.yaml": "".join(f"---\nimage: {name}:1.0.0\n" for name in names).encode()
        for place in range(places)
    }
    changes = make_changes(make_choices(files, {name: ["1.0.0", "1.1.0"] for name in names}))
    return Group(GroupKey(GroupKind.ALL, ""), "imagebot/all", changes)


def test_thirty_images_in_sixty_places_have_room_where_there_is_the_least():
    body = make_text(_make_many(images=30, places=2), Backdrop("p"), limit=58_000).body

    assert body.count("| `ghcr.io/acme/") == 60
    assert body.count("chosen by") == 30
    assert "see the changes" not in body


@pytest.mark.parametrize("limit", [100_000, 40_000, 20_000, 8_000, 4_000, 2_500])
def test_rows_are_dropped_before_sections_and_that_is_said(limit: int):
    body = make_text(_make_many(images=40, places=30), Backdrop("p"), limit=limit).body

    assert len(body) <= limit
    assert len(body) > limit * 0.8
    assert re.search("and [0-9]+ more", body)
    assert "**To say no,**" in body
    assert "Why these tags" in body


@pytest.mark.parametrize("limit", [500, 20, 0, -5])
def test_without_room_there_is_one_sentence_or_what_fits_of_it(limit: int):
    body = make_text(_make_many(images=2, places=2), Backdrop("p"), limit=limit).body

    assert body == "What this proposes is in its changes: there is no room left to tell it here.\n"[: max(0, limit)]


def test_a_text_has_all_rows_that_there_is_room_for():
    group = _make_many(images=40, places=30)
    lengths = [len(make_text(group, Backdrop("p"), limit=limit).body) for limit in range(2_000, 200_000, 9_000)]

    assert lengths == sorted(lengths)
