"""Validates a document as a pydantic model, and makes a fault with a position of every error.

A `Section` is what a mapping of the file may hold; a `MadeFrom` says of a single value what is accepted and how it
becomes a value of the program. No sentence of pydantic reaches people: the kind of its error chooses the words, the
model says what is accepted, and the document says what was found and where. A scalar where a mapping belongs is not
shown, because it may be a secret that was written into the wrong place.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, TypeGuard, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from imagebot.settings.fault import MAX_FAULTS, Fault, FaultyFile, Path, format_path, quote
from imagebot.settings.yaml_source import Document, Mark, Node

_LONGEST_ADVICE = 40

S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """A mapping of the file: its keys are the fields (or their aliases), and no other key is accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)

    accepted: ClassVar[str | None] = None
    """What to call the section where something else stands; without it, its keys are listed."""

    @classmethod
    def fields_by_key(cls) -> dict[str, FieldInfo]:
        return {field.alias or name: field for name, field in cls.model_fields.items()}


class Refused(ValueError):
    """What validation raises on a value.

    Without `accepted` the place's own is said, without `found` the value is shown; `at` leads on from the place to
    the part at fault, and `line`, which counts from 1, within a text of several lines.
    """

    def __init__(
        self, accepted: str | None = None, *, found: str | None = None, at: Path = (), line: int | None = None
    ) -> None:
        super().__init__(accepted, found, at, line)
        self.accepted = accepted
        self.found = found
        self.at = at
        self.line = line


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """Marks a type with what the file holds for it (`source`), and how the value is made of that.

    `make` gets the validated source and the context given to `validate`; it raises Refused. The JSON Schema names the
    `choices`, if these are all that is accepted, and `other` sources.
    """

    accepted: str
    make: Callable[[Any, Any], object] = lambda value, _: value
    source: Any = str
    choices: tuple[object, ...] = ()
    other: tuple[Mapping[str, object], ...] = field(default=(), hash=False)

    def __get_pydantic_core_schema__(self, _: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def make(value: object, info: ValidationInfo) -> object:
            return self.make(value, info.context)

        return core_schema.with_info_after_validator_function(make, handler.generate_schema(self.source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = {"enum": list(self.choices)} if self.choices else handler(schema)
        made = {"anyOf": [made, *self.other]} if self.other else made
        return made if "$ref" in made else {**made, "description": self.accepted}


def matching(pattern: re.Pattern[str], accepted: str) -> MadeFrom:
    """Mark a text that has to match the pattern as a whole, and stays as it is."""

    def make(text: str, _: object) -> str:
        if not pattern.fullmatch(text):
            raise Refused
        return text

    return MadeFrom(accepted, make)


def one_of(choices: type[Enum]) -> MadeFrom:
    """Mark a text that has to be the value of one of the members, and becomes that."""
    values = {choice.value: choice for choice in choices}

    def make(text: str, _: object) -> Enum:
        if text not in values:
            raise Refused
        return values[text]

    return MadeFrom(" or ".join(values), make, choices=tuple(values))


YesOrNo = Annotated[bool, MadeFrom("true or false", source=bool)]


def validate(
    model: type[S], document: Document, *, context: object, rules: Iterable[Callable[[Node], Iterable[Refused]]] = ()
) -> S:
    """Make the model's value of the document.

    `rules` look at the document itself for faults between its parts, so that these are found beside all others.
    Raises FaultyFile with all faults.
    """
    top = _Place(model, document.root, context)
    faults = list(document.faults)
    faults += [_make_fault(top, refused, document.file) for rule in rules for refused in rule(document.root)]
    try:
        value = model.model_validate(document.root.value, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        faults += [_explain(top, detail, document.file) for detail in details[:MAX_FAULTS]]
    if faults:
        raise FaultyFile(faults) from None
    return value


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the document: what stands there, and what the model wants there (without Annotated and None)."""

    wanted: Any
    node: Node
    context: object
    path: Path = ()
    parent: "_Place | None" = None

    def go(self, path: Path) -> "_Place":
        place = self
        for part in path:
            place = place._step(part)
        return place

    def _step(self, part: str | int) -> "_Place":
        # pydantic says so that the key of a mapping is at fault, not its value.
        if part == "[key]" and self.parent and get_origin(self.parent.wanted) is Mapping:
            return replace(self.key(), wanted=_strip(get_args(self.parent.wanted)[0]))
        member = _find_member(self.wanted, part)
        if member:  # pydantic puts the tag of a discriminated union into its paths
            return replace(self, wanted=member)
        below = self.node.children.get(part, Node(self.node.mark, None))
        return _Place(_want_below(self.wanted, part), below, self.context, (*self.path, part), self)

    def key(self) -> "_Place":
        """The place of the key instead of its value."""
        name = str(self.path[-1])
        mark = self.parent.node.keys.get(name, self.node.mark) if self.parent else self.node.mark
        return replace(self, node=Node(mark, name, name))


def _explain(top: _Place, detail: ErrorDetails, file: str) -> Fault:
    """Make a fault of one of pydantic's errors; of its texts only the type and the context's numbers are used."""
    place = top.go(detail["loc"])
    context: Mapping[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            refused = context["error"]
        case "extra_forbidden":
            refused = _refuse_key(place)
            place = place.key()
        case "missing":
            refused = Refused(found="no such key")
        case "union_tag_not_found" | "union_tag_invalid":
            found = None if "kind" in place.node.keys else "no such key"
            refused = Refused(" or ".join(_list_kinds(place.wanted)), found=found, at=("kind",))
        case "too_long":
            refused = Refused(f"at most {context['max_length']} of them", found=f"{len(place.node.children)} items")
        case _:
            refused = Refused()
    return _make_fault(place, refused, file)


def _make_fault(place: _Place, refused: Refused, file: str) -> Fault:
    place = place.go(refused.at)
    mark: Mark = place.node.mark
    if refused.line is not None and refused.line > 1:
        mark = Mark(place.node.text_line + refused.line - 1, 1)
    found = refused.found or _describe(place)
    accepted = refused.accepted or _describe_wanted(place)
    return Fault(file, mark.line, mark.column, format_path(place.path), found, accepted)


def _refuse_key(place: _Place) -> Refused:
    section = place.parent.wanted if place.parent else None
    known = sorted(section.fields_by_key()) if _is_section(section) else []
    near = difflib.get_close_matches(str(place.path[-1]), known, n=1)
    hint = f"; the nearest is {near[0]}" if near else ""
    return Refused(f"one of the keys {', '.join(known)}{hint}", found="an unknown key")


def _describe(place: _Place) -> str:
    value = place.node.value
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple):
        return "a list"
    if value is None:
        return "nothing"
    if not isinstance(place.wanted, MadeFrom | NoneType):
        return "a single value"
    if isinstance(value, str):
        return quote(value)
    return place.node.text[:60] if isinstance(value, bool) else f"the number {place.node.text[:60]}"


def _describe_wanted(place: _Place) -> str:
    wanted = place.wanted
    if isinstance(wanted, MadeFrom):
        return wanted.accepted + (f'; put it in quotes: "{place.node.text}"' if _needs_quotes(place) else "")
    if _is_section(wanted):
        return wanted.accepted or f"a mapping with the keys {', '.join(sorted(wanted.fields_by_key()))}"
    if kinds := _list_kinds(wanted):
        return f"a mapping with kind: {' or '.join(kinds)}"
    return "a list" if get_origin(wanted) is tuple else "a mapping"


def _needs_quotes(place: _Place) -> bool:
    """Say whether a number or a truth value would be accepted if it stood in quotes, and so were a text."""
    is_unquoted = place.wanted.source is str and isinstance(place.node.value, int | float)
    if not is_unquoted or len(place.node.text) > _LONGEST_ADVICE:
        return False
    try:
        place.wanted.make(place.node.text, place.context)
    except Refused:
        return False
    return True


def _strip(annotation: Any) -> Any:
    """Take Annotated and None off a type; what a MadeFrom reads from a mapping or list is that mapping or list."""
    args = get_args(annotation)
    if get_origin(annotation) is Annotated:
        made_from = next((mark for mark in args[1:] if isinstance(mark, MadeFrom)), None)
        if made_from is None:
            return _strip(args[0])
        source = _strip(made_from.source)
        return source if _is_section(source) or get_origin(source) is tuple else made_from
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in args if member is not NoneType]
        return _strip(members[0]) if len(members) == 1 else annotation
    return annotation


def _want_below(wanted: Any, part: str | int) -> Any:
    """Find what is wanted at a key or index of what is wanted; None below an unknown key."""
    if _is_section(wanted):
        field = wanted.fields_by_key().get(str(part))
        return _strip(field.rebuild_annotation()) if field else None
    if get_origin(wanted) is tuple:
        return _strip(get_args(wanted)[0])
    return _strip(get_args(wanted)[1]) if get_origin(wanted) is Mapping else None


def _find_member(wanted: Any, kind: str | int) -> type[Section] | None:
    members = get_args(wanted) if get_origin(wanted) in (Union, UnionType) else ()
    return next((member for member in members if kind in get_args(member.model_fields["kind"].annotation)), None)


def _list_kinds(wanted: Any) -> list[str]:
    members = get_args(wanted) if get_origin(wanted) in (Union, UnionType) else ()
    return [kind for member in members for kind in get_args(member.model_fields["kind"].annotation)]


def _is_section(wanted: Any) -> TypeGuard[type[Section]]:
    return isinstance(wanted, type) and issubclass(wanted, Section)
