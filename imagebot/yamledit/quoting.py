"""Which texts a reader of YAML would take for something other than a string if they stood without quotes.

No two readers agree: YAML 1.1 (PyYAML and much else) knows `on`, `1_000` and base 60, YAML 1.2 knows `0o14` and `1e3`,
and Go's libraries, through which Kubernetes, Helm and Kustomize read, know `y`, `0b11`, and numbers with underscores.
A text is ambiguous if any of them would read it as another thing.
https://yaml.org/type/ (1.1), https://yaml.org/spec/1.2.2/#103-core-schema
"""

import re

# In any case: readers know `no`, `No` and `NO`, and to quote `nO` too does no harm.
_WORDS = frozenset(["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"])
# Of a text without its underscores, which 1.1 and Go drop from what begins as a number.
_NUMBER = re.compile(
    r"""
    [-+]? (?:
        0x [0-9a-f]*
      | 0o [-+]? [0-7]*  |  0b [-+]? [01]*             # Go takes the sign inside too
      | (?: [0-9]+ (?: \. [0-9]* )? | \. [0-9]* ) (?: e [-+]? [0-9]+ )?
      | [0-9]+ (?: : [0-9]{1,2} )+ (?: \. [0-9]* )?    # base 60
      | \. (?: inf | nan )
      | (?<= [-+] )                                    # `+_` is an integer to ruamel.yaml
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")
# A safe part of what a plain scalar may hold, in a flow collection too: no indicator at the beginning, and a colon
# only between two others.
_PLAIN = re.compile(r"[A-Za-z0-9_/.+](?:[A-Za-z0-9_/.+@-]|:(?=[A-Za-z0-9_/.+@-]))*")
# Up to here a reader that makes a float64 of it (Helm, JSON) still writes the same integer.
_INTEGER = re.compile(r"0|[1-9][0-9]{0,14}")


def needs_quotes(text: str) -> bool:
    """Say whether the text, written plain, would be read as other than this string by any reader."""
    if text.lower() in _WORDS or not _PLAIN.fullmatch(text):
        return True
    without_underscores = text[0] + text[1:].replace("_", "")
    return bool(_NUMBER.fullmatch(without_underscores) or _DATE.fullmatch(text))


def is_plain_integer(text: str) -> bool:
    """Say whether all readers see the same integer, and would write it with the same digits."""
    return _INTEGER.fullmatch(text) is not None
