"""Variables in the text of a reference: what a shell, a template or a person puts something else in the place of.

Only what stands behind the last one may ever be edited, and only if it is the tag.
"""

import re
from collections.abc import Iterator

from imagebot.image.reference import Repository, is_tag
from imagebot.yamledit.template import find_actions

# Registry, path, tag and digest at their longest. A longer text is not searched, for that may take the square of it.
MAX_REFERENCE = 1000

_VARIABLE = re.compile(
    r"""
    \$? \{\{ .*? (?: \}\} | $ )   # {{ tag }}
  | \$ \[\[ .*? (?: \]\] | $ )    # $[[ inputs.tag ]]
  | \$ \{ [^}]* \}?               # ${TAG}
  | \$ \( [^)]* \)?               # $(TAG)
  | \$ [A-Za-z_] \w*              # $TAG
  | \{% .*? (?: %\} | $ )         # {% if tag %}
  | \{\# .*? (?: \#\} | $ )       # {# tag #}
  | % [A-Za-z_]\w* %              # %TAG%
  | < [^>]+ >                     # <tag>
    """,
    re.VERBOSE | re.DOTALL,
)


def find_variable(text: str) -> str | None:
    """Return the first variable of a text of at most MAX_REFERENCE characters."""
    found = _VARIABLE.search(text)
    return found.group() if found else None


def find_literal_tag(text: str) -> int | None:
    """Return where the tag begins if the name before it holds variables, and neither it nor a digest behind it does."""
    spans = [] if len(text) > MAX_REFERENCE else list(_list_spans(text))
    if not spans:
        return None
    rest = text[spans[-1][1] :]
    named, at, digest = rest.partition("@")
    tag = named.rpartition("/")[2].partition(":")[2]
    if not is_tag(tag) or (at and not digest):
        return None
    return len(text) - len(tag + at + digest)


def may_name(text: str, repository: Repository) -> bool:
    """Whether a name with variables can be that of the repository, whose begin and end are then its literal parts."""
    spans = list(_list_spans(text))
    first, last = text[: spans[0][0]], text[spans[-1][1] :]
    names = (str(repository), repository.familiar)
    return any(name.startswith(first) and name.endswith(last) for name in names)


def _list_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the variables; what a template has in an action may look like the end of that."""
    position = 0
    actions = find_actions(text) or ()
    while found := _VARIABLE.search(text, position):
        covering = [end for start, end in actions if start < found.end() <= end]
        position = max([found.end(), *covering])
        yield found.start(), position
