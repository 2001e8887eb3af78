"""Files of logins: docker's config.json and Kubernetes' pull secrets, as they are and as they change."""

import base64
import json
from pathlib import Path

import pytest

from imagebot.registry.credentials import Credentials, IdentityToken, Login
from imagebot.registry.docker_config import LoginFile
from imagebot.registry.errors import UnreadableCredentials
from imagebot.secret import Secret
from tests.registry.helpers import answer_with

BOB = Login("bob", Secret("s3:cret"))
AUTH = base64.b64encode(b"bob:s3:cret").decode()


def look_up(file: Path | LoginFile, registry: str, path: str = "acme/api") -> Credentials | None:
    """Return what the first entry leads to that leads to anything."""
    logins = file if isinstance(file, LoginFile) else LoginFile(file, may_be_absent=True)
    for entry in logins.find_entries(registry, path):
        found = logins.look_up(entry, registry, timeout_s=20.0)
        if found is not None:
            return found.credentials
    return None


def encode(username: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.fixture
def config_file(tmp_path):
    """A function that writes a config.json, from an object or as it is."""

    def write(config):
        file = tmp_path / "config.json"
        file.write_bytes(config if isinstance(config, bytes) else json.dumps(config).encode())
        return file

    return write


@pytest.mark.parametrize(
    ("auths", "registry", "credentials"),
    [
        pytest.param({"ghcr.io": {"auth": AUTH}}, "ghcr.io", BOB, id="a host"),
        pytest.param({"https://ghcr.io/v2/": {"auth": AUTH}}, "ghcr.io", BOB, id="a URL"),
        pytest.param({"127.0.0.1:5000": {"auth": AUTH}}, "127.0.0.1:5000", BOB, id="with a port"),
        pytest.param({"https://index.docker.io/v1/": {"auth": AUTH}}, "docker.io", BOB, id="Docker Hub's old name"),
        pytest.param({"docker.io": {"auth": AUTH}}, "docker.io", BOB, id="Docker Hub's own name"),
        pytest.param({"ghcr.io": {"auth": AUTH}}, "quay.io", None, id="another host"),
        pytest.param({"ghcr.io": {"auth": AUTH}}, "ghcr.io:443", None, id="a port more"),
        pytest.param({"ghcr.io": {}}, "ghcr.io", None, id="an empty entry"),
        pytest.param(
            {"r.azurecr.io": {"auth": AUTH, "identitytoken": "id"}},
            "r.azurecr.io",
            IdentityToken(Secret("id")),
            id="an identity token",
        ),
        pytest.param(
            {"quay.io": {"auth": "%"}, "ghcr.io": {"auth": AUTH}}, "ghcr.io", BOB, id="another entry is broken"
        ),
        pytest.param({"ghcr.io/acme": {"auth": AUTH}}, "ghcr.io", BOB, id="a part of a registry"),
        pytest.param({"ghcr.io/other": {"auth": AUTH}}, "ghcr.io", None, id="another part"),
        pytest.param({"*.ghcr.io": {"auth": AUTH}}, "a.ghcr.io", BOB, id="a pattern"),
        pytest.param(
            {"ghcr.io": {"username": "bob", "password": "s3:cret"}}, "ghcr.io", BOB, id="written out, as kubectl does"
        ),
        pytest.param(
            {"ghcr.io": {"username": "x", "password": "y", "auth": AUTH}}, "ghcr.io", BOB, id="auth before that"
        ),
        pytest.param({"ghcr.io": {"auth": f"{AUTH[:8]}\n{AUTH[8:]}\n"}}, "ghcr.io", BOB, id="folded"),
        pytest.param(
            {"https://ghcr.io": encode("x", "y"), "ghcr.io": {"auth": AUTH}}, "ghcr.io", BOB, id="the name before a URL"
        ),
    ],
)
def test_logins_written_in_the_file(config_file, auths, registry, credentials):
    file = config_file({"auths": auths})

    assert look_up(file, registry) == credentials


@pytest.mark.parametrize(
    "config", [pytest.param({}, id="empty"), pytest.param({"HttpHeaders": {"X": {}}, "psFormat": "x"}, id="no logins")]
)
def test_a_file_without_logins(config_file, config):
    assert look_up(config_file(config), "ghcr.io") is None


def test_a_file_that_is_not_there_has_no_logins(tmp_path):
    assert look_up(tmp_path / "config.json", "ghcr.io") is None


def test_no_other_file_is_read_in_place_of_an_empty_one(config_file, tmp_path, monkeypatch):
    home = tmp_path / ".docker"
    home.mkdir()
    (home / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"auth": AUTH}}}))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(home))

    assert look_up(config_file({}), "ghcr.io") is None


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param(b'{"auths": {"ghcr.io": {"auth": "c2VjcmV0', "it is no JSON", id="truncated"),
        pytest.param(b"\xff\xfe", "it is no JSON", id="not UTF-8"),
        pytest.param([], "it is no configuration of docker", id="a list"),
        pytest.param({"auths": []}, "it is no configuration of docker", id="a list of logins"),
        pytest.param({"credsStore": {}}, "it is no configuration of docker", id="an object for a name"),
        pytest.param({"auths": {"ghcr.io": {"auth": "c2VjcmV0%"}}}, "the entry for ghcr.io", id="bad base64"),
        pytest.param({"auths": {"ghcr.io": {"auth": "c2VjcmV0"}}}, "the entry for ghcr.io", id="no colon"),
        pytest.param({"auths": {"ghcr.io": {"auth": 5}}}, "the entry for ghcr.io", id="a number"),
        pytest.param({"auths": {"ghcr.io": "c2VjcmV0"}}, "the entry for ghcr.io", id="a text for an entry"),
        pytest.param(b" " * (1024 * 1024 + 1), "more than 1048576 bytes", id="too large"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(config_file, config, reason):
    file = config_file(config)

    with pytest.raises(UnreadableCredentials) as caught:
        look_up(file, "ghcr.io")

    assert str(caught.value).startswith(f"{file}: ")
    assert reason in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(UnreadableCredentials, match="it cannot be read"):
        look_up(tmp_path, "ghcr.io")


def test_the_old_form_of_a_pull_secret(config_file):
    file = config_file({"ghcr.io": {"auth": AUTH, "email": "x@example.com"}, "quay.io": {"username": "a"}})

    assert look_up(file, "ghcr.io") == BOB
    assert look_up(file, "quay.io") == Login("a", Secret(""))


def test_a_helper_in_the_old_form_is_none(config_file):
    assert look_up(config_file({"ghcr.io": {"auth": AUTH}, "HttpHeaders": {"X": "y"}}), "HttpHeaders") is None


def test_the_longest_key_wins(config_file):
    auths = {"ghcr.io": encode("all", "1"), "ghcr.io/acme/api": encode("api", "2"), "ghcr.io/acme": encode("acme", "3")}
    logins = LoginFile(config_file({"auths": auths}), may_be_absent=False)

    found = {path: list(logins.find_entries("ghcr.io", path)) for path in ("acme/api/x", "acme/web", "other")}

    assert {path: min(entries, key=lambda entry: entry.key.rank).text for path, entries in found.items()} == {
        "acme/api/x": "ghcr.io/acme/api",
        "acme/web": "ghcr.io/acme",
        "other": "ghcr.io",
    }


@pytest.mark.parametrize(
    ("config", "registry", "asked"),
    [
        pytest.param({"credsStore": "test"}, "ghcr.io", "ghcr.io", id="the store for all"),
        pytest.param({"credsStore": "test"}, "docker.io", "https://index.docker.io/v1/", id="Docker Hub's old name"),
        pytest.param(
            {"credHelpers": {"ghcr.io": "test"}, "credsStore": "none"}, "ghcr.io", "ghcr.io", id="one for a host"
        ),
        pytest.param(
            {"credHelpers": {"https://index.docker.io/v1/": "test"}},
            "docker.io",
            "https://index.docker.io/v1/",
            id="one for Docker Hub",
        ),
        pytest.param(
            {"credsStore": "test", "auths": {"ghcr.io": {"auth": "eDp5"}}},
            "ghcr.io",
            "ghcr.io",
            id="wins over the file",
        ),
    ],
)
def test_a_helper_is_asked_for_the_registry(config_file, helper, tmp_path, config, registry, asked):
    helper("test", f'printf "%s %s" "$1" "$server" > {tmp_path}/asked\n{answer_with("bob", "s3:cret")}')

    assert look_up(config_file(config), registry) == BOB
    assert (tmp_path / "asked").read_text() == f"get {asked}"


def test_a_login_that_a_helper_does_not_have_may_stand_in_the_file(config_file, helper):
    helper("test", "echo credentials not found in native keychain; exit 1")
    file = config_file({"credsStore": "test", "auths": {"ghcr.io": {"auth": AUTH}}})

    assert look_up(file, "ghcr.io") == BOB
    assert look_up(file, "quay.io") is None


def test_a_file_that_has_to_be_there_is_named(tmp_path):
    with pytest.raises(UnreadableCredentials, match="nosuch: it is not there"):
        look_up(LoginFile(tmp_path / "nosuch", may_be_absent=False), "ghcr.io")


def test_a_mounted_secret_that_is_swapped_is_read_again(tmp_path):
    """Kubernetes writes a new folder, and renames a link to it over the old link."""
    for number, password in enumerate(("old", "new")):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / ".dockerconfigjson").write_text(
            json.dumps({"auths": {"ghcr.io": encode("bob", password)}})
        )
    (tmp_path / "..data").symlink_to("..0")
    (tmp_path / ".dockerconfigjson").symlink_to("..data/.dockerconfigjson")
    logins = LoginFile(tmp_path / ".dockerconfigjson", may_be_absent=False)
    assert look_up(logins, "ghcr.io") == Login("bob", Secret("old"))

    (tmp_path / "..tmp").symlink_to("..1")
    (tmp_path / "..tmp").rename(tmp_path / "..data")

    assert look_up(logins, "ghcr.io") == Login("bob", Secret("new"))


def test_a_key_that_is_added_is_found(config_file):
    file = config_file({"auths": {}})
    logins = LoginFile(file, may_be_absent=False)
    assert look_up(logins, "ghcr.io") is None

    config_file({"auths": {"ghcr.io": {"auth": AUTH}}})

    assert look_up(logins, "ghcr.io") == BOB


def test_a_password_is_seen_in_no_entry(config_file):
    logins = LoginFile(
        config_file({"auths": {"ghcr.io": {"username": "bob", "password": "s3:cret"}}}), may_be_absent=True
    )
    (entry,) = logins.find_entries("ghcr.io", "")
    found = logins.look_up(entry, "ghcr.io", timeout_s=1.0)

    assert "s3:cret" not in f"{entry!r} {entry.source!r} {found!r} {logins._read()!r}"
