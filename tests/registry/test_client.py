"""Listing tags and fetching digests, against a registry that really answers, or misanswers."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from imagebot.demo.image import IMAGE, make_digest
from imagebot.demo.loopback import Call, Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.errors import NeedsOperator, Transient
from imagebot.image.reference import Repository, parse_repository
from imagebot.image.tag_list import TagList
from imagebot.registry.client import Registries
from imagebot.registry.credentials import Login
from imagebot.registry.errors import (
    AccessDenied,
    RateLimited,
    RegistryUnavailable,
    UnexpectedAnswer,
    UnknownManifest,
)
from imagebot.registry.host import RegistryHost
from imagebot.secret import Secret
from tests.servers.internet import Internet

BOB = Login("bob", Secret("s3cret"))
LIST = "/v2/acme/api/tags/list?n=1000"


def find_api(registry: LoopbackRegistry) -> Repository:
    return Repository(registry.address, "acme/api")


def make_page(*tags: str, link: str | None = None) -> Reply:
    return Reply(200, json.dumps({"name": "acme/api", "tags": tags}).encode(), {"Link": link} if link else {})


def test_the_tags_of_a_repository(registry, connect):
    for tag in ("1.10", "1.9", "latest"):
        push_image(registry.address, "acme/api", tag)

    assert connect(registry.address).list_tags(find_api(registry)).tags == ("1.10", "1.9", "latest")


def test_a_listing_goes_on_until_no_page_follows(connect):
    with LoopbackRegistry(page_limit=2) as registry:
        for tag in ("a", "b", "c", "d", "e"):
            push_image(registry.address, "acme/api", tag)
        registry.requests.clear()

        assert connect(registry.address).list_tags(find_api(registry)).tags == ("a", "b", "c", "d", "e")
        assert [request.target.partition("?")[2] for request in registry.requests] == [
            "n=1000",
            "n=2&last=b",
            "n=2&last=d",
        ]


def test_an_empty_page_may_be_followed_by_others(registry, connect):
    pages = {LIST: make_page(link='<?last=x>; rel="next"'), LIST.replace("n=1000", "last=x"): make_page("a")}
    registry.fault = lambda method, target: pages[target]

    assert connect(registry.address).list_tags(find_api(registry)).tags == ("a",)


def test_a_tag_that_two_pages_hold_is_listed_once(registry, connect):
    pages = {LIST: make_page("b", "a", link="<?last=b>"), LIST.replace("n=1000", "last=b"): make_page("b")}
    registry.fault = lambda method, target: pages[target]

    assert connect(registry.address).list_tags(find_api(registry)).tags == ("a", "b")


def test_a_repository_whose_tags_are_all_deleted_has_none(registry, connect):
    registry.fault = lambda method, target: Reply(200, b'{"name": "acme/api", "tags": null}')

    assert connect(registry.address).list_tags(find_api(registry)).tags == ()


@pytest.mark.parametrize("pages", [1, 2, 4], ids=["in one page", "in two", "one a page"])
def test_a_list_of_more_tags_than_the_settings_allow_is_incomplete(registry, connect, pages):
    tags = ["a", "b", "c", "d"]
    size = len(tags) // pages
    replies = [
        make_page(*tags[at : at + size], link=f"<?last={at}>" if at + size < len(tags) else None)
        for at in range(0, len(tags), size)
    ]
    registry.fault = lambda *_: replies[len(registry.requests)]

    listed = connect(registry.address, max_tags=3).list_tags(find_api(registry))

    assert listed == TagList(("a", "b", "c"), cut_at=3)


def test_as_many_tags_as_the_settings_allow_are_all(registry, connect):
    registry.fault = lambda *_: make_page("a", "b", "c")

    assert connect(registry.address, max_tags=3).list_tags(find_api(registry)) == TagList(("a", "b", "c"))


def test_what_the_settings_allow_for_all_registries_holds_where_one_says_nothing(registry):
    registry.fault = lambda *_: make_page("a", "b", "c")
    host = RegistryHost(registry.address, plain_http=True)

    with Registries({registry.address: host}, timeout_s=5, user_agent="t", max_tags=2) as registries:
        assert registries.list_tags(find_api(registry)).cut_at == 2


@pytest.mark.slow
def test_pages_without_end_end_the_listing(registry, connect):
    registry.fault = lambda *_: make_page(f"t{len(registry.requests)}", link=f"<?last={len(registry.requests)}>")

    with pytest.raises(UnexpectedAnswer, match=r"the tags of .*/acme/api fill more than 1000 pages or 67108864 bytes"):
        connect(registry.address, max_tags=50_000).list_tags(find_api(registry))

    assert len(registry.requests) == 1000


def test_pages_that_take_too_long_end_the_listing(registry, connect, clock):
    """Each comes in time, and there are always more: so a round could be held up for days."""

    def answer(*_: object) -> Reply:
        clock.now += 19
        return make_page(f"t{len(registry.requests)}", link=f"<?last={len(registry.requests)}>")

    registry.fault = answer

    with pytest.raises(RegistryUnavailable, match=r"the tags of .*/acme/api take more than 400 s"):
        connect(registry.address).list_tags(find_api(registry))

    assert len(registry.requests) == 22


def test_large_pages_end_the_listing(registry, connect):
    blanks = b" " * (15 * 1024 * 1024)
    registry.fault = lambda *_: Reply(
        200,
        b'{"tags": ["t%d"]}' % len(registry.requests) + blanks,
        {"Link": f"<?last={len(registry.requests)}>"},
    )

    with pytest.raises(UnexpectedAnswer, match="fill more than 1000 pages or 67108864 bytes"):
        connect(registry.address, max_tags=100).list_tags(find_api(registry))

    assert len(registry.requests) == 5


def test_texts_that_are_no_tags_are_dropped_and_counted(registry, connect):
    replies = [make_page("a", "-b", link="<?last=a>"), make_page("c", "d e")]
    registry.fault = lambda *_: replies[len(registry.requests)]

    assert connect(registry.address).list_tags(find_api(registry)) == TagList(("a", "c"), dropped=2)


def test_the_times_of_pushes_that_a_registry_tells(connect):
    pushed_at = datetime(2024, 11, 7, 17, 20, 0, 123000, tzinfo=UTC)
    with LoopbackRegistry(page_limit=1) as registry:
        push_image(registry.address, "acme/api", "1.0")
        registry.upload_clock = lambda: pushed_at
        digest = push_image(registry.address, "acme/api", "1.1")
        push_image(registry.address, "acme/api", "1.2")
        registry.delete_tag("acme/api", "1.2")

        listed = connect(registry.address).list_tags(find_api(registry))

    assert listed == TagList(("1.0", "1.1"), {"1.1": pushed_at}, {"1.1": digest})


@pytest.mark.parametrize(
    ("second", "error"),
    [
        pytest.param(Reply(200, b'{"tags": ["b"'), UnexpectedAnswer, id="a page is cut off"),
        pytest.param(Reply(200, b""), UnexpectedAnswer, id="a page is empty"),
        pytest.param(Reply(200, b'{"name": "acme/api"}'), UnexpectedAnswer, id="a page without tags"),
        pytest.param(Reply(429), RateLimited, id="the registry has enough of us"),
    ],
)
def test_a_listing_that_breaks_off_is_an_error(registry, connect, second, error):
    pages = {LIST: make_page("a", link="<?last=a>")}
    registry.fault = lambda method, target: pages.get(target, second)

    with pytest.raises(error):
        connect(registry.address).list_tags(find_api(registry))


def make_html(status: int) -> Reply:
    return Reply(status, b"<!doctype html><h1>Sign in</h1>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("reply", "error", "said", "asked"),
    [
        pytest.param(Reply(401), AccessDenied, "asks for a login (401), and none is configured", 1, id="401"),
        pytest.param(Reply(403), AccessDenied, "asks for a login (403), and none is configured", 1, id="403"),
        pytest.param(Reply(400), UnexpectedAnswer, "status 400 where the tags of", 1, id="400"),
        pytest.param(Reply(503), RegistryUnavailable, "it answered 503", 3, id="503 is tried again"),
        pytest.param(Reply(504), RegistryUnavailable, "it answered 504", 3, id="504 is tried again"),
        pytest.param(
            Reply(429, headers={"Retry-After": "3"}), RateLimited, "asks for a pause of 3 s", 3, id="429 for seconds"
        ),
    ],
)
def test_what_an_answer_means(registry, connect, pauses, *, reply, error, said, asked):
    registry.fault = lambda *_: reply

    with pytest.raises(error) as caught:
        connect(registry.address).list_tags(find_api(registry))

    assert said in str(caught.value)
    assert registry.address in str(caught.value)
    assert len(registry.requests) == asked
    assert len(pauses) == asked - 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(Reply(404), NeedsOperator, id="404"),
        pytest.param(Reply(403), NeedsOperator, id="403"),
        pytest.param(Reply(429), Transient, id="429"),
        pytest.param(Reply(500), Transient, id="500"),
        pytest.param(Reply(200), Transient, id="no tag list"),
    ],
)
def test_who_can_help(registry, connect, error, kind):
    registry.fault = lambda *_: error

    with pytest.raises(kind):
        connect(registry.address).list_tags(find_api(registry))


def test_a_brief_fault_goes_unnoticed(registry, connect, pauses):
    replies = iter([Reply(502), Reply(429, headers={"Retry-After": "4"}), None])
    push_image(registry.address, "acme/api", "1.0")
    registry.fault = lambda *_: next(replies)

    assert connect(registry.address).list_tags(find_api(registry)).tags == ("1.0",)
    assert pauses == [0.5, 4.0]


def test_the_digest_of_a_tag_is_asked_with_head(registry, connect):
    digest = push_image(registry.address, "acme/api", "1.0")
    registry.requests.clear()

    assert connect(registry.address).fetch_digest(find_api(registry), "1.0") == digest
    assert [request.method for request in registry.requests] == ["HEAD"]


def test_the_digest_of_a_registry_that_does_not_say_it_is_computed(registry, connect):
    manifest = b'{"schemaVersion": 2}'
    registry.fault = lambda *_: Reply(200, manifest, {"Content-Type": f"{IMAGE}; charset=utf-8"})

    digest = connect(registry.address).fetch_digest(find_api(registry), "1.0")

    assert digest == make_digest(manifest)
    assert [request.method for request in registry.requests] == ["HEAD", "GET"]


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        pytest.param(Reply(404), UnknownManifest, "acme/api:1.0: the registry has no such tag (404)", id="404"),
        pytest.param(
            Reply(200, headers={"Docker-Content-Digest": "sha256:x"}), UnexpectedAnswer, "is no digest", id="no digest"
        ),
        pytest.param(make_html(200), UnexpectedAnswer, "something of type 'text/html'", id="HTML is no manifest"),
        pytest.param(Reply(200), UnexpectedAnswer, "something of type ''", id="no type"),
        pytest.param(
            Reply(200, bytes(4 * 1024 * 1024 + 1), {"Content-Type": IMAGE}),
            UnexpectedAnswer,
            "a body of more than 4194304 bytes",
            id="a manifest too large",
        ),
        pytest.param(Reply(405), UnexpectedAnswer, "status 405 where", id="405"),
    ],
)
def test_what_an_answer_for_a_digest_means(registry, connect, reply, error, said):
    registry.fault = lambda *_: reply

    with pytest.raises(error) as caught:
        connect(registry.address).fetch_digest(find_api(registry), "1.0")

    assert said in str(caught.value)


def test_docker_hub_stands_at_other_addresses(tmp_path, monkeypatch):
    def list_tags(call: Call) -> Reply:
        realm = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'
        is_in = call.headers.get("Authorization") == "Bearer t"
        return Reply(200, b'{"tags": ["1.27"]}') if is_in else Reply(401, headers={"WWW-Authenticate": realm})

    hosts = {"registry-1.docker.io": list_tags, "auth.docker.io": lambda _: Reply(200, b'{"token": "t"}')}
    with Internet(tmp_path, hosts) as internet:
        internet.connect(monkeypatch)
        with Registries({}, timeout_s=5.0, user_agent="imagebot/test") as registries:
            assert registries.list_tags(parse_repository("nginx")).tags == ("1.27",)

    scope = "service=registry.docker.io&scope=repository%3Alibrary%2Fnginx%3Apull"
    listing = "registry-1.docker.io/v2/library/nginx/tags/list?n=1000"
    assert internet.list_asked() == [listing, f"auth.docker.io/token?{scope}", listing]


K8S, ITS_STORE = "registry.k8s.io", "us-west2-docker.pkg.dev"


def test_a_known_redirect_is_followed_without_a_login(tmp_path, monkeypatch):
    pages = {
        "/v2/k8s/images/pause/tags/list": Reply(200, b'{"tags": ["3.9"]}', {"Link": '<?last=3.9>; rel="next"'}),
        "/v2/k8s/images/pause/tags/list?last=3.9": Reply(200, b'{"tags": ["3.10"]}'),
    }
    there = f"https://{ITS_STORE}/v2/k8s/images/pause/tags/list"
    hosts = {K8S: lambda _: Reply(307, headers={"Location": there}), ITS_STORE: lambda call: pages[call.target]}
    with Internet(tmp_path, hosts) as internet:
        internet.connect(monkeypatch)
        with Registries({}, timeout_s=5.0, user_agent="imagebot/test") as registries:
            assert registries.list_tags(parse_repository("registry.k8s.io/pause")).tags == ("3.10", "3.9")

    assert len(internet.calls) == 3
    assert not any("Authorization" in call.headers for _, call in internet.calls)


def test_no_login_goes_along_with_a_known_redirect(tmp_path, monkeypatch):
    there = f"https://{ITS_STORE}/v2/pause/tags/list"
    answers = iter([Reply(401, headers={"WWW-Authenticate": "Basic"}), Reply(307, headers={"Location": there})])
    hosts = {K8S: lambda _: next(answers), ITS_STORE: lambda _: Reply(200, b'{"tags": ["3.9"]}')}
    host = RegistryHost(K8S, logins={"": Login("bob", Secret("s3cret"))})
    with Internet(tmp_path, hosts) as internet:
        internet.connect(monkeypatch)
        with Registries({K8S: host}, timeout_s=5.0, user_agent="imagebot/test") as registries:
            registries.list_tags(parse_repository("registry.k8s.io/pause"))

    assert [(host, "Authorization" in call.headers) for host, call in internet.calls] == [
        (K8S, False),
        (K8S, True),
        (ITS_STORE, False),
    ]


def test_docker_is_not_imported_without_need():
    slow = ("docker", "gitlab", "pydantic", "requests", "sqlalchemy", "structlog")
    probe = f"import sys, imagebot.registry.client; print([name for name in {slow} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
