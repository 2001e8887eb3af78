"""Branches are named after what they are about: no two groups share one, and git takes them all."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.image.reference import Repository, parse_repository
from imagebot.proposal.group import GroupKey, GroupKind, make_branch_name
from imagebot.settings.ref_name import is_branch

_COMPONENT = st.from_regex(r"[a-z0-9]{1,3}(?:(?:\.|_|__|-{1,2})[a-z0-9]{1,3}){0,2}", fullmatch=True)
_HOSTS = ["docker.io", "ghcr.io", "localhost", "localhost:5000", "a-b.c:1", "dir.x", "group:1", "[::1]", "[::1]:5"]
_IMAGES = st.builds(
    Repository, st.sampled_from(_HOSTS), st.lists(_COMPONENT, min_size=1, max_size=4).map("/".join)
).map(GroupKey.of_image)
_PARTS = st.text(st.sampled_from("ab.-_=/@{~^: \\*?[\x00\x7fü\u202e") | st.characters(codec="utf-8"), max_size=8)
_OTHERS = st.builds(
    GroupKey,
    st.sampled_from([GroupKind.DIRECTORY, GroupKind.FILE, GroupKind.NAMED]),
    _PARTS | st.sampled_from(["x.lock", "a..b", ".git", "a-", "-a", "a--b", "a-b", "a/b", "lock"]),
)
_KEYS = _IMAGES | _OTHERS | st.just(GroupKey(GroupKind.ALL, ""))


@pytest.mark.parametrize(
    ("key", "branch"),
    [
        pytest.param("ghcr.io/acme/api", "ghcr.io-acme-api", id="readable"),
        pytest.param("nginx", "docker.io-library-nginx", id="Docker Hub"),
        pytest.param("ghcr.io/acme-corp/api", "ghcr.io-acme--corp-api", id="a hyphen is doubled"),
        pytest.param("localhost:5000/x", "localhost_5000-x", id="a port"),
        pytest.param("[::1]:5000/x", "___1__5000-x", id="IPv6"),
        pytest.param("ghcr.io/acme/yarn.lock", "ghcr.io-acme-yarn.lock_", id="git refuses .lock at the end"),
        pytest.param(GroupKey(GroupKind.NAMED, "backend"), "group-backend", id="a group"),
        pytest.param(GroupKey(GroupKind.DIRECTORY, "apps/web"), "dir-apps-web", id="a folder"),
        pytest.param(GroupKey(GroupKind.DIRECTORY, ""), "dir", id="the root"),
        pytest.param(GroupKey(GroupKind.FILE, "apps/my-app.yaml"), "file-apps-my--app.yaml", id="a file"),
        pytest.param(GroupKey(GroupKind.FILE, ".ci/a b"), "file-=2Eci-a=20b", id="what a ref may not hold"),
        pytest.param(GroupKey(GroupKind.ALL, ""), "all", id="everything"),
    ],
)
def test_the_branch_of_a_group(key, branch):
    key = key if isinstance(key, GroupKey) else GroupKey.of_image(parse_repository(key))

    assert make_branch_name("imagebot/", key) == f"imagebot/{branch}"


@given(_KEYS, _KEYS)
def test_two_groups_never_share_a_branch(one, other):
    assert (make_branch_name("x/", one) == make_branch_name("x/", other)) == (one == other)


@given(st.sampled_from(["x/", "bot/images-", "a."]), _KEYS)
def test_the_branch_of_a_group_is_one_to_git(prefix, key):
    branch = make_branch_name(prefix, key)

    assert branch.isascii()
    assert is_branch(branch)


@pytest.mark.parametrize("prefix", ["imagebot/", 50 * "ü" + "/"])
def test_git_takes_the_branch_of_the_longest_and_oddest_names(prefix):
    keys = [
        GroupKey.of_image(Repository("ghcr.io", "/".join(["a" * 120, "b" * 120]))),
        GroupKey.of_image(Repository("[fe80::1]:5000", "a__b/c.lock")),
        GroupKey.of_image(Repository("A.B", "c---d")),
        GroupKey(GroupKind.FILE, "\n".join(300 * "\u202e")),
        GroupKey(GroupKind.DIRECTORY, "a@{b..c/.lock/~^:?*[\\"),
    ]

    for key in keys:
        branch = make_branch_name(prefix, key)
        subprocess.run(["git", "check-ref-format", f"refs/heads/{branch}"], check=True)
        assert len(branch.encode()) <= 240


@pytest.mark.parametrize("kind", [GroupKind.IMAGE, GroupKind.FILE])
def test_long_names_that_differ_only_at_the_end_have_different_branches(kind):
    one, other = (make_branch_name("i/", GroupKey(kind, f"ghcr.io/{'a' * 240}{end}")) for end in "xy")

    assert one != other
