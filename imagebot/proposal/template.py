"""Templates of the policy file, in which teams write the texts of merge requests and commits themselves.

They are written in a part of Jinja2: values, `if`, `for`, `set` and some filters; nothing in it calls anything, counts,
or puts texts together. They come from people who may not be trusted, so a template sees plain values that are made for
it, in a sandbox (`sandbox.py`), and ends soon. What is printed is shown as text, whatever it holds; only what imagebot
itself wrote as Markdown is not (`Safe`).

Jinja is loaded only where there is a template.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from imagebot.errors import InvalidInput

_T = TypeVar("_T")

Values = Mapping[str, object]
"""What a template sees: texts, numbers, and tuples and mappings of these."""


class InvalidTemplate(InvalidInput):
    """A text is no template, or one that breaks when it is used; `line` counts from 1 in the text itself."""

    def __init__(self, text: str, reason: str, *, line: int | None) -> None:
        place = "" if line is None else f" in line {line} of the text"
        super().__init__(f"this is no template: {reason}{place}")
        self.text = text
        self.reason = reason
        self.line = line


class Safe(str):
    """Markdown, or a part of an address, that imagebot wrote: it is printed as it is."""

    __slots__ = ()


class RefusedByTemplate(Exception):
    """A template asks for what it cannot have, whatever the values are."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was checked; `position` is the line of the policy file on which its text begins."""

    text: str
    position: int = 1

    def render(self, values: Values, *, show: Callable[[str], str]) -> str:
        """Write the text; `show` makes text, and nothing else, of every value that is printed.

        Raises InvalidTemplate.
        """
        from imagebot.proposal.sandbox import render

        return _guard(self.text, lambda: render(self.text, values, show))


def parse_template(text: str, samples: Iterable[Values] = (), *, position: int = 1) -> Template:
    """Check a template: its grammar, and that there is what it asks for, as far as the samples show that.

    Raises InvalidTemplate.
    """
    from imagebot.proposal.sandbox import check

    samples = tuple(samples)
    template = Template(text, position)
    _guard(text, lambda: check(text, {name for values in samples for name in values}))
    for values in samples:
        try:
            template.render(values, show=str)
        except InvalidTemplate as error:
            if isinstance(error.__cause__, RefusedByTemplate):  # anything else may depend on what the values are
                raise
    return template


def _guard(text: str, step: Callable[[], _T]) -> _T:
    """Let whatever breaks in a template be told as its fault."""
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        return step()
    except TemplateSyntaxError as error:
        reason = (error.message or "it breaks the grammar").rstrip(".")
        raise InvalidTemplate(text, reason, line=error.lineno) from error
    except (TemplateError, RefusedByTemplate) as error:
        raise InvalidTemplate(text, str(error).rstrip("."), line=_find_line(error)) from error
    except (RecursionError, MemoryError) as error:
        raise InvalidTemplate(text, "it is nested too deeply", line=None) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, SyntaxError) as error:
        # These come from operators and values that are not made for each other, as in 1 < "x", and from compiling.
        raise InvalidTemplate(text, f"it cannot be carried out: {error}"[:200], line=_find_line(error)) from error


def _find_line(error: BaseException) -> int | None:
    """Find the line of the template that an error comes from, by Jinja's own traceback."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
