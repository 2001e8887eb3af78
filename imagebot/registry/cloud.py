"""Logins that clouds give out for their own registries, to whom they know by the machine or by keys.

Each cloud's library is loaded when it is first asked. Nothing here is asked unless the settings say so.
"""

import logging
from collections.abc import Callable
from importlib.util import find_spec

from imagebot.registry.credentials import Found
from imagebot.registry.errors import NoCloudLogin
from imagebot.registry.given_login import AwsLogin, CloudLogin, GcpLogin
from imagebot.registry.host import RegistryHost
from imagebot.registry.message import Answer, Request


def look_up_cloud_login(
    login: CloudLogin, host: RegistryHost, *, send: Callable[[Request], Answer], timeout_s: float
) -> Found:
    """Ask a cloud for the login of a registry; `send` asks the registry itself, where that takes part.

    Raises NoCloudLogin and CloudUnavailable, and what `send` raises.
    """
    if isinstance(login, AwsLogin):
        _require("boto3", "Amazon", "aws", host)
        from imagebot.registry.cloud_aws import fetch_aws_login

        return fetch_aws_login(login, host.name, timeout_s=timeout_s)
    if isinstance(login, GcpLogin):
        _require("google.auth", "Google", "gcp", host)
        from imagebot.registry.cloud_gcp import fetch_gcp_login

        return fetch_gcp_login(login, host.name, timeout_s=timeout_s)
    _require("azure.identity", "Azure", "azure", host)
    from imagebot.registry.cloud_azure import fetch_azure_login

    return fetch_azure_login(login, host, send=send, timeout_s=timeout_s)


def _require(module: str, cloud: str, extra: str, host: RegistryHost) -> None:
    """Say which extra to install if the library is missing; else keep it from writing to standard error by itself."""
    package = module.partition(".")[0]
    if find_spec(package) is None or find_spec(module) is None:
        reason = f"the library {module} is not installed; install it with pip install 'imagebot[{extra}]'"
        raise NoCloudLogin(cloud, host.name, reason)
    # What they warn of is in their errors, or of no use to anyone; Python would print it where nobody set up logging.
    for name in (package, "botocore"):
        logging.getLogger(name).addHandler(logging.NullHandler())
