"""The commit message says what it changes to people, and to the next round whose branch it stands on."""

import pytest

from imagebot.proposal.commit import find_trailers, make_commit_message
from imagebot.proposal.plan import Group
from tests.proposal.builders import DIGEST_1, DIGEST_2, make_choices, make_entry, make_follower, make_group


def _make_group(path: str = "clusters/prod/api.yaml") -> Group:
    tags = {"ghcr.io/acme/api": ["1.4.1", "1.4.2"]}
    files = {path: b"kind: X\nimage: ghcr.io/acme/api:1.4.1\n"}
    return make_group(make_choices(files, tags, [make_entry("*", "^1.4", name="api")]))


def test_the_message_stands_alone():
    group = _make_group()

    assert make_commit_message("Update it", group, files="f1", target="main") == (
        "Update it\n\n"
        "clusters/prod/api.yaml:2: ghcr.io/acme/api:1.4.1 -> 1.4.2\n\n"
        "Allowed by api (semver: ^1.4).\n\n"
        "Imagebot-Update: ghcr.io/acme/api=1.4.2\n"
        f"Imagebot-Plan: {group.fingerprint}\n"
        "Imagebot-Files: f1\n"
        "Imagebot-Target: main\n"
    )


def test_the_trailers_are_read_as_they_were_written():
    group = _make_group()

    trailers = find_trailers(make_commit_message("Update it", group, files="f1", target="env/prod"))

    assert (trailers.image, trailers.proposed) == ("ghcr.io/acme/api", frozenset({"1.4.2"}))
    assert (trailers.plan, trailers.files, trailers.target) == (group.fingerprint, "f1", "env/prod")


def test_digests_stand_in_the_message_whole_and_are_read_from_its_trailers_as_they_were_written():
    files = {"a.yaml": f"image: nginx:latest\n---\nimage: nginx@{DIGEST_1}\n".encode()}
    group = make_group(make_choices(files, {"nginx": ["latest"]}, [make_follower("latest")]))

    message = make_commit_message("Update it", group, files="f1", target="main")

    assert message.splitlines()[2:4] == [
        f"a.yaml:1: nginx:latest -> latest@{DIGEST_2}",
        f"a.yaml:3: nginx@{DIGEST_1} -> {DIGEST_2}",
    ]
    assert find_trailers(message).image == "docker.io/library/nginx"
    assert find_trailers(message).proposed == {f"latest@{DIGEST_2}"} == set(group.proposed)


def test_a_commit_of_somebody_else_says_nothing():
    trailers = find_trailers("Fix it\n\nSigned-off-by: Ann\n")

    assert (trailers.image, trailers.proposed, trailers.plan, trailers.files, trailers.target) == (
        None, frozenset(), None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("Closes #12 [skip ci] @alice.yaml", id="what forges read in a message"),
        pytest.param("a\nImagebot-Target: prod\n.yaml", id="a trailer"),
        pytest.param("a\n/merge\n.yaml", id="a line of its own"),
    ],
)
def test_a_file_name_means_nothing_in_a_message(path):
    message = make_commit_message("Update it", _make_group(path), files="f1", target="main")

    assert len(message.splitlines()) == 10
    assert find_trailers(message).target == "main"
    assert not any(sign in message for sign in ("#", "@", "[skip"))
