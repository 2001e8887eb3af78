"""Where the store is: a file, or a PostgreSQL database by a URL, which is a secret where it holds a password."""

from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from pydantic import model_validator

from imagebot.secret import Secret
from imagebot.settings.secret_source import SecretSource, Surroundings, load_secret, make_path
from imagebot.settings.section import MadeFrom, Refused

_SERVER = ("postgresql", "postgres")
_FILE = "sqlite:///"


class StoreSource(SecretSource):
    """A URL as it is, or where to read one."""

    accepted: ClassVar[str | None] = (
        "sqlite:///PATH, postgresql://USER@HOST:PORT/DATABASE, or such a URL with a password as {file: PATH} or"
        " {env: NAME}"
    )

    url: Annotated[str, MadeFrom("a URL")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _take_text(cls, data: Any) -> Any:
        return {"url": data} if isinstance(data, str) else data


def _load_store(source: StoreSource, surroundings: Surroundings) -> Path | Secret:
    if source.url is None:
        return _make_place(load_secret(source, surroundings), surroundings)
    if source.file is not None or source.env is not None:
        raise Refused(found="more than one of the keys url, file and env")
    if source.url.startswith(_SERVER) and _has_password(source.url):
        raise Refused(found="a URL with a password in it")
    return _make_place(Secret(source.url), surroundings)


def _make_place(url: Secret, surroundings: Surroundings) -> Path | Secret:
    text = url.reveal()
    if text.startswith(_FILE) and len(text) > len(_FILE):
        return make_path(text.removeprefix(_FILE), surroundings)
    scheme, has_scheme, rest = text.partition("://")
    if scheme in _SERVER and rest:
        return url
    # What else it says may be a password.
    raise Refused(found=f"a URL that begins with {scheme[:20]}://" if has_scheme else "a text that is no URL")


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # what it is, the library that connects will say
        return False
    return parts.password is not None or "password" in parse_qs(parts.query)


StorePlace = Annotated[
    Path | Secret, MadeFrom("", _load_store, source=StoreSource, other=({"type": "string", "format": "uri"},))
]
