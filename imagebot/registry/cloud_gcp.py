"""Logins of Google's registries (Artifact Registry, gcr.io): an access token stands in for the password.

https://cloud.google.com/artifact-registry/docs/docker/authentication#token. Whose token: a service account's key or a
workload identity from a file, else what Google's own tools would find (environment, gcloud's login, metadata server).
"""

import functools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import google.auth
from google.auth import aws, exceptions, identity_pool, pluggable
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user_account
from google.oauth2 import service_account

from imagebot.registry.credentials import Found, Login, Source, SourceKind
from imagebot.registry.errors import CloudUnavailable, NoCloudLogin
from imagebot.registry.given_login import GcpLogin
from imagebot.secret import Secret

_CLOUD = "Google"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_USERNAME = "oauth2accesstoken"
_MAX_FILE_BYTES = 256 * 1024
_AWS_SUBJECT = "urn:ietf:params:aws:token-type:aws4_request"


def fetch_gcp_login(login: GcpLogin, registry: str, *, timeout_s: float) -> Found:
    """Ask for an access token, good for about an hour. Raises NoCloudLogin and CloudUnavailable."""
    request = functools.partial(Request(), timeout=timeout_s)
    try:
        identity, source = _find_identity(login, request, registry)
        identity.refresh(request)
    except exceptions.GoogleAuthError as error:
        # Not chained: the texts of some hold what was sent.
        raise _make_failure(error, login, registry) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        # What the library makes of an answer that is none.
        raise CloudUnavailable(_CLOUD, registry, "its answer cannot be read") from None
    if not isinstance(identity.token, str) or not identity.token:
        raise CloudUnavailable(_CLOUD, registry, "its answer holds no token")
    found = Login(_USERNAME, Secret(identity.token))
    return Found(found, Source(SourceKind.GCP, f"Google, by {source}"), _find_lasts_s(identity.expiry))


def _find_identity(login: GcpLogin, request: Any, registry: str) -> tuple[Any, str]:
    """Return Google's credentials, of no one type, and what to call them."""
    if login.credentials_file is not None:
        return _load_identity(login.credentials_file, registry), str(login.credentials_file)
    identity, _ = google.auth.default(scopes=_SCOPES, request=request)
    account = getattr(identity, "service_account_email", None)
    return identity, f"the account {account}" if account not in (None, "default") else "the machine's own account"


def _load_identity(file: Path, registry: str) -> Any:
    """Read a file of any of the kinds that stand for a program, not for a person."""
    try:
        with file.open("rb") as stream:
            fields = json.loads(stream.read(_MAX_FILE_BYTES))
        kind = fields["type"]
        if kind == "service_account":
            return service_account.Credentials.from_service_account_info(fields, scopes=_SCOPES)
        if kind == "external_account":
            return _find_pool(fields).from_info(fields, scopes=_SCOPES)
        if kind == "authorized_user":
            return user_account.Credentials.from_authorized_user_info(fields, scopes=_SCOPES)
    except OSError as error:
        raise NoCloudLogin(_CLOUD, registry, f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoCloudLogin(_CLOUD, registry, f"{file} is no credentials file that can be read") from None
    raise NoCloudLogin(
        _CLOUD, registry,
        f"{file} holds no kind of credentials that is known; accepted are the key of a service account, and the "
        "configuration of a workload identity federation",
    )  # fmt: skip


def _find_pool(fields: dict[str, Any]) -> Any:
    if fields.get("subject_token_type") == _AWS_SUBJECT:
        return aws.Credentials
    return pluggable.Credentials if "executable" in fields["credential_source"] else identity_pool.Credentials


def _find_lasts_s(until: datetime | None) -> float | None:
    # Counted by this machine's clock; its zone is left out.
    lasts_s = (until.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() if until is not None else 0.0
    return lasts_s if lasts_s > 0 else None


def _make_failure(error: exceptions.GoogleAuthError, login: GcpLogin, registry: str) -> CloudUnavailable | NoCloudLogin:
    if isinstance(error, exceptions.TransportError | exceptions.TimeoutError) or error.retryable:
        return CloudUnavailable(_CLOUD, registry, f"no answer that can be used ({type(error).__name__})")
    if isinstance(error, exceptions.DefaultCredentialsError) and login.credentials_file is None:
        places = "environment, gcloud's login and metadata server"
        return NoCloudLogin(
            _CLOUD, registry, f"no identity was found ({places} have none); give the machine or pod a service account, "
            "or name a credentials_file in the settings"
        )  # fmt: skip
    whose = f"the identity of {login.credentials_file}" if login.credentials_file else "the identity that was found"
    return NoCloudLogin(_CLOUD, registry, f"it does not accept {whose}; is its key or its pool still there?")
