"""How a registry lets us in, step by step and without a socket."""

import base64
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from imagebot.image.reference import Repository, parse_repository
from imagebot.registry.access import Access, Basic, Errand, find_way
from imagebot.registry.challenge import parse_challenges
from imagebot.registry.credentials import Credentials, Found, IdentityToken, KeptLogin, Login, Source, SourceKind
from imagebot.registry.errors import AccessDenied, UnexpectedAnswer
from imagebot.registry.host import RegistryHost
from imagebot.registry.message import Answer, Request
from imagebot.registry.token import TokenServer
from imagebot.secret import Secret

HOST = RegistryHost("r.example")
API = parse_repository("r.example/acme/api")
LIST = Request("GET", "https://r.example/v2/acme/api/tags/list", 1000)
BEARER = 'Bearer realm="https://r.example/token",service="r"'
BASIC = 'Basic realm="r"'
LOGIN = Login("bob", Secret("s3cret"))
BOB = f"Basic {base64.b64encode(b'bob:s3cret').decode()}"

Respond = Callable[[Request], Answer]


def make_answer(request: Request, status: int = 200, *, challenge: str = "", body: bytes = b"{}") -> Answer:
    return Answer(request.url, status, {"WWW-Authenticate": challenge} if challenge else {}, body)


def keep(look_up: Callable[[], Credentials | None], *, clock: Callable[[], float] = lambda: 0.0) -> KeptLogin:
    def find() -> Found | None:
        credentials = look_up()
        return Found(credentials, Source(SourceKind.FILE, "a test")) if credentials is not None else None

    return KeptLogin(find, monotonic=clock)


def make_access(login: Credentials | KeptLogin | None, *, clock: Callable[[], float] = lambda: 0.0) -> Access:
    kept = login if isinstance(login, KeptLogin) else keep(lambda: login, clock=clock)
    return Access(HOST, lambda _: kept, monotonic=clock)


def ask(access: Access, respond: Respond, request: Request = LIST, *, repository: Repository = API) -> list[str | None]:
    """Drive one request to its end; return the Authorization of each request that was made."""
    seen: list[str | None] = []
    steps = access.authorize(request, Errand.to_repository(repository))
    step = next(steps)
    while True:
        seen.append(step.authorization.reveal() if step.authorization is not None else None)
        try:
            step = steps.send(respond(step))
        except StopIteration:
            return seen


def bearer_registry(request: Request) -> Answer:
    """Give the token `t`, and want it."""
    if urlsplit(request.url).path == "/token":
        return make_answer(request, body=b'{"token": "t"}')
    is_in = request.authorization == Secret("Bearer t")
    return make_answer(request) if is_in else make_answer(request, 401, challenge=BEARER)


def basic_registry(request: Request) -> Answer:
    is_in = request.authorization == Secret(BOB)
    return make_answer(request) if is_in else make_answer(request, 401, challenge=BASIC)


def test_an_open_registry_is_asked_without_a_login():
    assert ask(make_access(LOGIN), make_answer) == [None]


def test_a_token_is_asked_after_the_challenge_and_kept():
    access = make_access(None)

    assert ask(access, bearer_registry) == [None, None, "Bearer t"]
    assert ask(access, bearer_registry) == ["Bearer t"]


def test_the_login_goes_to_the_token_server_only():
    assert ask(make_access(LOGIN), bearer_registry) == [None, BOB, "Bearer t"]


def test_basic_is_sent_at_once_after_the_first_challenge():
    access = make_access(LOGIN)

    assert ask(access, basic_registry) == [None, BOB]
    assert ask(access, basic_registry) == [BOB]


def test_a_registry_that_hides_what_it_does_not_show_to_anyone_is_asked_again_with_the_login():
    def respond(request):
        return make_answer(request, 200 if request.authorization == Secret(BOB) else 404)

    assert ask(make_access(LOGIN), respond) == [None, BOB]


def test_what_is_hidden_may_be_behind_a_token_as_well():
    def respond(request):
        return make_answer(request, 404) if request.authorization is None else bearer_registry(request)

    assert ask(make_access(LOGIN), respond) == [None, BOB, BOB, "Bearer t"]


def test_a_404_without_a_login_is_an_answer():
    assert ask(make_access(None), lambda request: make_answer(request, 404)) == [None]


def test_a_kept_token_that_is_refused_is_replaced_once():
    access = make_access(None)
    ask(access, bearer_registry)
    tokens = iter([b'{"token": "new"}'])

    def respond(request):
        if urlsplit(request.url).path == "/token":
            return make_answer(request, body=next(tokens))
        is_in = request.authorization == Secret("Bearer new")
        return make_answer(request) if is_in else make_answer(request, 401, challenge=BEARER)

    assert ask(access, respond) == ["Bearer t", None, "Bearer new"]


def test_a_fresh_token_that_is_refused_is_not_asked_for_again():
    asked = []

    def respond(request):
        asked.append(urlsplit(request.url).path)
        if asked[-1] == "/token":
            return make_answer(request, body=b'{"token": "t"}')
        return make_answer(request, 401, challenge=BEARER)

    with pytest.raises(AccessDenied):
        ask(make_access(None), respond)

    assert asked.count("/token") == 1


@pytest.mark.parametrize(
    ("expires_in", "after_s", "is_kept"),
    [
        pytest.param("", 49.0, True, id="60 s if nothing is said, less the margin"),
        pytest.param("", 51.0, False, id="and no longer"),
        pytest.param(', "expires_in": 300', 289.0, True, id="as said"),
        pytest.param(
            ', "expires_in": 300, "issued_at": "1999-01-01T00:00:00Z"', 289.0, True, id="issued_at is ignored"
        ),
        pytest.param(', "expires_in": 8', 5.0, True, id="shorter than the margin, and used for most of it"),
        pytest.param(', "expires_in": 8', 7.0, False, id="but not to the end"),
        pytest.param(', "expires_in": -1', 49.0, True, id="nonsense counts as nothing"),
        pytest.param(', "expires_in": "300"', 51.0, False, id="a text counts as nothing"),
        pytest.param(', "expires_in": NaN', 51.0, False, id="no number counts as nothing"),
        pytest.param(f', "expires_in": {"9" * 400}', 86_000.0, True, id="for ever is a day"),
        pytest.param(', "expires_in": 1e999', 86_400.0, False, id="and not for ever"),
    ],
)
def test_how_long_a_token_is_kept(clock, expires_in, after_s, is_kept):
    access = make_access(None, clock=clock)

    def respond(request):
        is_token = urlsplit(request.url).path == "/token"
        body = b'{"token": "t"%s}' % expires_in.encode()
        return make_answer(request, body=body) if is_token else bearer_registry(request)

    ask(access, respond)
    clock.now += after_s

    assert ask(access, respond) == (["Bearer t"] if is_kept else [None, "Bearer t"])


def test_no_login_goes_to_another_host_than_the_registrys():
    access = make_access(LOGIN)
    ask(access, basic_registry)

    elsewhere = Request("GET", "https://us-docker.pkg.dev/v2/acme/api/tags/list", 1000)

    assert ask(access, make_answer, elsewhere) == [None]


@pytest.mark.parametrize(
    ("credentials", "challenge", "status", "said"),
    [
        pytest.param(None, BASIC, 401, "none is configured for r.example", id="no login"),
        pytest.param(
            LOGIN, BASIC, 401, "refused the login from a test (401); check user and password", id="wrong password"
        ),
        pytest.param(LOGIN, BEARER, 401, "took the login from a test, which may not read", id="not this repository"),
        pytest.param(None, BEARER, 401, "none is configured for r.example", id="not without a login"),
        pytest.param(None, "", 403, "none is configured for r.example", id="forbidden to anyone"),
        pytest.param(LOGIN, "", 403, "forbids it (403)", id="forbidden to the login"),
        pytest.param(LOGIN, "Negotiate", 401, "in a way that the login from a test cannot answer", id="another scheme"),
        pytest.param(
            IdentityToken(Secret("id")),
            BASIC,
            401,
            "in a way that the login from a test cannot answer",
            id="token for Basic",
        ),
    ],
)
def test_what_a_denial_says(credentials, challenge, status, said):
    def respond(request):
        is_token = urlsplit(request.url).path == "/token"
        return (
            make_answer(request, body=b'{"token": "t"}')
            if is_token
            else make_answer(request, status, challenge=challenge)
        )

    with pytest.raises(AccessDenied) as caught:
        ask(make_access(credentials), respond)

    assert said in str(caught.value)
    assert str(caught.value).startswith("r.example/acme/api: ")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_token_server_that_refuses_the_login_is_named(status):
    def respond(request):
        is_token = urlsplit(request.url).path == "/token"
        return make_answer(request, status) if is_token else make_answer(request, 401, challenge=BEARER)

    with pytest.raises(AccessDenied, match=r"the token server r\.example refused the login from a test"):
        ask(make_access(LOGIN), respond)


def test_docker_hub_answers_401_for_a_name_it_does_not_know():
    hub = RegistryHost("docker.io")
    access = Access(hub, lambda _: keep(lambda: None), monotonic=float)
    steps = access.authorize(Request("GET", f"{hub.base_url}/v2/", 1), Errand.to_repository(parse_repository("nosuch")))
    next(steps)

    with pytest.raises(AccessDenied, match="check the name as well: Docker Hub answers the same for one it does not"):
        steps.send(Answer("", 401, {}, b""))


def test_a_login_that_ended_is_looked_up_again():
    passwords = iter(["old", "s3cret"])
    access = make_access(keep(lambda: Login("bob", Secret(next(passwords)))))

    *_, last = ask(access, basic_registry)

    assert last == BOB


def test_a_login_that_ended_is_looked_up_again_for_a_token():
    passwords = iter(["old", "s3cret"])
    access = make_access(keep(lambda: Login("bob", Secret(next(passwords)))))

    def respond(request):
        is_old = urlsplit(request.url).path == "/token" and request.authorization != Secret(BOB)
        return make_answer(request, 401) if is_old else bearer_registry(request)

    assert ask(access, respond)[-2:] == [BOB, "Bearer t"]


@pytest.mark.parametrize(
    ("header", "way"),
    [
        pytest.param(f"{BASIC}, {BEARER}", TokenServer("https://r.example/token", "r"), id="a token rather than Basic"),
        pytest.param(f"Negotiate, {BASIC}", Basic(), id="what we can of several"),
        pytest.param('Bearer realm="https://r.example/t"', TokenServer("https://r.example/t", None), id="no service"),
        pytest.param("Negotiate", None, id="nothing we can"),
    ],
)
def test_the_way_in_is_chosen_from_the_challenges(header, way):
    assert find_way(parse_challenges(header), HOST) == way


@pytest.mark.parametrize(
    ("realm", "said"),
    [
        pytest.param(
            "https://evil.example/token", "add evil.example to the token_hosts of r.example", id="another host"
        ),
        pytest.param("https://r.example:8443/", "add r.example:8443 to the token_hosts", id="another port"),
        pytest.param("http://r.example/token", "its login sent to r.example over plain HTTP", id="without TLS"),
    ],
)
def test_a_realm_that_may_not_see_the_login_is_refused(realm, said):
    with pytest.raises(AccessDenied) as caught:
        find_way(parse_challenges(f'Bearer realm="{realm}"'), HOST)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "realm", ["", "/token", "ftp://r.example/", "https://bob:pw@r.example/", "https://r.example/ü"]
)
def test_a_realm_that_is_no_web_address_is_refused(realm):
    with pytest.raises(UnexpectedAnswer, match="is no web address"):
        find_way(parse_challenges(f'Bearer realm="{realm}"'), HOST)
