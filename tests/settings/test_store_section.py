"""Where the store is: a file or a database, whose password never stands in the settings nor in a fault."""

from pathlib import Path

import pytest

from imagebot.secret import Secret
from imagebot.settings.operator import InvalidSettings, load_registry_settings, load_settings

URL = "postgresql://imagebot:hunter2@db:5432/imagebot?sslmode=require"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "url").write_text(URL + "\n")
    return tmp_path / "settings.yaml"


@pytest.mark.parametrize(
    ("source", "store"),
    [
        pytest.param("{file: url}", Secret(URL), id="a file"),
        pytest.param("{env: STORE_URL}", Secret(URL), id="a variable"),
        pytest.param(
            "postgresql://imagebot@db/imagebot", Secret("postgresql://imagebot@db/imagebot"), id="no password"
        ),
        pytest.param("postgres://db/imagebot", Secret("postgres://db/imagebot"), id="the short name of the scheme"),
        pytest.param("{url: 'postgresql:///imagebot'}", Secret("postgresql:///imagebot"), id="the local server"),
        pytest.param("sqlite:////var/lib/imagebot.db", Path("/var/lib/imagebot.db"), id="a path from the root"),
        pytest.param("null", None, id="none"),
    ],
)
def test_where_the_store_is(file, source, store):
    file.write_text(f"store: {source}")

    assert load_settings(file, {"STORE_URL": URL}).store == store


def test_a_relative_path_starts_from_the_folder_of_the_settings(file):
    file.write_text("store: sqlite:///data/store.db")

    assert load_settings(file, {}).store == file.parent / "data/store.db"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param(URL, "store: found a URL with a password in it", id="a password"),
        pytest.param("postgresql://db/x?password=hunter2", "found a URL with a password in it", id="as a parameter"),
        pytest.param("mysql://imagebot:hunter2@db/x", "found a URL that begins with mysql://", id="another database"),
        pytest.param("redis://db/0", "found a URL that begins with redis://", id="no database"),
        pytest.param("hunter2", "found a text that is no URL", id="a text"),
        pytest.param("'sqlite:///'", "found a URL that begins with sqlite://", id="no path"),
        pytest.param("postgresql://", "found a URL that begins with postgresql://", id="no more than a scheme"),
        pytest.param("{env: OTHER}", "found the environment variable OTHER, which is not set", id="no such variable"),
        pytest.param("{env: HUNTER}", "found a text that is no URL", id="a variable of something else"),
        pytest.param("{file: url, env: STORE_URL}", "found both or none of the keys file and env", id="two sources"),
        pytest.param("{url: postgresql://db/x, file: url}", "more than one of the keys url", id="a source too many"),
        pytest.param("{}", "found both or none of the keys file and env", id="none"),
        pytest.param("[hunter2]", "found a list", id="a list"),
    ],
)
def test_what_is_no_place_of_a_store_is_a_fault_that_shows_no_password(file, source, found):
    file.write_text(f"store: {source}")

    with pytest.raises(InvalidSettings) as raised:
        load_settings(file, {"STORE_URL": URL, "HUNTER": "hunter2"})

    assert found in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_who_only_asks_registries_needs_no_secret_of_the_store(file):
    file.write_text("store: {env: NOT_SET}")

    assert load_registry_settings(file, {}).store is None
