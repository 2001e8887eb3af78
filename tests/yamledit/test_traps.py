"""Every known trap of YAML and of its parsers, each with what imagebot does there.

Small on purpose: why it is so, and all around it, is in the tests of the modules.
"""

import time
from functools import cache

import pytest
import yaml
from ruamel.yaml import YAML

from imagebot.yamledit.captures import parse_file_pattern, parse_image_template
from imagebot.yamledit.edit import Edit, make_edits
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.occurrence import Located
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite
from imagebot.yamledit.scan import MAX_BYTES, NotYaml, scan
from imagebot.yamledit.sites import make_site
from imagebot.yamledit.yaml_path import parse_yaml_path

A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"

_SITE = make_site(
    [parse_file_pattern("tags/{app}")],
    parse_image_template("ghcr.io/acme/{app}"),
    {"tag": parse_yaml_path(".")},
    position=1,
)
_BINDINGS = Bindings(sites=(_SITE,), images={"any": None, "ns:p": None}, reads_flux=True)
_ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {source: {helm: "


def _locate(data: bytes, path: str = "") -> Located:
    return locate(data, path=path, bindings=_BINDINGS)


def _bump(text: str, path: str = "") -> str:
    """Return the text with every occurrence moved to the tag 2.0.0, and to the digest B where there is one."""
    data = text.encode()
    edits = [
        edit
        for one in _locate(data, path).occurrences
        for edit in make_edits(
            one, tag=None if one.reference.tag is None else "2.0.0", digest=B if one.has_digest else None
        )
    ]
    return rewrite(data, edits).decode()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param("{image: a:1}", "{image: a:2.0.0}", id="a colon in a flow mapping, too much for older libyaml"),
        pytest.param("[{image: a:1},image: b:1]", "[{image: a:2.0.0},image: b:2.0.0]", id="flow sequence"),
        pytest.param(
            "a: &x 1\nb: &x 2\nc: *x\nimage: a:1\n", "a: &x 1\nb: &x 2\nc: *x\nimage: a:2.0.0\n", id="re-used anchor"
        ),
        pytest.param("image: &a a:1\n", "image: &a a:2.0.0\n", id="a mark that begins at the anchor"),
        pytest.param("image: !!str a:1\n", "image: !!str a:2.0.0\n", id="a mark that begins at the tag"),
        pytest.param("image: !<tag:yaml.org,2002:str> a:1\n", "image: !<tag:yaml.org,2002:str> a:2.0.0\n", id="<tag>"),
        pytest.param("\ufeffimage: a:1\n", "\ufeffimage: a:2.0.0\n", id="byte order mark"),
        pytest.param("--- \n\ufeffimage: a:1\n", "--- \n\ufeffimage: a:2.0.0\n", id="byte order mark behind ---"),
        pytest.param("x: >\n  a\n   b\n\n  c\nimage: a:1\n", "x: >\n  a\n   b\n\n  c\nimage: a:2.0.0\n", id="folded"),
        pytest.param("image:\ta:1\n", "image:\ta:2.0.0\n", id="a tab behind the colon"),
        pytest.param("x: |\n  y\n\n\nimage: a:1\n", "x: |\n  y\n\n\nimage: a:2.0.0\n", id="blank lines end a block"),
        pytest.param("x:\ny: ''\nimage: a:1\n", "x:\ny: ''\nimage: a:2.0.0\n", id="empty scalars"),
        pytest.param("x: 'y\u0085z'\nimage: a:1\n", "x: 'y\u0085z'\nimage: a:2.0.0\n", id="NEL before it"),
        pytest.param("image: a:1\nimage: b:1\n", "image: a:2.0.0\nimage: b:2.0.0\n", id="one path twice: a key"),
        pytest.param(
            "{{ if .a }}\nimage: a:1\n{{ else }}\nimage: b:1\n{{ end }}\n",
            "{{ if .a }}\nimage: a:2.0.0\n{{ else }}\nimage: b:2.0.0\n{{ end }}\n",
            id="one path twice: branches of a template",
        ),
        pytest.param(
            "{{- range .x }}\na: {{ .y }}\nimage: a:1\n{{- end }}\n",
            "{{- range .x }}\na: {{ .y }}\nimage: a:2.0.0\n{{- end }}\n",
            id="a template that recovery from errors would swallow",
        ),
        pytest.param(
            'a: {{ "{{" }}\n{{ if b }}\nimage: a:1\n{{ end }}\n',
            'a: {{ "{{" }}\n{{ if b }}\nimage: a:2.0.0\n{{ end }}\n',
            id="an opening in a string of an action",
        ),
        pytest.param(
            "a: |\n  {{ x }}\n  # {{ y }}\n{{ if b }}\nimage: a:1\n{{ end }}\n",
            "a: |\n  {{ x }}\n  # {{ y }}\n{{ if b }}\nimage: a:2.0.0\n{{ end }}\n",
            id="actions in a block scalar",
        ),
        pytest.param("x: {{ .y }}\nimage: a:1\n", "x: {{ .y }}\nimage: a:2.0.0\n", id="an action that is a mapping"),
        pytest.param(
            'x: a:1 #{"$imagepolicy": "ns:p"}\n', 'x: a:2.0.0 #{"$imagepolicy": "ns:p"}\n', id="a marker without a gap"
        ),
        pytest.param("image: a:1  \t \n", "image: a:2.0.0  \t \n", id="trailing blanks"),
        pytest.param("image: a:1", "image: a:2.0.0", id="no line end at the end of the file"),
        pytest.param(
            "image: &i a:1\nb: {image: *i}\n", "image: &i a:2.0.0\nb: {image: *i}\n", id="an alias of the same image"
        ),
        pytest.param("# image: a:1\nimage: a:1\n", "# image: a:1\nimage: a:2.0.0\n", id="commented-out image"),
        pytest.param(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n source:\n  helm:\n   values: |\n"
            "     image: a:1 # x\n\n   b: c\n",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n source:\n  helm:\n   values: |\n"
            "     image: a:2.0.0 # x\n\n   b: c\n",
            id="an image in a literal block that is YAML",
        ),
        pytest.param(
            f"images:\n- name: a\n  newTag: v1\n  digest: {A}\n",
            f"images:\n- name: a\n  newTag: 2.0.0\n  digest: {B}\n",
            id="tag and digest beside each other",
        ),
        pytest.param(f"{{repository: a, tag: v1@{A}}}", f"{{repository: a, tag: 2.0.0@{B}}}", id="a digest in the tag"),
        pytest.param(f"image: a@{A} # v1\n", f"image: a@{B} # v1\n", id="a version in the comment behind a digest"),
        pytest.param("a: 1\r\nimage: a:1\r\n", "a: 1\r\nimage: a:2.0.0\r\n", id="CRLF"),
        pytest.param("a: 1\rimage: a:1\r", "a: 1\rimage: a:2.0.0\r", id="lone CR"),
        pytest.param("a: 1\r\n\rb: 2\nimage: a:1", "a: 1\r\n\rb: 2\nimage: a:2.0.0", id="mixed line ends"),
        pytest.param("{🐳😀: 漢, image: a:1}", "{🐳😀: 漢, image: a:2.0.0}", id="characters beyond the BMP before it"),
        pytest.param("image: a:1\n---\nimage: a:1\n", "image: a:2.0.0\n---\nimage: a:2.0.0\n", id="several documents"),
        pytest.param("\"image\": a:1\n'b': 1\n", "\"image\": a:2.0.0\n'b': 1\n", id="quoted keys"),
        pytest.param('https://x y: "1"\nimage: a:1\n', 'https://x y: "1"\nimage: a:2.0.0\n', id="a key with a colon"),
        pytest.param("? image\n: a:1\n? [b]\n: c\n", "? image\n: a:2.0.0\n? [b]\n: c\n", id="explicit keys"),
        pytest.param(
            "x: &b {image: a:1}\ny: {<<: *b, c: d}\n", "x: &b {image: a:2.0.0}\ny: {<<: *b, c: d}\n", id="merge key"
        ),
        pytest.param(
            "x: &b {c: 1}\ny:\n  <<: *b\n  <<: *b\n  image: a:1\n",
            "x: &b {c: 1}\ny:\n  <<: *b\n  <<: *b\n  image: a:2.0.0\n",
            id="merge key twice",
        ),
        pytest.param("!!map {image: a:1}\n", "!!map {image: a:2.0.0}\n", id="a tag of a mapping"),
        pytest.param("a: !vault |\n  x\nimage: a:1\n", "a: !vault |\n  x\nimage: a:2.0.0\n", id="a tag of a block"),
        pytest.param("=: 1\nimage: a:1\n", "=: 1\nimage: a:2.0.0\n", id="a key that loaders cannot construct"),
        pytest.param("%YAML 1.2\n---\nimage: a:1\n", "%YAML 1.2\n---\nimage: a:2.0.0\n", id="directive"),
        pytest.param('{"image":"a:1","b":[]}', '{"image":"a:2.0.0","b":[]}', id="JSON"),
    ],
)
def test_the_image_is_changed_and_no_other_byte(text, result):
    assert _bump(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param("1.2.3\n", "2.0.0\n", id="a file that is a bare scalar, without an extension"),
        pytest.param("# release\n1.2.3", "# release\n2.0.0", id="no line end, a comment above"),
        pytest.param("null\n", "2.0.0\n", id="a text that would be null elsewhere"),
    ],
)
def test_a_file_that_is_nothing_but_a_tag_is_changed_at_a_site(text, result):
    assert _bump(text, "tags/web") == result


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("x: &i a:1\nimage: *i\n", "is shared as &i with line 1", id="an alias of what is no image"),
        pytest.param("image: |\n  a:1\n", "is a block", id="block scalar"),
        pytest.param("image: >-\n  a:1\n", "is a block", id="folded block scalar"),
        pytest.param('image: "a:\\\n  1"\n', "spans several lines", id="a quoted text over two lines"),
        pytest.param("image: !x a:1\n", "the tag !x may make something else", id="a tag that may mean anything"),
        pytest.param("image: {{ .Values.image }}\n", "holds the variable {{ .Values.image }}", id="action"),
        pytest.param("image: ${IMAGE:-a:1}\n", "holds the variable ${IMAGE:-a:1}", id="variable with a default"),
        pytest.param("repository: a\ntag: v1\ntag: v2\n", "has the key tag 2 times", id="duplicate key of a part"),
        pytest.param("image: *i\n", "the alias *i has no anchor before it", id="an alias of nothing"),
        pytest.param("image: a\n", "no tag is written", id="no tag"),
        pytest.param("#image: a:1\nimage: a:1 # imagebot: anny\n", "anny names no entry", id="a marker that is wrong"),
        pytest.param('x: a:1 # {"$imagepolicy": "ns:p"} x\n', "it is no marker", id="text behind the marker's JSON"),
        pytest.param(
            f"{_ARGO}{{values: 'image: a:1'}}}}}}\n", "no literal block", id="nested YAML that is no literal block"
        ),
    ],
)
def test_what_could_only_be_guessed_is_left_alone_with_a_reason(text, reason):
    located = _locate(text.encode())

    (left,) = located.left_alone
    assert reason in left.reason
    assert located.occurrences == ()


def test_an_alias_of_another_image_is_left_alone_at_both():
    located = _locate(b"a: {repository: a, tag: &t v1}\nb: {repository: b, tag: *t}\n")

    assert [left.text for left in located.left_alone] == ["a:v1", "b:v1"]
    assert located.occurrences == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("repository: a\ntag: ''\n", id="an empty tag, which means the chart's version"),
        pytest.param("repository: a\ntag:\nb: c\n", id="nothing where a tag would be"),
        pytest.param("image:\n", id="nothing where an image would be"),
        pytest.param("image: ''\n", id="an empty image"),
        pytest.param("image: ~\n", id="null"),
        pytest.param("# image: a:1\n# tag: v1\n", id="commented-out images"),
        pytest.param('#x: a:1 # {"$imagepolicy": "ns:p"}\n', id="a marker in a line that is commented out"),
        pytest.param("x: |\n  image: a:1\n", id="an image in a literal block that need not be YAML"),
    ],
)
def test_what_names_no_image_is_passed_over(text):
    assert _locate(text.encode()) == Located((), ())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param("image: a:1 # x\u2028y\n".encode(), "could not find expected ':'", id="LS in a comment"),
        pytest.param("a: x\u2028y: z:\n- b".encode(), "mapping values are not", id="LS in a plain scalar"),
        pytest.param(b"a:\n\tb: c\n", "cannot start any token", id="a tab for indentation"),
        pytest.param(b"-\t-\tx\n", "cannot start any token", id="a tab behind a dash"),
        pytest.param(b"a: \x07\n", "control characters", id="control character"),
        pytest.param(b"a: \xed\xa0\x80\n", "is not UTF-8", id="half of a surrogate pair"),
        pytest.param(b"a: \xff\n", "is not UTF-8", id="not UTF-8"),
        pytest.param("image: a:1\n".encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param("image: a:1\n".encode("utf-16-le"), "NUL", id="UTF-16 without a mark"),
        pytest.param(b"%YAML 1.3\n---\nimage: a:1\n", "incompatible", id="YAML 1.3"),
        pytest.param(b"x" * 1025 + b": y\nimage: a:1\n", "mapping values are not allowed", id="a key too long"),
        pytest.param(b"[" * 201, "nested more than 200 deep", id="deeper than 200"),
        pytest.param(b"x" * (MAX_BYTES + 1), "the most that imagebot reads is 5000000", id="larger than 5 MB"),
    ],
)
def test_what_parsers_cannot_agree_on_is_not_read(data, reason):
    with pytest.raises(NotYaml) as refused:
        locate(data)

    assert reason in refused.value.reason


def test_a_file_of_5_mb_is_read():
    data = b"image: a:1\n" + b"#" * (MAX_BYTES - 11)

    assert [str(one.reference) for one in locate(data).occurrences] == ["a:1"]


def test_200_collections_in_each_other_are_read():
    data = b"[" * 199 + b"{image: a:1}" + b"]" * 199

    assert [str(one.reference) for one in locate(data).occurrences] == ["a:1"]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        pytest.param("漢: 🐳\nk: v", "v", id="marks count characters, not bytes"),
        pytest.param("\ufeffk: v", "v", id="a leading byte order mark is not counted"),
        pytest.param("---\n\ufeffk: v", "v", id="another byte order mark is counted"),
        pytest.param("a: b\r\n\r\nk: v\r\n", "v", id="CRLF counts two"),
        pytest.param("a: b\r\rk: v\r", "v", id="lone CR counts one"),
        pytest.param("a: '😀🐳'\nk: v", "v", id="beyond the BMP counts one"),
        pytest.param("a: '\u0085\u2028\u2029'\nk: v", "v", id="NEL, LS and PS are characters"),
        pytest.param("k:\tv", "v", id="a tab behind the colon"),
        pytest.param("k: &a v", "v", id="an anchor is no text"),
        pytest.param("k: !!str v", "v", id="a tag is no text"),
        pytest.param("k: !vault |\n  v\n", "|\n  v\n", id="a tag before a block is no text"),
        pytest.param("k: v  # c", "v", id="trailing blanks and comments are no text"),
        pytest.param("k: v\n  w \n\nl: m", "v\n  w", id="a plain text over lines ends with its last character"),
        pytest.param("k: |\n  v\n\n\nl: m", "|\n  v\n\n\n", id="a block ends behind its blank lines"),
        pytest.param("{a: {{ .x }}, k: v}", "v", id="an action that is a mapping moves nothing"),
    ],
)
def test_where_a_text_begins_and_ends(text, source):
    data = text.encode()

    assert source in [data[scalar.start : scalar.end].decode() for scalar in scan(data).scalars]


@pytest.mark.parametrize("text", ["k:\nl: v\n", "k: &a\nl: v\n", "k: !!str\nl: v\n", "- \n- v\n", "{k, l: v}"])
def test_an_empty_scalar_has_no_bytes(text):
    empty = [scalar for scalar in scan(text.encode()).scalars if not scalar.value]

    assert [scalar.end - scalar.start for scalar in empty] == [0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("x: 'a\u0085b'\nimage: a:1\n", 2, id="NEL"),
        pytest.param("x: 'a\u2028b\u2029c'\nimage: a:1\n", 2, id="LS and PS"),
        pytest.param("\ufeff\r\n\rimage: a:1\n", 3, id="byte order mark, CRLF and lone CR"),
    ],
)
def test_lines_are_those_of_editors(text, line):
    assert [one.line for one in locate(text.encode()).occurrences] == [line]


@pytest.mark.parametrize(
    ("text", "old"),
    [
        pytest.param("x: &an:chor a\n", ":chor a", id="an anchor with a colon"),
        pytest.param("--- \n\ufeffa\n", "a", id="byte order mark before a text"),
        pytest.param("x: |\n  a\n\n\ny: z\n", "a\n", id="block scalar"),
        pytest.param("x:\ny: z\n", "", id="empty scalar"),
    ],
)
def test_an_edit_that_parsers_may_see_otherwise_is_refused(text, old):
    data = text.encode()
    scalar = next(scalar for scalar in scan(data).scalars if scalar.value == old)

    with pytest.raises(UnsafeRewrite):
        rewrite(data, [Edit(scalar.start, scalar.end, old, "b")])


# What readers take each text for, plain, if not for itself: no two agree, and one is enough.
_AMBIGUOUS = {
    "1.10": "a number with another text to all",
    "012": "octal to 1.1 and Go",
    "08": "decimal to 1.2, a float to Go",
    "0x1f": "hexadecimal",
    "0b11": "binary",
    "0o14": "octal to 1.2 and Go",
    "1e3": "a float to 1.2 and Go",
    "12e03": "a float to 1.2 and Go",
    "5e12345": "infinite to 1.2",
    "1_000": "an integer to 1.1 and Go",
    "2024-01-01": "a date to 1.1 and Go",
    "on": "true to 1.1",
    "off": "false to 1.1",
    "yes": "true to 1.1",
    "no": "false to 1.1",
    "y": "true to Go",
    "n": "false to Go",
    "null": "null",
    "true": "true",
    "1:30": "base 60 to 1.1",
    "190:20:30": "base 60 to 1.1",
    ".5": "a float",
    "5.": "a float",
    ".inf": "a float",
}
_INTEGERS = {"1234567": "an integer to all, a float in Helm's values", "20240101": "an integer to all"}
_TEXTS = {"v1.10": "a string to all", "1.2.3": "a string to all", "abc1234": "a string to all"}


def _write(text: str, place: str) -> str:
    """Return the place with the text instead of the scalar that stands last in it."""
    data = place.encode()
    old = scan(data).scalars[-1]
    return rewrite(data, [Edit(old.start, old.end, old.value, text)]).decode()


@pytest.mark.parametrize("text", [pytest.param(text, id=f"{text}, {why}") for text, why in _AMBIGUOUS.items()])
@pytest.mark.parametrize(
    ("place", "written"),
    [
        pytest.param("t: v1", 't: "{}"', id="plain"),
        pytest.param("a: 'b'\nt: v1", "a: 'b'\nt: '{}'", id="plain, in a file that uses single quotes"),
        pytest.param("a: \"b\"\nc: 'd'\nt: v1", 'a: "b"\nc: \'d\'\nt: "{}"', id="plain, in a file that uses both"),
        pytest.param("[v1]", '["{}"]', id="plain in a flow sequence"),
        pytest.param("t: 12.1", 't: "{}"', id="plain, and ambiguous before"),
        pytest.param("t: 31", 't: "{}"', id="an integer before"),
        pytest.param("t: 'v1'", "t: '{}'", id="single quotes"),
        pytest.param('t: "v1"', 't: "{}"', id="double quotes"),
    ],
)
def test_a_text_that_some_reader_takes_for_no_string_gets_quotes(text, place, written):
    result = _write(text, place)

    assert result == written.format(text)
    assert text in str(yaml.safe_load(result))
    assert text in str(YAML(typ="safe", pure=True).load(result))


@pytest.mark.parametrize("text", [pytest.param(text, id=f"{text}, {why}") for text, why in _INTEGERS.items()])
@pytest.mark.parametrize(
    ("place", "written"),
    [
        pytest.param("t: v1", 't: "{}"', id="a string before"),
        pytest.param("t: 12.1", 't: "{}"', id="another number before"),
        pytest.param("t: 31", "t: {}", id="an integer before"),
        pytest.param("t: '31'", "t: '{}'", id="single quotes"),
    ],
)
def test_an_integer_stays_plain_where_one_was(text, place, written):
    assert _write(text, place) == written.format(text)


@pytest.mark.parametrize("text", [pytest.param(text, id=f"{text}, {why}") for text, why in _TEXTS.items()])
@pytest.mark.parametrize("place", ["t: {}", "t: '{}'", 't: "{}"', "[{}]"])
def test_a_text_that_is_a_string_to_all_is_written_as_the_old_one(text, place):
    assert _write(text, place.format("v1")) == place.format(text)


@pytest.mark.parametrize("text", ["1.10", "5e12345", "on", "2024-01-01", "null", "1234567"])
def test_behind_a_name_no_text_needs_quotes(text):
    assert _write(text=f"a:{text}", place="image: a:v1") == f"image: a:{text}"


def test_a_tilde_which_no_tag_has_is_not_written():
    with pytest.raises(UnsafeRewrite):
        _write("~", "t: v1")


_HARMLESS = b"".join(b"key-%d: {a: b, c: [d, e]}  # as people write\n" % number for number in range(1_000))


def _measure(data: bytes) -> float:
    """Return the processor seconds of one call."""
    start = time.process_time()
    _try_to_locate(data)
    return time.process_time() - start


@cache
def _measure_a_harmless_byte() -> float:
    return min(_measure(_HARMLESS) for _ in range(3)) / len(_HARMLESS)


def _try_to_locate(data: bytes) -> None:
    try:
        _locate(data, "tags/web")
    except NotYaml:
        return


_LAUGHS = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"[" * 5_000, id="5,000 brackets"),
        pytest.param(b"[" * 20_000, id="20,000 brackets"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 brackets that are closed"),
        pytest.param(b"{a: " * 50_000, id="braces"),
        pytest.param(b"- " * 5_000, id="5,000 dashes"),
        pytest.param(b"- " * 50_000, id="50,000 dashes"),
        pytest.param(b"? " * 50_000, id="question marks"),
        pytest.param("\n".join(f"{' ' * n}a:" for n in range(600)).encode(), id="600 mappings in each other"),
        pytest.param("\n".join(f"{' ' * n}a:" for n in range(2000)).encode(), id="2,000 mappings in each other"),
        pytest.param(f"a0: &a0 lol\n{_LAUGHS}".encode() * 20, id="a billion laughs"),
        pytest.param(f"a0: &a0 {{image: a:1}}\n{_LAUGHS}".encode() * 20, id="a billion images of one"),
        pytest.param(b"x: &a {image: a:1}\n" + b"? *a\n" * 10_000, id="aliases of an image as keys"),
        pytest.param(b"{{" * 50_000, id="actions that do not end"),
        pytest.param(b"{{x}}" * 20_000, id="actions"),
        pytest.param(b"{% raw %}" * 10_000, id="raw that does not end"),
        pytest.param(b"a: '" + b"'" * 100_000, id="single quotes"),
        pytest.param(b'a: "' + b"\\" * 100_000 + b'"', id="backslashes"),
        pytest.param(b"image: a:1 " + b"# imagebot: any " * 6_000, id="markers in one comment"),
        pytest.param(b"# imagebot: any\n" * 6_000 + b"image: a:1\n", id="markers above one image"),
        pytest.param(b"&a " * 50_000, id="anchors"),
        pytest.param(b"!" * 100_000, id="tags"),
        pytest.param(b"x: &a {b: c}\ny:\n" + b"  <<: *a\n" * 10_000 + b"  image: a:1\n", id="merge keys"),
        pytest.param(b"image: " + b"a/" * 50_000 + b"a:1", id="a name of many parts"),
        pytest.param(b"image: $" + b"{" * 100_000, id="variables in each other"),
        pytest.param("\u2028".encode() * 30_000 + b"image: a:1", id="line ends of YAML 1.1"),
    ],
)
def test_hostile_input_costs_no_more_than_harmless_of_the_same_size(data):
    # A bound of 8 leaves room for a loaded machine, and is far below what quadratic time would take.
    bound = 8 * _measure_a_harmless_byte() * max(len(data), 20_000)

    assert any(_measure(data) < bound for _ in range(3))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"image: &a a:1\n" + b"image: *a\n" * 2_000, id="aliases under one key"),
        pytest.param(b"- &a a:1\n" + b"- {image: *a}\n" * 2_000, id="aliases of what is no image"),
        pytest.param(b"".join(b"- {image: &a a:1, b: {image: *a}}\n" for _ in range(1_000)), id="one anchor again"),
        pytest.param(b"- {image: a:1} # imagebot: any\n" * 2_000, id="markers"),
        pytest.param(b"[" + b"{image: a:1}," * 2_000 + b"]", id="all on one line"),
        pytest.param(b"- {repository: a, repository: b, tag: v1, tag: v2}\n" * 2_000, id="keys written twice"),
    ],
)
def test_images_in_hostile_company_cost_no_more_than_as_many_others(data):
    bound = 4 * _measure(b"- {image: a:1, b: [c, d]} # e\n" * 2_000)

    assert any(_measure(data) < bound for _ in range(3))
