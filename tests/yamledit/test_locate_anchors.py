"""Scalars that several places share through an anchor are edited for all of them, or not at all."""

import pytest

from imagebot.yamledit.candidate import MAX_PLACES
from imagebot.yamledit.locate import locate

# As many as a file may name, those that are not aliases counted too.
_MANY = MAX_PLACES - 2
A = f"sha256:{64 * 'a'}"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param("- image: &i nginx:1.2\n- image: *i\n- image: *i\n", "nginx:1.2", id="images"),
        pytest.param(
            "- {repository: a/b, tag: &t 1.2}\n- {repository: a/b, tag: *t}\n", "a/b:1.2", id="tags of split maps"
        ),
        pytest.param(
            "- {repository: &r a/b, tag: &t 1.2}\n- {repository: *r, tag: *t}\n", "a/b:1.2", id="repository and tag"
        ),
        pytest.param(
            "- {registry: docker.io, repository: library/nginx, tag: &t v1}\n- {repository: nginx, tag: *t}\n",
            "docker.io/library/nginx:v1",
            id="the same repository in two spellings",
        ),
        pytest.param(
            "images: [{name: a/b, newTag: &t v1}]\nimage: {repository: a/b, tag: *t}\n",
            "a/b:v1",
            id="two kinds of place",
        ),
        pytest.param(
            f"- {{repository: a, tag: &t v1, digest: &d '{A}'}}\n- {{repository: a, tag: *t, digest: *d}}\n",
            f"a:v1@{A}",
            id="tag and digest",
        ),
        pytest.param(
            f"- {{repository: a, digest: &d '{A}'}}\n- {{repository: a, tag: '', digest: *d}}\n",
            f"a@{A}",
            id="a digest alone",
        ),
        pytest.param(
            f"- {{repository: a, tag: &t '1@{A}'}}\n- {{repository: a, tag: *t}}\n", f"a:1@{A}", id="both in one scalar"
        ),
    ],
)
def test_a_scalar_shared_by_the_same_image_is_one_occurrence(text, reference):
    located = locate(text.encode())

    assert [str(one.reference) for one in located.occurrences] == [reference]
    assert located.occurrences[0].line == 1
    assert located.left_alone == ()


@pytest.mark.parametrize(
    ("text", "can"),
    [
        pytest.param("- image: &i nginx:1.2\n- image: *i\n", True, id="images"),
        pytest.param("images: [{name: a, newTag: &t v1}, {name: a, newTag: *t}]\n", True, id="Kustomize's tags"),
        pytest.param("images: [{name: a, newTag: &t v1}]\nb: {repository: a, tag: *t}\n", False, id="a chart's label"),
        pytest.param(
            "- {repository: a, tag: &t v1, digest: ''}\n- {repository: a, tag: *t}\n", False, id="room at one use"
        ),
        pytest.param(
            "- {repository: a, tag: v1, digest: &d ''}\n- {repository: b, tag: v1, digest: *d}\n",
            False,
            id="an empty digest of two images",
        ),
        pytest.param("- {repository: a, tag: v1, digest: &d ''}\n- *d\n", False, id="an empty text used elsewhere"),
        pytest.param("- &d ''\n- {repository: a, tag: v1, digest: *d}\n", False, id="anchored elsewhere"),
        pytest.param("- &d ''\n- images: [{name: a, newTag: v1, digest: *d}]\n", True, id="Kustomize has its tag"),
        pytest.param("a: &base {image: 'a:1'}\nb: {<<: *base, x: y}\n", True, id="a merged whole reference"),
    ],
)
def test_a_digest_is_added_only_where_it_is_right_for_all_who_share(text, can):
    located = locate(text.encode())

    assert located.left_alone == ()
    assert {one.can_hold_digest for one in located.occurrences} == {can}


def test_no_digest_is_added_where_a_merge_key_takes_it_over_beside_another_tag():
    located = locate(b"a: &base {repository: a, tag: v1, digest: ''}\nb: {<<: *base, tag: v2}\n")

    assert [one.can_hold_digest for one in located.occurrences] == [False]
    assert [left.line for left in located.left_alone] == [2]


def test_a_repository_that_is_an_alias_is_read_through():
    located = locate(b"r: &r ghcr.io/acme/api\nimage: {repository: *r, tag: v1}\nother: *r\n")

    assert [str(one.reference) for one in located.occurrences] == ["ghcr.io/acme/api:v1"]


def test_an_anchor_written_anew_is_another_scalar():
    located = locate(b"- image: &i a:1\n- image: *i\n- image: &i b:2\n- image: *i\n")

    assert [str(one.reference) for one in located.occurrences] == ["a:1", "b:2"]


_NO_PART = "where it is no part of an image that imagebot edits"
_OTHER = "where it names another image or stands with other parts"


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        pytest.param(
            "x: &i nginx:1.2\nimage: *i\n",
            {2: f"the text is shared as &i with line 1, {_NO_PART}"},
            id="anchored where no image is named",
        ),
        pytest.param(
            "image: &i nginx:1.2\nb: {image: *i}\nx: *i\n",
            {
                1: f"the text is shared as &i with line 3, {_NO_PART}",
                2: f"the text is shared as &i with line 3, {_NO_PART}",
            },
            id="used where no image is named",
        ),
        pytest.param(
            "image: &i nginx:1.2\n*i : x\n",
            {1: f"the text is shared as &i with line 2, {_NO_PART}"},
            id="used as a key",
        ),
        pytest.param(
            "- {repository: a, tag: &t v1}\n- {repository: b, tag: *t}\n",
            {
                1: f"the text is shared as &t with line 2, {_OTHER}",
                2: f"the text is shared as &t with line 1, {_OTHER}",
            },
            id="tag of two images",
        ),
        pytest.param(
            f"- {{repository: a, tag: &t v1}}\n- {{repository: a, tag: *t, digest: '{A}'}}\n",
            {
                1: f"the text is shared as &t with line 2, {_OTHER}",
                2: f"the text is shared as &t with line 1, {_OTHER}",
            },
            id="a digest of its own at one use",
        ),
        pytest.param(
            f"- {{repository: a, digest: &d '{A}'}}\n- {{repository: a, tag: v1, digest: *d}}\n",
            {
                1: f"the text is shared as &d with line 2, {_OTHER}",
                2: f"the text is shared as &d with line 1, {_OTHER}",
            },
            id="a tag of its own at one use",
        ),
        pytest.param(
            "- {repository: a, tag: &t v1}\n- {repository: $R, tag: *t}\n",
            {1: f"the text is shared as &t with line 2, {_NO_PART}", 2: "it holds the variable $R"},
            id="a use that is left alone",
        ),
    ],
)
def test_a_scalar_shared_by_anything_else_is_left_alone(text, reasons):
    located = locate(text.encode())

    assert located.occurrences == ()
    assert {one.line: one.reason for one in located.left_alone} == reasons


def test_many_aliases_of_one_image_are_located_in_linear_time():
    located = locate(b"image: &i nginx:1.2\n---\n" + b"- image: &i nginx:1.2\n" + b"- image: *i\n" * _MANY)

    assert [one.line for one in located.occurrences] == [1, 3]


def test_many_aliases_of_a_long_text_take_linear_time():
    located = locate(
        b"x: &x '" + b"a" * 1_000_000 + b"'\n---\n" + b"- &x '" + b"a" * 1_000_000 + b"'\n" + b"- image: *x\n" * _MANY
    )

    assert len(located.left_alone) == _MANY


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "a: &base {repository: acme/a, tag: 1.0.0}\nb: {<<: *base, repository: acme/b}\n", id="another repository"
        ),
        pytest.param(
            "a: &base {repository: acme/a, tag: 1.0.0}\nb: {<<: [*base], registry: ghcr.io}\n", id="another registry"
        ),
        pytest.param(
            "a: &base {repository: acme/a, tag: 1.0.0}\n"
            "b: &middle {<<: *base, x: 1}\nc: {<<: *middle, repository: acme/b}\n",
            id="by way of another mapping",
        ),
        pytest.param(
            f"a: &base {{repository: acme/a, digest: '{A}'}}\nb: {{<<: *base, repository: acme/b}}\n", id="a digest"
        ),
        pytest.param(
            "a: &base {repository: acme/a, tag: 1.0.0}\nb: {<<: [{repository: acme/b}, *base]}\n",
            id="a repository that an earlier merge brings",
        ),
    ],
)
def test_a_tag_that_a_merge_key_brings_to_another_image_is_left_alone(text):
    located = locate(text.encode())

    assert located.occurrences == ()
    assert [left.reason for left in located.left_alone] == [
        "a merge key brings its tag or digest into a mapping that names another image"
    ]


def test_a_tag_beside_a_merged_repository_is_left_alone_with_the_reason():
    text = "w: &w {repository: acme/a, pullPolicy: Always}\nv: {<<: *w, tag: 1.0.0}\n"

    located = locate(text.encode())

    assert located.occurrences == ()
    assert [(left.line, left.reason) for left in located.left_alone] == [
        (2, "a merge key brings the repository, and only parts that stand together are edited")
    ]


def test_a_merge_behind_one_that_brings_all_parts_lends_nothing():
    text = "a: &a {repository: acme/a, tag: 1.0.0}\nb: &b {repository: acme/b, tag: 2.0.0}\nc: {<<: [*b, *a]}\n"

    assert [str(each.reference) for each in locate(text.encode()).occurrences] == ["acme/a:1.0.0", "acme/b:2.0.0"]


def test_a_merge_that_brings_only_what_is_overridden_lends_nothing():
    text = "a: &base {repository: acme/a, tag: 1.0.0}\nb: {<<: *base, repository: acme/b, tag: 2.0.0}\nc: {<<: *base}\n"

    assert [str(each.reference) for each in locate(text.encode()).occurrences] == ["acme/a:1.0.0", "acme/b:2.0.0"]
