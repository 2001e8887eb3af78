"""Small documents for the productions of YAML 1.2.2, chapter by chapter: read exactly, or refused.

Each id begins with the section of https://yaml.org/spec/1.2.2/ and the production that the document is about.
"""

from typing import Any

import pytest
import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from imagebot.yamledit.edit import Edit
from imagebot.yamledit.locate import locate
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite
from imagebot.yamledit.scan import NotYaml, Role, scan

_NEW = "nginx:1.2"
_INDEPENDENT = "ruamel.yaml"

_READ = [
    pytest.param("a: 'b\tc 🐳'\n", ["a", "b\tc 🐳"], id="5.1 c-printable, tab and beyond the BMP"),
    pytest.param("a: 'b\x85c'\n", ["a", "b c"], id="5.1 c-printable, NEL in quotes"),
    pytest.param("a: b\xa0c\n", ["a", "b\xa0c"], id="5.1 c-printable, no-break space"),
    pytest.param("a: \ue000\n", ["a", "\ue000"], id="5.1 c-printable, private use"),
    pytest.param("\ufeffa: b\n", ["a", "b"], id="5.2 c-byte-order-mark, at the beginning"),
    pytest.param("a: b\n---\n\ufeffc: d\n", ["a", "b", "c", "d"], id="5.2 c-byte-order-mark, before a document"),
    pytest.param("\ufeff", [], id="5.2 c-byte-order-mark, alone"),
    pytest.param("a: 'b\ufeffc'\n", ["a", "b\ufeffc"], id="5.2 c-byte-order-mark, in quotes"),
    pytest.param("- a\n- b\n", ["a", "b"], id="5.3 c-sequence-entry"),
    pytest.param("-a: -b\n", ["-a", "-b"], id="5.3 c-sequence-entry, as text"),
    pytest.param("? a\n: b\n", ["a", "b"], id="5.3 c-mapping-key"),
    pytest.param("?a: b?\n", ["?a", "b?"], id="5.3 c-mapping-key, as text"),
    pytest.param("a: b:c :d\n", ["a", "b:c :d"], id="5.3 c-mapping-value, as text"),
    pytest.param("a: b,c\n", ["a", "b,c"], id="5.3 c-collect-entry, as text"),
    pytest.param("[a, {b: c}]\n", ["a", "b", "c"], id="5.3 c-sequence-start and c-mapping-start"),
    pytest.param("# a\nb: c # d\n#e\n", ["b", "c"], id="5.3 c-comment"),
    pytest.param("a: b#c\n", ["a", "b#c"], id="5.3 c-comment, as text"),
    pytest.param("a: &b c\nd: *b\n", ["a", "c", "d"], id="5.3 c-anchor and c-alias"),
    pytest.param("a: !b c\n", ["a", "c"], id="5.3 c-tag"),
    pytest.param("a: |\n b\nc: >\n d\n", ["a", "b\n", "c", "d\n"], id="5.3 c-literal and c-folded"),
    pytest.param("'a': \"b\"\n", ["a", "b"], id="5.3 c-single-quote and c-double-quote"),
    pytest.param("%YAML 1.2\n---\na\n", ["a"], id="5.3 c-directive"),
    pytest.param("a: b@c`d\n", ["a", "b@c`d"], id="5.3 c-reserved, within a text"),
    pytest.param("a: b\nc: d\n", ["a", "b", "c", "d"], id="5.4 b-line-feed"),
    pytest.param("a: b\rc: d\r", ["a", "b", "c", "d"], id="5.4 b-carriage-return"),
    pytest.param("a: b\r\nc: d\r\n", ["a", "b", "c", "d"], id="5.4 b-break, CRLF"),
    pytest.param("a: b\r\nc: d\re: f\n\rg: h", ["a", "b", "c", "d", "e", "f", "g", "h"], id="5.4 b-break, mixed"),
    pytest.param("a: |\r\n  b\r\n  c\r\nd: e\r\n", ["a", "b\nc\n", "d", "e"], id="5.4 b-as-line-feed, in a literal"),
    pytest.param("a:\tb\t#c\n", ["a", "b"], id="5.5 s-white, tabs between"),
    pytest.param("ключ: 値\n", ["ключ", "値"], id="5.6 ns-word-char, letters of others"),
    pytest.param("a: !b%21;/?:@&=+$_.~*'() c\n", ["a", "c"], id="5.6 ns-uri-char, in a tag"),
    pytest.param(
        '"\\0\\a\\b\\t\\n\\v\\f\\r\\e\\ \\"\\/\\\\\\N\\_\\L\\P"\n',
        ['\x00\x07\x08\t\n\x0b\x0c\r\x1b "/\\\x85\xa0\u2028\u2029'],
        id="5.7 ns-esc, all of one character",
    ),
    pytest.param('"\\x41"\n', ["A"], id="5.7 ns-esc-8-bit"),
    pytest.param('"\\u6f22"\n', ["漢"], id="5.7 ns-esc-16-bit"),
    pytest.param('"\\U0001F433"\n', ["🐳"], id="5.7 ns-esc-32-bit"),
    pytest.param('"\\\ta"\n', ["\ta"], id="5.7 ns-esc-horizontal-tab, written as tab"),
    pytest.param("'\\x41'\n", ["\\x41"], id="5.7 c-escape, in single quotes it is text"),
    pytest.param("a:\n b:\n  c: d\n", ["a", "b", "c", "d"], id="6.1 s-indent, by one"),
    pytest.param("a:\n     b: c\nd:\n  e: f\n", ["a", "b", "c", "d", "e", "f"], id="6.1 s-indent, odd"),
    pytest.param("a:\n- b\n- c\n", ["a", "b", "c"], id="6.1 s-indent, a sequence not indented"),
    pytest.param("a:   b\n-1:  c\n", ["a", "b", "-1", "c"], id="6.2 s-separate-in-line, blanks"),
    pytest.param("a: \t b\n", ["a", "b"], id="6.2 s-separate-in-line, tabs"),
    pytest.param("a: [\n  b,\n     c\n ]\n", ["a", "b", "c"], id="6.3 s-line-prefix, in flow"),
    pytest.param("a: 'b\n\n  c'\n", ["a", "b\nc"], id="6.4 l-empty, in single quotes"),
    pytest.param("a: |\n  b\n\n  c\n", ["a", "b\n\nc\n"], id="6.4 l-empty, in a literal"),
    pytest.param("a: b\n  c\n\n  d\n", ["a", "b c\nd"], id="6.5 b-l-folded, plain"),
    pytest.param("a: >\n  b\n  c\n\n  d\n", ["a", "b c\nd\n"], id="6.5 b-l-folded, folded"),
    pytest.param("a: >\n  b\n   c\n  d\n", ["a", "b\n c\nd\n"], id="6.5 b-l-folded, spaced lines"),
    pytest.param("a: b # c # d\n", ["a", "b"], id="6.6 c-nb-comment-text"),
    pytest.param("a: b #", ["a", "b"], id="6.6 s-b-comment, none at the end"),
    pytest.param("# a\n", [], id="6.6 l-comment, alone"),
    pytest.param("a: b\n# c\n\n  # d\ne: f\n", ["a", "b", "e", "f"], id="6.6 l-comment, between entries"),
    pytest.param('a: "b"#c\n', ["a", "b"], id="6.6 c-nb-comment-text, without a blank before it"),
    pytest.param("a: | # b\n  c\n", ["a", "c\n"], id="6.7 s-l-comments, behind a header"),
    pytest.param("a: # b\n  # c\n  d\n", ["a", "d"], id="6.7 s-l-comments, between key and value"),
    pytest.param("%YAML 1.1\n---\na: b\n", ["a", "b"], id="6.8 ns-yaml-directive"),
    pytest.param("%TAG !a! tag:b,2000:\n---\nc: !a!d e\n", ["c", "e"], id="6.8 ns-tag-directive"),
    pytest.param("%TAG ! tag:b,2000:\n---\nc: !d e\n", ["c", "e"], id="6.8 c-primary-tag-handle"),
    pytest.param("a: !!str &b c\n", ["a", "c"], id="6.9 c-ns-properties, tag and anchor"),
    pytest.param("a: &b !!str c\n", ["a", "c"], id="6.9 c-ns-properties, anchor and tag"),
    pytest.param("a:\n  &b\n  !!str\n  c\n", ["a", "c"], id="6.9 c-ns-properties, on lines of their own"),
    pytest.param("&a b: c\n", ["b", "c"], id="6.9 c-ns-properties, of a key"),
    pytest.param("a: &b {c: d}\ne: &f\n  - g\n", ["a", "c", "d", "e", "g"], id="6.9 c-ns-properties, of collections"),
    pytest.param("a: !<tag:yaml.org,2002:str> b\n", ["a", "b"], id="6.9 c-verbatim-tag"),
    pytest.param("a: !<!b> c\n", ["a", "c"], id="6.9 c-verbatim-tag, local"),
    pytest.param("a: ! 1\n", ["a", "1"], id="6.9 c-non-specific-tag"),
    pytest.param("a: &b\nc: *b\n", ["a", "", "c"], id="6.9 c-ns-anchor-property, of nothing"),
    pytest.param("- &a b\n- *a\n", ["b"], id="7.1 c-ns-alias-node"),
    pytest.param("- &a b\n- &a c\n- *a\n", ["b", "c"], id="7.1 c-ns-alias-node, of the latest anchor"),
    pytest.param("- *a\n", [], id="7.1 c-ns-alias-node, of nothing"),
    pytest.param("&a b: c\n*a : d\n", ["b", "c", "d"], id="7.1 c-ns-alias-node, as a key"),
    pytest.param("&a [*a]\n", [], id="7.1 c-ns-alias-node, within itself"),
    pytest.param("[&a b, *a, {c: *a}]\n", ["b", "c"], id="7.1 c-ns-alias-node, in flow"),
    pytest.param("a:\nb:\n", ["a", "", "b", ""], id="7.2 e-node, values"),
    pytest.param("a: !!str\nb: !!str\n", ["a", "", "b", ""], id="7.2 e-node, with a tag"),
    pytest.param("{a, b: , ? c}\n", ["a", "", "b", "", "c", ""], id="7.2 e-node, in flow"),
    pytest.param("-\n- \n- a\n", ["", "", "a"], id="7.2 e-node, items"),
    pytest.param('a: "b c"\n', ["a", "b c"], id="7.3 c-double-quoted"),
    pytest.param('a: ""\n', ["a", ""], id="7.3 c-double-quoted, empty"),
    pytest.param('a: "b\n  c\n\n  d"\n', ["a", "b c\nd"], id="7.3 nb-double-multi-line"),
    pytest.param('a: "b\\\n  c\\\n  \\  d"\n', ["a", "bc  d"], id="7.3 s-double-escaped"),
    pytest.param('a: "- b: {c} # d"\n', ["a", "- b: {c} # d"], id="7.3 c-double-quoted, indicators"),
    pytest.param("a: 'b c'\n", ["a", "b c"], id="7.3 c-single-quoted"),
    pytest.param("a: ''\n", ["a", ""], id="7.3 c-single-quoted, empty"),
    pytest.param("a: 'it''s'\n", ["a", "it's"], id="7.3 c-quoted-quote"),
    pytest.param("a: ''''\n", ["a", "'"], id="7.3 c-quoted-quote, alone"),
    pytest.param("a: 'b\n  c\n\n  d'\n", ["a", "b c\nd"], id="7.3 nb-single-multi-line"),
    pytest.param("- :a\n- ?b\n- -c\n", [":a", "?b", "-c"], id="7.3 ns-plain-first"),
    pytest.param("a: b[c]{d},e\n", ["a", "b[c]{d},e"], id="7.3 ns-plain-char, in block"),
    pytest.param("[a:b, http://c:80/d]\n", ["a:b", "http://c:80/d"], id="7.3 ns-plain-char, colon in flow"),
    pytest.param("{image: nginx:1.2}\n", ["image", "nginx:1.2"], id="7.3 ns-plain-char, an image in flow"),
    pytest.param("a: b  c   d\n", ["a", "b  c   d"], id="7.3 ns-plain-one-line, blanks within"),
    pytest.param("a: b\n  c\n  d\n", ["a", "b c d"], id="7.3 ns-plain-multi-line"),
    pytest.param("a\nb\n\nc\n", ["a b\nc"], id="7.3 ns-plain-multi-line, at the root"),
    pytest.param("[a, b]\n", ["a", "b"], id="7.4 c-flow-sequence"),
    pytest.param("[]\n", [], id="7.4 c-flow-sequence, empty"),
    pytest.param("[a, b, ]\n", ["a", "b"], id="7.4 c-flow-sequence, a comma at the end"),
    pytest.param("[a, # b\n c\n]\n", ["a", "c"], id="7.4 c-flow-sequence, over lines and comments"),
    pytest.param("{a: b, c: d}\n", ["a", "b", "c", "d"], id="7.4 c-flow-mapping"),
    pytest.param("{}\n", [], id="7.4 c-flow-mapping, empty"),
    pytest.param("{a: {b: [c, {d: e}]}}\n", ["a", "b", "c", "d", "e"], id="7.4 c-flow-mapping, nested"),
    pytest.param("{? a : b, ? c, ? [d] : e}\n", ["a", "b", "c", "", "d", "e"], id="7.4 ns-flow-map-explicit-entry"),
    pytest.param('{"a":"b","c":["d"]}\n', ["a", "b", "c", "d"], id="7.4 c-ns-flow-map-adjacent-value, JSON"),
    pytest.param("{'a':b}\n", ["a", "b"], id="7.4 c-ns-flow-map-adjacent-value, single quotes"),
    pytest.param("{a:b}\n", ["a:b", ""], id="7.4 ns-flow-map-implicit-entry, without blanks"),
    pytest.param("a: [\nb\n]\n", ["a", "b"], id="7.4 flow at column 0 in block"),
    pytest.param(
        "[a, 'b', \"c\", [d], {e: f}, !!str g, &h i, *h]\n",
        ["a", "b", "c", "d", "e", "f", "g", "i"],
        id="7.5 ns-flow-node, all kinds",
    ),
    pytest.param("a: |2\n   b\n  c\n", ["a", " b\nc\n"], id="8.1 c-b-block-header, indentation"),
    pytest.param("a: |2-\n   b\n", ["a", " b"], id="8.1 c-b-block-header, both in one order"),
    pytest.param("a: |-2\n   b\n", ["a", " b"], id="8.1 c-b-block-header, both in the other"),
    pytest.param("a: |-\n  b\n\n", ["a", "b"], id="8.1 c-chomping-indicator, strip"),
    pytest.param("a: |\n  b\n\n", ["a", "b\n"], id="8.1 c-chomping-indicator, clip"),
    pytest.param("a: |+\n  b\n\nc: d\n", ["a", "b\n\n", "c", "d"], id="8.1 c-chomping-indicator, keep"),
    pytest.param("a: |+\n\nb: c\n", ["a", "\n", "b", "c"], id="8.1 c-chomping-indicator, keep of nothing"),
    pytest.param("a: |\n  b\n # c\nd: e\n", ["a", "b\n", "d", "e"], id="8.1 l-chomped-empty, a comment behind"),
    pytest.param("a: |\n  b\n   c\n  # d\n", ["a", "b\n c\n# d\n"], id="8.1 c-l+literal"),
    pytest.param("a: |\nb: c\n", ["a", "", "b", "c"], id="8.1 c-l+literal, empty"),
    pytest.param("a: |\n  b", ["a", "b"], id="8.1 c-l+literal, no line end"),
    pytest.param("a: |\n\n\n  b\n", ["a", "\n\nb\n"], id="8.1 c-l+literal, blank lines first"),
    pytest.param("|\n a\n", ["a\n"], id="8.1 c-l+literal, at the root"),
    pytest.param("a: |\n  b\n---\nc\n", ["a", "b\n", "c"], id="8.1 c-l+literal, a document marker ends it"),
    pytest.param("a: >\n  b\n  c\n", ["a", "b c\n"], id="8.1 c-l+folded"),
    pytest.param("a: >-\n  b\n\n  c\n", ["a", "b\nc"], id="8.1 c-l+folded, strip"),
    pytest.param("a: >\n  b\n    c\n  d\n", ["a", "b\n  c\nd\n"], id="8.1 s-nb-spaced-text"),
    pytest.param("a: >\n  - b\n  - c\n", ["a", "- b - c\n"], id="8.1 s-nb-spaced-text, lists"),
    pytest.param("- a\n-   b\n", ["a", "b"], id="8.2 l+block-sequence"),
    pytest.param("- - a\n  - b\n-   - c\n", ["a", "b", "c"], id="8.2 ns-l-compact-sequence"),
    pytest.param("- a: b\n  c: d\n-   e: f\n", ["a", "b", "c", "d", "e", "f"], id="8.2 ns-l-compact-mapping"),
    pytest.param("-a\n-b\n", ["-a -b"], id="8.2 c-l-block-seq-entry, without a blank"),
    pytest.param("a: b\nc:\n  d: e\n", ["a", "b", "c", "d", "e"], id="8.2 l+block-mapping"),
    pytest.param("? a\n: b\n? c\n", ["a", "b", "c", ""], id="8.2 c-l-block-map-explicit-entry"),
    pytest.param(
        "? - a\n  - b\n: c\n? {d: e}\n: [f]\n",
        ["a", "b", "c", "d", "e", "f"],
        id="8.2 c-l-block-map-explicit-key, collections",
    ),
    pytest.param("? |\n  a\n: b\n", ["a\n", "b"], id="8.2 c-l-block-map-explicit-key, a block"),
    pytest.param("'a b': c\n\"d\": e\n", ["a b", "c", "d", "e"], id="8.2 ns-l-block-map-implicit-entry, quoted keys"),
    pytest.param("[a]: b\n{c: d}: e\n", ["a", "b", "c", "d", "e"], id="8.2 ns-l-block-map-implicit-entry, a flow key"),
    pytest.param("a" * 1024 + ": b\n", ["a" * 1024, "b"], id="8.2 ns-l-block-map-implicit-entry, a long key"),
    pytest.param("a: b\na: c\n", ["a", "b", "a", "c"], id="8.2 l+block-mapping, a key twice"),
    pytest.param(
        "a: &a {b: c}\nd:\n  <<: *a\n  <<: *a\n", ["a", "b", "c", "d", "<<", "<<"], id="8.2 l+block-mapping, merge keys"
    ),
    pytest.param("!!map\na: b\n", ["a", "b"], id="8.2 s-l+block-node, a tag before a mapping"),
    pytest.param("a: &b\n- c\n- *b\n", ["a", "c"], id="8.2 s-l+block-collection, an anchor before a sequence"),
    pytest.param("# a\n\n---\nb\n", ["b"], id="9.1 l-document-prefix"),
    pytest.param("---\na: b\n", ["a", "b"], id="9.1 c-directives-end"),
    pytest.param("--- a\n", ["a"], id="9.1 c-directives-end, with content"),
    pytest.param("--- |\n a\n", ["a\n"], id="9.1 c-directives-end, with a block"),
    pytest.param("---a: b\n", ["---a", "b"], id="9.1 c-directives-end, as text"),
    pytest.param("a: b\n...\n", ["a", "b"], id="9.1 c-document-end"),
    pytest.param("---\n---\n", ["", ""], id="9.1 l-explicit-document, empty"),
    pytest.param("---\n# a\n...\n", [""], id="9.1 l-explicit-document, a comment alone"),
    pytest.param("%YAML 1.2\n---\na\n...\n%YAML 1.2\n---\nb\n", ["a", "b"], id="9.1 l-directive-document"),
    pytest.param("", [], id="9.2 l-yaml-stream, empty"),
    pytest.param("\n \n\n", [], id="9.2 l-yaml-stream, blank lines"),
    pytest.param("a: b\n---\na: c\n---\n- d\n", ["a", "b", "a", "c", "d"], id="9.2 l-yaml-stream, several documents"),
    pytest.param("a: &b c\n---\nd: *b\n", ["a", "c", "d"], id="9.2 l-yaml-stream, anchors end with their document"),
    pytest.param("!!map {a: b}\n", ["a", "b"], id="10.1 tag:yaml.org,2002:map"),
    pytest.param("!!seq [a, b]\n", ["a", "b"], id="10.1 tag:yaml.org,2002:seq"),
    pytest.param("a: !!str 1\n", ["a", "1"], id="10.1 tag:yaml.org,2002:str"),
    pytest.param("- null\n- ~\n-\n", ["null", "~", ""], id="10.2 null"),
    pytest.param("- true\n- False\n", ["true", "False"], id="10.2 bool"),
    pytest.param("- 0\n- -12\n- 0o14\n- 0x1F\n", ["0", "-12", "0o14", "0x1F"], id="10.2 int"),
    pytest.param(
        "- 1.5\n- -.5\n- 1e3\n- .inf\n- -.INF\n- .nan\n",
        ["1.5", "-.5", "1e3", ".inf", "-.INF", ".nan"],
        id="10.2 float",
    ),
    pytest.param(
        "- yes\n- 1_000\n- 1:30\n- 2001-12-14\n- =\n",
        ["yes", "1_000", "1:30", "2001-12-14", "="],
        id="10.3 what only YAML 1.1 knows",
    ),
    pytest.param(
        "- !!int '1'\n- !!binary aGk=\n- !!set {a, b}\n- !!omap [a: b]\n",
        ["1", "aGk=", "a", "", "b", "", "a", "b"],
        id="10.3 tags that say otherwise",
    ),
]
_NO_YAML = [
    pytest.param("a: \x01\n", id="5.1 c-printable, control character"),
    pytest.param("a: \x1b\n", id="5.1 c-printable, escape character"),
    pytest.param("a: \x7f\n", id="5.1 c-printable, DEL"),
    pytest.param("a: \ufffe\n", id="5.1 c-printable, not a character"),
    pytest.param("a: %b\n", id="5.3 c-directive, at the beginning of a plain text"),
    pytest.param("a: @b\n", id="5.3 c-reserved, @"),
    pytest.param("a: `b`\n", id="5.3 c-reserved, `"),
    pytest.param("a:\n\tb: c\n", id="5.5 s-tab, no indentation"),
    pytest.param('"\\c"\n', id="5.7 ns-esc, unknown"),
    pytest.param('"\\x4"\n', id="5.7 ns-esc-8-bit, too short"),
    pytest.param('"\\U00110000"\n', id="5.7 ns-esc-32-bit, beyond Unicode"),
    pytest.param("a:\n  b: c\n d: e\n", id="6.1 s-indent, too little"),
    pytest.param("a: b\n  c: d\n", id="6.1 s-indent, too much"),
    pytest.param("%YAML 2.0\n---\na: b\n", id="6.8 ns-yaml-directive, newer major"),
    pytest.param("%YAML 1.2\n%YAML 1.2\n---\na\n", id="6.8 ns-yaml-directive, twice"),
    pytest.param("%TAG ! a\n%TAG ! b\n---\nc\n", id="6.8 ns-tag-directive, twice"),
    pytest.param("%YAML 1.2\n", id="6.8 l-directive, without a document"),
    pytest.param("%YAML 1.2\na: b\n", id="6.8 l-directive, without its dashes"),
    pytest.param("a: &b &c d\n", id="6.9 c-ns-properties, two anchors"),
    pytest.param("a: !<b c\n", id="6.9 c-verbatim-tag, open"),
    pytest.param("a: !b!c d\n", id="6.9 c-ns-shorthand-tag, unknown handle"),
    pytest.param("- &a b\n- &c *a\n", id="7.1 c-ns-alias-node, with an anchor"),
    pytest.param('a: "b\n', id="7.3 c-double-quoted, open"),
    pytest.param('a: "b" c\n', id="7.3 c-double-quoted, text behind it"),
    pytest.param('a: "b\n---\nc"\n', id="7.3 c-double-quoted, a document marker in it"),
    pytest.param("a: 'b\n", id="7.3 c-single-quoted, open"),
    pytest.param("a: b # c\n  d\n", id="7.3 ns-plain-multi-line, a comment ends it"),
    pytest.param("a: b: c\n", id="7.3 ns-plain, colon and blank within"),
    pytest.param("a\nb: c\n", id="7.3 ns-plain-multi-line, as a key"),
    pytest.param("[a, , b]\n", id="7.4 c-flow-sequence, nothing before a comma"),
    pytest.param("[a, b\n", id="7.4 c-flow-sequence, open"),
    pytest.param("[a]]\n", id="7.4 c-flow-sequence, closed twice"),
    pytest.param("{a: b]\n", id="7.4 c-flow-mapping, closed by another"),
    pytest.param("a: |0\n b\n", id="8.1 c-indentation-indicator, zero"),
    pytest.param("a: |10\n          b\n", id="8.1 c-indentation-indicator, ten"),
    pytest.param("a: |\n    \n  b\n", id="8.1 c-l+literal, a blank line indented more first"),
    pytest.param("a: | b\n  c\n", id="8.1 c-l+literal, text behind the header"),
    pytest.param("  - a\n - b\n", id="8.2 l+block-sequence, less indented"),
    pytest.param("a" * 1025 + ": b\n", id="8.2 ns-s-block-map-implicit-key, too long"),
    pytest.param("'a\n b': c\n", id="8.2 ns-s-block-map-implicit-key, over lines"),
    pytest.param("a: b: c\n", id="8.2 c-l-block-map-implicit-value, two on one line"),
    pytest.param("a: - b\n", id="8.2 c-l-block-map-implicit-value, a sequence on its line"),
    pytest.param("a: b\n- c\n", id="8.2 l+block-mapping, a sequence beside it"),
    pytest.param("- a\nb: c\n", id="8.2 l+block-sequence, a mapping beside it"),
    pytest.param("--- a: b\n", id="9.1 c-directives-end, with a mapping"),
    pytest.param("a: b\n... c\n", id="9.1 c-document-end, text behind it"),
    pytest.param("a: b\n[c]\n", id="9.2 l-any-document, two roots"),
]
# Valid, but not to libyaml, and in no file that people keep.
_NOT_READ = [
    pytest.param('a: "\x7f"\n', id="5.1 nb-json, DEL in double quotes"),
    pytest.param("-\ta\n", id="5.5 s-tab, behind a dash"),
    pytest.param('"\\ud83d"\n', id="5.7 ns-esc-16-bit, a surrogate"),
    pytest.param("%YAML 1.3\n---\na: b\n", id="6.8 ns-yaml-directive, newer minor"),
    pytest.param("%FOO bar\n---\na: b\n", id="6.8 ns-reserved-directive"),
    pytest.param("a: &b.c d\n", id="6.9 c-ns-anchor-property, any characters"),
    pytest.param(": a\n", id="7.2 e-node, keys"),
    pytest.param("[a: b, ? c : d, : e]\n", id="7.4 ns-flow-pair"),
    pytest.param("a: |\n  \tb\n", id="8.1 c-l+literal, tabs within"),
    pytest.param("...\n", id="9.1 c-document-end, alone"),
    pytest.param("a\n...\nb\n...\n", id="9.1 l-bare-document"),
]


@pytest.mark.parametrize(("text", "values"), _READ)
def test_a_document_reads_as_the_specification_says(text, values):
    assert [scalar.value for scalar in scan(text.encode()).scalars] == values


@pytest.mark.parametrize("text", [*_NO_YAML, *_NOT_READ])
def test_what_libyaml_does_not_read_is_refused_with_its_place(text):
    with pytest.raises(NotYaml) as refused:
        locate(text.encode())

    assert 1 <= refused.value.line <= text.count("\n") + text.count("\r") + 1
    assert refused.value.reason


@pytest.mark.parametrize(("text", "values"), _READ)
def test_the_bytes_of_a_scalar_alone_read_as_its_value(text, values):
    file = scan(text.encode())

    # Of blocks and texts over several lines the indentation counts, which alone they do not have; none is edited.
    sources = [(file.source_of(scalar), scalar.value) for scalar in file.scalars if file.is_on_one_line(scalar)]
    assert [_list_values(f"- {source}\n", yaml.CSafeLoader) for source, _ in sources] == [[each] for _, each in sources]


@pytest.mark.parametrize(("text", "values"), _READ)
def test_editing_one_scalar_leaves_all_others(text, values):
    file = scan(text.encode())

    for number, scalar in enumerate(file.scalars):
        edit = Edit(scalar.start, scalar.end, scalar.value, _NEW)
        try:
            result = rewrite(file.data, [edit])
        except UnsafeRewrite:
            assert scalar.role is Role.KEY or not scalar.value or not file.is_on_one_line(scalar)
            continue
        spelling = f"{scalar.style.value}{_NEW}{scalar.style.value}".encode()
        assert result == file.data[: scalar.start] + spelling + file.data[scalar.end :]
        for loader in (yaml.CSafeLoader, yaml.SafeLoader, _INDEPENDENT):
            before, after = _list_values(text, loader), _list_values(result.decode(), loader)
            assert before != values or after == [*values[:number], _NEW, *values[number + 1 :]]


def _list_values(text: str, loader: Any) -> list[str] | None:
    """Return the scalars, or None if this parser cannot read the text; not all read all that libyaml reads."""
    try:
        events = YAML(typ="safe", pure=True).parse(text) if loader is _INDEPENDENT else yaml.parse(text, Loader=loader)
        return [event.value for event in events if hasattr(event, "value")]
    except (yaml.YAMLError, YAMLError, AssertionError):
        return None
