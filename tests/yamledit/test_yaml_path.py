import json
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebot.errors import InvalidInput
from imagebot.yamledit.candidate import text_of
from imagebot.yamledit.scan import Path, Role, Scalar, scan
from imagebot.yamledit.yaml_path import (
    Each,
    Having,
    Index,
    InvalidYamlPath,
    Key,
    Visit,
    Walker,
    YamlPath,
    parse_yaml_path,
)
from tests.yamledit.documents import files


def _find(text: str, path: str) -> list[str]:
    steps = parse_yaml_path(path).steps
    return [text_of(visit.node) for root in scan(text.encode()).roots for visit in Walker().follow(Visit(root), steps)]


@pytest.mark.parametrize(
    ("text", "steps", "normal"),
    [
        pytest.param("", (), ".", id="nothing: the whole document"),
        pytest.param(".", (), ".", id="a dot: the whole document"),
        pytest.param("$", (), ".", id="a dollar sign: the whole document"),
        pytest.param("image_tag", (Key("image_tag"),), "image_tag", id="one key"),
        pytest.param("a.b-c.d/e.f$g", (Key("a"), Key("b-c"), Key("d/e"), Key("f$g")), "a.b-c.d/e.f$g", id="keys"),
        pytest.param(".a.b", (Key("a"), Key("b")), "a.b", id="a leading dot, as in yq"),
        pytest.param("$.a.b", (Key("a"), Key("b")), "a.b", id="a leading dollar sign, as in JSONPath"),
        pytest.param("$[0]['a']", (Index(0), Key("a")), "[0].a", id="a dollar sign before a bracket"),
        pytest.param("$schema", (Key("$schema"),), "$schema", id="a key that begins with a dollar sign"),
        pytest.param('."$".a', (Key("$"), Key("a")), '"$".a', id="a dollar sign as a key"),
        pytest.param("größe.漢字", (Key("größe"), Key("漢字")), "größe.漢字", id="letters beyond ASCII"),
        pytest.param("a[0].b[12]", (Key("a"), Index(0), Key("b"), Index(12)), "a[0].b[12]", id="indices"),
        pytest.param("a[007]", (Key("a"), Index(7)), "a[7]", id="an index with zeros"),
        pytest.param("a.0", (Key("a"), Key("0")), "a.0", id="digits after a dot are a key"),
        pytest.param("a.[0].[*]", (Key("a"), Index(0), Each()), "a[0][*]", id="dots before brackets"),
        pytest.param("a[*].b.*", (Key("a"), Each(), Key("b"), Each()), "a[*].b[*]", id="all"),
        pytest.param("*.a", (Each(), Key("a")), "[*].a", id="all at the root"),
        pytest.param('a."*"', (Key("a"), Key("*")), 'a."*"', id="a star in quotes is a key"),
        pytest.param('a["b.c"].d', (Key("a"), Key("b.c"), Key("d")), 'a."b.c".d', id="a quoted key in brackets"),
        pytest.param('a."b.c"', (Key("a"), Key("b.c")), 'a."b.c"', id="a quoted key after a dot"),
        pytest.param("'it''s'.b", (Key("it's"), Key("b")), '"it\'s".b', id="single quotes"),
        pytest.param(r'"q\"\n\u00fc"', (Key('q"\nü'),), r'"q\"\nü"', id="escapes of JSON"),
        pytest.param('""', (Key(""),), '""', id="the empty key"),
        pytest.param("[name=web].a", (Having("name", "web"), Key("a")), "[name=web].a", id="by value"),
        pytest.param("[image=a/b:1=2]", (Having("image", "a/b:1=2"),), "[image=a/b:1=2]", id="by an odd value"),
        pytest.param("[name='a b']", (Having("name", "a b"),), '[name="a b"]', id="by a quoted value"),
        pytest.param('["a.b/c"=web]', (Having("a.b/c", "web"),), '["a.b/c"=web]', id="by a quoted key"),
        pytest.param('[name=""]', (Having("name", ""),), '[name=""]', id="by an empty value"),
        pytest.param('["name=web"]', (Key("name=web"),), '"name=web"', id="a quoted key with an equals sign"),
        pytest.param(".".join(50 * "a"), 50 * (Key("a"),), ".".join(50 * "a"), id="as many steps as there may be"),
    ],
)
def test_a_path_is_read_and_written_in_one_form(text, steps, normal):
    path = parse_yaml_path(text)

    assert path == YamlPath(steps)
    assert str(path) == normal
    assert parse_yaml_path(normal) == path


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        pytest.param("a.", 2, "a key is missing", id="a dot at the end"),
        pytest.param("a..b", 2, "a key is missing", id="two dots"),
        pytest.param("..", 1, "a key is missing", id="nothing but dots"),
        pytest.param("a b", 2, "there is ' '", id="a blank"),
        pytest.param(" a", 1, "there is ' '", id="a blank at the beginning"),
        pytest.param("a.b@c", 4, "there is '@'", id="a character of no key"),
        pytest.param("a]", 2, "there is ']'", id="a bracket that was not open"),
        pytest.param("a[", 2, "there is a bracket", id="an open bracket"),
        pytest.param("a[0", 2, "there is a bracket", id="a bracket that stays open"),
        pytest.param("a[]", 2, "there is a bracket", id="an empty bracket"),
        pytest.param("a[b]", 2, "there is a bracket", id="a key without quotes in brackets"),
        pytest.param("a[-1]", 2, "there is a bracket", id="a negative index"),
        pytest.param("a[1:2]", 2, "there is a bracket", id="a slice"),
        pytest.param("a[?(@.b)]", 2, "there is a bracket", id="a filter of JSONPath"),
        pytest.param("a[1234567890]", 2, "there is a bracket", id="an index beyond all lists"),
        pytest.param("a[b=]", 2, "there is a bracket", id="no value"),
        pytest.param("a[=b]", 2, "there is a bracket", id="no key"),
        pytest.param("a[b.c=d]", 2, "there is a bracket", id="a path in a selector"),
        pytest.param("a[0]b", 5, "there is a key without a dot", id="no dot after a bracket"),
        pytest.param("$.a*", 4, "there is a key without a dot", id="a star in a key"),
        pytest.param("*a", 2, "there is a key without a dot", id="a key behind a star"),
        pytest.param('a"b"', 2, "there are quotes", id="quotes without a dot"),
        pytest.param('a."b', 2, "there are quotes", id="quotes that stay open"),
        pytest.param("a.'b'c", 6, "there is a key without a dot", id="a key behind quotes"),
        pytest.param(r'a."\x41"', 2, "there is in double quotes", id="an escape that JSON has not"),
        pytest.param(r'a."\ud800"', 2, "there is in double quotes", id="an escape for half a character"),
        pytest.param("a.\ud800", 3, "there is half a character", id="half a character"),
        pytest.param(".".join(51 * "a"), 100, "there is one step too many", id="too many steps"),
        pytest.param(513 * "a", 513, "there are too many characters", id="too long"),
    ],
)
def test_what_is_no_path_is_refused_with_its_position(text, position, reason):
    with pytest.raises(InvalidYamlPath) as raised:
        parse_yaml_path(text)

    assert isinstance(raised.value, InvalidInput)
    assert raised.value.position == position
    assert raised.value.reason.startswith(f"at character {position} {reason}")
    str(raised.value).encode()


_DOCUMENT = """
a: &a
  b.c: {d: 1}
  "0": zero
list:
- {name: web, tag: '1', env: [x, y]}
- {name: api, tag: 2}
- {name: web, tag: 3}
- *a
- name: twice
  name: twice
  tag: 4
map:
  one: {name: web, tag: 5}
  two: {name: api, tag: 6}
  <<: {three: {tag: 7}, one: {tag: 8}}
1.5: {yes: no}
alias: *a
twice: 1
twice: 2
"""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param('a."b.c".d', ["1"], id="keys"),
        pytest.param("a.b.c.d", [], id="a dot in a key is no step"),
        pytest.param("list[0].tag", ["1"], id="an item"),
        pytest.param("list.1.tag", ["2"], id="an item by a key of digits"),
        pytest.param("a.0", ["zero"], id="digits are a key of a mapping"),
        pytest.param("a[0]", [], id="a mapping has no items"),
        pytest.param("list[9].tag", [], id="an item that is not there"),
        pytest.param("list.name", [], id="a list has no keys"),
        pytest.param("list[0].tag.x", [], id="a scalar has no keys"),
        pytest.param("list[0].tag[0]", [], id="a scalar has no items"),
        pytest.param("list[0].tag[*]", [], id="nothing is in a scalar"),
        pytest.param("list[*].tag", ["1", "2", "3", "4"], id="all items"),
        pytest.param("list[*].env[*]", ["x", "y"], id="all items of all items"),
        pytest.param("list[name=web].tag", ["1", "3"], id="items with a value"),
        pytest.param("list[name=twice].tag", [], id="a key written twice has no one value"),
        pytest.param("list[tag=1].name", ["web"], id="whatever the quotes of the value"),
        pytest.param("map[*].tag", ["5", "6"], id="all values, not those of a merge key"),
        pytest.param("map[name=api].tag", ["6"], id="values with a value"),
        pytest.param("map.three.tag", ["7"], id="what a merge key brings in"),
        pytest.param("map.one.tag", ["5"], id="what stands there, before what a merge key brings in"),
        pytest.param('"1.5".yes', ["no"], id="keys are texts"),
        pytest.param("alias.0", ["zero"], id="through an alias"),
        pytest.param("alias", ["*a"], id="an alias itself"),
        pytest.param("twice", ["1", "2"], id="a key written twice"),
        pytest.param("nothing", [], id="a key that is not there"),
        pytest.param(".", [""], id="the document, which has no text of its own"),
    ],
)
def test_a_path_finds_nodes(path, found):
    assert _find(_DOCUMENT, path) == found


def test_a_path_is_looked_for_in_each_document():
    assert _find("a: 1\n---\nb: 2\n---\na: 3\n", "a") == ["1", "3"]


@pytest.mark.parametrize(
    ("path", "detour"),
    [
        pytest.param("alias.0", "the path leads through the alias *a", id="an alias on the way"),
        pytest.param("map.three.tag", "a merge key brings the key three", id="a merge key on the way"),
        pytest.param("a.0", None, id="an anchor on the way"),
        pytest.param("alias", None, id="an alias at the end"),
    ],
)
def test_what_stands_elsewhere_is_told(path, detour):
    (root,) = scan(_DOCUMENT.encode()).roots

    (visit,) = Walker().follow(Visit(root), parse_yaml_path(path).steps)

    assert (visit.detour or "").startswith(detour or "")
    assert (visit.detour is None) == (detour is None)


def test_aliases_of_aliases_are_entered_once_in_each_step():
    levels = "".join(f"- &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 60))

    assert _find(f"- &l0 [x]\n{levels}", "[59]" + 9 * "[*]" + "[0]") == ["*l49"]


few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_keys = st.one_of(
    st.text(max_size=6), st.text("$.*[]\"'\\=/- 0a\n", max_size=4), st.sampled_from(["$", "*", "0", "<<"])
)
_steps = st.one_of(
    st.builds(Key, _keys),
    st.builds(Index, st.integers(0, 999_999_999)),
    st.just(Each()),
    st.builds(Having, _keys, _keys),
)


@given(st.lists(_steps, max_size=8))
def test_a_path_written_and_read_again_is_the_same(steps):
    path = YamlPath(tuple(steps))

    assert parse_yaml_path(str(path)) == path


@given(st.text(string.ascii_letters[:3] + "$.*[]\"'\\=0 -u", max_size=30))
def test_any_text_is_refused_at_a_place_in_it_or_is_a_path(text):
    position = 1
    try:
        assert parse_yaml_path(str(parse_yaml_path(text))) == parse_yaml_path(text)
    except InvalidYamlPath as error:
        position = error.position

    assert 1 <= position <= max(1, len(text))


@few
@given(files())
def test_the_path_of_every_scalar_finds_it(data):
    file = scan(data)

    for scalar in file.scalars:
        if scalar.role is not Role.KEY and "?" not in _list_steps(scalar.path):
            steps = parse_yaml_path(str(scalar.path)).steps
            visits = Walker().follow(Visit(file.roots[scalar.document]), steps)
            assert scalar in [visit.node for visit in visits]


def _list_steps(path: Path) -> list[str | int]:
    """List the steps; a key that is no text has none of its own, and is written as a question mark."""
    return [] if path.parent is None else [*_list_steps(path.parent), path.step]


@pytest.mark.parametrize("key", ["$", "a.b", "a b", "", "0", "-", "ü", 'say "x"', "<<", "é\u0301", "[0]", "a=b", "*"])
def test_the_path_of_a_scalar_under_an_odd_key_finds_it(key):
    file = scan(f"? {json.dumps(key, ensure_ascii=False)}\n: x\n".encode())
    (scalar,) = (each for each in file.scalars if each.role is Role.VALUE)

    (visit,) = Walker().follow(Visit(file.roots[0]), parse_yaml_path(str(scalar.path)).steps)

    assert isinstance(visit.node, Scalar)
    assert visit.node is scalar
