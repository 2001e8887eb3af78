"""The loopback registry, asked as a client and as a careless client would."""

import http.client
import json
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from imagebot.demo.image import IMAGE, INDEX, make_digest, make_image, make_index
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push, push_image
from imagebot.demo.registry import LoopbackRegistry

TINY = make_image({"a": "b"})


@pytest.fixture
def registry():
    with LoopbackRegistry() as registry:
        yield registry


@pytest.fixture
def ask():
    """A function that sends one request and follows nothing."""
    with requests.Session() as session:
        session.trust_env = False

        def send(registry, method, target, **kwargs):
            return session.request(
                method, f"http://{registry.address}{target}", timeout=5, allow_redirects=False, **kwargs
            )

        yield send


def push_blobs(ask: Any, registry: LoopbackRegistry, path: str) -> None:
    for blob in TINY.blobs:
        answer = ask(registry, "POST", f"/v2/{path}/blobs/uploads/?digest={make_digest(blob)}", data=blob)
        assert answer.status_code == 201


def test_what_was_pushed_can_be_pulled(registry, ask):
    digest = push_image(registry.address, "acme/api", "1.0", labels={"x": "y"})

    by_tag = ask(registry, "GET", "/v2/acme/api/manifests/1.0", headers={"Accept": IMAGE})
    by_digest = ask(registry, "GET", f"/v2/acme/api/manifests/{digest}", headers={"Accept": IMAGE})
    config = ask(registry, "GET", f"/v2/acme/api/blobs/{by_tag.json()['config']['digest']}")

    assert by_tag.headers["Docker-Content-Digest"] == digest == make_digest(by_tag.content)
    assert by_tag.headers["Content-Type"] == IMAGE
    assert by_digest.content == by_tag.content
    assert config.json()["config"]["Labels"] == {"org.opencontainers.image.version": "1.0", "x": "y"}


def test_head_has_the_headers_of_get_and_no_body(registry, ask):
    push_image(registry.address, "acme/api", "1.0")

    get, head = (
        ask(registry, method, "/v2/acme/api/manifests/1.0", headers={"Accept": IMAGE}) for method in ("GET", "HEAD")
    )

    assert head.content == b""
    assert {**head.headers, "Date": ""} == {**get.headers, "Date": ""}


def test_the_same_image_has_the_same_digest(registry):
    first, second = (push_image(registry.address, "acme/api", "1.0", labels={"x": "y"}) for _ in range(2))

    assert first == second


def test_a_tag_moves(registry, ask):
    push_image(registry.address, "acme/api", "1.0", labels={"x": "1"})
    digest = push_image(registry.address, "acme/api", "1.0", labels={"x": "2"})

    answer = ask(registry, "HEAD", "/v2/acme/api/manifests/1.0", headers={"Accept": IMAGE})

    assert answer.headers["Docker-Content-Digest"] == digest


def test_a_blob_is_uploaded_in_one_piece_or_in_two_steps(registry, ask):
    blob = TINY.blobs[0]

    start = ask(registry, "POST", "/v2/acme/api/blobs/uploads/")
    end = ask(registry, "PUT", f"{start.headers['Location']}?digest={make_digest(blob)}", data=blob)

    assert (start.status_code, end.status_code) == (202, 201)
    assert ask(registry, "GET", end.headers["Location"]).content == blob


def test_an_index_is_taken_when_its_manifests_are_there(registry, ask):
    push_blobs(ask, registry, "acme/api")
    index = json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": IMAGE, "digest": TINY.digest}]}).encode()
    put_index = {"data": index, "headers": {"Content-Type": INDEX}}

    too_early = ask(registry, "PUT", "/v2/acme/api/manifests/multi", **put_index)
    ask(registry, "PUT", f"/v2/acme/api/manifests/{TINY.digest}", data=TINY.manifest, headers={"Content-Type": IMAGE})
    in_time = ask(registry, "PUT", "/v2/acme/api/manifests/multi", **put_index)

    assert (too_early.status_code, in_time.status_code) == (404, 201)
    assert ask(registry, "GET", "/v2/acme/api/tags/list").json()["tags"] == ["multi"]


def test_an_index_is_pushed_with_its_images(registry, ask):
    index = make_index({"linux/amd64": {}, "linux/arm/v6": {"x": "y"}}, built_at=datetime(2024, 1, 1, tzinfo=UTC))

    digest = push(registry.address, "acme/api", "1.0", image=index)

    pulled = ask(registry, "GET", "/v2/acme/api/manifests/1.0", headers={"Accept": INDEX})
    child = ask(registry, "GET", f"/v2/acme/api/manifests/{index.images[1].digest}", headers={"Accept": IMAGE})
    config = ask(registry, "GET", f"/v2/acme/api/blobs/{child.json()['config']['digest']}").json()
    assert pulled.headers["Docker-Content-Digest"] == digest == index.digest
    assert [entry["digest"] for entry in pulled.json()["manifests"]] == [image.digest for image in index.images]
    assert pulled.json()["manifests"][1]["platform"] == {"os": "linux", "architecture": "arm", "variant": "v6"}
    assert config["created"] == "2024-01-01T00:00:00+00:00"
    assert (config["os"], config["architecture"], config["variant"]) == ("linux", "arm", "v6")


def test_the_labels_of_a_platform_change_its_image_alone():
    before = make_index({"linux/amd64": {}, "linux/arm64": {}})
    after = make_index({"linux/amd64": {}, "linux/arm64": {"rebuilt": "yes"}})

    assert before.images[0] == after.images[0]
    assert before.images[1].digest != after.images[1].digest
    assert before.digest != after.digest


def test_an_image_for_the_usual_platform_keeps_its_bytes():
    assert TINY.digest == "sha256:10706044326c11dff55201ee2a12e39d9319a9cc7861da23e559b86405deb208"


def test_a_deleted_tag_is_listed_no_longer_and_its_manifest_stays(registry, ask):
    digest = push_image(registry.address, "acme/api", "1.0")
    push_image(registry.address, "acme/api", "1.1")

    registry.delete_tag("acme/api", "1.0")

    assert ask(registry, "GET", "/v2/acme/api/tags/list").json()["tags"] == ["1.1"]
    assert ask(registry, "GET", "/v2/acme/api/manifests/1.0", headers={"Accept": IMAGE}).status_code == 404
    assert ask(registry, "GET", f"/v2/acme/api/manifests/{digest}", headers={"Accept": IMAGE}).status_code == 200


def test_times_of_pushes_are_told_as_googles_registries_do(registry, ask):
    instants = iter([datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)])
    push_image(registry.address, "acme/api", "0.9")
    registry.upload_clock = lambda: next(instants)
    first, second = (push_image(registry.address, "acme/api", tag) for tag in ("1.0", "1.1"))
    push(registry.address, "acme/api", "latest", image=make_image({"org.opencontainers.image.version": "1.0"}))

    listed = ask(registry, "GET", "/v2/acme/api/tags/list").json()

    assert listed["tags"] == ["0.9", "1.0", "1.1", "latest"]
    assert listed["manifest"] == {
        first: {"mediaType": IMAGE, "tag": ["1.0", "latest"], "timeUploadedMs": "1704067200000"},
        second: {"mediaType": IMAGE, "tag": ["1.1"], "timeUploadedMs": "1704153600000"},
    }


@pytest.mark.parametrize(
    ("identifier", "manifest", "media_type", "status", "code"),
    [
        pytest.param("1.0", b"{", IMAGE, 400, "MANIFEST_INVALID", id="no JSON"),
        pytest.param("1.0", b"[]", IMAGE, 400, "MANIFEST_INVALID", id="no object"),
        pytest.param("1.0", b'{"schemaVersion": 1}', IMAGE, 400, "MANIFEST_INVALID", id="another schema"),
        pytest.param("1.0", b'{"schemaVersion": 2}', IMAGE, 400, "MANIFEST_INVALID", id="no config"),
        pytest.param("1.0", TINY.manifest, "text/plain", 400, "MANIFEST_INVALID", id="another type"),
        pytest.param("1.0", TINY.manifest, INDEX, 400, "MANIFEST_INVALID", id="a type that the manifest denies"),
        pytest.param("-x", TINY.manifest, IMAGE, 400, "MANIFEST_INVALID", id="no tag"),
        pytest.param(f"sha256:{64 * '0'}", TINY.manifest, IMAGE, 400, "DIGEST_INVALID", id="another digest"),
        pytest.param(
            "1.0",
            TINY.manifest.replace(b"sha256:", b"sha256:0"),
            IMAGE,
            404,
            "MANIFEST_BLOB_UNKNOWN",
            id="blobs that are not there",
        ),
    ],
)
def test_manifests_that_the_spec_refuses(registry, ask, *, identifier, manifest, media_type, status, code):
    push_blobs(ask, registry, "acme/api")

    answer = ask(
        registry,
        "PUT",
        f"/v2/acme/api/manifests/{identifier}",
        data=manifest,
        headers={"Content-Type": media_type},
    )

    assert answer.status_code == status
    assert [error["code"] for error in answer.json()["errors"]] == [code]
    assert ask(registry, "GET", "/v2/acme/api/tags/list").json()["tags"] == []


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        pytest.param("GET", "/v2/acme/nosuch/tags/list", 404, "NAME_UNKNOWN", id="unknown repository"),
        pytest.param("GET", "/v2/acme/api/manifests/9.9", 404, "MANIFEST_UNKNOWN", id="unknown tag"),
        pytest.param("GET", f"/v2/acme/api/blobs/sha256:{64 * '0'}", 404, "BLOB_UNKNOWN", id="unknown blob"),
        pytest.param("GET", "/v2/Acme/tags/list", 404, "UNSUPPORTED", id="no name"),
        pytest.param("GET", "/other", 404, "UNSUPPORTED", id="another path"),
        pytest.param("DELETE", "/v2/acme/api/manifests/1.0", 405, "UNSUPPORTED", id="a method it has not"),
        pytest.param("PUT", "/v2/acme/api/tags/list", 405, "UNSUPPORTED", id="a list is not written"),
        pytest.param("GET", "/v2/acme/api/tags/list?n=-1", 400, "PAGINATION_NUMBER_INVALID", id="a negative page"),
        pytest.param("GET", "/v2/acme/api/tags/list?n=x", 400, "PAGINATION_NUMBER_INVALID", id="no number"),
        pytest.param("POST", "/v2/acme/api/blobs/uploads/?digest=sha256:0", 400, "DIGEST_INVALID", id="another digest"),
        pytest.param("GET", "/token?service=x", 400, "UNSUPPORTED", id="no tokens here"),
    ],
)
def test_requests_that_the_spec_refuses(registry, ask, method, target, status, code):
    push_image(registry.address, "acme/api", "1.0")

    answer = ask(registry, method, target)

    assert answer.status_code == status
    assert [error["code"] for error in answer.json()["errors"]] == [code]


def test_a_manifest_is_hidden_from_who_does_not_accept_its_type(registry, ask):
    push_image(registry.address, "acme/api", "1.0")

    assert ask(registry, "GET", "/v2/acme/api/manifests/1.0").status_code == 404


@pytest.mark.parametrize(
    ("query", "tags", "link"),
    [
        pytest.param("", ["1", "2"], "</v2/acme/api/tags/list?n=2&last=2>", id="no number is the limit"),
        pytest.param("?n=1", ["1"], "</v2/acme/api/tags/list?n=1&last=1>", id="fewer than the limit"),
        pytest.param("?n=1000", ["1", "2"], "</v2/acme/api/tags/list?n=2&last=2>", id="more than the limit"),
        pytest.param("?n=2&last=2", ["3"], None, id="the last page"),
        pytest.param("?n=0", [], None, id="none"),
        pytest.param("?last=0", ["1", "2"], "</v2/acme/api/tags/list?n=2&last=2>", id="after a tag that is not there"),
    ],
)
def test_pages_of_tags(ask, query, tags, link):
    with LoopbackRegistry(page_limit=2) as registry:
        for tag in ("3", "1", "2"):
            push_image(registry.address, "acme/api", tag)

        answer = ask(registry, "GET", f"/v2/acme/api/tags/list{query}")

    assert answer.json() == {"name": "acme/api", "tags": tags}
    assert answer.headers.get("Link") == (f'{link}; rel="next"' if link else None)


def test_basic_lets_users_in_and_anyone_to_what_is_public(ask):
    with LoopbackRegistry(users={"bob": "s3cret"}, public=frozenset({"acme/web"})) as registry:
        for path in ("acme/api", "acme/web"):
            push_image(registry.address, path, "1.0", login=("bob", "s3cret"))

        statuses = [
            ask(registry, "GET", f"/v2/{path}/tags/list", auth=auth).status_code
            for path in ("acme/api", "acme/web")
            for auth in (None, ("bob", "wrong"), ("bob", "s3cret"))
        ]

        assert statuses == [401, 401, 200, 200, 401, 200]
        assert ask(registry, "POST", "/v2/acme/web/blobs/uploads/").headers["WWW-Authenticate"].startswith("Basic ")


def test_a_push_without_a_login_is_refused():
    with (
        LoopbackRegistry(users={"bob": "s3cret"}) as registry,
        pytest.raises(RuntimeError, match="the registry answered 401"),
    ):
        push_image(registry.address, "acme/api", "1.0")


def test_a_token_is_good_for_its_scope_until_it_ends(ask):
    now = [0.0]
    with LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=60, monotonic=lambda: now[0]) as registry:
        for path in ("acme/api", "acme/web"):
            push_image(registry.address, path, "1.0", login=("bob", "s3cret"))
        query = {"service": registry.address, "scope": "repository:acme/api:pull"}
        token = ask(registry, "GET", "/token", params=query, auth=("bob", "s3cret")).json()
        bearer = {"Authorization": f"Bearer {token['token']}"}

        in_scope = ask(registry, "GET", "/v2/acme/api/tags/list", headers=bearer)
        out_of_scope = ask(registry, "GET", "/v2/acme/web/tags/list", headers=bearer)
        push = ask(registry, "POST", "/v2/acme/api/blobs/uploads/", headers=bearer)
        now[0] += 60
        ended = ask(registry, "GET", "/v2/acme/api/tags/list", headers=bearer)

        assert token["expires_in"] == 60
        assert [answer.status_code for answer in (in_scope, out_of_scope, push, ended)] == [200, 401, 401, 401]
        assert ended.headers["WWW-Authenticate"] == (
            f'Bearer realm="http://{registry.address}/token",service="{registry.address}",'
            'scope="repository:acme/api:pull"'
        )


def test_requests_are_logged_with_who_asked(ask):
    with LoopbackRegistry(users={"bob": "s3cret"}) as registry:
        ask(registry, "GET", "/v2/acme/api/tags/list?n=5")
        ask(registry, "HEAD", "/v2/", auth=("bob", "s3cret"))

        assert registry.requests == [("GET", "/v2/acme/api/tags/list?n=5", None, 401), ("HEAD", "/v2/", "bob", 200)]


def test_an_answer_can_be_put_in_place_of_another(registry, ask):
    registry.fault = lambda method, target: Reply(503, b"down", {"X-Why": "test"}) if target == "/v2/" else None

    fault, usual = ask(registry, "GET", "/v2/"), ask(registry, "GET", "/v2/acme/api/tags/list")

    assert (fault.status_code, fault.content, fault.headers["X-Why"]) == (503, b"down", "test")
    assert usual.status_code == 404
    assert [request.status for request in registry.requests] == [503, 404]


def test_an_ended_registry_ends_its_connections(ask):
    with LoopbackRegistry() as registry:
        ask(registry, "GET", "/v2/")

    with pytest.raises(requests.ConnectionError):
        ask(registry, "GET", "/v2/")


def test_a_body_too_large_is_refused_before_it_is_read(registry):
    with closing(http.client.HTTPConnection(registry.address, timeout=5)) as connection:
        connection.putrequest("POST", "/v2/acme/api/blobs/uploads/")
        connection.putheader("Content-Length", str(16 * 1024 * 1024 + 1))
        connection.endheaders()

        assert connection.getresponse().status == 413
