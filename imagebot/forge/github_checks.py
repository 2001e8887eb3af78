"""What GitHub says of a project and its token beforehand, and merging when checks pass."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from imagebot.forge.errors import ForgeAccessDenied, ForgeConflict, ForgeRefused, TokenTooWeak, UnfitProject
from imagebot.forge.github_api import NEEDED, GitHubApi
from imagebot.forge.interface import ProjectState
from imagebot.forge.pulls import PULL, Named, Pull, RepoApi

_EXPIRES_SOON = timedelta(days=14)
_EXPIRATION = "github-authentication-token-expiration"
_NOT_MERGED = "it is not merged automatically: "
_ENABLE = """
mutation($id: ID!, $method: PullRequestMergeMethod!, $head: GitObjectID!) {
  enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: $method, expectedHeadOid: $head}) {
    clientMutationId
  }
}
"""


@dataclass(frozen=True, slots=True)
class _Permissions:
    push: bool = False


@dataclass(frozen=True, slots=True)
class _Project:
    default_branch: str
    private: bool
    archived: bool = False
    disabled: bool = False
    has_pull_requests: bool = True
    permissions: _Permissions | None = None
    allow_auto_merge: bool = False
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None

    @property
    def merge_method(self) -> str:
        allowed = {"merge": self.allow_merge_commit, "squash": self.allow_squash_merge}
        return next((method for method, is_allowed in allowed.items() if is_allowed is not False), "rebase")


@dataclass(frozen=True, slots=True)
class _CheckRun:
    status: str
    conclusion: str | None


@dataclass(frozen=True, slots=True)
class _CheckRuns:
    check_runs: list[_CheckRun]


@dataclass(frozen=True, slots=True)
class _Status:
    state: str
    total_count: int


_PROJECT = TypeAdapter(_Project)
_BRANCHES = TypeAdapter(list[Named])
_RUNS = TypeAdapter(_CheckRuns)
_STATUS = TypeAdapter(_Status)


def check_project(api: RepoApi, *, permissions: Mapping[str, str] | None, now: datetime) -> ProjectState:
    """See whether the project takes pull requests and the token may make them; `permissions` are those of an App."""
    host, path = api.project.host, api.project.path
    project, headers = api.get_with_headers("", _PROJECT)
    if fault := _say_fault(project):
        raise UnfitProject(host, path, fault)
    if lack := _find_lack(project, headers, permissions):
        raise TokenTooWeak(host, path, has=lack, needed=NEEDED)
    is_empty = not api.get("branches", _BRANCHES, per_page=1)
    warnings = _list_warnings(headers, permissions, f"the token set for {path} on {host}", now=now)
    return ProjectState(project.default_branch, is_empty, tuple(warnings))


def find_fault(api: RepoApi) -> str | None:
    """Ask why no pull request can be opened in the project, whatever the token may do; None if nothing is known."""
    return _say_fault(api.get("", _PROJECT))


def _say_fault(project: _Project) -> str | None:
    if project.archived:
        return "it is archived"
    if project.disabled:
        return "it is disabled"
    return None if project.has_pull_requests else "pull requests are turned off in its settings"


def _find_lack(project: _Project, headers: Mapping[str, str], permissions: Mapping[str, str] | None) -> str | None:
    """Name the right that is there instead of the one that is needed; None if nothing is known to be missing."""
    if permissions is not None:
        weak = [name for name in ("contents", "pull_requests") if permissions.get(name) != "write"]
        return f"no write access to {' and '.join(weak)}" if weak else None
    if project.permissions is not None and not project.permissions.push:
        return "no write access to the project"
    # Only classic tokens have scopes; they limit what its user may do.
    scopes = {each.strip() for each in headers.get("X-OAuth-Scopes", "").split(",")} - {""}
    is_enough = "repo" in scopes or ("public_repo" in scopes and not project.private)
    return f"the scopes {', '.join(sorted(scopes))}" if scopes and not is_enough else None


def _list_warnings(
    headers: Mapping[str, str], permissions: Mapping[str, str] | None, token: str, *, now: datetime
) -> Iterator[str]:
    expires_at = _find_date(headers.get(_EXPIRATION, ""))
    if expires_at is not None and expires_at - now < _EXPIRES_SOON:
        yield f"{token} expires on {expires_at:%Y-%m-%d}; renew it before"
    if permissions is not None and permissions.get("issues") != "write":
        yield f"{token} may not write issues: faults of the policy file are not shown in the project"


def _find_date(text: str) -> datetime | None:
    """Read the instant that GitHub writes as `2026-10-01 08:00:00 UTC`, or with an offset."""
    try:
        return datetime.strptime(text.replace("UTC", "+0000"), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None


def set_auto_merge(api: GitHubApi, path: str) -> str | None:
    """Let GitHub merge a pull request when its checks pass.

    GitHub takes that only while there is something to wait for. Where the required checks have passed already it says
    no, and then it is merged here, if there was a check at all.
    """
    pull = api.repo.get(path, PULL)
    if pull.merged_at is not None or pull.auto_merge is not None:
        return None
    project = api.repo.get("", _PROJECT)
    if not project.allow_auto_merge:
        return f"{_NOT_MERGED}auto-merge is turned off in the settings of the project"
    variables = {"id": pull.node_id, "method": project.merge_method.upper(), "head": pull.head.sha}
    try:
        api.mutate(_ENABLE, variables)
    except ForgeRefused as error:
        if not _has_passed(api.repo, pull):
            return f"{_NOT_MERGED}{error.said}"
    else:
        return None
    try:
        api.repo.tell("PUT", f"{path}/merge", {"sha": pull.head.sha, "merge_method": project.merge_method})
    except (ForgeAccessDenied, ForgeConflict, ForgeRefused) as error:
        return f"{_NOT_MERGED}{error}"
    return None


def _has_passed(api: RepoApi, pull: Pull) -> bool:
    """Whether there were checks of the head, and all of them passed."""
    runs = api.get(f"commits/{pull.head.sha}/check-runs", _RUNS, per_page=100).check_runs
    status = api.get(f"commits/{pull.head.sha}/status", _STATUS)
    has_runs_passed = all(each.conclusion in {"success", "neutral", "skipped"} for each in runs)
    is_status_good = status.state == "success" or status.total_count == 0
    return bool(runs or status.total_count) and has_runs_passed and is_status_good
