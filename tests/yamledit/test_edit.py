import pytest

from imagebot.image.reference import InvalidReference
from imagebot.yamledit.edit import make_edits, make_reference
from imagebot.yamledit.locate import locate
from imagebot.yamledit.occurrence import Occurrence

A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"


def _locate_one(text: str) -> Occurrence:
    (occurrence,) = locate(text.encode()).occurrences
    return occurrence


@pytest.mark.parametrize(
    ("text", "changes", "reference"),
    [
        pytest.param(
            "image: 'nginx:1.2'", [("nginx:1.2", f"nginx:1.3@{B}")], f"nginx:1.3@{B}", id="the name stays as written"
        ),
        pytest.param(
            "image: docker.io/library/nginx:1.2",
            [("docker.io/library/nginx:1.2", f"docker.io/library/nginx:1.3@{B}")],
            f"docker.io/library/nginx:1.3@{B}",
            id="a full name too",
        ),
        pytest.param(
            f"image: host:5000/a:1@{A}",
            [(f"host:5000/a:1@{A}", f"host:5000/a:1.3@{B}")],
            f"host:5000/a:1.3@{B}",
            id="digest",
        ),
        pytest.param(
            f"{{digest: '{A}', registry: b.c, repository: a, tag: 1.2}}",
            [("1.2", "1.3"), (A, B)],
            f"b.c/a:1.3@{B}",
            id="a split map's tag and digest",
        ),
        pytest.param(
            f"{{repository: a, tag: '1@{A}'}}", [(f"1@{A}", f"1.3@{B}")], f"a:1.3@{B}", id="both in one scalar"
        ),
        pytest.param(
            f"images: [{{name: x, newName: a, newTag: 1.2, digest: '{A}'}}]",
            [("1.2", "1.3"), (A, B)],
            f"a:1.3@{B}",
            id="Kustomize's tag and digest",
        ),
        pytest.param(
            "images: [{name: a, newTag: 1.2}]", [("1.2", f"1.3@{B}")], f"a:1.3@{B}", id="Kustomize's tag takes a digest"
        ),
        pytest.param(
            "images: [{digest: '', name: a, newTag: 1.2}]",
            [("1.2", "1.3"), ("", B)],
            f"a:1.3@{B}",
            id="Kustomize's empty digest",
        ),
        pytest.param(
            '{digest: "", repository: a, tag: 1.2}', [("1.2", "1.3"), ("", B)], f"a:1.3@{B}", id="a map's empty digest"
        ),
        pytest.param(
            f"{{repository: a, tag: 1.3, digest: '{A}'}}", [(A, B)], f"a:1.3@{B}", id="no edit of a tag that stays"
        ),
        pytest.param(
            f"{{repository: a, tag: 1.2, digest: '{B}'}}", [("1.2", "1.3")], f"a:1.3@{B}", id="nor of a digest"
        ),
        pytest.param(f"image: a:1.3@{B}", [], f"a:1.3@{B}", id="nothing to change"),
    ],
)
def test_a_tag_and_a_digest_for_an_occurrence(text, changes, reference):
    occurrence = _locate_one(text)

    edits = make_edits(occurrence, tag="1.3", digest=B)

    assert [(edit.old, edit.new) for edit in edits] == changes
    assert str(make_reference(occurrence, tag="1.3", digest=B)) == reference


@pytest.mark.parametrize(
    ("text", "change", "reference"),
    [
        pytest.param("image: nginx:1.2", ("nginx:1.2", "nginx:1.3"), "nginx:1.3", id="image"),
        pytest.param("images: [{name: a, newTag: 1.2}]", ("1.2", "1.3"), "a:1.3", id="Kustomize"),
        pytest.param("images: [{name: a, newTag: 1.2, digest: ''}]", ("1.2", "1.3"), "a:1.3", id="an empty digest"),
        pytest.param("{repository: a, tag: 1.2}", ("1.2", "1.3"), "a:1.3", id="split map"),
        pytest.param('{repository: a, tag: 1.2, digest: ""}', ("1.2", "1.3"), "a:1.3", id="a map's empty digest"),
    ],
)
def test_a_tag_alone_adds_no_digest(text, change, reference):
    occurrence = _locate_one(text)

    (edit,) = make_edits(occurrence, tag="1.3", digest=None)

    assert (edit.old, edit.new) == change
    assert str(make_reference(occurrence, tag="1.3", digest=None)) == reference


@pytest.mark.parametrize(
    ("text", "change"),
    [
        pytest.param(f"image: a@{A}", (f"a@{A}", f"a@{B}"), id="image"),
        pytest.param(f"images: [{{name: a, digest: '{A}'}}]", (A, B), id="Kustomize"),
        pytest.param(f"{{repository: a, tag: '', digest: '{A}'}}", (A, B), id="split map"),
    ],
)
def test_a_digest_alone_stays_alone(text, change):
    occurrence = _locate_one(text)

    (edit,) = make_edits(occurrence, tag=None, digest=B)

    assert (edit.old, edit.new) == change
    assert str(make_reference(occurrence, tag=None, digest=B)) == f"a@{B}"


@pytest.mark.parametrize(
    ("text", "tag", "digest", "message"),
    [
        pytest.param(f"image: a:1@{A}", "2", None, "has a digest, and there is no new one", id="no digest for one"),
        pytest.param(f"image: a@{A}", None, None, "has a digest, and there is no new one", id="nothing for a digest"),
        pytest.param("image: a:1", None, None, "has a tag, and there is no new one", id="nothing for a tag"),
        pytest.param("image: a:1", None, B, "has a tag, and there is no new one", id="no tag for one"),
        pytest.param(f"image: a@{A}", "2", B, "has no tag, and 2 is not added", id="a tag for none"),
        pytest.param(
            "{repository: a, tag: 1.2}", "2", B, "where no digest can be added", id="a digest without a place"
        ),
    ],
)
def test_what_an_occurrence_cannot_say_is_the_callers_mistake(text, tag, digest, message):
    occurrence = _locate_one(text)

    with pytest.raises(ValueError, match=message):
        make_edits(occurrence, tag=tag, digest=digest)


@pytest.mark.parametrize(
    ("tag", "digest"),
    [
        pytest.param("1.3\n", B, id="no tag"),
        pytest.param("", B, id="an empty tag"),
        pytest.param("1.3", "sha256:b", id="no digest"),
    ],
)
def test_what_is_no_tag_or_digest_is_refused(tag, digest):
    occurrence = _locate_one(f"image: nginx:1.2@{A}")

    with pytest.raises(InvalidReference):
        make_edits(occurrence, tag=tag, digest=digest)
