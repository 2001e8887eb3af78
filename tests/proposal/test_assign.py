"""What an assignment makes of a file."""

import re

import pytest
from hypothesis import HealthCheck, given, settings

from imagebot.proposal.assign import Assigned, InvalidAssignment, Result, assign, parse_assignment, parse_assignments
from imagebot.yamledit.locate import locate
from imagebot.yamledit.scan import NotYaml
from tests.yamledit.documents import digests, files, tags

A, B = (f"sha256:{64 * digit}" for digit in "ab")


def _assign(text: str, *assignments: str) -> Assigned:
    return assign("a.yaml", text.encode(), parse_assignments(assignments))


def _nest(values: str) -> str:
    """Write an application that hands these values over to Helm as one text."""
    lines = "".join(f"        {line}\n" for line in values.splitlines())
    return f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n{lines}"


def _tell(assigned: Assigned) -> list[tuple[str, str | None]]:
    return [(place.result.value, place.reason) for place in assigned.places]


@pytest.mark.parametrize(
    ("text", "repository", "tag", "digest"),
    [
        pytest.param("nginx=1.27", "docker.io/library/nginx", "1.27", None, id="a tag"),
        pytest.param(f"nginx=1.27@{A}", "docker.io/library/nginx", "1.27", A, id="both"),
        pytest.param(f"localhost:5000/api=@{A}", "localhost:5000/api", None, A, id="a digest, and a port"),
    ],
)
def test_an_assignment_says_tag_digest_or_both(text, repository, tag, digest):
    found = parse_assignment(text)

    assert (str(found.repository), found.tag, found.digest) == (repository, tag, digest)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("nginx=", "'' is at fault: a tag has 1 to 128", id="nothing"),
        pytest.param("nginx=@", "'' is at fault: a digest begins with sha256:", id="an empty digest"),
        pytest.param("nginx=1.27@", "'' is at fault: a digest begins with", id="a tag and an empty digest"),
        pytest.param("nginx=nginx:1.27", "'nginx:1.27' is at fault: a tag has", id="as kustomize has it"),
        pytest.param(
            "nginx:1.25=1.27", "'nginx:1.25' is at fault: its path breaks the grammar", id="a tag to be found"
        ),
        pytest.param("=1.27", "'' is at fault: its name is empty", id="no name"),
        pytest.param("nginx=a=b", "'a=b' is at fault: a tag has", id="two signs"),
    ],
)
def test_what_is_no_assignment_is_refused_with_the_part_at_fault(text, reason):
    with pytest.raises(InvalidAssignment, match=re.escape(f"{text!r} sets nothing: {reason}")):
        parse_assignment(text)


@pytest.mark.parametrize(
    ("before", "assignment", "after"),
    [
        pytest.param("image: nginx:1.25", "nginx=1.27", "image: nginx:1.27", id="tag"),
        pytest.param("image: nginx:1.25", f"nginx=1.27@{A}", f"image: nginx:1.27@{A}", id="a digest is added"),
        pytest.param(f"image: nginx:1.25@{A}", f"nginx=1.27@{B}", f"image: nginx:1.27@{B}", id="both"),
        pytest.param(f"image: nginx:1.25@{A}", f"nginx=@{B}", f"image: nginx:1.25@{B}", id="the digest alone"),
        pytest.param("image: nginx:1.25", f"nginx=@{B}", f"image: nginx:1.25@{B}", id="a digest to a tag that stays"),
        pytest.param(f"image: nginx@{A}", f"nginx=1.27@{B}", f"image: nginx@{B}", id="no tag is added"),
        pytest.param("image: docker.io/x/y:1", "x/y=2", "image: docker.io/x/y:2", id="the name stays as it is written"),
        pytest.param("tag: 1\nrepository: a/b\n", "a/b=1.10", 'tag: "1.10"\nrepository: a/b\n', id="quotes"),
        pytest.param("image: &i x:1\nb: {image: *i}\n", "x=2", "image: &i x:2\nb: {image: *i}\n", id="an anchor"),
        pytest.param(
            "{{- if .Values.x }}\nimage: nginx:1\n{{- end }}\n", "nginx=2",
            "{{- if .Values.x }}\nimage: nginx:2\n{{- end }}\n", id="a template",
        ),
        pytest.param(
            _nest("# one\nimage: {repository: x, tag: '1'}"), "x=2",
            _nest("# one\nimage: {repository: x, tag: '2'}"), id="nested",
        ),
        pytest.param("images: [{name: x, newTag: '1'}]", "x=2", "images: [{name: x, newTag: '2'}]", id="kustomize"),
        pytest.param("image: nginx:1 # imagebot: web\n", "nginx=2", "image: nginx:2 # imagebot: web\n", id="a marker"),
        pytest.param(
            "repository: nginx # imagebot: web:name\ntag: 1.0 # imagebot: web:tag\n", "nginx=2.0",
            'repository: nginx # imagebot: web:name\ntag: "2.0" # imagebot: web:tag\n', id="markers of parts",
        ),
    ],
)  # fmt: skip
def test_the_bytes_of_the_tag_and_the_digest_change_and_no_other(before, assignment, after):
    assigned = _assign(before, assignment)

    assert assigned.after.decode() == after
    assert [place.result for place in assigned.places] == [Result.EDITED]
    assert _assign(after, assignment).after.decode() == after


@pytest.mark.parametrize(
    ("text", "assignment", "reason"),
    [
        pytest.param(
            f"image: nginx:1.25@{A}", "nginx=1.27",
            "the digest beside its tag would still be that of 1.25; give nginx=1.27@DIGEST", id="a stale digest",
        ),
        pytest.param(
            f"image: nginx@{A}", "nginx=1.27",
            "it has only a digest, and no tag that could be set; give nginx=1.27@DIGEST", id="no tag",
        ),
        pytest.param(
            "image: {repository: nginx, tag: '1'}", f"nginx=1@{A}",
            "no digest can be written there: nothing in the file holds one", id="no room",
        ),
        pytest.param(
            f"image: {{repository: nginx, tag: '1', sha: {64 * 'a'}}}", f"nginx=2@sha512:{128 * 'b'}",
            f"nginx:2@sha512:{128 * 'b'} stands where only the digits of a sha256 digest can be written", id="sha512",
        ),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_what_it_shall_is_refused_and_left_as_it_is(text, assignment, reason):
    assigned = _assign(text, assignment)

    assert _tell(assigned) == [("refused", reason)]
    assert assigned.after == assigned.before == text.encode()


def test_a_digest_beside_the_tag_that_is_wanted_stays():
    assert _tell(_assign(f"image: nginx:1.27@{A}", "nginx=1.27")) == [("unchanged", None)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("nginx:${TAG}", id="a shell's variable"),
        pytest.param("nginx:${TAG:-1.25}", id="with a colon in it"),
        pytest.param('"nginx:{{ .Values.tag }}"', id="a template's"),
        pytest.param("docker.io/library/nginx:$TAG", id="another spelling"),
        pytest.param("nginx", id="no tag"),
        pytest.param("nginx:1.25 x", id="no reference"),
    ],
)
def test_what_names_the_image_and_cannot_be_edited_is_said(text):
    (place,) = _assign(f"image: {text}\n", "nginx=1.27").places

    assert (place.result, place.line, place.column) == (Result.LEFT_ALONE, 1, 8)
    assert place.reason


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("my-nginx:${TAG}", id="another name"),
        pytest.param("ghcr.io/nginx:${TAG}", id="another registry"),
        pytest.param("${REGISTRY}/nginx:1.25", id="an unknown registry"),
        pytest.param("nginx${SUFFIX}:1.25", id="an unknown name"),
        pytest.param("nginx-unprivileged:1.25", id="a longer name"),
    ],
)
def test_what_may_be_another_image_is_none_of_this(text):
    assigned = _assign(f"image: {text}\n", "nginx=1.27")

    assert (assigned.places, assigned.after) == ((), assigned.before)


def test_a_marker_that_is_none_is_said_for_what_stands_at_it_is_not_found():
    assigned = _assign("image: nginx:1.25 # imagebot: the web\n", "nginx=1.27")

    assert (assigned.places, assigned.after) == ((), assigned.before)
    assert [(each.line, each.column) for each in assigned.doubtful] == [(1, 19)]


def test_a_file_that_cannot_be_rewritten_safely_is_left_whole():
    # A key may have 1024 characters; with the longer tag it has more.
    text = f"{{image: nginx:1, x: {'y' * 990}}}: z\n---\nimage: redis:7\n---\nimage: redis:8\n"

    assigned = _assign(text, f"nginx={'1' * 64}", "redis=8")

    assert assigned.after.decode() == text
    reason = "the file is left as it is: line 1 cannot be rewritten safely: the result is no YAML"
    assert [(place.result.value, (place.reason or "")[: len(reason)]) for place in assigned.places] == [
        ("refused", reason),
        ("refused", reason),
        ("unchanged", ""),
    ]


def test_a_file_that_is_no_yaml_is_a_fault_with_its_place_only_if_it_may_name_the_image():
    faults = [_assign(text, "nginx=1").fault for text in ("image: [nginx:1\n", "image: [redis:1\n")]

    assert [str(fault).partition(": ")[0] for fault in faults] == ["a.yaml:2:1", "None"]


@pytest.mark.parametrize("name", ['"ngi\\x6ex:1.26"', '"ng\\\n  inx:1.26"', '"docker.io\\/library\\/nginx:1.26"'])
def test_a_name_that_escapes_hide_is_found(name):
    (place,) = _assign(f"image: {name}\n", "nginx=1.27").places

    assert place.before.startswith(("nginx:1.26", "docker.io/library/nginx:1.26"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files(), tags, digests)
def test_assigning_twice_changes_nothing_the_second_time(data, tag, digest):
    try:
        found = {occurrence.reference.repository for occurrence in locate(data).occurrences}
    except NotYaml:
        found = set()
    assignments = parse_assignments(f"{repository}={tag}@{digest}" for repository in sorted(found))

    first = assign("a.yaml", data, assignments)
    second = assign("a.yaml", first.after, assignments)

    assert second.after == first.after
    again = [Result.UNCHANGED if place.result is Result.EDITED else place.result for place in first.places]
    assert [place.result for place in second.places] == again
