"""From the settings to the clients they describe: registries, a target's mirror, its forge.

Each client takes what it needs as plain arguments; this is the one place that knows both sides. What is slow to load is
loaded by the function that needs it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

import imagebot
from imagebot.errors import ImagebotError
from imagebot.log import log
from imagebot.secret import Secret
from imagebot.settings.forge_section import AppSettings, GitHubSettings, GitLabSettings, GitSettings
from imagebot.settings.registry_login import (
    AnonymousSettings,
    AwsSettings,
    AzureSettings,
    GcpSettings,
    LoginSettings,
    PasswordSettings,
)
from imagebot.settings.url import NO_PROXY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from imagebot.forge import Forge
    from imagebot.forge.github_app import GitHubApp, Installation
    from imagebot.git import GitRemote, GitRepo, Oid
    from imagebot.registry.client import Registries
    from imagebot.registry.given_login import GivenLogin
    from imagebot.registry.host import RegistryHost
    from imagebot.registry.logins import LoginSources
    from imagebot.registry.pacing import KeptPauses, Pacing
    from imagebot.settings.operator import Settings, TargetSettings
    from imagebot.settings.registry_section import RegistrySettings
    from imagebot.store.store import Store

# How long one git command may take, in timeouts of a request: a first fetch moves more than one answer does.
_GIT_PATIENCE = 10
# How often pauses are looked for that other processes have kept.
_PAUSES_FOUND_S = 2.0


def make_registries(settings: Settings, *, store: Store | None, pacing: Pacing | None = None) -> Registries:
    """Make the client for all registries, each spoken to as the settings say.

    Pauses that registries ask for are kept in the store; without one they end with the client.
    """
    from imagebot.registry.client import Registries  # urllib3 is slow to load
    from imagebot.registry.pacing import Pacing

    pacing = pacing or Pacing()
    return Registries(
        {name: _make_registry_host(name, registry) for name, registry in settings.registries.items()},
        logins=make_login_sources(settings),
        timeout_s=settings.timeout_s,
        user_agent=f"imagebot/{imagebot.__version__}",
        pacing=pacing if store is None else replace(pacing, pauses=_keep_pauses(store, pacing)),
        max_tags=settings.max_tags,
    )


def make_login_sources(settings: Settings) -> LoginSources:
    from imagebot.registry.given_login import Cloud
    from imagebot.registry.logins import LoginSources

    return LoginSources(
        docker_config=settings.docker_config,
        pull_secrets=settings.pull_secrets,
        clouds=frozenset(map(Cloud, settings.cloud_logins)),
    )


def _make_registry_host(name: str, registry: RegistrySettings) -> RegistryHost:
    from imagebot.registry.host import ClientCertificate, Limits, Proxy, RegistryHost, find_limits, parse_mirror

    usual = find_limits(name)
    limits = Limits(
        in_flight=registry.requests_in_flight or usual.in_flight,
        per_second=registry.requests_per_second or usual.per_second,
    )
    proxy, certificate = None, None
    if registry.proxy is not None:
        url = None if registry.proxy == NO_PROXY else registry.proxy
        proxy = Proxy(url, registry.proxy_username, registry.proxy_password)
    if registry.client_cert_file is not None and registry.client_key_file is not None:
        certificate = ClientCertificate(registry.client_cert_file, registry.client_key_file)
    return RegistryHost(
        name=name,
        plain_http=registry.plain_http,
        ca_file=registry.ca_file,
        logins=_make_logins(registry),
        token_hosts=registry.token_hosts,
        max_tags=registry.max_tags,
        hub_api=registry.hub_api,
        limits=limits,
        mirrors=tuple(map(parse_mirror, registry.mirrors)),
        mirrors_only=registry.mirrors_only,
        proxy=proxy,
        client_certificate=certificate,
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


def _keep_pauses(store: Store, pacing: Pacing) -> KeptPauses:
    """Let pauses be kept in the store; what fails there costs a request too many, and nothing else."""
    from imagebot.registry.pacing import KeptPauses

    def find(host: str) -> Mapping[str, datetime]:
        try:
            return store.pauses.find(host, at=pacing.now())
        except ImagebotError as error:
            log.warning("pauses_not_found", registry=host, error=str(error))
            return {}

    def keep(host: str, scope: str, until: datetime) -> None:
        log.warning("registry_paused", registry=host, scope=scope, until=until.isoformat())
        try:
            store.pauses.keep(host, scope, until=until)
        except ImagebotError as error:
            log.warning("pause_not_kept", registry=host, error=str(error))

    return KeptPauses(find, keep, _PAUSES_FOUND_S if pacing.turns is not None else None)


def open_git(settings: Settings, target: TargetSettings) -> GitRepo:
    """Open the target's mirror under the data directory; only one process at a time can have it open."""
    from imagebot.git import GitRepo, KeyKind, Signature, SigningKey

    remote = _make_remote(settings, target)
    author = Signature(settings.author.name, settings.author.email)
    path = settings.data_dir / "git" / _mirror_name(target)
    key = settings.signing
    signing = None if key is None else SigningKey(KeyKind(key.kind), key.key_file)
    return GitRepo(path, remote, author=author, timeout_s=settings.timeout_s * _GIT_PATIENCE, signing=signing)


def ask_git(settings: Settings, target: TargetSettings) -> Mapping[str, Oid]:
    """Ask the git server for the head of every branch of the target's repo, and leave the mirror alone."""
    from imagebot.git import list_branches

    return list_branches(_make_remote(settings, target), timeout_s=settings.timeout_s * _GIT_PATIENCE)


def _make_remote(settings: Settings, target: TargetSettings) -> GitRemote:
    from imagebot.git import GitRemote

    username, password = _find_git_login(settings, target)
    return GitRemote(
        url=target.url,
        username=username,
        password=password,
        ca_file=target.ca_file,
        ssh_key_file=target.ssh.key_file,
        ssh_known_hosts_file=target.ssh.known_hosts_file,
        plain_http_hosts=target.plain_http_hosts,
    )


def _find_git_login(settings: Settings, target: TargetSettings) -> tuple[str | None, Secret | None]:
    """Find the user and the password for git: those of the settings, or else what GitHub gives its App."""
    forge = target.forge
    if isinstance(forge, GitHubSettings) and forge.app and target.password is None and target.url.startswith("http"):
        return "x-access-token", _log_in_as_app(forge, forge.app, timeout_s=settings.timeout_s).token
    return target.username, target.password


def _mirror_name(target: TargetSettings) -> str:
    """Name the folder of a mirror: readable, and another one for every target."""
    readable = "".join(c if c.isalnum() and c.isascii() else "-" for c in target.name)[:60]
    return f"{readable}-{sha256(f'{target.name} {target.url}'.encode()).hexdigest()[:12]}.git"


def open_forge(settings: Settings, target: TargetSettings) -> Forge:
    """Open the target's forge."""
    forge = target.forge
    if isinstance(forge, GitSettings):
        from imagebot.forge.branch_only import BranchForge

        return BranchForge(forge.push_options)
    if isinstance(forge, GitHubSettings):
        return _open_github(forge, timeout_s=settings.timeout_s)
    from imagebot.forge import ForgeProject

    project = ForgeProject(forge.url, forge.project, forge.token, ca_file=forge.ca_file, plain_http=forge.plain_http)
    if isinstance(forge, GitLabSettings):
        from imagebot.forge.gitlab import GitLabForge  # python-gitlab is slow to load

        return GitLabForge(project, timeout_s=settings.timeout_s)
    from imagebot.forge.gitea import GiteaForge

    return GiteaForge(project, timeout_s=settings.timeout_s)


def _open_github(forge: GitHubSettings, *, timeout_s: float) -> Forge:
    from imagebot.forge import ForgeProject
    from imagebot.forge.github import GitHubForge  # PyGithub is slow to load

    installation = None if forge.app is None else _log_in_as_app(forge, forge.app, timeout_s=timeout_s)
    token = forge.token if installation is None else installation.token
    project = ForgeProject(
        forge.url, forge.project, token or Secret(""), ca_file=forge.ca_file, plain_http=forge.plain_http
    )
    return GitHubForge(
        project,
        timeout_s=timeout_s,
        permissions=installation.permissions if installation else None,
        makes_commits=forge.verified_commits,
    )


def _log_in_as_app(forge: GitHubSettings, app: AppSettings, *, timeout_s: float) -> Installation:
    known = _find_app(forge.url, app.id, app.private_key, forge.ca_file, forge.plain_http, timeout_s)
    return known.log_in(forge.project)


# Its tokens hold for an hour, longer than the clients that are made for a round.
@lru_cache(maxsize=256)
def _find_app(
    url: str, app_id: str, key: Secret, ca_file: Path | None, plain_http: bool, timeout_s: float
) -> GitHubApp:
    from imagebot.forge import ForgeProject
    from imagebot.forge.github_app import GitHubApp  # PyGithub is slow to load

    def make_project(path: str, token: Secret) -> ForgeProject:
        return ForgeProject(url, path, token, ca_file=ca_file, plain_http=plain_http)

    return GitHubApp(app_id, key, make_project=make_project, timeout_s=timeout_s)


def find_store(settings: Settings) -> Path | Secret:
    """Find where the store is: a file, or the URL of a database."""
    return settings.store or settings.data_dir / "store.sqlite"
