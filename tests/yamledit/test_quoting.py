import pytest
import yaml
from hypothesis import example, given, settings
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode

from imagebot.yamledit.quoting import is_plain_integer, needs_quotes
from tests.yamledit.documents import tags

_STRING = "tag:yaml.org,2002:str"
_yaml_1_1 = yaml.resolver.Resolver()
_yaml_1_2 = YAML(typ="safe", pure=True).resolver


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1.10", id="decimal"),
        pytest.param("12", id="integer"),
        pytest.param("1234567", id="a commit of digits"),
        pytest.param("012", id="octal to some"),
        pytest.param("08", id="no octal"),
        pytest.param("0x1f", id="hexadecimal"),
        pytest.param("0X1F", id="hexadecimal to Go"),
        pytest.param("0o14", id="octal of YAML 1.2"),
        pytest.param("0b11", id="binary"),
        pytest.param("0b-1", id="binary to Go, sign inside"),
        pytest.param("1_000", id="underscores"),
        pytest.param("1_000.5_0", id="underscores in a decimal"),
        pytest.param("1e3", id="exponent"),
        pytest.param("5e12345", id="a commit that is infinite"),
        pytest.param("12E03", id="a commit in upper case"),
        pytest.param("5.", id="nothing behind the point"),
        pytest.param(".5", id="nothing before the point"),
        pytest.param("+1", id="plus"),
        pytest.param("-1", id="minus"),
        pytest.param(".inf", id="infinity"),
        pytest.param("-.Inf", id="negative infinity"),
        pytest.param(".NaN", id="not a number"),
        pytest.param("1:30", id="base 60"),
        pytest.param("190:20:30.15", id="base 60 with a fraction"),
        pytest.param("2024-01-01", id="date"),
        pytest.param("2024-1-2", id="date to Go"),
        pytest.param("2024-01-01t10", id="the beginning of a time"),
        pytest.param("null", id="null"),
        pytest.param("Null", id="Null"),
        pytest.param("~", id="tilde"),
        pytest.param("", id="nothing"),
        pytest.param("true", id="true"),
        pytest.param("False", id="False"),
        pytest.param("yes", id="yes"),
        pytest.param("NO", id="NO"),
        pytest.param("on", id="on"),
        pytest.param("Off", id="Off"),
        pytest.param("y", id="y"),
        pytest.param("N", id="N"),
        pytest.param("=", id="value key"),
        pytest.param("<<", id="merge key"),
        pytest.param("a: b", id="would be a mapping"),
        pytest.param("a #b", id="would be a comment"),
        pytest.param("a,b", id="would be two items in a flow sequence"),
        pytest.param("[::1]/a:1", id="would be a flow sequence"),
        pytest.param("a:", id="would be a key"),
        pytest.param("@a", id="a reserved indicator"),
        pytest.param("-a", id="begins like an item"),
        pytest.param("&a", id="an anchor"),
        pytest.param("*a", id="an alias"),
        pytest.param("!a", id="a tag"),
    ],
)
def test_texts_that_need_quotes(text):
    assert needs_quotes(text)


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3", "v1", "v1.10", "1.25-alpine", "2024.01.01", "20240101-1", "2024-01", "abc1234", "e123456", "1e3f567",
        "5e12345a", "latest", "nil", "none", "T", "f", "ye", "_1", "_", "1.2_3-x", "0x1g", "0b12", "inf", "nan",
        "nginx:1.10", "localhost:5000/nginx:1", "1.2:1", "1:99x", f"1.10@sha256:{64 * '1'}", f"sha256:{64 * '1'}",
    ],
)  # fmt: skip
def test_texts_that_are_strings_to_all(text):
    assert not needs_quotes(text)


# What gopkg.in/yaml.v2, gopkg.in/yaml.v3 and sigs.k8s.io/yaml make of a plain text that is no string to one of them.
@pytest.mark.parametrize(
    "text",
    [
        "1.10", "012", "08", "0x1f", "0X1F", "0b11", "0B11", "0b-0", "0o14", "0O14", "0o-7", "1e3", "12e03", "1234567",
        "20240101", "1_000", "1__0", "1_0.5", "1_e3", "2024-01-01", "2024-1-1", "on", "off", "yes", "no", "On", "y",
        "Y", "n", "N", "null", "Null", "NULL", "~", "true", "True", "TRUE", ".5", "5.", ".inf", ".Inf", "+.INF", ".nan",
    ],
)  # fmt: skip
def test_texts_that_are_no_strings_to_go(text):
    assert needs_quotes(text)


@settings(max_examples=200, deadline=None)
@given(tags)
@example("0_")
@example("0b_")
def test_a_plain_tag_without_quotes_is_a_string_to_both_resolvers(tag):
    of_1_1 = _yaml_1_1.resolve(yaml.ScalarNode, tag, (True, False))  # type: ignore[no-untyped-call]
    of_1_2 = str(_yaml_1_2.resolve(ScalarNode, tag, (True, False)))

    assert needs_quotes(tag) or (of_1_1, of_1_2) == (_STRING, _STRING)


@settings(max_examples=100, deadline=None)
@given(tags)
def test_a_plain_tag_without_quotes_is_read_as_it_is_in_flow_and_block(tag):
    text = "x" if needs_quotes(tag) else tag

    assert yaml.safe_load(f"{{a: {text}, b: [{text}, {text}]}}") == {"a": text, "b": [text, text]}
    assert YAML(typ="safe", pure=True).load(f"a: {text} # c") == {"a": text}


@pytest.mark.parametrize(
    ("text", "is_integer"),
    [
        pytest.param("0", True, id="zero"),
        pytest.param("31", True, id="31"),
        pytest.param("031", False, id="octal to some"),
        pytest.param("1_0", False, id="underscore"),
        pytest.param("1.0", False, id="decimal"),
        pytest.param("999999999999999", True, id="15 digits"),
        pytest.param("1000000000000000", False, id="more than a float64 surely holds"),
    ],
)
def test_integers_that_all_read_and_write_alike(text, is_integer):
    assert is_plain_integer(text) is is_integer
