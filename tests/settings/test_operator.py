"""The operator's settings: what each key becomes, its default, and the faults only these settings have."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from imagebot.errors import NeedsOperator
from imagebot.registry.host import MAX_TAGS
from imagebot.secret import Secret
from imagebot.settings.forge_section import GiteaSettings, GitHubSettings, GitLabSettings, GitSettings
from imagebot.settings.operator import (
    Author,
    InvalidSettings,
    Settings,
    SshSettings,
    load_registry_settings,
    load_settings,
    make_default_settings,
)
from imagebot.settings.registry_section import RegistrySettings
from imagebot.settings.section import Section
from imagebot.store.store import KEEP_HISTORY

SAMPLE = Path(__file__).parents[2] / "config" / "imagebot.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ca.pem", "key", "known_hosts", "token"):
        (tmp_path / name).write_text(f"{name}-text\n")
    (tmp_path / "docker").mkdir()
    return tmp_path


def load(folder: Path, text: str, **environ: str) -> Settings:
    (folder / "imagebot.yaml").write_text(text)
    return load_settings(folder / "imagebot.yaml", environ)


def list_faults(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(InvalidSettings) as raised:
        load(folder, text, **environ)
    return [str(fault).removeprefix(f"{folder}/imagebot.yaml:") for fault in raised.value.faults]


def test_everything_but_the_targets_has_a_default(folder):
    settings = load(folder, "targets: []")

    assert settings == make_default_settings({})
    assert (settings.data_dir, settings.docker_config) == (Path("/var/lib/imagebot"), None)
    assert (settings.timeout_s, settings.parallel_polls) == (30.0, 8)
    assert (settings.max_shrink, settings.shrink_patience) == (0.5, timedelta(days=1))
    assert (settings.max_tags, settings.history) == (MAX_TAGS, KEEP_HISTORY)
    assert settings.author == Author(name="imagebot", email="imagebot@localhost")
    assert (settings.registries, settings.targets) == ({}, ())


def test_a_target_needs_only_its_url(folder):
    (target,) = load(folder, "targets: [{url: https://git.example/infra/fleet.git}]").targets

    assert target.name == "infra/fleet@main"
    assert (target.url, target.branch) == ("https://git.example/infra/fleet.git", "main")
    assert target.policy_file == ".imagebot.yaml"
    assert (target.username, target.password, target.ca_file) == (None, None, None)
    assert target.plain_http_hosts == frozenset()
    assert target.ssh == SshSettings()
    assert target.forge == GitSettings(kind="git")


def test_every_key_of_a_target_is_read(folder):
    (target,) = load(
        folder,
        """
        targets:
          - name: staging
            url: http://git.example:3000/fleet
            branch: env/staging
            branch_prefix: bot/staging-
            policy_file: bot/policy.yaml
            username: bot
            password: {file: token}
            ca_file: ca.pem
            plain_http: true
            report_faults: false
            ssh: {key_file: key, known_hosts_file: known_hosts}
            forge: {kind: gitlab, url: "http://git.example:3000/", project: a/b, token: {env: T}, ca_file: ca.pem,
                    plain_http: true}
        """,
        T="glpat",
    ).targets

    assert (target.name, target.branch, target.policy_file) == ("staging", "env/staging", "bot/policy.yaml")
    assert (target.branch_prefix, target.report_faults) == ("bot/staging-", False)
    assert (target.username, target.password) == ("bot", Secret("token-text"))
    assert (target.ca_file, target.plain_http_hosts) == (folder / "ca.pem", frozenset({"git.example:3000"}))
    assert (target.ssh.key_file, target.ssh.known_hosts_file) == (folder / "key", folder / "known_hosts")
    assert isinstance(target.forge, GitLabSettings)
    assert (target.forge.url, target.forge.project, target.forge.token) == (
        "http://git.example:3000",
        "a/b",
        Secret("glpat"),
    )
    assert (target.forge.ca_file, target.forge.plain_http) == (folder / "ca.pem", True)


@pytest.mark.parametrize("kind", ["ssh", "gpg"])
def test_the_key_that_signs_is_named_by_its_kind_and_file(folder, kind):
    signing = load(folder, f"signing: {{kind: {kind}, key_file: key}}").signing

    assert signing is not None
    assert (signing.kind, signing.key_file) == (kind, folder / "key")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "signing: {key_file: key}", "1:10: signing.kind: found no such key; accepted is ssh or gpg", id="no kind"
        ),
        pytest.param("signing: {kind: ssh}", "1:10: signing.key_file: found no such key; accepted is", id="no key"),
        pytest.param("signing: {kind: gpg, key_file: no}", "1:32: signing.key_file: found ", id="no such file"),
    ],
)
def test_faults_of_the_key_that_signs(folder, text, fault):
    (found,) = list_faults(folder, text)

    assert found.startswith(fault)


def test_every_key_of_a_registry_is_read(folder):
    registries = load(
        folder,
        """
        registries:
          localhost:5000: {plain_http: true, max_tags: 5}
          ghcr.io: {ca_file: ca.pem, username: bot, password: {env: T}, token_hosts: ["auth.example:8443", a.example]}
        targets: []
        """,
        T="secret",
    ).registries

    assert registries["localhost:5000"] == RegistrySettings.model_construct(plain_http=True, max_tags=5)
    registry = registries["ghcr.io"]
    assert (registry.plain_http, registry.ca_file) == (False, folder / "ca.pem")
    assert (registry.username, registry.password) == ("bot", Secret("secret"))
    assert registry.token_hosts == {"auth.example:8443", "a.example"}


def test_relative_paths_start_from_the_folder_of_the_settings(folder):
    settings = load(folder, "data_dir: data\ndocker_config: docker\ntargets: []")

    assert settings.data_dir == folder / "data"
    assert settings.docker_config == folder / "docker" / "config.json"


def test_relative_paths_do_not_depend_on_how_the_settings_are_named(folder, monkeypatch):
    (folder / "imagebot.yaml").write_text("data_dir: data\ntargets: []")
    monkeypatch.chdir(folder)

    assert load_settings(Path("imagebot.yaml"), {}).data_dir == folder / "data"


def test_an_absolute_path_stays_as_it_is(folder):
    assert load(folder, "data_dir: /srv/imagebot\ntargets: []").data_dir == Path("/srv/imagebot")


@pytest.mark.parametrize(
    ("key", "environ", "found"),
    [
        pytest.param("", {"DOCKER_CONFIG": "docker", "HOME": "home"}, "docker", id="DOCKER_CONFIG comes first"),
        pytest.param("", {"HOME": "home"}, "home/.docker", id="then the user's folder"),
        pytest.param("", {"HOME": "docker"}, None, id="which may not be there"),
        pytest.param("", {"DOCKER_CONFIG": "nowhere", "HOME": "home"}, None, id="a DOCKER_CONFIG that is not there"),
        pytest.param("", {}, None, id="no environment"),
        pytest.param("docker_config: null", {"DOCKER_CONFIG": "docker"}, None, id="null is none"),
        pytest.param("docker_config: docker", {"DOCKER_CONFIG": "home"}, "docker", id="the settings decide"),
    ],
)
def test_dockers_logins_are_where_docker_has_them(folder, key, environ, found):
    (folder / "home" / ".docker").mkdir(parents=True)

    settings = load(folder, f"{key}\ntargets: []", **{name: str(folder / value) for name, value in environ.items()})

    assert settings.docker_config == (folder / found / "config.json" if found else None)


def test_no_secret_is_seen_in_what_is_printed(folder):
    (folder / "token").write_text("hunter2\n")

    settings = load(
        folder,
        """
        registries: {ghcr.io: {username: a, password: {file: token}}}
        targets:
          - {url: https://a.example/b, password: {env: P},
             forge: {kind: gitlab, url: https://a.example, project: a/b, token: {file: token}}}
        """,
        P="hunter2",
    )

    assert "hunter2" not in f"{settings!r} {settings}"
    assert settings.targets[0].password == Secret("hunter2")


@pytest.mark.parametrize(
    ("text", "share"),
    [
        pytest.param("30%", 0.3, id="a percentage"),
        pytest.param("'12.5%'", 0.125, id="a part of one, in quotes"),
        pytest.param("0%", 0.0, id="nothing"),
        pytest.param("100%", 1.0, id="everything"),
    ],
)
def test_a_percentage_is_a_share(folder, text, share):
    assert load(folder, f"max_shrink: {text}").max_shrink == share


def test_patience_is_a_duration(folder):
    assert load(folder, "shrink_patience: 365d").shrink_patience == timedelta(days=365)


def test_docker_hubs_own_api_can_be_turned_off(folder):
    assert RegistrySettings.model_construct().hub_api == "hub.docker.com"
    assert load(folder, "registries: {docker.io: {hub_api: null}}").registries["docker.io"].hub_api is None


def test_what_happened_to_tags_may_be_remembered_for_ten_years(folder):
    assert load(folder, "history: 3650d").history == timedelta(days=3650)


_SHARE = "a percentage from 0% to 100%, as in 30%"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("max_shrink: 0.3", f"1:13: max_shrink: found the number 0.3; accepted is {_SHARE}", id="a number"),
        pytest.param("max_shrink: 101%", f"1:13: max_shrink: found '101%'; accepted is {_SHARE}", id="more than all"),
        pytest.param("max_shrink: -1%", f"1:13: max_shrink: found '-1%'; accepted is {_SHARE}", id="growth"),
        pytest.param("max_shrink: 30 %", f"1:13: max_shrink: found '30 %'; accepted is {_SHARE}", id="a blank"),
        pytest.param(
            "shrink_patience: 1",
            "1:18: shrink_patience: found the number 1; accepted is a duration with its unit (ms, s, m,"
            " h, d), as in 30s, 1.5m or 1h",
            id="patience without a unit",
        ),
        pytest.param(
            "shrink_patience: 0s",
            "1:18: shrink_patience: found '0s'; accepted is a duration of more than 0s and at most 365d",
            id="no patience",
        ),
        pytest.param(
            "shrink_patience: 366d",
            "1:18: shrink_patience: found '366d'; accepted is a duration of more than 0s and at most 365d",
            id="endless patience",
        ),
        pytest.param(
            "registries: {ghcr.io: {hub_api: hub.docker.com}}",
            '1:33: registries["ghcr.io"].hub_api: found hub_api; accepted is the key under docker.io only',
            id="Docker Hub's API for another registry",
        ),
        pytest.param(
            "history: 3651d",
            "1:10: history: found '3651d'; accepted is a duration of more than 0s and at most 3650d",
            id="a long history",
        ),
        pytest.param(
            "max_tags: 0",
            "1:11: max_tags: found the number 0; accepted is a whole number from 1 to 10000000",
            id="0 tags",
        ),
        pytest.param(
            "registries: {a.b: {max_tags: 10000001}}",
            '1:30: registries["a.b"].max_tags: found the number 10000001;'
            " accepted is a whole number from 1 to 10000000",
            id="more tags than can be held",
        ),
        pytest.param(
            "timeout: 30",
            "1:10: timeout: found the number 30; accepted is a duration with its unit (ms, s, m,"
            " h, d), as in 30s, 1.5m or 1h",
            id="a bare number for a duration",
        ),
        pytest.param(
            "timeout: 0s",
            "1:10: timeout: found '0s'; accepted is a duration of more than 0s and at most 1h",
            id="no time at all",
        ),
        pytest.param(
            "timeout: 2h",
            "1:10: timeout: found '2h'; accepted is a duration of more than 0s and at most 1h",
            id="a very long timeout",
        ),
        pytest.param(
            "parallel_polls: 0",
            "1:17: parallel_polls: found the number 0; accepted is a whole number from 1 to 64",
            id="no polls",
        ),
        pytest.param(
            "data_dir: ''",
            "1:11: data_dir: found ''; accepted is a path, relative to the settings file (`~` is not expanded)",
            id="an empty path",
        ),
        pytest.param(
            "docker_config: nowhere",
            "1:16: docker_config: found FOLDER/nowhere, which is no folder; accepted is"
            " the path of a folder, or null for none",
            id="a folder that is not there",
        ),
        pytest.param(
            "author: {email: a b}", "1:17: author.email: found 'a b'; accepted is an e-mail address", id="no address"
        ),
        pytest.param(
            'author: {name: "a <b>"}',
            "1:16: author.name: found 'a <b>'; accepted is a text on one line, without < and >",
            id="a name that git could not take",
        ),
        pytest.param(
            "registries: {ghcr: {}}",
            "1:14: registries.ghcr: found 'ghcr'; accepted is a registry as image"
            " references have it, as in ghcr.io, docker.io or localhost:5000",
            id="no registry",
        ),
        pytest.param(
            "registries: {index.docker.io: {}}",
            '1:14: registries["index.docker.io"]: found'
            " 'index.docker.io'; accepted is a registry as image references have it, as in ghcr.io, docker.io or"
            " localhost:5000",
            id="another name of a registry",
        ),
        pytest.param(
            "registries: {a.b: {username: a}}",
            '1:19: registries["a.b"].password: found no such key; accepted is username and password together',
            id="half a login",
        ),
        pytest.param(
            "registries: {a.b: {token_hosts: [https://a.b]}}",
            '1:34: registries["a.b"].token_hosts[0]: found'
            " 'https://a.b'; accepted is a host in lower case, with its port if it has one: auth.example.com:8443",
            id="a URL for a host",
        ),
        pytest.param(
            "registries: {a.b: {ca_file: nowhere}}",
            '1:29: registries["a.b"].ca_file: found FOLDER/nowhere, which'
            " cannot be read (No such file or directory); accepted is the path of a readable file, relative to the"
            " settings file",
            id="a file that is not there",
        ),
    ],
)
def test_a_fault_outside_the_targets(folder, text, fault):
    faults = list_faults(folder, f"{text}\ntargets: []")

    assert [text.replace(str(folder), "FOLDER") for text in faults] == [fault]


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        pytest.param(
            "{}",
            "1:11: targets[0].url: found no such key; accepted is a git URL: https://HOST/PATH,"
            " ssh://USER@HOST/PATH, USER@HOST:PATH, file:///PATH, or http://HOST/PATH with plain_http: true",
            id="no URL",
        ),
        pytest.param(
            "{url: https://me:hunter2@a.b/c}",
            "1:17: targets[0].url: found a URL with a password in it; accepted"
            " is a URL without; use the keys username and password",
            id="a password in a URL",
        ),
        pytest.param(
            "{url: http://a.b/c}",
            "1:17: targets[0].url: found http:// without plain_http; accepted is https://,"
            " or http:// with plain_http: true",
            id="plain HTTP",
        ),
        pytest.param(
            "{url: https://a.b/c, username: me}",
            "1:11: targets[0].password: found no such key; accepted is username and password together",
            id="half a login",
        ),
        pytest.param(
            "{url: https://a.b/c, branch: a..b}",
            "1:40: targets[0].branch: found 'a..b'; accepted is the name of a branch (git-check-ref-format)",
            id="no branch",
        ),
        pytest.param(
            "{url: https://a.b/c, branch: 1.10}",
            "1:40: targets[0].branch: found the number 1.10; accepted is the"
            ' name of a branch (git-check-ref-format); put it in quotes: "1.10"',
            id="a number for a branch",
        ),
        pytest.param(
            "{url: https://a.b/c, policy_file: ../x}",
            "1:45: targets[0].policy_file: found '../x'; accepted is a path in the git repo, as in .imagebot.yaml",
            id="a path out of the git repo",
        ),
        pytest.param(
            "{url: https://a.b/c, forge: {kind: svn}}",
            "1:46: targets[0].forge.kind: found 'svn'; accepted is git or gitlab or github or gitea or forgejo",
            id="another forge",
        ),
        pytest.param(
            "{url: https://a.b/c, forge: {kind: github, project: a/b}}",
            "1:39: targets[0].forge: found neither; accepted is either token or app",
            id="GitHub without a login",
        ),
        pytest.param(
            "{url: https://a.b/c, forge: {kind: github, project: a/b, token: {env: T},"
            " app: {id: '1', private_key: {env: T}}}}",
            "1:39: targets[0].forge: found both; accepted is either token or app",
            id="GitHub with two logins",
        ),
        pytest.param(
            "{url: https://a.b/c, forge: {kind: github, project: a/b, token: {env: T}, verified_commits: true}}",
            "1:103: targets[0].forge.verified_commits: found verified_commits with a token; accepted is app beside it:"
            " GitHub verifies only an App's commits",
            id="verified commits without an App",
        ),
        pytest.param(
            "{url: https://a.b/c, forge: {kind: gitea, url: https://a.b, project: a, token: {env: T}}}",
            "1:80: targets[0].forge.project: found 'a'; accepted is the project's owner and name, as in infra/fleet",
            id="Gitea without the owner",
        ),
        pytest.param(
            "{url: https://a.b/c, forge: {kind: gitlab, url: http://a.b, project: a/b, token: {env: T}}}",
            "1:59: targets[0].forge.url: found http:// without plain_http; accepted is https://, or http:// with"
            " plain_http: true",
            id="a forge over plain HTTP",
        ),
        pytest.param(
            "{url: https://a.b/c, forge: {kind: gitlab, url: https://a.b, project: 42, token: {env: T}}}",
            "1:81: targets[0].forge.project: found the number 42; accepted is the project's path, as in"
            ' infra/fleet, or its number in quotes; put it in quotes: "42"',
            id="a project's number as a number",
        ),
    ],
)
def test_a_fault_of_a_target(folder, target, fault):
    assert list_faults(folder, f"targets: [{target}]", T="x") == [fault]


@pytest.mark.parametrize(
    ("targets", "fault"),
    [
        pytest.param(
            "[{url: https://a.b/c, name: x}, {url: https://a.b/d, name: x}]",
            "1:69: targets[1].name: found the name 'x' again; accepted is a name of its own for each target (key name)",
            id="given",
        ),
        pytest.param(
            "[{url: https://a.b/c}, {url: git@a.b:c.git, branch: main}]",
            "1:33: targets[1]: found the name 'c@main' again; accepted is a name of its own for each target (key name)",
            id="made of path and branch",
        ),
    ],
)
def test_two_targets_of_one_name_are_a_fault(folder, targets, fault):
    assert list_faults(folder, f"targets: {targets}") == [fault]


def test_one_git_repo_may_have_several_targets(folder):
    targets = load(
        folder, "targets: [{url: https://a.b/c}, {url: https://a.b/c, branch: dev, branch_prefix: imagebot/dev/}]"
    ).targets

    assert [target.name for target in targets] == ["c@main", "c@dev"]
    assert [target.branch_prefix for target in targets] == [None, "imagebot/dev/"]


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        pytest.param(
            "url: https://a.b/c.git/",
            "targets[1].branch_prefix: found no branch_prefix either, after line 1",
            id="none",
        ),
        pytest.param(
            "url: https://a.b/c, branch_prefix: null",
            "targets[1].branch_prefix: found no branch_prefix either, after line 1",
            id="null is none",
        ),
        pytest.param(
            "url: https://a.b/c, branch_prefix: x/",
            "targets[2].branch_prefix: found the branch_prefix 'x/' again, after line 2",
            id="the same",
        ),
    ],
)
def test_targets_in_one_git_repo_need_a_branch_prefix_of_their_own(folder, second, fault):
    third = "{url: https://a.b/c, branch_prefix: x/, name: y}"
    text = f"targets: [{{url: https://a.b/c}},\n{{{second}, branch: b}},\n{third}]"

    (found,) = list_faults(folder, text)

    assert found.partition(" ")[2].startswith(fault)
    assert found.endswith(
        "accepted is a branch_prefix of its own for each target in one git repo, as in imagebot/prod/, because else"
        " their branches would be taken for each other's"
    )


@pytest.mark.parametrize("prefix", ["''", "/x", "a..b", "1"])
def test_a_branch_prefix_is_what_the_policy_file_takes_as_one(folder, prefix):
    (fault,) = list_faults(folder, f"targets: [{{url: https://a.b/c, branch_prefix: {prefix}}}]")

    assert "accepted is the beginning of a branch's name (git-check-ref-format), as in imagebot/" in fault


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("targets: [{url: 'https://bot:hunter2@git.example/x.git'}]", id="a password"),
        pytest.param("targets: [{url: 'https://git.example/x.git?private_token=hunter2'}]", id="a query"),
        pytest.param("targets: [{url: 'https://git.example/x.git#hunter2'}]", id="a fragment"),
        pytest.param("targets: [{url: 'https://bot:hunter2'}]", id="cut off after the password"),
        pytest.param("targets: [{url: 'https://bot:hun/hunter2@git.example/x'}]", id="a password with a slash"),
        pytest.param("targets: [{url: ' https://bot:hunter2@git.example/x y'}]", id="blanks"),
        pytest.param("targets: [{url: 'bot:hunter2@git.example/x.git'}]", id="no scheme"),
        pytest.param("targets: [{url: 'git.example/x.git?private_token=hunter2'}]", id="a query without a scheme"),
        pytest.param(
            "targets: [{url: https://a.b/c, forge: {kind: gitlab, url: 'https://git.example/?private_token=hunter2',"
            " project: a/b, token: {env: T}}}]",
            id="a forge",
        ),
        pytest.param(
            "targets: [{url: https://a.b/c, forge: {kind: gitlab, url: https://a.b,"
            " project: 'https://bot:hunter2@git.example/x.git', token: {env: T}}}]",
            id="a forge's project",
        ),
        pytest.param("registries: {'https://bot:hunter2@ghcr.io': {}}", id="a registry"),
        pytest.param("registries: {ghcr.io: {token_hosts: ['https://bot:hunter2@ghcr.io']}}", id="a host for tokens"),
    ],
)
def test_a_fault_does_not_show_the_secret_in_a_url(folder, text):
    (fault,) = list_faults(folder, text, T="x")

    assert "hunter2" not in fault
    assert "bot" not in fault


def test_for_registries_alone_the_secrets_of_targets_may_be_missing(folder):
    text = (
        "parallel_polls: 2\nregistries: {ghcr.io: {plain_http: true}}\n"
        "targets: [{url: x, ca_file: nowhere, password: {env: NONE}, colour: red}]"
    )
    (folder / "imagebot.yaml").write_text(text)

    settings = load_registry_settings(folder / "imagebot.yaml", {})

    assert (settings.parallel_polls, settings.targets) == (2, ())
    assert settings.registries["ghcr.io"].plain_http


def test_for_registries_alone_all_other_faults_are_still_reported(folder):
    text = "timeout: 5\nregistries: {ghcr.io: {username: a, password: {env: NONE}}}\ntargets: 5\ncolour: red"
    (folder / "imagebot.yaml").write_text(text)

    with pytest.raises(InvalidSettings) as raised:
        load_registry_settings(folder / "imagebot.yaml", {})

    assert [fault.path for fault in raised.value.faults] == ["timeout", 'registries["ghcr.io"].password.env', "colour"]


def test_all_faults_are_reported_at_once_in_the_order_of_their_lines(folder):
    faults = list_faults(
        folder,
        "timeout: 5\nregistries: {ghcr.io: {username: a, password: {env: NONE}}}\ntimeout: 5s\n"
        "targets:\n- {url: x}\n- {url: https://a.b/c, branch_prefix: x/}\n- {url: https://a.b/c}\n",
    )

    assert [fault.split(":")[0] for fault in faults] == ["1", "2", "3", "5", "7"]


def test_settings_that_cannot_be_read_need_the_operator(tmp_path):
    with pytest.raises(InvalidSettings, match=r"nowhere\.yaml:1:1: found a file that cannot be read \(No such file"):
        load_settings(tmp_path / "nowhere.yaml", {})
    assert issubclass(InvalidSettings, NeedsOperator)


def test_the_text_of_the_error_has_a_line_for_each_fault(folder):
    with pytest.raises(InvalidSettings) as raised:
        load(folder, "timeout: 5\nparallel_polls: 0\ntargets: []")

    assert str(raised.value).splitlines() == [str(fault) for fault in raised.value.faults]
    assert len(raised.value.faults) == 2


def test_loading_settings_does_not_load_the_store_or_a_client():
    program = "import sys, imagebot.settings.operator, imagebot.settings.policy_file; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()

    assert not {"sqlalchemy", "requests", "docker", "gitlab", "structlog"} & set(loaded)


def test_the_sample_shows_every_key_and_is_accepted(tmp_path):
    text = SAMPLE.read_text()
    (tmp_path / "imagebot.yaml").write_text(text)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "pull").mkdir()
    for name in (
        "registry-password", "gitlab-token", "ca.pem", "id_ed25519", "known_hosts", "pull/.dockerconfigjson", "aws-key",
        "azure-secret", "imagebot.pem", "imagebot-key.pem", "github-app.pem", "gitea-token",
        "web-password", "hook-secret", "signing-key",
    ):  # fmt: skip
        (tmp_path / "secrets" / name).write_text("x")
    (tmp_path / "docker").mkdir()

    environ = dict.fromkeys(("WEB_REGISTRY_PASSWORD", "PROXY_PASSWORD", "WEB_TOKEN"), "x")
    settings = load_settings(tmp_path / "imagebot.yaml", environ)

    gitlab, github, gitea, plain = settings.targets
    registries = settings.registries.values()
    logins = [registry.login for registry in registries if registry.login is not None]
    assert settings.web is not None
    forges = [each.forge for each in settings.targets]
    assert isinstance(github.forge, GitHubSettings)
    assert isinstance(gitea.forge, GiteaSettings)
    assert github.forge.app is not None
    shown: list[object] = [
        settings,
        settings.author,
        settings.web,
        settings.webhooks["registry"],
        gitlab,
        *forges,
        github.forge.app,
        plain.ssh,
    ]
    shown += [*registries, *logins, settings.signing]
    assert isinstance(gitlab.forge, GitLabSettings)
    assert isinstance(plain.forge, GitSettings)
    for section in shown:
        assert isinstance(section, Section)
        missing = [key for key in type(section).fields_by_key() if f"{key}:" not in text]
        assert missing == []
