"""Logins of Azure's registries: Entra's token for an identity, exchanged at the registry for one of its own.

https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md: what `/oauth2/exchange` gives is an identity token, as docker
keeps them, with which `/oauth2/token` is asked for each repository. Importing azure.identity takes 0.2 s.
"""

import base64
import json
import re
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import ClientSecretCredential, DefaultAzureCredential

from imagebot.registry.credentials import Found, IdentityToken, Source, SourceKind
from imagebot.registry.errors import CloudUnavailable, NoCloudLogin
from imagebot.registry.failure import unwrap
from imagebot.registry.given_login import AzureLogin
from imagebot.registry.host import RegistryHost
from imagebot.registry.message import Answer, Request
from imagebot.secret import Secret

_CLOUD = "Azure"
_CONNECT_LIMIT_S = 10.0
# Not Azure's resource manager, which would do: what a registry is sent is good for registries alone.
_AUDIENCE = "https://containerregistry.azure.net"
_NO_ANSWER = (ServiceRequestError, ServiceResponseError)
_MAX_TOKEN_BYTES = 256 * 1024
# Microsoft's number for what is wrong: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_ENTRA_CODE = re.compile(r"AADSTS[0-9]{4,8}")


def fetch_azure_login(
    login: AzureLogin, host: RegistryHost, *, send: Callable[[Request], Answer], timeout_s: float
) -> Found:
    """Ask Entra and then the registry, for an identity token that is good for about three hours.

    Raises NoCloudLogin and CloudUnavailable, and what `send` raises.
    """
    token = _ask_entra(login, host.name, timeout_s=timeout_s)
    fields = {"grant_type": "access_token", "service": host.name, "access_token": token}
    if login.tenant_id is not None:
        fields["tenant"] = login.tenant_id
    form = Secret(urlencode(fields))
    answer = send(Request("POST", f"{host.base_url}/oauth2/exchange", _MAX_TOKEN_BYTES, form=form))
    if answer.status in (400, 401, 403):
        reason = f"the registry does not take the identity's token ({answer.status}); is it of the registry's tenant?"
        raise NoCloudLogin(_CLOUD, host.name, reason)
    own_token = _parse_exchange(answer)
    if own_token is None:
        reason = f"the registry's /oauth2/exchange answered {answer.status}, without a token"
        raise CloudUnavailable(_CLOUD, host.name, reason)
    source = Source(SourceKind.AZURE, f"Azure, by {_describe_identity(login)}")
    return Found(IdentityToken(Secret(own_token)), source, _find_lasts_s(own_token))


def _ask_entra(login: AzureLogin, registry: str, *, timeout_s: float) -> str:
    try:
        with closing(_open_identity(login, timeout_s=timeout_s)) as identity:
            token: str = identity.get_token(f"{login.audience or _AUDIENCE}/.default").token
    except (AzureError, ValueError, OSError) as error:
        # Not chained: the texts of some hold what was sent.
        raise _make_failure(error, login, registry) from None
    return token


def _open_identity(login: AzureLogin, *, timeout_s: float) -> Any:
    options: dict[str, Any] = {
        "connection_timeout": min(_CONNECT_LIMIT_S, timeout_s),
        "read_timeout": timeout_s,
        "retry_total": 1,
        # Whom to ask is for the operator to say: it need not be looked up whether Microsoft knows them.
        "disable_instance_discovery": True,
    }
    if login.authority is not None:
        options["authority"] = login.authority
    if login.client_secret is not None:
        return ClientSecretCredential(
            login.tenant_id or "", login.client_id or "", login.client_secret.reveal(), **options
        )
    if login.client_id is not None:
        options["managed_identity_client_id"] = login.client_id
    if login.tenant_id is not None:
        options["workload_identity_tenant_id"] = login.tenant_id
    return DefaultAzureCredential(
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_developer_cli_credential=True,
        exclude_powershell_credential=True,
        exclude_broker_credential=True,
        process_timeout=max(1, int(timeout_s)),
        **options,
    )


def _describe_identity(login: AzureLogin) -> str:
    if login.client_secret is not None:
        return f"the service principal {login.client_id}"
    return f"the identity {login.client_id}" if login.client_id is not None else "the identity of the environment"


def _parse_exchange(answer: Answer) -> str | None:
    try:
        token = json.loads(answer.body)["refresh_token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return token if isinstance(token, str) and token and answer.status == 200 else None


def _find_lasts_s(token: str) -> float | None:
    """Read for how long the token is good from the token itself, a JWT; no clock is needed for a difference."""
    try:
        claims = token.split(".")[1]
        fields = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        lasts_s = float(fields["exp"]) - float(fields["iat"])
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    return lasts_s if lasts_s > 0 else None


def _make_failure(error: Exception, login: AzureLogin, registry: str) -> CloudUnavailable | NoCloudLogin:
    # Azure's library takes it for a refusal if nobody answers.
    if login.client_secret is not None and any(isinstance(each, _NO_ANSWER) for each in unwrap(error)):
        return CloudUnavailable(_CLOUD, registry, "no connection to Entra, or no answer in time")
    code = _ENTRA_CODE.search(str(error))
    said = f" ({code[0]})" if code is not None else ""
    if isinstance(error, ClientAuthenticationError | ValueError | OSError) and login.client_secret is None:
        places = "environment, workload identity, managed identity, the az program"
        return NoCloudLogin(
            _CLOUD, registry, f"no identity was found that Entra accepts{said}, in none of: {places}; give the machine "
            "or pod one, or name tenant_id, client_id and client_secret in the settings"
        )  # fmt: skip
    if isinstance(error, ClientAuthenticationError | ValueError | OSError):
        return NoCloudLogin(_CLOUD, registry, f"Entra does not accept the identity{said}; is its secret still valid?")
    if isinstance(error, HttpResponseError) and error.status_code is not None and error.status_code < 500:
        return NoCloudLogin(_CLOUD, registry, f"Entra refuses to give a token ({error.status_code})")
    return CloudUnavailable(_CLOUD, registry, f"no answer that can be used ({type(error).__name__})")
