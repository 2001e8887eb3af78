"""The words that reviewers read, and what must not get into them."""

import pytest
from markdown_it import MarkdownIt

from imagebot.proposal.block import find_block
from imagebot.proposal.plan import Group, make_changes, make_groups
from imagebot.proposal.text import make_text
from tests.proposal.builders import make_choices, make_entry

_TAGS = {"ghcr.io/acme/api": ["1.4.1", "1.4.2", "1.5.0-rc.1", "2.0.0", "latest"]}


def _make_group(files: dict[str, bytes], *, semver: str = "^1.4", tags: dict[str, list[str]] | None = None) -> Group:
    choices = make_choices(files, tags or _TAGS, [make_entry("*", semver, name="api", line=8)])
    (group,) = make_groups(make_changes(choices, {}), branch_prefix="imagebot/")
    return group


_ONE = {"clusters/prod/api.yaml": b"kind: X\nimage: ghcr.io/acme/api:1.4.1\n"}


def test_the_title_names_the_image_and_both_versions():
    assert (
        make_text(_make_group(_ONE), policy_file=".imagebot.yaml").title
        == "Update ghcr.io/acme/api from 1.4.1 to 1.4.2"
    )


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


def test_a_major_jump_stands_out():
    body = make_text(_make_group(_ONE, semver=">=1"), policy_file="p").body

    assert "| **major** |" in body


def test_the_body_carries_the_block_that_the_text_is_known_by():
    text = make_text(_make_group(_ONE), policy_file="p")

    assert find_block(text.body) == text.block
    assert (text.block.image, text.block.tags) == ("ghcr.io/acme/api", ("1.4.2",))


def test_tags_that_come_and_go_without_being_chosen_leave_the_block_as_it_is():
    more = {"ghcr.io/acme/api": [*_TAGS["ghcr.io/acme/api"], "0.1.0", "main"]}

    assert (
        make_text(_make_group(_ONE), policy_file="p").block
        == make_text(_make_group(_ONE, tags=more), policy_file="p").block
    )


def test_a_title_with_many_tags_counts_them():
    files = {f"{n}.yaml": f"image: ghcr.io/acme/api:1.{n}.0-v{n}\n".encode() for n in range(5)}
    tags = {"ghcr.io/acme/api": [tag for n in range(5) for tag in (f"1.{n}.0-v{n}", f"1.{n}.1-v{n}")]}

    text = make_text(_make_group(files, semver="^1", tags=tags), policy_file="p")

    assert text.title == "Update ghcr.io/acme/api to 5 tags"


def test_rows_are_dropped_before_the_text_is_too_long_and_the_block_stays():
    files = {f"{'x' * 200}{n}.yaml": b"image: ghcr.io/acme/api:1.4.1\n" for n in range(300)}

    text = make_text(_make_group(files), policy_file="p", limit=10_000)

    assert len(text.body) <= 10_000
    assert find_block(text.body) == text.block
    assert "and 290 more places: see the changes." in text.body


def test_another_policy_for_the_same_change_is_told_anew():
    texts = [make_text(_make_group(_ONE, semver=semver), policy_file="p") for semver in ("^1.4", "^1.3")]

    assert texts[0].block.fingerprint != texts[1].block.fingerprint


def test_declined_tags_are_remembered_in_the_block():
    text = make_text(_make_group(_ONE), policy_file="p", declined={"1.3.0"})

    found = find_block(text.body)
    assert found is not None
    assert found.declined == ("1.3.0",)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("a\n/merge\n@all.yaml", id="a line break and a quick action"),
        pytest.param("`**b** <b>|x|`.yaml", id="Markdown, HTML and bars"),
        pytest.param("\u202egpj.yaml", id="right to left"),
    ],
)
def test_a_hostile_file_name_is_text(path):
    text = make_text(_make_group({path: b"image: ghcr.io/acme/api:1.4.1\n"}), policy_file="p")
    html = MarkdownIt("commonmark").enable("table").render(text.body)

    assert html.count("<tr>") == 2
    assert html.count("<td>") == 5
    assert "<b>" not in html
    assert not any(line.startswith("/") for line in (text.body + text.title).splitlines())
