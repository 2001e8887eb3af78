"""What only GitHub does: plans without drafts, limits that look like missing rights, Apps, commits of its own."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from imagebot.forge import CommitsByApi, Forge, ForgeProject, NewMergeRequest
from imagebot.forge.errors import ForgeAccessDenied, ForgeRateLimited, TokenTooWeak, UnfitProject, UnusableForge
from imagebot.forge.github import GitHubForge
from imagebot.forge.github_api import find_api_url
from imagebot.forge.github_app import GitHubApp
from imagebot.secret import Secret
from tests.forge.conftest import BRANCH, Connect
from tests.forge.test_check import NOW
from tests.servers.github import GitHubDialect
from tests.servers.gitserver import find_head, git
from tests.servers.loopback_forge import Fault, LoopbackForge

NEW = NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "Because.\n")
DATE = {"Date": formatdate(1_700_000_000, usegmt=True)}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


@pytest.fixture
def kind() -> str:
    return "github"


@pytest.fixture
def github(server: LoopbackForge) -> GitHubDialect:
    assert isinstance(server.dialect, GitHubDialect)
    return server.dialect


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://github.example.com", "https://github.example.com/api/v3"),
        ("https://git.example.com:8443/github", "https://git.example.com:8443/github/api/v3"),
    ],
)
def test_the_api_is_where_github_has_it(url: str, api: str):
    assert find_api_url(url) == api


def test_a_plan_without_drafts_gets_none_and_says_so(
    forge: Forge, server: LoopbackForge, github: GitHubDialect, waits: list[float]
):
    github.rules.has_drafts = False

    opened = forge.open(replace(NEW, is_draft=True))

    assert not server.merge_requests[1].is_draft
    assert opened.unmet == ("it is no draft, because this project has none",)


def test_an_assignee_without_access_is_dropped_by_github_and_told(forge: Forge, server: LoopbackForge):
    opened = forge.open(replace(NEW, assignees=("oscar", "bob")))

    assert server.merge_requests[1].assignees == ["bob"]
    assert opened.unmet == ("GitHub does not let oscar be assigned here",)


def test_the_author_is_not_asked_for_a_review(forge: Forge, server: LoopbackForge):
    opened = forge.open(replace(NEW, reviewers=("imagebot", "alice")))

    assert server.merge_requests[1].reviewers == ["alice"]
    assert opened.unmet == ("GitHub does not let imagebot be asked for a review here",)


def test_only_pull_requests_of_the_branch_are_asked_for(forge: Forge, server: LoopbackForge):
    forge.find_ended(branch=BRANCH, target="main")

    assert server.requests[-1].parameters["head"] == f"acme:{BRANCH}"


# Limits


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("body", "headers", "retry_after_s"),
    [
        pytest.param(
            {"message": "API rate limit exceeded for user ID 1."},
            {**DATE, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000900"},
            900.0,
            id="the primary one, until its reset",
        ),
        pytest.param(SECONDARY, {"Retry-After": "45"}, 45.0, id="the secondary one with a wait"),
        pytest.param(SECONDARY, {}, 60.0, id="the secondary one without a wait"),
    ],
)
def test_a_limit_is_told_from_a_missing_right(
    status: int,
    body: object,
    headers: dict[str, str],
    retry_after_s: float,
    forge: Forge,
    server: LoopbackForge,
):
    server.fault = lambda request: Fault(status, body, headers)

    with pytest.raises(ForgeRateLimited) as caught:
        forge.open(NEW)

    assert caught.value.retry_after_s == retry_after_s
    assert len(server.requests) == 1


def test_a_missing_right_is_no_limit(forge: Forge, server: LoopbackForge):
    server.fault = lambda request: Fault(403, {"message": "Resource not accessible by integration"})

    with pytest.raises(ForgeAccessDenied, match="Resource not accessible by integration"):
        forge.list_open(branch_prefix="imagebot/", target="main")


# Apps

Log = Callable[..., GitHubApp]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def clock() -> list[float]:
    """The one instant that the App's clock shows."""
    return [0.0]


@pytest.fixture
def make_app(server: LoopbackForge, github: GitHubDialect, key: rsa.RSAPrivateKey, clock: list[float]) -> Log:
    """Return a function that makes the server's App; its arguments replace what is usual."""
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    github.app_key = public.decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()

    def make_project(path: str, token: Secret) -> ForgeProject:
        return ForgeProject(server.url, path, token, plain_http=True)

    def make_app(app_id: str = "1234", private_key: str = private) -> GitHubApp:
        return GitHubApp(app_id, Secret(private_key), make_project=make_project, timeout_s=10, clock=lambda: clock[0])

    return make_app


def connect_app(app: GitHubApp, connect: Connect, **others: object) -> Forge:
    installation = app.log_in("acme/infra")
    return connect(token=installation.token.reveal(), permissions=installation.permissions, **others)


def test_an_app_opens_pull_requests_as_a_bot(make_app: Log, connect: Connect, server: LoopbackForge):
    opened = connect_app(make_app(), connect).open(NEW).merge_request

    assert opened.author == "imagebot[bot]"
    assert [(each.method, each.path) for each in server.requests[:2]] == [
        ("GET", "/repos/acme/infra/installation"),
        ("POST", "/app/installations/4242/access_tokens"),
    ]


def test_a_token_is_remembered_until_it_could_end_within_a_round(
    make_app: Log, server: LoopbackForge, clock: list[float]
):
    app = make_app()

    tokens = [app.log_in("acme/infra").token]
    clock[0] = 2399
    tokens.append(app.log_in("acme/infra").token)
    clock[0] = 2400
    tokens.append(app.log_in("acme/infra").token)

    assert (tokens[0] == tokens[1], tokens[1] == tokens[2]) == (True, False)
    assert len(server.requests) == 4


def test_an_app_that_is_not_installed_is_told(make_app: Log):
    with pytest.raises(
        UnfitProject, match=r"acme/other .* the App is not installed in it, or there is no such project"
    ):
        make_app().log_in("acme/other")


def test_an_app_of_another_key_is_refused(make_app: Log):
    with pytest.raises(ForgeAccessDenied, match="needs id and private key to be of one App, and the clock"):
        make_app(app_id="999").log_in("acme/infra")


@pytest.mark.parametrize("text", ["s3cret", "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----"])
def test_a_private_key_that_is_none_is_told_without_showing_it(text: str, make_app: Log):
    with pytest.raises(UnusableForge, match="the App's private key is no RSA key in PEM") as caught:
        make_app(private_key=text).log_in("acme/infra")

    assert "s3cret" not in str(caught.value)
    assert caught.value.host.startswith("127.0.0.1:")


def test_what_an_app_may_do_is_checked_before_it_does_it(make_app: Log, connect: Connect, github: GitHubDialect):
    github.permissions = {"contents": "read", "pull_requests": "write", "issues": "write"}

    with pytest.raises(TokenTooWeak, match="has no write access to contents, and needs read and write access to"):
        connect_app(make_app(), connect).check(now=NOW)


def test_an_app_without_issues_goes_on_with_a_warning(make_app: Log, connect: Connect, github: GitHubDialect):
    del github.permissions["issues"]

    (warning,) = connect_app(make_app(), connect).check(now=NOW).warnings

    assert warning.endswith("may not write issues: faults of the policy file are not shown in the project")


# Commits


def commits_of(forge: Forge) -> CommitsByApi:
    assert forge.commits is not None
    return forge.commits


def test_a_commit_of_an_app_is_signed_and_holds_what_was_asked_for(
    make_app: Log, connect: Connect, repository: Path, github: GitHubDialect
):
    forge = connect_app(make_app(), connect, makes_commits=True)
    head = find_head(repository, "main")
    assert head is not None
    data = b"\xffimage: nginx:1.3\r\n"

    oid = commits_of(forge).create_commit(
        parent=head, files={"app.yaml": ("100755", data)}, message="Update nginx\n\nImagebot-Plan: x\n"
    )

    raw = subprocess.run(
        ["git", "--git-dir", str(repository), "cat-file", "blob", f"{oid}:app.yaml"], check=True, capture_output=True
    ).stdout
    assert raw == data
    assert git(repository, "rev-parse", f"{oid}^").decode().strip() == head
    assert git(repository, "ls-tree", oid, "app.yaml").startswith(b"100755 blob")
    assert b"\ngpgsig -----BEGIN PGP SIGNATURE-----" in git(repository, "cat-file", "commit", oid)
    assert git(repository, "for-each-ref", "--contains", oid) == b""


def test_commits_cost_one_request_for_each_file_and_three(
    make_app: Log, connect: Connect, repository: Path, server: LoopbackForge
):
    forge = connect_app(make_app(), connect, makes_commits=True)
    head = str(find_head(repository, "main"))
    files = {f"{number}.yaml": ("100644", b"%d" % number) for number in range(3)}
    before = len(server.requests)

    commits_of(forge).create_commit(parent=head, files=files, message="Three")

    assert len(server.requests) - before == 6


def test_commits_are_gits_unless_the_settings_say_so(connect: Connect):
    assert connect().commits is None


def test_the_client_is_one_of_github(connect: Connect):
    assert isinstance(connect(), GitHubForge)
