"""Logins from docker's config.json and from credential helpers: real files, real programs."""

import base64
import json
import os
import time

import pytest

from imagebot.registry.credentials import IdentityToken, Login
from imagebot.registry.docker_config import load_credentials
from imagebot.registry.errors import CredentialHelperTimedOut, UnreadableCredentials
from imagebot.secret import Secret

BOB = Login("bob", Secret("s3:cret"))
AUTH = base64.b64encode(b"bob:s3:cret").decode()


@pytest.fixture
def config_file(tmp_path):
    """A function that writes a config.json, from an object or as it is."""

    def write(config):
        file = tmp_path / "config.json"
        file.write_bytes(config if isinstance(config, bytes) else json.dumps(config).encode())
        return file

    return write


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """A function that puts a shell script on PATH as docker-credential-NAME."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def write(name, script):
        file = folder / f"docker-credential-{name}"
        file.write_text(f"#!/bin/sh\nread -r server\n{script}\n")
        file.chmod(0o755)
        return folder

    return write


def answer_with(username: str, secret: str) -> str:
    return "printf '%s' '" + json.dumps({"ServerURL": "", "Username": username, "Secret": secret}) + "'"


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
    ],
)
def test_logins_written_in_the_file(config_file, auths, registry, credentials):
    file = config_file({"auths": auths})

    assert load_credentials(file, registry, timeout_s=5.0) == credentials


@pytest.mark.parametrize(
    "config", [pytest.param({}, id="empty"), pytest.param({"HttpHeaders": {"X": {}}, "psFormat": "x"}, id="no logins")]
)
def test_a_file_without_logins(config_file, config):
    assert load_credentials(config_file(config), "ghcr.io", timeout_s=5.0) is None


def test_a_file_that_is_not_there_has_no_logins(tmp_path):
    assert load_credentials(tmp_path / "config.json", "ghcr.io", timeout_s=5.0) is None


def test_no_other_file_is_read_in_place_of_an_empty_one(config_file, tmp_path, monkeypatch):
    home = tmp_path / ".docker"
    home.mkdir()
    (home / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"auth": AUTH}}}))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(home))

    assert load_credentials(config_file({}), "ghcr.io", timeout_s=5.0) is None


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
        load_credentials(file, "ghcr.io", timeout_s=5.0)

    assert str(caught.value).startswith(f"{file}: ")
    assert reason in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(UnreadableCredentials, match="it cannot be read"):
        load_credentials(tmp_path, "ghcr.io", timeout_s=5.0)


@pytest.mark.parametrize(
    ("config", "registry", "asked"),
    [
        pytest.param({"credsStore": "test"}, "ghcr.io", "ghcr.io", id="the store for all"),
        pytest.param({"credsStore": "test"}, "docker.io", "https://index.docker.io/v1/", id="Docker Hub's old name"),
        pytest.param(
            {"credHelpers": {"ghcr.io": "test"}, "credsStore": "none"}, "ghcr.io", "ghcr.io", id="one for a host"
        ),
        pytest.param(
            {"credsStore": "test", "auths": {"ghcr.io": {"auth": "eDp5"}}},
            "ghcr.io",
            "ghcr.io",
            id="wins over the file",
        ),
    ],
)
def test_logins_from_a_helper(config_file, helper, tmp_path, config, registry, asked):
    helper("test", f'printf "%s %s" "$1" "$server" > {tmp_path}/asked\n{answer_with("bob", "s3:cret")}')

    assert load_credentials(config_file(config), registry, timeout_s=5.0) == BOB
    assert (tmp_path / "asked").read_text() == f"get {asked}"


def test_an_identity_token_from_a_helper(config_file, helper):
    helper("test", answer_with("<token>", "id"))

    found = load_credentials(config_file({"credsStore": "test"}), "ghcr.io", timeout_s=5.0)

    assert found == IdentityToken(Secret("id"))


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo credentials not found in native keychain; exit 1", id="as most helpers say it"),
        pytest.param(answer_with("", ""), id="as docker-credential-pass says it"),
    ],
)
def test_a_login_that_a_helper_does_not_have_may_stand_in_the_file(config_file, helper, script):
    helper("test", script)
    file = config_file({"credsStore": "test", "auths": {"ghcr.io": {"auth": AUTH}}})

    assert load_credentials(file, "ghcr.io", timeout_s=5.0) == BOB
    assert load_credentials(file, "quay.io", timeout_s=5.0) is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("echo s3cret >&2; echo s3cret; exit 1", "failed", id="fails"),
        pytest.param("echo s3cret", "gave no login that can be read", id="no JSON"),
        pytest.param('echo \'{"Username": "s3cret"}\'', "gave no login that can be read", id="no secret"),
        pytest.param("echo '[\"s3cret\"]'", "gave no login that can be read", id="a list"),
        pytest.param("printf '\\377'", "gave no login that can be read", id="not UTF-8"),
    ],
)
def test_a_helper_that_fails_is_named_and_not_quoted(config_file, helper, capfd, script, reason):
    helper("test", script)
    file = config_file({"credsStore": "test"})

    with pytest.raises(UnreadableCredentials) as caught:
        load_credentials(file, "ghcr.io", timeout_s=5.0)

    assert str(caught.value).startswith(f"{file}: the helper docker-credential-test")
    assert reason in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in "".join(capfd.readouterr())


def test_a_helper_that_is_not_installed_is_named(config_file):
    file = config_file({"credHelpers": {"ghcr.io": "nosuch"}})

    with pytest.raises(UnreadableCredentials, match=r"docker-credential-nosuch for ghcr\.io, which is not on PATH"):
        load_credentials(file, "ghcr.io", timeout_s=5.0)


def test_a_helper_that_cannot_be_started_is_named(config_file, helper):
    (helper("test", "") / "docker-credential-test").write_bytes(b"\x7fELF no program")

    with pytest.raises(UnreadableCredentials, match="docker-credential-test"):
        load_credentials(config_file({"credsStore": "test"}), "ghcr.io", timeout_s=5.0)


def test_a_helper_that_hangs_is_ended_with_what_it_started(config_file, helper, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # The helper's child holds the pipe open for as long as it lives: reading ends when it has gone.
    helper("test", f"sleep 600 > {fifo} &\nwait")
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)

    started_at = time.monotonic()
    with pytest.raises(CredentialHelperTimedOut) as caught:
        load_credentials(config_file({"credsStore": "test"}), "ghcr.io", timeout_s=0.3)

    assert os.read(reader, 1) == b""
    os.close(reader)
    assert time.monotonic() - started_at < 10
    assert str(caught.value) == "docker-credential-test gave no login for ghcr.io within 0.3 s and was ended"
