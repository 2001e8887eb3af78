import pytest

from imagebot.image.reference import Repository
from imagebot.yamledit.candidate import MAX_PLACES
from imagebot.yamledit.locate import locate
from imagebot.yamledit.occurrence import Holds, LeftAlone, Occurrence, Place
from imagebot.yamledit.scan import NotYaml

A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"


def _locate_one(text: str) -> Occurrence:
    located = locate(text.encode())
    assert located.left_alone == ()
    (occurrence,) = located.occurrences
    return occurrence


def _locate_left_alone(text: str) -> LeftAlone:
    located = locate(text.encode())
    assert located.occurrences == ()
    (left_alone,) = located.left_alone
    return left_alone


def test_an_occurrence_knows_its_reference_parts_and_position():
    text = "# ü\r\nspec:\r\n  containers:\r\n  - {name: 🐳, image: 'ghcr.io/acme/api:1.4.2'}\r\n"

    occurrence = _locate_one(text)

    assert occurrence.place is Place.IMAGE
    assert occurrence.reference.repository == Repository("ghcr.io", "acme/api")
    assert (occurrence.reference.tag, occurrence.has_digest) == ("1.4.2", False)
    assert (occurrence.line, occurrence.column) == (4, 22)
    assert occurrence.yaml_path == "spec.containers[0].image"
    (part,) = occurrence.parts
    assert (part.holds, part.text) == (Holds.REFERENCE, "ghcr.io/acme/api:1.4.2")
    assert text.encode()[part.start : part.end] == b"'ghcr.io/acme/api:1.4.2'"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("image: nginx:1.2", 1, id="at the root, no line end"),
        pytest.param("\ufeffimage: nginx:1.2\n", 1, id="after a byte order mark"),
        pytest.param('"image": nginx:1.2\n', 1, id="quoted key"),
        pytest.param("image : nginx:1.2\n", 1, id="blank after the key"),
        pytest.param("image:\tnginx:1.2\n", 1, id="tab after the colon"),
        pytest.param("? image\n: nginx:1.2\n", 2, id="explicit key"),
        pytest.param("image:\n  nginx:1.2 # c: d\n", 2, id="on a line of its own"),
        pytest.param("[{image: nginx:1.2}]", 1, id="in flow collections"),
        pytest.param("[image: nginx:1.2]", 1, id="a pair in a flow sequence"),
        pytest.param("a:\n- b:\n   - image: nginx:1.2\n", 3, id="sequences indented by nothing and by three"),
        pytest.param("? {image: nginx:1.2}\n: x\n", 1, id="in a mapping that is a key"),
        pytest.param("image: !!str nginx:1.2\n", 1, id="tagged as a string"),
        pytest.param("image: ! nginx:1.2\n", 1, id="tagged as not plain"),
        pytest.param("image: &a nginx:1.2\n", 1, id="anchored and used once"),
        pytest.param('image: "nginx:\\x31.2"\n', 1, id="with an escape"),
        pytest.param("%YAML 1.1\n--- # x\nimage: nginx:1.2\n...\n", 3, id="after directives"),
        pytest.param("<<: {x: y}\nimage: nginx:1.2\n", 2, id="beside a merge key"),
        pytest.param("a: &m\n  image: nginx:1.2\nb: *m\nc: {<<: *m}\n", 2, id="in a mapping that is used and merged"),
        pytest.param("a: 1\na: 2\nimage: nginx:1.2\n", 3, id="beside a key written twice"),
        pytest.param("a" * 1000 + ": x\nimage: nginx:1.2\n", 2, id="after a long key"),
    ],
)
def test_an_image_is_found_however_it_is_written(text, line):
    occurrence = _locate_one(text)

    assert str(occurrence.reference) == "nginx:1.2"
    assert occurrence.place is Place.IMAGE
    assert occurrence.line == line


def test_occurrences_come_in_the_order_of_the_text_and_may_share_a_path():
    located = locate(b"image: a:1\n---\nimage: b:2\nimage: c:3\n")

    assert [str(one.reference) for one in located.occurrences] == ["a:1", "b:2", "c:3"]
    assert [one.yaml_path for one in located.occurrences] == ["image"] * 3
    assert [one.line for one in located.occurrences] == [1, 3, 4]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("image:\n", id="empty"),
        pytest.param("image: ''\n", id="an empty string"),
        pytest.param("image: ~\n", id="null"),
        pytest.param("image: null\n", id="null in letters"),
        pytest.param("image: !!null\n", id="null by tag"),
        pytest.param("image: {pullPolicy: Always}\n", id="a mapping"),
        pytest.param("image: [nginx:1.2]\n", id="a sequence"),
        pytest.param("a: &m {x: y}\nimage: *m\n", id="an alias to a mapping"),
        pytest.param("images: [nginx:1.2]\n", id="another key"),
        pytest.param("'image: nginx:1.2'\n", id="a text"),
        pytest.param("nginx:1.2: image\n", id="the wrong way round"),
        pytest.param("# image: nginx:1.2\n", id="a comment"),
        pytest.param("x: |\n  image: nginx:1.2\n", id="the text of a literal block"),
        pytest.param("x: >\n  image: nginx:1.2\n", id="the text of a folded block"),
        pytest.param("image: |\n  what a picture\n  shows\n", id="a block that is no image"),
        pytest.param("image: a longer\n  text\n", id="a text over two lines"),
        pytest.param("repository: nginx\ntag: ''\n", id="a tag left to the chart"),
        pytest.param("repository: nginx\ntag:\n", id="a tag that is null"),
        pytest.param("repository: ''\ntag: 1.2\n", id="no repository"),
        pytest.param("repository: nginx\ntag: [1.2]\n", id="tags in a sequence"),
        pytest.param("repository: {name: nginx}\ntag: 1.2\n", id="a repository that is a mapping"),
        pytest.param("images:\n- name: nginx\n", id="an item with a name alone"),
        pytest.param("images:\n- name: nginx\n  newTag: ''\n", id="an item that changes nothing"),
        pytest.param("images:\n- newTag: 1.2\n", id="an item without a name"),
        pytest.param("images:\n  name: nginx\n  newTag: 1.2\n", id="images as a mapping"),
        pytest.param(f"images: [{{registry: b.c, name: a, digest: '{A}'}}]\n", id="images in a form of their own"),
        pytest.param(f"dependencies: [{{repository: a}}]\ndigest: '{A}'\n", id="the digest of a lock file"),
        pytest.param("repository: nginx\ndigest: ''\n", id="a digest left to the chart"),
        pytest.param("things:\n- name: nginx\n  newTag: 1.2\n", id="items of something else"),
        pytest.param("images: [[{name: nginx, newTag: 1.2}]]\n", id="items of items"),
    ],
)
def test_what_names_no_image_is_passed_over_silently(text):
    located = locate(text.encode())

    assert (located.occurrences, located.left_alone) == ((), ())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("nginx:${TAG}", "it holds the variable ${TAG}", id="shell variable in braces"),
        pytest.param("nginx:$TAG", "it holds the variable $TAG", id="shell variable"),
        pytest.param("$CI_REGISTRY/nginx:1.2", "it holds the variable $CI_REGISTRY", id="variable in the name"),
        pytest.param("nginx:$(TAG)", "it holds the variable $(TAG)", id="Kubernetes variable"),
        pytest.param("'nginx:{{ tag }}'", "it holds the variable {{ tag }}", id="template"),
        pytest.param("nginx:%TAG%", "it holds the variable %TAG%", id="percent signs"),
        pytest.param("nginx:<tag>", "it holds the variable <tag>", id="angle brackets"),
        pytest.param("nginx", "no tag is written", id="no tag"),
        pytest.param("localhost:5000/nginx", "no tag is written", id="a port is no tag"),
        pytest.param(f">-\n  nginx@{A}\n", "the text spans several lines or is a block", id="a digest in a block"),
        pytest.param("'nginx:'", "it is no image reference", id="an empty tag"),
        pytest.param("./picture.png", "it is no image reference", id="a file"),
        pytest.param("Nginx:1.2", "it is no image reference", id="upper case"),
        pytest.param("' nginx:1.2'", "it is no image reference", id="a blank inside the quotes"),
        pytest.param("!vault abc", "the tag !vault may make something else of the text", id="custom tag"),
        pytest.param("!ENV nginx:1.2", "the tag !ENV may make something else of the text", id="tag of a loader"),
        pytest.param("!!int 12", "the tag tag:yaml.org,2002:int may make", id="tagged as no string"),
        pytest.param("!vault |\n  abc\n", "the tag !vault may make", id="custom tag on a block"),
        pytest.param("|\n  nginx:1.2\n", "the text spans several lines or is a block", id="literal block"),
        pytest.param(">-\n  nginx:1.2\n", "the text spans several lines or is a block", id="folded block"),
        pytest.param('"nginx:\\\n  1.2"\n', "the text spans several lines or is a block", id="over two lines"),
        pytest.param("*nope", "the alias *nope has no anchor before it", id="alias to nothing"),
        pytest.param("x" * 2000, "it is no image reference: it has 2000 characters", id="too long"),
    ],
)
def test_what_looks_like_an_image_is_left_alone_with_its_reason(value, reason):
    left_alone = _locate_left_alone(f"a: b\nx: {{}}\nimage: {value}\n")

    assert left_alone.line == 3
    assert left_alone.reason.startswith(reason)


@pytest.mark.parametrize(
    ("text", "line_and_column", "named"),
    [
        pytest.param("ü: {image: 'nginx'}\n", (1, 12), "nginx", id="the scalar with its quotes"),
        pytest.param("image: !vault &a nginx:1\n", (1, 18), "nginx:1", id="behind tag and anchor"),
        pytest.param("a: b\r\nimage: *nope\r\n", (2, 8), "*nope", id="the alias"),
        pytest.param("x: &i nginx:1\nimage: *i\n", (2, 8), "nginx:1", id="the alias, with what it stands for"),
        pytest.param("repository: a\ntag: $T\n", (2, 6), "a:$T", id="the tag of a split map"),
        pytest.param("images: [{name: a, newName: b}]\n", (1, 29), "b", id="the name, if nothing else is there"),
        pytest.param("image: " + 2000 * "x", (1, 8), 1000 * "x", id="a long text is cut"),
    ],
)
def test_what_is_left_alone_is_reported_where_it_stands(text, line_and_column, named):
    left_alone = _locate_left_alone(text)

    assert (left_alone.line, left_alone.column) == line_and_column
    assert left_alone.text == named


@pytest.mark.parametrize(
    ("item", "reference", "holds"),
    [
        pytest.param("{name: nginx, newTag: 1.2}", "nginx:1.2", [Holds.TAG], id="tag"),
        pytest.param("{newTag: 31, name: nginx}", "nginx:31", [Holds.TAG], id="any order, a number"),
        pytest.param("{name: nginx, newName: ghcr.io/a/b, newTag: v1}", "ghcr.io/a/b:v1", [Holds.TAG], id="new name"),
        pytest.param("{name: nginx, newName: '', newTag: v1}", "nginx:v1", [Holds.TAG], id="an empty new name"),
        pytest.param(
            f"{{name: nginx, newTag: 1.2, digest: '{A}'}}", f"nginx:1.2@{A}", [Holds.TAG, Holds.DIGEST], id="and digest"
        ),
        pytest.param(f"{{name: nginx, newTag: '1@{A}'}}", f"nginx:1@{A}", [Holds.TAG_AND_DIGEST], id="in one scalar"),
        pytest.param("{name: nginx, newTag: 1.2, digest: ''}", "nginx:1.2", [Holds.TAG], id="an empty digest"),
        pytest.param(f"{{name: nginx, digest: '{A}'}}", f"nginx@{A}", [Holds.DIGEST], id="only a digest"),
        pytest.param(
            f"{{name: nginx, newTag: '', digest: '{A}'}}", f"nginx@{A}", [Holds.DIGEST], id="an empty tag and a digest"
        ),
        pytest.param(f"{{name: x, newName: a, digest: '{A}'}}", f"a@{A}", [Holds.DIGEST], id="new name and digest"),
        pytest.param("{name: a, newTag: 1, repository: b, tag: 2}", "a:1", [Holds.TAG], id="claims before a split map"),
    ],
)
def test_items_of_kustomize_images(item, reference, holds):
    occurrence = _locate_one(f"spec:\n  images:\n  - {item}\n")

    assert occurrence.place is Place.KUSTOMIZE
    assert occurrence.yaml_path == "spec.images[0]"
    assert str(occurrence.reference) == reference
    assert [part.holds for part in occurrence.parts] == holds


@pytest.mark.parametrize(
    ("mapping", "reference", "holds"),
    [
        pytest.param("{repository: nginx, tag: 1.2}", "nginx:1.2", [Holds.TAG], id="repository and tag"),
        pytest.param("{tag: '1.2', repository: a/b, registry: ghcr.io}", "ghcr.io/a/b:1.2", [Holds.TAG], id="registry"),
        pytest.param("{registry: '', repository: a/b, tag: v1}", "a/b:v1", [Holds.TAG], id="an empty registry"),
        pytest.param("{registry: ~, repository: a/b, tag: v1}", "a/b:v1", [Holds.TAG], id="a null registry"),
        pytest.param("{repository: nginx, tag: 1.2, digest: ''}", "nginx:1.2", [Holds.TAG], id="an empty digest"),
        pytest.param(
            f"{{digest: '{A}', repository: nginx, tag: v1}}", f"nginx:v1@{A}", [Holds.TAG, Holds.DIGEST], id="digest"
        ),
        pytest.param(
            f"{{repository: nginx, tag: '1@{A}'}}", f"nginx:1@{A}", [Holds.TAG_AND_DIGEST], id="in one scalar"
        ),
        pytest.param(f"{{repository: a, digest: '{A}'}}", f"a@{A}", [Holds.DIGEST], id="only a digest"),
        pytest.param(f"{{repository: a, tag: '', digest: '{A}'}}", f"a@{A}", [Holds.DIGEST], id="an empty tag"),
        pytest.param(
            f"{{digest: {A}, tag: ~, repository: a, registry: b.c}}", f"b.c/a@{A}", [Holds.DIGEST], id="a null tag"
        ),
        pytest.param(
            "{name: api, repository: acme/api, tag: 1.2}", "acme/api:1.2", [Holds.TAG], id="a name that says the same"
        ),
        pytest.param("{<<: {pullPolicy: x}, repository: a, tag: 1}", "a:1", [Holds.TAG], id="merges other keys"),
        pytest.param("{<<: {digest: x}, repository: a, tag: 1, digest: ''}", "a:1", [Holds.TAG], id="merges in vain"),
    ],
)
def test_split_maps(mapping, reference, holds):
    occurrence = _locate_one(f"web:\n  image: {mapping}\n")

    assert occurrence.place is Place.SPLIT
    assert occurrence.yaml_path == "web.image"
    assert str(occurrence.reference) == reference
    assert [part.holds for part in occurrence.parts] == holds


def test_a_list_of_images_in_another_form_is_read_by_its_own_keys():
    occurrence = _locate_one(f"images:\n- {{name: x, repository: a/b, digest: '{A}'}}\n")

    assert (occurrence.place, str(occurrence.reference)) == (Place.SPLIT, f"a/b@{A}")


def test_a_split_map_under_image_is_claimed_once():
    occurrence = _locate_one("image: {repository: nginx, tag: 1.2}\n")

    assert (occurrence.place, occurrence.yaml_path) == (Place.SPLIT, "image")


def test_an_image_beside_the_parts_of_another_is_a_second_occurrence():
    located = locate(b"{image: a:1, repository: b, tag: 2}")

    assert [(one.place, str(one.reference)) for one in located.occurrences] == [
        (Place.IMAGE, "a:1"),
        (Place.SPLIT, "b:2"),
    ]


@pytest.mark.parametrize(
    ("mapping", "text", "reason"),
    [
        pytest.param("{repository: a, tag: $T}", "a:$T", "it holds the variable $T", id="variable as tag"),
        pytest.param("{repository: '{{ r }}', tag: 1}", "{{ r }}:1", "it holds the variable {{ r }}", id="in the name"),
        pytest.param("{repository: !ENV a, tag: 1}", "a:1", "the tag !ENV may make", id="tagged name"),
        pytest.param("{repository: a, tag: !ENV 1}", "a:1", "the tag !ENV may make", id="tagged tag"),
        pytest.param("{repository: a, tag: *t}", "a:*t", "the alias *t has no anchor before it", id="alias to nothing"),
        pytest.param("{repository: *r, tag: 1}", "*r:1", "the alias *r has no anchor", id="alias to no name"),
        pytest.param("{repository: a:1, tag: 2}", "a:1:2", "it is no image reference", id="tag in the name"),
        pytest.param("{repository: 'https://x/y', tag: 1}", "https://x/y:1", "it is no image reference", id="URL"),
        pytest.param("{registry: x.io/, repository: a, tag: 1}", "x.io//a:1", "it is no image reference", id="slash"),
        pytest.param(
            f"{{repository: a@sha256, tag: {64 * 'a'}}}",
            f"a@{A}",
            "the repository holds more",
            id="a digest cut in two",
        ),
        pytest.param(
            f"{{repository: a:1@sha256, tag: {64 * 'a'}}}",
            f"a:1@{A}",
            "the repository holds more",
            id="cut behind a tag",
        ),
        pytest.param(
            f"{{repository: a, tag: '1@{A}', digest: '{B}'}}", f"a:1@{A}@{B}", "it is no image", id="two digests"
        ),
        pytest.param("{repository: a, tag: 1, digest: x}", "a:1@x", "it is no image reference", id="no digest at all"),
        pytest.param("{repository: a, digest: x}", "a@x", "it is no image reference", id="no digest and no tag"),
        pytest.param("{repository: a, digest: $D}", "a@$D", "it holds the variable $D", id="variable as digest"),
        pytest.param(
            f"{{repository: 'a:1', digest: '{A}'}}",
            f"a:1@{A}",
            "the repository holds more",
            id="tag in the name, digest",
        ),
        pytest.param(
            f"{{repository: a, tag: [1], digest: '{A}'}}", f"a@{A}", "what stands under the key tag", id="many tags"
        ),
        pytest.param(
            "{repository: a, tag: 1, digest: '', digest: ''}",
            "a:1",
            "the mapping has the key digest 2",
            id="digest twice",
        ),
        pytest.param(
            f"{{<<: {{tag: 1}}, repository: a, digest: '{A}'}}",
            f"a@{A}",
            "a merge key brings the key tag",
            id="merged tag",
        ),
        pytest.param(
            "{repository: a, tag: 1, tag: 2}", "a:1", "the mapping has the key tag 2 times", id="a tag written twice"
        ),
        pytest.param(
            "{repository: a, repository: b, tag: 1}", "a:1", "the mapping has the key repository 2", id="a name twice"
        ),
        pytest.param(
            "{repository: a, tag: 1, registry: {host: b}}", "a:1", "what stands under the key registry", id="no scalar"
        ),
        pytest.param(
            "{<<: {registry: x}, repository: a, tag: 1}", "a:1", "a merge key brings the key registry", id="merged part"
        ),
        pytest.param(
            "{<<: [{x: y}, {<<: {}}], repository: a, tag: 1}", "a:1", "a merge key brings another", id="merges merged"
        ),
    ],
)
def test_a_split_map_is_left_alone_with_its_reason(mapping, text, reason):
    left_alone = _locate_left_alone(f"image: {mapping}\n")

    assert left_alone.text == text
    assert left_alone.reason.startswith(reason)
    assert left_alone.line == 1


@pytest.mark.parametrize(
    ("item", "text", "reason"),
    [
        pytest.param("{name: a, newName: b}", "b", "no tag is written", id="only a new name"),
        pytest.param("{name: a, digest: $D}", "a@$D", "it holds the variable $D", id="variable as digest"),
        pytest.param(f"{{name: 'a:1', digest: '{A}'}}", f"a:1@{A}", "the repository holds more", id="tag in the name"),
        pytest.param("{name: a, newTag: 1, newTag: 2}", "a:1", "the mapping has the key newTag 2 times", id="twice"),
        pytest.param("{name: a, newName: $N, newTag: 1}", "$N:1", "it holds the variable $N", id="variable"),
        pytest.param("{<<: {newName: b}, name: a, newTag: 1}", "a:1", "a merge key brings the key newName", id="merge"),
        pytest.param("name: a\n  newTag: >-\n    1.2\n", "a:1.2", "the text spans several lines", id="a folded tag"),
    ],
)
def test_a_kustomize_item_is_left_alone_with_its_reason(item, text, reason):
    left_alone = _locate_left_alone(f"images:\n- {item}\n")

    assert left_alone.text == text
    assert left_alone.reason.startswith(reason)
    assert left_alone.line == (2 if item[0] == "{" else 3)


def test_a_file_that_is_no_yaml_is_refused():
    with pytest.raises(NotYaml, match=r"^line 2, column 1: "):
        locate(b"image: [nginx:1.2\n")


def test_many_images_on_one_line_are_located_in_linear_time():
    data = b"[" + b"{image: nginx:1.2}," * MAX_PLACES + b"]"

    located = locate(data)

    assert located.occurrences[-1].column == data.rindex(b"nginx") + 1


@pytest.mark.parametrize("text", [b"- image: nginx:1.2\n", b"- image: $X\n", b"- {repository: nginx, tag: 1}\n"])
def test_a_file_that_names_more_images_than_any_has_is_refused_at_the_first_that_is_too_much(text):
    with pytest.raises(NotYaml, match=f"^line {MAX_PLACES + 1}, column .*: more than {MAX_PLACES} images are named"):
        locate(text * (MAX_PLACES + 10))


def test_a_repository_beside_another_name_is_left_alone():
    left_alone = _locate_left_alone("image: {registry: quay.io, repository: strimzi, name: operator, tag: 0.44.0}\n")

    assert left_alone.reason.startswith("the key name may say a part of its name too")


@pytest.mark.parametrize("key", ["hub", "imageRegistry", "organization"])
def test_a_name_that_another_key_may_complete_is_left_alone(key):
    left_alone = _locate_left_alone(f"pilot:\n  {key}: registry.istio.io\n  image: nginx\n  tag: 1.20.0\n")

    assert left_alone.line == 4
    assert left_alone.reason.startswith(f"the key {key} may say a part of its name too")
