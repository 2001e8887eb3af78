"""Where secrets come from: a file or an environment variable, read when the settings are loaded, never the settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from imagebot.secret import Secret
from imagebot.settings.section import MadeFrom, Refused, Section

MAX_SECRET_BYTES = 64 * 1024

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What settings are read against: the folder that relative paths start from, and the environment."""

    folder: Path
    environ: Mapping[str, str]


def make_path(text: str, surroundings: Surroundings) -> Path:
    """Make a path; a relative one starts from the folder of the settings file."""
    if not text or "\0" in text or text.startswith("~"):
        raise Refused
    return surroundings.folder / text


def make_file(text: str, surroundings: Surroundings) -> Path:
    """Make the path of a file that can be read now."""
    path = make_path(text, surroundings)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise Refused(found=f"{path}, which cannot be read ({error.strerror})") from None


AnyPath = Annotated[Path, MadeFrom("a path, relative to the settings file (`~` is not expanded)", make_path)]
FilePath = Annotated[Path, MadeFrom("the path of a readable file, relative to the settings file", make_file)]


def _check_variable(text: str, _: object) -> str:
    if not _VARIABLE.fullmatch(text):
        # Not shown: it may be the secret itself.
        raise Refused(found="a text that cannot name one")
    return text


class SecretSource(Section):
    accepted: ClassVar[str | None] = "{file: PATH} or {env: NAME}: a secret never stands in the settings"

    file: AnyPath | None = None
    env: Annotated[str, MadeFrom("the name of an environment variable", _check_variable)] | None = None


def load_secret(source: SecretSource, surroundings: Surroundings) -> Secret:
    """Read a secret of one line."""
    text, key = _read(source, surroundings)
    if not text or not text.isprintable():
        raise Refused("one line of text, not empty", found="a secret that is not one line of text", at=(key,))
    return Secret(text)


def _load_lines(source: SecretSource, surroundings: Surroundings) -> Secret:
    text, key = _read(source, surroundings)
    if not text.strip():
        raise Refused("a text, not empty", found="an empty secret", at=(key,))
    return Secret(text)


def _read(source: SecretSource, surroundings: Surroundings) -> tuple[str, str]:
    """Read the secret; return it with the key that says where it is."""
    if (source.file is None) == (source.env is None):
        raise Refused(found="both or none of the keys file and env")
    return (_read_file(source.file), "file") if source.file else (_read_variable(source, surroundings), "env")


def _read_variable(source: SecretSource, surroundings: Surroundings) -> str:
    name = source.env or ""
    if name not in surroundings.environ:
        raise Refused(found=f"the environment variable {name}, which is not set", at=("env",))
    return surroundings.environ[name]


def _read_file(path: Path) -> str:
    """Read a secret's file, without the line break at its end."""
    at = ("file",)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise Refused("a readable file", found=f"{path}, which cannot be read ({error.strerror})", at=at) from None
    if len(data) > MAX_SECRET_BYTES:
        raise Refused(f"a file of at most {MAX_SECRET_BYTES} bytes", found="a longer file", at=at)
    try:
        return data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Refused("a text in UTF-8", found="a file that is no text", at=at) from None


SecretText = Annotated[Secret, MadeFrom("", load_secret, source=SecretSource)]
"""A secret in the program, `{file: PATH}` or `{env: NAME}` in the file."""

SecretLines = Annotated[Secret, MadeFrom("", _load_lines, source=SecretSource)]
"""The same, of any number of lines: a private key."""
