"""Secrets: read from files and the environment when the settings are loaded, and never shown."""

from pathlib import Path

import pytest

from imagebot.secret import Secret
from imagebot.settings.fault import FaultyFile
from imagebot.settings.secret_source import SecretText, Surroundings
from imagebot.settings.section import Section, validate
from imagebot.settings.yaml_source import read_document


class Login(Section):
    password: SecretText


def load(folder: Path, source: str, **environ: str) -> Secret:
    document = read_document(f"password: {source}".encode(), file="f")
    return validate(Login, document, context=Surroundings(folder, environ)).password


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(b"s3cret\n", "s3cret", id="without the line break at its end"),
        pytest.param(b"s3cret\r\n", "s3cret", id="without that of Windows"),
        pytest.param(b"s3cret", "s3cret", id="as it is"),
        pytest.param(b" s3 cret ", " s3 cret ", id="blanks are kept"),
        pytest.param("pässwörd\n".encode(), "pässwörd", id="not only ASCII"),
    ],
)
def test_a_secret_is_read_from_its_file(tmp_path, content, text):
    (tmp_path / "token").write_bytes(content)

    assert load(tmp_path, "{file: token}") == Secret(text)


def test_a_secret_is_read_from_the_environment(tmp_path):
    assert load(tmp_path, "{env: TOKEN}", TOKEN="s3cret") == Secret("s3cret")


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        pytest.param(
            "hunter2",
            "1:11: password: found a single value; accepted is {file: PATH} or {env: NAME}:"
            " a secret never stands in the settings",
            id="an inline text",
        ),
        pytest.param(
            "[hunter2]",
            "1:11: password: found a list; accepted is {file: PATH} or {env: NAME}: a secret"
            " never stands in the settings",
            id="a list",
        ),
        pytest.param(
            "{}",
            "1:11: password: found both or none of the keys file and env; accepted is"
            " {file: PATH} or {env: NAME}: a secret never stands in the settings",
            id="neither",
        ),
        pytest.param(
            "{file: token, env: T}",
            "1:11: password: found both or none of the keys file and env; accepted is"
            " {file: PATH} or {env: NAME}: a secret never stands in the settings",
            id="both",
        ),
        pytest.param(
            "{env: NONE}",
            "1:17: password.env: found the environment variable NONE, which is not set; accepted"
            " is the name of an environment variable",
            id="a variable that is not set",
        ),
        pytest.param(
            "{env: hunter-2}",
            "1:17: password.env: found a text that cannot name one; accepted is the name of an environment variable",
            id="the secret in the place of the variable",
        ),
        pytest.param(
            "{env: EMPTY}",
            "1:17: password.env: found a secret that is not one line of text; accepted is one line of text, not empty",
            id="an empty variable",
        ),
        pytest.param(
            "{file: two_lines}",
            "1:18: password.file: found a secret that is not one line of text; accepted is one line of text, not empty",
            id="two lines",
        ),
        pytest.param(
            "{file: binary}",
            "1:18: password.file: found a file that is no text; accepted is a text in UTF-8",
            id="no text",
        ),
        pytest.param(
            "{file: long}",
            "1:18: password.file: found a longer file; accepted is a file of at most 65536 bytes",
            id="a long file",
        ),
        pytest.param(
            "{file: nowhere}",
            "1:18: password.file: found FOLDER/nowhere, which cannot be read (No such file or"
            " directory); accepted is a readable file",
            id="no file",
        ),
        pytest.param(
            "{file: ~/token}",
            "1:18: password.file: found '~/token'; accepted is a path, relative to the settings"
            " file (`~` is not expanded)",
            id="a home folder",
        ),
    ],
)
def test_a_secret_that_cannot_be_had_is_a_fault_that_does_not_show_it(tmp_path, password, fault):
    (tmp_path / "two_lines").write_text("hunter2\nhunter3\n")
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    (tmp_path / "long").write_bytes(b"x" * 70_000)

    with pytest.raises(FaultyFile) as raised:
        load(tmp_path, password, T="hunter2", EMPTY="")

    text = str(raised.value).replace(str(tmp_path), "FOLDER")
    assert text == f"f:{fault}"
    assert "hunter" not in text
