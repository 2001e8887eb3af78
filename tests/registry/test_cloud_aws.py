"""Logins of Amazon ECR: by each kind of identity, against moto, which checks who asks and what they may."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.registry.cloud import look_up_cloud_login
from imagebot.registry.credentials import Found, Login
from imagebot.registry.errors import CloudUnavailable, NoCloudLogin
from imagebot.registry.given_login import AwsLogin, Cloud, EcrHost, find_ecr_host
from imagebot.registry.host import RegistryHost
from imagebot.registry.logins import HostLogins, LoginSources, Means
from imagebot.secret import Secret
from tests.servers.aws import (
    PASSWORD,
    REGION,
    USER,
    Amazon,
    InstanceMetadata,
    Key,
    LoginService,
    WebIdentities,
    run_amazon,
)
from tests.servers.closed_port import hold_closed_port

pytestmark = pytest.mark.xdist_group("aws")  # one process starts moto

NAME = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
ROLE_ARN = "arn:aws:iam::123456789012:role/registry-reader"
KEY = Key("AKIAEXAMPLE", "s3cret-key")


@pytest.fixture(scope="module")
def amazon() -> Iterator[Amazon]:
    with run_amazon() as amazon:
        yield amazon


@pytest.fixture(autouse=True)
def _no_identity(monkeypatch, tmp_path):
    """Begin with a machine that Amazon does not know."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def environment(monkeypatch):
    """A function that sets environment variables."""

    def set_all(*variables: Mapping[str, str]) -> None:
        for name, value in (pair for each in variables for pair in each.items()):
            monkeypatch.setenv(name, value)

    return set_all


def look_up(login: AwsLogin, name: str = NAME, *, timeout_s: float = 20.0) -> Found:
    return look_up_cloud_login(
        login, RegistryHost(name), send=lambda _: pytest.fail("the registry is not asked"), timeout_s=timeout_s
    )


def give(key: Key) -> AwsLogin:
    return AwsLogin(access_key_id=key.id, secret_access_key=Secret(key.secret))


def test_the_tags_of_a_registry_of_amazon(amazon, environment, connect):
    environment(amazon.environment)
    with LoopbackRegistry(users={USER: PASSWORD}) as registry:
        push_image(registry.address, "acme/api", "1.0", login=(USER, PASSWORD))
        login = AwsLogin(region=REGION, access_key_id=amazon.reader.id, secret_access_key=Secret(amazon.reader.secret))

        registries = connect(registry.address, login=login)

        assert registries.list_tags(Repository(registry.address, "acme/api")).tags == ("1.0",)


def test_the_keys_of_the_settings(amazon, environment):
    environment(amazon.environment)

    found = look_up(give(amazon.reader))

    assert found.credentials == Login(USER, Secret(PASSWORD))
    assert str(found.source) == "Amazon, by the access key of the settings"


def test_the_environment(amazon, environment):
    keys = {"AWS_ACCESS_KEY_ID": amazon.reader.id, "AWS_SECRET_ACCESS_KEY": amazon.reader.secret}
    environment(amazon.environment, keys)

    assert str(look_up(AwsLogin()).source) == "Amazon, by the environment"


def test_a_profile(amazon, environment, tmp_path):
    file = tmp_path / "credentials"
    keys = f"aws_access_key_id = {amazon.reader.id}\naws_secret_access_key = {amazon.reader.secret}\n"
    file.write_text(f"[reader]\n{keys}")
    environment(amazon.environment, {"AWS_SHARED_CREDENTIALS_FILE": str(file)})

    assert str(look_up(AwsLogin(profile="reader")).source) == "Amazon, by AWS's credentials file, profile reader"
    with pytest.raises(NoCloudLogin, match="there is no profile other in AWS's configuration"):
        look_up(AwsLogin(profile="other"))


def test_a_web_identity(amazon, environment, tmp_path):
    (tmp_path / "token").write_text("a.b.c")
    web_identity = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": ROLE_ARN}
    with WebIdentities(amazon.reader, role_arn=ROLE_ARN, token="a.b.c") as service:
        environment(amazon.environment, web_identity, {"AWS_ENDPOINT_URL_STS": service.url})

        assert str(look_up(AwsLogin()).source) == "Amazon, by a web identity"

        (tmp_path / "token").write_text("another")
        with pytest.raises(NoCloudLogin, match=r"does not accept the identity \(400 InvalidIdentityToken\)"):
            look_up(AwsLogin())


def test_the_role_of_an_instance(amazon, environment):
    with InstanceMetadata(amazon.reader) as metadata:
        instance = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url}
        environment(amazon.environment, instance)

        assert str(look_up(AwsLogin()).source) == "Amazon, by the instance's role"


def test_a_file_that_is_not_there_is_the_reason(environment, tmp_path):
    environment({"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "nosuch"), "AWS_ROLE_ARN": ROLE_ARN})

    with pytest.raises(
        NoCloudLogin, match=r"leads to no identity \(FileNotFoundError\); `aws sts get-caller-identity`"
    ):
        look_up(AwsLogin())


def test_nobody_is_told_so():
    with pytest.raises(NoCloudLogin, match=r"no identity was found .*; give the machine a role, or name keys"):
        look_up(AwsLogin())


def test_a_wrong_secret_is_said_and_not_shown(amazon, environment):
    environment(amazon.environment)

    with pytest.raises(NoCloudLogin, match=r"does not accept the identity \(403\)") as caught:
        look_up(give(Key(amazon.reader.id, "s3cret-key")))

    assert "s3cret-key" not in f"{caught.value} {caught.value.__context__!r}"


def test_an_unknown_key_is_said(amazon, environment):
    environment(amazon.environment)

    with pytest.raises(NoCloudLogin, match=r"does not accept the identity \(403\)"):
        look_up(give(Key("AKIANOBODY", amazon.reader.secret)))


def test_an_identity_that_may_not_read_gets_nothing(amazon, environment):
    environment(amazon.environment)

    with pytest.raises(NoCloudLogin, match=r"\(403\)"):
        look_up(give(amazon.stranger))


def test_a_login_that_ended_before_it_was_given_lasts_as_is_documented(amazon, environment):
    # moto says of each that it ended in 2015.
    environment(amazon.environment)

    assert look_up(give(amazon.reader)).lasts_s == 12 * 3600


@pytest.mark.parametrize(
    ("ends_at", "date", "lasts_s"),
    [
        pytest.param(datetime(2030, 1, 1, 6, tzinfo=UTC), "Tue, 01 Jan 2030 00:00:00 GMT", 6 * 3600, id="as said"),
        pytest.param(
            datetime(2020, 1, 1, 6, tzinfo=UTC), "Wed, 01 Jan 2020 00:00:00 GMT", 6 * 3600, id="by Amazon's own clock"
        ),
        pytest.param(datetime(2020, 1, 1, tzinfo=UTC), "Wed, 01 Jan 2020 00:00:00 GMT", 12 * 3600, id="ended"),
        pytest.param(datetime(2020, 1, 1, tzinfo=UTC), "no date", 12 * 3600, id="by a clock of nobody"),
        pytest.param(None, "Wed, 01 Jan 2020 00:00:00 GMT", 12 * 3600, id="nothing is said"),
    ],
)
def test_how_long_a_login_lasts(environment, ends_at, date, lasts_s):
    with LoginService(ends_at=ends_at, date=date) as service:
        environment({"AWS_ENDPOINT_URL_ECR": service.url})

        assert look_up(give(KEY)).lasts_s == lasts_s


def test_the_public_registry_is_asked_in_its_own_region(environment):
    with LoginService() as service:
        environment({"AWS_ENDPOINT_URL_ECR_PUBLIC": service.url, "AWS_DEFAULT_REGION": "eu-west-1"})

        found = look_up(give(KEY), "public.ecr.aws")

    assert found.credentials == Login("AWS", Secret("login-1"))
    assert service.asked == ["SpencerFrontendService.GetAuthorizationToken us-east-1"]


def test_a_private_registry_is_asked_where_its_name_says(environment):
    with LoginService() as service:
        environment({"AWS_ENDPOINT_URL_ECR": service.url, "AWS_DEFAULT_REGION": "eu-west-1"})

        look_up(give(KEY), "123456789012.dkr.ecr.ap-southeast-2.amazonaws.com")

    assert service.asked == ["AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken ap-southeast-2"]


def test_a_registry_that_is_recognised_by_its_name_is_asked_about_once_for_all_its_repositories(environment):
    keys = {"AWS_ACCESS_KEY_ID": KEY.id, "AWS_SECRET_ACCESS_KEY": KEY.secret}
    with LoginService() as service:
        environment({"AWS_ENDPOINT_URL_ECR": service.url}, keys)
        means = Means(monotonic=lambda: 0.0, timeout_s=20.0, send=lambda _: pytest.fail("the registry is not asked"))
        logins = HostLogins(RegistryHost(NAME), LoginSources(clouds=frozenset({Cloud.AWS})), means)

        found = [logins.choose(path).find() for path in ("acme/api", "acme/web")]

    assert [each.credentials for each in found if each] == [Login("AWS", Secret("login-1"))] * 2


def test_a_name_that_does_not_say_its_region_needs_one():
    with pytest.raises(NoCloudLogin, match="add region to its login in the settings"):
        look_up(give(KEY), "registry.example.com")


def test_one_login_serves_until_it_is_refused(environment, connect):
    """By moto's answer, which has always ended already, each request would fetch one anew."""
    with LoginService(ends_at=datetime(2015, 1, 1, tzinfo=UTC)) as service:
        environment({"AWS_ENDPOINT_URL_ECR": service.url})
        users = {"AWS": "login-1"}
        with LoopbackRegistry(users=users) as registry:
            push_image(registry.address, "acme/api", "1.0", login=("AWS", "login-1"))
            login = AwsLogin(region=REGION, access_key_id=KEY.id, secret_access_key=Secret(KEY.secret))
            registries, api = connect(registry.address, login=login), Repository(registry.address, "acme/api")
            for _ in range(5):
                registries.list_tags(api)
            assert service.number == 1

            users["AWS"] = "login-2"
            for _ in range(5):
                registries.list_tags(api)
            assert service.number == 2


def test_a_login_is_renewed_before_it_ends(environment, connect, clock):
    midnight = "Wed, 01 Jan 2020 00:00:00 GMT"
    with LoginService(ends_at=datetime(2020, 1, 1, 12, tzinfo=UTC), date=midnight) as service:
        environment({"AWS_ENDPOINT_URL_ECR": service.url})
        users = {"AWS": "login-1"}
        with LoopbackRegistry(users=users) as registry:
            push_image(registry.address, "acme/api", "1.0", login=("AWS", "login-1"))
            login = AwsLogin(region=REGION, access_key_id=KEY.id, secret_access_key=Secret(KEY.secret))
            registries, api = connect(registry.address, login=login), Repository(registry.address, "acme/api")
            registries.list_tags(api)

            clock.now += 12 * 3600 - 60
            users["AWS"] = "login-2"
            registry.requests.clear()
            registries.list_tags(api)

            assert [request.status for request in registry.requests] == [200]


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        pytest.param(Reply(500), CloudUnavailable, "it answered 500", id="a fault of theirs"),
        pytest.param(
            Reply(400, json.dumps({"__type": "ThrottlingException", "message": "s3cret"}).encode()),
            CloudUnavailable,
            "it answered 400 ThrottlingException",
            id="too many requests",
        ),
        pytest.param(
            Reply(400, json.dumps({"__type": "AccessDeniedException", "message": "s3cret"}).encode()),
            NoCloudLogin,
            "may not call GetAuthorizationToken: attach a policy such as AmazonEC2ContainerRegistryReadOnly",
            id="no permission",
        ),
        pytest.param(
            Reply(400, json.dumps({"__type": "s3cret <b>", "message": "s3cret"}).encode()),
            NoCloudLogin,
            "(400)",
            id="an odd code",
        ),
        pytest.param(Reply(200, b"s3cret"), CloudUnavailable, "", id="no JSON"),
        pytest.param(Reply(200, b'{"authorizationData": []}'), CloudUnavailable, "holds no login", id="nothing"),
        pytest.param(
            Reply(200, b'{"authorizationData": [{"authorizationToken": "%%%"}]}'),
            CloudUnavailable,
            "holds no login",
            id="no base64",
        ),
    ],
)
def test_an_answer_that_is_no_login(environment, reply, error, said):
    with LoginService(reply=reply) as service:
        environment({"AWS_ENDPOINT_URL_ECR": service.url})

        with pytest.raises(error) as caught:
            look_up(give(KEY))

    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_amazon_out_of_reach_may_be_back_later(environment):
    with hold_closed_port() as address:
        environment({"AWS_ENDPOINT_URL_ECR": f"http://{address}"})

        with pytest.raises(CloudUnavailable, match="no answer that can be used"):
            look_up(give(KEY))


@pytest.mark.parametrize(
    ("name", "host"),
    [
        pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.com", EcrHost("eu-west-1"), id="private"),
        pytest.param("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", EcrHost("cn-north-1"), id="China"),
        pytest.param(
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", EcrHost("us-gov-west-1", is_fips=True), id="FIPS"
        ),
        pytest.param(
            "123456789012.dkr-ecr.us-west-2.on.aws", EcrHost("us-west-2", is_dual_stack=True), id="dual stack"
        ),
        pytest.param(
            "123456789012.dkr-ecr-fips.us-west-2.on.aws",
            EcrHost("us-west-2", is_fips=True, is_dual_stack=True),
            id="dual stack and FIPS",
        ),
        pytest.param(
            "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
            EcrHost("cn-north-1", is_dual_stack=True),
            id="dual stack in China",
        ),
        pytest.param("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", EcrHost("eusc-de-east-1"), id="sovereign"),
        pytest.param("public.ecr.aws", EcrHost("us-east-1", is_public=True), id="public"),
        pytest.param("ecr-public.aws.com", EcrHost("us-east-1", is_public=True), id="public, dual stack"),
        pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example", None, id="a longer name"),
        pytest.param("evil.example/123456789012.dkr.ecr.eu-west-1.amazonaws.com", None, id="a path"),
        pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.org", None, id="another domain"),
        pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.com:444", None, id="another port"),
        pytest.param("1234.dkr.ecr.eu-west-1.amazonaws.com", None, id="no account"),
        pytest.param("ghcr.io", None, id="another registry"),
    ],
)
def test_what_a_name_says(name, host):
    assert find_ecr_host(name) == host
