import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from imagebot.yamledit.captures import parse_file_pattern, parse_image_template
from imagebot.yamledit.edit import Edit, make_edits
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite
from imagebot.yamledit.scan import NotYaml, scan
from imagebot.yamledit.sites import make_site
from imagebot.yamledit.template import BLANKS, find_actions, mask
from imagebot.yamledit.yaml_path import parse_yaml_path
from tests.yamledit.documents import files

_NO_YAML = "{{ if .a }}\n"
A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("a: {{ .b }} c\n", "a: xxxxxxxx c\n", id="Go or Jinja"),
        pytest.param("a: {{- .b -}} c\n", "a: xxxxxxxxxx c\n", id="whitespace control"),
        pytest.param("a: {% b %} {# c #}\n", "a: xxxxxxx xxxxxxx\n", id="statement and comment of Jinja"),
        pytest.param('a: {{ "}}" }} c\n', "a: xxxxxxxxxx c\n", id="an ending in a string"),
        pytest.param('a: {{ "\\"}}" }} c\n', "a: xxxxxxxxxxxx c\n", id="an escaped quote"),
        pytest.param("a: {{ '}}' }} c\n", "a: xxxxxxxxxx c\n", id="an ending in single quotes"),
        pytest.param("a: {{ 'it''s }}' }}c\n", "a: xxxxxxxxxxxxxxxxc\n", id="a doubled quote"),
        pytest.param("a: {{`{{x}}`}} c\n", "a: xxxxxxxxxxx c\n", id="actions in backquotes"),
        pytest.param('a: {{ `"` }} c\n', "a: xxxxxxxxx c\n", id="a quote in backquotes"),
        pytest.param("a: {{/* it's }} \" ` */}} c\n", "a: xxxxxxxxxxxxxxxxxxxxx c\n", id="a comment of Go"),
        pytest.param("a: {{ 1 / 2 }} c\n", "a: xxxxxxxxxxx c\n", id="a stroke"),
        pytest.param("a: {% if '%}' %} c\n", "a: xxxxxxxxxxxxx c\n", id="an ending in a string of a statement"),
        pytest.param("a: {# it's #} c\n", "a: xxxxxxxxxx c\n", id="a quote in a comment of Jinja"),
        pytest.param("a: {{ {'b': {}}['b'] }} c\n", "a: xxxxxxxxxxxx['b'] }} c\n", id="braces are not counted"),
        pytest.param("a: ${{ b }} c\n", "a: $xxxxxxx c\n", id="GitHub's expressions"),
        pytest.param("a: {{ 漢🐳 }} ü\n", "a: xxxxxxxx ü\n", id="one for each character"),
        pytest.param("a: {{ b\n  c }}\n", "a: xxxx\n      \n", id="further lines"),
        pytest.param("a: {{ b\r\n\r  c }} d\n", "a: xxxx\r\n\r       d\n", id="any line ends, and text behind it"),
        pytest.param("{% raw %}{{ a }}{% endraw %} b\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxx b\n", id="raw"),
        pytest.param("a: {% raw %}{{ b{% endraw %} c\n", "a: xxxxxxxxx{{ bxxxxxxxxxxxx c\n", id="raw braces"),
        pytest.param("a: {% raw %}{% raw %}{% endraw %}", "a: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", id="raw twice"),
        pytest.param("a: {{ b }}${#c} {# d #}", "a: xxxxxxx${#c} xxxxxxx", id="the shell's length"),
        pytest.param("a: {{ b }} {%h} {#i}", "a: xxxxxxx {%h} {#i}", id="openings without an ending anywhere"),
    ],
)
def test_an_action_within_a_line_becomes_a_word(text, masked):
    assert [mask(text, blank=blank) for blank in BLANKS] == [masked, masked]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("{{ if a }}\nb: c\n", "##########\nb: c\n", id="one action"),
        pytest.param("  {{- if a }} \t\nb: c\n", "  ########### \t\nb: c\n", id="blanks around it"),
        pytest.param("{{ a }} {{ b }}\n", "####### #######\n", id="two actions"),
        pytest.param("{{ a }} # b\n", "####### # b\n", id="a comment behind it"),
        pytest.param("# {{ a }} b\n", "# ####### b\n", id="in a comment"),
        pytest.param("{{ a\n  b }}\r\n{# c\r d #}", "####\n######\r\n####\r#####", id="over several lines"),
        pytest.param("{{ a\n}} {{ b }}\nc: d\n", "####\n## #######\nc: d\n", id="where another ends"),
        pytest.param("\ufeff{{ a }}\n", "\ufeff#######\n", id="byte order mark"),
    ],
)
def test_a_line_of_actions_becomes_blank(text, masked):
    of_spaces = mask(text, blank=" ")

    assert mask(text, blank="#") == masked
    assert of_spaces is not None
    assert len(of_spaces) == len(text)
    assert {now for was, now in zip(masked, of_spaces, strict=True) if was != now} <= {" "}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: b\n", id="no action"),
        pytest.param("a: {{ b\nc: {{ d }\n", id="two braces that end nowhere"),
        pytest.param("a: {{ b }} {{ c\n", id="one that does not end behind one that does"),
        pytest.param("a: {{ it's }}\n", id="a string that does not end on its line"),
        pytest.param("a: {{/* b }}\n", id="a comment that does not end"),
        pytest.param("a: {{ `b }}\n", id="backquotes that do not end"),
        pytest.param("a: {% 'b %}\n", id="a statement that does not end"),
    ],
)
def test_what_is_no_template_is_not_masked(text):
    assert mask(text, blank=" ") is None


@pytest.mark.parametrize(
    "piece",
    ["{{", "{%", "{#", '{{"\\"', "{{/*", "{{`", "{% raw %}", "{% raw %}{{", "{{x}}", "{{x}}\n", '{% "%}', "}}{{ } }"],
)
def test_actions_are_found_in_linear_time(piece):
    # What takes the square of this does not end before the time limit of the tests.
    text = piece * 20_000

    for ending in ("", "}}", "%}", "#}", "{% endraw %}"):
        mask(text + ending, blank=" ")


_pieces = st.one_of(
    st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "{% raw %}", "{% endraw %}", "{{ a }}", "{% b %}", "{# c #}"]),
    st.sampled_from(['"', "'", "`", "/*", "*/", "\\", "$", "\n", "\r\n", "\r", " ", "#", "a: b", "ü", "🐳", "\u2028"]),
)


@given(st.lists(_pieces, max_size=40).map("".join), st.sampled_from(BLANKS))
def test_a_mask_keeps_length_line_ends_and_what_is_literal(text, blank):
    masked = mask(text, blank=blank)

    if masked is None:
        assert not find_actions(text)
        return
    literal = set(range(len(text))) - {n for start, end in find_actions(text) or () for n in range(start, end)}
    assert len(masked) == len(text)
    assert all(masked[n] == text[n] for n in range(len(text)) if n in literal or text[n] in "\r\n")
    assert all(masked[n] in " x#\r\n" for n in range(len(text)) if n not in literal)


def test_a_block_that_an_action_begins_may_go_on_in_the_file():
    action = '{{- include "labels" . | nindent 4 }}'
    text = f"{{{{ if x }}}}\nlabels: {action}\n    app: web\nimage: web:1.2.3\n{{{{ end }}}}\n"

    (occurrence,) = locate(text.encode()).occurrences

    assert str(occurrence.reference) == "web:1.2.3"


@pytest.mark.parametrize("action", ["{{ x | nindent 4 }}", "{{ x | nindent 4 }}{{ y }}"])
def test_a_block_behind_a_text_is_a_part_of_it(action):
    (left,) = locate(f"{{{{ if x }}}}\nimage: web:1.2.3{action}\n{{{{ end }}}}\n".encode()).left_alone

    assert left.reason == "it holds the variable {{ x | nindent 4 }}"


@pytest.mark.parametrize(
    ("text", "references"),
    [
        pytest.param("{{ if .a }}\nimage: nginx:1.2\n{{ end }}\n", ["nginx:1.2"], id="between actions"),
        pytest.param("{% if a %}\r\nimage: nginx:1.2\r\n{% endif %}\r\n", ["nginx:1.2"], id="Jinja, CRLF"),
        pytest.param(
            "{{- if .a }}\nimage: a:1\n{{- else }}\nimage: b:2\n{{- end }}\n",
            ["a:1", "b:2"],
            id="one key, two branches",
        ),
        pytest.param("üü: {{ üü }}🐳 x\nimage: a:1 # {{ b }}\n", ["a:1"], id="wide characters in an action"),
        pytest.param("\ufeff{{ b }}\nimage: 'a:1'\n", ["a:1"], id="byte order mark"),
        pytest.param("a: b\n  {{- with .c }}\n  {{- end }}\nimage: a:1\n", ["a:1"], id="indented actions"),
        pytest.param('x: "{{ include "y" . }}"\nimage: a:1\n', ["a:1"], id="quotes in quotes"),
        pytest.param("{{ if .a }}\nx: {repository: a, tag: v1}\n{{ end }}\n", ["a:v1"], id="parts"),
        pytest.param("x: |\n  {{ if y }}\n  # z\n  {{ end }}\n{{ b }}\nimage: a:1\n", ["a:1"], id="in a block, blanks"),
    ],
)
def test_literal_images_of_a_template_are_edited(text, references):
    data = f"{text}---\n{{{{- if y }}}}: [\n]\n".encode()
    occurrences = locate(data).occurrences

    result = rewrite(data, [edit for one in occurrences for edit in make_edits(one, tag="9.9.9", digest=None)])

    expected = data.decode()
    for reference in references:
        name, _, tag = reference.partition(":")
        expected = expected.replace(f"{name}:{tag}", f"{name}:9.9.9").replace(f"tag: {tag}", "tag: 9.9.9")
    assert [str(one.reference) for one in occurrences] == references
    assert result.decode() == expected


@pytest.mark.parametrize("prefix", [pytest.param("", id="YAML as it is"), pytest.param(_NO_YAML, id="masked")])
@pytest.mark.parametrize(
    ("line", "text", "variable"),
    [
        pytest.param("image: {{ .x }}", "{{ .x }}", "{{ .x }}", id="a mapping in a mapping to YAML"),
        pytest.param("image: &a {{ .x }} # c", "{{ .x }}", "{{ .x }}", id="with an anchor and a comment"),
        pytest.param("x: {image: {{ x }}}", "{{ x }}", "{{ x }}", id="in a flow mapping"),
        pytest.param("- image: {{inputs.parameters.x}}", *2 * ["{{inputs.parameters.x}}"], id="Argo Workflows"),
        pytest.param("image: '{{ x }}'", "{{ x }}", "{{ x }}", id="quoted"),
        pytest.param("image: ${{ x }}", "${{ x }}", "${{ x }}", id="GitHub"),
        pytest.param("image: $[[ inputs.x ]]", "$[[ inputs.x ]]", "$[[ inputs.x ]]", id="GitLab's inputs"),
        pytest.param("image: ghcr.io/a/web:{{ .tag }}", "ghcr.io/a/web:{{ .tag }}", "{{ .tag }}", id="a tag"),
        pytest.param("image: ghcr.io/a/web:1.2{{ .s }}", "ghcr.io/a/web:1.2{{ .s }}", "{{ .s }}", id="a suffix"),
        pytest.param(
            "image: web:1.2{% if x %}-a{% endif %}", *["web:1.2{% if x %}-a{% endif %}", "{% if x %}"], id="statement"
        ),
        pytest.param("image: web:1.2{#x#}", "web:1.2{#x#}", "{#x#}", id="a comment"),
        pytest.param("x: {repository: a, tag: {{ .t }}}", "a:{{ .t }}", "{{ .t }}", id="a tag of its own"),
        pytest.param("x: {repository: {{ .r }}, tag: v1}", "{{ .r }}:v1", "{{ .r }}", id="a repository of its own"),
        pytest.param("x: {images: [{name: {{ .n }}, newTag: v1}]}", "{{ .n }}:v1", "{{ .n }}", id="Kustomize"),
    ],
)
def test_what_a_template_fills_in_is_left_alone(prefix, line, text, variable):
    located = locate(f"{prefix}{line}\n".encode())

    (left_alone,) = located.left_alone
    assert located.occurrences == ()
    assert left_alone.line == (2 if prefix else 1)
    assert (left_alone.text, left_alone.reason) == (text, f"it holds the variable {variable}")


@pytest.mark.parametrize("prefix", [pytest.param("", id="YAML as it is"), pytest.param(_NO_YAML, id="masked")])
@pytest.mark.parametrize(
    ("text", "variable"),
    [
        pytest.param("{{ .r }}/web:1.2", "{{ .r }}", id="a registry"),
        pytest.param("ghcr.io/{{ .o }}/web:1.2", "{{ .o }}", id="a part of the path"),
        pytest.param("{{ .name }}:1.2", "{{ .name }}", id="a name"),
        pytest.param("{{ .host }}:5000/web:1.2", "{{ .host }}", id="a host"),
        pytest.param(f"{{{{ .r }}}}/web:1.2@{A}", "{{ .r }}", id="with a digest"),
        pytest.param("${REGISTRY:-a.b:5/c}/web:1.2", "${REGISTRY:-a.b:5/c}", id="the shell's"),
        pytest.param("$[[ inputs.r ]]/web:1.2", "$[[ inputs.r ]]", id="GitLab's inputs"),
    ],
)
def test_a_literal_tag_behind_what_is_filled_in_needs_a_marker(prefix, text, variable):
    (left_alone,) = locate(f"{prefix}image: '{text}'\n".encode()).left_alone

    advice = "; a marker can say which image it is, and then its tag is edited: # imagebot: ENTRY"
    assert (left_alone.text, left_alone.reason) == (text, f"it holds the variable {variable}{advice}")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param('image: "{{ include "x" . }}"', '{{ include "x" . }}', id="quotes in quotes"),
        pytest.param('image: {{ include "x" . }}', '{{ include "x" . }}', id="with blanks"),
        pytest.param("image: {{ .r }}/web:1.2", "{{ .r }}/web:1.2", id="a plain registry"),
        pytest.param("image: {{ .r }}:{{ .t | default 1 }}", "{{ .r }}:{{ .t | default 1 }}", id="two actions"),
        pytest.param('image: {{ "y" x\n  }}\nb: c', '{{ "y" x', id="over two lines"),
    ],
)
def test_what_is_no_yaml_because_of_its_image_is_told_as_it_is_written(line, text):
    (left_alone,) = locate(f"a: b\n{line}\n".encode()).left_alone

    assert (left_alone.line, left_alone.column, left_alone.text) == (2, 8, text)
    assert left_alone.reason.startswith("it holds the variable {{ ")


@pytest.mark.parametrize(
    "block", ["image: |\n  {{ x }}/web:1.2\n", "image: >-\n  a:1\n  {{ x }}\n", "image: a\n  {{ x }}b"]
)
def test_an_image_over_several_lines_of_a_template_is_left_alone(block):
    (left_alone,) = locate(f"{_NO_YAML}{block}\n".encode()).left_alone

    assert left_alone.reason.startswith("the text spans several lines or is a block")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x: |\n  {{- range .y }}\n# {{\nimage: a:1\n", id="Go in a block"),
        pytest.param("expr: 'a{b=\"{{ $labels.x }}\"}'\nimage: a:1\n", id="Prometheus, quoted"),
        pytest.param('legendFormat: "{{instance}}"\nimage: a:1\n', id="Grafana"),
        pytest.param("x: {{ y }}\nimage: a:1\n", id="a mapping in a mapping"),
        pytest.param("{{ y }}: z\nimage: a:1\n", id="as a key"),
        pytest.param("if: ${{ github.x == 'y' }}\nimage: a:1\n", id="GitHub"),
        pytest.param("args: ['{{inputs.x}}', \"{{=1 + 1}}\"]\nimage: a:1\n", id="Argo Workflows"),
        pytest.param("x: '{%- raw %}{{ y }}{% endraw -%}'\nimage: a:1\n", id="Jinja's raw"),
        pytest.param("# {{- if x }}\nimage: a:1\n", id="in a comment"),
        pytest.param("x: {{{ y }}}\nimage: a:1\n", id="three braces"),
    ],
)
def test_what_is_yaml_already_is_read_as_it_is(text):
    file = scan(text.encode())

    assert (file.blank, file.text) == (None, text)
    assert [str(one.reference) for one in locate(text.encode()).occurrences] == ["a:1"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: [\n{{ b }}\n", id="not even without actions"),
        pytest.param("a: [\n", id="no template"),
        pytest.param("a: [\n{{ b\n", id="an action that does not end"),
    ],
)
def test_what_is_no_yaml_either_way_is_refused_as_it_was_first(text):
    with pytest.raises(NotYaml) as refused:
        scan(text.encode())

    assert "{{" in text or refused.value.line == 2
    assert refused.value.reason


def test_lines_of_actions_become_comments_where_spaces_are_no_yaml():
    # A block cannot begin with a line of more spaces than its text has.
    data = b"x: |\n  {{ if a }}\n  b\n{{ c }}y: z\nimage: a:1\n"
    (occurrence,) = locate(data).occurrences

    result = rewrite(data, make_edits(occurrence, tag="2", digest=None))

    assert scan(data).blank == "#"
    assert result == data.replace(b"a:1", b"a:2")


@pytest.mark.parametrize("prefix", [pytest.param("", id="YAML as it is"), pytest.param(_NO_YAML, id="masked")])
@pytest.mark.parametrize(
    ("source", "old", "new", "result"),
    [
        pytest.param("'{{ r }}/a:1.2'", "{{ r }}/a:1.2", "{{ r }}/a:1.30", "'{{ r }}/a:1.30'", id="behind an action"),
        pytest.param("x-{{ r }}-1", "x-{{ r }}-1", "x-{{ r }}-22", "x-{{ r }}-22", id="plain, behind an action"),
        pytest.param('"{{ a }}{{ b }}:1"', "{{ a }}{{ b }}:1", "{{ a }}{{ b }}:2", '"{{ a }}{{ b }}:2"', id="two"),
        pytest.param("&r '{{ ü }}:1'", "{{ ü }}:1", "{{ ü }}:2", "&r '{{ ü }}:2'", id="wide characters, an anchor"),
    ],
)
def test_what_stands_behind_the_last_action_can_be_edited(prefix, source, old, new, result):
    text = f"{prefix}a: {source} # b\n"

    edited = rewrite(text.encode(), [_make_edit(text, old, new)])

    assert edited.decode() == f"{prefix}a: {result} # b\n"


@pytest.mark.parametrize("prefix", [pytest.param("", id="YAML as it is"), pytest.param(_NO_YAML, id="masked")])
@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        pytest.param("'{{ r }}/a:1'", "{{ r }}/a:1", "{{ s }}/a:1", id="within an action"),
        pytest.param("'{{ r }}/a:1'", "{{ r }}/a:1", "b/a:1", id="in place of an action"),
        pytest.param("'{{ r }}'", "{{ r }}", "a:1", id="of nothing but an action"),
        pytest.param("a:1{{ s }}", "a:1{{ s }}", "a:2{{ s }}", id="before an action"),
        pytest.param("'{{ r }}:1'", "{{ r }}:1", "{{ r }}:{{ s }}", id="a new action"),
    ],
)
def test_an_edit_of_what_a_template_fills_in_is_refused(prefix, source, old, new):
    text = f"{prefix}a: {source}\n"

    with pytest.raises(UnsafeRewrite, match=r"is the work of a template|holds characters that no image reference"):
        rewrite(text.encode(), [_make_edit(text, old, new)])


def test_an_edit_of_a_template_that_is_a_mapping_to_yaml_is_refused():
    with pytest.raises(UnsafeRewrite, match="no scalar occupies just the bytes 7 to 15"):
        rewrite(b"image: {{ .x }}\n", [Edit(7, 15, "{{ .x }}", "a:1")])


@pytest.mark.parametrize("prefix", [pytest.param("", id="YAML as it is"), pytest.param(_NO_YAML, id="masked")])
@pytest.mark.parametrize("part", ["reference", "tag"])
@pytest.mark.parametrize(
    ("text", "digest", "result"),
    [
        pytest.param("{{ .r }}/web:1.2", None, "{{ .r }}/web:1.30", id="a tag"),
        pytest.param(f"{{{{ .r }}}}/web:1.2@{A}", B, f"{{{{ .r }}}}/web:1.30@{B}", id="a tag and a digest"),
        pytest.param("{{ .r }}/web:1.2", B, f"{{{{ .r }}}}/web:1.30@{B}", id="a digest that is added"),
        pytest.param("${R}:1.2", None, "${R}:1.30", id="the shell's"),
    ],
)
def test_a_site_tells_the_name_that_is_filled_in(prefix, part, text, digest, result):
    data = f"{prefix}x: '{text}'\n".encode()
    image = parse_image_template("ghcr.io/acme/web")
    site = make_site([parse_file_pattern("a.yaml")], image, {part: parse_yaml_path("x")}, position=1)
    (found,) = locate(data, path="a.yaml", bindings=Bindings((site,))).occurrences

    edited = rewrite(data, make_edits(found, tag="1.30", digest=digest))

    assert (found.reference.name, found.reference.tag) == ("ghcr.io/acme/web", "1.2")
    assert edited.decode() == f"{prefix}x: '{result}'\n"


def test_a_site_about_another_image_than_a_template_names_edits_nothing():
    image, paths = parse_image_template("ghcr.io/acme/api"), {"reference": parse_yaml_path("x")}
    site = make_site([parse_file_pattern("a.yaml")], image, paths, position=1)

    (left_alone,) = locate(b"x: '{{ .r }}/web:1.2'\n", path="a.yaml", bindings=Bindings((site,))).left_alone

    assert left_alone.reason == "it names {{ .r }}/web, and it is bound to ghcr.io/acme/api"


def _make_edit(text: str, old: str, new: str) -> Edit:
    scalar = next(scalar for scalar in scan(text.encode()).scalars if scalar.value == old)
    return Edit(scalar.start, scalar.end, old, new)


@settings(max_examples=30, deadline=None)
@given(files(), st.sampled_from(["{{ if .a }}\n", "{% if 'ü' %}\n", '{{/* " */}}\n']))
def test_a_file_behind_an_action_reads_as_before(data, action):
    text = data.decode()
    if text.startswith(("\ufeff", "%")):
        return

    found = locate(action.encode() + data).occurrences

    shift = len(action.encode())
    assert [(one.parts[0].start - shift, one.line - 1, one.reference) for one in found] == [
        (one.parts[0].start, one.line, one.reference) for one in locate(data).occurrences
    ]


@pytest.mark.parametrize(
    ("behind", "goes_on"),
    [
        pytest.param("\n{{ .x }}\n", False, id="an action on its own line"),
        pytest.param("\n{{- .x }}\n", True, id="one that takes away the line end"),
        pytest.param("  \n\n  {{- .x }}\n", True, id="blanks and empty lines"),
        pytest.param("\n{%- include 'x' %}\n", True, id="a file that Jinja puts there"),
        pytest.param("\n{{- if .x }}\nb: c\n{{- end }}\n", False, id="lines on a condition"),
        pytest.param("\n{{- if .x -}}\nb: c\n{{- end }}\n", True, id="a text on a condition"),
        pytest.param("\n{{- if .x }}{{ .y }}{{ end }}\n", True, id="an action on the same line"),
        pytest.param("\n{{- if .x }}\n{{- .y }}\n{{- end }}\n", True, id="an action on the line below"),
        pytest.param("\n{{- end }}\n{{- end }}\nb: c\n", False, id="ends of blocks"),
        pytest.param("\n{{- end -}}\n", False, id="the end of the file"),
        pytest.param("\n{{- else -}}\nimage: b:1\n{{- end }}\n", False, id="what comes instead"),
        pytest.param('\n{{- end -}}\n{{- define "x" -}}\ny: z\n{{- end -}}\n', False, id="a definition"),
        pytest.param("\n{{- /* .x */ -}}\n", False, id="a comment"),
        pytest.param("\n{#- x -#}\n", False, id="a comment of Jinja's"),
        pytest.param("\n{{- $x := .y }}\nb: c\n", False, id="a variable"),
        pytest.param("\n{{- $x, $y := .y }}\nb: c\n", False, id="two variables"),
        pytest.param("\n{{- $x }}\n", True, id="the value of a variable"),
        pytest.param('\n{{- include "x" . | nindent 4 }}\n', False, id="lines of their own"),
        pytest.param("\n{%- if x %}\nb: c\n{%- endif %}\n", False, id="a condition of Jinja's"),
        pytest.param(" # c\n{{- .x }}\n", False, id="a comment that goes on"),
        pytest.param("\nb: c\n{{- .x }}\n", False, id="another line that goes on"),
    ],
)
def test_an_image_that_a_line_below_may_go_on_with_is_left_alone(behind, goes_on):
    located = locate(f"{{{{ if .y }}}}\nimage: nginx:1.2{behind}".encode())

    assert [left.reason for left in located.left_alone] == (
        ["a template may write more right behind it, from a line below"] if goes_on else []
    )
    assert len(located.occurrences) == (0 if goes_on else 1 + behind.count("image:"))


def test_what_stands_in_quotes_ends_there():
    assert len(locate(b"image: 'nginx:1.2'\n{{- .x }}\n").occurrences) == 1
