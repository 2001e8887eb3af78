import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imagebot.yamledit.scan import Style
from imagebot.yamledit.spelling import find_spelling, find_value


@pytest.mark.parametrize(
    ("source", "style", "value"),
    [
        pytest.param("nginx:1.2", Style.PLAIN, "nginx:1.2", id="plain"),
        pytest.param("'a'", Style.SINGLE, "a", id="single"),
        pytest.param("'it''s'", Style.SINGLE, "it's", id="a quote doubled"),
        pytest.param("''''", Style.SINGLE, "'", id="nothing but a quote"),
        pytest.param("'a\\n'", Style.SINGLE, "a\\n", id="a backslash is text in single quotes"),
        pytest.param('"a\'b"', Style.DOUBLE, "a'b", id="a single quote in double ones"),
        pytest.param('"nginx:\\x31.2"', Style.DOUBLE, "nginx:1.2", id="two digits"),
        pytest.param('"\\u00fc\\U0001F433"', Style.DOUBLE, "ü🐳", id="four and eight digits"),
        pytest.param(
            r'"\0\a\b\t\n\v\f\r\e\ \"\/\\\N\_\L\P"',
            Style.DOUBLE,
            '\0\a\b\t\n\v\f\r\x1b "/\\\x85\xa0\u2028\u2029',
            id="all escapes of one character",
        ),
        pytest.param('"\\\\x31"', Style.DOUBLE, "\\x31", id="an escaped backslash escapes nothing"),
        pytest.param('"\\q"', Style.DOUBLE, None, id="no escape"),
        pytest.param('"\\x3"', Style.DOUBLE, None, id="too few digits"),
        pytest.param('"\\U00110000"', Style.DOUBLE, None, id="beyond Unicode"),
        pytest.param('"\\UFFFFFFFF"', Style.DOUBLE, None, id="far beyond Unicode"),
        pytest.param('"a\\"', Style.DOUBLE, None, id="the closing quote is escaped"),
        pytest.param('"a"b"', Style.DOUBLE, None, id="ends before its end"),
        pytest.param("'a'b'", Style.SINGLE, None, id="ends before its end, single"),
        pytest.param("'a\"", Style.SINGLE, None, id="another quote at the end"),
        pytest.param("'", Style.SINGLE, None, id="one quote"),
        pytest.param("&a 'x'", Style.SINGLE, None, id="an anchor before it"),
        pytest.param("|\n a\n", Style.LITERAL, None, id="a block"),
    ],
)
def test_value_of_a_source(source, style, value):
    assert find_value(source, style) == value


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20))
def test_what_a_dumper_quotes_is_read_back(text):
    for style in (Style.SINGLE, Style.DOUBLE):
        event = yaml.ScalarEvent(None, None, (False, True), text, style=style.value)
        source = yaml.dump(text, default_style=style.value, width=10_000, allow_unicode=False).rstrip("\n")

        assert find_value(source, style if source[0] == style.value else Style.DOUBLE) == event.value


@pytest.mark.parametrize(
    ("text", "old", "style", "spelling"),
    [
        pytest.param("1.3.0", "1.2.0", Style.PLAIN, "1.3.0", id="plain stays plain"),
        pytest.param("1.10", "1.9.1", Style.PLAIN, '"1.10"', id="an ambiguous text gets quotes"),
        pytest.param("12.2", "12.1", Style.PLAIN, '"12.2"', id="also in place of an ambiguous one"),
        pytest.param("32", "31", Style.PLAIN, "32", id="an integer stays one"),
        pytest.param("1234567", "abcdef0", Style.PLAIN, '"1234567"', id="an integer in place of a text gets quotes"),
        pytest.param("012", "11", Style.PLAIN, '"012"', id="no integer to all"),
        pytest.param("1.3.0", "1.2", Style.DOUBLE, '"1.3.0"', id="double quotes stay"),
        pytest.param("1.3.0", "1.2", Style.SINGLE, "'1.3.0'", id="single quotes stay"),
        pytest.param("[::1]:5000/a:2", "[::1]:5000/a:1", Style.SINGLE, "'[::1]:5000/a:2'", id="an IPv6 address"),
        pytest.param("it's", "1", Style.SINGLE, None, id="what would need an escape"),
        pytest.param("a\nb", "1", Style.DOUBLE, None, id="a line end"),
        pytest.param("ü", "1", Style.PLAIN, None, id="what no reference holds"),
        pytest.param("", "1", Style.DOUBLE, None, id="nothing"),
    ],
)
def test_spelling_of_a_text(text, old, style, spelling):
    assert find_spelling(text, old=old, style=style, quote='"') == spelling


def test_added_quotes_are_those_asked_for():
    assert find_spelling("1.10", old="1.9", style=Style.PLAIN, quote="'") == "'1.10'"
