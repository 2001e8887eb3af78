"""Values of Helm charts and the like: which keys together are the parts of an image, and which are not."""

import pytest

from imagebot.yamledit.edit import make_edits
from imagebot.yamledit.locate import locate
from imagebot.yamledit.occurrence import Holds, Place
from imagebot.yamledit.rewrite import rewrite

A = f"sha256:{64 * 'a'}"
HEX = 64 * "e"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param("image: {name: a, tag: 1}", "a:1", id="name and tag under image"),
        pytest.param("image: {tag: 1, name: a, registry: b.c}", "b.c/a:1", id="with a registry"),
        pytest.param("image: {registry: b.c, name: a, version: v1}", "b.c/a:v1", id="registry, name and version"),
        pytest.param(f"image: {{name: a, digest: '{A}'}}", f"a@{A}", id="name and digest"),
        pytest.param("docker_image: {name: a, tag: 1}", "a:1", id="under a key that ends so"),
        pytest.param("image: {repository: a, version: v1}", "a:v1", id="a version under image"),
        pytest.param("initImage: {repository: a, version: v1}", "a:v1", id="a version under one of any case"),
        pytest.param("image: {repository: a, tag: v1, version: v2}", "a:v1", id="a tag before a version"),
        pytest.param("image: {registry: b.c, image: a, tag: v1}", "b.c/a:v1", id="image in image"),
        pytest.param("{image: a, tag: '1.2'}", "a:1.2", id="image and tag"),
        pytest.param("{repository: '', image: a, tag: '1.2'}", "a:1.2", id="an empty repository beside these"),
        pytest.param("{imageTag: '1.2', image: b.c/a}", "b.c/a:1.2", id="image and imageTag"),
        pytest.param("image: {repo: b.c/a, tag: v1}", "b.c/a:v1", id="repo under image"),
        pytest.param("image: {registry: b.c, repo: a, version: v1}", "b.c/a:v1", id="registry, repo and version"),
        pytest.param("image: {repo: b.c/d, image: a, tag: v1}", "b.c/d/a:v1", id="repo and image"),
        pytest.param("image: {repo: b.c/a, name: a, tag: v1}", "b.c/a:v1", id="repo and the name it ends in"),
        pytest.param("{repository: a, imageTag: '1.2'}", "a:1.2", id="repository and imageTag"),
        pytest.param(f"{{image: a, tag: v1, digest: '{A}'}}", f"a:v1@{A}", id="image, tag and digest"),
        pytest.param("{repository: b.c/d, image: a, version: v1}", "b.c/d/a:v1", id="repository, image and version"),
        pytest.param("{repository: b.c/d, image: a, tag: v1}", "b.c/d/a:v1", id="repository, image and tag"),
        pytest.param(f"{{repository: a, tag: v1, sha: {HEX}}}", f"a:v1@sha256:{HEX}", id="the digits of a digest"),
        pytest.param(f"{{repository: a, sha: {HEX}}}", f"a@sha256:{HEX}", id="and nothing else"),
        pytest.param("image: {repository: a, tag: v1, sha: ''}", "a:v1", id="an empty sha"),
        pytest.param("image: {repository: a, tag: v1, sha: }", "a:v1", id="no sha"),
    ],
)
def test_parts_that_are_an_image(text, reference):
    located = locate(text.encode())

    assert located.left_alone == ()
    assert [(one.place, str(one.reference)) for one in located.occurrences] == [(Place.SPLIT, reference)]


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param("image: {name: a:1, entrypoint: ['']}", "a:1", id="a name under image"),
        pytest.param("image: {name: a:1, other: x}", "a:1", id="beside keys of any kind"),
        pytest.param("{image: a:1, tag: 2}", "a:1", id="a tag beside a reference with its own"),
        pytest.param("{image: a:1, version: 2}", "a:1", id="a version beside a reference"),
        pytest.param("{image: a:1, imageTag: ''}", "a:1", id="an empty tag beside a reference"),
        pytest.param("image: docker://a:1", "a:1", id="with a scheme"),
        pytest.param("volumes: [{image: {reference: a:1}}]", "a:1", id="a volume that is an image"),
    ],
)
def test_whole_references(text, reference):
    located = locate(text.encode())

    assert located.left_alone == ()
    assert [(one.place, str(one.reference)) for one in located.occurrences] == [(Place.IMAGE, reference)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{name: a, version: 1.2.3, repository: 'https://b.c'}", id="a chart"),
        pytest.param("dependencies: [{name: a, version: 1.2.3, repository: 'oci://b.c'}]", id="a dependency"),
        pytest.param("{name: a, version: 1.2.3, appVersion: 1.2.3}", id="a chart's own versions"),
        pytest.param("chart: {repository: a, name: b, version: 1.2.3}", id="a chart in a release"),
        pytest.param("packages: [{name: a, version: 1.2.3}]", id="packages"),
        pytest.param("{name: a, tag: v1}", id="a name and a tag of something"),
        pytest.param("{registry: b.c, name: a, tag: v1}", id="not under image"),
        pytest.param("{repository: a, version: v1}", id="a version of something"),
        pytest.param("{repo: a/b, tag: v1}", id="a repository of git"),
        pytest.param("image: {repository: a, tag: '', version: v1}", id="a tag left open beside a version"),
        pytest.param("{image: a, tag: ''}", id="an image whose tag is left open"),
        pytest.param("{image: a, imageTag: }", id="with nothing in its place"),
        pytest.param("image: {name: a, tag: ''}", id="a name whose tag is left open"),
        pytest.param("image: {name: a picture, url: x}", id="a picture"),
        pytest.param("image: {reference: a:1}", id="a reference that is no volume's"),
        pytest.param("{imageRepository: b.c, imageTag: v1}", id="a repository of many images"),
        pytest.param(f"{{repository: a, sha: {40 * 'e'}}}", id="a commit"),
        pytest.param("imageStream: {name: a, tag: v1}", id="under a key that only begins so"),
    ],
)
def test_what_is_no_image_is_passed_over_silently(text):
    located = locate(text.encode())

    assert (located.occurrences, located.left_alone) == ((), ())


@pytest.mark.parametrize(
    ("text", "named", "reason"),
    [
        pytest.param("{repository: a, tag: v1, sha: abc}", "a:v1", "what stands under the key sha", id="a commit"),
        pytest.param(
            f"{{repository: a, digest: '{A}', sha: {HEX}}}", f"a@{A}", "digest and sha stand", id="two digests"
        ),
        pytest.param("image: {name: a, version: v1}", "a:v1", "a name with a version need not be", id="name, version"),
        pytest.param(
            "{repository: b.c/d, image: b.c/a, tag: v1}",
            "b.c/d/b.c/a:v1",
            "repository and image name it both",
            id="two names",
        ),
        pytest.param("{image: a, version: 1.2}", "a", "no tag is written", id="a version beside an image"),
        pytest.param("{image: a, tag: $T}", "a:$T", "it holds the variable $T", id="a variable"),
        pytest.param("{image: a, tag: [x]}", "a", "no tag is written", id="tags"),
        pytest.param("{image: a, tag: 1, tag: 2}", "a:1", "the mapping has the key tag 2 times", id="a tag twice"),
        pytest.param("{<<: {tag: 2}, image: a, imageTag: 1}", "a:1", "a merge key brings the key tag", id="merged"),
        pytest.param("image: {name: a, entrypoint: x}", "a", "no tag is written", id="a job's image without a tag"),
    ],
)
def test_parts_are_left_alone_with_their_reason(text, named, reason):
    located = locate(text.encode())

    assert located.occurrences == ()
    assert [left.text for left in located.left_alone] == [named]
    assert located.left_alone[0].reason.startswith(reason)


def test_a_tag_that_a_merge_key_lends_to_another_image_is_left_alone():
    located = locate(b"a: &a {image: x, tag: 1}\nb: {<<: *a, image: y}\n")

    assert located.occurrences == ()
    assert [left.text for left in located.left_alone] == ["x:1", "y"]
    assert located.left_alone[0].reason.startswith("a merge key brings its tag or digest into a mapping")


def test_a_tag_beside_an_image_is_what_is_edited():
    (occurrence,) = locate(b"{image: a, tag: '1.2'}").occurrences

    assert [(part.holds, part.text) for part in occurrence.parts] == [(Holds.TAG, "1.2")]
    assert not occurrence.can_hold_digest


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param(
            f"{{repository: a, tag: v1, sha: {HEX}}}", f"{{repository: a, tag: v2, sha: {64 * 'a'}}}", id="old"
        ),
        pytest.param("{repository: a, tag: v1, sha: ''}", f"{{repository: a, tag: v2, sha: '{64 * 'a'}'}}", id="empty"),
    ],
)
def test_a_sha_is_written_without_its_algorithm(text, result):
    (occurrence,) = locate(text.encode()).occurrences

    assert rewrite(text.encode(), make_edits(occurrence, tag="v2", digest=A)).decode() == result


def test_a_sha_holds_no_other_digest():
    (occurrence,) = locate(f"{{repository: a, tag: v1, sha: {HEX}}}".encode()).occurrences

    with pytest.raises(ValueError, match="only the digits of a sha256 digest"):
        make_edits(occurrence, tag="v2", digest=f"sha512:{128 * 'a'}")
