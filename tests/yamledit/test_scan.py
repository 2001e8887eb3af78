import gc
import subprocess
import sys

import pytest

from imagebot.yamledit.scan import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_EVENTS,
    Alias,
    NotYaml,
    Role,
    Scalar,
    SequenceNode,
    Style,
    scan,
)


def _list_sources(text: str) -> list[tuple[str, str]]:
    """Return each scalar as it is written and as it is read."""
    data = text.encode()
    return [(data[scalar.start : scalar.end].decode(), scalar.value) for scalar in scan(data).scalars]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        pytest.param("k: nginx:1.2", "nginx:1.2", id="no line end at the end"),
        pytest.param("k: nginx:1.2  \t\n", "nginx:1.2", id="trailing blanks"),
        pytest.param("k: nginx:1.2 # c: 'd'\n", "nginx:1.2", id="a comment with an indicator and a quote"),
        pytest.param("k: a#b\n", "a#b", id="a hash without a blank is text"),
        pytest.param("a: b\r\nk: nginx:1.2\r\n", "nginx:1.2", id="CRLF"),
        pytest.param("a: b\rk: nginx:1.2\r", "nginx:1.2", id="lone CR"),
        pytest.param("a: b\r\n\nc: d\rk: nginx:1.2\n", "nginx:1.2", id="mixed line ends"),
        pytest.param("\ufeffk: nginx:1.2\n", "nginx:1.2", id="byte order mark"),
        pytest.param("\ufeffk: &a nginx:1.2\n", "nginx:1.2", id="byte order mark and anchor"),
        pytest.param("\ufeffü: {k: nginx:1.2}\n", "nginx:1.2", id="byte order mark and a wide character"),
        pytest.param("{🐳: 漢字, k: nginx:1.2}\n", "nginx:1.2", id="non-BMP characters before it on the line"),
        pytest.param("{k: nginx:1.2}", "nginx:1.2", id="flow mapping"),
        pytest.param("[x, nginx:1.2]", "nginx:1.2", id="flow sequence"),
        pytest.param("- x\n-   nginx:1.2\n", "nginx:1.2", id="odd indentation"),
        pytest.param("k:\tnginx:1.2\n", "nginx:1.2", id="a tab after the colon"),
        pytest.param("k:\n   nginx:1.2\n", "nginx:1.2", id="on a line of its own"),
        pytest.param("k: &a nginx:1.2\n", "nginx:1.2", id="anchor"),
        pytest.param("k: !!str nginx:1.2\n", "nginx:1.2", id="tag"),
        pytest.param("k: ! nginx:1.2\n", "nginx:1.2", id="the tag that only says string"),
        pytest.param("k: !x &a-1 nginx:1.2\n", "nginx:1.2", id="tag and anchor"),
        pytest.param("k: &a  !<tag:x,y> nginx:1.2\n", "nginx:1.2", id="anchor and verbatim tag with a comma"),
        pytest.param("k: &a # &b\n  !x\n  # c\n  nginx:1.2\n", "nginx:1.2", id="comments between anchor, tag and text"),
        pytest.param("k: 'nginx:1.2'\n", "'nginx:1.2'", id="single quotes belong to it"),
        pytest.param('k: &a "nginx:1.2" # "\n', '"nginx:1.2"', id="double quotes belong to it"),
        pytest.param("k: !!str\n", "", id="a tag and no text"),
        pytest.param("k: &a\nl:\n", "", id="an anchor and no text"),
    ],
)
def test_a_scalar_occupies_the_bytes_of_its_text(text, source):
    sources = _list_sources(text)

    assert source in [written for written, _ in sources]
    assert all(value == written.strip("'\"") for written, value in sources)


def test_an_anchor_that_libyaml_splits_is_not_taken_for_a_property():
    # YAML 1.2 reads the anchor `an:chor`, libyaml the anchor `an` and the text `:chor nginx`.
    sources = _list_sources("k: &an:chor nginx\n")

    assert sources[1] == ("&an:chor nginx", ":chor nginx")


def test_scalars_know_document_path_role_and_style():
    file = scan(b"a: {b c: ['x', \"y\"]}\n---\n- |\n  z\n--- >\n w\n")

    assert [
        (scalar.value, scalar.document, str(scalar.path), scalar.role, scalar.style) for scalar in file.scalars
    ] == [
        ("a", 0, "", Role.KEY, Style.PLAIN),
        ("b c", 0, "a", Role.KEY, Style.PLAIN),
        ("x", 0, 'a."b c"[0]', Role.ITEM, Style.SINGLE),
        ("y", 0, 'a."b c"[1]', Role.ITEM, Style.DOUBLE),
        ("z\n", 1, "[0]", Role.ITEM, Style.LITERAL),
        ("w\n", 2, "", Role.ROOT, Style.FOLDED),
    ]


def test_a_path_quotes_keys_that_hold_a_dot_or_a_quote():
    file = scan(b"metadata: {app.kubernetes.io/name: {'\"q\\': x}}\n")

    assert str(file.scalars[-1].path) == 'metadata."app.kubernetes.io/name"."\\"q\\\\"'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("? image\n: x\n", id="an explicit key"),
        pytest.param('"image": x\n', id="a quoted key"),
        pytest.param("image : x\n", id="a blank before the colon"),
        pytest.param("image:\tx\n", id="a tab after the colon"),
        pytest.param("{? image : x}\n", id="an explicit key in a flow mapping"),
        pytest.param("- &k image\n- *k : x\n", id="an alias as key"),
    ],
)
def test_a_key_is_known_however_it_is_written(text):
    (mapping,) = scan(text.encode()).mappings

    (value,) = mapping.values["image"]

    assert isinstance(value, Scalar)
    assert value.value == "x"
    assert str(value.path).endswith("image")


def test_a_key_written_twice_has_both_values():
    (mapping,) = scan(b"a: 1\nb: 2\na: 3\n").mappings

    assert [node.value for node in mapping.values["a"] if isinstance(node, Scalar)] == ["1", "3"]


def test_keys_that_are_no_strings_name_nothing():
    (inner, mapping) = scan(b"? {x: y}\n: 1\n!!int 2: 3\n").mappings

    assert list(inner.values) == ["x"]
    assert mapping.values == {}


@pytest.mark.parametrize("asks_first", ["scalars", "mappings"])
def test_a_node_is_the_same_whoever_asks_first(asks_first):
    file = scan(b"k: v\nl: [i, &a {m: w}]\nn: *a\n")

    getattr(file, asks_first)
    (inner, mapping) = file.mappings
    (sequence,) = mapping.values["l"]
    assert isinstance(sequence, SequenceNode)
    nodes = [*mapping.values["k"], sequence.items[0], *inner.values["m"]]

    assert [file.scalars.index(node) for node in nodes if isinstance(node, Scalar)] == [1, 3, 5]
    assert sequence.items[1] is inner
    assert mapping.values["n"] == file.aliases


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("a: 1\nb: {image: 2}\nimage: 3\nimage: [4]\n", 2, id="a key written twice"),
        pytest.param("a: &image b\n*image : image\n", 0, id="text elsewhere"),
        pytest.param("a: &x image\n*x : 1\n", 1, id="an alias as key"),
        pytest.param("!!str &x image: 1\n", 1, id="a key with a tag and an anchor"),
        pytest.param("!!int image: 1\n", 0, id="a key that is no string"),
        pytest.param("{? {x: image} : 1}\n", 0, id="a mapping as key"),
        pytest.param("{{ if x }}\nimage: {{ y }}\n{{ z }}: image\n", 1, id="a template"),
    ],
)
def test_a_key_is_found_before_and_after_the_nodes_are_made(text, count):
    mapping = scan(text.encode()).mappings[-1]

    before = mapping.find("image")
    values = mapping.values.get("image", ())

    assert len(before) == count
    assert before == values == mapping.find("image")


def test_a_file_that_nobody_needs_leaves_no_cycles_behind():
    def look() -> None:
        file = scan(b"a: &x {b: [c, {d: e}]}\nf: *x\ng: &y [*y]\nh: {<<: *x}\n")
        assert len(file.scalars) == 9
        assert all(mapping.values for mapping in file.mappings)

    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        look()
        gc.collect()
        # Threads of other tests may leave cycles as well, of other things.
        ours = [each for each in gc.garbage if type(each).__module__.startswith("imagebot.yamledit")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()

    assert not ours


@pytest.mark.parametrize(
    ("text", "target"),
    [
        pytest.param("- &a x\n- *a\n", "x", id="the anchor before it"),
        pytest.param("- &a x\n- &a y\n- *a\n- &a z\n", "y", id="the latest of that name"),
        pytest.param("- *a\n- &a x\n", None, id="not an anchor after it"),
        pytest.param("- &a x\n---\n- *a\n", None, id="not an anchor of another document"),
        pytest.param("&a [*a]\n", None, id="not the collection it stands in"),
    ],
)
def test_an_alias_stands_for(text, target):
    (alias,) = scan(text.encode()).aliases

    assert (alias.target.value if isinstance(alias.target, Scalar) else alias.target) == target


def test_an_alias_to_a_collection_is_not_expanded():
    file = scan(b"a: &m {k: v}\nb: *m\n")

    (alias,) = file.aliases

    assert alias.target is file.mappings[0]
    assert [scalar.value for scalar in file.scalars] == ["a", "k", "v", "b"]
    assert isinstance(file.mappings[-1].values["b"][0], Alias)


@pytest.mark.parametrize(
    ("text", "source", "value"),
    [
        pytest.param("k: {{ .x }}y\n", "{{ .x }}y", "{{ .x }}y", id="plain"),
        pytest.param('k: "{{ x "y" }}"\n', '"{{ x "y" }}"', '{{ x "y" }}', id="quotes within quotes"),
        pytest.param("ü: &a '{{ ü }}'\n{{ x y }}\n", "'{{ ü }}'", "{{ ü }}", id="wide characters"),
        pytest.param("k: |\n  {{ x }} y\n", "|\n  {{ x }} y\n", "xxxxxxx y\n", id="a block"),
    ],
)
def test_what_is_masked_is_not_literal(text, source, value):
    file = scan(f"{{{{ if a }}}}\n{text}k: literal\n".encode())

    (scalar,) = [scalar for scalar in file.scalars if not scalar.is_literal]
    assert (file.source_of(scalar), scalar.value) == (source, value)
    assert (file.scalars[-1].value, file.scalars[-1].is_literal) == ("literal", True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("{k: {{ .x }}}\n", "{{ .x }}", id="no blank before the brace"),
        pytest.param("k: !t &a {{ x | y }} # c\n", "{{ x | y }}", id="behind tag and anchor"),
        pytest.param("k: {{{ x }}}\n", "{{{ x }}}", id="three braces"),
    ],
)
def test_an_action_that_is_a_mapping_in_a_mapping_is_one_scalar_of_the_tree(text, value):
    file = scan(f"\ufeffü: {{}}\n---\n{text}".encode())

    (node,) = file.mappings[-1].values["k"]

    assert isinstance(node, Scalar)
    assert (file.source_of(node), node.value, node.is_literal) == (value, value, False)
    assert node not in file.scalars


def test_actions_that_stand_in_each_other_take_no_memory_each():
    text = "k: " + 98 * "{{" + "x" * 100_000 + 98 * "}}"

    (node,) = scan(text.encode()).mappings[-1].values["k"]

    assert isinstance(node, Scalar)
    assert len(node.value) == 1000


def test_a_mapping_in_a_mapping_stays_one():
    file = scan(b"k: {{a: b}: c}\n")

    assert not isinstance(file.mappings[-1].values["k"][0], Scalar)


@pytest.mark.parametrize(
    ("data", "line_and_column", "reason"),
    [
        pytest.param(b"a: b\nc: [\n", (3, 1), "did not find expected node content", id="syntax"),
        pytest.param("ü: x\r\nü: b: c\r\n".encode(), (2, 5), "mapping values are not allowed", id="syntax after ü"),
        pytest.param("\ufeffü: b: c\n".encode(), (1, 5), "mapping values are not allowed", id="syntax after a mark"),
        pytest.param(b"a:\n\tb: c\n", (2, 1), "cannot start any token", id="a tab as indentation"),
        pytest.param("\ufeffa: b\nü: \x07\n".encode(), (2, 4), "control characters", id="control character"),
        pytest.param("a: ü\nü: \xe4".encode() + b"\xff", (2, 5), "the byte 0xff is not UTF-8", id="not UTF-8"),
        pytest.param(b"a: \xed\xa0\x80", (1, 4), "the byte 0xed is not UTF-8", id="a surrogate is not UTF-8"),
        pytest.param("a: b".encode("utf-16"), (1, 1), "the file is UTF-16", id="UTF-16 with a mark"),
        pytest.param("a: b".encode("utf-16-be"), (1, 1), "NUL byte", id="UTF-16 without a mark"),
        pytest.param(b"a: b\nc: \0", (2, 4), "NUL byte", id="NUL"),
        pytest.param(b"%YAML 1.3\n---\na: b\n", (1, 1), "incompatible YAML document", id="a version to come"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_position(data, line_and_column, reason):
    with pytest.raises(NotYaml) as refused:
        scan(data)

    assert (refused.value.line, refused.value.column) == line_and_column
    assert reason in refused.value.reason
    assert str(refused.value).startswith("line ")


def test_directives_are_read():
    assert _list_sources("%YAML 1.1\n%TAG !e! tag:example.com,2000:\n---\nk: !e!x v\n") == [("k", "k"), ("v", "v")]


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_refused():
    largest = b"a: b #" + b"x" * (MAX_BYTES - 6)

    assert len(scan(largest).scalars) == 2
    with pytest.raises(NotYaml, match=f"{MAX_BYTES + 1} bytes, the most that imagebot reads is {MAX_BYTES}"):
        scan(largest + b"x")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param("[", "]", id="flow sequences"),
        pytest.param("{a: ", "}", id="flow mappings"),
        pytest.param("- ", "", id="block sequences on one line"),
        pytest.param("? ", "", id="explicit keys"),
    ],
)
def test_nesting_is_read_to_the_limit_and_then_refused(start, end):
    deepest = start * MAX_DEPTH + "x" + end * MAX_DEPTH

    assert scan(deepest.encode()).scalars
    with pytest.raises(NotYaml, match=f"nested more than {MAX_DEPTH} deep") as refused:
        scan((start * 20_000 + "x").encode())
    assert refused.value.line == 1
    assert refused.value.column == len(start) * MAX_DEPTH + 1


def test_aliases_of_aliases_are_not_multiplied():
    lines = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 40)]

    file = scan("\n".join(["a0: &a0 x", *lines]).encode())

    assert len(file.aliases) == 9 * 39


def test_a_file_of_too_many_nodes_is_refused():
    with pytest.raises(NotYaml, match=f"more than {MAX_EVENTS} nodes"):
        scan(b"[" + b"a," * MAX_EVENTS + b"]")


def test_pyyaml_without_libyaml_is_refused_at_import():
    program = "import sys; sys.modules['yaml._yaml'] = None; import imagebot.yamledit.scan"

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert run.returncode == 1
    assert "ImportError: imagebot needs PyYAML built with libyaml" in run.stderr
