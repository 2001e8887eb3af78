"""`imagebot auth check`, run as people run it."""

import base64
import json

import pytest

from imagebot.cli.auth import _parse_subject
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.settings.operator import make_default_settings
from imagebot.settings.registry_section import RegistrySettings
from tests.servers.google import Google


@pytest.fixture
def private():
    """A registry that lets bob in with the password s3cret, and gives tokens for five minutes."""
    with LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=300) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))
        yield registry


@pytest.fixture
def settings(tmp_path):
    """A function that writes the settings, of registries that speak plain HTTP each with more keys."""

    def write(top: str = "", **registries: str) -> None:
        lines = [top, "docker_config: null", "registries:"]
        lines += [f"  {address}: {{plain_http: true, {keys}}}" for address, keys in registries.items()]
        (tmp_path / "settings.yaml").write_text("\n".join(lines) + (" {}" if not registries else ""))

    return write


def test_an_image_whose_tags_can_be_read(private, settings, run):
    settings(**{private.address: "username: bob, password: {env: PW}"})

    done = run("auth", "check", f"{private.address}/acme/api:1.0", env={"PW": "s3cret"})

    lines = done.stdout.splitlines()
    url, query = f"http://{private.address}", f"service={private.address}&scope=repository:acme/api:pull"
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == f"{private.address}/acme/api: its tags can be read"
    assert lines[1] == f'  login  from registries["{private.address}"] in the settings, user bob'
    assert lines[2].startswith("  token  from the registry; good for 4 min, until ")
    assert lines[3:] == [
        f"  asked  GET {url}/v2/acme/api/tags/list?n=1 with no login → 401: it wants a token from {url}/token",
        f"         GET {url}/token?{query} with user and password → 200",
        f"         GET {url}/v2/acme/api/tags/list?n=1 with the token → 200",
    ]


def test_all_that_is_named_anywhere(private, settings, run, tmp_path):
    pull = tmp_path / "pull"
    auths = {f"{private.address}/acme": {"auth": base64.b64encode(b"bob:wr0ng").decode()}, "*.example.com": {}}
    pull.write_text(json.dumps({"auths": auths}))
    with LoopbackRegistry() as public:
        settings("pull_secrets: [pull]", **{private.address: "", public.address: ""})
        done = run("auth", "check")

    assert done.returncode == 1
    assert f"{public.address}: anyone is let in\n  login  none is configured, and none was needed\n" in done.stdout
    assert f"{private.address}/acme: the login is refused\n" in done.stdout
    assert f"from the key {private.address}/acme of {pull}, user bob" in done.stdout
    assert "wr0ng" not in done.stdout + done.stderr


def test_a_refusal_says_what_to_do(private, settings, run):
    settings(**{private.address: ""})

    done = run("auth", "check", private.address)

    assert done.returncode == 0  # anyone may pass the door
    done = run("auth", "check", f"{private.address}/acme/api")
    assert done.returncode == 1
    assert f"{private.address}/acme/api: its tags cannot be read\n" in done.stdout
    assert "none is configured for" in done.stdout
    assert f"  hint   docker login {private.address}, or username and password for {private.address}" in done.stdout


def test_what_a_program_reads(private, settings, run):
    settings(**{private.address: "username: bob, password: {env: PW}"})

    done = run("auth", "check", private.address, "--format", "json", env={"PW": "wr0ng"})

    (trial,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert trial.pop("reason").endswith("(401); check user and password")
    steps = trial.pop("steps")
    assert trial == {
        "subject": private.address,
        "kind": "registry",
        "works": False,
        "verdict": "refused",
        "login": {
            "kind": "settings",
            "source": f'registries["{private.address}"] in the settings',
            "user": "bob",
            "ends_at": None,
        },
        "token_ends_at": None,
        "hint": None,
    }
    assert [(step["with"], step["status"], step["said"]) for step in steps] == [
        ("no login", 401, f"it wants a token from http://{private.address}/token"),
        ("user and password", 401, "UNAUTHORIZED: unauthorized"),
    ]
    assert "wr0ng" not in done.stdout + done.stderr


def test_the_login_of_a_helper(private, settings, run, tmp_path):
    helper = tmp_path / "docker-credential-test"
    answer = json.dumps({"ServerURL": "", "Username": "bob", "Secret": "s3cret"})
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    (tmp_path / "pull").write_text(json.dumps({"credHelpers": {private.address: "test"}}))
    settings("pull_secrets: [pull]", **{private.address: ""})

    done = run("auth", "check", private.address, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})

    assert done.returncode == 0
    assert f"{private.address}: the login is accepted\n" in done.stdout
    assert f"from docker-credential-test, which {tmp_path}/pull names, user bob" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


def test_the_account_that_a_machine_has_at_google(settings, run):
    users = {"oauth2accesstoken": "token-1"}
    with Google() as google, LoopbackRegistry(users=users, token_ttl_s=300) as registry:
        settings(**{registry.address: "login: {kind: gcp}"})
        metadata = {"GCE_METADATA_HOST": google.address, "GCE_METADATA_IP": google.address}

        done = run("auth", "check", registry.address, env=metadata)

    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "login  from Google, by the machine's own account, user oauth2accesstoken; good for 59 min, un" in done.stdout
    )
    assert "token-1" not in done.stdout


def test_a_user_that_may_be_a_secret_is_not_shown(private, settings, run):
    """DigitalOcean takes its token for both."""
    settings(**{private.address: "username: dop_s3cret, password: {env: PW}"})

    done = run("auth", "check", private.address, env={"PW": "dop_s3cret"})

    assert "in the settings\n" in done.stdout
    assert "dop_s3cret" not in done.stdout + done.stderr


def test_what_cannot_be_read_does_not_keep_the_rest_from_being_tried(settings, run, tmp_path):
    (tmp_path / "pull").write_text("no JSON")
    (tmp_path / "ca.pem").write_text("no certificate")
    with LoopbackRegistry() as public:
        settings("pull_secrets: [pull]", **{public.address: "login: {kind: anonymous}", "r.example": "ca_file: ca.pem"})
        done = run("auth", "check")

    assert (done.returncode, done.stderr) == (1, "")
    assert f"{tmp_path}/pull: there is no way in\n  why    it is no JSON\n" in done.stdout
    assert "r.example: there is no way in\n" in done.stdout
    assert f"{public.address}: anyone is let in\n" in done.stdout


def test_nothing_to_try_is_no_fault(settings, run):
    settings()

    done = run("auth", "check")

    assert (done.returncode, done.stdout[:22]) == (0, "No registry is named i")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["a b"], "'a b' is no image reference", id="no image"),
        pytest.param(["ghcr.io", "--settings", "nosuch.yaml"], "nosuch.yaml", id="no settings"),
    ],
)
def test_usage(settings, run, arguments, said):
    settings()

    done = run("auth", "check", *arguments)

    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        pytest.param("ghcr.io", "ghcr.io", id="a host"),
        pytest.param("https://ghcr.io/", "ghcr.io", id="a URL"),
        pytest.param("localhost:5000", "localhost:5000", id="with a port"),
        pytest.param("index.docker.io", "docker.io", id="another name of Docker Hub"),
        pytest.param("named:5000", "named:5000", id="a host without a dot, which the settings name"),
        pytest.param("nginx", Repository("docker.io", "library/nginx"), id="an image of Docker Hub"),
        pytest.param("nginx:1.27", Repository("docker.io", "library/nginx"), id="with a tag"),
        pytest.param("ghcr.io/acme/api:1.0", Repository("ghcr.io", "acme/api"), id="an image"),
    ],
)
def test_what_is_meant(text, subject):
    settings = make_default_settings({}).model_copy(update={"registries": {"named:5000": RegistrySettings()}})

    assert _parse_subject(text, settings) == subject
