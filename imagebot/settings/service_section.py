"""What the settings say to `imagebot run`: how often, for how long at its end, its web server, and webhooks.

What verifies a webhook and what its body means is for `web` to say; here are the kinds that there are.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from imagebot.settings.duration import ACCEPTED_DURATION, make_duration
from imagebot.settings.pace_section import Interval
from imagebot.settings.registry_section import RegistryName
from imagebot.settings.secret_source import SecretText
from imagebot.settings.section import MadeFrom, Refused, Section, matching, one_of

_LISTEN = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):(?P<port>[0-9]{1,5})")
_HOOK_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_USERNAME = re.compile(r"[^:\x00-\x1f\x7f]{1,200}")


class HookKind(enum.Enum):
    """Who sends a webhook: this decides how it is verified and how it is read."""

    ACR = "acr"
    CLOUDEVENTS = "cloudevents"
    DISTRIBUTION = "distribution"
    DOCKER_HUB = "docker-hub"
    ECR = "ecr"
    GITEA = "gitea"
    GITHUB = "github"
    GITLAB = "gitlab"
    HARBOR = "harbor"
    QUAY = "quay"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the web server listens; port 0 is one that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def _make_shutdown_timeout(text: str, _: object) -> float:
    return make_duration(text, longest="1h").total_seconds()


def _make_address(text: str, _: object) -> Address:
    match = _LISTEN.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise Refused
    return Address(match["host"].strip("[]"), int(match["port"]))


HookName = Annotated[
    str, matching(_HOOK_NAME, "a name of lower-case letters, digits and hyphens: it is part of the hook's address")
]


class WebSection(Section):
    """The web server: the status page, the API, metrics, health and webhooks."""

    listen: Annotated[Address, MadeFrom("HOST:PORT, as in 127.0.0.1:8080 or 0.0.0.0:8080", _make_address)] = Address(
        "127.0.0.1", 8080
    )
    username: Annotated[str, matching(_USERNAME, "a text on one line, without a colon")] | None = None
    password: SecretText | None = None
    token: SecretText | None = None

    @model_validator(mode="after")
    def _refuse_half_a_login(self) -> "WebSection":
        if (self.username is None) != (self.password is None):
            missing = "username" if self.username is None else "password"
            raise Refused("username and password together", found="no such key", at=(missing,))
        return self

    @property
    def is_protected(self) -> bool:
        return self.password is not None or self.token is not None


class HookSection(Section):
    """One webhook: who sends it, the secret that it proves itself with, and the registry that it is about."""

    kind: Annotated[HookKind, one_of(HookKind)]
    secret: SecretText
    registry: RegistryName | None = None


class ServiceSection(Section):
    """The keys at the top of the settings that only `imagebot run` reads."""

    interval: Interval = timedelta(minutes=5)
    """How often a target is looked at, and the registries of its images are asked."""
    recheck: Interval = timedelta(hours=1)
    """After which time a target is updated though nothing that it depends on is known to have moved."""
    parallel_updates: Annotated[
        int, MadeFrom("a whole number from 1 to 64", source=Annotated[int, Field(ge=1, le=64)])
    ] = 4
    shutdown_timeout_s: Annotated[float, MadeFrom(ACCEPTED_DURATION, _make_shutdown_timeout)] = Field(
        25.0, alias="shutdown_timeout"
    )
    """For how long rounds may go on when imagebot is told to end."""
    web: WebSection | None = WebSection()
    webhooks: Mapping[HookName, HookSection] = Field(default_factory=dict)
