"""A GitHub App from settings to merge: one login for API and git, commits that GitHub signs, and who is let in."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from imagebot.connect import _find_app
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.servers.forges import load_contract
from tests.servers.github import GitHubDialect
from tests.servers.gitserver import git, seed
from tests.stories.world import POLICY, World, make_pod, make_world


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def world(tmp_path: Path, key: rsa.RSAPrivateKey, _surroundings: None):
    """A world whose target has no password at all: the App opens everything."""
    _find_app.cache_clear()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (tmp_path / "app.pem").write_bytes(private)
    with make_world(tmp_path, load_contract("github"), forge="github") as world:
        github = world.gitlab.dialect
        assert isinstance(github, GitHubDialect)
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        github.app_key = key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()
        world.git.users.clear()
        github.token_issued = lambda token: world.git.users.__setitem__("x-access-token", token)
        (target,) = world.targets
        del target["username"], target["password"], target["forge"]["token"]
        target["forge"] |= {"app": {"id": "1234", "private_key": {"file": "app.pem"}}, "verified_commits": True}
        yield world


@pytest.fixture
def registry(world: World):
    with LoopbackRegistry() as registry:
        world.registries[registry.address] = {"plain_http": True}
        for tag in ("1.0.0", "1.1.0"):
            push_image(registry.address, "acme/good", tag)
        world.commit({".imagebot.yaml": POLICY, "good.yaml": make_pod(registry, "acme/good")})
        yield registry


def test_an_app_needs_no_password_and_its_commits_are_signed_by_github(world: World, registry: LoopbackRegistry):
    ran = world.run()

    (branch,) = ran.actions()
    assert ran.actions() == {branch: "opened"}
    assert world.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.1.0")
    assert b"\ngpgsig -----BEGIN PGP SIGNATURE-----" in git(world.bare, "cat-file", "commit", branch)
    assert world.only_request().author == "imagebot[bot]"
    assert world.count_commits(branch) == 1


def test_what_github_committed_is_known_as_imagebots_own_and_moved_on(world: World, registry: LoopbackRegistry):
    world.run()
    unchanged = world.run().actions()
    push_image(registry.address, "acme/good", "1.2.0")

    moved = world.run()

    (branch,) = moved.actions()
    assert (unchanged, moved.actions()) == ({branch: "unchanged"}, {branch: "moved"})
    assert world.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.2.0")
    assert b"\ngpgsig " in git(world.bare, "cat-file", "commit", branch)


def test_a_commit_of_a_person_on_a_signed_branch_is_not_overwritten(world: World, registry: LoopbackRegistry):
    (branch,) = world.run().actions()
    theirs = seed(world.bare, {"note.md": b"by hand\n"}, branch=branch)
    push_image(registry.address, "acme/good", "1.2.0")

    assert world.run().actions() == {branch: "left alone"}
    assert world.git_head(branch) == theirs


def test_the_app_logs_in_once_for_many_rounds(world: World, registry: LoopbackRegistry):
    world.run()
    world.run()

    logins = [each for each in world.gitlab.requests if "installation" in each.path]
    assert [each.method for each in logins] == ["GET", "POST"]


def test_a_round_in_which_nothing_changed_costs_two_requests(world: World, registry: LoopbackRegistry):
    world.run()
    before = len(world.gitlab.requests)

    world.run()

    assert len(world.gitlab.requests) - before <= 2


def test_the_key_and_the_tokens_are_in_no_outcome(world: World, registry: LoopbackRegistry, capfd, key):
    world.run()
    printed = capfd.readouterr()
    kept = b"".join(file.read_bytes() for file in (world.folder / "data").rglob("*") if file.is_file())
    github = world.gitlab.dialect
    assert isinstance(github, GitHubDialect)

    for token in github.installation_tokens:
        assert token not in printed.out + printed.err + json.dumps(world.targets)
        assert token.encode() not in kept
    assert "PRIVATE KEY" not in printed.out + printed.err
