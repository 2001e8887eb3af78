"""The words that reviewers read, and what must not get into them."""

import pytest
from markdown_it import MarkdownIt

from imagebot.proposal.block import find_block
from imagebot.proposal.plan import Group, make_changes, make_groups
from imagebot.proposal.text import find_target, make_text
from tests.proposal.builders import make_choices, make_entry

_TAGS = {"ghcr.io/acme/api": ["1.4.1", "1.4.2", "1.5.0-rc.1", "2.0.0", "latest"]}


def _make_group(files: dict[str, bytes], *, semver: str = "^1.4", tags: dict[str, list[str]] | None = None) -> Group:
    choices = make_choices(files, tags or _TAGS, [make_entry("*", semver, name="api", line=8)])
    (group,) = make_groups(make_changes(choices, {}), branch_prefix="imagebot/")
    return group


_ONE = {"clusters/prod/api.yaml": b"kind: X\nimage: ghcr.io/acme/api:1.4.1\n"}


def test_the_title_names_the_image_and_both_versions():
    assert (
        make_text(_make_group(_ONE), policy_file=".imagebot.yaml", target="main").title
        == "Update ghcr.io/acme/api from 1.4.1 to 1.4.2"
    )


def test_the_title_leaves_the_old_version_out_where_there_are_several():
    files = {**_ONE, "b.yaml": b"image: ghcr.io/acme/api:1.4.0\n"}

    assert make_text(_make_group(files), policy_file="p", target="main").title == "Update ghcr.io/acme/api to 1.4.2"


def test_the_body_says_where_what_why_and_how_to_say_no():
    body = make_text(_make_group(_ONE), policy_file=".imagebot.yaml", target="main").body

    assert "| `clusters/prod/api.yaml:2` | `1.4.1` | `1.4.2` | patch | `api`, `.imagebot.yaml:8` |" in body
    assert "of the 5 tags of `ghcr.io/acme/api` it is the newest that `semver: ^1.4` allows from `1.4.1`" in body
    assert "Not chosen: 1 not a version, 1 outside the range, 1 a prerelease, 1 not the newest candidate." in body
    assert "close this merge request: `1.4.2` will not be proposed again" in body
    assert "edit `.imagebot.yaml:8`" in body


def test_a_major_jump_stands_out():
    body = make_text(_make_group(_ONE, semver=">=1"), policy_file="p", target="main").body

    assert "| **major** |" in body


def test_the_body_carries_the_block_that_the_text_is_known_by():
    text = make_text(_make_group(_ONE), policy_file="p", target="main")

    assert find_block(text.body) == text.block
    assert (text.block.image, text.block.tags) == ("ghcr.io/acme/api", ("1.4.2",))


def test_tags_that_come_and_go_without_being_chosen_leave_the_block_as_it_is():
    more = {"ghcr.io/acme/api": [*_TAGS["ghcr.io/acme/api"], "0.1.0", "main"]}

    assert (
        make_text(_make_group(_ONE), policy_file="p", target="main").block
        == make_text(_make_group(_ONE, tags=more), policy_file="p", target="main").block
    )


def test_the_commit_message_stands_alone():
    message = make_text(_make_group(_ONE), policy_file="p", target="main").commit_message

    assert message == (
        "Update ghcr.io/acme/api from 1.4.1 to 1.4.2\n\n"
        "clusters/prod/api.yaml:2: ghcr.io/acme/api:1.4.1 -> 1.4.2\n\n"
        "Allowed by api (semver: ^1.4).\n\n"
        "Imagebot-Update: ghcr.io/acme/api=1.4.2\nImagebot-Target: main\n"
    )


def test_a_commit_says_which_branch_it_is_for():
    message = make_text(_make_group(_ONE), policy_file="p", target="env/prod").commit_message

    assert find_target(message) == "env/prod"
    assert find_target("Somebody's commit\n") is None


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("a\n/merge\n@all.yaml", id="a line break and a quick action"),
        pytest.param("`**b** <b>|x|`.yaml", id="Markdown, HTML and bars"),
        pytest.param("\u202egpj.yaml", id="right to left"),
    ],
)
def test_a_hostile_file_name_is_text(path):
    text = make_text(_make_group({path: b"image: ghcr.io/acme/api:1.4.1\n"}), policy_file="p", target="main")
    html = MarkdownIt("commonmark").enable("table").render(text.body)

    assert html.count("<tr>") == 2
    assert html.count("<td>") == 5
    assert "<b>" not in html
    assert not any(line.startswith("/") for line in (text.body + text.commit_message + text.title).splitlines())
