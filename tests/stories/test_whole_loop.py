"""The whole loop against real parts: a registry with tokens, git over HTTP with a login, a GitLab on the same repo.

60 files name 30 images, in every formatting that real files have.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.demo.push import push_image
from imagebot.log import LogFormat, LogLevel, configure_logging
from tests.servers.docker_registry import PASSWORD, USER, DockerRegistry
from tests.servers.gitserver import list_heads
from tests.servers.token_server import TokenServer
from tests.stories.fleet import FLEET, list_templates, render
from tests.stories.world import SECRETS, World

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fleet")]

_WITH_NEWS = [image for image in FLEET if image.new]


class Fleet:
    """The fleet in a world: its registry, what was pushed, and the files as they should be."""

    def __init__(self, world: World, folder: Path, registry: DockerRegistry, digests: dict[str, str]) -> None:
        self.world, self.folder, self.registry, self.digests = world, folder, registry, digests

    def render(self, *updated: int) -> dict[str, bytes]:
        return render(self.registry.address, self.digests, updated=updated)

    def branch(self, number: int) -> str:
        host = self.registry.address.replace(":", "_")
        return f"imagebot/{host}-{FLEET[number].path.replace('-', '--').replace('/', '-')}"

    def push(self, path: str, tag: str) -> None:
        """Push one more tag, through an open registry on the same files."""
        with DockerRegistry(self.folder) as door:
            self.digests[f"{path}:{tag}"] = push_image(door.address, path, tag)

    def list_tag_requests(self, count: int) -> list[str]:
        """Return the repositories that were asked for their tags, each as often as it was answered."""
        seen = [
            each for each in self.registry.read_requests(count) if each.status == 200 and "/tags/list" in each.target
        ]
        return sorted(each.target.removeprefix("/v2/").partition("/tags/list")[0] for each in seen)


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The registry's files, with all images of the fleet pushed, and the digest of each `PATH:TAG`."""
    folder = tmp_path_factory.mktemp("stock")
    with DockerRegistry(folder) as door:
        digests = {
            f"{image.path}:{tag}": push_image(door.address, image.path, tag) for image in FLEET for tag in image.tags
        }
    return folder, digests


@pytest.fixture
def fleet(world: World, stocked: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Fleet]:
    """The fleet committed to the world's project; the registry gives tokens to the bot alone."""
    stock, digests = stocked
    folder = shutil.copytree(stock / "data", tmp_path / "registry" / "data", copy_function=os.link).parent
    with TokenServer(tmp_path, users={USER: PASSWORD}) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        login = {"username": USER, "password": {"env": "REGISTRY_PASSWORD"}}
        world.registries[registry.address] = {"plain_http": True, "token_hosts": [tokens.address], **login}
        fleet = Fleet(world, folder, registry, dict(digests))
        world.commit(fleet.render())
        yield fleet


def test_every_image_with_something_newer_gets_one_merge_request_that_changes_its_scalars_alone(fleet: Fleet):
    ran = fleet.world.run()

    assert (ran.targets["infra"]["error"], ran.exit_code) == ("", 0)
    assert ran.actions() == {fleet.branch(image.number): "opened" for image in _WITH_NEWS}
    opened = [each.branch for each in fleet.world.gitlab.project.merge_requests.values()]
    assert sorted(opened) == sorted(fleet.branch(image.number) for image in _WITH_NEWS)
    for image in _WITH_NEWS:
        assert fleet.world.read(fleet.branch(image.number)) == fleet.render(image.number), image
    assert fleet.world.read() == fleet.render()


def test_a_second_run_writes_nothing_and_asks_for_each_list_and_each_digest_of_what_moves_once(fleet: Fleet):
    fleet.world.run()
    asked_before = fleet.list_tag_requests(len(FLEET))
    seen_before = len(fleet.registry.read_requests(1))
    writes_before, heads_before = len(fleet.world.gitlab.writes), list_heads(fleet.world.bare)
    pushes_before = sum(each.is_push for each in fleet.world.git.requests)

    ran = fleet.world.run()

    assert set(ran.actions().values()) == {"unchanged"}
    assert len(fleet.world.gitlab.writes) == writes_before
    assert list_heads(fleet.world.bare) == heads_before
    assert sum(each.is_push for each in fleet.world.git.requests) == pushes_before
    wanted, templates = sorted(image.path for image in FLEET), list_templates().values()
    assert asked_before == wanted
    bare = b"".join(each for each in templates if b"@>" not in each)
    by_tag = [image for image in _WITH_NEWS if re.search(rb"<%02d\??>" % image.number, bare)]
    lists = [f"/v2/{path}/tags/list?n=1000" for path in wanted]
    digests = [f"/v2/{image.path}/manifests/{image.new}" for image in _WITH_NEWS]
    digests += [f"/v2/{image.path}/manifests/{image.old}" for image in by_tag]
    later = fleet.registry.read_requests(seen_before + len(lists) + len(digests))[seen_before:]
    assert sorted(each.target for each in later if each.status == 200) == sorted(lists + digests)
    assert {each.status for each in later} <= {200, 401}


def test_one_more_tag_moves_the_same_branch_and_merge_request_on(fleet: Fleet):
    fleet.world.run()
    project, image = fleet.world.gitlab.project, FLEET[0]
    number = next(n for n, each in project.merge_requests.items() if each.branch == fleet.branch(0))
    old_head = fleet.world.git_head(fleet.branch(0))

    fleet.push(image.path, "1.11.0")
    ran = fleet.world.run()

    moved = {branch for branch, action in ran.actions().items() if action == "moved"}
    assert moved == {fleet.branch(0)}
    assert len(project.merge_requests) == len(_WITH_NEWS)
    assert project.merge_requests[number].title.endswith("from 1.4.1 to 1.11.0")
    assert fleet.world.git_head(fleet.branch(0)) != old_head
    expected = {path: data.replace(b"1.10.0", b"1.11.0") for path, data in fleet.render(0).items()}
    assert fleet.world.read(fleet.branch(0)) == expected
    assert fleet.world.count_commits(fleet.branch(0)) == 1


def test_deleting_the_store_and_the_mirror_changes_nothing(fleet: Fleet):
    fleet.world.run()
    writes, heads = len(fleet.world.gitlab.writes), list_heads(fleet.world.bare)

    shutil.rmtree(fleet.world.folder / "data")
    ran = fleet.world.run()

    assert set(ran.actions().values()) == {"unchanged"}
    assert (len(fleet.world.gitlab.writes), list_heads(fleet.world.bare)) == (writes, heads)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(fleet: Fleet):
    heads = list_heads(fleet.world.bare)

    ran = fleet.world.run(is_dry=True)

    assert ran.actions() == {fleet.branch(image.number): "opened" for image in _WITH_NEWS}
    assert fleet.world.gitlab.writes == []
    assert list_heads(fleet.world.bare) == heads


def test_merging_all_of_them_ends_with_every_image_up_to_date_and_nothing_left_open(fleet: Fleet):
    project = fleet.world.gitlab.project

    for _ in range(len(FLEET)):
        fleet.world.run()
        still_open = {number: each for number, each in project.merge_requests.items() if each.state == "opened"}
        if not still_open:
            break
        for number, each in still_open.items():
            # Changes on neighbouring lines conflict once one of them is merged: those are rebuilt by the next run.
            if not project.has_conflicts(each):
                fleet.world.gitlab.merge(number, by="alice")

    assert fleet.world.read() == fleet.render(*range(len(FLEET)))
    assert len(project.merge_requests) == len(_WITH_NEWS)
    assert {each.state for each in project.merge_requests.values()} == {"merged"}
    assert [branch for branch in list_heads(fleet.world.bare) if branch.startswith("imagebot/")] == []


def test_no_secret_is_in_what_is_logged_printed_or_kept(fleet: Fleet, capfd: pytest.CaptureFixture[str]):
    configure_logging(LogLevel.DEBUG, LogFormat.JSON)

    fleet.world.run()

    printed = capfd.readouterr()
    assert "branch_pushed" in printed.err
    kept = b"".join(path.read_bytes() for path in fleet.world.folder.rglob("data/**/*") if path.is_file())
    texts = "".join(each.body + each.title for each in fleet.world.gitlab.project.merge_requests.values())
    for secret in SECRETS.values():
        assert secret not in printed.err + printed.out + texts
        assert secret.encode() not in kept
