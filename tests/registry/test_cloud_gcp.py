"""Logins of Google's registries: by each kind of identity, against servers of our own in Google's place."""

import json
from pathlib import Path

import pytest

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.registry.cloud import look_up_cloud_login
from imagebot.registry.credentials import Found, Login
from imagebot.registry.errors import CloudUnavailable, NoCloudLogin
from imagebot.registry.given_login import Cloud, GcpLogin, find_cloud
from imagebot.registry.host import RegistryHost
from imagebot.secret import Secret
from tests.servers.closed_port import hold_closed_port
from tests.servers.google import ACCOUNT, Google

NAME = "europe-docker.pkg.dev"


@pytest.fixture(autouse=True)
def _no_identity(monkeypatch, tmp_path):
    """Begin with a machine that Google does not know."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


def look_up(file: Path | None = None) -> Found:
    host = RegistryHost(NAME)
    return look_up_cloud_login(GcpLogin(file), host, send=lambda _: pytest.fail("it is not asked"), timeout_s=20.0)


def test_the_tags_of_a_registry_of_google(tmp_path, connect):
    users = {"oauth2accesstoken": "token-1"}
    with Google() as google, LoopbackRegistry(users=users, token_ttl_s=300) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("oauth2accesstoken", "token-1"))

        registries = connect(registry.address, login=GcpLogin(google.write_key(tmp_path)))

        assert registries.list_tags(Repository(registry.address, "acme/api")).tags == ("1.0",)


def test_the_key_of_a_service_account(tmp_path):
    with Google() as google:
        found = look_up(google.write_key(tmp_path))

    assert found.credentials == Login("oauth2accesstoken", Secret("token-1"))
    assert str(found.source) == f"Google, by {tmp_path}/key.json"
    assert found.lasts_s is not None
    assert 3000 < found.lasts_s <= 3600


def test_a_workload_identity(tmp_path):
    (tmp_path / "subject").write_text("subject")
    with Google() as google:
        assert look_up(google.write_pool(tmp_path)).credentials == Login("oauth2accesstoken", Secret("token-1"))


def test_a_file_that_the_environment_names(tmp_path, monkeypatch):
    with Google() as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google.write_key(tmp_path)))

        assert str(look_up().source) == f"Google, by the account {ACCOUNT}"


def test_nobody_is_told_so():
    with pytest.raises(NoCloudLogin, match=r"no identity was found .*; give the machine or pod a service account"):
        look_up()


def test_an_identity_that_is_refused_is_said_and_nothing_of_it_shown(tmp_path):
    (tmp_path / "subject").write_text("s3cret subject")
    with Google() as google, pytest.raises(NoCloudLogin) as caught:
        look_up(google.write_pool(tmp_path))

    assert f"does not accept the identity of {tmp_path}/pool.json" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "cannot be read: No such file or directory", id="not there"),
        pytest.param("s3cret", "is no credentials file that can be read", id="no JSON"),
        pytest.param("[]", "is no credentials file that can be read", id="a list"),
        pytest.param("{}", "is no credentials file that can be read", id="no type"),
        pytest.param('{"type": "external_account"}', "is no credentials file that can be read", id="half of one"),
        pytest.param(
            json.dumps({"type": "service_account", "private_key": "s3cret", "client_email": "a", "token_uri": "b"}),
            "is no credentials file that can be read",
            id="a key that is none",
        ),
        pytest.param('{"type": "s3cret"}', "holds no kind of credentials that is known", id="another kind"),
    ],
)
def test_a_file_that_is_no_identity(tmp_path, content, said):
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(NoCloudLogin) as caught:
        look_up(file)

    assert f"{file} {said}" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(404, b"<html>s3cret</html>"), id="not found"),
        pytest.param(Reply(200, b"[]"), id="a list"),
        pytest.param(Reply(200, b"s3cret"), id="no JSON"),
        pytest.param(Reply(200, b'{"access_token": ""}'), id="no token"),
    ],
)
def test_an_answer_that_is_no_token(tmp_path, reply):
    with Google(reply=reply) as google, pytest.raises((CloudUnavailable, NoCloudLogin)) as caught:
        look_up(google.write_key(tmp_path))

    assert "s3cret" not in str(caught.value)


def test_google_out_of_reach_may_be_back_later(tmp_path):
    with Google() as google:
        fields = json.loads(google.write_key(tmp_path).read_text())
    file = tmp_path / "unreachable.json"
    with hold_closed_port() as address:
        file.write_text(json.dumps({**fields, "token_uri": f"http://{address}/token"}))

        with pytest.raises(CloudUnavailable, match="no answer that can be used"):
            look_up(file)


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        pytest.param("europe-docker.pkg.dev", Cloud.GCP, id="Artifact Registry"),
        pytest.param("us-central1-docker.pkg.dev", Cloud.GCP, id="of a region"),
        pytest.param("gcr.io", Cloud.GCP, id="Container Registry"),
        pytest.param("eu.gcr.io", Cloud.GCP, id="of a continent"),
        pytest.param("evilgcr.io", None, id="another domain"),
        pytest.param("gcr.io.evil.example", None, id="a longer name"),
        pytest.param("pkg.dev.evil.example", None, id="a longer name of the other"),
        pytest.param("a.b.pkg.dev", None, id="a label too many"),
    ],
)
def test_which_registries_are_googles(name, cloud):
    assert find_cloud(name) == cloud
