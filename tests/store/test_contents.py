"""What digests stand for: as text and back, and kept in the store for ever."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.image.manifest import Config, Index, Manifest
from imagebot.image.platform import Platform
from imagebot.store.contents import format_content, parse_content
from imagebot.store.place import Place
from tests.store.places import execute

MONDAY = datetime(2026, 3, 2, 8, 30, 0, 123456, tzinfo=UTC)
DIGEST = f"sha256:{64 * 'a'}"
OTHER = f"sha256:{64 * 'b'}"
AMD64 = Platform("linux", "amd64")
ARM = Platform("linux", "arm", "v7")

PLATFORMS = st.builds(Platform, st.text(), st.text(), st.text())
LABELS = st.dictionaries(st.text(), st.text(), max_size=3)
CONTENTS = st.one_of(
    st.builds(Index, st.dictionaries(PLATFORMS, st.text(), max_size=5), LABELS),
    st.builds(Manifest, st.none() | st.text(), st.booleans(), st.none() | st.integers(0, 2**63 - 1), LABELS),
    st.builds(Config, st.none() | PLATFORMS, st.none() | st.datetimes(timezones=st.just(UTC)), LABELS),
)


@given(CONTENTS)
def test_a_content_is_read_back_from_its_text(content):
    assert parse_content(format_content(content)) == content


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(
            Index({ARM: OTHER, AMD64: DIGEST}, {"b": "", "a": ""}),
            f'["index", [["linux", "amd64", "", "{DIGEST}"], ["linux", "arm", "v7", "{OTHER}"]], {{"a": "", "b": ""}}]',
            id="an index, in the order of its platforms",
        ),
        pytest.param(
            Manifest(DIGEST, size_bytes=17, annotations={"a": "1"}),
            f'["manifest", "{DIGEST}", false, 17, {{"a": "1"}}]',
            id="a manifest",
        ),
        pytest.param(Manifest(DIGEST, is_chart=True), f'["manifest", "{DIGEST}", true, null, {{}}]', id="a chart"),
        pytest.param(Manifest(None), '["manifest", null, false, null, {}]', id="a manifest of neither"),
        pytest.param(
            Config(ARM, MONDAY, {"a": "1"}),
            '["config", ["linux", "arm", "v7"], "2026-03-02T08:30:00.123456+00:00", {"a": "1"}]',
            id="a config",
        ),
        pytest.param(Config(None), '["config", null, null, {}]', id="a config of no platform, without a time"),
    ],
)
def test_the_form_of_a_text_stays_what_stores_in_the_field_hold(content, text):
    assert format_content(content) == text
    assert parse_content(text) == content


def test_a_time_in_another_zone_is_kept_in_utc():
    built_at = datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=2)))

    text = format_content(Config(AMD64, built_at))

    assert text == '["config", ["linux", "amd64", ""], "2026-03-02T08:30:00+00:00", {}]'
    assert parse_content(text) == Config(AMD64, built_at)


UNREADABLE = [
    pytest.param("", id="nothing"),
    pytest.param("sha256:aaa", id="no JSON"),
    pytest.param("null", id="no array"),
    pytest.param('{"manifest": null}', id="an object"),
    pytest.param('["chart", "sha256:aaa"]', id="a kind that is not known"),
    pytest.param('["manifest", null]', id="a manifest as versions before wrote it"),
    pytest.param('["manifest", null, false, null, {}, {}]', id="a manifest with more"),
    pytest.param('["manifest", 1, false, null, {}]', id="a manifest whose config is a number"),
    pytest.param('["manifest", null, 0, null, {}]', id="a manifest that is a chart by a number"),
    pytest.param('["manifest", null, false, "17", {}]', id="a manifest whose size is a text"),
    pytest.param('["manifest", null, false, null, {"a": null}]', id="a manifest with a null for an annotation"),
    pytest.param('["index", [], []]', id="an index with annotations in a list"),
    pytest.param('["index", {}, {}]', id="an index that is an object"),
    pytest.param('["index", [["linux", "amd64", "sha256:aaa"]], {}]', id="an index with a shorter entry"),
    pytest.param('["index", [["linux", "amd64", null, "sha256:aaa"]], {}]', id="an index with a null in an entry"),
    pytest.param('["config", ["linux", "amd64", ""], null]', id="a config as versions before wrote it"),
    pytest.param('["config", ["linux", "amd64"], null, {}]', id="a config with a shorter platform"),
    pytest.param('["config", "linux/amd64", null, {}]', id="a config with a platform as text"),
    pytest.param('["config", null, 17, {}]', id="a config with a number as its time"),
    pytest.param('["config", null, "today", {}]', id="a config with a time that is none"),
    pytest.param('["config", null, "2026-03-02T08:30:00", {}]', id="a config with a time of no zone"),
    pytest.param('["config", null, "0001-01-01T00:00:00+01:00", {}]', id="a config with a time before all"),
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_text_of_another_form_is_no_content(text):
    assert parse_content(text) is None


def test_a_content_is_found_by_its_digest(store):
    store.keep_content(DIGEST, Index({AMD64: OTHER}), at=MONDAY)
    store.keep_content(OTHER, Config(AMD64, MONDAY), at=MONDAY)

    assert store.find_content(DIGEST) == Index({AMD64: OTHER})
    assert store.find_content(OTHER) == Config(AMD64, MONDAY)
    assert store.find_content("sha256:none") is None


def test_thousands_of_contents_are_found_at_once(store):
    contents = {f"sha256:{number:064}": Manifest(f"sha256:{number + 1:064}") for number in range(0, 2000, 2)}
    for digest, content in contents.items():
        store.keep_content(digest, content, at=MONDAY)

    assert store.find_contents([f"sha256:{number:064}" for number in range(2000)]) == contents


def test_no_digests_have_no_contents(store):
    assert store.find_contents([]) == {}


def write_text(place: Place, text: str) -> None:
    execute(place, f"UPDATE contents SET content = '{text}'")  # noqa: S608 - a text of this test


def test_a_content_of_another_form_counts_as_not_kept(store, place):
    store.keep_content(DIGEST, Manifest(None), at=MONDAY)
    write_text(place, json.dumps(["manifest", None, False, None, {}, "of a newer version"]))

    assert store.find_content(DIGEST) is None
    assert store.find_contents([DIGEST]) == {}


def test_a_content_takes_the_place_of_another_form(store, place):
    store.keep_content(DIGEST, Manifest(None), at=MONDAY)
    write_text(place, json.dumps(["manifest", None, False, None, {}, "of a newer version"]))

    store.keep_content(DIGEST, Manifest(OTHER), at=MONDAY)

    assert store.find_content(DIGEST) == Manifest(OTHER)
