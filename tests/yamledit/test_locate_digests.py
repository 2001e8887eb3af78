"""Where an image is named by its digest alone, and where a digest can be added."""

import pytest

from imagebot.image.reference import parse_repository
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.occurrence import Holds

A = f"sha256:{64 * 'a'}"


def test_an_image_by_its_digest_alone_has_no_tag():
    (occurrence,) = locate(f"image: nginx@{A}\n".encode()).occurrences

    assert (occurrence.reference.tag, occurrence.reference.digest) == (None, A)
    assert [part.holds for part in occurrence.parts] == [Holds.REFERENCE]


@pytest.mark.parametrize(
    ("text", "can"),
    [
        pytest.param("image: a:1", True, id="image"),
        pytest.param(f"image: a@{A}", True, id="image by its digest"),
        pytest.param("images: [{name: a, newTag: 1}]", True, id="Kustomize"),
        pytest.param("images: [{name: a, newTag: 1, digest: }]", True, id="Kustomize with nothing as digest"),
        pytest.param(f"images: [{{name: a, digest: '{A}'}}]", True, id="Kustomize by its digest"),
        pytest.param("{repository: a, tag: 1}", False, id="split map"),
        pytest.param(f"{{repository: a, tag: '1@{A}'}}", True, id="a digest in the tag"),
        pytest.param(f"{{repository: a, digest: '{A}'}}", True, id="split map by its digest"),
        pytest.param("{repository: a, tag: 1, digest: ''}", True, id="empty single quotes"),
        pytest.param('{repository: a, tag: 1, digest: ""}', True, id="empty double quotes"),
        pytest.param("{repository: a, tag: 1, digest: &d ''}", True, id="anchored and used once"),
        pytest.param("{repository: a, tag: 1, digest: !!str ''}", True, id="tagged as a string"),
        pytest.param("{repository: a, tag: 1, digest: !!null ''}", False, id="null by tag"),
        pytest.param("{repository: a, tag: 1, digest: }", False, id="nothing"),
        pytest.param("{repository: a, tag: 1, digest: ~}", False, id="null"),
        pytest.param("repository: a\ntag: 1\ndigest: |\n", False, id="an empty block"),
        pytest.param('repository: a\ntag: 1\ndigest: "\\\n  "\n', False, id="empty over two lines"),
        pytest.param("{<<: {digest: x}, repository: a, tag: 1, digest: ''}", True, id="merges in vain"),
    ],
)
def test_whether_a_place_can_hold_a_digest(text, can):
    occurrences = locate(text.encode()).occurrences

    assert [one.can_hold_digest for one in occurrences] == [can]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{{image: 'a:1', digest: '{A}'}}", id="beside a whole reference"),
        pytest.param(f"{{repository: a, tag: 1, imageDigest: '{A}'}}", id="under a key of no form"),
        pytest.param(f"tag: 1 # imagebot: web:tag\ndigest: {A}\n", id="beside a marked tag"),
    ],
)
def test_what_would_move_without_the_digest_beside_it_is_left_alone(text):
    located = locate(text.encode(), bindings=Bindings(images={"web": parse_repository("a")}))

    assert located.occurrences == ()
    (left,) = located.left_alone
    assert left.reason.startswith("the digest beside it, under the key")


def test_a_digest_that_moves_with_another_tag_is_in_no_way():
    text = f"{{image: 'a:1', x: &d '{A}', web: {{repository: b, tag: 1, digest: '{A}'}}}}"

    assert len(locate(text.encode()).occurrences) == 2
