import re
import textwrap

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from imagebot.yamledit.edit import Edit, make_edits
from imagebot.yamledit.locate import locate
from imagebot.yamledit.nested import Block, find_nested, open_block
from imagebot.yamledit.occurrence import LeftAlone, Located
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite
from imagebot.yamledit.scan import NotYaml, Scalar, scan
from tests.yamledit.documents import LINE_ENDS, files, tags

A = f"sha256:{64 * 'a'}"
_HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n"
_NO_LITERAL = "it stands in YAML in a text that is no literal block"


def _nest(values: str, *, head: str = _HEAD) -> str:
    """Return an application whose values are this text, from the header on."""
    return f"{head}      values: {values}"


def _open(text: str) -> Block | str:
    file = scan(text.encode())
    (scalar,) = find_nested(file)
    assert isinstance(scalar, Scalar)
    return open_block(file, scalar)


def _bump(text: str, tag: str = "9") -> str:
    data = text.encode()
    edits = [edit for one in locate(data).occurrences for edit in make_edits(one, tag=tag, digest=None)]
    return rewrite(data, edits).decode()


@pytest.mark.parametrize(
    ("block", "inner"),
    [
        pytest.param("|\n        a: b\n        c: d\n", "a: b\nc: d\n", id="as usual"),
        pytest.param("|- # c\n       a: b\n", "a: b\n", id="stripped, with a comment"),
        pytest.param("|+\n        a: b\n\n  \n", "a: b\n\n\n", id="kept"),
        pytest.param("&v |\n       a: b\n", "a: b\n", id="behind an anchor"),
        pytest.param("|1\n         a:\n        b: c\n", "  a:\n b: c\n", id="indentation said"),
        pytest.param("|-2\n         a:\n", " a:\n", id="indentation and chomping said"),
        pytest.param("|\r\n        a:\r\n          b: c\r\n", "a:\r\n  b: c\r\n", id="CRLF"),
        pytest.param("|\r        a: b\r        c: d\r", "a: b\rc: d\r", id="lone CR"),
        pytest.param("|\n\n   \n        a: b\n  \n\n        c: d\n", "\n\na: b\n\n\nc: d\n", id="short blank lines"),
        pytest.param("|\n        a: b\n          \n        c: d\n", "a: b\n  \nc: d\n", id="long blank lines"),
        pytest.param("|\n        a:\tb\n        \t\n", "a:\tb\n\t\n", id="tabs behind the indentation"),
        pytest.param("|\n        ü: 🐳 # 漢\n        c: d\n", "ü: 🐳 # 漢\nc: d\n", id="wide characters"),
        pytest.param("|\n        a: b", "a: b", id="no line end at the end"),
        pytest.param("|\n        a: b\n      # c\nd: |\n  e\n", "a: b\n", id="a comment behind it"),
        pytest.param("|\n        a: {{ b }}\n{{ c }}: d\n", "a: {{ b }}\n", id="in a template"),
        pytest.param(
            "|\n        # {{ a }}\n        {{ b }}\n        c\n{{ d }}: {{ '' }}\n",
            "# {{ a }}\n{{ b }}\nc\n",
            id="both",
        ),
        pytest.param("|\n", "", id="nothing"),
    ],
)
def test_the_text_of_a_block(block, inner):
    text = _nest(block)

    opened = _open(text)

    assert isinstance(opened, Block)
    assert opened.data.decode() == inner
    assert opened.write(opened.data) in text.encode()
    assert [opened.to_inner(opened.to_outer(n)) for n in range(len(opened.data))] == [*range(len(opened.data))]
    assert all(opened.data[n] == text.encode()[opened.to_outer(n)] for n in range(len(opened.data)))


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        pytest.param(">\n        a: b\n", _NO_LITERAL, id="folded"),
        pytest.param("'a: b'\n", _NO_LITERAL, id="quoted"),
        pytest.param("!!str |\n        a: b\n", _NO_LITERAL, id="tagged"),
        pytest.param(
            "|\n        x: y\n        a: b\x85        c: d\n",
            "it stands in YAML in a block whose lines are not",
            id="NEL",
        ),
        pytest.param("|\n        a: b\r  \n", "it stands in YAML in a block whose lines are not", id="CR and LF meet"),
        pytest.param(
            "|\n        a: b\n{{- if c }}\n        d: e\n        {{- end }}\n",
            "it stands in YAML in a block of which a line is indented less",
            id="an action left of it",
        ),
    ],
)
def test_a_block_that_is_not_edited(block, reason):
    opened = _open(_nest(block))

    assert isinstance(opened, str)
    assert opened.startswith(reason)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("kind: Application\nspec: {source: {helm: {values: x}}}", 1, id="a source"),
        pytest.param("kind: Application\nspec: {sources: [{helm: {values: x}}, {helm: {values: y}}]}", 2, id="sources"),
        pytest.param("kind: ApplicationSet\nspec: {template: {spec: {source: {helm: {values: x}}}}}", 1, id="a set"),
        pytest.param("kind: Application\na: &v x\nspec: {source: {helm: {values: *v}}}", 1, id="an alias"),
        pytest.param("kind: Application\nspec: {source: {helm: {valuesObject: {values: x}}}}", 0, id="an object"),
        pytest.param("kind: Application\nspec: {source: {values: x}}", 0, id="not below helm"),
        pytest.param("kind: Application\nspec: {source: {helm: {values: {values: x}}}}", 0, id="a mapping"),
        pytest.param("kind: Other\nspec: {source: {helm: {values: x}}}", 0, id="another kind"),
        pytest.param("kind: Application\n---\nspec: {source: {helm: {values: x}}}", 0, id="another document"),
    ],
)
def test_where_nested_yaml_is_looked_for(text, count):
    file = scan(f"apiVersion: argoproj.io/v1alpha1\n{text}\n".encode())

    assert len(list(find_nested(file))) == count


def test_an_application_of_someone_else_holds_no_nested_yaml():
    text = _nest("|\n        image: a:1\n").replace("argoproj.io", "example.com")

    assert locate(text.encode()).occurrences == ()


@pytest.mark.parametrize(
    ("block", "references", "places"),
    [
        pytest.param("|\n        image: a:1\n", ["a:1"], [(7, 16)], id="an image"),
        pytest.param("|-\r\n\r\n       ü: {image: 'a:1'}\r\n", ["a:1"], [(8, 19)], id="CRLF, a blank line, ü"),
        pytest.param("|1\n         a:\n          image: a:1\n", ["a:1"], [(8, 18)], id="indentation said"),
        pytest.param(
            "|\n        image:\n          repository: a/b\n          tag: v1\n        x: {image: c:2}\n",
            ["a/b:v1", "c:2"],
            [(9, 16), (10, 20)],
            id="parts, and a second image",
        ),
        pytest.param(
            "|\n        {{ if a }}\n        image: a:1\n        {{ end }}\n", ["a:1"], [(8, 16)], id="a template"
        ),
        pytest.param("|\n        image: a:1\n{{ x }}: [{{ y }}]\n", ["a:1"], [(7, 16)], id="in a template"),
    ],
)
def test_images_in_a_block_are_located_in_the_file_around_it(block, references, places):
    text = _nest(block)

    located = locate(text.encode())

    assert located.left_alone == ()
    assert [str(one.reference) for one in located.occurrences] == references
    assert [(one.line, one.column) for one in located.occurrences] == places
    assert all(one.yaml_path.startswith("spec.source.helm.values.") for one in located.occurrences)
    for one in located.occurrences:
        assert all(text.encode()[part.start : part.end].decode().strip("'") == part.text for part in one.parts)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param("|\n        image: a:OLD # a:1\n        x: [b ]\n", id="an image"),
        pytest.param("|-\n\n        image: 'a:OLD'\n\n\n", id="blank lines around it"),
        pytest.param("|+2\r\n          a:\r\n           image: a:OLD\r\n\r\n", id="all indicators, CRLF"),
        pytest.param(
            "|\n        a: {repository: b, tag: vOLD}\n        c: &c {image: d:OLD}\n        e: *c\n", id="two"
        ),
        pytest.param("|\n        image: a:OLD", id="no line end at the end"),
        pytest.param(
            "|\n        {{ if a }}\n        image: ü:1\n        {{ end }}\n        b: {image: c:OLD}\n", id="a template"
        ),
        pytest.param("|\n        a: {{ b }}\n        image: c:OLD\n{{ d }}: [{{ e }}]\n", id="in a template"),
        pytest.param("|\n        a: |\n          image: b:1\n        image: c:OLD\n", id="nothing further inside"),
    ],
)
def test_only_the_image_in_the_block_changes(block):
    text = "# image: a:1\n" + _nest(block)

    result = _bump(text.replace("vOLD", "v1").replace("OLD", "1.2"))

    assert result == text.replace("vOLD", '"9"').replace("OLD", "9")


def test_images_in_several_blocks_and_around_them_change_together():
    block = "|\n        image: a:1\n"
    text = (
        f"{_HEAD}      values: {block}  sources:\n  - helm:\n      values: {block}    image: b:1\n---\n"
        "images: [{name: c, newTag: v1}]\n"
    )

    result = _bump(text, "v2")

    assert result == text.replace("a:1", "a:v2").replace("b:1", "b:v2").replace("v1}", "v2}")


@pytest.mark.parametrize(
    ("text", "left_alone"),
    [
        pytest.param(_nest("'image: a:1'\n"), (6, 15, "a:1", _NO_LITERAL), id="quoted"),
        pytest.param(_nest(">-\n        image: a:1\n"), (6, 15, "a:1", _NO_LITERAL), id="folded"),
        pytest.param(_nest("!!str |\n        image: a:1\n"), (6, 21, "a:1", _NO_LITERAL), id="tagged"),
        pytest.param(
            _nest("&v |\n        image: a:1\nx: *v\n"),
            (6, 18, "a:1", "it stands in YAML in a text that is shared"),
            id="shared",
        ),
        pytest.param(
            "x: &v |\n  image: a:1\n" + _nest("*v\n"),
            (8, 15, "a:1", "it stands in YAML in a text that is shared"),
            id="an alias",
        ),
        pytest.param(
            _nest("|\n        x: y\n        image: $I\n"), (8, 16, "$I", "it holds the variable"), id="variable"
        ),
        pytest.param(
            _nest("|\n        image: a:1\n         x: [\n"),
            (8, 11, "spec.source.helm.values", "what stands there is no YAML: mapping values"),
            id="no YAML",
        ),
        pytest.param(
            _nest("'image: ['\n"),
            (6, 15, "spec.source.helm.values", "what stands there is no YAML: "),
            id="quoted, no YAML",
        ),
        pytest.param(_nest("'image: $I'\n"), (6, 15, "$I", "it holds the variable $I"), id="quoted, a variable"),
    ],
)
def test_nested_images_are_left_alone_with_their_reason(text, left_alone):
    located = locate(text.encode())

    (found,) = located.left_alone
    assert located.occurrences == ()
    assert (found.line, found.column, found.text) == left_alone[:3]
    assert found.reason.startswith(left_alone[3])
    assert isinstance(found, LeftAlone)


def test_a_block_that_many_aliases_share_is_read_and_reported_once():
    block = "".join(f"  - image: a/b:{number}\n" for number in range(1000))
    sources = "  - helm: {values: *v}\n" * 2000
    text = f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nx: &v |\n{block}spec:\n  sources:\n{sources}"

    located = locate(text.encode())

    assert {one.line for one in located.left_alone} == {1006}
    assert len(located.left_alone) == 1000


@pytest.mark.parametrize("values", ["'a: b'", "[", "", "|", "{a: b}", "~", "'{{ x }}'", "{{ x }}"])
def test_values_without_images_are_passed_over_silently(values):
    text = _nest(f"{values}\n").replace("values: [", "values: '['")

    located = locate(text.encode())

    assert (located.occurrences, located.left_alone) == ((), ())


@pytest.mark.parametrize(
    ("block", "edit", "line", "reason"),
    [
        pytest.param("|\n        a: b\n", (3, 4, "b", "c"), 7, None, id="as it should be"),
        pytest.param(
            "|\n        a: b\n", (0, 4, "a: b", "c"), 7, "no scalar occupies just the bytes 0 to 4", id="more"
        ),
        pytest.param("|\n        a: b\n", (-2, 1, "a", "c"), 7, "no scalar occupies just the bytes", id="indentation"),
        pytest.param("|\n        a: b\n", (0, 1, "a", "c"), 7, "'a' is a key", id="a key"),
        pytest.param(
            "|\n\n        a: c\n", (4, 5, "b", "d"), 8, "the text is 'c', and the edit expects 'b'", id="text"
        ),
        pytest.param("|\n        a: [b\n", (4, 5, "b", "c"), 7, "the block is no YAML: while parsing", id="no YAML"),
        pytest.param("!x |\n        a: b\n", (3, 4, "b", "c"), 7, _NO_LITERAL, id="tagged"),
    ],
)
def test_edits_in_a_block_are_refused_with_the_line_of_the_file(block, edit, line, reason):
    text = _nest(block)
    start = len(text[: text.index("|")].encode()) + 10
    whole = Edit(start + edit[0], start + edit[1], *edit[2:])

    if reason is None:
        assert rewrite(text.encode(), [whole]).decode() == text.replace("a: b", "a: c")
        return
    with pytest.raises(UnsafeRewrite) as refused:
        rewrite(text.encode(), [whole])
    assert refused.value.line == line
    assert refused.value.reason.startswith(reason.replace(" 0 to 4", f" {start} to {start + 4}")[:40])


@st.composite
def nestings(draw: st.DrawFn) -> tuple[str, str]:
    """Return a file of images, and an application in a stream of documents that has it for its values."""
    inner = draw(files()).decode().removeprefix("\ufeff")
    inner = inner if inner.endswith(LINE_ENDS) else inner + "\n"
    header = draw(st.sampled_from(["|2", "|2-", "|+2", "&v |2 # ü: x"]))
    block = textwrap.indent(inner, " " * 8, lambda line: bool(line.strip(" \r\n")))
    before = draw(st.sampled_from(["", "\ufeff", "# ü\n", "image: [x]\n---\n"]))
    after = draw(st.sampled_from(["", "x: 🐳\n", "---\nx: {y: 'z'}\n", "{{ x }}: {{ y }}z\n"]))
    return inner, before + _nest(f"{header}\n{block}") + after


@settings(
    max_examples=15,
    report_multiple_bugs=False,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(nestings(), tags)
def test_an_edit_in_a_block_is_the_edit_of_the_same_file_alone(nesting, tag):
    inner, outer = nesting
    try:
        found = locate(outer.encode())
    except NotYaml:
        assume(False)
    alone = locate(inner.encode())
    assume(alone.occurrences and not re.search(r"\r +\n", outer))

    edits, edits_alone = _aim(found, tag), _aim(alone, tag)

    assert [(one.reference, one.place) for one in found.occurrences] == [
        (one.reference, one.place) for one in alone.occurrences
    ]
    assert [edit.new for edit in edits] == [edit.new for edit in edits_alone]
    result = rewrite(outer.encode(), edits)
    rest, end, expected = outer.encode(), 0, b""
    for edit, spelled in zip(edits, _list_spellings(inner, edits_alone), strict=True):
        expected += rest[end : edit.start] + spelled
        end = edit.end
    assert result == expected + rest[end:]


def _aim(located: Located, tag: str) -> list[Edit]:
    """Return the edits that give the images this tag and one digest, where they have any, in the order of the text."""
    edits = [
        edit
        for one in located.occurrences
        for edit in make_edits(one, tag=one.reference.tag and tag, digest=one.reference.digest and A)
    ]
    return sorted(edits, key=lambda edit: edit.start)


def _list_spellings(text: str, edits: list[Edit]) -> list[bytes]:
    """Return how each edit is written in the file alone, one at a time."""
    data = text.encode()
    return [
        result[edit.start : len(result) - (len(data) - edit.end)]
        for edit in edits
        for result in [rewrite(data, [edit])]
    ]
