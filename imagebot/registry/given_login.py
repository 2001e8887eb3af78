"""What the settings give as a login: a user and password, nothing at all, or the identity that a cloud gives us.

Pure: values, and which registries are a cloud's by their names. `cloud.py` turns an identity into a login.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from imagebot.registry.credentials import Login
from imagebot.secret import Secret


class Cloud(StrEnum):
    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No login, whatever docker or a cloud may have for the registry."""


@dataclass(frozen=True, slots=True)
class AwsLogin:
    """Amazon ECR: by the keys given, else by AWS's own chain (environment, profiles, web identity, instance role)."""

    profile: str | None = None
    region: str | None = None
    """Where the registry's name does not tell it."""
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None


@dataclass(frozen=True, slots=True)
class GcpLogin:
    """Google's registries: by the file given, else by Google's own chain (environment, gcloud, metadata server)."""

    credentials_file: Path | None = None
    """A service account's key, or the configuration of a workload identity."""


@dataclass(frozen=True, slots=True)
class AzureLogin:
    """Azure's registries: by the secret given, else by Azure's own chain (environment, workload and managed identity).

    `client_id` without a secret chooses among identities.
    """

    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    authority: str | None = None
    """The URL of another Entra than the public one."""
    audience: str | None = None
    """For whom Entra's token is to be; without it for Azure's registries, which some clouds do not know as such."""


CloudLogin = AwsLogin | GcpLogin | AzureLogin
GivenLogin = Login | Anonymous | CloudLogin


@dataclass(frozen=True, slots=True)
class EcrHost:
    """What the name of one of Amazon's registries says."""

    region: str
    is_public: bool = False
    is_fips: bool = False
    is_dual_stack: bool = False


# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html, and the partitions of botocore.
_ECR = re.compile(
    r"[0-9]{12}\.dkr"
    r"(?:\.ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.(?:com|com\.cn|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
    r"|-ecr(?P<dual_fips>-fips)?\.(?P<dual_region>[a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.(?:com\.cn|eu)))"
)
_ECR_PUBLIC = frozenset({"public.ecr.aws", "ecr-public.aws.com"})
# Wherever the images come from, the public registry's logins are given out there.
_ECR_PUBLIC_REGION = "us-east-1"
_GCP = re.compile(r"(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+\.pkg\.dev")
_AZURE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)?\.azurecr\.(?:io|cn|us|de)")
_LOGINS: dict[Cloud, CloudLogin] = {Cloud.AWS: AwsLogin(), Cloud.GCP: GcpLogin(), Cloud.AZURE: AzureLogin()}


def find_cloud(registry: str) -> Cloud | None:
    """Return whose cloud the registry is in, by its name: names that nobody else can have."""
    if find_ecr_host(registry) is not None:
        return Cloud.AWS
    if _GCP.fullmatch(registry):
        return Cloud.GCP
    return Cloud.AZURE if _AZURE.fullmatch(registry) else None


def find_ecr_host(registry: str) -> EcrHost | None:
    if registry in _ECR_PUBLIC:
        return EcrHost(_ECR_PUBLIC_REGION, is_public=True)
    found = _ECR.fullmatch(registry)
    if found is None:
        return None
    return EcrHost(
        region=found["dual_region"] or found["region"],
        is_fips=(found["dual_fips"] or found["fips"]) is not None,
        is_dual_stack=found["dual_region"] is not None,
    )


def make_default_login(cloud: Cloud) -> CloudLogin:
    """Make the login that leaves all to the cloud's own chain."""
    return _LOGINS[cloud]
