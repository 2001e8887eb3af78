"""Answers that lead elsewhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot.registry.host import find_origin
from imagebot.registry.message import Answer

URL = "https://registry.example/v2/acme/api/blobs/x?y"


@pytest.mark.parametrize(
    ("status", "location", "url"),
    [
        pytest.param(200, "https://cdn.example/", None, id="no redirect"),
        pytest.param(304, "https://cdn.example/", None, id="not modified is no redirect"),
        pytest.param(307, "https://cdn.example/x?y", "https://cdn.example/x?y", id="another host"),
        pytest.param(302, "//cdn.example/x", "https://cdn.example/x", id="without a scheme"),
        pytest.param(302, "/z", "https://registry.example/z", id="without a host"),
        pytest.param(302, "https://cdn.exa\tmple/", "https://cdn.example/", id="what browsers leave out is left out"),
        pytest.param(302, "https://[::1", "", id="half a URL"),
    ],
)
def test_where_an_answer_leads(status, location, url):
    assert Answer(URL, status, {"Location": location}, b"").leads_to == url


def test_a_redirect_that_does_not_say_where_leads_to_itself():
    assert Answer(URL, 302, {}, b"").leads_to == URL


@settings(deadline=None)
@given(st.text() | st.text("/:@[]?#.\\%htps0ax\t\r\n ").map("https://".__add__))
def test_no_location_ends_in_an_error(location):
    url = Answer(URL, 302, {"Location": location}, b"").leads_to

    assert url is not None
    find_origin(url)
