"""What polling costs a registry, by its own log: three config repositories use the same 200 repositories."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot.connect import make_registries
from imagebot.demo.push import push_image
from imagebot.inquire import Inquiry
from imagebot.look import Look
from imagebot.proposal.outcome import Outcome
from imagebot.registry.lanes import Lanes
from imagebot.rounds import Rounds
from imagebot.settings.operator import load_settings
from imagebot.store.store import Store
from tests.servers.docker_registry import PASSWORD, USER, DockerRegistry
from tests.servers.gitserver import GitServer, seed
from tests.servers.token_server import TokenServer

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
PATHS = [f"team{number % 7}/app{number:03}" for number in range(200)]
TARGETS = ("one", "two", "three")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A registry's folder with 200 repositories of one image."""
    with DockerRegistry(tmp_path / "registry") as registry:
        push_image(registry.address, "seed/app", "1.0.0")
        registry.copy_repository("seed/app", PATHS)
    return tmp_path


def write_settings(folder: Path, registry: DockerRegistry, tokens: TokenServer, git: GitServer) -> Path:
    pods = "".join(
        f"---\nkind: Pod\nspec: {{containers: [{{image: '{registry.address}/{each}:1.0.0'}}]}}\n" for each in PATHS
    )
    policy = b'version: 1\nimages: [{image: "*", policy: {semver: minor}}]\n'
    login = {"username": USER, "password": {"env": "PASSWORD"}}
    targets = []
    for name in TARGETS:
        seed(git.create(f"acme/{name}"), {"pods.yaml": pods.encode(), ".imagebot.yaml": policy})
        targets.append({"name": name, "url": git.url(f"acme/{name}"), "plain_http": True, **login})
    host = {"plain_http": True, "token_hosts": [tokens.address], **login}
    path = folder / "settings.yaml"
    path.write_text(
        json.dumps({"data_dir": str(folder / "data"), "registries": {registry.address: host}, "targets": targets})
    )
    return path


def test_repositories_are_listed_once_whoever_uses_them(folder: Path):
    with ExitStack() as stack:
        tokens = stack.enter_context(TokenServer(folder, users={USER: PASSWORD}))
        registry = stack.enter_context(DockerRegistry(folder / "registry", tokens=tokens))
        git = stack.enter_context(GitServer(folder / "repos", users={USER: PASSWORD}))
        settings = load_settings(write_settings(folder, registry, tokens, git), {"PASSWORD": PASSWORD})
        store = stack.enter_context(Store.open(folder / "store.sqlite"))
        registries = stack.enter_context(make_registries(settings, store=store))
        rounds = Rounds(settings, store, registries)

        for hours, requests in ((0, 201), (1, 401)):
            outcomes = run(rounds, at=NOW + timedelta(hours=hours))
            assert [(outcome.error, outcome.results) for outcome in outcomes] == len(TARGETS) * [("", ())]
            assert len(registry.read_requests(requests)) == requests
        seen = Counter((request.method, request.target, request.status) for request in registry.read_requests(401))

    listings = {("GET", f"/v2/{path}/tags/list?n=1000", 200): 2 for path in PATHS}
    challenges = {each: count for each, count in seen.items() if each not in listings}
    assert {each: seen[each] for each in listings} == listings
    # The very first request learns how the registry lets us in, and no other has to.
    assert [(status, count) for (_, _, status), count in challenges.items()] == [(401, 1)]
    scopes = Counter(request.scope for request in tokens.requests)
    assert scopes == {f"repository:{path}:pull": 1 for path in PATHS}


def run(rounds: Rounds, *, at: datetime) -> Sequence[Outcome]:
    """Do both rounds for every target, as `imagebot once` does, and as often as wanted."""
    with Lanes(8) as lanes:
        looks = [rounds.look(target, now=at) for target in rounds.settings.targets]
        seen = [look for look in looks if isinstance(look, Look)]
        wanted = sorted({each for look in seen for each in look.survey.repositories})
        polled = lanes.map(lambda repository: rounds.poll(repository, now=at), wanted)
        listings = dict(zip(wanted, polled, strict=True))
        inquiry = Inquiry(rounds.registries, rounds.store, pool=lanes, now=at)
        return [rounds.update(look, inquiry=inquiry, listings=listings, now=at) for look in seen]
