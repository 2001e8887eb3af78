"""Pages of a tag list: what their bodies hold, and where their Link headers lead."""

import pytest

from imagebot.registry.errors import UnexpectedAnswer
from imagebot.registry.page import find_next_page, parse_page

URL = "https://registry.example/v2/acme/api/tags/list?n=2"
NEXT = "https://registry.example/v2/acme/api/tags/list?n=2&last=b"
QUERY = "/v2/acme/api/tags/list?n=2&last=b"


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        pytest.param(b'{"name": "acme/api", "tags": ["b", "a"]}', ("b", "a"), id="in the order of the page"),
        pytest.param(b'{"name": "acme/api", "tags": null}', (), id="null is what distribution writes for none"),
        pytest.param(b'{"tags": []}', (), id="no name"),
        pytest.param('{"tags": ["1.0", "", "-x", "a b", "ü", "1+2"]}'.encode(), ("1.0",), id="texts that are no tags"),
        pytest.param(b'{"tags": ["' + 129 * b"a" + b'", "a"], "more": {}}', ("a",), id="a tag has 128 characters"),
    ],
)
def test_tags_of_a_page(body, tags):
    assert parse_page(body, "registry.example") == tags


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
