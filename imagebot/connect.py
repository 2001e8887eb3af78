"""From the settings to the clients they describe: registries, a target's mirror, its forge.

Each client takes what it needs as plain arguments; this is the one place that knows both sides. What is slow to load is
loaded by the function that needs it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import imagebot
from imagebot.settings.operator import GitForge, RegistrySettings, Settings, TargetSettings
from imagebot.settings.registry_login import (
    AnonymousSettings,
    AwsSettings,
    AzureSettings,
    GcpSettings,
    LoginSettings,
    PasswordSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from imagebot.forge import Forge
    from imagebot.git import GitRepo
    from imagebot.registry.client import Registries
    from imagebot.registry.given_login import GivenLogin

# How long one git command may take, in timeouts of a request: a first fetch moves more than one answer does.
_GIT_PATIENCE = 10


def make_registries(settings: Settings) -> Registries:
    """Make the client for all registries, each spoken to as the settings say."""
    from imagebot.registry.client import Registries  # urllib3 is slow to load
    from imagebot.registry.given_login import Cloud
    from imagebot.registry.host import RegistryHost
    from imagebot.registry.logins import LoginSources

    hosts = {
        name: RegistryHost(
            name=name,
            plain_http=registry.plain_http,
            ca_file=registry.ca_file,
            logins=_make_logins(registry),
            token_hosts=registry.token_hosts,
            max_tags=registry.max_tags,
        )
        for name, registry in settings.registries.items()
    }
    return Registries(
        hosts,
        logins=LoginSources(
            docker_config=settings.docker_config,
            pull_secrets=settings.pull_secrets,
            clouds=frozenset(map(Cloud, settings.cloud_logins)),
        ),
        timeout_s=settings.timeout_s,
        user_agent=f"imagebot/{imagebot.__version__}",
        max_tags=settings.max_tags,
    )


def _make_logins(registry: RegistrySettings) -> Mapping[str, GivenLogin]:
    """Make the logins of one registry, by the prefix of the paths that they are for; empty is all of it."""
    from imagebot.registry.credentials import Login

    given = {prefix: _make_login(login) for prefix, login in registry.logins.items()}
    if registry.login is not None:
        given[""] = _make_login(registry.login)
    elif registry.username is not None and registry.password is not None:
        given[""] = Login(registry.username, registry.password)
    return given


def _make_login(given: LoginSettings) -> GivenLogin:
    from imagebot.registry.credentials import Login
    from imagebot.registry.given_login import Anonymous, AwsLogin, AzureLogin, GcpLogin

    match given:
        case PasswordSettings():
            return Login(given.username, given.password)
        case AnonymousSettings():
            return Anonymous()
        case AwsSettings():
            return AwsLogin(
                given.profile, given.region, given.access_key_id, given.secret_access_key, given.session_token
            )
        case GcpSettings():
            return GcpLogin(given.credentials_file)
        case AzureSettings():
            return AzureLogin(given.tenant_id, given.client_id, given.client_secret, given.authority, given.audience)


def open_git(settings: Settings, target: TargetSettings) -> GitRepo:
    """Open the target's mirror under the data directory; only one process at a time can have it open."""
    from imagebot.git import GitRemote, GitRepo, Signature

    remote = GitRemote(
        url=target.url,
        username=target.username,
        password=target.password,
        ca_file=target.ca_file,
        ssh_key_file=target.ssh.key_file,
        ssh_known_hosts_file=target.ssh.known_hosts_file,
        plain_http_hosts=target.plain_http_hosts,
    )
    author = Signature(settings.author.name, settings.author.email)
    path = settings.data_dir / "git" / _mirror_name(target)
    return GitRepo(path, remote, author=author, timeout_s=settings.timeout_s * _GIT_PATIENCE)


def _mirror_name(target: TargetSettings) -> str:
    """Name the folder of a mirror: readable, and another one for every target."""
    readable = "".join(c if c.isalnum() and c.isascii() else "-" for c in target.name)[:60]
    return f"{readable}-{sha256(f'{target.name} {target.url}'.encode()).hexdigest()[:12]}.git"


def open_forge(settings: Settings, target: TargetSettings) -> Forge:
    """Open the target's forge."""
    forge = target.forge
    if isinstance(forge, GitForge):
        from imagebot.forge.branch_only import BranchForge

        return BranchForge()
    from imagebot.forge import ForgeProject
    from imagebot.forge.gitlab import GitLabForge  # python-gitlab is slow to load

    project = ForgeProject(forge.url, forge.project, forge.token, ca_file=forge.ca_file, plain_http=forge.plain_http)
    return GitLabForge(project, timeout_s=settings.timeout_s)


def find_store_file(settings: Settings) -> Path:
    return settings.data_dir / "store.sqlite"
