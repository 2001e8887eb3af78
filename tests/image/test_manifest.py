"""Manifests, indexes and configs: what is read of them, and that no bytes end in another error."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagebot.image.manifest import (
    Config,
    Index,
    InvalidManifest,
    Manifest,
    parse_config,
    parse_manifest,
)
from imagebot.image.media_types import IMAGE_TYPES, INDEX_TYPES
from imagebot.image.platform import Platform

INDEX, LIST = INDEX_TYPES
IMAGE, DOCKER_IMAGE = IMAGE_TYPES
CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
A, B, C = (f"sha256:{64 * digit}" for digit in "abc")
Entry = dict[str, Any]
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def make_entry(digest: str = A, platform: str = "linux/amd64", media_type: str = IMAGE, **more: object) -> Entry:
    parts = zip(("os", "architecture", "variant"), platform.split("/"), strict=False)
    return {"mediaType": media_type, "digest": digest, "size": 500, "platform": dict(parts), **more}


def make_index(*entries: object, **more: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, **more}).encode()


def make_image(media_type: str = CONFIG, digest: str = A, **more: object) -> bytes:
    config = {"mediaType": media_type, "digest": digest, "size": 500}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": [], **more}).encode()


def leave_out(key: str, **fields: object) -> Entry:
    return {name: value for name, value in fields.items() if name != key}


@pytest.mark.parametrize("media_type", INDEX_TYPES)
def test_an_index_has_a_digest_for_each_platform(media_type):
    body = make_index(make_entry(A, "linux/amd64"), make_entry(B, "linux/arm64/v8", DOCKER_IMAGE))

    assert parse_manifest(body, media_type) == Index({AMD64: A, ARM64: B})


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(make_entry(B, "unknown/unknown"), id="an attestation"),
        pytest.param(leave_out("platform", **make_entry(B)), id="no platform"),
        pytest.param({**make_entry(B), "platform": None}, id="a null for the platform"),
        pytest.param({**make_entry(B), "platform": {}}, id="an empty platform"),
        pytest.param({**make_entry(B), "platform": {"os": "", "architecture": ""}}, id="Go's empty platform"),
        pytest.param(make_entry(B, "linux/arm64", INDEX), id="an index in the index"),
        pytest.param(make_entry(B, "linux/arm64", LIST), id="a manifest list in the index"),
        pytest.param(make_entry(B, "linux/arm64", "application/vnd.acme+json"), id="something else"),
        pytest.param(make_entry(B, "linux/arm64", artifactType="application/vnd.acme"), id="an artifact"),
    ],
)
def test_what_is_no_image_for_a_platform_is_left_out(entry):
    assert parse_manifest(make_index(make_entry(A), entry), INDEX) == Index({AMD64: A})


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(make_entry(A, artifactType=CONFIG), id="the config's type as that of an artifact"),
        pytest.param(make_entry(A, artifactType=""), id="an empty type of an artifact"),
        pytest.param(make_entry(A, annotations={"x": "y"}, urls=None), id="further fields"),
    ],
)
def test_what_is_an_image_all_the_same(entry):
    assert parse_manifest(make_index(entry), INDEX) == Index({AMD64: A})


@pytest.mark.parametrize("manifests", [[], None], ids=["an empty list", "Go's empty list"])
def test_an_index_may_be_empty(manifests):
    assert parse_manifest(json.dumps({"manifests": manifests}).encode(), INDEX) == Index({})


@pytest.mark.parametrize("digests", [(A, B, C), (C, B, A), (B, A, C)])
def test_of_several_images_for_a_platform_one_stands_for_all_whatever_their_order(digests):
    versions = ("10.0.17763.1", "10.0.20348.1", "10.0.26100.1")
    entries = []
    for digest, version in zip(digests, versions, strict=True):
        entry = make_entry(digest, "windows/amd64")
        entries.append({**entry, "platform": {**entry["platform"], "os.version": version}})

    assert parse_manifest(make_index(*entries), INDEX) == Index({Platform("windows", "amd64"): A})


@pytest.mark.parametrize("media_type", IMAGE_TYPES)
@pytest.mark.parametrize(
    ("config_type", "digest", "is_chart"),
    [
        pytest.param(CONFIG, A, False, id="OCI"),
        pytest.param(DOCKER_CONFIG, A, False, id="Docker"),
        pytest.param("application/vnd.cncf.helm.config.v1+json", A, True, id="a chart"),
        pytest.param("application/vnd.oci.empty.v1+json", None, False, id="an artifact"),
        pytest.param("application/vnd.docker.plugin.v1+json", None, False, id="a plugin of Docker"),
    ],
)
def test_config_of_a_manifest(media_type, config_type, digest, is_chart):
    assert parse_manifest(make_image(config_type), media_type) == Manifest(digest, is_chart, 500)


LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("sizes", "size_bytes"),
    [
        pytest.param([], 500, id="no layers"),
        pytest.param([1, 20], 521, id="layers"),
        pytest.param([LARGEST - 500], LARGEST, id="the most that the store can hold"),
        pytest.param([LARGEST - 499], None, id="more than that"),
        pytest.param([1, None], None, id="a layer that does not say"),
        pytest.param([1, -1], None, id="less than nothing"),
        pytest.param([1, True], None, id="a truth"),
        pytest.param([1, 2.5], None, id="a fraction"),
        pytest.param(["1"], None, id="a text"),
    ],
)
def test_the_size_of_an_image_is_that_of_config_and_layers(sizes, size_bytes):
    body = make_image(layers=[{"size": size} for size in sizes])

    assert parse_manifest(body, IMAGE) == Manifest(A, size_bytes=size_bytes)


def test_a_layer_that_is_no_object_leaves_the_size_unknown():
    assert parse_manifest(make_image(layers=[1]), IMAGE) == Manifest(A)
    assert parse_manifest(make_image(layers=None), IMAGE) == Manifest(A, size_bytes=500)


SOURCE = "org.opencontainers.image.source"
MANY = {f"l{number:02}": "x" for number in range(80)}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param({"a": "b", SOURCE: "https://x"}, {"a": "b", SOURCE: "https://x"}, id="texts"),
        pytest.param(None, {}, id="null"),
        pytest.param([], {}, id="a list"),
        pytest.param({"a": None, "b": 1, "c": ["d"], "e": "f"}, {"e": "f"}, id="what is no text is dropped"),
        pytest.param({"a": "", "": "b"}, {}, id="empty ones are dropped"),
        pytest.param({"a": 1000 * "x", "b": 1001 * "x"}, {"a": 1000 * "x"}, id="long texts are dropped"),
        pytest.param({200 * "k": "x", 201 * "k": "x"}, {200 * "k": "x"}, id="long names are dropped"),
        pytest.param({"a": "\ud800", "\udfff": "b", "c": "\U0001f600"}, {"c": "\U0001f600"}, id="half characters"),
        pytest.param(
            {**MANY, SOURCE: "x"}, {SOURCE: "x", **{f"l{number:02}": "x" for number in range(63)}}, id="too many"
        ),
    ],
)
def test_labels_and_annotations_are_bounded_texts(written, kept):
    index = parse_manifest(make_index(annotations=written), INDEX)
    manifest = parse_manifest(make_image(annotations=written), IMAGE)
    config = parse_config(json.dumps({"config": {"Labels": written}}).encode())

    assert index == Index({}, kept)
    assert manifest == Manifest(A, size_bytes=500, annotations=kept)
    assert config == Config(None, None, kept)


@pytest.mark.parametrize("config", [None, [], "a", {}], ids=repr)
def test_a_config_without_labels(config):
    assert parse_config(json.dumps({"config": config}).encode()) == Config(None)


def test_the_config_of_a_chart_is_its_chart_yaml():
    chart = {
        "apiVersion": "v2",
        "name": "api",
        "version": "1.4.0+build.7",
        "appVersion": "2.1",
        "description": "An API",
    }
    more = {"home": "https://x", "sources": ["https://y", "https://z"], "type": "application", "dependencies": []}

    assert parse_config(json.dumps({**chart, **more}).encode()).labels == {
        "org.opencontainers.image.title": "api",
        "org.opencontainers.image.version": "1.4.0+build.7",
        "org.opencontainers.image.description": "An API",
        "org.opencontainers.image.url": "https://x",
        SOURCE: "https://y",
        "appVersion": "2.1",
    }


@pytest.mark.parametrize("sources", [None, [], "https://y", [1]], ids=repr)
def test_a_chart_may_have_no_sources(sources):
    config = parse_config(json.dumps({"apiVersion": "v1", "name": "api", "sources": sources}).encode())

    assert config.labels == {"org.opencontainers.image.title": "api"}


@pytest.mark.parametrize("digest", [f"sha384:{96 * 'a'}", f"sha512:{128 * 'a'}"])
def test_other_digests(digest):
    assert parse_manifest(make_image(digest=digest), IMAGE) == Manifest(digest, size_bytes=500)


@pytest.mark.parametrize(
    ("body", "media_type", "reason"),
    [
        pytest.param(b"{}", "text/html", "its type is 'text/html'; accepted are", id="another type"),
        pytest.param(b"{}", "application/vnd.docker.distribution.manifest.v1+json", "its type is", id="schema 1"),
        pytest.param(b"", IMAGE, "it is no JSON", id="empty"),
        pytest.param(b'{"config": ', IMAGE, "it is no JSON", id="truncated"),
        pytest.param(b'\xff{"a": 1}', IMAGE, "it is no JSON", id="not UTF-8"),
        pytest.param("{}".encode("utf-16"), IMAGE, "it is no JSON", id="UTF-16"),
        pytest.param(b'{"size": ' + 5000 * b"9" + b"}", IMAGE, "it is no JSON", id="a huge number"),
        pytest.param(b'{"size": NaN}', IMAGE, "its JSON holds NaN", id="NaN"),
        pytest.param(b'{"size": -Infinity}', IMAGE, "its JSON holds -Infinity", id="infinity"),
        pytest.param(100_000 * b"[", IMAGE, "its JSON is nested too deeply", id="lists without end"),
        pytest.param(100_000 * b'{"a":', IMAGE, "its JSON is nested too deeply", id="objects without end"),
        pytest.param(b"[]", INDEX, "it is no JSON object", id="a list"),
        pytest.param(b'{"a": {"b": 1, "b": 1}}', IMAGE, "a key of its JSON stands twice", id="a key twice"),
        pytest.param(b"{}", INDEX, "it is an index without manifests", id="no manifests"),
        pytest.param(b'{"manifests": {}}', INDEX, "its 'manifests' is not a list", id="manifests in an object"),
        pytest.param(make_index("a"), INDEX, "what it lists is not made of objects", id="a text for an entry"),
        pytest.param(make_index(None), INDEX, "what it lists is not made of objects", id="a null for an entry"),
        pytest.param(make_index({**make_entry(), "digest": "sha256:a"}), INDEX, "'sha256:a' is no digest", id="digest"),
        pytest.param(make_index({**make_entry(), "digest": 1}), INDEX, "its 'digest' is not a text", id="digest 1"),
        pytest.param(make_index(leave_out("digest", **make_entry())), INDEX, "without digest or", id="no digest"),
        pytest.param(make_index(leave_out("mediaType", **make_entry())), INDEX, "or mediaType", id="no type"),
        pytest.param(make_index({**make_entry(), "platform": "linux/amd64"}), INDEX, "not an object", id="platform"),
        pytest.param(make_index({**make_entry(), "platform": {"os": 1}}), INDEX, "'os' is not a text", id="os"),
        pytest.param(make_index(make_entry(platform="lin ux/amd64")), INDEX, "is no platform", id="os with a blank"),
        pytest.param(make_index({**make_entry(), "artifactType": []}), INDEX, "'artifactType' is not", id="artifact"),
        pytest.param(make_index(*1001 * [make_entry()]), INDEX, "it lists 1001 manifests, the most is 1000", id="many"),
        pytest.param(b"{}", IMAGE, "it is an image manifest without config", id="no config"),
        pytest.param(b'{"config": null}', IMAGE, "it is an image manifest without config", id="config null"),
        pytest.param(b'{"config": []}', IMAGE, "its 'config' is not an object", id="config in a list"),
        pytest.param(b'{"config": {}}', IMAGE, "without digest or mediaType", id="config empty"),
        pytest.param(make_image(digest="x"), IMAGE, "'x' is no digest", id="config without a digest"),
        pytest.param(make_index(make_entry()), IMAGE, "an index and as a manifest at once", id="an index as an image"),
        pytest.param(make_image(), INDEX, "an index and as a manifest at once", id="an image as an index"),
        pytest.param(make_index(layers=[]), LIST, "an index and as a manifest at once", id="an index with layers"),
    ],
)
def test_what_is_no_manifest(body, media_type, reason):
    with pytest.raises(InvalidManifest) as caught:
        parse_manifest(body, media_type)

    assert reason in caught.value.reason
    assert str(caught.value) == f"this describes no image: {caught.value.reason}"


@pytest.mark.parametrize(
    ("created", "built_at"),
    [
        pytest.param("2024-10-02T15:04:05Z", datetime(2024, 10, 2, 15, 4, 5, tzinfo=UTC), id="seconds"),
        pytest.param(
            "2024-10-02T15:04:05.123456789Z", datetime(2024, 10, 2, 15, 4, 5, 123456, tzinfo=UTC), id="nanoseconds"
        ),
        pytest.param("2024-10-02T15:04:05.5Z", datetime(2024, 10, 2, 15, 4, 5, 500000, tzinfo=UTC), id="a tenth"),
        pytest.param("2024-10-02t15:04:05z", datetime(2024, 10, 2, 15, 4, 5, tzinfo=UTC), id="lower case"),
        pytest.param("2024-10-02T15:04:05+02:00", datetime(2024, 10, 2, 13, 4, 5, tzinfo=UTC), id="east"),
        pytest.param("2024-10-02T15:04:05.25-05:30", datetime(2024, 10, 2, 20, 34, 5, 250000, tzinfo=UTC), id="west"),
        pytest.param("1980-01-02T00:00:00.000001Z", datetime(1980, 1, 2, 0, 0, 0, 1, tzinfo=UTC), id="the first"),
        pytest.param("1980-01-02T00:00:00Z", None, id="the last that says nothing"),
        pytest.param("0001-01-01T00:00:00Z", None, id="Go's zero"),
        pytest.param("1970-01-01T00:00:00Z", None, id="jib, ko, bazel, nix"),
        pytest.param("1970-01-01T00:00:01Z", None, id="a second after"),
        pytest.param("1980-01-01T00:00:01Z", None, id="buildpacks"),
        pytest.param("0001-01-01T00:00:00+14:00", None, id="before the first year of UTC"),
        pytest.param("9999-12-31T23:59:59-14:00", None, id="after the last year of UTC"),
        pytest.param("2024-10-02T15:04:05", None, id="no offset"),
        pytest.param("2024-10-02 15:04:05Z", None, id="a blank"),
        pytest.param("2024-10-02", None, id="a day"),
        pytest.param("2024-02-30T15:04:05Z", None, id="a day that is none"),
        pytest.param("2024-10-02T25:04:05Z", None, id="an hour that is none"),
        pytest.param("2016-12-31T23:59:60Z", None, id="a leap second"),
        pytest.param("2024-10-02T15:04:05+24:00", None, id="an offset that is none"),
        pytest.param("2024-10-02T15:04:05." + 100 * "1" + "Z", None, id="more digits than any clock has"),
        pytest.param("\uff12\uff10\uff12\uff14-10-02T15:04:05Z", None, id="digits that are not ASCII"),
        pytest.param("yesterday", None, id="a word"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="null"),
        pytest.param(1727881445, None, id="a number"),
    ],
)
def test_when_an_image_was_built(created, built_at):
    config = parse_config(json.dumps({"os": "linux", "architecture": "amd64", "created": created}).encode())

    assert config == Config(AMD64, built_at)


def test_an_instant_is_in_utc():
    config = parse_config(b'{"os": "linux", "architecture": "arm", "created": "2024-10-02T15:04:05+02:00"}')

    assert config.platform == Platform("linux", "arm", "v7")
    assert config.built_at is not None
    assert config.built_at.tzinfo is UTC


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="nothing"),
        pytest.param(b'{"os": "linux"}', id="no architecture"),
        pytest.param(b'{"architecture": "amd64", "os": ""}', id="an empty os"),
        pytest.param(b'{"architecture": "unknown", "os": "unknown"}', id="an attestation"),
    ],
)
def test_a_config_without_a_platform(body):
    assert parse_config(body) == Config(None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"<html>", "it is no JSON", id="HTML"),
        pytest.param(b"null", "it is no JSON object", id="null"),
        pytest.param(b'{"os": ["linux"]}', "its 'os' is not a text", id="a list for the os"),
        pytest.param(b'{"os": "li\\nux", "architecture": "amd64"}', "is no platform", id="a line feed in the os"),
    ],
)
def test_what_is_no_config(body, reason):
    with pytest.raises(InvalidManifest) as caught:
        parse_config(body)

    assert reason in caught.value.reason


_KEYS = st.sampled_from(["manifests", "config", "layers", "digest", "mediaType", "platform", "artifactType"]) | (
    st.sampled_from(
        ["os", "architecture", "variant", "created", "annotations", "Labels", "size", "apiVersion", "sources"]
    )
)
_TEXTS = (
    st.sampled_from([A, B, IMAGE, CONFIG, "linux", "amd64", "arm", "", "unknown", "2024-10-02T15:04:05Z"]) | st.text()
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS | st.text(), inner, max_size=6)
)
_ENTRIES = st.fixed_dictionaries(
    {"mediaType": st.just(IMAGE), "digest": st.sampled_from([A, B])},
    optional={"platform": st.dictionaries(_KEYS, _LEAVES), "artifactType": _LEAVES},
)
_DOCUMENTS = (
    _JSON
    | st.dictionaries(_KEYS, _JSON)
    | st.fixed_dictionaries({"manifests": st.lists(_ENTRIES | _JSON)})
    | st.fixed_dictionaries({"config": _ENTRIES})
)


@settings(deadline=None)
@given(_DOCUMENTS.map(lambda document: json.dumps(document).encode()) | st.binary(), st.sampled_from([INDEX, IMAGE]))
@example(b'{"manifests": [{"mediaType": "\\ud800", "digest": "\\ud800"}]}', INDEX)
@example(b'{"os": "\\ud800", "architecture": "x"}', IMAGE)
def test_no_bytes_end_in_another_error(body, media_type):
    for parse in (parse_config, lambda body: parse_manifest(body, media_type)):
        try:
            found = parse(body)
        except InvalidManifest as error:
            str(error).encode()
        else:
            assert isinstance(found, Index | Manifest | Config)


@settings(deadline=None)
@given(st.permutations([make_entry(A), make_entry(B), make_entry(C, "linux/arm64"), make_entry(A, "linux/aarch64")]))
def test_the_order_of_an_index_means_nothing(entries):
    assert parse_manifest(make_index(*entries), INDEX) == Index({AMD64: A, ARM64: A})
