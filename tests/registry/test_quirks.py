"""What single registries do, each in its own way, where a login is asked for: one test a quirk, with its source."""

import base64
import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from imagebot.image.reference import parse_repository
from imagebot.registry.access import Access, Errand
from imagebot.registry.credentials import Credentials, Found, IdentityToken, KeptLogin, Login, Source, SourceKind
from imagebot.registry.errors import AccessDenied
from imagebot.registry.host import RegistryHost
from imagebot.registry.message import Answer, Request
from imagebot.secret import Secret

Respond = Callable[[Request], tuple[int, str]]


class Visitor:
    """Asks one registry for a list of tags, and keeps what was asked: path, and which login or token it carried."""

    def __init__(self, image: str, *credentials: Credentials, token_hosts: frozenset[str] = frozenset()) -> None:
        """`credentials` are what looking up finds, one after the other; the last one stays."""
        self.repository = parse_repository(image)
        self.host = RegistryHost(self.repository.registry, token_hosts=token_hosts)
        self.seen: list[tuple[str, str | None]] = []
        self._credentials = iter(credentials)
        self._last: Credentials | None = None
        login = KeptLogin(self._look_up, monotonic=lambda: self.now)
        self._access = Access(self.host, lambda _: login, monotonic=lambda: self.now)
        self.now = 0.0

    def ask(self, respond: Respond, image: str | None = None) -> int:
        """Return the status of the last answer; `respond` gives status and challenge, or a token."""
        repository = parse_repository(image) if image else self.repository
        url = f"{self.host.base_url}/v2/{repository.path}/tags/list"
        self.seen.clear()
        steps = self._access.authorize(Request("GET", url, 1000), Errand.to_repository(repository))
        step = next(steps)
        while True:
            status, said = respond(step)
            self.seen.append((urlsplit(step.url).path, describe(step)))
            is_token = "/tags/list" not in step.url
            headers = {"WWW-Authenticate": said} if said and not is_token else {}
            body = json.dumps({"token": said, "expires_in": 300}).encode() if is_token else b"{}"
            try:
                step = steps.send(Answer(step.url, status, headers, body))
            except StopIteration as end:
                answer: Answer = end.value
                return answer.status

    def _look_up(self) -> Found | None:
        self._last = next(self._credentials, self._last)
        return Found(self._last, Source(SourceKind.HELPER, "a test")) if self._last is not None else None


def describe(request: Request) -> str | None:
    """Return what a request carries: `user:password`, or the token."""
    if request.authorization is None:
        return None
    scheme, _, value = request.authorization.reveal().partition(" ")
    return base64.b64decode(value).decode() if scheme == "Basic" else value


def is_token_request(request: Request) -> bool:
    return "/tags/list" not in request.url


def test_docker_hub_stands_at_another_address_and_its_tokens_at_a_third():
    visitor = Visitor("nginx", Login("bob", Secret("pat")))

    def respond(request: Request) -> tuple[int, str]:
        if is_token_request(request):
            assert urlsplit(request.url).netloc == "auth.docker.io"
            query = parse_qs(urlsplit(request.url).query)
            assert query == {"service": ["registry.docker.io"], "scope": ["repository:library/nginx:pull"]}
            return 200, "t"
        assert request.url.startswith("https://registry-1.docker.io/v2/library/nginx/")
        challenge = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:x:pull"'
        return (200, "") if request.authorization else (401, challenge)

    assert visitor.ask(respond) == 200
    assert [carried for _, carried in visitor.seen] == [None, "bob:pat", "t"]


def test_docker_hub_refuses_what_it_does_not_know():
    def respond(request: Request) -> tuple[int, str]:
        return (200, "t") if is_token_request(request) else (401, 'Bearer realm="https://auth.docker.io/token"')

    with pytest.raises(AccessDenied, match="check the name as well"):
        Visitor("nosuch").ask(respond)


def test_github_forbids_a_token_to_a_login_that_has_ended_even_for_what_is_public():
    # https://github.com/akuity/kargo/pull/778
    def respond(request: Request) -> tuple[int, str]:
        challenge = 'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:acme/api:pull"'
        return (403, "") if is_token_request(request) else (401, challenge)

    with pytest.raises(AccessDenied) as caught:
        Visitor("ghcr.io/acme/api", Login("bob", Secret("old"))).ask(respond)

    assert "refused the login from a test (403); if it may read this repository, log in again" in str(caught.value)


def test_gitlab_has_its_tokens_beside_its_registry():
    visitor = Visitor("registry.gitlab.com/acme/api", Login("gitlab+deploy-token-1", Secret("gldt")))

    def respond(request: Request) -> tuple[int, str]:
        challenge = 'Bearer realm="https://gitlab.com/jwt/auth",service="container_registry",scope="x"'
        if is_token_request(request):
            return 200, "t"
        return (200, "") if request.authorization else (401, challenge)

    assert visitor.ask(respond) == 200
    assert visitor.seen[1] == ("/jwt/auth", "gitlab+deploy-token-1:gldt")


@pytest.mark.parametrize("named", ["gitlab.example.com", "gitlab.example.com:443"])
def test_a_gitlab_of_ones_own_needs_its_other_host_named(named):
    def respond(request: Request) -> tuple[int, str]:
        challenge = 'Bearer realm="https://gitlab.example.com:443/jwt/auth",service="container_registry"'
        if is_token_request(request):
            return 200, "t"
        return (200, "") if request.authorization else (401, challenge)

    image, login = "registry.example.com/acme/api", Login("bot", Secret("glpat"))
    with pytest.raises(AccessDenied, match=r"add gitlab\.example\.com to the token_hosts of registry\.example\.com"):
        Visitor(image, login).ask(respond)

    assert Visitor(image, login, token_hosts=frozenset({named})).ask(respond) == 200


@pytest.mark.parametrize(
    ("image", "user", "challenge"),
    [
        pytest.param(
            "quay.io/acme/api", "acme+ci", 'Bearer realm="https://quay.io/v2/auth",service="quay.io"', id="Quay"
        ),
        pytest.param(
            "harbor.example/acme/api",
            "robot$acme+ci",
            'Bearer realm="https://harbor.example/service/token",service="harbor-registry"',
            id="Harbor",
        ),
        pytest.param(
            "public.ecr.aws/acme/api",
            "AWS",
            'Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"',
            id="Amazon's public registry",
        ),
        pytest.param(
            "europe-docker.pkg.dev/p/r/api",
            "oauth2accesstoken",
            'Bearer realm="https://europe-docker.pkg.dev/v2/token",service="europe-docker.pkg.dev"',
            id="Google",
        ),
    ],
)
def test_robots_get_their_token_with_their_name_as_it_is(image, user, challenge):
    visitor = Visitor(image, Login(user, Secret("pw")))

    def respond(request: Request) -> tuple[int, str]:
        if is_token_request(request):
            return 200, "t"
        return (200, "") if request.authorization else (401, challenge)

    assert visitor.ask(respond) == 200
    assert [carried for _, carried in visitor.seen] == [None, f"{user}:pw", "t"]


def test_harbor_answers_a_token_that_has_ended_with_basic():
    # https://github.com/goharbor/harbor/blob/main/src/server/middleware/v2auth/auth.go, getChallenge
    visitor = Visitor("harbor.example/acme/api")
    tokens = iter(["t1", "t2"])
    valid = ["t1"]

    def respond(request: Request) -> tuple[int, str]:
        if is_token_request(request):
            return 200, next(tokens)
        if describe(request) in valid:
            return 200, ""
        challenge = 'Bearer realm="https://harbor.example/service/token",service="harbor-registry"'
        return 401, 'Basic realm="harbor"' if request.authorization else challenge

    assert visitor.ask(respond) == 200
    valid[:] = ["t2"]

    assert visitor.ask(respond) == 200
    assert [carried for _, carried in visitor.seen] == ["t1", None, "t2"]


def test_harbor_answers_a_token_that_may_not_read_with_basic_as_well():
    visitor = Visitor("harbor.example/acme/api", Login("robot$x", Secret("pw")))

    def respond(request: Request) -> tuple[int, str]:
        if is_token_request(request):
            return 200, "t"
        challenge = 'Bearer realm="https://harbor.example/service/token",service="harbor-registry"'
        return 401, 'Basic realm="harbor"' if request.authorization else challenge

    for _ in range(2):
        with pytest.raises(AccessDenied, match="took the login from a test, which may not read this repository"):
            visitor.ask(respond)
        # The password is never sent to the registry itself.
        assert [carried for _, carried in visitor.seen] == [None, "robot$x:pw", "t"]


def test_artifactory_hides_what_is_not_for_anyone():
    visitor = Visitor("acme.jfrog.io/docker/api", Login("bob", Secret("pw")))

    def respond(request: Request) -> tuple[int, str]:
        return (200, "") if request.authorization else (404, "")

    assert visitor.ask(respond) == 200
    assert [carried for _, carried in visitor.seen] == [None, "bob:pw"]


def test_artifactory_has_a_token_server_for_each_part_of_its_repositories():
    # https://github.com/containerd/containerd/issues/6339
    visitor = Visitor("acme.jfrog.io/a/api", Login("bob", Secret("pw")))

    def respond(request: Request) -> tuple[int, str]:
        part = urlsplit(request.url).path.split("/")[2 if "/tags/list" in request.url else 4]
        if is_token_request(request):
            return 200, f"for-{part}"
        challenge = f'Bearer realm="https://acme.jfrog.io:443/artifactory/api/docker/{part}/v2/token",service="x"'
        return (200, "") if describe(request) == f"for-{part}" else (401, challenge)

    for image in ("acme.jfrog.io/a/api", "acme.jfrog.io/b/web"):
        visitor.ask(respond, image)
    visitor.now += 301  # all tokens have ended

    for image, part in (("acme.jfrog.io/a/api", "a"), ("acme.jfrog.io/b/web", "b")):
        assert visitor.ask(respond, image) == 200
        assert [carried for _, carried in visitor.seen] == ["bob:pw", f"for-{part}"]


def test_amazon_forbids_a_password_that_has_ended():
    # https://github.com/awslabs/amazon-ecr-credential-helper/issues/7
    old, new = Login("AWS", Secret("old")), Login("AWS", Secret("new"))
    visitor = Visitor("123456789012.dkr.ecr.eu-west-1.amazonaws.com/api", old, new)

    def respond(request: Request) -> tuple[int, str]:
        if request.authorization is None:
            return (
                401,
                'Basic realm="https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"',
            )
        return (200, "") if describe(request) == "AWS:new" else (403, "")

    assert visitor.ask(respond) == 200
    assert [carried for _, carried in visitor.seen] == [None, "AWS:old", "AWS:new"]


def test_amazons_public_registry_answers_400_to_a_token_that_has_ended():
    # https://github.com/aws/containers-roadmap/issues/2835
    visitor = Visitor("public.ecr.aws/acme/api")
    tokens = iter(["t1", "t2"])
    valid = ["t1"]

    def respond(request: Request) -> tuple[int, str]:
        if is_token_request(request):
            return 200, next(tokens)
        challenge = 'Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"'
        return (200, "") if describe(request) in valid else (400, "") if request.authorization else (401, challenge)

    assert visitor.ask(respond) == 200
    valid[:] = ["t2"]

    assert visitor.ask(respond) == 200
    assert [carried for _, carried in visitor.seen] == ["t1", None, "t2"]


def test_a_right_that_was_given_meanwhile_is_in_the_next_token():
    visitor = Visitor("registry.gitlab.com/acme/api", Login("bob", Secret("pw")))
    tokens, rights = iter(["t1", "t2", "t3"]), {"t1", "t3"}

    def respond(request: Request) -> tuple[int, str]:
        if is_token_request(request):
            return 200, next(tokens)
        return (
            (200, "")
            if describe(request) in rights
            else (
                403 if request.authorization else 401,
                'Bearer realm="https://gitlab.com/jwt/auth",service="container_registry"',
            )
        )

    assert visitor.ask(respond) == 200
    rights.discard("t1")
    with pytest.raises(AccessDenied, match="the login from a test may not read this repository"):
        visitor.ask(respond)
    assert visitor.ask(respond) == 200


def test_azure_takes_the_identity_token_by_post():
    visitor = Visitor("acme.azurecr.io/api", IdentityToken(Secret("id")))

    def respond(request: Request) -> tuple[int, str]:
        if is_token_request(request):
            assert request.method == "POST"
            assert request.form is not None
            assert parse_qs(request.form.reveal())["refresh_token"] == ["id"]
            return 200, "t"
        challenge = 'Bearer realm="https://acme.azurecr.io/oauth2/token",service="acme.azurecr.io",scope="x"'
        return (200, "") if request.authorization else (401, challenge)

    assert visitor.ask(respond) == 200
