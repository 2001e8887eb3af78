"""Whatever way a login takes: nothing of it is in an error, a traceback, a log line, what is printed, or the store.

Each way is gone twice: to a registry that lets us in, and to one that does not.
"""

import base64
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from imagebot.demo.loopback import Call, LoopbackServer, Reply
from imagebot.errors import ImagebotError
from imagebot.image.reference import Repository
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.poll import Doubt, poll
from imagebot.registry.credentials import Login
from imagebot.registry.given_login import AwsLogin, AzureLogin, GcpLogin, GivenLogin
from imagebot.registry.logins import LoginSources
from imagebot.secret import Secret
from imagebot.store.store import Store
from tests.registry.helpers import answer_with
from tests.servers.aws import LoginService
from tests.servers.azure import CLIENT, SECRET, TENANT, Entra
from tests.servers.google import Google

PASSWORD = "hunter2-s3cret"
# The exchange and the token of a registry, of which a name and password are not asked for.
OWN_TOKEN, OWN_IDENTITY = "hunter2-token", "hunter2-identity"


class Registry:
    """Lets in whoever has a token of its own, which it gives to anyone who brings a login, or to nobody."""

    def __init__(self, *, lets_in: bool) -> None:
        self.seen: list[str] = []
        self._lets_in = lets_in
        self._server = LoopbackServer(self._answer)
        self.address = self._server.address

    def __enter__(self) -> "Registry":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, call: Call) -> Reply:
        authorization = call.headers.get("Authorization", "")
        self.seen.append(f"{base64.b64decode(authorization.partition(' ')[2] + '==')!r} {call.body!r}")
        if call.target == "/oauth2/exchange":
            return Reply(200, json.dumps({"refresh_token": OWN_IDENTITY}).encode())
        if call.target.startswith("/token"):
            # A rude one: it repeats what it was sent.
            body = {"token": OWN_TOKEN} if self._lets_in else {"message": authorization, "form": call.body.decode()}
            return Reply(200 if self._lets_in else 401, json.dumps(body).encode())
        if authorization != f"Bearer {OWN_TOKEN}":
            challenge = f'Bearer realm="http://{self.address}/token",service="x"'
            return Reply(401, authorization.encode(), {"WWW-Authenticate": challenge})
        return Reply(200, b'{"tags": ["1.0"]}')


@dataclass(frozen=True, slots=True)
class Way:
    """One way for a login to come: what the client is made with, and what must not be seen."""

    login: GivenLogin | None = None
    sources: LoginSources | None = None
    secrets: tuple[str, ...] = (PASSWORD,)
    arrives: str = PASSWORD
    """What the registry has to have been sent, so that the test is of any use."""


Make = Callable[[str, Path, ExitStack, pytest.MonkeyPatch], Way]


def by_settings(_: str, __: Path, ___: ExitStack, ____: pytest.MonkeyPatch) -> Way:
    return Way(login=Login("bob", Secret(PASSWORD)))


def by_pull_secret(address: str, folder: Path, _: ExitStack, __: pytest.MonkeyPatch) -> Way:
    auth = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
    (folder / "pull").write_text(json.dumps({"auths": {f"{address}/acme": {"auth": auth}}}))
    return Way(sources=LoginSources(pull_secrets=(folder / "pull",)), secrets=(PASSWORD, auth))


def by_identity_token(address: str, folder: Path, _: ExitStack, __: pytest.MonkeyPatch) -> Way:
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"identitytoken": PASSWORD}}}))
    return Way(sources=LoginSources(docker_config=folder / "config.json"))


def by_helper(_: str, folder: Path, __: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Way:
    helper = folder / "docker-credential-test"
    helper.write_text(f"#!/bin/sh\necho {PASSWORD} >&2\n{answer_with('bob', PASSWORD)}\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    (folder / "config.json").write_text(json.dumps({"credsStore": "test"}))
    return Way(sources=LoginSources(docker_config=folder / "config.json"))


def by_amazon(_: str, __: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Way:
    service = stack.enter_context(LoginService())
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", service.url)
    login = AwsLogin(None, "eu-west-1", "AKIAEXAMPLE", Secret(PASSWORD), Secret(f"{PASSWORD}-session"))
    return Way(login=login, secrets=(PASSWORD, "login-1"), arrives="login-1")


def by_google(_: str, folder: Path, stack: ExitStack, __: pytest.MonkeyPatch) -> Way:
    file = stack.enter_context(Google()).write_key(folder)
    key = json.loads(file.read_text())["private_key"].splitlines()[1]
    return Way(login=GcpLogin(file), secrets=(key, "token-1"), arrives="token-1")


def by_azure(_: str, folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Way:
    entra = stack.enter_context(Entra(folder / "entra"))
    for name, value in entra.environment.items():
        monkeypatch.setenv(name, value)
    login = AzureLogin(TENANT, CLIENT, Secret(SECRET))
    return Way(login=login, secrets=(SECRET, "entra-token", OWN_IDENTITY), arrives=OWN_IDENTITY)


@pytest.fixture
def logs() -> Iterator[None]:
    configure_logging(LogLevel.DEBUG, LogFormat.CONSOLE)
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize("lets_in", [True, False], ids=["let in", "refused"])
@pytest.mark.parametrize(
    "make", [by_settings, by_pull_secret, by_identity_token, by_helper, by_amazon, by_google, by_azure]
)
def test_nothing_of_a_login_is_seen(make: Make, lets_in, connect, tmp_path, monkeypatch, capfd):
    with ExitStack() as stack:
        registry = stack.enter_context(Registry(lets_in=lets_in))
        way = make(registry.address, tmp_path, stack, monkeypatch)
        registries = connect(registry.address, login=way.login, sources=way.sources)
        repository, texts = Repository(registry.address, "acme/api"), []
        with Store.open(tmp_path / "store.sqlite") as store:
            doubt = Doubt(max_shrink=0.5, patience=timedelta(days=1))
            texts.append(repr(poll(repository, registries=registries, store=store, doubt=doubt, now=datetime.now(UTC))))
        try:
            texts.append(repr(registries.list_tags(repository)))
        except ImagebotError as error:
            texts += [str(error), repr(vars(error)), *traceback.format_exception(error)]
        texts.append(repr(registries._hosts) + repr(registries._logins))

    printed = capfd.readouterr()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("store.sqlite*"))
    assert way.arrives in "".join(registry.seen)
    assert ("1.0" in texts[1]) is lets_in
    for secret in (*way.secrets, OWN_TOKEN):
        assert secret not in "".join(texts) + printed.out + printed.err
        assert secret.encode() not in kept
