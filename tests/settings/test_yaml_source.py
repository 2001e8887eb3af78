"""Reading one YAML document with positions: values by YAML 1.2, limits, and what is said of a file that is no YAML."""

import pytest

from imagebot.settings.fault import FaultyFile
from imagebot.settings.yaml_source import MAX_BYTES, MAX_VALUES, Mark, read_document


def read(text: str | bytes):
    return read_document(text if isinstance(text, bytes) else text.encode(), file="f.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("on", "on", id="no truth value since YAML 1.2"),
        pytest.param("no", "no", id="Norway"),
        pytest.param("y", "y", id="y"),
        pytest.param("1:30", "1:30", id="no sexagesimal number"),
        pytest.param("2024-01-01", "2024-01-01", id="no date"),
        pytest.param("1_000", "1_000", id="no underscores in numbers"),
        pytest.param("0b11", "0b11", id="no binary number"),
        pytest.param("=", "=", id="an equals sign"),
        pytest.param("1.2.3", "1.2.3", id="a version"),
        pytest.param("true", True, id="true"),
        pytest.param("FALSE", False, id="false in capitals"),
        pytest.param("tRUE", "tRUE", id="true in mixed case"),
        pytest.param("~", None, id="tilde"),
        pytest.param("Null", None, id="null"),
        pytest.param("", None, id="nothing"),
        pytest.param("-12", -12, id="integer"),
        pytest.param("012", 12, id="a leading zero is no octal number"),
        pytest.param("0o17", 15, id="octal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("1.10", 1.1, id="decimal"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("-.5", -0.5, id="no digit before the point"),
        pytest.param("-.inf", float("-inf"), id="infinity"),
        pytest.param("9" * 5000, float("inf"), id="an integer that Python would not convert"),
        pytest.param("'1'", "1", id="in quotes"),
        pytest.param("!!str 1", "1", id="tagged as a text"),
        pytest.param("! 1", "1", id="tagged as not plain"),
        pytest.param("|\n 1\n", "1\n", id="block"),
        pytest.param("[1, [a], {b: c}]", (1, ("a",), {"b": "c"}), id="collections"),
        pytest.param("{image: nginx:1.2}", {"image": "nginx:1.2"}, id="a colon in a flow mapping"),
        pytest.param("{1: a, true: b, ~: c}", {"1": "a", "true": "b", "~": "c"}, id="keys are texts"),
        pytest.param("[&a {b: 1}, *a]", ({"b": 1}, {"b": 1}), id="alias"),
        pytest.param("[&a 1, &a 2, *a]", (1, 2, 2), id="an anchor used again"),
    ],
)
def test_values_are_read_as_yaml_1_2_has_them(text, value):
    document = read(text)

    assert document.root.value == value
    assert type(document.root.value) is type(value)
    assert document.faults == ()


def test_not_a_number_is_read():
    value = read(".nan").root.value

    assert value != value  # noqa: PLR0124 - only not-a-number differs from itself


def test_a_scalar_is_kept_as_it_was_written():
    assert read("1.10").root.text == "1.10"


@pytest.mark.parametrize(
    "line_break", [pytest.param("\n", id="LF"), pytest.param("\r\n", id="CRLF"), pytest.param("\r", id="CR")]
)
@pytest.mark.parametrize("start", [pytest.param("", id="no BOM"), pytest.param("\ufeff", id="BOM")])
def test_every_key_and_value_has_its_position(line_break, start):
    text = f"{start}# ü 💡\nä: &x [b,\n  'c\u2028']\nd:\n  e: *x\n  f:\n".replace("\n", line_break)

    root = read(text).root

    sequence, mapping = root.children["ä"], root.children["d"]
    assert root.keys == {"ä": Mark(2, 1), "d": Mark(4, 1)}
    assert [sequence.mark, sequence.children[0].mark, sequence.children[1].mark] == [Mark(2, 4), Mark(2, 8), Mark(3, 3)]
    assert mapping.keys == {"e": Mark(5, 3), "f": Mark(6, 3)}
    assert [mapping.mark, mapping.children["e"].mark, mapping.children["f"].mark] == [
        Mark(5, 3),
        Mark(5, 6),
        Mark(6, 5),
    ]


@pytest.mark.parametrize("text", [pytest.param("", id="empty"), pytest.param("# nothing\n", id="only a comment")])
def test_a_file_without_a_document_holds_nothing(text):
    root = read(text).root

    assert (root.value, root.mark) == (None, Mark(1, 1))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "a: [1,\n",
            "f.yaml:2:1: found no YAML (did not find expected node content); accepted is one YAML 1.2 document",
            id="an open bracket",
        ),
        pytest.param(
            "a: b: c\n",
            "f.yaml:1:5: found no YAML (mapping values are not allowed in this context); accepted is"
            " one YAML 1.2 document",
            id="two colons",
        ),
        pytest.param(
            "a:\n\t- b\n",
            "f.yaml:2:1: found no YAML (found character that cannot start any token); accepted is"
            " one YAML 1.2 document",
            id="a tab",
        ),
        pytest.param(
            "ü: \x07\n", "f.yaml:1:4: found the character U+0007; accepted is one YAML 1.2 document", id="a control"
        ),
        pytest.param(
            b"a: 1\n\xc3\xbc: \xff\n",
            "f.yaml:2:4: found a byte that is not UTF-8; accepted is a text in UTF-8",
            id="not UTF-8",
        ),
        pytest.param(
            "a: 1\n---\nb: 2\n",
            "f.yaml:2:1: found a second document; accepted is one YAML 1.2 document",
            id="two documents",
        ),
        pytest.param(
            "a: {? [b] : c}",
            "f.yaml:1:7: a: found a key that is no scalar; accepted is a text as key",
            id="a list as key",
        ),
        pytest.param(
            "a: [*b]",
            "f.yaml:1:5: a[0]: found the alias '*b'; accepted is an alias of an anchor above it",
            id="an alias of nothing",
        ),
        pytest.param(
            "a: &b [*b]",
            "f.yaml:1:8: a[0]: found the alias '*b'; accepted is an alias of an anchor above it",
            id="an alias of what it is in",
        ),
        pytest.param(
            "[" * 200_000, "f.yaml:1:34: found deeper nesting; accepted is at most 32 levels", id="deep nesting"
        ),
        pytest.param(
            "[" + "1," * MAX_VALUES + "]",
            "f.yaml:1:100000: found more values; accepted is at most 50000 values, those of aliases included",
            id="many values",
        ),
        pytest.param(
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(f"{k}: &{k} [{','.join(10 * [f'*{chr(ord(k) - 1)}'])}]\n" for k in "bcdefgh"),
            "f.yaml:5:17: found more values; accepted is at most 50000 values, those of aliases included",
            id="aliases of aliases",
        ),
        pytest.param(
            b"#" * (MAX_BYTES + 1),
            "f.yaml:1:1: found 1000001 bytes; accepted is a file of at most 1000000 bytes",
            id="a large file",
        ),
    ],
)
def test_a_file_that_cannot_be_read_has_one_fault_with_its_position(text, fault):
    with pytest.raises(FaultyFile) as raised:
        read(text)

    assert str(raised.value) == fault


def test_a_key_that_stands_twice_is_a_fault_and_the_first_holds():
    document = read("a:\n  b: 1\n  c: 2\n  b: 3\n")

    assert [str(fault) for fault in document.faults] == [
        "f.yaml:4:3: a.b: found the key a second time, after line 2; accepted is each key once"
    ]
    assert document.root.value == {"a": {"b": 1, "c": 2}}


def test_a_tag_is_a_fault():
    document = read("a: !!int 1\nb: !vault\n  c: d\n")

    assert [str(fault) for fault in document.faults] == [
        "f.yaml:1:4: a: found the tag 'tag:yaml.org,2002:int'; accepted is a value without a tag",
        "f.yaml:2:4: b: found the tag '!vault'; accepted is a value without a tag",
    ]
