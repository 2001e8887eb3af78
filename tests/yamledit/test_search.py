"""What is not parsed because of a search of its bytes is what names nothing."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.yamledit.locate import can_name_image, locate
from imagebot.yamledit.occurrence import Located
from imagebot.yamledit.scan import NotYaml
from imagebot.yamledit.search import Search, Sieve, make_need
from tests.fuzz.mutation import mutate
from tests.yamledit.documents import BINDINGS, Sample, samples

GOLDEN = sorted(file for file in (Path(__file__).parents[1] / "golden").glob("*/before/**/*") if file.is_file())
NOTHING = Located((), ())


@pytest.mark.parametrize(
    ("data", "can"),
    [
        pytest.param("a: b\n", False, id="none of the words"),
        pytest.param("image: x", True, id="image"),
        pytest.param("images: []", True, id="images"),
        pytest.param("WEB_IMAGE: {name: a, tag: 1}", True, id="a key that ends in IMAGE"),
        pytest.param("tag: 1", False, id="a tag alone"),
        pytest.param("repository: 1", False, id="a repository alone"),
        pytest.param("digest: 1", False, id="a digest alone"),
        pytest.param("tag: 1\nrepository: x", True, id="repository and tag"),
        pytest.param("digest: 1\nrepository: x", True, id="repository and digest"),
        pytest.param(f"sha: {64 * 'a'}\nrepository: x", True, id="repository and sha"),
        pytest.param("{services: [a:1], a: {script: x}}", True, id="GitLab CI"),
        pytest.param("{services: [a:1], a: {run: [x]}}", True, id="GitLab CI with steps"),
        pytest.param("services: {a: b}", False, id="services alone"),
        pytest.param("{jobs: {a: {runs-on: x, container: a:1}}}", True, id="GitHub"),
        pytest.param("containers: []", False, id="containers alone"),
        pytest.param("uses: docker://a:1", True, id="a scheme"),
        pytest.param('"uses": "docker:\\/\\/a:1"', True, id="a scheme in JSON"),
        pytest.param("{apiVersion: argoproj.io/v1alpha1, kind: Application}", True, id="Argo CD"),
        pytest.param("{apiVersion: argoproj.io/v1alpha1, kind: Rollout}", False, id="a kind without places of its own"),
        pytest.param("{apiVersion: tekton.dev/v1, spec: {resolver: bundles}}", True, id="Tekton"),
        pytest.param("x: a:1 # imagebot: web\n", True, id="a marker"),
        pytest.param('x: a:1 # {"$imagepolicy": "ns:web"}\n', True, id="a marker of Flux's"),
        pytest.param('"\\u0069mage": x', True, id="a key with an escape"),
        pytest.param('? "ima\\\n  ge"\n: x', True, id="a key that goes on in the next line"),
        pytest.param('? "ima\\\u2028  ge"\n: x', True, id="a key that goes on behind a line end of YAML 1.1"),
        pytest.param('a: "b\\n \\" \\\\ c"\n', False, id="escapes that hide nothing"),
        pytest.param("a: |\n  make \\\n    all\n", False, id="a line that a shell goes on with"),
    ],
)
def test_a_file_that_is_not_let_through_has_none_of_what_places_are_made_of(data, can):
    assert can_name_image(data.encode()) is can


def test_what_may_be_in_utf_16_is_for_locate_to_refuse():
    assert can_name_image("image: x".encode("utf-16"))


def test_every_word_of_a_need_has_to_be_there():
    sieve = Sieve([make_need("Red", "apple"), make_need("pear")])

    assert [sieve.lets_through(data) for data in (b"RED", b"apple", b"red APPLE", b"a pear")] == [
        *(False, False, True, True)
    ]
    assert Search(b"red apple").meets([make_need("pear"), make_need("red", "apple")])
    assert not Search(b"red apple").meets([make_need("pear")])


def _locate(sample: Sample) -> Located | None:
    try:
        return locate(sample.data, path=sample.path, bindings=BINDINGS)
    except NotYaml:
        return None


def _check(sample: Sample) -> None:
    """Look where the search says that nothing is, as nobody does, and compare to who goes by the search."""
    found = _locate(sample)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "meets", lambda *_: True)
        assert _locate(sample) == found
    if not can_name_image(sample.data, path=sample.path, bindings=BINDINGS):
        assert found in (None, NOTHING)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: "/".join(file.parts[-3:]))
def test_what_the_search_rules_out_is_not_there_in_golden_files(file):
    _check(Sample(file.read_bytes(), "web.yaml"))


@given(samples())
def test_what_the_search_rules_out_is_not_there_in_any_file(sample):
    _check(sample)


@given(samples(), st.randoms(use_true_random=False))
def test_what_the_search_rules_out_is_not_there_in_damaged_files(sample, random):
    """With words of other cases and cut ones, so that some needs are just not met."""
    words = [b"image", b"repository", b"services", b"argoproj.io", b"docker:", b"oci:", b"imagebot", b"runs-on"]
    for word in random.sample(words, 4):
        other = random.choice([word.upper(), word.title(), word[1:], b"\\x%02x%b" % (word[0], word[1:]), b""])
        sample = Sample(sample.data.replace(word, other), "other")

    _check(sample)
    _check(Sample(mutate(sample.data, [sample.data], Random(len(sample.data))), "other"))
