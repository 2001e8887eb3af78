"""The commit message says what it changes to people, and to the next round whose branch it stands on."""

import pytest

from imagebot.proposal.commit import Trailers, find_trailers, make_commit_message, make_commit_text
from imagebot.proposal.group import Pair
from imagebot.proposal.plan import Group
from tests.proposal.builders import DIGEST_1, DIGEST_2, make_choices, make_entry, make_follower, make_group


def _make_group(path: str = "clusters/prod/api.yaml") -> Group:
    tags = {"ghcr.io/acme/api": ["1.4.1", "1.4.2"]}
    files = {path: b"kind: X\nimage: ghcr.io/acme/api:1.4.1\n"}
    return make_group(make_choices(files, tags, [make_entry("*", "^1.4", name="api")]))


def _make_message(group: Group, *, target: str = "main") -> str:
    trailers = Trailers(frozenset(group.pairs), "ghcr.io-acme-api", group.fingerprint, "f1", target)
    return make_commit_message(make_commit_text("Update it", group), trailers)


def test_the_message_stands_alone():
    group = _make_group()

    assert _make_message(group) == (
        "Update it\n\n"
        "clusters/prod/api.yaml:2 ghcr.io/acme/api:1.4.1 -> 1.4.2\n\n"
        "Allowed by api (semver: ^1.4).\n\n"
        "Imagebot-Update: ghcr.io/acme/api=1.4.2\n"
        "Imagebot-Group: ghcr.io-acme-api\n"
        f"Imagebot-Plan: {group.fingerprint}\n"
        "Imagebot-Files: f1\n"
        "Imagebot-Target: main\n"
    )


def test_the_trailers_are_read_as_they_were_written():
    group = _make_group()

    trailers = find_trailers(_make_message(group, target="env/prod"))

    pairs = frozenset({Pair("ghcr.io/acme/api", "1.4.2")})
    assert trailers == Trailers(pairs, "ghcr.io-acme-api", group.fingerprint, "f1", "env/prod")
    assert trailers.name_branch("bot/") == "bot/ghcr.io-acme-api"


@pytest.mark.parametrize(
    ("updates", "branch"),
    [
        pytest.param(["ghcr.io/acme/api=1.4.2", "ghcr.io/acme/api=1.4.3"], "bot/ghcr.io-acme-api", id="of one image"),
        pytest.param(["ghcr.io/acme/api=1.4.2", "ghcr.io/acme/web=1.4.3"], None, id="of two, which it never made"),
        pytest.param([], None, id="of none"),
    ],
)
def test_a_commit_of_before_there_were_groups_is_for_the_branch_of_its_image(updates, branch):
    lines = [f"Imagebot-Update: {update}" for update in updates]

    trailers = find_trailers("\n".join(["Update it", "", *lines, "Imagebot-Target: main"]))

    assert trailers.name_branch("bot/") == branch


def test_only_the_last_paragraph_has_trailers():
    message = "Update it\n\nImagebot-Update: x/y=1\n\nImagebot-Update: x/y=2\nImagebot-Plan: p\n"

    assert find_trailers(message) == Trailers(frozenset({Pair("x/y", "2")}), plan="p")


def test_digests_stand_in_the_message_whole_and_are_read_from_its_trailers_as_they_were_written():
    files = {"a.yaml": f"image: nginx:latest\n---\nimage: nginx@{DIGEST_1}\n".encode()}
    group = make_group(make_choices(files, {"nginx": ["latest"]}, [make_follower("latest")]))

    message = _make_message(group)

    assert message.splitlines()[2:4] == [
        f"a.yaml:1 nginx:latest -> latest@{DIGEST_2}",
        f"a.yaml:3 nginx@{DIGEST_1} -> {DIGEST_2}",
    ]
    assert find_trailers(message).pairs == {Pair("docker.io/library/nginx", f"latest@{DIGEST_2}")}


def test_a_commit_of_somebody_else_says_nothing():
    assert find_trailers("Fix it\n\nSigned-off-by: Ann\n") == Trailers()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("Closes #12 [skip ci] @alice.yaml", id="what forges read in a message"),
        pytest.param("a\nImagebot-Target: prod\n.yaml", id="a trailer"),
        pytest.param("a\n/merge\n.yaml", id="a line of its own"),
    ],
)
def test_a_file_name_means_nothing_in_a_message(path):
    message = _make_message(_make_group(path))

    assert len(message.splitlines()) == 11
    assert find_trailers(message).target == "main"
    assert not any(sign in message for sign in ("#", "@", "[skip"))
