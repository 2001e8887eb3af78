"""Pages of a tag list: the tags and times that their bodies hold, and where their Link headers lead."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot.image.tag_list import TagList
from imagebot.registry.errors import UnexpectedAnswer
from imagebot.registry.page import Page, Pages, find_next_page, parse_page

URL = "https://registry.example/v2/acme/api/tags/list?n=2"
NEXT = "https://registry.example/v2/acme/api/tags/list?n=2&last=b"
QUERY = "/v2/acme/api/tags/list?n=2&last=b"


@pytest.mark.parametrize(
    ("body", "tags", "dropped"),
    [
        pytest.param(b'{"name": "acme/api", "tags": ["b", "a"]}', ["b", "a"], 0, id="in the order of the page"),
        pytest.param(b'{"name": "acme/api", "tags": null}', [], 0, id="null is what distribution writes for none"),
        pytest.param(b'{"tags": []}', [], 0, id="no name"),
        pytest.param(
            '{"tags": ["1.0", "", "-x", "a b", "ü", "1+2"]}'.encode(), ["1.0"], 5, id="texts that are no tags"
        ),
        pytest.param(b'{"tags": ["' + 129 * b"a" + b'", "a"], "more": {}}', ["a"], 1, id="a tag has 128 characters"),
    ],
)
def test_tags_of_a_page(body, tags, dropped):
    assert parse_page(body, "registry.example") == Page(tags, dropped=dropped)


A, B, C = (f"sha256:{number:064}" for number in range(3))


def make_google_page(*manifests: object) -> bytes:
    by_digest = {f"sha256:{number:064}": manifest for number, manifest in enumerate(manifests)}
    return json.dumps({"child": [], "name": "acme/api", "tags": ["a", "b"], "manifest": by_digest}).encode()


def test_the_times_of_pushes_of_a_page():
    body = make_google_page(
        {"tag": ["a", "c"], "timeUploadedMs": "1731000000123", "timeCreatedMs": "1700000000000", "layerId": ""},
        {"tag": ["b"], "timeUploadedMs": "1741000000000"},
        {"tag": [], "timeUploadedMs": "1751000000000"},
    )
    first = datetime(2024, 11, 7, 17, 20, 0, 123000, tzinfo=UTC)

    page = parse_page(body, "gcr.io")

    times = {"a": first, "b": datetime(2025, 3, 3, 11, 6, 40, tzinfo=UTC), "c": first}
    assert page == Page(["a", "b"], times, {"a": A, "b": B, "c": A})


@pytest.mark.parametrize("times", [("1731000000000", "1741000000000"), ("1741000000000", "1731000000000")])
def test_of_two_manifests_that_claim_a_tag_the_later_counts(times):
    body = make_google_page(*({"tag": ["a"], "timeUploadedMs": time} for time in times))

    page = parse_page(body, "gcr.io")

    assert page.pushed_at == {"a": datetime(2025, 3, 3, 11, 6, 40, tzinfo=UTC)}
    assert page.digests == {"a": None}


@pytest.mark.parametrize("digest", ["", "sha256:a", "latest", f"md5:{32 * 'a'}"])
def test_a_manifest_by_what_is_no_digest_tells_only_its_time(digest):
    body = json.dumps({"tags": ["a"], "manifest": {digest: {"tag": ["a"], "timeUploadedMs": "1731000000123"}}}).encode()

    page = parse_page(body, "gcr.io")

    assert (set(page.pushed_at), page.digests) == ({"a"}, {"a": None})


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(None, id="null"),
        pytest.param([1], id="a list"),
        pytest.param({}, id="nothing"),
        pytest.param({"tag": ["a"]}, id="no time"),
        pytest.param({"timeUploadedMs": "1731000000000"}, id="no tags"),
        pytest.param({"tag": "a", "timeUploadedMs": "1731000000000"}, id="a text for the tags"),
        pytest.param({"tag": [1, None, ["a"]], "timeUploadedMs": "1731000000000"}, id="tags that are no texts"),
        pytest.param({"tag": ["a"], "timeUploadedMs": 1731000000000}, id="a number for the time"),
        pytest.param({"tag": ["a"], "timeUploadedMs": "1.7e12"}, id="an exponent"),
        pytest.param({"tag": ["a"], "timeUploadedMs": ""}, id="an empty time"),
        pytest.param({"tag": ["a"], "timeUploadedMs": "\u0661731000000000"}, id="a digit that is not ASCII"),
        pytest.param({"tag": ["a"], "timeUploadedMs": "-1731000000000"}, id="a negative time"),
        pytest.param({"tag": ["a"], "timeUploadedMs": "0"}, id="zero"),
        pytest.param({"tag": ["a"], "timeUploadedMs": "946684799999"}, id="before 2000"),
        pytest.param({"tag": ["a"], "timeUploadedMs": "4102444800000"}, id="2100"),
        pytest.param({"tag": ["a"], "timeUploadedMs": 15 * "9"}, id="beyond all years"),
        pytest.param({"tag": ["a"], "timeUploadedMs": 10_000 * "9"}, id="beyond all numbers"),
        pytest.param({"tag": ["a"], "timeCreatedMs": "1731000000000"}, id="the time of the build"),
    ],
)
def test_times_that_are_none_are_dropped(manifest):
    page = parse_page(make_google_page(manifest), "gcr.io")

    assert (page.tags, page.pushed_at) == (["a", "b"], {})


@pytest.mark.parametrize("manifest", [None, [], ["a"], "a", 1, {}])
def test_an_extension_that_is_none_is_dropped(manifest):
    body = json.dumps({"tags": ["a"], "manifest": manifest}).encode()

    assert parse_page(body, "gcr.io") == Page(["a"])


_VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
_GARBAGE = st.recursive(_VALUES, lambda inner: st.dictionaries(st.sampled_from(["tag", "timeUploadedMs"]), inner))


@settings(deadline=None)
@given(st.lists(_GARBAGE))
def test_no_garbage_ends_in_an_error(manifests):
    assert parse_page(make_google_page(*manifests), "gcr.io").tags == ["a", "b"]


@pytest.mark.parametrize("reverse", [False, True])
def test_pages_make_one_list(reverse):
    early, late = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    given = [
        Page(["c", "a"], {"a": late, "x": early}, {"a": A, "c": B, "x": A}, dropped=1),
        Page(["b", "a"], {"a": early, "c": early}, {"a": C, "b": None}, dropped=2),
    ]
    pages = Pages(most=3)

    for page in reversed(given) if reverse else given:
        assert pages.add(page)

    assert not pages.are_too_many
    assert pages.make_list() == TagList(("a", "b", "c"), {"a": late, "c": early}, {"c": B}, dropped=3)


def test_a_page_that_adds_nothing_was_seen_before_unless_it_is_empty():
    pages = Pages(most=9)
    pages.add(Page(["a", "b"]))

    assert [pages.add(Page(tags)) for tags in (["b", "a"], ["b"], [], ["b", "c"])] == [False, False, True, True]


def test_a_list_of_more_tags_than_wanted_is_cut_and_says_so():
    pages = Pages(most=2)
    pages.add(Page(["a", "b"]))

    assert pages.make_list() == TagList(("a", "b"))
    pages.add(Page(["c"]))
    assert pages.are_too_many
    assert pages.make_list() == TagList(("a", "b"), cut_at=2)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b'{"tags": ["a"', "its tag list is no JSON", id="truncated"),
        pytest.param(b"", "its tag list is no JSON", id="empty"),
        pytest.param(b'{"tags": ["\xff"]}', "its tag list is no JSON", id="not UTF-8"),
        pytest.param(b'{"tags": ' + 100_000 * b"[", "its tag list is no JSON", id="nested without end"),
        pytest.param(b" <html>", "its tag list is HTML", id="a login page"),
        pytest.param(b'["a"]', 'no JSON object with the key "tags"', id="a list"),
        pytest.param(b'{"errors": []}', 'no JSON object with the key "tags"', id="an error with status 200"),
        pytest.param(b'{"tags": "a"}', '"tags" in its tag list is no list of texts', id="a text for the list"),
        pytest.param(b'{"tags": ["a", 1.0]}', '"tags" in its tag list is no list of texts', id="a number for a tag"),
        pytest.param(b'{"tags": {"a": 1}}', '"tags" in its tag list is no list of texts', id="an object for the list"),
    ],
)
def test_a_body_that_is_no_page(body, reason):
    with pytest.raises(UnexpectedAnswer) as caught:
        parse_page(body, "registry.example")

    assert reason in str(caught.value)
    assert str(caught.value).startswith("registry.example ")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f'<{QUERY}>; rel="next"', id="relative"),
        pytest.param(f'<{NEXT}>; rel="next"', id="absolute"),
        pytest.param(f'<https://REGISTRY.example:443{QUERY}>; rel="next"', id="the same host in other words"),
        pytest.param('<?n=2&last=b>; rel="next"', id="only a query"),
        pytest.param(f"<{QUERY}>; rel=next", id="without quotes"),
        pytest.param(f'<{QUERY}>;REL = "Next"', id="in another case"),
        pytest.param(f'<{QUERY}>; rel="next", ', id="a comma behind it"),
        pytest.param(f'<{QUERY}>; title="a, <b>; rel=\\"x\\""; rel="last next"', id="further parameters and relations"),
        pytest.param(f'</first>; rel="first", <{QUERY}>; rel="next"', id="the second of two"),
        pytest.param(f'<{QUERY}>; rel="next"; rel="prev"', id="the first rel counts"),
        pytest.param(f"<{QUERY}>", id="the only link, without rel"),
        pytest.param('</v2/api/tags/list?n=2&last=b>; rel="next"', id="Artifactory drops the virtual repository"),
        pytest.param(f'< {QUERY} >; rel="next"', id="blanks around the target"),
    ],
)
def test_the_next_page(header):
    assert find_next_page(header, URL) == NEXT


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="no header"),
        pytest.param("", id="an empty header"),
        pytest.param(f'<{QUERY}>; rel="prev"', id="another relation"),
        pytest.param(f"<{QUERY}>, </other>", id="two links without rel"),
        pytest.param(f"{QUERY}; rel=next", id="no angle brackets"),
        pytest.param(f'<{QUERY}>; rel="nextish"', id="a relation that begins so"),
    ],
)
def test_there_is_no_next_page(header):
    assert find_next_page(header, URL) is None


@pytest.mark.parametrize(
    ("target", "named"),
    [
        pytest.param("https://evil.example/v2/acme/api/tags/list?n=2", "evil.example", id="another host"),
        pytest.param("//evil.example/v2/", "evil.example", id="another host without a scheme"),
        pytest.param("https://registry.example:8443/v2/", "registry.example:8443", id="another port"),
        pytest.param("http://registry.example/v2/", "registry.example", id="another scheme"),
        pytest.param("https://registry.example@evil.example/", "no web address", id="a user that looks like the host"),
        pytest.param("file:///etc/passwd", "no web address", id="a file"),
        pytest.param("https://[::1", "no URL", id="half an IPv6 address"),
        pytest.param("https://registry.example:x/", "no web address", id="a port that is no number"),
    ],
)
def test_a_next_page_elsewhere_is_refused(target, named):
    with pytest.raises(UnexpectedAnswer) as caught:
        find_next_page(f'<{target}>; rel="next"', URL)

    assert named in str(caught.value)
