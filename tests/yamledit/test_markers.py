"""Inline markers: which comments are markers, and what they bind."""

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from imagebot.image.reference import parse_repository
from imagebot.yamledit.edit import make_edits
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.occurrence import Holds, LeftAlone, Located, Occurrence
from imagebot.yamledit.rewrite import rewrite
from tests.yamledit.documents import files
from tests.yamledit.test_laws import few

A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"

IMAGES = {
    "api": parse_repository("ghcr.io/acme/api"),
    "a/b_c-d.e": parse_repository("nginx"),
    "web": parse_repository("docker.io/library/nginx"),
    "any": None,
    "ns:p": parse_repository("nginx"),
    "ns:tag": parse_repository("redis"),
}
FLUX = '{"$imagepolicy": "ns:p"}'


def _locate(text: str, *, reads_flux: bool = True) -> Located:
    return locate(text.encode(), bindings=Bindings(images=IMAGES, reads_flux=reads_flux))


def _locate_one(text: str) -> Occurrence:
    located = _locate(text)
    assert located.left_alone == ()
    (occurrence,) = located.occurrences
    return occurrence


def _locate_left_alone(text: str) -> LeftAlone:
    located = _locate(text)
    assert located.occurrences == ()
    (left_alone,) = located.left_alone
    return left_alone


def _list_bound(located: Located) -> list[tuple[str, str | None]]:
    return [(str(found.reference), found.entry) for found in located.occurrences]


@pytest.mark.parametrize(
    ("comment", "entry"),
    [
        pytest.param("# imagebot: api", "api", id="own form"),
        pytest.param("#imagebot:api", "api", id="no gaps"),
        pytest.param("##\timagebot:  api \t", "api", id="more of each"),
        pytest.param("# imagebot: a/b_c-d.e", "a/b_c-d.e", id="all characters of a name"),
        pytest.param("# imagebot: ns:p", "ns:p", id="a policy of Flux in the own form"),
        pytest.param("# imagebot: ns:tag", "ns:tag", id="a policy of Flux whose name is a suffix"),
        pytest.param(f"# {FLUX}", "ns:p", id="Flux"),
        pytest.param(f"#{FLUX}", "ns:p", id="Flux, no gap"),
        pytest.param(f"##\t{FLUX} \t", "ns:p", id="Flux, more of each"),
        pytest.param('# {"x": "y", "z": null, "$imagepolicy":"ns:p"}', "ns:p", id="Flux, beside other keys"),
        pytest.param('# {"$imagepolicy": "x:y", "$imagepolicy": "ns:p"}', "ns:p", id="Flux, the last of two counts"),
        pytest.param('# {"$imagepolicy": "ns:tag"}', "ns:tag", id="Flux, a name that is a suffix"),
    ],
)
def test_a_comment_binds_the_scalar_before_it(comment, entry):
    occurrence = _locate_one(f"a:\n- image: nginx:1.2  {comment}\n  b: c\n")

    assert (str(occurrence.reference), occurrence.entry) == ("nginx:1.2", entry)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x: nginx:1.2 MARKER\n", id="a scalar that is no place of an image"),
        pytest.param("x: nginx:1.2 MARKER", id="no end of line"),
        pytest.param("- nginx:1.2 MARKER\n- b\n", id="item"),
        pytest.param("nginx:1.2 MARKER\n", id="root"),
        pytest.param("--- nginx:1.2 MARKER\n", id="root behind its document's start"),
        pytest.param("x:\n  nginx:1.2 MARKER\n", id="on a line of its own"),
        pytest.param("image:\n  MARKER\n  nginx:1.2\n", id="above, on a line of its own"),
        pytest.param("? x\n: nginx:1.2 MARKER\n", id="explicit value"),
        pytest.param("x: 'nginx:1.2' MARKER\n", id="single quotes"),
        pytest.param('x: "nginx:1.2"MARKER\n', id="double quotes and no blank"),
        pytest.param("x: &x nginx:1.2 MARKER\n", id="anchor"),
        pytest.param("x: !!str nginx:1.2\tMARKER\n", id="tag and tab"),
        pytest.param("x: &x nginx:1.2 MARKER\nimage: *x\n", id="anchor that aliases share"),
        pytest.param("\ufeffx: nginx:1.2 MARKER\n", id="byte order mark"),
        pytest.param("ü: 1\n🐳: nginx:1.2 MARKER\n", id="wide characters before"),
        pytest.param("[ü 🐳, nginx:1.2, MARKER\n c]\n", id="wide characters on its line"),
        pytest.param("x: nginx:1.2 MARKER\r\ny: 1\r\n", id="CRLF"),
        pytest.param("x: nginx:1.2 MARKER\ry: 1\r", id="CR"),
        pytest.param("x: nginx:1.2 MARKER\x85y: 1\n", id="NEL"),
        pytest.param("x: {a: nginx:1.2 MARKER\n}\n", id="flow mapping"),
        pytest.param("x: {a: nginx:1.2, MARKER\n b: c}\n", id="behind a comma"),
        pytest.param("x: [b, nginx:1.2 , MARKER\n c]\n", id="last of several in a flow sequence"),
        pytest.param("x: 1\n---\ny: nginx:1.2 MARKER\n---\nz: 1\n", id="one of several documents"),
        pytest.param("x: |\n  a\n\ny: nginx:1.2 MARKER\n", id="after a block scalar"),
        pytest.param("x: nginx:1.2 MARKER\n# other\n", id="above another comment"),
        pytest.param("- b # c\nMARKER\n- nginx:1.2\n", id="above an item"),
        pytest.param("MARKER\n- nginx:1.2\n", id="above the first item"),
        pytest.param("x:\n  MARKER\n  - nginx:1.2\n", id="above an indented item"),
        pytest.param("MARKER\r- nginx:1.2\r", id="above, CR"),
        pytest.param("- b\n# other\n\nMARKER\n- nginx:1.2\n", id="above, below another block of comments"),
        pytest.param("- MARKER\n  nginx:1.2\n", id="above, behind the dash"),
        pytest.param("--- MARKER\nnginx:1.2\n", id="above, behind the start of a document"),
        pytest.param("- b\nMARKER\n- &x nginx:1.2\n", id="above an anchor"),
        pytest.param("x: [b,\n MARKER\n nginx:1.2]\n", id="above, in a flow sequence"),
    ],
)
@pytest.mark.parametrize("comment", ["# imagebot: ns:p", f"# {FLUX}"], ids=["own", "Flux"])
def test_a_marker_binds_wherever_flux_reads_one(text, comment):
    occurrence = _locate_one(text.replace("MARKER", comment))

    assert (str(occurrence.reference), occurrence.entry) == ("nginx:1.2", "ns:p")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("comment", ["# imagebot: ns:p", f"# {FLUX}"], ids=["own", "Flux"])
def test_a_marker_above_binds_whatever_the_line_ends_are(comment, newline):
    # Flux itself passes over one above with CRLF, for its parser takes that for two line ends.
    occurrence = _locate_one(newline.join(["\ufeffx:", "- b", comment, "- nginx:1.2", ""]))

    assert (str(occurrence.reference), occurrence.entry) == ("nginx:1.2", "ns:p")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("MARKER\nimage: nginx:1.2\n", "above a key", id="above a key"),
        pytest.param("MARKER\n- image: nginx:1.2\n", "above a key", id="above a key of an item"),
        pytest.param("MARKER\n- [nginx:1.2]\n", "a bracket", id="above a flow sequence"),
        pytest.param("MARKER\n- - nginx:1.2\n", "a bracket", id="above nested items"),
        pytest.param("# other\nMARKER\n- nginx:1.2\n", "among other comments", id="below another comment"),
        pytest.param("- b\nMARKER\n# other\n- nginx:1.2\n", "among other comments", id="above another comment"),
        pytest.param("MARKER\n- nginx:1.2 # other\n", "has a comment behind it", id="above what has another comment"),
        pytest.param("- x:\n    - b\n    MARKER\n- nginx:1.2\n", "indented", id="indented deeper"),
        pytest.param("x: {image: nginx:1.2} MARKER\n", "behind a bracket", id="behind a flow mapping"),
        pytest.param("x: [[nginx:1.2], MARKER\n]\n", "behind a bracket", id="behind an inner flow sequence"),
    ],
)
def test_what_flux_passes_over_is_reported_and_bound_in_the_own_form(text, reason):
    left_alone = _locate_left_alone(text.replace("MARKER", f"# {FLUX}"))
    occurrence = _locate_one(text.replace("MARKER", "# imagebot: web"))

    assert reason in left_alone.reason
    assert left_alone.text == f"# {FLUX}"
    assert (str(occurrence.reference), occurrence.entry) == ("nginx:1.2", "web")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x: 'nginx:1.2 MARKER'\n", id="in single quotes"),
        pytest.param('x: "nginx:1.2\n  MARKER"\n', id="in double quotes"),
        pytest.param("x: |\n  image: nginx:1.2 MARKER\n", id="in a literal"),
        pytest.param("x: >-\n  nginx:1.2\n  MARKER\n", id="in a folded text"),
        pytest.param("# image: nginx:1.2 MARKER\nx: 1\n", id="in a line that is commented out"),
        pytest.param("# - nginx:1.2 MARKER\n- x: 1\n", id="in an item that is commented out"),
        pytest.param("#x: nginx:1.2 MARKER\r\n", id="in a file that is commented out"),
    ],
)
@pytest.mark.parametrize("comment", ["# imagebot: web", "# {$imagepolicy: ns:p}"], ids=["own", "Flux"])
def test_a_marker_in_a_text_or_a_comment_is_none(text, comment):
    assert _locate(text.replace("MARKER", comment)) == Located((), ())


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("# imagebot:", id="no entry"),
        pytest.param("# imagebot: api and more", id="text behind it"),
        pytest.param("# imagebot : api", id="blank before the colon"),
        pytest.param("# imagebot: -api", id="no name"),
        pytest.param("# imagebot: ü", id="no name, wide"),
        pytest.param("# the api # imagebot: api", id="text before it"),
        pytest.param(f"# imagebot: {'a' * 500}", id="far too long"),
        pytest.param(f"# {FLUX} and more", id="Flux, text behind it"),
        pytest.param(f"# see {FLUX}", id="Flux, text before it"),
        pytest.param("# {'$imagepolicy': 'ns:p'}", id="Flux, single quotes"),
        pytest.param('# {"$imagepolicy": "ns:p",}', id="Flux, comma at the end"),
        pytest.param('# {"$imagepolicy": "ns:p"', id="Flux, open brace"),
        pytest.param('# ["$imagepolicy"]', id="Flux, a list"),
        pytest.param('# {"$imagepolicy": "ns:p", "x": 1}', id="Flux, a number beside it"),
        pytest.param('# {"$imagepolicy": null}', id="Flux, null"),
        pytest.param('# {"$imagepolicy": ""}', id="Flux, empty"),
        pytest.param('# {"$imagepolicy": "p"}', id="Flux, no namespace"),
        pytest.param('# {"$imagepolicy": "ns:p:sha"}', id="Flux, unknown suffix"),
        pytest.param('# {"$imagepolicy": "ns:p "}', id="Flux, blank in the name"),
        pytest.param('# {"$imagepolicy": "\\ud800:p"}', id="Flux, half a surrogate pair"),
        pytest.param('# {"$imagepolicy": ' + "[" * 5000, id="Flux, nested deep"),
        pytest.param('# {"$imagepolicy": ' + "1" * 5000 + "}", id="Flux, a long number"),
        pytest.param(f"# {FLUX}\xa0", id="Flux, a blank that JSON has not"),
    ],
)
def test_a_malformed_marker_is_reported_with_what_is_accepted_and_its_scalar_is_left_alone(comment):
    left_alone = _locate_left_alone(f"x: 1\nimage: nginx:1.2 {comment}\n")

    assert (left_alone.line, left_alone.column) == (2, 18)
    assert left_alone.text == comment[:200]
    assert left_alone.reason.startswith("it is no marker; accepted is # ")


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("# an image for imagebot", id="a word"),
        pytest.param("# see imagebot: it moves this", id="the word and a colon behind others"),
        pytest.param('# {"x": "$imagepolicy"}', id="the key as a value"),
        pytest.param('# {"$ImagePolicy": "ns:p"}', id="another case"),
    ],
)
def test_a_comment_that_is_not_meant_as_a_marker_is_none(comment):
    assert _locate_one(f"image: nginx:1.2 {comment}\n").entry is None


def test_without_flux_its_markers_are_comments():
    text = f"image: nginx:1.2 # {FLUX}\nx: redis:7 # {FLUX}\ny: 1 # {FLUX} and more\n"

    assert _list_bound(_locate(text, reads_flux=False)) == [("nginx:1.2", None)]
    assert _locate(text, reads_flux=False).left_alone == ()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param(
            "image: *x MARKER\n", 2, "it stands at an alias, and belongs to the scalar with the anchor &x", id="alias"
        ),
        pytest.param("image: MARKER\n  nginx:1.2\n", 2, "it stands at a key, and belongs to the value", id="key"),
        pytest.param("? b:2 MARKER\n: c\n", 2, "it stands at a key, and belongs to the value", id="explicit key"),
        pytest.param("y: | MARKER\n  nginx:1.2\n", 2, "its scalar spans several lines or is a block", id="literal"),
        pytest.param("y: >-\tMARKER\n  nginx:1.2\n", 2, "its scalar spans several lines or is a block", id="folded"),
        pytest.param(
            "y: 'a\n  b:1' MARKER\n", 3, "its scalar spans several lines or is a block", id="quoted, two lines"
        ),
        pytest.param("y: a\n  b MARKER\n", 3, "its scalar spans several lines or is a block", id="plain, two lines"),
        pytest.param("image: MARKER\nz: 1\n", 2, "its scalar is empty", id="nothing"),
        pytest.param("image: '' MARKER\n", 2, "its scalar is empty", id="empty text"),
        pytest.param("image: ~ MARKER\n", 2, "its scalar is empty", id="null"),
        pytest.param("- MARKER\n- b\n", 2, "its scalar is empty", id="empty item"),
        pytest.param("y: [] MARKER\n", 2, "it stands at a key", id="empty sequence"),
        pytest.param(
            "y: {\n  a: b\n} MARKER\n", 4, "no scalar stands before it on its line", id="behind a brace alone"
        ),
        pytest.param("MARKER\n", 2, "on the line below it stands no value", id="above nothing"),
        pytest.param("MARKER\n\n- b:1\n", 2, "on the line below it stands no value", id="above an empty line"),
        pytest.param("MARKER\ny:\n  z: 1\n", 2, "on the line below it stands no value", id="above a mapping"),
        pytest.param(
            "MARKER\ny: {a: b:1, c: d}\n", 2, "on the line below it stands more than one value", id="above two"
        ),
    ],
)
def test_a_marker_that_stands_at_no_scalar_to_be_edited_is_reported(text, line, reason):
    first = "- &x a:1\n" if "- b" in text else "q: &x a:1\n"

    located = _locate(first + text.replace("MARKER", "# imagebot: web"))

    assert located.occurrences == ()
    (left_alone,) = located.left_alone
    assert (left_alone.line, left_alone.text) == (line, "# imagebot: web")
    assert left_alone.reason.startswith(reason)


@pytest.mark.parametrize("suffix", ["tag", "digest"])
@pytest.mark.parametrize("item", ["- name: web\n  newTag: v1\n", "- name: web\n", "- repository: nginx\n  tag: v1\n"])
def test_a_marker_for_a_tag_above_an_item_does_not_bind_the_name_with_which_that_begins(item, suffix):
    located = _locate(f"images:\n# imagebot: web:{suffix}\n{item}")

    assert located.occurrences == ()
    assert [left.reason for left in located.left_alone] == [
        f"below it stands the {item.split()[1][:-1]}; a marker for the {suffix} stands behind that"
    ]


def test_a_marker_behind_a_name_binds_it_for_what_the_marker_says():
    assert _list_bound(_locate("- name: v1 # imagebot: web:tag\n")) == [("nginx:v1", "web")]


@pytest.mark.parametrize("text", ["x: nginx:1.2#imagebot:web\n", "x: a#{$imagepolicy}\n"])
def test_a_plain_text_may_hold_what_begins_a_comment_elsewhere(text):
    assert _locate(text) == Located((), ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("image: a:1 # imagebot: typo\n", "typo names no entry of the policy file", id="own"),
        pytest.param("image: a:1 # imagebot: api:sha\n", "api:sha names no entry of the policy file", id="no suffix"),
        pytest.param(
            'image: a:1 # {"$imagepolicy": "ns:q:tag"}\n', "ns:q names no entry of the policy file", id="Flux"
        ),
    ],
)
def test_an_unknown_entry_is_reported_with_those_there_are(text, reason):
    left_alone = _locate_left_alone(text)

    flux = ", and no ImagePolicy that is used: one that is suspended or at fault is reported where it stands"
    assert left_alone.reason == f"{reason}{flux}; entries are: a/b_c-d.e, any, api, ns:p, ns:tag, web"


def test_without_flux_nothing_is_said_of_its_policies():
    (left_alone,) = _locate("image: a:1 # imagebot: typo\n", reads_flux=False).left_alone

    assert left_alone.reason.startswith("typo names no entry of the policy file; entries are: ")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("MARKER\napiVersion: v1\n", id="at the top"),
        pytest.param("replicas: 1 MARKER\n", id="behind what is no image"),
        pytest.param("MARKER\n\nimage: nginx:1.2\n", id="above an empty line"),
        pytest.param("MARKER\nx:\n- b\n", id="above a list"),
    ],
)
@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("# imagebot: please do not touch", id="plain"),
        pytest.param("# imagebot: don't edit this, it's moved by hand (see wiki).", id="punctuation"),
        pytest.param("#imagebot: ändert das hier nicht", id="another language"),
    ],
)
def test_a_sentence_that_stands_at_no_image_is_no_marker(text, comment):
    assert _locate(text.replace("MARKER", comment)).left_alone == ()


@pytest.mark.parametrize("text", ["image: nginx:1.2 MARKER\n", "MARKER\nimage: nginx:1.2\n"], ids=["behind", "above"])
def test_a_sentence_at_an_image_is_reported_and_the_image_left_alone(text):
    left_alone = _locate_left_alone(text.replace("MARKER", "# imagebot: please do not touch"))

    assert left_alone.text == "# imagebot: please do not touch"
    assert left_alone.reason.startswith("it is no marker; accepted is # ")


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("# imagebot: web is held back here", id="an entry in a sentence"),
        pytest.param("# imagebot: wbe:tag for the new cluster", id="a suffix in a sentence"),
        pytest.param("# imagebot: wbe tag", id="two words"),
        pytest.param("# imagebot: wbe # comment", id="a comment behind it"),
        pytest.param('# imagebot: "wbe"', id="quotes"),
        pytest.param("# imagebot: {{ .entry }}", id="an action"),
        pytest.param("# imagebot:", id="nothing"),
    ],
)
def test_what_may_be_a_marker_with_a_mistake_is_reported_wherever_it_stands(comment):
    (left_alone,) = _locate(f"replicas: 1 {comment}\n").left_alone

    assert left_alone.reason.startswith("it is no marker; accepted is # ")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        pytest.param(0, "x names no entry of the policy file; no entry has a name", id="none"),
        pytest.param(12, ", ".join(f"e{n:02}" for n in range(10)) + " and 2 more", id="more than are listed"),
    ],
)
def test_the_list_of_entries_is_bounded(count, said):
    images = {f"e{number:02}": None for number in range(count)}

    (left_alone,) = locate(b"image: a:1 # imagebot: x\n", bindings=Bindings(images=images)).left_alone

    assert left_alone.reason.endswith(said)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("# imagebot: web\nx: a:1 # imagebot: web\n", [("a:1", "web")], id="twice the same"),
        pytest.param("# imagebot: api\nx: a:1 # imagebot: web\n", [("a:1", "web")], id="the one behind counts"),
        pytest.param("# imagebot: web\n# imagebot: api\nx: a:1\n", [("a:1", "web")], id="the first above counts"),
    ],
)
def test_a_scalar_has_one_marker(text, found):
    located = _locate(text)

    assert _list_bound(located) == found
    reasons = [left.reason for left in located.left_alone]
    assert all(reason.startswith("the scalar has another marker, in line ") for reason in reasons)
    assert len(reasons) == ("api" in text)


def test_two_scalars_on_a_line_have_the_marker_on_the_last():
    located = _locate("x: {image: a:1, tag: b:2} # imagebot: web\n")

    assert _list_bound(located) == [("a:1", None), ("b:2", "web")]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param("image: nginx:1.2 # web\n", [Holds.REFERENCE], id="image"),
        pytest.param("repository: nginx\ntag: 1.2 # web:tag\n", [Holds.TAG], id="tag of a split map"),
        pytest.param("repository: nginx\ntag: 1.2 # web\n", [Holds.TAG], id="without suffix"),
        pytest.param("images:\n- name: nginx\n  newTag: '1.2' # web:tag\n", [Holds.TAG], id="Kustomize"),
        pytest.param(f"repository: nginx # web:name\ntag: 1.2 # web:tag\ndigest: {A}\n", None, id="name and tag"),
        pytest.param(f"repository: nginx\ntag: 1.2\ndigest: {A} # web:digest\n", None, id="digest"),
        pytest.param(f"repository: nginx\ntag: 1.2 # web:tag\ndigest: {A} # web:digest\n", None, id="both"),
        pytest.param(f"repository: nginx\ntag: 1.2 # web:tag\nhash: {A} # web:digest\n", None, id="digest elsewhere"),
        pytest.param(f"repository: nginx\nv: 1.2 # web:tag\ndigest: {A} # web:digest\n", None, id="tag elsewhere"),
        pytest.param(f"v: 1.2 # web:tag\nhash: {A} # web:digest\n", None, id="both elsewhere"),
        pytest.param(f"hash: {A} # web:digest\nname: nginx # web:name\nv: 1.2 # web:tag\n", None, id="in any order"),
        pytest.param("v: 1.2 # web:tag\n", [Holds.TAG], id="a tag alone"),
        pytest.param("- 1.2 # web:tag\n- x\n", [Holds.TAG], id="a tag in a sequence"),
        pytest.param("1.2 # web:tag", [Holds.TAG], id="a file that is a tag"),
        pytest.param("image: '1.2' # web:tag\n", [Holds.TAG], id="a tag under the key image"),
        pytest.param(f"v: 1.2@{A} # web:tag\n", [Holds.TAG_AND_DIGEST], id="a tag with a digest"),
        pytest.param(f"v: {A} # web:digest\n", [Holds.DIGEST], id="a digest alone"),
        pytest.param("r: nginx:1.2 # web\n", [Holds.REFERENCE], id="a reference elsewhere"),
        pytest.param("r: nginx # any:name\nv: 1.2 # any:tag\n", [Holds.TAG], id="an entry of many images, with a name"),
        pytest.param("image: nginx # web:name\nv: 1.2 # web:tag\n", [Holds.TAG], id="a name under the key image"),
        pytest.param("r: docker.io/library/nginx # web:name\nv: 1.2 # web:tag\n", [Holds.TAG], id="a full name"),
    ],
)
def test_a_marker_binds_the_parts_of_one_image_together(text, holds):
    occurrence = _locate_one(text.replace("# ", "# imagebot: "))

    assert occurrence.reference.repository == parse_repository("nginx")
    assert occurrence.reference.tag == ("1.2" if "1.2" in text else None)
    assert occurrence.reference.digest == (A if A in text else None)
    assert occurrence.entry == ("any" if "any" in text else "web")
    assert [part.holds for part in occurrence.parts] == (holds or [Holds.TAG, Holds.DIGEST])


def test_a_name_is_told_as_it_is_written_beside_a_tag_and_in_short_else():
    assert str(_locate_one("v: 1.2 # imagebot: web:tag\n").reference) == "nginx:1.2"
    text = "r: docker.io/library/nginx # imagebot: web:name\nv: 1.2 # imagebot: web:tag\n"
    assert str(_locate_one(text).reference) == "docker.io/library/nginx:1.2"


def test_the_first_tag_of_a_mapping_goes_with_its_first_digest():
    text = f"v: 1.2 # web:tag\nw: 1.3 # web:tag\nh: {A} # web:digest\n--- {{v: 1.2}}\n".replace("# ", "# imagebot: ")

    assert _list_bound(_locate(text)) == [(f"nginx:1.2@{A}", "web"), ("nginx:1.3", "web")]


def test_an_empty_digest_with_a_marker_has_room_for_one_beside_its_tag():
    occurrence = _locate_one("v: 1.2 # imagebot: web:tag\nh: '' # imagebot: web:digest\n")

    assert occurrence.room is not None
    assert (occurrence.room.holds, occurrence.room.text) == (Holds.DIGEST, "")
    assert _locate_one("repository: nginx\ntag: 1.2\ndigest: '' # imagebot: web:digest\n").entry == "web"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param("v: 1.2 # any:tag\n", 1, "its entry is about more than one image; the name", id="no name"),
        pytest.param("v: a:1.2 # web:tag\n", 1, "its scalar holds more than a tag", id="reference as tag"),
        pytest.param("image: a:1.2 # web:tag\n", 1, "its scalar holds more than a tag", id="image as tag"),
        pytest.param("v: 1.2 # web\n", 1, "its scalar is no name with a tag; one", id="tag as reference"),
        pytest.param(f"v: {A} # web\n", 1, "its scalar is no name with a tag; one", id="digest as reference"),
        pytest.param("repository: a # web\ntag: b\n", 1, "its scalar is no name with a tag", id="name as reference"),
        pytest.param("v: '' # web:digest\n", 1, "its scalar is empty, and no tag beside it", id="empty digest alone"),
        pytest.param("r: nginx:1 # web:name\n", 1, "its scalar holds no repository: ", id="reference as name"),
        pytest.param("image: nginx:1 # web:name\n", 1, "its scalar holds no repository: ", id="image as name"),
        pytest.param("r: a/b # web:name\n", 1, "its scalar names a/b, and the entry is about nginx", id="other name"),
        pytest.param(
            "registry: q.io\nrepository: nginx # web:name\ntag: 1\n",
            2,
            "its scalar names q.io/nginx, and",
            id="registry",
        ),
        pytest.param(
            "tag: 1 # web:tag\nrepository: a\ndigest: sha256:b # api:digest\n",
            3,
            "a scalar beside it is bound to the entry web",
            id="two entries for one image",
        ),
    ],
)
def test_a_marker_that_does_not_fit_its_scalar_is_reported_and_nothing_is_edited(text, line, reason):
    left_alone = _locate_left_alone(text.replace("# ", "# imagebot: "))

    assert left_alone.line == line
    assert left_alone.text.startswith("# imagebot: ")
    assert left_alone.reason.startswith(reason)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("r: a/b # web:name\nv: 1.2 # web:tag\n", id="name"),
        pytest.param(f"h: {A} # typo:digest\nv: 1.2 # web:tag\n", id="digest"),
        pytest.param(f"h: {A} # web:sha\nrepository: nginx\ntag: 1.2 # web:tag\n", id="digest of a split map"),
    ],
)
def test_a_tag_beside_a_marker_that_does_not_fit_is_left_alone(text):
    located = _locate(text.replace("# ", "# imagebot: "))

    assert located.occurrences == ()
    assert len(located.left_alone) == 2
    assert located.left_alone[1].reason == "the marker beside it in line 1 does not fit"


def test_a_digest_beside_an_alias_of_a_tag_is_no_part_of_it():
    text = f"a:\n  v: &v 1.2 # web:tag\n  h: {A} # web:digest\nb: {{repository: nginx, tag: *v}}\n"

    reasons = [left.reason for left in _locate(text.replace("# ", "# imagebot: ")).left_alone]

    assert len(reasons) == 2
    assert all("names another image or stands with other parts" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("v: ${TAG} # imagebot: web:tag\n", "it holds the variable ${TAG}", id="variable as tag"),
        pytest.param("v: a:$(TAG) # imagebot: web\n", "it holds the variable $(TAG)", id="variable in a reference"),
        pytest.param("v: a/b # imagebot: web\n", "no tag is written", id="a name alone"),
        pytest.param("v: sha256:1 # imagebot: web:digest\n", "it is no image reference: a sha256", id="no digest"),
        pytest.param("v: !!int 1 # imagebot: web:tag\n", "the tag tag:yaml.org,2002:int may", id="a number"),
        pytest.param(
            "v: &v a:1 # imagebot: web\nx: *v\n", "the text is shared as &v with line 2, where it is no", id="shared"
        ),
    ],
)
def test_what_a_marker_makes_a_place_is_judged_as_any_other(text, reason):
    assert _locate_left_alone(text).reason.startswith(reason)


def test_a_marker_at_an_anchor_binds_every_use():
    located = _locate("a: {image: &i nginx:1.2} # imagebot: web\nb:\n  image: *i\n")

    assert _list_bound(located) == [("nginx:1.2", "web")]
    assert located.left_alone == ()


def test_an_anchored_tag_is_one_for_the_mappings_that_use_it():
    located = _locate("v: &v 1.2 # imagebot: web:tag\na: {repository: nginx, tag: *v}\n")

    assert _list_bound(located) == [("nginx:1.2", "web")]
    assert located.left_alone == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("{{ if ü }}\nx: a:1 # web\n{{ end }}\n", [("a:1", "web")], id="between actions"),
        pytest.param("{{- /*\n# web\n*/}}\nx: a:1\n", [], id="in a comment of the template"),
        pytest.param("{{- /* # web */}}\nx: a:1\n{{ end }}", [], id="in a comment of the template on a line"),
        pytest.param("{% if x %}\n# web\n{# ü #}\n- a:1\n{% end %}", [], id="above a comment of the template"),
    ],
)
def test_a_marker_in_a_template_binds_what_is_literal(text, found):
    located = _locate(text.replace("# web", "# imagebot: web"))

    assert _list_bound(located) == found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("image: {{ .x }} MARKER\n", id="an image"),
        pytest.param("x: {{ .x }} MARKER\n", id="no place of an image"),
        pytest.param("image: &i {{ .x }} MARKER\n", id="an anchor"),
        pytest.param("MARKER\n- {{ .x }}\n", id="above an item"),
        pytest.param("MARKER\nimage: {{ .x }}\n", id="above an image"),
        pytest.param("x: [{{ .y }}, {{ .x }}] MARKER\n", id="in a flow sequence"),
    ],
)
def test_a_marker_at_an_action_that_is_a_mapping_to_yaml_is_reported_once(text):
    left_alone = _locate_left_alone(text.replace("MARKER", "# imagebot: api"))

    assert left_alone.text == "# imagebot: api"
    assert left_alone.reason == "it stands at {{ .x }}, which a template fills in: no tag is written there"


def test_a_marker_whose_name_is_made_by_a_template_is_malformed():
    left_alone = _locate_left_alone("{{ if x }}\nx: a:1 # imagebot: {{ y }}\n{{ end }}\n")

    assert (left_alone.text, left_alone.reason[:15]) == ("# imagebot: {{ y }}", "it is no marker")


def test_a_marker_in_a_block_of_yaml_binds_what_stands_there():
    text = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    helm:
      values: |
        x: nginx:1.2 # imagebot: web
"""
    assert _list_bound(_locate(text)) == [("nginx:1.2", "web")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_an_edit_leaves_the_markers_as_they_are(newline):
    text = newline.join(
        [
            "\ufeffü: # 🐳",
            f"- v: '1.2'\t#{FLUX[:-2]}:tag\"}}  ",
            f'  h: {A} # {{"$imagepolicy": "ns:p:digest"}}',
            "  r: nginx # imagebot: ns:p:name",
            "# imagebot: web",
            "- nginx:1.2",
        ]
    )

    occurrences = _locate(text).occurrences
    edits = [
        edit for found in occurrences for edit in make_edits(found, tag="1.30", digest=B if found.has_digest else None)
    ]

    assert rewrite(text.encode(), edits).decode() == text.replace("1.2", "1.30").replace(A, B)


@st.composite
def _marked(draw: st.DrawFn) -> tuple[bytes, bytes, int]:
    """Return a file, the same file with a marker behind one of its images, and the number of the image."""
    data = draw(files())
    found = locate(data).occurrences
    # What aliases share would be bound with all its uses, and what stands in a line with others may not be the last.
    assume(found)
    number = draw(st.integers(0, len(found) - 1))
    end = found[number].parts[-1].end
    line_end = min((at for at in (data.find(b"\n", end), data.find(b"\r", end)) if at >= 0), default=len(data))
    rest = data[end:line_end]
    assume(not rest.strip() or rest.lstrip().startswith(b"#"))
    comment = draw(st.sampled_from([" # imagebot: any", " #imagebot:any", ' # {"$imagepolicy": "any:any"}\t']))
    return data, data[:end] + comment.encode() + data[line_end:], number


@few
@given(_marked())
def test_a_marker_behind_an_image_changes_nothing_else_about_what_is_found(task):
    data, marked, number = task

    plain, bound = (
        locate(data),
        locate(marked, bindings=Bindings(images={"any": None, "any:any": None}, reads_flux=True)),
    )

    assert [left.reason for left in bound.left_alone] == [left.reason for left in plain.left_alone]
    assert [_describe(found) for found in bound.occurrences] == [_describe(found) for found in plain.occurrences]
    entries = [found.entry for found in bound.occurrences]
    assert entries[number] in ("any", "any:any")
    assert not any(entries[:number] + entries[number + 1 :])


def _describe(found: Occurrence) -> tuple[object, ...]:
    parts = tuple((part.holds, part.text, part.end - part.start) for part in found.parts)
    return found.place, found.reference, parts, found.room is None, found.line, found.column, found.yaml_path
