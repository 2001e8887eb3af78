"""What an image says of itself: which of its parts is believed, and by which names."""

from datetime import UTC, datetime

import pytest

from imagebot.image.description import Description, find_representative, make_description
from imagebot.image.manifest import Config, Index, Manifest
from imagebot.image.platform import Platform

A, B, C = (f"sha256:{64 * digit}" for digit in "abc")
AMD64, ARM64, WINDOWS = Platform("linux", "amd64"), Platform("linux", "arm64"), Platform("windows", "amd64")
MONDAY, TUESDAY = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)


def test_annotations_win_over_labels_and_those_of_the_index_over_those_of_the_manifest():
    description = make_description(
        A,
        index=Index({AMD64: B, ARM64: C}, {"a": "index"}),
        manifest=Manifest(B, size_bytes=17, annotations={"a": "manifest", "b": "manifest"}),
        config=Config(AMD64, MONDAY, {"a": "config", "b": "config", "c": "config"}),
    )

    labels = {"a": "index", "b": "manifest", "c": "config"}
    assert description == Description(A, frozenset([AMD64, ARM64]), 17, MONDAY, labels)


def test_the_platform_of_an_image_without_an_index_is_that_of_its_config():
    description = make_description(A, index=None, manifest=Manifest(B), config=Config(ARM64))

    assert description == Description(A, frozenset([ARM64]), None, None, {})


def test_an_index_tells_its_platforms_even_if_its_images_cannot_be_had():
    description = make_description(A, index=Index({ARM64: C}, {"a": "b"}), manifest=None, config=None)

    assert description == Description(A, frozenset([ARM64]), None, None, {"a": "b"})


@pytest.mark.parametrize(
    ("built_at", "labels", "expected"),
    [
        pytest.param(MONDAY, {"org.opencontainers.image.created": "2026-03-03T00:00:00Z"}, MONDAY, id="the config"),
        pytest.param(None, {"org.opencontainers.image.created": "2026-03-03T00:00:00Z"}, TUESDAY, id="an annotation"),
        pytest.param(None, {"org.label-schema.build-date": "2026-03-03T00:00:00Z"}, TUESDAY, id="the old label"),
        pytest.param(None, {"org.opencontainers.image.created": "1970-01-01T00:00:00Z"}, None, id="means nothing"),
        pytest.param(None, {}, None, id="nothing"),
    ],
)
def test_when_an_image_was_built(built_at, labels, expected):
    description = make_description(
        A, index=None, manifest=Manifest(B, annotations=labels), config=Config(None, built_at)
    )

    assert description.built_at == expected


@pytest.mark.parametrize(
    ("index", "representative"),
    [
        pytest.param(Index({ARM64: A, AMD64: B}), B, id="the usual platform"),
        pytest.param(Index({WINDOWS: A, ARM64: B}), B, id="the first as text"),
        pytest.param(Index({}), None, id="none"),
    ],
)
def test_which_manifest_speaks_for_all(index, representative):
    assert find_representative(index) == representative


FIELDS = ("source", "revision", "version", "url", "documentation", "licences")
OCI = {
    f"org.opencontainers.image.{key}": f"oci {key}"
    for key in ("source", "revision", "version", "url", "documentation", "licenses")
}
OLD = {f"org.label-schema.{key}": f"old {key}" for key in ("vcs-url", "vcs-ref", "version", "url", "usage")}


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        pytest.param(OCI, [f"oci {field}" for field in (*FIELDS[:5], "licenses")], id="the labels of OCI"),
        pytest.param({**OLD, **OCI}, [f"oci {field}" for field in (*FIELDS[:5], "licenses")], id="these come first"),
        pytest.param(OLD, ["old vcs-url", "old vcs-ref", "old version", "old url", "old usage", None], id="old labels"),
        pytest.param({}, 6 * [None], id="none"),
        pytest.param(
            {"org.opencontainers.image.version": " 1.0\n"}, [None, None, "1.0", None, None, None], id="blanks"
        ),
        pytest.param({"org.opencontainers.image.version": "1\n0"}, 6 * [None], id="a text of two lines"),
        pytest.param(
            {"org.opencontainers.image.version": " ", "org.label-schema.version": "1.0"},
            [None, None, "1.0", None, None, None],
            id="a blank is nothing",
        ),
    ],
)
def test_labels_by_their_names(labels, texts):
    description = Description(A, frozenset(), None, None, labels)

    assert [getattr(description, field) for field in FIELDS] == texts
