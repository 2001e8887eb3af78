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
        pytest.param("image: 'nginx:1.2'", [("nginx:1.2", "nginx:1.3")], "nginx:1.3", id="the name stays as written"),
        pytest.param(
            "image: docker.io/library/nginx:1.2",
            [("docker.io/library/nginx:1.2", "docker.io/library/nginx:1.3")],
            "docker.io/library/nginx:1.3",
            id="a full name too",
        ),
        pytest.param(
            f"image: host:5000/a:1@{A}",
            [(f"host:5000/a:1@{A}", f"host:5000/a:1.3@{B}")],
            f"host:5000/a:1.3@{B}",
            id="digest",
        ),
        pytest.param("{repository: a, tag: 1.2}", [("1.2", "1.3")], "a:1.3", id="a split map's tag"),
        pytest.param("{repository: a, tag: 1.2, digest: ''}", [("1.2", "1.3")], "a:1.3", id="an empty digest is none"),
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
    ],
)
def test_edits_of_an_occurrence(text, changes, reference):
    occurrence = _locate_one(text)

    edits = make_edits(occurrence, tag="1.3", digest=B)

    assert [(edit.old, edit.new) for edit in edits] == changes
    assert [(edit.start, edit.end) for edit in edits] == [(part.start, part.end) for part in occurrence.parts]
    assert str(make_reference(occurrence, tag="1.3", digest=B)) == reference


def test_a_digest_without_a_successor_is_the_callers_mistake():
    occurrence = _locate_one(f"image: nginx:1.2@{A}")

    with pytest.raises(ValueError, match=r"there is no new one for the tag 1\.3"):
        make_edits(occurrence, tag="1.3", digest=None)


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
