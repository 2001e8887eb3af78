"""Templates of the policy file, in which teams write the texts of merge requests and commits themselves (Jinja2).

A template comes from people who may not be trusted: it sees only values that are made for it, in a sandbox.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from imagebot.errors import InvalidInput

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_CHARACTERS = 20_000


class InvalidTemplate(InvalidInput):
    """A text is no template; `line` counts from 1 in the text itself."""

    def __init__(self, text: str, reason: str, *, line: int | None) -> None:
        place = "" if line is None else f" in its line {line}"
        super().__init__(f"this is no template: {reason}{place}")
        self.text = text
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Template:
    """A template whose syntax is right; `position` is the line of the policy file on which it begins."""

    text: str
    position: int = 1


def parse_template(text: str, *, position: int = 1) -> Template:
    """Check the syntax of a template. Raises InvalidTemplate."""
    from jinja2 import TemplateError, TemplateSyntaxError

    if len(text) > MAX_CHARACTERS:
        raise InvalidTemplate(text, f"it has more than {MAX_CHARACTERS} characters", line=None)
    try:
        _make_environment().parse(text)
    except TemplateSyntaxError as error:
        raise InvalidTemplate(
            text, (error.message or "").rstrip(".") or "it breaks Jinja's grammar", line=error.lineno
        ) from error
    except (TemplateError, RecursionError, ValueError) as error:
        raise InvalidTemplate(text, "Jinja cannot read it", line=None) from error
    return Template(text, position)


@cache
def _make_environment() -> "ImmutableSandboxedEnvironment":
    """Make the sandbox. Jinja is slow to load, and of use only to whoever has a template."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
