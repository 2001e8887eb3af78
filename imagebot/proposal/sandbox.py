"""The sandbox in which templates are carried out: what of Jinja's grammar they may use, on what, and how much of it.

Jinja's own sandbox keeps templates from Python's internals. Beyond that, here there is nothing to call and nothing that
makes texts or lists grow: the turns of loops, the length of every text and of all that is written are bounded, and the
parts of a value are the keys of a mapping or the items of a list, never attributes of Python's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, meta, nodes, pass_context
from jinja2.environment import Template as Compiled
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from imagebot.proposal.template import RefusedByTemplate, Safe, Values

_MAX_CHARACTERS = 20_000
_MAX_TEXT = 20_000
_MAX_WRITTEN = 1_000_000
_MAX_TURNS = 50_000
_MAX_LOOPS = 2
_MAX_DEPTH = 40
_MAX_NODES = 3_000

# No calls, arithmetic, `~`, macros, blocks, imports, namespaces.
_GRAMMAR = frozenset(
    [
        "Template",
        "Output",
        "TemplateData",
        "Name",
        "Const",
        "Tuple",
        "List",
        "Getattr",
        "Getitem",
        "Slice",
        "Filter",
        "Test",
        "Compare",
        "Operand",
        "And",
        "Or",
        "Not",
        "Neg",
        "CondExpr",
        "If",
        "For",
        "Assign",
        "Keyword",
    ]
)
_TESTS = ("defined", "undefined", "eq", "equalto", "ne", "in", "lt", "le", "gt", "ge")
_LOOP = frozenset(["index", "index0", "first", "last", "length"])
# No names that a template could write.
_COUNTED, _METER = "-counted", "-meter"


def check(text: str, known: Set[str]) -> None:
    """See that a template compiles, and refuse a name that there never is."""
    _compile(text, str)
    tree = _Sandbox(str).parse(text)
    unknown = meta.find_undeclared_variables(tree) - known
    named = [name for name in tree.find_all(nodes.Name) if name.name in unknown]
    for name in sorted(named, key=lambda each: each.lineno)[:1]:
        raise TemplateSyntaxError(_say_unknown(name.name, known), name.lineno)


def render(text: str, values: Values, show: Callable[[str], str]) -> str:
    written, room = [], _MAX_WRITTEN
    for piece in _compile(text, show).generate({**values, _METER: _Meter()}):
        room -= len(piece)
        if room < 0:
            raise RefusedByTemplate(f"it writes more than {_MAX_WRITTEN} characters")
        written.append(piece)
    return "".join(written)


@lru_cache(maxsize=64)
def _compile(text: str, show: Callable[[str], str]) -> Compiled:
    if len(text) > _MAX_CHARACTERS:
        raise RefusedByTemplate(f"it has more than {_MAX_CHARACTERS} characters")
    sandbox = _Sandbox(show)
    tree = sandbox.parse(text)
    _refuse_foreign(tree)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
    return sandbox.from_string(tree)


def _refuse_foreign(tree: nodes.Template) -> None:
    """Refuse what is no part of these templates, or too much of it."""
    seen, rest = 0, [(node, 1, 0) for node in tree.iter_child_nodes()]
    while rest:
        node, depth, loops = rest.pop()
        seen += 1
        if type(node).__name__ not in _GRAMMAR:
            raise TemplateSyntaxError(f"{type(node).__name__.lower()} is no part of these templates", node.lineno)
        if isinstance(node, nodes.For):
            loops += 1
            if node.recursive or loops > _MAX_LOOPS:
                reason = f"loops stand in each other at most {_MAX_LOOPS} deep, and none in itself"
                raise TemplateSyntaxError(reason, node.lineno)
        if depth > _MAX_DEPTH or seen > _MAX_NODES:
            raise TemplateSyntaxError("it is too large", node.lineno)
        rest += [(child, depth + 1, loops) for child in node.iter_child_nodes()]


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja with these filters and tests alone, and with values that have no attributes."""

    def __init__(self, show: Callable[[str], str]) -> None:
        def finalize(value: object) -> str:
            """Make what is printed of a value; what is neither text nor number has no form of its own."""
            if isinstance(value, Safe):
                return str(value)
            if isinstance(value, bool) or not isinstance(value, (str, int)):
                raise RefusedByTemplate("what is printed is no text and no number")
            text = _take(value)
            return text if not text or isinstance(value, int) else show(text)

        super().__init__(undefined=StrictUndefined, finalize=finalize, keep_trailing_newline=True)
        self.globals.clear()
        self.filters = {name: _make_filter(name) for name in FILTERS} | {_COUNTED: _make_filter("counted")}
        self.tests = {name: self.tests[name] for name in _TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        return _get(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return _get(obj, argument)


def _get(value: object, key: object) -> Any:
    """Get a part of a value: of a mapping by its key, of a list or text by number or slice."""
    match value, key:
        case Mapping(), str():
            if key not in value:
                raise RefusedByTemplate(_say_unknown(key, value))
            return value[key]
        case str(), int() | slice():
            return str(value)[key]
        case ((tuple() | list()), int() | slice()):
            return value[key]
        case LoopContext(), str() if key in _LOOP:
            return getattr(value, key)
        case _:
            raise RefusedByTemplate(f"there is no {key!s:.60} of this value")


def _say_unknown(name: object, known: Iterable[str]) -> str:
    return f"there is no {name!s:.60}; there is {', '.join(sorted(known))}"


class _Meter:
    """How many turns a rendering may still take: of loops, and of filters of lists."""

    def __init__(self) -> None:
        self._turns = _MAX_TURNS

    def count(self, items: Any) -> Sequence[Any]:
        """Take the items of a list, or the characters of a text, into account, and return it."""
        if not isinstance(items, (str, tuple, list)):
            raise RefusedByTemplate("a loop or filter is about what is no list")
        self._turns -= len(items) + 1
        if self._turns < 0:
            raise RefusedByTemplate(f"its loops take more than {_MAX_TURNS} turns")
        return items


class _Filters:
    """The filters of templates, each bounded by what goes into it."""

    def __init__(self, meter: _Meter) -> None:
        self._meter = meter

    def counted(self, items: Any) -> Sequence[Any]:
        return self._meter.count(items)

    def capitalize(self, value: object) -> str:
        return _take(value).capitalize()

    def default(self, value: object, otherwise: object = "") -> object:
        return otherwise if isinstance(value, Undefined) or value == "" else value

    def first(self, items: Any) -> object:
        return next(iter(self._meter.count(items)), "")

    def join(self, items: Any, separator: str = "") -> str:
        texts, between = [_take(item) for item in self._meter.count(items)], _take(separator)
        _require_room(sum(map(len, texts)) + len(between) * len(texts))
        return between.join(texts)

    def last(self, items: Any) -> object:
        return next(iter(self._meter.count(items)[::-1]), "")

    def length(self, items: Any) -> int:
        return len(self._meter.count(items))

    def lower(self, value: object) -> str:
        return _take(value).lower()

    def map(self, items: Any, attribute: object) -> Sequence[object]:
        return tuple(_get(item, attribute) for item in self._meter.count(items))

    def replace(self, value: object, old: object, new: object) -> str:
        text, before, after = _take(value), _take(old), _take(new)
        _require_room(len(text) + text.count(before) * len(after))
        return text.replace(before, after)

    def sort(self, items: Any) -> Sequence[Any]:
        return tuple(sorted(self._meter.count(items)))

    def trim(self, value: object) -> str:
        return _take(value).strip()

    def truncate(self, value: object, length: int = 50) -> str:
        return _take(value)[: max(0, length)]

    def unique(self, items: Any) -> Sequence[Any]:
        return tuple(dict.fromkeys(self._meter.count(items)))

    def upper(self, value: object) -> str:
        return _take(value).upper()

    def urlencode(self, value: object) -> Safe:
        return Safe(quote(_take(value), safe="", errors="replace"))


FILTERS = tuple(sorted(name for name in vars(_Filters) if not name.startswith("_") and name != "counted"))


def _make_filter(name: str) -> Callable[..., object]:
    @pass_context
    def apply(context: Context, value: object, *args: object, **kwargs: object) -> object:
        return getattr(_Filters(context[_METER]), name)(value, *args, **kwargs)

    return apply


def _take(value: object) -> str:
    """Take a value as a text of bounded length; that it was safe is lost when it is changed."""
    if not isinstance(value, (str, int)):
        raise RefusedByTemplate("a filter of texts is about what is none")
    _require_room(len(text := str(value)))
    return text


def _require_room(characters: int) -> None:
    if characters > _MAX_TEXT:
        raise RefusedByTemplate(f"one of its texts has more than {_MAX_TEXT} characters")
