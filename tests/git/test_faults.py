"""What a failure means: provoked on a server over HTTP, or told in the words of servers that we do not have."""

import pytest

from imagebot.git import (
    BranchMoved,
    GitAccessDenied,
    GitUnavailable,
    MirrorFull,
    UnknownProject,
    UntrustedServer,
)
from imagebot.git.faults import clean, recognise_fault
from imagebot.secret import Secret
from tests.servers.gitserver import GitServer, list_heads


def test_wrong_password(open_repo):
    repo = open_repo(password=Secret("wrong"))

    with pytest.raises(GitAccessDenied, match="check user name, password or key") as caught:
        repo.list_branches()

    assert "wrong" not in str(caught.value)


def test_no_password(open_repo):
    with pytest.raises(GitAccessDenied):
        open_repo(password=None).list_branches()


def test_public_repository_needs_no_password(open_repo, server, upstream):
    server.public.add("acme/infra")

    assert open_repo(password=None).list_branches() == list_heads(upstream)


def test_unknown_project(open_repo, server):
    with pytest.raises(UnknownProject, match="The project you were looking for could not be found"):
        open_repo(server.url("acme/nope")).list_branches()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(401, GitAccessDenied, id="unauthorised"),
        pytest.param(403, GitAccessDenied, id="forbidden"),
        pytest.param(404, UnknownProject, id="not found"),
        pytest.param(410, UnknownProject, id="gone"),
        pytest.param(301, UnknownProject, id="moved"),
        pytest.param(302, UnknownProject, id="sent to a login page"),
        pytest.param(200, UnknownProject, id="a web page"),
        pytest.param(429, GitUnavailable, id="too many requests"),
        pytest.param(500, GitUnavailable, id="broken"),
        pytest.param(502, GitUnavailable, id="bad gateway"),
        pytest.param(503, GitUnavailable, id="maintenance"),
    ],
)
def test_status_of_an_answer(repo, server, status, error):
    server.fault = lambda _: (status, "http://127.0.0.1:1/elsewhere\n")

    with pytest.raises(error) as caught:
        repo.list_branches()

    assert type(caught.value) is error
    assert server.url("acme/infra") in str(caught.value)


def test_credential_does_not_follow_a_redirect(open_repo, server, tmp_path):
    with GitServer(tmp_path / "elsewhere") as elsewhere:
        server.fault = lambda request: (302, f"{elsewhere.url('acme/infra')}/info/refs?{request.query}\n")

        with pytest.raises(UnknownProject):
            open_repo().list_branches()

        assert elsewhere.requests == []


def test_answer_that_breaks_off(repo, server):
    server.fault = lambda request: (200, "003f") if request.method == "POST" else None

    with pytest.raises(GitUnavailable):
        repo.list_branches()


def test_words_of_the_server_do_not_choose_the_error(repo, server):
    server.fault = lambda _: (
        503,
        "fatal: repository 'x' not found\nERROR: access denied\nHost key verification failed\n",
    )

    with pytest.raises(GitUnavailable, match="Host key verification failed"):
        repo.list_branches()


def test_nobody_listens(open_repo):
    with pytest.raises(GitUnavailable, match=r"Connection refused|Could not connect|Couldn't connect"):
        open_repo("http://127.0.0.1:1/acme/infra.git").list_branches()


def test_host_without_an_address(open_repo):
    repo = open_repo("https://nohost.invalid/acme/infra.git")

    with pytest.raises(GitUnavailable, match="Could not resolve host"):
        repo.list_branches()


def test_outage_leaves_the_mirror_as_it_is(repo, server, tmp_path):
    head = repo.fetch(["main"], depth=1)["main"]
    server.fault = lambda _: (503, "maintenance\n")
    with pytest.raises(GitUnavailable):
        repo.list_branches()

    assert [file.path for file in repo.list_files(head)] == ["app.yaml", "docs/README"]


def test_server_that_never_answers(open_repo, server):
    repo = open_repo(timeout_s=1)
    server.fault = server.hang

    with pytest.raises(GitUnavailable, match=r"git ls-remote took longer than 1 s"):
        repo.list_branches()


def test_server_that_never_answers_leaves_the_mirror_usable(open_repo, server, upstream):
    repo = open_repo(timeout_s=2)
    server.fault = lambda request: server.hang(request) if request.method == "POST" else None
    with pytest.raises(GitUnavailable, match="git fetch took longer"):
        repo.fetch(["main"], depth=1, heads=list_heads(upstream))
    server.fault = lambda _: None

    assert repo.fetch(["main"], depth=1) == list_heads(upstream)


def test_head_that_the_server_dropped(repo):
    with pytest.raises(BranchMoved, match=r"a branch of http://.* moved while it was worked on"):
        repo.fetch(["main"], depth=1, heads={"main": 40 * "1"})


@pytest.mark.parametrize(
    ("said", "error"),
    [
        pytest.param(
            "remote: ====\nremote: ERROR: The project you were looking for could not be found or you may not view it\n",
            UnknownProject,
            id="GitLab hides a project",
        ),
        pytest.param("ERROR: Repository not found.\n", UnknownProject, id="GitHub hides a repository"),
        pytest.param(
            "remote: ERROR: You are not allowed to push code to this project.\n",
            GitAccessDenied,
            id="a key that may only read on GitLab",
        ),
        pytest.param(
            "ERROR: The key you are authenticating with has been marked as read only.\n",
            GitAccessDenied,
            id="a key that may only read on GitHub",
        ),
        pytest.param(
            "fatal: detected dubious ownership in repository at '/srv/infra.git'\n", GitAccessDenied, id="another owner"
        ),
        pytest.param(
            "fatal: unable to access 'https://x/': SSL certificate problem: unable to get local issuer certificate\n",
            UntrustedServer,
            id="OpenSSL does not know the CA",
        ),
        pytest.param(
            "fatal: unable to access 'https://x/': SSL: no alternative certificate subject name matches target\n",
            UntrustedServer,
            id="a certificate for another name",
        ),
        pytest.param(
            "kex_exchange_identification: Connection closed by remote host\n",
            GitUnavailable,
            id="sshd has too many guests",
        ),
        pytest.param(
            "error: unable to write file objects/pack/tmp_pack_x: No space left on device\n", MirrorFull, id="disk full"
        ),
        pytest.param(
            "remote: error: unable to write file: No space left on device\n",
            GitUnavailable,
            id="the server's disk full",
        ),
        pytest.param("", GitUnavailable, id="nothing"),
    ],
)
def test_words_of_other_servers(said, error):
    stderr = f"{said}fatal: Could not read from remote repository.\n".encode()

    fault = recognise_fault("ssh://git@git.example.org/acme/infra.git", stderr, secrets=())

    assert type(fault) is error


def test_words_are_cleaned():
    said = clean(
        b"remote: \x1b[31mno\x07 \xe2\x80\xaeway, s3cr3t\xff  \n\nerror: failed\r\n", secrets=[Secret("s3cr3t")]
    )

    assert said == "[31mno way, ********\ufffd; error: failed"


def test_words_of_the_server_alone():
    assert clean(b"remote: no way   \nerror: failed\n", secrets=(), only_server=True) == "no way"
    assert clean(b"error: failed\n", secrets=(), only_server=True) == "no reason given"
