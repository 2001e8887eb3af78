"""What moves where, which changes go together, and what the files hold then."""

from dataclasses import replace

import pytest

from imagebot.policy.entry import Entry
from imagebot.proposal.plan import apply_changes, make_changes, make_groups
from imagebot.proposal.request_rules import GroupBy
from tests.proposal.builders import DIGEST_1, DIGEST_2, make_choices, make_entry, make_follower, make_group

_FILES = {
    "a.yaml": b"image: nginx:1.0.0  # web\n---\nimage: redis:7.0.0\n",
    "b.yaml": b"image: nginx:1.0.0\r\n",
    "same.yaml": b"image: memcached:1.6.0\n",
}
_TAGS = {"nginx": ["1.0.0", "1.1.0"], "redis": ["7.0.0", "7.2.0"], "memcached": ["1.6.0"]}


def test_every_place_of_an_image_is_in_its_group_and_only_those():
    groups = make_groups(make_changes(make_choices(_FILES, _TAGS)), branch_prefix="imagebot/")

    assert [(g.branch, [(c.path, c.line) for c in g.changes]) for g in groups] == [
        ("imagebot/docker.io-library-nginx", [("a.yaml", 1), ("b.yaml", 1)]),
        ("imagebot/docker.io-library-redis", [("a.yaml", 3)]),
    ]


def test_applying_a_group_changes_its_tags_and_no_other_byte():
    (nginx, _) = make_groups(make_changes(make_choices(_FILES, _TAGS)), branch_prefix="x/")

    applied = apply_changes(nginx.changes, _FILES)

    assert applied.files == {
        "a.yaml": b"image: nginx:1.1.0  # web\n---\nimage: redis:7.0.0\n",
        "b.yaml": b"image: nginx:1.1.0\r\n",
    }
    assert applied.refused == ()


@pytest.mark.parametrize(
    ("text", "entry", "after", "proposed"),
    [
        pytest.param("nginx:1.0.0", make_entry("*", ">=0"), "nginx:1.1.0", "1.1.0", id="a tag moves"),
        pytest.param(
            f"nginx:1.0.0@{DIGEST_1}",
            make_entry("*", ">=0"),
            f"nginx:1.1.0@{DIGEST_2}",
            "1.1.0",
            id="a tag moves, and its digest with it",
        ),
        pytest.param(
            "nginx:1.0.0",
            make_entry("*", ">=0", pins_digest=True),
            f"nginx:1.1.0@{DIGEST_2}",
            "1.1.0",
            id="a tag moves, and gets a digest",
        ),
        pytest.param(
            "nginx:1.1.0",
            make_entry("*", ">=0", pins_digest=True),
            f"nginx:1.1.0@{DIGEST_2}",
            f"1.1.0@{DIGEST_2}",
            id="a digest is added",
        ),
        pytest.param(
            f"nginx:1.1.0@{DIGEST_1}",
            make_entry("*", ">=0", pins_digest=True),
            f"nginx:1.1.0@{DIGEST_2}",
            f"1.1.0@{DIGEST_2}",
            id="a digest changes",
        ),
        pytest.param(
            f"nginx@{DIGEST_1}",
            make_follower("1.1.0"),
            f"nginx@{DIGEST_2}",
            f"1.1.0@{DIGEST_2}",
            id="there is only a digest",
        ),
    ],
)
def test_a_change_writes_what_it_proposes(text: str, entry: Entry, after: str, proposed: str):
    files = {"a.yaml": f"image: {text} # web\n".encode()}

    (change,) = make_changes(make_choices(files, {"nginx": ["1.0.0", "1.1.0"]}, [entry]))

    assert (str(change.before), str(change.after), change.proposed) == (text, after, proposed)
    assert change.moves_tag is ("@" not in proposed)
    assert [edit.new for edit in change.edits] == [after]
    assert apply_changes([change], files).files == {"a.yaml": f"image: {after} # web\n".encode()}


@pytest.mark.parametrize(
    ("parts", "after"),
    [
        pytest.param("tag: 1.1.0, digest: ''", f"tag: 1.1.0, digest: '{DIGEST_2}'", id="a digest is added"),
        pytest.param(f"digest: {DIGEST_1}", f"digest: {DIGEST_2}", id="there is only a digest"),
        pytest.param(
            f"tag: 1.1.0, digest: {DIGEST_1}", f"tag: 1.1.0, digest: {DIGEST_2}", id="a digest changes, and no tag"
        ),
    ],
)
def test_in_a_place_in_parts_only_the_digest_is_edited(parts: str, after: str):
    files = {"values.yaml": f"image: {{repository: nginx, {parts}}}\n".encode()}

    changes = make_changes(make_choices(files, {"nginx": ["1.1.0"]}, [make_follower("1.1.0")]))

    assert [edit.new for change in changes for edit in change.edits] == [DIGEST_2]
    assert apply_changes(changes, files).files == {"values.yaml": f"image: {{repository: nginx, {after}}}\n".encode()}


def test_a_group_proposes_each_tag_and_digest_once():
    pinned = b"image: nginx:1.1.0\n"
    files = {"a.yaml": pinned, "b.yaml": pinned, "c.yaml": b"image: nginx:1.0.0\n", "d.yaml": b"image: nginx:1.0.1\n"}
    tags = {"nginx": ["1.0.0", "1.0.1", "1.1.0"]}

    group = make_group(make_choices(files, tags, [make_entry("*", ">=0", pins_digest=True)]))

    assert [pair.tag for pair in group.pairs] == ["1.1.0", f"1.1.0@{DIGEST_2}"]
    assert len(group.changes) == 4


def test_a_place_of_which_nothing_is_known_makes_no_change_and_the_others_do():
    files = {"a.yaml": b"image: nginx:1.0.0\n", "b.yaml": b"image: redis:7.0.0\n"}

    changes = make_changes(make_choices(files, {"redis": _TAGS["redis"]}))

    assert [change.path for change in changes] == ["b.yaml"]


def test_a_file_that_is_not_what_was_located_is_refused_and_the_others_are_edited():
    changes = make_changes(make_choices(_FILES, _TAGS))

    applied = apply_changes(changes, {**_FILES, "a.yaml": b"image: other:1.0.0 # shorter, and moved\n"})

    assert list(applied.files) == ["b.yaml"]
    assert {refused.path for refused in applied.refused} == {"a.yaml"}
    assert {change.path for change in applied.made} == {"b.yaml"}


_TREE = {
    "apps/web/a.yaml": b"image: nginx:1.0.0\n---\nimage: redis:7.0.0\n",
    "apps/web/b.yaml": b"image: nginx:1.0.0\n",
    "root.yaml": b"image: nginx:1.0.0\n",
}


@pytest.mark.parametrize(
    ("group_by", "branches"),
    [
        pytest.param(GroupBy.IMAGE, {"docker.io-library-nginx": 3, "docker.io-library-redis": 1}, id="by image"),
        pytest.param(GroupBy.DIRECTORY, {"dir": 1, "dir-apps-web": 3}, id="by folder"),
        pytest.param(
            GroupBy.FILE, {"file-apps-web-a.yaml": 2, "file-apps-web-b.yaml": 1, "file-root.yaml": 1}, id="by file"
        ),
        pytest.param(GroupBy.ALL, {"all": 4}, id="all"),
    ],
)
def test_changes_are_grouped_as_the_policy_file_says(group_by: GroupBy, branches: dict[str, int]):
    groups = make_groups(make_changes(make_choices(_TREE, _TAGS)), branch_prefix="x/", group_by=group_by)

    assert {group.branch.removeprefix("x/"): len(group.changes) for group in groups} == branches


def test_changes_of_entries_with_a_group_go_by_that():
    entries = [replace(make_entry("nginx", ">=0"), group="edge"), make_entry("*", ">=0")]

    groups = make_groups(make_changes(make_choices(_TREE, _TAGS, entries)), branch_prefix="x/", group_by=GroupBy.FILE)

    assert [(g.branch, len(g.changes)) for g in groups] == [("x/file-apps-web-a.yaml", 1), ("x/group-edge", 3)]


def test_the_changes_of_a_group_are_in_the_order_of_images_and_places():
    (group,) = make_groups(make_changes(make_choices(_TREE, _TAGS)), branch_prefix="x/", group_by=GroupBy.ALL)

    assert [str(image) for image in group.images] == ["docker.io/library/nginx", "docker.io/library/redis"]
    assert [change.path for change in group.changes] == [*sorted(_TREE), "apps/web/a.yaml"]
