"""Changes go together image by image, each on a branch that is named after the image alone."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.image.reference import Repository, parse_repository
from imagebot.proposal.plan import (
    apply_changes,
    find_wanted_digests,
    make_branch_name,
    make_changes,
    make_groups,
)
from tests.proposal.builders import DIGEST_1, DIGEST_2, make_choices

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
    groups = make_groups(make_changes(make_choices(_FILES, _TAGS), {}), branch_prefix="imagebot/")

    assert [(g.branch, [(c.path, c.line) for c in g.changes]) for g in groups] == [
        ("imagebot/docker.io-library-nginx", [("a.yaml", 1), ("b.yaml", 1)]),
        ("imagebot/docker.io-library-redis", [("a.yaml", 3)]),
    ]


def test_applying_a_group_changes_its_tags_and_no_other_byte():
    (nginx, _) = make_groups(make_changes(make_choices(_FILES, _TAGS), {}), branch_prefix="x/")

    applied = apply_changes(nginx.changes, _FILES)

    assert applied.files == {
        "a.yaml": b"image: nginx:1.1.0  # web\n---\nimage: redis:7.0.0\n",
        "b.yaml": b"image: nginx:1.1.0\r\n",
    }
    assert applied.refused == ()


def test_a_place_that_holds_a_digest_wants_the_digest_of_its_new_tag():
    files = {"a.yaml": f"image: nginx:1.0.0@{DIGEST_1}\n".encode(), "b.yaml": b"image: redis:7.0.0\n"}
    choices = make_choices(files, _TAGS)

    wanted = find_wanted_digests(choices)
    (change, _) = make_changes(choices, {(parse_repository("nginx"), "1.1.0"): DIGEST_2})

    assert wanted == {(parse_repository("nginx"), "1.1.0")}
    assert str(change.after) == f"nginx:1.1.0@{DIGEST_2}"


def test_an_image_of_which_one_digest_is_not_known_waits_as_a_whole_and_the_others_move():
    pinned = f"image: nginx:1.0.0@{DIGEST_1}\n".encode()
    files = {"a.yaml": pinned, "b.yaml": b"image: nginx:1.0.0\n", "c.yaml": b"image: redis:7.0.0\n"}

    assert [change.path for change in make_changes(make_choices(files, _TAGS), {})] == ["c.yaml"]


def test_a_file_that_is_not_what_was_located_is_refused_and_the_others_are_edited():
    changes = make_changes(make_choices(_FILES, _TAGS), {})

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
