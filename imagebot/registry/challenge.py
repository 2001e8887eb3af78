"""What a 401 asks for: the challenges of its `WWW-Authenticate` header (RFC 9110 §11.6.1). Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_MAX_HEADER = 8192
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SEPARATORS = re.compile(r"[\s,]*")
# A value without quotes may be more than a token: some registries write their realm, a URL, so.
_PARAMETER = re.compile(rf'({_NAME})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_SCHEME = re.compile(rf"({_NAME})(?=[\s,]|$)")
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    scheme: str
    """In lower case."""
    parameters: Mapping[str, str]
    """Names in lower case; of a name given twice the first value counts."""


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Return the challenges in their order, up to the first text that is none; commas join several headers."""
    text = header[:_MAX_HEADER]
    found: list[tuple[str, dict[str, str]]] = []
    at = _skip(text, 0)
    while at < len(text):
        parameter = _PARAMETER.match(text, at)
        if parameter is not None and found:
            name, quoted, bare = parameter.groups()
            value = bare if quoted is None else _ESCAPED.sub(r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
            at = _skip(text, parameter.end())
            continue
        scheme = _SCHEME.match(text, at)
        if scheme is None:
            break
        found.append((scheme.group(1).lower(), {}))
        token68 = _TOKEN68.match(text, scheme.end())
        at = _skip(text, (token68 or scheme).end())
    return tuple(Challenge(scheme, parameters) for scheme, parameters in found)


def _skip(text: str, at: int) -> int:
    separators = _SEPARATORS.match(text, at)
    return separators.end() if separators else at
