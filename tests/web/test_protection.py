import base64
from pathlib import Path

import pytest

from imagebot.settings.secret_source import Surroundings
from imagebot.settings.service_section import WebSection
from imagebot.web.protection import may_see

_SURROUNDINGS = Surroundings(Path("/"), {"PASSWORD": "pässword", "TOKEN": "t0ken"})
_TOKEN = {"token": {"env": "TOKEN"}}
ONLY_TOKEN = WebSection.model_validate(_TOKEN, context=_SURROUNDINGS)
BOTH = WebSection.model_validate({**_TOKEN, "username": "ops", "password": {"env": "PASSWORD"}}, context=_SURROUNDINGS)


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "web", "may"),
    [
        pytest.param("", WebSection(), True, id="open to all"),
        pytest.param("", BOTH, False, id="no login"),
        pytest.param(basic("ops:pässword"), BOTH, True, id="the login"),
        pytest.param(basic("ops:password"), BOTH, False, id="another password"),
        pytest.param(basic("Ops:pässword"), BOTH, False, id="another user"),
        pytest.param(basic("ops"), BOTH, False, id="no password"),
        pytest.param(basic("ops:t0ken"), BOTH, False, id="the token as a password"),
        pytest.param("Basic !!!", BOTH, False, id="no base64"),
        pytest.param("Basic /w==", BOTH, False, id="no UTF-8"),
        pytest.param("Bearer t0ken", BOTH, True, id="the token"),
        pytest.param("bearer t0ken", ONLY_TOKEN, True, id="a scheme in lower case"),
        pytest.param("Bearer t0ke", BOTH, False, id="a part of the token"),
        pytest.param("Bearer tökén", BOTH, False, id="not ASCII"),
        pytest.param("t0ken", BOTH, False, id="no scheme"),
        pytest.param(basic(":"), ONLY_TOKEN, False, id="an empty login where there is none"),
    ],
)
def test_who_may_see_the_pages(authorization: str, web: WebSection, may: bool):
    assert may_see(authorization, web) is may
