"""What holds for every file that names images, whatever it looks like.

`make test-long` asks each law far more often.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from ruamel.yaml import YAML

from imagebot.yamledit.edit import Edit, make_edits, make_reference
from imagebot.yamledit.locate import locate
from imagebot.yamledit.occurrence import Located, Occurrence
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite
from imagebot.yamledit.scan import Role, scan
from tests.yamledit.documents import BINDINGS, Sample, digests, samples, tags

_INTEGER = "tag:yaml.org,2002:int"
# What the actions in the samples look like, and those that have their line for themselves.
_ACTION = re.compile(r"\{\{/\*.*?\*/\}\}|\{\{.*?\}\}")
_LINE_OF_ACTION = re.compile(rf"(?:(?<=\A)|(?<=[\ufeff\r\n]))(?:{_ACTION.pattern})(?=[\r\n]|\Z)")

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
many = settings(few, max_examples=1500)


class _Aim(TypedDict):
    tag: str | None
    digest: str | None


@dataclass(frozen=True)
class Task:
    """A file, some of its occurrences in the order of the text, and a tag and a digest for them."""

    sample: Sample
    occurrences: tuple[Occurrence, ...]
    tag: str
    digest: str

    def aim(self, occurrence: Occurrence) -> _Aim:
        """Return as much of the tag and the digest as the occurrence can hold."""
        return {
            "tag": None if occurrence.reference.tag is None else self.tag,
            "digest": self.digest if occurrence.can_hold_digest else None,
        }

    def make_edits(self) -> list[Edit]:
        edits = {edit for one in self.occurrences for edit in make_edits(one, **self.aim(one))}
        return sorted(edits, key=lambda edit: edit.start)

    def rewrite(self) -> bytes:
        return rewrite(self.sample.data, self.make_edits())

    def locate(self, data: bytes) -> Located:
        return locate(data, path=self.sample.path, bindings=BINDINGS)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    sample = draw(samples())
    occurrences = locate(sample.data, path=sample.path, bindings=BINDINGS).occurrences
    assume(occurrences)
    chosen = draw(st.lists(st.sampled_from(occurrences), min_size=1, max_size=3, unique=True))
    return Task(sample, tuple(sorted(chosen, key=lambda one: one.parts[0].start)), draw(tags), draw(digests))


@few
@given(tasks())
def test_only_the_edited_scalars_differ_to_two_composers(task):
    edits = task.make_edits()

    result = task.rewrite()

    changes = [(_mask(edit.old), _mask(edit.new)) for edit in edits]
    for compose in (_compose, _compose_independently):
        old, new = compose(task.sample.data.decode()), compose(result.decode())
        assert [node.kind for node in old] == [node.kind for node in new]
        assert [(was.text, node.text) for was, node in _list_changes(old, new, compose)] == changes


@few
@given(tasks())
def test_a_new_text_is_a_string_to_two_composers_unless_it_was_and_is_an_integer(task):
    # To who reads a file that is nothing but a tag, everything is a string, and quotes would be a part of it.
    assume(not task.sample.path.startswith("tags/"))

    result = task.rewrite()

    for compose in (_compose, _compose_independently):
        changes = _list_changes(compose(task.sample.data.decode()), compose(result.decode()), compose)
        assert all(new.tag.endswith(":str") or old.tag == new.tag == _INTEGER for old, new in changes)


@few
@given(tasks())
def test_bytes_outside_the_edits_survive_and_quotes_stay(task):
    data = task.sample.data

    rest = task.rewrite()

    end = 0
    for edit in task.make_edits():
        rest = _remove_prefix(rest, data[end : edit.start])
        rest = _remove_prefix(rest, _find_spelling(rest, edit, was=data[edit.start : edit.end]))
        end = edit.end
    assert rest == data[end:]


@few
@given(tasks())
def test_the_result_names_the_new_image_where_the_old_one_stood(task):
    result = task.rewrite()

    old, new = task.locate(task.sample.data), task.locate(result)
    assert [one.reason for one in new.left_alone] == [one.reason for one in old.left_alone]
    assert [one.line for one in new.occurrences] == [one.line for one in old.occurrences]
    assert [one.yaml_path for one in new.occurrences] == [one.yaml_path for one in old.occurrences]
    assert [one.entry for one in new.occurrences] == [one.entry for one in old.occurrences]
    expected = [
        make_reference(one, **task.aim(one)) if one in task.occurrences else one.reference for one in old.occurrences
    ]
    assert [one.reference for one in new.occurrences] == expected
    assert all(_reads_as_its_text(result, one) for one in new.occurrences)


@few
@given(tasks())
def test_spans_are_shifted_by_what_the_edits_before_them_added(task):
    data = task.sample.data

    result = task.rewrite()

    old, new = _list_spans(task.locate(data)), _list_spans(task.locate(result))
    assert _list_gaps(data, old) == _list_gaps(result, new)


@few
@given(tasks())
def test_a_second_rewrite_changes_nothing(task):
    located = task.locate(task.sample.data).occurrences
    numbers = [number for number, one in enumerate(located) if one in task.occurrences]

    again = task.locate(task.rewrite()).occurrences

    assert [make_edits(again[number], **task.aim(again[number])) for number in numbers] == [()] * len(numbers)


@few
@given(tasks())
def test_a_digest_alone_changes_the_digest_alone(task):
    data = task.sample.data
    pinned = [one for one in task.occurrences if one.can_hold_digest]

    result = rewrite(
        data, [edit for one in pinned for edit in make_edits(one, tag=one.reference.tag, digest=task.digest)]
    )

    before = task.locate(data).occurrences
    expected = [replace(one.reference, digest=task.digest) if one in pinned else one.reference for one in before]
    assert [one.reference for one in task.locate(result).occurrences] == expected


@few
@given(samples(), tags, st.data())
def test_any_scalar_is_replaced_alone_or_not_at_all(sample, tag, draws):
    file = scan(sample.data)
    scalars = [one for one in file.scalars if one.role is not Role.KEY and one.value and file.is_on_one_line(one)]
    assume(scalars)
    scalar = draws.draw(st.sampled_from(scalars))

    try:
        result = rewrite(sample.data, [Edit(scalar.start, scalar.end, scalar.value, tag)])
    except UnsafeRewrite:
        assert not scalar.is_literal or "{{" in scalar.value
        return

    for compose in (_compose, _compose_independently):
        changes = _list_changes(compose(sample.data.decode()), compose(result.decode()), compose)
        assert [(was.text, node.text) for was, node in changes] == [(scalar.value, tag)] * (scalar.value != tag)


_LAWS_OF_TASKS = (
    test_only_the_edited_scalars_differ_to_two_composers,
    test_a_new_text_is_a_string_to_two_composers_unless_it_was_and_is_an_integer,
    test_bytes_outside_the_edits_survive_and_quotes_stay,
    test_the_result_names_the_new_image_where_the_old_one_stood,
    test_spans_are_shifted_by_what_the_edits_before_them_added,
    test_a_second_rewrite_changes_nothing,
    test_a_digest_alone_changes_the_digest_alone,
)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("law", _LAWS_OF_TASKS, ids=lambda law: law.__name__.removeprefix("test_"))
def test_many_more_tasks(law):
    many(given(tasks())(law.hypothesis.inner_test))()


@dataclass(frozen=True)
class _Node:
    kind: str
    text: str
    tag: str


def _mask(text: str) -> str:
    """Return the text without actions; not the project's code on purpose."""
    text = _LINE_OF_ACTION.sub(lambda match: " " * len(match.group()), text)
    return _ACTION.sub(lambda match: "x" * len(match.group()), text)


def _compose(text: str) -> list[_Node]:
    return list(_walk(list(yaml.compose_all(_mask(text), Loader=yaml.SafeLoader)), set()))


def _compose_independently(text: str) -> list[_Node]:
    return list(_walk(list(YAML(typ="safe", pure=True).compose_all(_mask(text))), set()))


def _walk(node: Any, seen: set[int]) -> Iterator[_Node]:
    """Yield a node and all in it; what an alias names counts where it stands first."""
    if isinstance(node, list | tuple):
        for child in node:
            yield from _walk(child, seen)
        return
    if id(node) in seen:
        yield _Node("Alias", "", "")
        return
    seen.add(id(node))
    is_scalar = isinstance(node.value, str)
    yield _Node(type(node).__name__, node.value if is_scalar else "", str(node.tag))
    if not is_scalar:
        yield from _walk(node.value, seen)


def _list_changes(
    old: list[_Node], new: list[_Node], compose: Callable[[str], list[_Node]]
) -> list[tuple[_Node, _Node]]:
    """List the nodes with another text; of a block that holds YAML, the nodes in it."""
    changes: list[tuple[_Node, _Node]] = []
    for was, node in zip(old, new, strict=True):
        if was.text != node.text and "\n" in was.text:
            changes += _list_changes(compose(was.text), compose(node.text), compose)
        elif was.text != node.text:
            changes.append((was, node))
    return changes


def _list_spans(located: Located) -> list[tuple[int, int]]:
    """List where the parts of all occurrences stand, and where a digest has room."""
    parts = {part for one in located.occurrences for part in (*one.parts, one.room) if part is not None}
    return sorted({(part.start, part.end) for part in parts})


def _list_gaps(data: bytes, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(data)]
    return [data[end:start] for end, start in zip(ends, starts, strict=True)]


def _remove_prefix(data: bytes, prefix: bytes) -> bytes:
    assert data.startswith(prefix)
    return data.removeprefix(prefix)


def _find_spelling(rest: bytes, edit: Edit, *, was: bytes) -> bytes:
    quotes = [was[:1]] if was[:1] in (b"'", b'"') else [b"", b"'", b'"']
    spellings = [quote + edit.new.encode() + quote for quote in quotes]
    return next((spelling for spelling in spellings if rest.startswith(spelling)), b"no spelling of the new text")


def _reads_as_its_text(data: bytes, occurrence: Occurrence) -> bool:
    sources = [(data[part.start : part.end].decode(), part.text) for part in occurrence.parts]
    return all(text in (source, _unquote(source)) for source, text in sources)


def _unquote(source: str) -> str:
    return str(yaml.safe_load(source))
