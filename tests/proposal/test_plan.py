"""Changes go together image by image, each on a branch that is named after the image alone."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.image.reference import Repository, parse_repository
from imagebot.policy.entry import Entry
from imagebot.proposal.plan import apply_changes, make_branch_name, make_changes, make_groups
from tests.proposal.builders import DIGEST_1, DIGEST_2, make_choices, make_entry, make_follower, make_group

_FILES = {
    "a.yaml": b"image: nginx:1.0.0  # web\n---\nimage: redis:7.0.0\n",
    "b.yaml": b"image: nginx:1.0.0\r\n",
    "same.yaml": b"image: memcached:1.6.0\n",
}
_TAGS = {"nginx": ["1.0.0", "1.1.0"], "redis": ["7.0.0", "7.2.0"], "memcached": ["1.6.0"]}

_COMPONENT = st.from_regex(r"[a-z0-9]{1,3}(?:(?:\.|_|__|-{1,2})[a-z0-9]{1,3}){0,2}", fullmatch=True)
_REPOSITORIES = st.builds(
    Repository,
    st.sampled_from(["docker.io", "ghcr.io", "localhost", "localhost:5000", "a-b.c:1", "[::1]", "[::1]:5", "[1:2]:3"]),
    st.lists(_COMPONENT, min_size=1, max_size=4).map("/".join),
)


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

    assert group.proposed == ("1.1.0", f"1.1.0@{DIGEST_2}")
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


@pytest.mark.parametrize(
    ("image", "branch"),
    [
        pytest.param("ghcr.io/acme/api", "imagebot/ghcr.io-acme-api", id="readable"),
        pytest.param("nginx", "imagebot/docker.io-library-nginx", id="Docker Hub"),
        pytest.param("ghcr.io/acme-corp/api", "imagebot/ghcr.io-acme--corp-api", id="a hyphen is doubled"),
        pytest.param("localhost:5000/x", "imagebot/localhost_5000-x", id="a port"),
        pytest.param("[::1]:5000/x", "imagebot/___1__5000-x", id="IPv6"),
        pytest.param("ghcr.io/acme/yarn.lock", "imagebot/ghcr.io-acme-yarn.lock_", id="git refuses .lock at the end"),
    ],
)
def test_the_branch_of_an_image(image, branch):
    assert make_branch_name("imagebot/", parse_repository(image)) == branch


@given(_REPOSITORIES, _REPOSITORIES)
def test_two_images_never_share_a_branch(one, other):
    assert (make_branch_name("x/", one) == make_branch_name("x/", other)) == (one == other)


def test_git_takes_the_branch_of_the_longest_and_oddest_names():
    images = [
        Repository("ghcr.io", "/".join(["a" * 120, "b" * 120])),
        Repository("[fe80::1]:5000", "a__b/c.lock"),
        Repository("A.B", "c---d"),
    ]

    branches = [make_branch_name("imagebot/", image) for image in images]

    for branch in branches:
        subprocess.run(["git", "check-ref-format", f"refs/heads/{branch}"], check=True)
        assert len(branch.encode()) < 240


def test_long_names_that_differ_only_at_the_end_have_different_branches():
    names = [Repository("ghcr.io", "a" * 240 + end) for end in "xy"]

    assert make_branch_name("i/", names[0]) != make_branch_name("i/", names[1])
