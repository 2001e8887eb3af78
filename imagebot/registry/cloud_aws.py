"""Logins of Amazon ECR: `GetAuthorizationToken`, asked with whatever AWS's own tools would find, or with given keys.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html. Importing boto3 takes a tenth of a second.
"""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import (
    ConnectionError as AwsConnectionError,
)
from botocore.parsers import ResponseParserError

from imagebot.registry.credentials import Found, Login, Source, SourceKind
from imagebot.registry.errors import CloudUnavailable, NoCloudLogin
from imagebot.registry.given_login import AwsLogin, EcrHost, find_ecr_host
from imagebot.secret import Secret

_CLOUD = "Amazon"
_CONNECT_LIMIT_S = 10.0
# What the documentation promises, for answers that do not say.
_LASTS_S = 12 * 3600.0
_BRIEF_CODES = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded", "ServerException"})
# What boto3 calls the places where it found keys.
_METHODS = {
    "explicit": "the access key of the settings",
    "env": "the environment",
    "shared-credentials-file": "AWS's credentials file",
    "config-file": "AWS's configuration file",
    "iam-role": "the instance's role",
    "container-role": "the container's role",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a web identity",
    "sso": "a single sign-on",
    "custom-process": "a program of the profile",
}


def fetch_aws_login(login: AwsLogin, registry: str, *, timeout_s: float) -> Found:
    """Ask for a login that is good for twelve hours. Raises NoCloudLogin and CloudUnavailable."""
    host = find_ecr_host(registry) or _make_unnamed_host(login, registry)
    try:
        session = _open_session(login, host)
        keys = session.get_credentials()
        method = keys.method if keys is not None else None
        answer = _ask(session, host, timeout_s=timeout_s)
    # OSError: of files that a profile names.
    except (BotoCoreError, ClientError, ResponseParserError, OSError) as error:
        # Not chained: the texts of some hold what was sent.
        raise _make_failure(error, login, registry) from None
    profile = f", profile {login.profile}" if login.profile else ""
    where = _METHODS.get(method or "", method or "unknown keys")
    found = _parse_answer(answer, registry)
    return Found(found, Source(SourceKind.AWS, f"Amazon, by {where}{profile}"), _find_lasts_s(answer))


def _make_unnamed_host(login: AwsLogin, registry: str) -> EcrHost:
    if login.region is None:
        reason = "its name does not say in which region it is; add region to its login in the settings"
        raise NoCloudLogin(_CLOUD, registry, reason)
    return EcrHost(login.region)


def _open_session(login: AwsLogin, host: EcrHost) -> boto3.session.Session:
    return boto3.session.Session(
        profile_name=login.profile,
        aws_access_key_id=login.access_key_id,
        aws_secret_access_key=login.secret_access_key.reveal() if login.secret_access_key else None,
        aws_session_token=login.session_token.reveal() if login.session_token else None,
        region_name=host.region,
    )


def _ask(session: boto3.session.Session, host: EcrHost, *, timeout_s: float) -> Mapping[str, Any]:
    config = Config(
        connect_timeout=min(_CONNECT_LIMIT_S, timeout_s),
        read_timeout=timeout_s,
        retries={"mode": "standard", "total_max_attempts": 2},
        # None leaves it to AWS's own configuration.
        use_fips_endpoint=host.is_fips or None,
        use_dualstack_endpoint=host.is_dual_stack or None,
    )
    client = session.client("ecr-public" if host.is_public else "ecr", config=config)
    try:
        answer: Mapping[str, Any] = client.get_authorization_token()
    finally:
        client.close()
    return answer


def _parse_answer(answer: Mapping[str, Any], registry: str) -> Login:
    try:
        text = base64.b64decode(_find_data(answer)["authorizationToken"], validate=True).decode()
    except (ValueError, TypeError, KeyError, IndexError):
        raise CloudUnavailable(_CLOUD, registry, "its answer holds no login") from None
    username, _, password = text.partition(":")
    return Login(username, Secret(password))


def _find_lasts_s(answer: Mapping[str, Any]) -> float:
    """Return for how long the login lasts, counted by Amazon's own clock; what has ended already does not say."""
    until = _find_data(answer).get("expiresAt")
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        now = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        now = datetime.now(UTC)
    lasts_s = (until - now).total_seconds() if isinstance(until, datetime) else 0.0
    return lasts_s if lasts_s > 0 else _LASTS_S


def _find_data(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what was granted: one thing by the public registry, a list of one by others."""
    data = answer["authorizationData"]
    found: Mapping[str, Any] = data[0] if isinstance(data, list) else data
    return found


def _make_failure(error: Exception, login: AwsLogin, registry: str) -> CloudUnavailable | NoCloudLogin:
    if isinstance(error, ClientError):
        return _make_refusal(error.response, registry)
    if isinstance(error, AwsConnectionError | HTTPClientError | ResponseParserError):
        return CloudUnavailable(_CLOUD, registry, f"no answer that can be used ({type(error).__name__})")
    if isinstance(error, ProfileNotFound):
        return NoCloudLogin(_CLOUD, registry, f"there is no profile {login.profile} in AWS's configuration")
    if isinstance(error, NoCredentialsError):
        places = "environment, profile, web identity and instance role"
        return NoCloudLogin(
            _CLOUD, registry, f"no identity was found ({places} have none); give the machine a role, or name keys"
        )
    return NoCloudLogin(
        _CLOUD, registry, f"AWS's configuration leads to no identity ({type(error).__name__}); "
        "`aws sts get-caller-identity` says why"
    )  # fmt: skip


def _make_refusal(response: Mapping[str, Any], registry: str) -> CloudUnavailable | NoCloudLogin:
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # Where the answer names no code, boto3 takes the status for one.
    said = f"{status} {code}" if re.fullmatch(r"[A-Za-z][A-Za-z0-9.]{1,80}", code) else str(status)
    if code in _BRIEF_CODES or status >= 500:
        return CloudUnavailable(_CLOUD, registry, f"it answered {said}")
    if code == "AccessDeniedException":
        what = "may not call GetAuthorizationToken: attach a policy such as AmazonEC2ContainerRegistryReadOnly"
        return NoCloudLogin(_CLOUD, registry, f"the identity {what} ({said})")
    return NoCloudLogin(_CLOUD, registry, f"it does not accept the identity ({said}); are its keys still valid?")
