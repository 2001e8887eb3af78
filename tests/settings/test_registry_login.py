"""The logins of the settings: what each key becomes, and what does not go together."""

import pytest

from imagebot.connect import make_registries
from imagebot.registry.credentials import Login
from imagebot.registry.given_login import Anonymous, AwsLogin, AzureLogin, Cloud, GcpLogin, GivenLogin
from imagebot.registry.logins import LoginSources
from imagebot.secret import Secret
from imagebot.settings.operator import InvalidSettings, Settings, load_settings

TENANT, CLIENT = "22222222-2222-2222-2222-222222222222", "11111111-1111-1111-1111-111111111111"
_KEYS = "access_key_id: AKIA1234, secret_access_key: {env: T}"
_SERVICE = f"tenant_id: {TENANT}, client_id: {CLIENT}, client_secret: {{env: T}}"


def load(folder, text: str) -> Settings:
    (folder / "imagebot.yaml").write_text(text)
    return load_settings(folder / "imagebot.yaml", {"T": "hunter2"})


@pytest.mark.parametrize(
    ("text", "given"),
    [
        pytest.param(
            "username: bob, password: {env: T}", {"": Login("bob", Secret("hunter2"))}, id="a user and password"
        ),
        pytest.param(
            "login: {username: robot$acme+ci, password: {env: T}}",
            {"": Login("robot$acme+ci", Secret("hunter2"))},
            id="the same as a login",
        ),
        pytest.param("login: {kind: anonymous}", {"": Anonymous()}, id="none"),
        pytest.param("login: {kind: aws}", {"": AwsLogin()}, id="Amazon"),
        pytest.param(
            "login: {kind: aws, profile: p, region: us-gov-west-1}",
            {"": AwsLogin(profile="p", region="us-gov-west-1")},
            id="a profile",
        ),
        pytest.param(
            f"login: {{kind: aws, {_KEYS}, session_token: {{env: T}}}}",
            {
                "": AwsLogin(
                    access_key_id="AKIA1234", secret_access_key=Secret("hunter2"), session_token=Secret("hunter2")
                )
            },
            id="an access key",
        ),
        pytest.param("login: {kind: gcp}", {"": GcpLogin()}, id="Google"),
        pytest.param("login: {kind: azure}", {"": AzureLogin()}, id="Azure"),
        pytest.param(f"login: {{kind: azure, client_id: {CLIENT}}}", {"": AzureLogin(client_id=CLIENT)}, id="identity"),
        pytest.param(
            f"login: {{kind: azure, {_SERVICE}, authority: 'https://e.example/', audience: 'https://a.example'}}",
            {"": AzureLogin(TENANT, CLIENT, Secret("hunter2"), "https://e.example", "https://a.example")},
            id="a service principal",
        ),
        pytest.param(
            "logins: {acme: {username: a, password: {env: T}}, b/c: {kind: gcp}}",
            {"acme": Login("a", Secret("hunter2")), "b/c": GcpLogin()},
            id="for parts",
        ),
        pytest.param(
            "username: bob, password: {env: T}, logins: {acme: {kind: anonymous}}",
            {"": Login("bob", Secret("hunter2")), "acme": Anonymous()},
            id="for all but a part",
        ),
    ],
)
def test_what_is_given(tmp_path, text, given: dict[str, GivenLogin]):
    settings = load(tmp_path, f"registries: {{r.example: {{{text}}}}}")

    with make_registries(settings, store=None) as registries:
        assert registries._hosts["r.example"].logins == given
    assert "hunter2" not in repr(settings)


def test_a_credentials_file_is_relative_to_the_settings(tmp_path):
    settings = load(tmp_path, "registries: {r.example: {login: {kind: gcp, credentials_file: gcp.json}}}")

    with make_registries(settings, store=None) as registries:
        assert registries._hosts["r.example"].logins == {"": GcpLogin(tmp_path / "gcp.json")}


def test_files_and_clouds(tmp_path):
    (tmp_path / "docker").mkdir()
    for name in ("a", "b"):
        (tmp_path / name).touch()

    settings = load(tmp_path, "docker_config: docker\npull_secrets: [b, a]\ncloud_logins: [aws, azure]")

    with make_registries(settings, store=None) as registries:
        assert registries._logins == LoginSources(
            tmp_path / "docker" / "config.json", (tmp_path / "b", tmp_path / "a"), frozenset({Cloud.AWS, Cloud.AZURE})
        )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "login: {username: a}",
            "1:33: login.password: found no such key; accepted is {file: PATH} or {env: NAME}: a secret never"
            " stands in the settings",
            id="half a login",
        ),
        pytest.param(
            "username: a, password: {env: T}, login: {kind: aws}",
            "1:66: login: found both; accepted is either username and password or login",
            id="two logins",
        ),
        pytest.param(
            "login: {kind: aws, profil: a}",
            "1:45: login.profil: found an unknown key; accepted is one of the keys access_key_id, kind, profile,"
            " region, secret_access_key, session_token; the nearest is profile",
            id="an unknown key",
        ),
        pytest.param(
            "login: {kind: ecr}",
            "1:40: login.kind: found 'ecr'; accepted is password or anonymous or aws or gcp or azure",
            id="an unknown kind",
        ),
        pytest.param(
            "login: {kind: aws, access_key_id: AKIA1234}",
            "1:33: login.secret_access_key: found no such key; accepted is access_key_id and"
            " secret_access_key together",
            id="half a key",
        ),
        pytest.param(
            "login: {kind: aws, session_token: {env: T}}",
            "1:33: login.access_key_id: found no such key; accepted is session_token only with access_key_id",
            id="a session of no key",
        ),
        pytest.param(
            f"login: {{kind: aws, profile: p, {_KEYS}}}",
            "1:54: login.profile: found both; accepted is either a profile or an access key",
            id="a profile and a key",
        ),
        pytest.param(
            "login: {kind: aws, region: Frankfurt}",
            "1:53: login.region: found 'Frankfurt'; accepted is a region, as in eu-central-1",
            id="no region",
        ),
        pytest.param(
            "login: {kind: azure, client_secret: {env: T}}",
            "1:33: login.tenant_id: found no such key; accepted is client_secret together with tenant_id and client_id",
            id="a secret of nobody",
        ),
        pytest.param(
            "login: {kind: azure, authority: http://e.example}",
            "1:58: login.authority: found 'http://e.example'; accepted is the https:// URL of an Entra",
            id="plain HTTP",
        ),
        pytest.param(
            "login: {kind: azure, client_id: me}",
            "1:58: login.client_id: found 'me'; accepted is an id as Entra has them: 8-4-4-4-12 hexadecimal digits",
            id="no id",
        ),
        pytest.param(
            "logins: {/acme: {kind: aws}}",
            "1:35: logins[\"/acme\"]: found '/acme'; accepted is the beginning of a repository's path, without the"
            " registry: acme or a/b",
            id="a slash too many",
        ),
        pytest.param(
            "logins: {acme: {username: a, password: hunter2}}",
            "1:65: logins.acme.password: found a single value; accepted is {file: PATH} or {env: NAME}: a secret never"
            " stands in the settings",
            id="a secret in the file",
        ),
        pytest.param(
            "logins: {acme: hunter2}",
            "1:41: logins.acme: found a single value; accepted is a mapping with kind: password or anonymous or aws or"
            " gcp or azure",
            id="a secret for a login",
        ),
    ],
)
def test_a_fault(tmp_path, text, fault):
    with pytest.raises(InvalidSettings) as raised:
        load(tmp_path, f"registries: {{r.example: {{{text}}}}}")

    (found,) = raised.value.faults
    assert str(found).removeprefix(f"{tmp_path}/imagebot.yaml:").replace('registries["r.example"].', "") == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "cloud_logins: [ecr]", "1:16: cloud_logins[0]: found 'ecr'; accepted is aws, gcp or azure", id="name"
        ),
        pytest.param(
            "pull_secrets: [nosuch]",
            "1:16: pull_secrets[0]: found FOLDER/nosuch, which cannot be read (No such file or directory); accepted is"
            " the path of a readable file, relative to the settings file",
            id="a file that is not there",
        ),
    ],
)
def test_a_fault_at_the_top(tmp_path, text, fault):
    with pytest.raises(InvalidSettings) as raised:
        load(tmp_path, text)

    (found,) = raised.value.faults
    text = str(found).removeprefix(f"{tmp_path}/imagebot.yaml:")
    assert text.replace(str(tmp_path), "FOLDER") == fault
