"""Each way in which a forge can fail, provoked from outside, and where the token does not go."""

import socket
import threading
import traceback
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from imagebot.errors import ImagebotError, NeedsOperator, Transient
from imagebot.forge import Forge, ForgeProject, MergeRequest, NewMergeRequest
from imagebot.forge.errors import (
    ForgeAccessDenied,
    ForgeConflict,
    ForgeMoved,
    ForgeRateLimited,
    ForgeRefused,
    ForgeUnavailable,
    TokenTooWeak,
    UnexpectedForgeAnswer,
    UnfitProject,
    UnknownProject,
    UntrustedForge,
    UnusableForge,
)
from imagebot.secret import Secret
from tests.forge.conftest import BRANCH, CLIENTS, Connect
from tests.servers.certificates import Authority
from tests.servers.forges import make_forge
from tests.servers.loopback_forge import (
    EXPIRED_TOKEN,
    OUTSIDER_TOKEN,
    READ_TOKEN,
    TOKEN,
    Fault,
    LoopbackForge,
    Request,
)

NEW = NewMergeRequest(BRANCH, "main", "Update nginx to 1.3", "")
NEEDS = {
    "gitlab": "the scope `api` and at least the role Developer",
    "github": "read and write access to Contents, Pull requests and Issues",
    "gitea": "the scopes write:repository and write:issue",
    "forgejo": "the scopes write:repository and write:issue",
}


def list_open(forge: Forge) -> tuple[MergeRequest, ...]:
    return forge.list_open(branch_prefix="imagebot/", target="main")


def answer(fault: Fault) -> Callable[[Request], Fault | None]:
    return lambda request: fault


def test_errors_of_the_forge_say_who_can_help():
    transient = {ForgeUnavailable, ForgeRateLimited, ForgeConflict, UnexpectedForgeAnswer}
    operators = {
        ForgeAccessDenied, ForgeMoved, ForgeRefused, TokenTooWeak, UnfitProject, UnknownProject, UntrustedForge,
        UnusableForge,
    }  # fmt: skip

    assert all(issubclass(each, Transient) for each in transient)
    assert all(issubclass(each, NeedsOperator) for each in operators)


# What the forge itself refuses


@pytest.mark.parametrize(
    "token",
    [pytest.param("glpat-wrong", id="a wrong token"), pytest.param(EXPIRED_TOKEN, id="an expired token")],
)
def test_a_token_that_is_no_good_needs_the_operator(token: str, connect: Connect, kind: str):
    with pytest.raises(ForgeAccessDenied, match=r"refuses the token, as if wrong, expired.* \(HTTP 401: ") as caught:
        list_open(connect(token=token))

    assert f"the token set for acme/infra needs {NEEDS[kind]}" in str(caught.value)


def test_a_token_that_may_only_read_can_list_but_not_change(connect: Connect, kind: str):
    forge = connect(token=READ_TOKEN)
    assert list_open(forge) == ()

    with pytest.raises(
        ForgeAccessDenied, match=r"does not let the token do this \(HTTP 403: .*; the token set"
    ) as caught:
        forge.open(NEW)

    assert f"needs {NEEDS[kind]}" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "token"),
    [
        pytest.param("acme/nothing", TOKEN, id="a project that is not there"),
        pytest.param("acme/infra", OUTSIDER_TOKEN, id="a private project of others"),
    ],
)
def test_a_project_that_is_not_to_be_seen_needs_the_operator(path: str, token: str, connect: Connect):
    with pytest.raises(UnknownProject, match=f"has no project {path} with merge requests that the token may see"):
        list_open(connect(path=path, token=token))


def test_a_project_that_moved_needs_the_operator(connect: Connect, server: LoopbackForge):
    with pytest.raises(ForgeMoved, match=r"acme/old-infra is now at /api/.*; set the forge's URL, or the project's"):
        list_open(connect(path="acme/old-infra"))

    assert len(server.requests) == 1


def test_a_project_that_moved_takes_no_new_merge_request_either(connect: Connect, server: LoopbackForge, kind: str):
    # GitLab refuses to write at the old address without saying where the new one is.
    with pytest.raises((ForgeMoved, ForgeRefused)) as caught:
        connect(path="acme/old-infra").open(NEW)

    assert isinstance(caught.value, ForgeMoved) or kind == "gitlab"
    assert server.merge_requests == {}


def test_an_archived_project_is_told_as_one_whatever_the_forge_answers(
    forge: Forge, server: LoopbackForge, waits: list[float]
):
    server.project.is_archived = True

    with pytest.raises(UnfitProject, match=r"imagebot cannot work in acme/infra on 127.0.0.1:.*: it is archived"):
        forge.open(NEW)


# What is in the way


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(Fault(500), "it answered HTTP 500", id="an error of its own"),
        pytest.param(Fault(503, "<html>Deploy in progress</html>"), "it answered HTTP 503", id="a page of a proxy"),
        pytest.param(Fault(None), "the connection failed", id="a connection that ends"),
    ],
)
def test_a_forge_out_of_order_is_unavailable(fault: Fault, reason: str, forge: Forge, server: LoopbackForge):
    server.fault = answer(fault)

    with pytest.raises(ForgeUnavailable) as caught:
        list_open(forge)

    assert caught.value.reason == reason
    assert len(server.requests) == 1


def test_a_forge_that_does_not_answer_is_unavailable(connect: Connect, server: LoopbackForge):
    is_over = threading.Event()
    server.fault = lambda request: Fault(504) if is_over.wait() else None

    with pytest.raises(ForgeUnavailable, match=r"no answer within 0\.1 s"):
        list_open(connect(timeout_s=0.1))
    is_over.set()


def test_a_port_where_nobody_listens_is_unavailable(connect: Connect):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(ForgeUnavailable, match=f"127.0.0.1:{port} is unavailable: the connection failed"):
        list_open(connect(url=f"http://127.0.0.1:{port}"))


DATE = {"Date": formatdate(1_700_000_000, usegmt=True)}


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        pytest.param({"Retry-After": "600"}, 600.0, id="seconds"),
        pytest.param({**DATE, "Retry-After": formatdate(1_700_000_090, usegmt=True)}, 90.0, id="a date"),
        pytest.param({**DATE, "Retry-After": formatdate(1_600_000_000, usegmt=True)}, 0.0, id="a date gone by"),
        pytest.param({**DATE, "Retry-After": "Tue, 14 Nov 2023 22:13:27 -0000"}, 7.0, id="a date without a zone"),
        pytest.param({"Retry-After": "9" * 400}, 86_400.0, id="longer than a day"),
        pytest.param({**DATE, "Retry-After": "soon"}, None, id="something else"),
    ],
)
def test_a_rate_limit_is_told_and_not_slept_through(
    headers: dict[str, str],
    retry_after_s: float | None,
    forge: Forge,
    server: LoopbackForge,
    waits: list[float],
):
    server.fault = answer(Fault(429, "Retry later\n", headers))

    with pytest.raises(ForgeRateLimited) as caught:
        list_open(forge)

    assert caught.value.retry_after_s == retry_after_s
    assert len(server.requests) == 1
    assert waits == []


def test_a_rate_limit_ends_the_opening_of_a_merge_request(forge: Forge, server: LoopbackForge, waits: list[float]):
    server.fail("POST", "(merge_requests|pulls)$", Fault(429, "Retry later\n", {"Retry-After": "60"}))

    with pytest.raises(ForgeRateLimited):
        forge.open(NEW)

    assert waits == []


# What is no answer


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("<html>Sign in</html>", "Invalid JSON", id="a page"),
        pytest.param({"message": "hello"}, "Input should be a valid array", id="an object for a list"),
        pytest.param([{"iid": 1}], "0.", id="a merge request without its fields"),
        pytest.param([None], "0: Input should be", id="nothing for a merge request"),
        pytest.param("[" * 100_000, "Invalid JSON: recursion limit exceeded", id="a list of lists without end"),
    ],
)
def test_an_answer_of_another_kind_is_unexpected(body: object, reason: str, forge: Forge, server: LoopbackForge):
    server.fault = answer(Fault(200, body))

    with pytest.raises(UnexpectedForgeAnswer) as caught:
        list_open(forge)

    assert caught.value.reason.startswith(reason)


def test_a_list_without_end_is_given_up(forge: Forge, server: LoopbackForge):
    server.fault = answer(Fault(200, [], {"X-Next-Page": "2", "Link": '<http://127.0.0.1/x>; rel="next"'}))

    with pytest.raises(UnexpectedForgeAnswer, match=r"a list has more than [0-9]+ pages"):
        list_open(forge)


@pytest.mark.parametrize("kind", ["github"])
def test_an_answer_without_end_is_given_up(forge: Forge, server: LoopbackForge):
    server.fault = answer(Fault(200, " " * (128 << 20) + "[]"))

    with pytest.raises(UnexpectedForgeAnswer, match="it has more than 134217728 bytes"):
        list_open(forge)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"message": "a text"}, "a text", id="text"),
        pytest.param({"message": ["one", "two"]}, "one, two", id="list"),
        pytest.param(
            {"message": {"title": ["is too long"], "base": ["no"]}}, "title is too long; base no", id="mapping"
        ),
        pytest.param({"error": "title is missing"}, "title is missing", id="error"),
        pytest.param(
            {"message": "Validation Failed", "errors": [{"field": "head", "code": "invalid"}, {"message": "No."}, "x"]},
            "Validation Failed: head invalid; No.; x",
            id="errors by field",
        ),
        pytest.param({"message": "one\n\x1b[31mtwo"}, "one [31mtwo", id="lines and control characters"),
        pytest.param({"message": "x" * 400}, "x" * 300 + "…", id="long"),
        pytest.param("Bad Request", "it does not say why", id="no JSON"),
        pytest.param({}, "it does not say why", id="nothing"),
    ],
)
def test_what_the_forge_says_is_told_in_one_line(body: object, said: str, forge: Forge, server: LoopbackForge):
    server.fault = answer(Fault(418, body))

    with pytest.raises(ForgeRefused) as caught:
        list_open(forge)

    assert caught.value.said == said


# Where the token goes, and where not


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(
    status: int, forge: Forge, server: LoopbackForge, kind: str, tmp_path: Path
):
    with make_forge(kind, tmp_path) as other:
        location = f"{other.url.replace('//', '//user:secret@')}/login?private_token={TOKEN}"
        server.fault = answer(Fault(status, headers={"Location": location}))

        with pytest.raises(ForgeMoved) as caught:
            list_open(forge)

        assert caught.value.location == f"{other.url}/login"
        assert other.requests == []


def test_a_next_page_on_another_host_is_not_followed(forge: Forge, server: LoopbackForge, kind: str, tmp_path: Path):
    with make_forge(kind, tmp_path) as other:
        headers = {"Link": f'<{other.url}/next>; rel="next"', "X-Next-Page": "2"}
        server.fault = lambda request: Fault(200, [], headers) if request.parameters["page"] == "1" else None

        assert list_open(forge) == ()
        assert [request.parameters["page"] for request in server.requests] == ["1", "2"]
        assert other.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(401, {"message": f"{TOKEN} is unknown"}), id="refused"),
        pytest.param(Fault(422, {"message": [f"{TOKEN} is wrong"], "errors": [{"message": TOKEN}]}), id="said"),
        pytest.param(Fault(200, {TOKEN: TOKEN}), id="unexpected"),
        pytest.param(Fault(None), id="cut off"),
        pytest.param(Fault(302, headers={"Location": f"/x?private_token={TOKEN}"}), id="redirected"),
    ],
)
def test_the_token_is_in_no_errors_text(fault: Fault, forge: Forge, server: LoopbackForge):
    server.fault = answer(fault)

    with pytest.raises(ImagebotError) as caught:
        list_open(forge)

    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_a_proxy_of_the_environment_does_not_see_a_token_sent_in_the_clear(
    forge: Forge, server: LoopbackForge, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with make_forge(kind, tmp_path) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)

        assert list_open(forge) == ()
        assert proxy.requests == []


def test_a_login_of_the_users_netrc_does_not_take_the_tokens_place(
    kind: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    authority = Authority(tmp_path / "own")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with make_forge(kind, repository, tls=authority.make_server_context()) as server:
        project = ForgeProject(server.url, "acme/infra", Secret(TOKEN), ca_file=authority.ca_file)

        with CLIENTS[kind](project, timeout_s=10) as forge:
            assert list_open(forge) == ()


@pytest.mark.parametrize(
    ("url", "token", "reason"),
    [
        pytest.param("http://gitlab.test", TOKEN, "its URL has to begin with https://", id="plain http"),
        pytest.param("gitlab.test", TOKEN, "its URL has to begin with https://", id="no scheme"),
        pytest.param("https://[::1", TOKEN, "its URL has to begin with https://", id="half an address"),
        pytest.param("https://gitlab.test:x", TOKEN, "its URL has to begin with https://", id="a port of letters"),
        pytest.param("https://", TOKEN, "its URL has to begin with https://", id="no host"),
        pytest.param("https://me:s3cret@gitlab.test", TOKEN, "its URL holds more than", id="a password in it"),
        pytest.param("https://gitlab.test?x=1", TOKEN, "its URL holds more than", id="a query"),
        pytest.param("https://gitlab.test", "", "its token is empty", id="an empty token"),
        pytest.param("https://gitlab.test", "s3cret\n", "its token is empty, or holds", id="a line break in the token"),
        pytest.param("https://gitlab.test", "s3cret…", "its token is empty, or holds", id="a token of other letters"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_showing_secrets(url: str, token: str, reason: str):
    with pytest.raises(UnusableForge) as caught:
        ForgeProject(url, "acme/infra", Secret(token))

    assert caught.value.reason.startswith(reason)
    assert "s3cret" not in str(caught.value)


def test_a_ca_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UnusableForge, match="there is no CA file"):
        ForgeProject("https://gitlab.test", "acme/infra", Secret(TOKEN), ca_file=tmp_path / "ca.pem")


@pytest.mark.parametrize("is_trusted", [True, False])
def test_an_own_ca_is_what_the_settings_say_and_not_the_environment(
    is_trusted: bool, kind: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    authorities = {True: Authority(tmp_path / "own"), False: Authority(tmp_path / "other")}
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authorities[not is_trusted].ca_file))
    with make_forge(kind, repository, tls=authorities[True].make_server_context()) as server:
        project = ForgeProject(server.url, "acme/infra", Secret(TOKEN), ca_file=authorities[is_trusted].ca_file)

        with CLIENTS[kind](project, timeout_s=10) as forge:
            if is_trusted:
                assert list_open(forge) == ()
            else:
                with pytest.raises(UntrustedForge, match=f"it was checked against {project.ca_file}"):
                    list_open(forge)
                assert server.requests == []
