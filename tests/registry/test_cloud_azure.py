"""Logins of Azure's registries: by each kind of identity, against servers of our own in Azure's place."""

from collections.abc import Mapping

import pytest

from imagebot.demo.loopback import Reply
from imagebot.image.reference import Repository
from imagebot.registry.errors import AccessDenied, CloudUnavailable, NoCloudLogin
from imagebot.registry.given_login import AzureLogin, Cloud, find_cloud
from imagebot.secret import Secret
from tests.servers.azure import CLIENT, SECRET, TENANT, AzureRegistry, Entra
from tests.servers.closed_port import hold_closed_port

SERVICE = AzureLogin(TENANT, CLIENT, Secret(SECRET))


@pytest.fixture(autouse=True)
def _no_identity(monkeypatch, tmp_path):
    """Begin with a machine that Azure does not know."""
    for name in (
        "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT",
        "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "AZURE_AUTHORITY_HOST",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))  # without `az`


@pytest.fixture
def environment(monkeypatch):
    """A function that sets environment variables."""

    def set_all(*variables: Mapping[str, str]) -> None:
        for name, value in (pair for each in variables for pair in each.items()):
            monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def entra(tmp_path, environment):
    with Entra(tmp_path / "entra") as entra:
        environment(entra.environment)
        yield entra


@pytest.fixture
def list_tags(connect):
    """A function that lists the tags of a registry's one repository with a login."""

    def _list(registry, login):
        return connect(registry.address, login=login).list_tags(Repository(registry.address, "acme/api")).tags

    return _list


def test_a_service_principal(entra, list_tags):
    with AzureRegistry() as registry:
        assert list_tags(registry, SERVICE) == ("1.0",)

    assert registry.asked == [
        ("/v2/acme/api/tags/list", 401),
        ("/oauth2/exchange", 200),
        ("/oauth2/token", 200),
        ("/v2/acme/api/tags/list", 200),
    ]


def test_the_authority_of_the_settings(entra, list_tags, monkeypatch):
    monkeypatch.delenv("AZURE_AUTHORITY_HOST")
    with AzureRegistry() as registry:
        assert list_tags(registry, AzureLogin(TENANT, CLIENT, Secret(SECRET), authority=entra.url)) == ("1.0",)


def test_the_environment(entra, list_tags, environment):
    service = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": SECRET}
    environment(service)
    with AzureRegistry() as registry:
        assert list_tags(registry, AzureLogin()) == ("1.0",)


def test_a_workload_identity(entra, list_tags, environment, tmp_path):
    (tmp_path / "token").write_text("federated")
    environment(
        {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token")}
    )
    with AzureRegistry() as registry:
        assert list_tags(registry, AzureLogin()) == ("1.0",)


def test_a_workload_identity_whose_file_is_not_there_is_none(entra, list_tags, environment, tmp_path):
    environment(
        {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "nosuch"),
            "AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential",
        }
    )
    with AzureRegistry() as registry, pytest.raises(NoCloudLogin, match="no identity was found that Entra accepts"):
        list_tags(registry, AzureLogin())


def test_a_managed_identity(entra, list_tags, environment):
    environment({"AZURE_POD_IDENTITY_AUTHORITY_HOST": entra.machine_url})
    with AzureRegistry() as registry:
        assert list_tags(registry, AzureLogin()) == ("1.0",)


def test_one_of_several_managed_identities(tmp_path, list_tags, environment):
    with Entra(tmp_path / "entra", machine_clients=(CLIENT,)) as entra, AzureRegistry() as registry:
        environment(entra.environment, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": entra.machine_url})

        assert list_tags(registry, AzureLogin(client_id=CLIENT)) == ("1.0",)
        assert CLIENT in entra.asked


def test_the_token_is_for_registries_alone_unless_the_settings_say_otherwise(entra, list_tags):
    login = AzureLogin(TENANT, CLIENT, Secret(SECRET), audience="https://management.azure.com")
    with AzureRegistry() as registry, pytest.raises(NoCloudLogin, match="does not take the identity's token"):
        list_tags(registry, login)


def test_an_identity_token_that_ended_is_exchanged_anew(entra, connect, clock):
    with AzureRegistry() as registry:
        registries, api = connect(registry.address, login=SERVICE), Repository(registry.address, "acme/api")
        registries.list_tags(api)
        registry.asked.clear()

        registry.end_identity_tokens()
        clock.now += 100  # the access token, which does not say for how long it lasts, has ended as well
        registries.list_tags(api)

    assert registry.asked == [
        ("/oauth2/token", 401),
        ("/oauth2/exchange", 200),
        ("/oauth2/token", 200),
        ("/v2/acme/api/tags/list", 200),
    ]


def test_an_identity_token_is_renewed_before_it_ends(entra, connect, clock):
    with AzureRegistry(lasts_s=3600) as registry:
        registries, api = connect(registry.address, login=SERVICE), Repository(registry.address, "acme/api")
        registries.list_tags(api)
        registry.asked.clear()

        clock.now += 3400
        registries.list_tags(api)

    assert [path for path, _ in registry.asked] == ["/oauth2/exchange", "/oauth2/token", "/v2/acme/api/tags/list"]


def test_a_wrong_secret_is_said_and_not_shown(entra, list_tags):
    login = AzureLogin(TENANT, CLIENT, Secret("s3cret-wrong"))
    with AzureRegistry() as registry, pytest.raises(NoCloudLogin) as caught:
        list_tags(registry, login)

    assert "Entra does not accept the identity (AADSTS7000215); is its secret still valid?" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_nobody_is_told_so(list_tags, environment, tmp_path):
    with Entra(tmp_path / "entra", machine_clients=()) as entra, AzureRegistry() as registry:
        environment(entra.environment, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": entra.machine_url})
        with pytest.raises(
            NoCloudLogin, match=r"no identity was found that Entra accepts.*give the machine or pod one"
        ):
            list_tags(registry, AzureLogin())


@pytest.mark.parametrize(
    ("exchange", "error", "said"),
    [
        pytest.param(Reply(401), NoCloudLogin, "does not take the identity's token (401)", id="refused"),
        pytest.param(Reply(404), CloudUnavailable, "answered 404, without a token", id="not there"),
        pytest.param(Reply(200, b"s3cret"), CloudUnavailable, "answered 200, without a token", id="no JSON"),
        pytest.param(Reply(200, b'{"refresh_token": 1}'), CloudUnavailable, "answered 200, without", id="a number"),
    ],
)
def test_an_exchange_that_gives_no_token(entra, list_tags, exchange, error, said):
    with AzureRegistry(exchange=exchange) as registry, pytest.raises(error) as caught:
        list_tags(registry, SERVICE)

    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_identity_token_that_the_registry_refuses_is_said(entra, list_tags):
    exchange = Reply(200, b'{"refresh_token": "opaque"}')
    with (
        AzureRegistry(exchange=exchange) as registry,
        pytest.raises(AccessDenied, match="does the identity have a role that may pull"),
    ):
        list_tags(registry, SERVICE)


def test_entra_out_of_reach_may_be_back_later(entra, list_tags, environment):
    with hold_closed_port() as address, AzureRegistry() as registry:
        environment({"AZURE_AUTHORITY_HOST": f"https://{address}"})

        with pytest.raises(CloudUnavailable, match="no connection to Entra"):
            list_tags(registry, SERVICE)


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        pytest.param("acme.azurecr.io", Cloud.AZURE, id="public"),
        pytest.param("acme-a1b2.azurecr.io", Cloud.AZURE, id="with a hash"),
        pytest.param("acme.azurecr.cn", Cloud.AZURE, id="China"),
        pytest.param("acme.azurecr.us", Cloud.AZURE, id="government"),
        pytest.param("azurecr.io", None, id="no registry"),
        pytest.param("evilazurecr.io", None, id="another domain"),
        pytest.param("acme.azurecr.io.evil.example", None, id="a longer name"),
        pytest.param("acme.azurecr.io:444", None, id="another port"),
    ],
)
def test_which_registries_are_azures(name, cloud):
    assert find_cloud(name) == cloud
