import re

import pytest

from imagebot.yamledit.edit import Edit, make_edits
from imagebot.yamledit.locate import locate
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite
from imagebot.yamledit.scan import NotYaml, scan

A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"


def _bump(text: str, *, tag: str = "1.3", digest: str = B) -> str:
    """Return the text with every occurrence moved to the tag, and to the digest where there is one already."""
    data = text.encode()
    occurrences = locate(data).occurrences
    assert occurrences
    edits = [
        edit for one in occurrences for edit in make_edits(one, tag=tag, digest=digest if one.has_digest else None)
    ]
    return rewrite(data, edits).decode()


def _pin(text: str) -> str:
    """Return the text with the digest at every occurrence, and the tags as they are."""
    data = text.encode()
    occurrences = locate(data).occurrences
    assert occurrences
    return rewrite(
        data, [edit for one in occurrences for edit in make_edits(one, tag=one.reference.tag, digest=B)]
    ).decode()


def _make_edit(text: str, old: str, new: str) -> Edit:
    """Return an edit of the last scalar that reads as the old text."""
    scalar = [scalar for scalar in scan(text.encode()).scalars if scalar.value == old][-1]
    return Edit(scalar.start, scalar.end, old, new)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param("image: nginx:1.2", "image: nginx:1.3", id="no line end at the end"),
        pytest.param("a: b\r\nimage: nginx:1.2\r\n\r\n", "a: b\r\nimage: nginx:1.3\r\n\r\n", id="CRLF"),
        pytest.param("a: b\rimage: nginx:1.2\r", "a: b\rimage: nginx:1.3\r", id="lone CR"),
        pytest.param("a: b\r\n\nc: d\rimage: nginx:1.2\n", "a: b\r\n\nc: d\rimage: nginx:1.3\n", id="mixed line ends"),
        pytest.param("\ufeffimage: nginx:1.2\n", "\ufeffimage: nginx:1.3\n", id="byte order mark"),
        pytest.param(
            "\ufeffimage: &ü1 nginx:1.2\n".replace("ü", "u"), "\ufeffimage: &u1 nginx:1.3\n", id="mark, anchor"
        ),
        pytest.param("{🐳: 漢, image: nginx:1.2}", "{🐳: 漢, image: nginx:1.3}", id="wide characters before it"),
        pytest.param("image: nginx:1.2  \t \n\n\n", "image: nginx:1.3  \t \n\n\n", id="trailing blanks and lines"),
        pytest.param("image: nginx:1.2 # nginx:1.2: 'x\n", "image: nginx:1.3 # nginx:1.2: 'x\n", id="comment"),
        pytest.param(
            "# image: nginx:1.2\nimage: nginx:1.2\n#", "# image: nginx:1.2\nimage: nginx:1.3\n#", id="comments"
        ),
        pytest.param("{image: nginx:1.2}", "{image: nginx:1.3}", id="flow mapping"),
        pytest.param("{image: nginx:1.2,b: [image: a:1]}", "{image: nginx:1.3,b: [image: a:1.3]}", id="flow, twice"),
        pytest.param("image: 'nginx:1.2'\n", "image: 'nginx:1.3'\n", id="single quotes"),
        pytest.param('image: "nginx:\\x31.2"\n', 'image: "nginx:1.3"\n', id="an escape is spelled out"),
        pytest.param("image:\tnginx:1.2\n", "image:\tnginx:1.3\n", id="a tab, where one parser gives up"),
        pytest.param("image:\n  !!str &a\n  # c\n  nginx:1.2\n", "image:\n  !!str &a\n  # c\n  nginx:1.3\n", id="tag"),
        pytest.param(
            "image: a:1\n---\nimage: a:1\n", "image: a:1.3\n---\nimage: a:1.3\n", id="one path, two documents"
        ),
        pytest.param("image: a:1\nimage: b:1\n", "image: a:1.3\nimage: b:1.3\n", id="one key twice"),
        pytest.param("image: &i a:1\nb: {image: *i}\n", "image: &i a:1.3\nb: {image: *i}\n", id="shared by an alias"),
        pytest.param("x: |\n  image: a:1\nimage: a:1\n", "x: |\n  image: a:1\nimage: a:1.3\n", id="literal block"),
        pytest.param("x: >-\n\n  image: a:1\n\nimage: a:1", "x: >-\n\n  image: a:1\n\nimage: a:1.3", id="folded block"),
        pytest.param("%YAML 1.1\n---\nimage: a:1\n...\n", "%YAML 1.1\n---\nimage: a:1.3\n...\n", id="directives"),
        pytest.param("? image\n:   a:1\n? [x]\n: y\n", "? image\n:   a:1.3\n? [x]\n: y\n", id="explicit keys"),
        pytest.param("a: &x 1\na: &x 2\nimage: b:1 # *x\n", "a: &x 1\na: &x 2\nimage: b:1.3 # *x\n", id="anchor twice"),
        pytest.param(
            "b: 'it''s'\nimage: a:1\nc: \"\\t\"\n", "b: 'it''s'\nimage: a:1.3\nc: \"\\t\"\n", id="other quotes"
        ),
        pytest.param(f"image: a:1@{A} # x\n", f"image: a:1.3@{B} # x\n", id="tag and digest"),
    ],
)
def test_only_the_image_changes(text, result):
    assert _bump(text) == result


@pytest.mark.parametrize(
    ("text", "tag", "result"),
    [
        pytest.param(
            "{repository: a, tag: v1.9}", "1.10", '{repository: a, tag: "1.10"}', id="double, for want of others"
        ),
        pytest.param("{repository: 'a', tag: v1}", "1.10", "{repository: 'a', tag: '1.10'}", id="single, as the file"),
        pytest.param("{repository: 'a', tag: v1, b: \"\"}", "12", '{repository: \'a\', tag: "12", b: ""}', id="both"),
        pytest.param("{repository: a, tag: 31}", "32", "{repository: a, tag: 32}", id="an integer stays plain"),
        pytest.param("{repository: a, tag: '1.10'}", "v2", "{repository: a, tag: 'v2'}", id="quotes are never removed"),
        pytest.param("{repository: a, tag: 1.10}", "1.10", "{repository: a, tag: 1.10}", id="nothing to change"),
        pytest.param("image: a:b", "1.10", "image: a:1.10", id="a whole reference is a string anyway"),
    ],
)
def test_quotes_of_the_new_text(text, tag, result):
    assert _bump(text, tag=tag) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param(
            f"images:\n- newTag: 1.2 # t\n  name: a\n  digest: {A} # d\n",
            f'images:\n- newTag: "1.3" # t\n  name: a\n  digest: {B} # d\n',
            id="Kustomize",
        ),
        pytest.param(
            f"image:\n   digest: '{A}'\n   tag: v1\n   registry: b.c\n   repository: a\n",
            f"image:\n   digest: '{B}'\n   tag: '1.3'\n   registry: b.c\n   repository: a\n",
            id="split map",
        ),
    ],
)
def test_tag_and_digest_change_together(text, result):
    assert _bump(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param("image: a:1", f"image: a:1@{B}", id="no line end at the end"),
        pytest.param(f"image: a:1@{A} # x\n", f"image: a:1@{B} # x\n", id="in place of another"),
        pytest.param(f"image: a@{A}\n", f"image: a@{B}\n", id="without a tag"),
        pytest.param("image: 'a:1' # a:1\n", f"image: 'a:1@{B}' # a:1\n", id="single quotes, comment"),
        pytest.param('{image: "a:1"}', f'{{image: "a:1@{B}"}}', id="double quotes, flow mapping"),
        pytest.param("[{image: a:1,b: c}]", f"[{{image: a:1@{B},b: c}}]", id="plain in a flow mapping"),
        pytest.param("\ufeffimage: a:1\r\n\r\n", f"\ufeffimage: a:1@{B}\r\n\r\n", id="byte order mark, CRLF"),
        pytest.param("image: &i a:1\nb: {image: *i}\n", f"image: &i a:1@{B}\nb: {{image: *i}}\n", id="shared"),
        pytest.param(
            "images:\r\n- newTag: 1.2 # t\r\n  name: a\r\n",
            f"images:\r\n- newTag: 1.2@{B} # t\r\n  name: a\r\n",
            id="Kustomize, behind a tag",
        ),
        pytest.param("images: [{name: a, newTag: 31}]", f"images: [{{name: a, newTag: 31@{B}}}]", id="a number"),
        pytest.param("images: [{name: a, newTag: '1'}]", f"images: [{{name: a, newTag: '1@{B}'}}]", id="a quoted tag"),
        pytest.param(
            "images: [{name: a, newTag: &t v1}, {name: a, newTag: *t}]",
            f"images: [{{name: a, newTag: &t v1@{B}}}, {{name: a, newTag: *t}}]",
            id="Kustomize, a shared tag",
        ),
        pytest.param(
            "images: [{name: a, newTag: v1, digest: ~}]",
            f"images: [{{name: a, newTag: v1@{B}, digest: ~}}]",
            id="Kustomize, beside null",
        ),
        pytest.param(
            "images:\n- name: a\n  newTag: 1.2\n  digest: '' # d\n",
            f"images:\n- name: a\n  newTag: 1.2\n  digest: '{B}' # d\n",
            id="Kustomize, in an empty digest",
        ),
        pytest.param(
            f"images:\n- name: a\n  digest: {A} # d\n",
            f"images:\n- name: a\n  digest: {B} # d\n",
            id="Kustomize's alone",
        ),
        pytest.param(
            '\ufeffimage:\r\n  digest: ""  # d\r\n  tag: 1.10\r\n  repository: a\r\n',
            f'\ufeffimage:\r\n  digest: "{B}"  # d\r\n  tag: 1.10\r\n  repository: a\r\n',
            id="split map, an ambiguous tag untouched",
        ),
        pytest.param(
            "{repository: a, tag: v1, digest: !!str &d ''}",
            f"{{repository: a, tag: v1, digest: !!str &d '{B}'}}",
            id="behind tag and anchor",
        ),
        pytest.param('{repository: a,tag: v1,digest: ""}', f'{{repository: a,tag: v1,digest: "{B}"}}', id="tight"),
        pytest.param(f"{{repository: a, tag: 'v1@{A}'}}", f"{{repository: a, tag: 'v1@{B}'}}", id="in the tag"),
        pytest.param(
            f"repository: a\ntag: ''\ndigest: '{A}'\n", f"repository: a\ntag: ''\ndigest: '{B}'\n", id="no tag"
        ),
    ],
)
def test_only_the_digest_changes(text, result):
    once = _pin(text)

    assert once == result
    assert _pin(once) == once


@pytest.mark.parametrize(
    ("text", "old", "new", "result"),
    [
        pytest.param("x: a=b:1 # c\n", "a=b:1", "a=b:2", "x: a=b:2 # c\n", id="plain"),
        pytest.param("x: 'a=b:1'\n", "a=b:1", f"a=b:1@{B}", f"x: 'a=b:1@{B}'\n", id="quoted, longer"),
        pytest.param('x: "a b:1 c"\n', "a b:1 c", "a b:22 c", 'x: "a b:22 c"\n', id="text on both sides"),
        pytest.param("x: docker://a:1\n", "docker://a:1", "docker://a:2", "x: docker://a:2\n", id="a scheme"),
        pytest.param("x: [a=b:1,c]\n", "a=b:1", "a=b:2", "x: [a=b:2,c]\n", id="flow sequence"),
    ],
)
def test_what_no_reference_holds_stays_around_one(text, old, new, result):
    assert rewrite(text.encode(), [_make_edit(text, old, new)]).decode() == result


def test_equal_edits_count_once():
    edit = _make_edit("image: a:1\n", "a:1", "a:2")

    assert rewrite(b"image: a:1\n", [edit, edit]) == b"image: a:2\n"


def test_edits_may_come_in_any_order():
    text = "- image: a:1\n- image: b:1\n"
    edits = [_make_edit(text, "b:1", "b:2.0"), _make_edit(text, "a:1", "a:2.0")]

    assert rewrite(text.encode(), edits) == b"- image: a:2.0\n- image: b:2.0\n"


def test_no_edits_change_nothing():
    assert rewrite(b"\xef\xbb\xbfa:   b\r\n", []) == b"\xef\xbb\xbfa:   b\r\n"


def test_edits_that_contradict_each_other_are_refused():
    text = "x: y\nimage: a:1\n"
    edits = [_make_edit(text, "a:1", "a:2"), _make_edit(text, "a:1", "a:3")]

    with pytest.raises(UnsafeRewrite, match=r"line 2 .* two edits contradict each other: 'a:2' and 'a:3'"):
        rewrite(text.encode(), edits)


@pytest.mark.parametrize(
    ("text", "old", "new", "reason"),
    [
        pytest.param("x: |\n  a:1\n", "a:1\n", "a:2", "the text spans several lines or is a block", id="literal block"),
        pytest.param("x: a\n  b\n", "a b", "c", "the text spans several lines or is a block", id="over two lines"),
        pytest.param("a: b\n", "a", "c", "'a' is a key", id="key"),
        pytest.param("x: &an:chor a\n", ":chor a", "b", "the bytes '&an:chor a' do not spell ':chor a'", id="anchor"),
        pytest.param(
            'x: "\\x61=b:1"\n', "a=b:1", "a=b:2", "the new text 'a=b:2' holds characters", id="escapes before"
        ),
        pytest.param("x: a=b\n", "a=b", "a=[b", "the new text 'a=[b' holds characters", id="a bracket without quotes"),
        pytest.param("x: 'a'\n", "a", "it's", 'the new text "it\'s" holds characters that no image', id="characters"),
        pytest.param("x: a\n", "a", "b\nc: d", "the new text 'b\\nc: d' holds characters", id="line end"),
        pytest.param("x:\n", "", "b", "MappingStart, which was not to change, becomes 'x:b'", id="no text"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(text, old, new, reason):
    edit = _make_edit(text, old, new)

    with pytest.raises(UnsafeRewrite) as refused:
        rewrite(text.encode(), [edit])

    assert refused.value.reason.startswith(reason)
    assert str(refused.value).startswith(f"line {refused.value.line} cannot be rewritten safely: ")


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(Edit(7, 9, "a:", "b:"), "no scalar occupies just the bytes 7 to 9", id="a part of a scalar"),
        pytest.param(Edit(7, 11, "a:1", "b:1"), "no scalar occupies just the bytes 7 to 11", id="more than a scalar"),
        pytest.param(Edit(7, 10, "a:0", "a:2"), "the text is 'a:1', and the edit expects 'a:0'", id="another text"),
    ],
)
def test_an_edit_of_another_file_is_refused(edit, reason):
    with pytest.raises(UnsafeRewrite) as refused:
        rewrite(b"image: a:1\n", [edit])

    assert (refused.value.line, refused.value.reason[: len(reason)]) == (1, reason)


def test_a_result_that_is_no_yaml_is_refused():
    # A key on one line has at most 1024 characters: with a longer tag this mapping is none any more.
    text = f"{{image: nginx:1, x: {'y' * 990}}}: z\n"

    with pytest.raises(UnsafeRewrite, match="the result is no YAML") as refused:
        _bump(text, tag="1" * 64)

    assert refused.value.line == 1


def test_a_file_that_the_second_parser_reads_otherwise_is_refused():
    # To libyaml a byte order mark at the beginning of a line is no text, to ruamel.yaml it is a character.
    text = "a: b\n---\n\ufeffnginx:1\n"

    with pytest.raises(UnsafeRewrite, match="a second parser disagrees: the text reads '\\\\ufeffnginx:1'"):
        rewrite(text.encode(), [_make_edit(text, "nginx:1", "nginx:2")])


# More than the second parser reads at once: of such files it reads what stands around the edits.
_MANY_LINES = "".join(f"key{number}: [a, b, c, d, e, f, g]\n" for number in range(400))


def test_of_a_large_file_the_second_parser_reads_what_stands_around_the_edit():
    text = f"{_MANY_LINES}---\n\ufeffnginx:1\n---\n{_MANY_LINES}image: nginx:1\n"
    (other, edit) = (Edit(start, start + 7, "nginx:1", "nginx:2") for start in _find_all(text, "nginx:1"))

    assert rewrite(text.encode(), [edit]).decode() == f"{text[:-2]}2\n"
    with pytest.raises(UnsafeRewrite, match="a second parser disagrees: the text reads '\\\\ufeffnginx:1'") as refused:
        rewrite(text.encode(), [other, edit])
    assert refused.value.line == 402


def _find_all(text: str, part: str) -> list[int]:
    """Find where in bytes the part stands."""
    starts = (match.start() for match in re.finditer(re.escape(part), text))
    return [len(text[:start].encode()) for start in starts]


def test_many_edits_of_a_large_file_with_wide_characters_are_all_made():
    text = "".join(
        f"{_MANY_LINES if number % 50 == 0 else ''}🐳{number}: {{image: ü/nginx, tag: '1'}}\n" for number in range(500)
    )
    edits = [Edit(start, start + 3, "1", "1.2.3") for start in _find_all(text, "'1'")]

    assert rewrite(text.encode(), edits).decode() == text.replace("'1'", "'1.2.3'")


def test_edits_around_which_more_stands_than_a_second_parser_reads_are_refused():
    text = "[" + "[],".join(["a:1,"] + 20_000 * [""]) + "]"
    edit = _make_edit(text, "a:1", "a:2")

    with pytest.raises(UnsafeRewrite, match="around the edits stands more than a second parser reads: 30000 nodes"):
        rewrite(text.encode(), [edit])


def test_data_that_is_no_yaml_is_refused():
    with pytest.raises(NotYaml):
        rewrite(b"a: [", [])
