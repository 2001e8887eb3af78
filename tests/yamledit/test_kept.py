"""What was located is read back as it was from its text, and holds for the files and rules that it was located by."""

import json
from dataclasses import fields, replace
from pathlib import Path as FilePath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebot.image.reference import parse_reference, parse_repository
from imagebot.yamledit.captures import parse_file_pattern, parse_image_template
from imagebot.yamledit.columns import pack
from imagebot.yamledit.kept import NOTHING, Fingerprints, Found, NoYaml, format_found, parse_found
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.occurrence import About, Holds, LeftAlone, Located, Occurrence, Part, Place
from imagebot.yamledit.scan import NotYaml, Path
from imagebot.yamledit.sites import Site, make_site
from imagebot.yamledit.yaml_path import parse_yaml_path
from tests.yamledit.documents import BINDINGS, samples

GOLDEN = FilePath(__file__).parents[1] / "golden"
PART = Part(Holds.TAG, 5, 8, "1.2", "v", "@")
ROOM = Part(Holds.DIGEST, 20, 22, "")
OCCURRENCE = Occurrence(
    Place.SPLIT,
    parse_reference("acme/api:1.2"),
    (PART, replace(PART, start=10, end=13)),
    ROOM,
    line=2,
    column=3,
    path=Path(Path(Path(), "images"), 0),
    entry="api",
)
EXAMPLES: list[Found] = [
    NOTHING,
    NoYaml(3, 4, "a tab stands there"),
    Located((OCCURRENCE,), (LeftAlone(7, 8, "web:$TAG", "it holds a variable"),)),
    Located((), (LeftAlone(1, 2, "# imagebot: x", "it names no entry", About.MARKER, "x"),)),
    Located((replace(OCCURRENCE, room=PART, entry=None), replace(OCCURRENCE, room=None, path=Path())), ()),
    Located((replace(OCCURRENCE, path=Path(Path(), "0")), replace(OCCURRENCE, path=Path(Path(), 0))), ()),
    Located((replace(OCCURRENCE, reference=parse_reference(f"{64 * 'a'}:1@sha256:{64 * 'b'}")),), ()),
]


def _locate(data: bytes, path: str = "", bindings: Bindings = BINDINGS) -> Found:
    try:
        return locate(data, path=path, bindings=bindings)
    except NotYaml as error:
        return NoYaml(error.line, error.column, error.reason)


def test_what_was_found_in_files_is_read_back():
    assert parse_found(format_found(EXAMPLES)) == tuple(EXAMPLES)


def test_what_was_found_in_no_file_is_read_back():
    assert parse_found(format_found([])) == ()


def test_what_is_located_in_every_golden_file_is_read_back():
    found = [_locate(file.read_bytes()) for file in sorted(GOLDEN.glob("*/before/**/*")) if file.is_file()]

    assert sum(len(each.occurrences) for each in found if isinstance(each, Located)) > 50
    assert parse_found(format_found(found)) == tuple(found)


@given(samples())
def test_what_is_located_in_any_file_is_read_back(sample):
    found = _locate(sample.data, sample.path)

    assert parse_found(format_found([found])) == (found,)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        pytest.param(Part, "holds start end text before after", id="parts"),
        pytest.param(Occurrence, "place reference parts room line column path entry", id="occurrences"),
        pytest.param(LeftAlone, "line column text reason about unknown", id="what is left alone"),
        pytest.param(Located, "occurrences left_alone", id="files"),
        pytest.param(Path, "parent step", id="paths"),
    ],
)
def test_the_form_has_a_column_for_every_field(kind, names):
    assert [field.name for field in fields(kind)] == names.split()


def test_what_is_alike_is_kept_and_made_once():
    text = format_found([Located((OCCURRENCE, OCCURRENCE), ()), Located((replace(OCCURRENCE),), ())])

    assert text.count("split") == 1
    match parse_found(text):
        case (Located((one, two), ()), Located((three,), ())):
            assert one is two is three
        case found:
            pytest.fail(f"{found} is something else")


DOCUMENT = json.loads(format_found(EXAMPLES))


CHANGES: list[object] = [None, -1, 10**6, 1.5, True, "", "x", [], [0], {}, pack([0]), pack([0] * 6), pack([99] * 6)]


def _list_places(value: object, way: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    below = [_list_places(item, (*way, number)) for number, item in enumerate(value)] if isinstance(value, list) else []
    return [way, *(place for places in below for place in places)]


@given(st.sampled_from(_list_places(DOCUMENT)[1:]), st.sampled_from(CHANGES))
@example((3, 1, 0), True)
@example((5, 0, 0), [])
@example((5, 2), pack([1, 3, 1, 1, 1]))
@example((5, 2), pack([0, 3, 1, 1, 1, 1]))
@example((5, 4), pack([4_000_000_000] * 5))
@example((5, 5), "AAAA")
@example((7, 0), ["", "", pack([99]), "", "", ""])
@example((7, 2), [None, [3, 4], None, None, None, None])
def test_a_text_that_was_changed_anywhere_is_read_or_is_none(way, value):
    """It never raises, and never makes a value of wrong types."""
    document = json.loads(json.dumps(DOCUMENT))
    inner = document
    for number in way[:-1]:
        inner = inner[number]
    inner[way[-1]] = value

    found = parse_found(json.dumps(document))

    assert found is None or json.loads(format_found(found))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("null", id="no array"),
        pytest.param("[]", id="no columns"),
        pytest.param(100_000 * "[", id="nested without end"),
        pytest.param(format_found(EXAMPLES)[:-20], id="cut off"),
        pytest.param(json.dumps([*DOCUMENT, []]), id="one column more"),
        pytest.param(json.dumps(DOCUMENT[:-1]), id="one column less"),
        pytest.param(format_found(EXAMPLES).replace('"split"', '"chart"'), id="a place that is not known"),
        pytest.param(format_found(EXAMPLES).replace('"acme/api"', '"Acme"'), id="a name that is none"),
        pytest.param(format_found(EXAMPLES).replace('"1.2",', '"1 2",'), id="a tag that is none"),
    ],
)
def test_a_text_of_another_form_is_none(text):
    assert parse_found(text) is None


def _make_site(files: str, image: str = "acme/api", **paths: str) -> Site:
    made = {part: parse_yaml_path(path) for part, path in paths.items()}
    return make_site([parse_file_pattern(files)], parse_image_template(image), made, position=1)


API, WEB = parse_repository("acme/api"), parse_repository("acme/web")
RULES = Bindings((_make_site("tags/{app}.yaml", tag="a.tag"), _make_site("x.yaml", tag="b")), {"api": API, "any": None})
PLAIN, MARKED = b"image: acme/api:1.2\n", b"image: acme/api:1.2 # imagebot: api\n"


def _fingerprint(data: bytes, path: str, bindings: Bindings) -> str:
    return Fingerprints(bindings, build="one").choose(path, data)


@pytest.mark.parametrize(
    ("data", "path", "other"),
    [
        pytest.param(PLAIN, "a.yaml", replace(RULES, reads_flux=True), id="Flux's markers are read"),
        pytest.param(MARKED, "a.yaml", replace(RULES, images={"api": API}), id="a name that markers may name"),
        pytest.param(MARKED, "a.yaml", replace(RULES, images={"api": WEB, "any": None}), id="an image of a name"),
        pytest.param(b'a: "\\u0069"\n', "a.yaml", replace(RULES, images={}), id="a name that escapes may hide"),
        pytest.param(PLAIN, "x.yaml", replace(RULES, sites=()), id="a site less"),
        pytest.param(PLAIN, "x.yaml", replace(RULES, sites=(_make_site("x.yaml", tag="c"),)), id="a path of a site"),
        pytest.param(PLAIN, "x.yaml", replace(RULES, sites=(_make_site("x.yaml", digest="b"),)), id="a part of a site"),
        pytest.param(
            PLAIN, "x.yaml", replace(RULES, sites=(_make_site("x.yaml", "acme/web", tag="b"),)), id="a site's image"
        ),
    ],
)
def test_what_may_be_located_otherwise_has_another_fingerprint(data, path, other):
    assert _fingerprint(data, path, RULES) != _fingerprint(data, path, other)


def test_what_another_build_located_has_another_fingerprint():
    one, two = (Fingerprints(RULES, build=build).choose("a.yaml", PLAIN) for build in ("one", "two"))

    assert one != two


def test_two_files_of_one_site_have_two_fingerprints():
    """For the path may say which image they are about."""
    assert _fingerprint(PLAIN, "tags/a.yaml", RULES) != _fingerprint(PLAIN, "tags/b.yaml", RULES)


@pytest.mark.parametrize(
    ("data", "path", "other"),
    [
        pytest.param(PLAIN, "a.yaml", replace(RULES, images={}), id="a name, for a file without markers"),
        pytest.param(PLAIN, "a.yaml", replace(RULES, sites=()), id="sites of other files"),
        pytest.param(
            MARKED, "a.yaml", replace(RULES, images={"any": None, "api": API}), id="in which order the names are"
        ),
        pytest.param(
            PLAIN,
            "x.yaml",
            replace(RULES, sites=(replace(RULES.sites[1], position=9),)),
            id="a line of the policy file",
        ),
    ],
)
def test_what_is_located_alike_has_one_fingerprint(data, path, other):
    assert _fingerprint(data, path, RULES) == _fingerprint(data, path, other)


@given(samples())
def test_names_change_nothing_in_a_file_whose_fingerprint_is_without_them(sample):
    others = replace(BINDINGS, images={"other": WEB, "ns:p": None})
    if _fingerprint(sample.data, sample.path, BINDINGS) == _fingerprint(sample.data, sample.path, others):
        assert _locate(sample.data, sample.path) == _locate(sample.data, sample.path, others)


def test_a_fingerprint_is_one_of_those_that_are_looked_for():
    for data in (PLAIN, MARKED):
        for path in ("a.yaml", "x.yaml"):
            assert _fingerprint(data, path, RULES) in Fingerprints(RULES, build="one").list_for(path)
