"""Templates: what they can say, what they cannot have, and that whatever they say ends soon."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot.proposal.template import InvalidTemplate, Safe, Template, parse_template

_VALUES = {
    "title": "Update `x`",
    "image": "nginx",
    "n": 3,
    "text": Safe("**b**"),
    "images": ({"name": "nginx", "jump": "minor"}, {"name": "redis", "jump": "major"}),
    "nothing": (),
}


def _show(text: str) -> str:
    return f"<{text}>"


def _render(text: str) -> str:
    return Template(text).render(_VALUES, show=_show)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("**plain** <b>", "**plain** <b>", id="its own words stay as they are"),
        pytest.param("{{ title }}", "<Update `x`>", id="a value is shown"),
        pytest.param("{{ text }}", "**b**", id="Markdown of imagebot's own stays as it is"),
        pytest.param("{{ '' }}{{ nothing | first }}", "", id="an empty value is nothing"),
        pytest.param("{{ n }} {{ images | length }}", "3 2", id="numbers stay as they are"),
        pytest.param("{{ 'a' }}", "<a>", id="a text in a value's place is shown"),
        pytest.param("{% set x = text %}{{ x }}", "**b**", id="a value under another name"),
        pytest.param("{{ text | upper }}", "<**B**>", id="Markdown that was changed is a text"),
        pytest.param("{{ text[:3] }}", "<**b>", id="a part of Markdown is a text"),
        pytest.param("{{ image[:2] }}{{ image[-1] }}", "<ng><x>", id="parts of a text"),
        pytest.param("{{ images[0].name }}{{ images[1]['name'] }}", "<nginx><redis>", id="parts of values"),
        pytest.param(
            "{% for i in images %}{{ loop.index }}{{ i.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "1<nginx>, 2<redis>",
            id="a loop",
        ),
        pytest.param(
            "{% for i in images if i.jump == 'major' %}{{ i.name }}{% endfor %}", "<redis>", id="a filtered loop"
        ),
        pytest.param("{% for i in nothing %}x{% else %}none{% endfor %}", "none", id="a loop about nothing"),
        pytest.param("{{ 'one' if n == 1 else 'many' }}", "<many>", id="one or the other"),
        pytest.param("{% if n > 2 and 'ng' in image %}yes{% endif %}", "yes", id="conditions"),
        pytest.param("{{ images | map(attribute='name') | join(', ') }}", "<nginx, redis>", id="a list of names"),
        pytest.param("{{ images | map('jump') | sort | unique | first }}", "<major>", id="filters of lists"),
        pytest.param("{{ title | replace('`', '') | trim | lower }}", "<update x>", id="filters of texts"),
        pytest.param("{{ '' | default('none') }}{{ n | default(1) }}", "<none>3", id="what stands for nothing"),
        pytest.param("{{ 'a b/c' | urlencode }}", "a%20b%2Fc", id="a part of an address stays as it is"),
        pytest.param("{{ 'abc' | truncate(2) }}", "<ab>", id="what is cut"),
        pytest.param("{# a note #}{% raw %}{{ x }}{% endraw %}\n", "{{ x }}\n", id="notes, and what is no template"),
    ],
)
def test_what_a_template_writes(text, written):
    assert _render(text) == written


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ title", id="an open value"),
        pytest.param("{% if n %}", id="an open condition"),
        pytest.param("{% end %}", id="an end of nothing"),
        pytest.param("{{ range(10) }}", id="a call"),
        pytest.param("{{ image.upper() }}", id="a call of a text's own"),
        pytest.param("{{ image * 1000000000 }}", id="a text many times"),
        pytest.param("{{ 9 ** 9 ** 9 }}", id="a power"),
        pytest.param("{{ n + 1 }}", id="a sum"),
        pytest.param("{{ n // 0 }}", id="a division"),
        pytest.param("{{ '%9999999d' % n }}", id="a text with its form"),
        pytest.param("{{ image ~ image }}", id="two texts put together"),
        pytest.param("{{ '%s' | format(n) }}", id="a filter that forms"),
        pytest.param("{{ image | safe }}", id="a filter that takes a text for Markdown"),
        pytest.param("{{ image | attr('__class__') }}", id="a filter that reaches into Python"),
        pytest.param("{{ images | tojson }}", id="a filter that is not there"),
        pytest.param("{% macro m() %}{% endmacro %}", id="a macro"),
        pytest.param("{% include '/etc/passwd' %}", id="another file"),
        pytest.param("{% import 'x' as y %}", id="an import"),
        pytest.param("{% extends 'x' %}", id="a parent"),
        pytest.param("{% block x %}{% endblock %}", id="a block"),
        pytest.param("{% filter upper %}x{% endfilter %}", id="a filter of a block"),
        pytest.param("{% set x %}y{% endset %}", id="a block for a name"),
        pytest.param("{% for x in images recursive %}{% endfor %}", id="a loop in itself"),
        pytest.param("{% for a in images %}" * 3 + "{% endfor %}" * 3, id="loops in loops"),
        pytest.param("{{ " + "(" * 150 + "1" + ")" * 150 + " }}", id="many brackets"),
        pytest.param("{{ " + "not " * 5000 + "n }}", id="a deep condition"),
        pytest.param("{% if n %}" * 120 + "{% endif %}" * 120, id="many conditions in each other"),
        pytest.param("{{ " + "9" * 5000 + " }}", id="a huge number"),
        pytest.param("{{ n }}" * 3000, id="many values"),
        pytest.param("x" * 20_001, id="a long text"),
    ],
)
def test_what_is_no_template(text):
    with pytest.raises(InvalidTemplate):
        parse_template(text, [_VALUES])


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param(
            "a\n{{ imge }}", 2, "there is no imge; there is image, images, n, nothing, text, title", id="a name"
        ),
        pytest.param("{{ images[0].tag }}", 1, "there is no tag; there is jump, name", id="a part of a value"),
        pytest.param("\n\n{{ image.format }}", 3, "there is no format of this value", id="what Python has of a text"),
        pytest.param(
            "{{ image.__class__.__mro__ }}", 1, "there is no __class__ of this value", id="Python's internals"
        ),
        pytest.param("{{ images.count }}", 1, "there is no count of this value", id="what Python has of a list"),
        pytest.param(
            "{{ images[0].items }}", 1, "there is no items; there is jump, name", id="what Python has of a mapping"
        ),
        pytest.param(
            "{% for i in images %}{{ loop.cycle }}{% endfor %}", 1, "there is no cycle of this value", id="a loop's"
        ),
        pytest.param("{{ images }}", 1, "what is printed is no text and no number", id="a list as a text"),
        pytest.param("{{ n == 3 }}", 1, "what is printed is no text and no number", id="a truth as a text"),
        pytest.param("{{ self }}", 1, "what is printed is no text and no number", id="the template itself"),
        pytest.param("{{ images | upper }}", 1, "a filter of texts is about what is none", id="a filter of texts"),
        pytest.param(
            "{% for x in n %}{% endfor %}", 1, "a loop or filter is about what is no list", id="a loop of a number"
        ),
        pytest.param("a\nb {% foo %}", 2, "Encountered unknown tag 'foo'", id="a word that is none"),
    ],
)
def test_a_fault_says_in_which_line_and_what_there_is(text, line, reason):
    with pytest.raises(InvalidTemplate) as raised:
        parse_template(text, [_VALUES])

    assert (raised.value.line, raised.value.reason) == (line, reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "{{ images[7].name }}", "it cannot be carried out: tuple index out of range", id="an item too far"
        ),
        pytest.param("{{ 1 if image < n }}", None, id="a text compared with a number"),
    ],
)
def test_what_depends_on_the_values_breaks_only_when_it_is_used(text, reason):
    template = parse_template(text, [_VALUES])

    with pytest.raises(InvalidTemplate) as raised:
        template.render(_VALUES, show=_show)

    assert reason in (None, raised.value.reason)
    assert raised.value.line == 1


_MANY = {"items": tuple(range(1000)), "words": ("x" * 10_000,) * 100, "long": "x" * 20_000}
_TWICE = "{% set x = x | replace('a', 'aaaaaaaaaa') %}"
_LOOPS = "{% for a in items %}{% for b in items %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_LOOPS, id="a million turns"),
        pytest.param("{% for a in items %}{% endfor %}" * 90, id="loops one after another"),
        pytest.param("{% for a in items %}{{ items | sort | first }}{% endfor %}", id="filters in a loop"),
        pytest.param("{% set x = 'a' %}" + _TWICE * 400 + "{{ x }}", id="a text that grows"),
        pytest.param("{{ words | join }}", id="a long text of many"),
        pytest.param("{{ items | join(long) }}", id="a long separator"),
        pytest.param("{{ long | replace('', long) }}", id="a text in all places of another"),
        pytest.param("{% for a in items %}{{ long }}{% endfor %}", id="a long text many times"),
        pytest.param("{{ long | urlencode | upper | replace('X', long) }}", id="one filter after another"),
    ],
)
def test_what_would_take_long_or_much_room_is_ended(text):
    started = time.process_time()

    with pytest.raises(InvalidTemplate):
        Template(text).render(_MANY, show=_show)

    assert time.process_time() - started < 2


_MARKS = "{{ }} {% %} {# #} . | [ ] ( ) ' = == ~ * - 9"
_WORDS = "if endif for x in images endfor image __class__ upper join set y not loop self"
_PIECES = st.sampled_from([*_MARKS.split(), *_WORDS.split(), " ", "\n"])


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, max_size=25).map("".join))
def test_any_text_is_a_template_or_is_refused(text):
    try:
        written = parse_template(text, [_VALUES]).render(_VALUES, show=lambda _: "#")
    except InvalidTemplate:
        return
    assert not any(word in written.replace(text, "") for word in ("0x", "object at", "<class"))
