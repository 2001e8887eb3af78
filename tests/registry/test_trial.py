"""Logins that are tried: what becomes of them at real registries, what is shown of each step, and what never is."""

import json

import pytest

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.registry.client import Registries
from imagebot.registry.credentials import Login
from imagebot.registry.logins import LoginSources
from imagebot.registry.trial import Carried, Trial, Verdict, try_logins, try_repository
from imagebot.secret import Secret
from tests.servers.certificates import Authority
from tests.servers.closed_port import hold_closed_port
from tests.servers.docker_registry import PASSWORD, USER, DockerRegistry
from tests.servers.token_server import TokenServer

BOB = Login(USER, Secret(PASSWORD))
WRONG = Login(USER, Secret("wr0ng"))
ANYONE = None


def try_both(registries: Registries, address: str, path: str = "acme/api") -> tuple[Trial, Trial]:
    """Try the login of a registry at its door, and for a repository."""
    entrance = registries.find_entrance(address)
    (door,) = try_logins(entrance)
    return door, try_repository(entrance, Repository(address, path))


def list_steps(trial: Trial) -> list[tuple[str, int]]:
    return [(step.carried.value, step.status) for step in trial.steps]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A real registry's folder that holds acme/api."""
    folder = tmp_path_factory.mktemp("registry")
    with DockerRegistry(folder) as registry:
        push_image(registry.address, "acme/api", "1.0")
    return folder


def test_an_open_registry(folder, connect):
    with DockerRegistry(folder) as registry:
        door, image = try_both(connect(registry.address), registry.address)
        nosuch = try_repository(
            connect(registry.address).find_entrance(registry.address), Repository(registry.address, "acme/nosuch")
        )

    assert [door.verdict, image.verdict] == [Verdict.OPEN, Verdict.OPEN]
    assert list_steps(image) == [("no login", 200)]
    assert nosuch.verdict is Verdict.REFUSED
    assert nosuch.reason.startswith(f"{registry.address}/acme/nosuch: the registry knows no such repository (404)")


@pytest.mark.parametrize(
    ("login", "verdict", "steps", "said"),
    [
        pytest.param(BOB, Verdict.ACCEPTED, [("no login", 401), ("user and password", 200)], "", id="the right one"),
        pytest.param(
            WRONG,
            Verdict.REFUSED,
            [("no login", 401), ("user and password", 401)],
            "check user and password",
            id="wrong",
        ),
        pytest.param(ANYONE, Verdict.REFUSED, [("no login", 401)], "none is configured", id="none"),
    ],
)
def test_a_registry_that_wants_a_password(folder, connect, login, verdict, steps, said):
    with DockerRegistry(folder, htpasswd=True) as registry:
        door, image = try_both(connect(registry.address, login=login), registry.address)

    assert [door.verdict, image.verdict] == [verdict, verdict]
    assert [list_steps(door), list_steps(image)] == [steps, steps]
    assert said in door.reason
    assert said in image.reason


@pytest.mark.parametrize(
    ("login", "verdict", "steps"),
    [
        pytest.param(
            BOB, Verdict.ACCEPTED, [("no login", 401), ("user and password", 200), ("the token", 200)], id="right"
        ),
        pytest.param(WRONG, Verdict.REFUSED, [("no login", 401), ("user and password", 401)], id="wrong"),
    ],
)
def test_a_registry_that_wants_a_token(folder, connect, tmp_path, login, verdict, steps):
    with TokenServer(tmp_path, users={USER: PASSWORD}) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        registries = connect(registry.address, login=login, token_hosts=frozenset({tokens.address}))
        door, image = try_both(registries, registry.address)

    assert [door.verdict, image.verdict] == [verdict, verdict]
    assert [list_steps(door), list_steps(image)] == [steps, steps]
    assert ("check user and password" in door.reason) == (verdict is Verdict.REFUSED)
    assert (door.token_lasts_s is None) == (verdict is Verdict.REFUSED)
    assert [request.scope for request in tokens.requests] == ["", "repository:acme/api:pull"]


def test_anyone_may_pass_the_door_of_a_registry_with_tokens_and_no_further(folder, connect, tmp_path):
    with TokenServer(tmp_path, users={USER: PASSWORD}) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        registries = connect(registry.address, token_hosts=frozenset({tokens.address}))
        door, image = try_both(registries, registry.address)

    assert [door.verdict, image.verdict] == [Verdict.ACCEPTED, Verdict.REFUSED]
    assert "none is configured" in image.reason
    assert "insufficient_scope" in image.steps[-1].said


def test_a_token_server_that_is_not_named(folder, connect, tmp_path):
    with TokenServer(tmp_path, users={USER: PASSWORD}) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        door, _ = try_both(connect(registry.address, login=BOB), registry.address)

    assert door.verdict is Verdict.REFUSED
    assert f"add {tokens.address} to the token_hosts of {registry.address}" in door.reason
    assert f"it wants a token from {tokens.realm}" in door.steps[-1].said


def test_a_registry_over_tls(folder, connect, tmp_path):
    authority = Authority(tmp_path / "authority")
    with DockerRegistry(folder, tls=authority) as registry:
        known, _ = try_both(connect(registry.address, ca_file=authority.ca_file), registry.address)
        unknown, _ = try_both(connect(registry.address, plain_http=False), registry.address)

    assert known.verdict is Verdict.OPEN
    assert unknown.verdict is Verdict.REFUSED
    assert "name that authority's PEM file as ca_file" in unknown.reason
    assert unknown.steps == ()


def test_a_registry_that_is_down(connect):
    with hold_closed_port() as address:
        door, _ = try_both(connect(address, login=BOB), address)

    assert door.verdict is Verdict.FAILED
    assert door.found is not None


def test_what_is_no_registry(connect):
    with LoopbackServer(lambda _: Reply(404, b"<html>")) as server:
        door, _ = try_both(connect(server.address), server.address)

    assert (door.verdict, door.reason) == (Verdict.FAILED, f"{server.address} answered 404; is it a registry?")


@pytest.mark.parametrize(
    ("login", "verdict", "said"),
    [
        pytest.param(BOB, Verdict.OPEN, "whether the login is good shows an image", id="it does not look"),
        pytest.param(WRONG, Verdict.REFUSED, "lets anyone in, but not with the login from", id="it looks"),
    ],
)
def test_a_login_that_nobody_asks_for_is_shown(connect, login, verdict, said):
    """Artifactory is such a registry, with anonymous access."""

    def answer(call: Call) -> Reply:
        is_wrong = "Authorization" in call.headers and login is WRONG
        return Reply(401 if is_wrong else 200, b"{}")

    with LoopbackServer(answer) as server:
        door, _ = try_both(connect(server.address, login=login), server.address)

    assert door.verdict is verdict
    assert said in door.reason


def test_a_file_that_cannot_be_read_is_the_reason(connect, tmp_path):
    (tmp_path / "pull").write_text("no JSON")
    with LoopbackRegistry() as registry:
        sources = LoginSources(pull_secrets=(tmp_path / "pull",))
        door, _ = try_both(connect(registry.address, sources=sources), registry.address)

    assert (door.verdict, door.reason) == (Verdict.REFUSED, f"{tmp_path}/pull: it is no JSON")


def test_each_part_of_a_registry_has_its_own_login(connect, tmp_path):
    pull = tmp_path / "pull"
    with LoopbackRegistry(users={"all": "pw", "acme": "pw"}, token_ttl_s=300) as registry:
        auths = {
            registry.address: {"username": "all", "password": "pw"},
            f"{registry.address}/acme": {"username": "acme", "password": "pw"},
        }
        pull.write_text(json.dumps({"auths": auths}))
        entrance = connect(registry.address, sources=LoginSources(pull_secrets=(pull,))).find_entrance(registry.address)

        trials = try_logins(entrance)

        assert [(trial.subject, trial.verdict) for trial in trials] == [
            (registry.address, Verdict.ACCEPTED),
            (f"{registry.address}/acme", Verdict.ACCEPTED),
        ]
        users = [request.user for request in registry.requests if request.target.startswith("/token")]
        assert users == ["all", "acme"]


def test_each_of_several_logins_for_one_host_is_tried_and_any_will_do(connect, tmp_path):
    with LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=300) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))
        files = []
        for name, password in (("old", "wr0ng"), ("new", "s3cret")):
            files.append(tmp_path / name)
            auths = {registry.address: {"username": "bob", "password": password}}
            files[-1].write_text(json.dumps({"auths": auths}))
        entrance = connect(registry.address, sources=LoginSources(pull_secrets=tuple(files))).find_entrance(
            registry.address
        )

        doors = try_logins(entrance)
        image = try_repository(entrance, Repository(registry.address, "acme/api"))

    assert [door.verdict for door in doors] == [Verdict.REFUSED, Verdict.ACCEPTED]
    assert image.verdict is Verdict.ACCEPTED
    assert image.found is not None
    assert str(image.found.source) == f"the key {registry.address} of {tmp_path}/new"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(
            b'{"errors": [{"code": "DENIED", "message": "access to the resource is denied"}]}',
            "DENIED: access to the resource is denied",
            id="as the distribution-spec has it",
        ),
        pytest.param(
            b'{"error": "invalid_grant", "error_description": "it ended"}',
            "invalid_grant: it ended",
            id="as OAuth has it",
        ),
        pytest.param(
            b'{"details": "incorrect username or password"}', "incorrect username or password", id="Docker Hub"
        ),
        pytest.param(b'{"errors": [{"message": "no such thing as s3cret"}]}', "", id="it repeats the password"),
        pytest.param(b'{"errors": [{"message": "Ym9iOnMzY3JldA== is bad"}]}', "", id="it repeats what was sent"),
        pytest.param(b'{"message": "%s"}' % (b"x" * 300), "x" * 200, id="it is long"),
        pytest.param(b'{"message": "%ss3cret"}' % (b"x" * 197), "", id="the password is where it is cut"),
        pytest.param(b'{"errors": []}', "", id="it says nothing"),
        pytest.param(b'{"errors": [5]}', "", id="a number"),
        pytest.param(b"<html>", "", id="no JSON"),
        pytest.param(b"[]", "", id="a list"),
    ],
)
def test_what_a_refusal_says_of_itself(connect, body, said):
    def answer(call: Call) -> Reply:
        if "Authorization" in call.headers:
            return Reply(403, body)
        return Reply(401, headers={"WWW-Authenticate": "Basic realm=x"})

    with LoopbackServer(answer) as server:
        door, _ = try_both(connect(server.address, login=BOB), server.address)

    assert door.steps[-1].said == said
    assert "s3cret" not in repr(door)


def test_of_an_url_only_what_holds_no_secret_is_shown(connect):
    def answer(call: Call) -> Reply:
        realm = f"http://{server.address}/token?key=s3cret&service=a"
        return Reply(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="r"'})

    with LoopbackServer(answer) as server:
        door, _ = try_both(connect(server.address, login=BOB), server.address)

    assert [step.url for step in door.steps] == [
        f"http://{server.address}/v2/",
        f"http://{server.address}/token?service=a&service=r",
    ]
    assert door.steps[-1].carried is Carried.PASSWORD
    assert "s3cret" not in repr(door)
