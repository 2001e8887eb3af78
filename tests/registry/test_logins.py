"""Which login goes with which repository: the settings, then clouds by name, then files."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from imagebot.registry.credentials import Found, Login
from imagebot.registry.errors import UnreadableCredentials
from imagebot.registry.given_login import Anonymous, Cloud, GivenLogin
from imagebot.registry.host import RegistryHost
from imagebot.registry.logins import HostLogins, LoginSources, Means
from imagebot.secret import Secret
from tests.registry.helpers import answer_with


def login(name: str) -> Login:
    return Login(name, Secret("pw"))


def write(file: Path, *keys: str) -> Path:
    """Write a file of logins whose users are called as the file and the key."""
    auths = {key: {"username": f"{file.name} {key}", "password": "pw"} for key in keys}
    file.write_text(json.dumps({"auths": auths}))
    return file


def make_logins(
    *, given: Mapping[str, GivenLogin] | None = None, sources: LoginSources | None = None, name: str = "ghcr.io"
) -> HostLogins:
    means = Means(monotonic=lambda: 0.0, timeout_s=20.0, send=lambda _: pytest.fail("nothing is asked"))
    return HostLogins(RegistryHost(name, logins=given or {}), sources or LoginSources(), means)


def find_user(logins: HostLogins, path: str) -> str | None:
    found = logins.choose(path).find()
    return found.credentials.username if found is not None and isinstance(found.credentials, Login) else None


@pytest.mark.parametrize(
    ("path", "user"),
    [
        pytest.param("acme/api", "acme", id="below a prefix"),
        pytest.param("acme", "acme", id="the prefix itself"),
        pytest.param("acme/team/api", "team", id="the longest prefix"),
        pytest.param("acme-staging/api", "all", id="only whole components"),
        pytest.param("other/api", "all", id="no prefix"),
    ],
)
def test_the_longest_prefix_of_the_settings_wins(path, user):
    given = {"acme": login("acme"), "": login("all"), "acme/team": login("team")}

    assert find_user(make_logins(given=given), path) == user


def test_what_no_prefix_of_the_settings_is_for_is_looked_for_elsewhere(tmp_path):
    sources = LoginSources(docker_config=write(tmp_path / "docker", "ghcr.io", "ghcr.io/acme/api"))

    logins = make_logins(given={"acme": login("acme")}, sources=sources)

    assert find_user(logins, "acme/api") == "acme"
    assert find_user(logins, "other/api") == "docker ghcr.io"


def test_no_login_of_the_settings_is_final(tmp_path):
    sources = LoginSources(docker_config=write(tmp_path / "docker", "ghcr.io"))

    assert find_user(make_logins(given={"": Anonymous()}, sources=sources), "acme/api") is None


@pytest.mark.parametrize(
    ("path", "user"),
    [
        pytest.param("acme/api", "b ghcr.io/acme", id="the longest key, in whatever file"),
        pytest.param("other", "a ghcr.io", id="the first file that has a key"),
        pytest.param("docker/api", "docker ghcr.io/docker", id="docker's own file last"),
    ],
)
def test_one_of_several_files(tmp_path, path, user):
    sources = LoginSources(
        docker_config=write(tmp_path / "docker", "ghcr.io", "ghcr.io/acme", "ghcr.io/docker"),
        pull_secrets=(write(tmp_path / "a", "ghcr.io"), write(tmp_path / "b", "ghcr.io", "ghcr.io/acme")),
    )

    assert find_user(make_logins(sources=sources), path) == user


def test_a_helper_is_asked_once_for_all_repositories(tmp_path, helper):
    helper("test", f"echo x >> {tmp_path}/asked\n{answer_with('helped', 'pw')}")
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"credsStore": "test"}))
    logins = make_logins(sources=LoginSources(docker_config=config))

    assert [find_user(logins, path) for path in ("acme/api", "acme/web", "other")] == ["helped"] * 3
    assert (tmp_path / "asked").read_text() == "x\n"


def test_a_part_of_a_registry_that_a_file_names_comes_before_a_helper(tmp_path, helper):
    helper("test", answer_with("helped", "pw"))
    config = write(tmp_path / "config.json", "ghcr.io/acme")
    config.write_text(json.dumps({**json.loads(config.read_text()), "credsStore": "test"}))
    logins = make_logins(sources=LoginSources(docker_config=config))

    assert find_user(logins, "acme/api") == "config.json ghcr.io/acme"
    assert find_user(logins, "other") == "helped"


def test_a_key_that_a_file_gets_meanwhile_is_used(tmp_path):
    file = write(tmp_path / "a", "ghcr.io")
    logins = make_logins(sources=LoginSources(pull_secrets=(file,)))
    assert find_user(logins, "acme/api") == "a ghcr.io"

    write(file, "ghcr.io", "ghcr.io/acme")

    assert find_user(logins, "acme/api") == "a ghcr.io/acme"
    assert find_user(logins, "other") == "a ghcr.io"


def test_a_password_that_changes_is_found_when_the_old_one_is_refused(tmp_path):
    file = tmp_path / "a"
    logins = make_logins(sources=LoginSources(pull_secrets=(file,)))
    for password in ("old", "new"):
        file.write_text(json.dumps({"auths": {"ghcr.io": {"username": "bob", "password": password}}}))
        found = logins.choose("acme/api").find()
    assert isinstance(found, Found)
    assert found.credentials == Login("bob", Secret("old"))

    assert logins.choose("acme/api").renew(found.credentials) is True

    found = logins.choose("acme/api").find()
    assert found is not None
    assert found.credentials == Login("bob", Secret("new"))


def test_a_pull_secret_that_is_gone_is_said(tmp_path):
    with pytest.raises(UnreadableCredentials, match="nosuch: it is not there"):
        make_logins(sources=LoginSources(pull_secrets=(tmp_path / "nosuch",))).choose("acme/api")


def test_no_cloud_is_asked_for_a_registry_that_is_not_its_own(tmp_path):
    sources = LoginSources(docker_config=write(tmp_path / "docker", "ghcr.io"), clouds=frozenset(Cloud))

    assert find_user(make_logins(sources=sources), "acme/api") == "docker ghcr.io"


def test_no_cloud_is_asked_that_the_settings_do_not_name(tmp_path):
    name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    sources = LoginSources(docker_config=write(tmp_path / "docker", name), clouds=frozenset({Cloud.GCP, Cloud.AZURE}))

    assert find_user(make_logins(sources=sources, name=name), "acme/api") == f"docker {name}"


@pytest.mark.parametrize(
    ("given", "keys", "paths"),
    [
        pytest.param((), (), [""], id="none at all"),
        pytest.param(("",), (), [""], id="one for all"),
        pytest.param(("a",), ("ghcr.io/b", "quay.io/c", "*.io/d"), ["a", "b", "d"], id="some for parts"),
        pytest.param(("a",), ("ghcr.io",), ["", "a"], id="for a part and for the rest"),
        pytest.param(("",), ("ghcr.io/b",), [""], id="one that is never used"),
        pytest.param((), ("ghcr.io", "https://ghcr.io"), ["", ""], id="two for all"),
    ],
)
def test_all_logins_of_a_registry(tmp_path, given, keys, paths):
    sources = LoginSources(pull_secrets=(write(tmp_path / "a", *keys),))

    logins = make_logins(given={prefix: login("x") for prefix in given}, sources=sources)

    assert [path for path, _ in logins.list_logins()] == paths


def test_a_login_that_does_not_let_us_in_is_passed_over_for_the_next(tmp_path):
    files = tuple(write(tmp_path / name, "ghcr.io") for name in ("a", "b"))
    logins = make_logins(sources=LoginSources(pull_secrets=files))

    first = logins.choose("acme/api")
    # Two threads may be denied by the same one.
    assert [logins.pass_over("acme/api", first) for _ in range(2)] == [True, True]
    assert [find_user(logins, path) for path in ("acme/api", "acme/web")] == ["b ghcr.io", "a ghcr.io"]
    assert logins.pass_over("acme/api", logins.choose("acme/api")) is False
    assert find_user(logins, "acme/api") == "a ghcr.io"


@pytest.mark.parametrize(
    "given", [pytest.param({"": login("x")}, id="of the settings"), pytest.param({}, id="of nobody")]
)
def test_the_only_login_is_not_passed_over(given):
    logins = make_logins(given=given)

    assert logins.pass_over("acme/api", logins.choose("acme/api")) is False


def test_where_a_login_comes_from_is_said(tmp_path, helper):
    helper("test", answer_with("helped", "pw"))
    config = write(tmp_path / "config.json", "ghcr.io/acme")
    config.write_text(json.dumps({**json.loads(config.read_text()), "credsStore": "test"}))
    given = {"given": login("x"), "given/more": login("y")}
    logins = make_logins(given=given, sources=LoginSources(docker_config=config))

    found = {path: logins.choose(path).find() for path in ("given", "given/more", "acme/api", "other")}

    assert {path: str(each.source) for path, each in found.items() if each} == {
        "given": 'registries["ghcr.io"].logins["given"] in the settings',
        "given/more": 'registries["ghcr.io"].logins["given/more"] in the settings',
        "acme/api": f"the key ghcr.io/acme of {config}",
        "other": f"docker-credential-test, which {config} names",
    }
