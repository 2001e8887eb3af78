"""The clouds' libraries: what is said where one is missing, and that none is loaded before it is needed."""

import subprocess
import sys

import pytest

from imagebot.registry.cloud import look_up_cloud_login
from imagebot.registry.errors import NoCloudLogin
from imagebot.registry.given_login import AwsLogin, AzureLogin, CloudLogin, GcpLogin
from imagebot.registry.host import RegistryHost


@pytest.mark.parametrize(
    ("login", "module", "extra"),
    [
        pytest.param(AwsLogin(), "boto3", "aws", id="Amazon"),
        pytest.param(GcpLogin(), "google.auth", "gcp", id="Google"),
        pytest.param(AzureLogin(), "azure.identity", "azure", id="Azure"),
        pytest.param(AzureLogin(), "azure", "azure", id="nothing of Azure"),
    ],
)
def test_a_library_that_is_missing_is_named_with_what_to_install(monkeypatch, login: CloudLogin, module, extra):
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed

    with pytest.raises(NoCloudLogin) as caught:
        look_up_cloud_login(login, RegistryHost("r.example"), send=lambda _: pytest.fail("not asked"), timeout_s=1.0)

    assert f"is not installed; install it with pip install 'imagebot[{extra}]'" in str(caught.value)


def test_no_library_is_loaded_before_it_is_needed():
    script = (
        "import sys, imagebot.registry.client, imagebot.connect\n"
        "print([name for name in ('boto3', 'botocore', 'google.auth', 'azure', 'docker') if name in sys.modules])"
    )

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert loaded.stdout == "[]\n"
