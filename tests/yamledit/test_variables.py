"""Variables in references: what of these is edited, and who has to say which image it is."""

import pytest

from imagebot.image.reference import parse_repository
from imagebot.yamledit.edit import make_edits
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.occurrence import Occurrence
from imagebot.yamledit.rewrite import rewrite
from imagebot.yamledit.variables import find_literal_tag, find_variable, may_name

A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"
_BINDINGS = Bindings(images={"api": parse_repository("ghcr.io/acme/api"), "any": None})


def _locate_one(text: str) -> Occurrence:
    located = locate(text.encode(), bindings=_BINDINGS)
    assert located.left_alone == ()
    (occurrence,) = located.occurrences
    return occurrence


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        pytest.param("$R/a:1", "1", id="a tag"),
        pytest.param(f"$R/a:1@{A}", f"1@{A}", id="a tag and a digest"),
        pytest.param("${R}:5000/a:1", "1", id="a port"),
        pytest.param("${R:-a:1/${B}}/c:2", "2", id="a default with another in it"),
        pytest.param("{{ '}}' }}/a:1", "1", id="an end in a string"),
        pytest.param("{{ $x }}/a:1", "1", id="one in another"),
        pytest.param("{{ a\n}}/a:1", "1", id="a line end"),
        pytest.param("a:1", None, id="no variable"),
        pytest.param("$R/a", None, id="no tag"),
        pytest.param("$R/a:", None, id="an empty tag"),
        pytest.param("$R/a:1@", None, id="an empty digest"),
        pytest.param(f"$R/a@{A}", None, id="a digest alone"),
        pytest.param("a:$T", None, id="a tag that is one"),
        pytest.param("$R/a:1-$T", None, id="a tag that ends in one"),
        pytest.param("$R/a:$T-1", None, id="a tag that begins with one"),
        pytest.param("${R:-a/${B}:1}", None, id="a tag within one"),
        pytest.param("{{ $R/a:1", None, id="one that does not end"),
        pytest.param("$R:1/a", None, id="a port and no tag"),
        pytest.param(f"$R{1000 * 'a'}:1", None, id="too long a text"),
    ],
)
def test_the_literal_tag_behind_variables(text, tag):
    start = find_literal_tag(text)

    assert (None if start is None else text[start:]) == tag


@pytest.mark.parametrize(
    ("name", "image", "fits"),
    [
        pytest.param("$R/web", "ghcr.io/acme/web", True, id="the end"),
        pytest.param("ghcr.io/$O", "ghcr.io/acme/web", True, id="the beginning"),
        pytest.param("ghcr.io/$O/web", "ghcr.io/acme/web", True, id="both"),
        pytest.param("$R", "nginx", True, id="nothing"),
        pytest.param("docker.io/$O/nginx", "nginx", True, id="the full form"),
        pytest.param("grafana/$N", "grafana/loki", True, id="the familiar form"),
        pytest.param("$R/web", "ghcr.io/acme/other-web", False, id="a part of a name"),
        pytest.param("$R/web", "web", True, id="an official image"),
        pytest.param("quay.io/$O/web", "ghcr.io/acme/web", False, id="another beginning"),
        pytest.param("ghcr.io/$O/api", "ghcr.io/acme/web", False, id="another end"),
    ],
)
def test_which_image_a_name_with_variables_may_be(name, image, fits):
    assert may_name(name, parse_repository(image)) is fits


@pytest.mark.parametrize("variable", ["$[[ inputs.x ]]", "$[[ inputs.x", "{{ x }}", "${X}", "$(X)", "$X", "%X%", "<x>"])
def test_a_variable_is_told_as_it_is_written(variable):
    assert find_variable(f"a/b:{variable}") == variable


@pytest.mark.parametrize("piece", ["<", "$[[", "${", "{{", "{%", "%a", "$(", "{{ x }}"])
def test_a_text_that_is_too_long_is_not_searched(piece):
    # What takes the square of this does not end before the time limit of the tests.
    (left_alone,) = locate(f"image: '{piece * 300_000}:1'\n".encode()).left_alone

    assert left_alone.reason.startswith("it is no image reference: it has ")


@pytest.mark.parametrize("prefix", [pytest.param("", id="YAML as it is"), pytest.param("{{ if y }}\n", id="masked")])
@pytest.mark.parametrize("marker", ["# imagebot: api", "# imagebot: api:tag"], ids=["no suffix", "tag"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param('image: "{{ .r }}/api:1.2" MARKER\n', id="a registry"),
        pytest.param('image: &i "{{ .r }}/api:1.2" MARKER\nx: {image: *i}\n', id="shared"),
        pytest.param('MARKER\nimage: "{{ .r }}/api:1.2"\n', id="above"),
        pytest.param("image: 'ghcr.io/{{ ü }}/api:1.2' MARKER\n", id="a part of the path"),
        pytest.param("image: '{{ .r }}:1.2' MARKER\n", id="the whole name"),
        pytest.param("image: '{{ \"}}:8\" }}/api:1.2' MARKER\n", id="what looks like an end and a tag"),
        pytest.param("image: '{{ .a }}{{ .b }}/api:1.2' MARKER\n", id="two"),
        pytest.param("image: ${REGISTRY:-x.y:5/z}/api:1.2 MARKER\n", id="the shell's"),
        pytest.param("image: $(REGISTRY)/api:1.2 MARKER\n", id="Kubernetes"),
        pytest.param("image: $[[ inputs.r ]]/acme/api:1.2 MARKER\n", id="GitLab's inputs"),
        pytest.param("uses: docker://${{ vars.r }}/api:1.2 MARKER\n", id="GitHub, with a scheme"),
        pytest.param("x: '{{ .r }}/api:1.2' MARKER\n", id="no place of an image"),
        pytest.param("repository: '{{ .r }}/api'\ntag: 1.2 MARKER\n", id="a repository of its own"),
        pytest.param("images:\n- name: x\n  newName: $R/api\n  newTag: '1.2' MARKER\n", id="Kustomize"),
    ],
)
def test_a_marker_tells_the_name_that_holds_variables(prefix, marker, text):
    text = prefix + text.replace("MARKER", marker)
    occurrence = _locate_one(text)

    result = rewrite(text.encode(), make_edits(occurrence, tag="2.10.0", digest=None))

    assert (str(occurrence.reference), occurrence.entry) == ("ghcr.io/acme/api:1.2", "api")
    assert result.decode() == text.replace("1.2", "2.10.0")


def test_a_digest_behind_a_name_with_variables_moves_along_and_can_be_added():
    text = "image: '{{ .r }}/api:1.2' # imagebot: api\n"
    pinned = text.replace("1.2", f"1.2@{A}")

    added = rewrite(text.encode(), make_edits(_locate_one(text), tag="1.2", digest=A))
    moved = rewrite(pinned.encode(), make_edits(_locate_one(pinned), tag="1.3", digest=B))

    assert added.decode() == pinned
    assert moved.decode() == text.replace("1.2", f"1.3@{B}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("'{{ .r }}/web:1' # api", "it names {{ .r }}/web, and it is bound to ghcr.io/acme/api", id="end"),
        pytest.param("'q.io/$R/api:1' # api", "it names q.io/$R/api, and it is bound to ghcr.io/acme/api", id="begin"),
        pytest.param("$R/api:1 # any", "it holds the variable $R, and the entry that it is bound to is", id="many"),
        pytest.param("ghcr.io/acme/api:$T # api", "it holds the variable $T", id="the tag"),
        pytest.param("$R/api:1-$T # api", "it holds the variable $R", id="a part of the tag"),
        pytest.param(f"$R/api@{A} # api", "it holds the variable $R", id="no tag"),
        pytest.param("$R/api:1@$D # api", "it holds the variable $R", id="the digest"),
        pytest.param(f"{1000 * 'a'}$R:1 # api", "it is no image reference: it has 1004 characters", id="too long"),
        pytest.param("!!binary '$R/api:1' # api", "the tag tag:yaml.org,2002:binary may make", id="YAML's tag"),
    ],
)
def test_a_marker_at_other_variables_changes_nothing(text, reason):
    data = f"image: {text}\n".replace("# ", "# imagebot: ").encode()

    (left_alone,) = locate(data, bindings=_BINDINGS).left_alone

    assert left_alone.reason.startswith(reason)
