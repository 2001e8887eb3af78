"""The logins in the settings: to a registry or to a part of it, by a password or by what a cloud takes us for."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from imagebot.settings.secret_source import AnyPath, SecretText
from imagebot.settings.section import MadeFrom, Refused, Section, matching
from imagebot.settings.url import make_forge_url

_USERNAME = re.compile(r"[^:\x00-\x1f\x7f]{1,200}")
_PATH = re.compile(r"(?=.{1,255}$)[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_REGION = re.compile(r"[a-z]{2,10}(?:-[a-z]{2,20}){1,3}-[0-9]{1,2}")
_KEY_ID = re.compile(r"[A-Za-z0-9_]{4,128}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _make_https_url(text: str, context: object) -> str:
    if not text.startswith("https://"):
        raise Refused
    return make_forge_url(text, context)


Username = Annotated[str, matching(_USERNAME, "a text on one line, without a colon")]
PathPrefix = Annotated[str, matching(_PATH, "the beginning of a repository's path, without the registry: acme or a/b")]
_Guid = Annotated[str, matching(_GUID, "an id as Entra has them: 8-4-4-4-12 hexadecimal digits")]


class PasswordSettings(Section):
    """A user and password."""

    kind: Literal["password"] = "password"  # a kind, no secret
    username: Username
    password: SecretText


class AnonymousSettings(Section):
    """None, whatever docker or a cloud may have."""

    kind: Literal["anonymous"]


class AwsSettings(Section):
    """Amazon ECR: keys of the settings, a profile, or whatever AWS's own tools would find."""

    kind: Literal["aws"]
    profile: Annotated[str, matching(_NAME, "the name of a profile")] | None = None
    region: Annotated[str, matching(_REGION, "a region, as in eu-central-1")] | None = None
    access_key_id: Annotated[str, matching(_KEY_ID, "the id of an access key, as in AKIA...")] | None = None
    secret_access_key: SecretText | None = None
    session_token: SecretText | None = None

    @model_validator(mode="after")
    def _refuse_half_a_key(self) -> "AwsSettings":
        if (self.access_key_id is None) != (self.secret_access_key is None):
            missing = "access_key_id" if self.access_key_id is None else "secret_access_key"
            raise Refused("access_key_id and secret_access_key together", found="no such key", at=(missing,))
        if self.session_token is not None and self.access_key_id is None:
            raise Refused("session_token only with access_key_id", found="no such key", at=("access_key_id",))
        if self.profile is not None and self.access_key_id is not None:
            raise Refused("either a profile or an access key", found="both", at=("profile",))
        return self


class GcpSettings(Section):
    """Google's registries: a credentials file, or whatever Google's own tools would find."""

    kind: Literal["gcp"]
    credentials_file: AnyPath | None = None


class AzureSettings(Section):
    """Azure's registries: a service principal, or whatever Azure's own tools would find."""

    kind: Literal["azure"]
    tenant_id: _Guid | None = None
    client_id: _Guid | None = None
    client_secret: SecretText | None = None
    authority: Annotated[str, MadeFrom("the https:// URL of an Entra", _make_https_url)] | None = None
    audience: Annotated[str, MadeFrom("the https:// URL of whom tokens are for", _make_https_url)] | None = None

    @model_validator(mode="after")
    def _refuse_a_secret_of_nobody(self) -> "AzureSettings":
        for key in ("tenant_id", "client_id"):
            if self.client_secret is not None and getattr(self, key) is None:
                raise Refused("client_secret together with tenant_id and client_id", found="no such key", at=(key,))
        return self


LoginSettings = Annotated[
    PasswordSettings | AnonymousSettings | AwsSettings | GcpSettings | AzureSettings, Field(discriminator="kind")
]
Logins = Mapping[PathPrefix, LoginSettings]


def name_kinds(data: Any) -> Any:
    """Add `kind: password` to the logins of a registry that name no kind."""
    if not isinstance(data, dict):
        return data
    logins = data.get("logins")
    named = {key: _name_kind(data[key]) for key in ("login",) if key in data}
    if isinstance(logins, dict):
        named["logins"] = {prefix: _name_kind(login) for prefix, login in logins.items()}
    return {**data, **named}


def _name_kind(login: Any) -> Any:
    return {"kind": "password", **login} if isinstance(login, dict) else login
