"""What shows of a project and its token before anything is written, told so that a person can act on it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from imagebot.forge import Forge, ProjectState
from imagebot.forge.errors import ForgeAccessDenied, TokenTooWeak, UnfitProject, UnknownProject
from tests.forge.conftest import Connect
from tests.servers.gitea import GiteaDialect
from tests.servers.github import GitHubDialect
from tests.servers.gitlab import GitLabDialect
from tests.servers.gitserver import git
from tests.servers.loopback_forge import EXPIRED_TOKEN, OUTSIDER_TOKEN, Fault, LoopbackForge

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def test_a_project_in_which_all_can_be_done_has_nothing_to_tell(forge: Forge, server: LoopbackForge):
    assert forge.check(now=NOW) == ProjectState(default_branch="main", is_empty=False, warnings=())
    assert len(server.requests) <= 3
    assert server.writes == []


def test_the_default_branch_is_told(forge: Forge, server: LoopbackForge):
    server.project.default_branch = "trunk"

    assert forge.check(now=NOW).default_branch == "trunk"


def test_a_project_without_a_commit_is_empty(forge: Forge, server: LoopbackForge):
    for branch in server.project.list_heads():
        git(server.project.git_dir, "update-ref", "-d", f"refs/heads/{branch}")

    assert forge.check(now=NOW).is_empty


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param({"is_archived": True}, "it is archived", id="archived"),
        pytest.param({"has_merge_requests": False}, "requests are turned off in its settings", id="turned off"),
    ],
)
def test_a_project_that_takes_none_is_unfit(fault: dict[str, Any], says: str, forge: Forge, server: LoopbackForge):
    for name, value in fault.items():
        setattr(server.project, name, value)

    with pytest.raises(UnfitProject, match=rf"imagebot cannot work in acme/infra on 127\.0\.0\.1:\d+: .*{says}"):
        forge.check(now=NOW)


def test_a_token_that_is_no_good_is_told(connect: Connect):
    with pytest.raises(ForgeAccessDenied, match="refuses the token"):
        connect(token=EXPIRED_TOKEN).check(now=NOW)


def test_a_project_that_is_not_to_be_seen_is_told(connect: Connect):
    with pytest.raises(UnknownProject):
        connect(token=OUTSIDER_TOKEN).check(now=NOW)


@pytest.mark.parametrize(
    ("kind", "facts", "has"),
    [
        pytest.param("gitlab", {"role": 20}, r"a role below Developer \(20\)", id="a Reporter on GitLab"),
        pytest.param("gitlab", {"token_scopes": ["read_api"]}, "the scopes read_api", id="a reader's token on GitLab"),
        pytest.param("github", {"can_push": False}, "no write access to the project", id="a reader on GitHub"),
        pytest.param(
            "github", {"scopes": "gist, read:org"}, "the scopes gist, read:org", id="a classic token on GitHub"
        ),
        pytest.param("github", {"scopes": "public_repo"}, "the scopes public_repo", id="a token for what is public"),
        pytest.param("gitea", {"can_push": False}, "no write access to the project", id="a reader on Gitea"),
        pytest.param("forgejo", {"can_push": False}, "no write access to the project", id="a reader on Forgejo"),
    ],
)
def test_a_right_that_is_missing_is_named(
    kind: str, facts: dict[str, Any], has: str, forge: Forge, server: LoopbackForge
):
    for name, value in facts.items():
        assert hasattr(server.dialect, name)
        setattr(server.dialect, name, value)

    with pytest.raises(TokenTooWeak, match=rf"the token set for acme/infra on 127\.0\.0\.1:\d+ has {has}, and needs "):
        forge.check(now=NOW)


@pytest.mark.parametrize("kind", ["gitea", "forgejo"])
def test_a_scope_that_gitea_misses_at_once_is_told(forge: Forge, server: LoopbackForge):
    assert isinstance(server.dialect, GiteaDialect)
    server.dialect.scopes = {"write:repository"}

    with pytest.raises(ForgeAccessDenied, match=r"at least one of required scope\(s\): \[read:issue\]"):
        forge.check(now=NOW)


@pytest.mark.parametrize("kind", ["github"])
def test_a_fine_grained_token_has_no_scopes_to_be_checked(forge: Forge, server: LoopbackForge):
    assert isinstance(server.dialect, GitHubDialect)
    server.dialect.scopes = None

    assert forge.check(now=NOW).warnings == ()


@pytest.mark.parametrize("kind", ["gitlab"])
def test_a_token_that_is_none_of_gitlabs_access_tokens_is_checked_as_far_as_it_goes(
    forge: Forge, server: LoopbackForge
):
    server.fail("GET", "personal_access_tokens/self", Fault(401, {"message": "401 Unauthorized"}))

    assert forge.check(now=NOW).default_branch == "main"


@pytest.mark.parametrize("kind", ["gitlab"])
def test_who_is_no_member_is_warned(forge: Forge, server: LoopbackForge):
    assert isinstance(server.dialect, GitLabDialect)
    server.dialect.role = None

    (warning,) = forge.check(now=NOW).warnings

    assert warning.startswith("the token's user is no member of acme/infra; imagebot can work there only if that is")


@pytest.mark.parametrize(
    ("kind", "near", "far"),
    [
        ("gitlab", "2026-09-14", "2026-09-15"),
        ("github", "2026-09-14 08:00:00 UTC", "2026-09-15 13:00:00 +0000"),
    ],
)
def test_a_token_about_to_expire_is_a_warning(kind: str, near: str, far: str, forge: Forge, server: LoopbackForge):
    assert isinstance(server.dialect, GitLabDialect | GitHubDialect)
    server.dialect.token_expires_at = near

    (warning,) = forge.check(now=NOW).warnings
    server.dialect.token_expires_at = far

    assert warning.startswith("the token set for acme/infra on 127.0.0.1:")
    assert warning.endswith("expires on 2026-09-14; renew it before")
    assert forge.check(now=NOW).warnings == ()
