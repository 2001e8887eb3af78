"""The settings of a target's forge: where merge requests are opened, and with which credentials."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from imagebot.settings.secret_source import FilePath, SecretLines, SecretText
from imagebot.settings.section import MadeFrom, Refused, Section, YesOrNo, matching
from imagebot.settings.url import ACCEPTED_FORGE_URL, is_plain_http, make_forge_url

_PROJECT = re.compile(r"[0-9]+|[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+")
_OWNED_PROJECT = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_APP_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PUSH_OPTION = re.compile(r"[^\x00-\x1f\x7f]{1,1000}")

ForgeUrl = Annotated[str, MadeFrom(ACCEPTED_FORGE_URL, make_forge_url)]
OwnedProject = Annotated[str, matching(_OWNED_PROJECT, "the project's owner and name, as in infra/fleet")]
PushOption = Annotated[str, matching(_PUSH_OPTION, "a text on one line, as in merge_request.target={target}")]


class GitSettings(Section):
    """No forge: the branch is pushed, and the text of the proposal is in the commit message."""

    kind: Literal["git"]
    push_options: Annotated[
        tuple[str, ...],
        MadeFrom("a list of push options", source=Annotated[tuple[PushOption, ...], Field(max_length=50)]),
    ] = ()
    """Sent with each push; `{target}` and `{title}` in them stand for the target's branch and the proposal's title."""


class _RestForge(Section):
    """What is said alike of forges that are asked over HTTP."""

    url: ForgeUrl
    ca_file: FilePath | None = None
    plain_http: YesOrNo = False

    @model_validator(mode="after")
    def _refuse_unwanted_plain_http(self) -> Self:
        refuse_plain_http(self.url, is_allowed=self.plain_http)
        return self


class GitLabSettings(_RestForge):
    """A GitLab project, by its path or number, and the token that merge requests are opened with."""

    kind: Literal["gitlab"]
    project: Annotated[str, matching(_PROJECT, "the project's path, as in infra/fleet, or its number in quotes")]
    token: SecretText


class GiteaSettings(_RestForge):
    """A project of a Gitea or Forgejo, and the token that merge requests are opened with."""

    kind: Literal["gitea", "forgejo"]
    project: OwnedProject
    token: SecretText


class AppSettings(Section):
    """A GitHub App: its id or client id, and its private key."""

    id: Annotated[str, matching(_APP_ID, "the App's id in quotes, or its client id")]
    private_key: SecretLines


class GitHubSettings(_RestForge):
    """A project of GitHub or GitHub Enterprise, and the token or App that merge requests are opened with."""

    kind: Literal["github"]
    url: ForgeUrl = "https://github.com"
    project: OwnedProject
    token: SecretText | None = None
    app: AppSettings | None = None
    verified_commits: YesOrNo = False
    """Whether GitHub makes the commits, which it then shows as verified."""

    @model_validator(mode="after")
    def _require_one_login(self) -> Self:
        if (self.token is None) == (self.app is None):
            raise Refused("either token or app", found="neither" if self.token is None else "both")
        if self.verified_commits and self.app is None:
            raise Refused(
                "app beside it: GitHub verifies only an App's commits",
                found="verified_commits with a token",
                at=("verified_commits",),
            )
        return self


ForgeSettings = Annotated[GitSettings | GitLabSettings | GitHubSettings | GiteaSettings, Field(discriminator="kind")]


def refuse_plain_http(url: str, *, is_allowed: bool) -> None:
    """Raise Refused for a URL that is not encrypted, unless the settings allow that."""
    if is_plain_http(url) and not is_allowed:
        raise Refused("https://, or http:// with plain_http: true", found="http:// without plain_http", at=("url",))
