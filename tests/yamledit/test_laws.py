"""What holds for every file that names images, whatever it looks like."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import hypothesis.strategies as st
import yaml
from hypothesis import HealthCheck, assume, given, settings
from ruamel.yaml import YAML

from imagebot.yamledit.edit import Edit, make_edits, make_reference
from imagebot.yamledit.locate import can_name_image, locate
from imagebot.yamledit.occurrence import Occurrence
from imagebot.yamledit.rewrite import rewrite
from tests.yamledit.documents import digests, files, tags

_INTEGER = "tag:yaml.org,2002:int"

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class _Aim(TypedDict):
    tag: str | None
    digest: str | None


@st.composite
def tasks(draw: st.DrawFn) -> tuple[bytes, tuple[Occurrence, ...], str, str]:
    """Return a file, some of its occurrences, and a tag and a digest for them."""
    data = draw(files())
    occurrences = locate(data).occurrences
    assume(occurrences)
    chosen = draw(st.lists(st.sampled_from(occurrences), min_size=1, max_size=3, unique=True))
    return data, tuple(sorted(chosen, key=lambda one: one.parts[0].start)), draw(tags), draw(digests)


def _aim(occurrence: Occurrence, tag: str, digest: str) -> _Aim:
    """Return as much of the tag and the digest as the occurrence can hold."""
    return {
        "tag": None if occurrence.reference.tag is None else tag,
        "digest": digest if occurrence.can_hold_digest else None,
    }


@few
@given(tasks())
def test_only_the_edited_scalars_differ_to_two_composers(task):
    data, occurrences, tag, digest = task
    edits = _make_all_edits(occurrences, tag, digest)

    result = rewrite(data, edits)

    changes = [(edit.old, edit.new) for edit in edits]
    for compose in (_compose, _compose_independently):
        old, new = compose(data), compose(result)
        assert [node.kind for node in old] == [node.kind for node in new]
        assert [(was.text, node.text) for was, node in _list_changes(old, new)] == changes


@few
@given(tasks())
def test_a_new_text_is_a_string_to_two_composers_unless_it_was_and_is_an_integer(task):
    data, occurrences, tag, digest = task

    result = rewrite(data, _make_all_edits(occurrences, tag, digest))

    for compose in (_compose, _compose_independently):
        changes = _list_changes(compose(data), compose(result))
        assert all(new.tag.endswith(":str") or old.tag == new.tag == _INTEGER for old, new in changes)


@few
@given(tasks())
def test_bytes_outside_the_edits_survive_and_quotes_stay(task):
    data, occurrences, tag, digest = task
    edits = _make_all_edits(occurrences, tag, digest)

    rest = rewrite(data, edits)

    end = 0
    for edit in edits:
        rest = _remove_prefix(rest, data[end : edit.start])
        rest = _remove_prefix(rest, _find_spelling(rest, edit, was=data[edit.start : edit.end]))
        end = edit.end
    assert rest == data[end:]


@few
@given(tasks())
def test_the_result_names_the_new_image_where_the_old_one_stood(task):
    data, occurrences, tag, digest = task
    edits = _make_all_edits(occurrences, tag, digest)

    result = rewrite(data, edits)

    old, new = locate(data), locate(result)
    assert [one.reason for one in new.left_alone] == [one.reason for one in old.left_alone]
    assert [one.line for one in new.occurrences] == [one.line for one in old.occurrences]
    assert [one.yaml_path for one in new.occurrences] == [one.yaml_path for one in old.occurrences]
    expected = [
        make_reference(one, **_aim(one, tag, digest)) if one in occurrences else one.reference
        for one in old.occurrences
    ]
    assert [one.reference for one in new.occurrences] == expected
    assert all(_reads_as_its_text(result, one) for one in new.occurrences)


@few
@given(tasks())
def test_a_second_rewrite_changes_nothing(task):
    data, occurrences, tag, digest = task
    numbers = [number for number, one in enumerate(locate(data).occurrences) if one in occurrences]

    once = rewrite(data, _make_all_edits(occurrences, tag, digest))
    again = locate(once).occurrences

    assert [make_edits(again[number], **_aim(again[number], tag, digest)) for number in numbers] == [()] * len(numbers)


@few
@given(tasks())
def test_a_digest_alone_changes_the_digest_alone(task):
    data, occurrences, _, digest = task
    pinned = [one for one in occurrences if one.can_hold_digest]

    result = rewrite(data, [edit for one in pinned for edit in make_edits(one, tag=one.reference.tag, digest=digest)])

    after = {one.line: one.reference for one in locate(result).occurrences}
    for one in locate(data).occurrences:
        wanted = digest if one in pinned else one.reference.digest
        assert after[one.line] == replace(one.reference, digest=wanted)


@few
@given(files())
def test_a_file_that_names_images_passes_the_quick_search(data):
    located = locate(data)

    assert can_name_image(data) or not (located.occurrences or located.left_alone)


def _make_all_edits(occurrences: tuple[Occurrence, ...], tag: str, digest: str) -> list[Edit]:
    edits = [edit for one in occurrences for edit in make_edits(one, **_aim(one, tag, digest))]
    return sorted(edits, key=lambda edit: edit.start)


@dataclass(frozen=True)
class _Node:
    kind: str
    text: str
    tag: str


def _compose(data: bytes) -> list[_Node]:
    return list(_walk(list(yaml.compose_all(data.decode(), Loader=yaml.SafeLoader)), set()))


def _compose_independently(data: bytes) -> list[_Node]:
    return list(_walk(list(YAML(typ="safe", pure=True).compose_all(data.decode())), set()))


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


def _list_changes(old: list[_Node], new: list[_Node]) -> list[tuple[_Node, _Node]]:
    return [(was, node) for was, node in zip(old, new, strict=True) if was.text != node.text]


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
