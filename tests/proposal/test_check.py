"""What is wrong with a policy file and its files, told as a linter tells it."""

from collections.abc import Iterable

import pytest

from imagebot.proposal.check import Finding, find_mistakes
from imagebot.settings.policy_file import parse_policy_file

A = f"sha256:{64 * 'a'}"

WEB = """
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: ns}
spec: {image: ghcr.io/acme/web}
"""
POLICY = """
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: ns}
spec: {imageRepositoryRef: {name: web}, policy: {semver: {range: 1.x}}}
"""
MARKED = 'image: ghcr.io/acme/web:1.0.0 # {"$imagepolicy": "ns:web"}\n'


def _find(policy: str, files: dict[str, str]) -> tuple[Finding, ...]:
    parsed = parse_policy_file(f"version: 1\n{policy}".encode(), file="policy")
    data = {path: text.encode() for path, text in files.items()}
    return find_mistakes(data, parsed.entries, sites=parsed.sites, reads_flux=parsed.flux, policy_file="policy")


def _tell(findings: Iterable[Finding]) -> list[str]:
    return [f"{each.path}:{each.line}: {each.severity.value}: {each.text}" for each in findings]


def _make_images(*entries: str) -> str:
    return "images:\n" + "".join(f"- {{{entry}, policy: {{semver: minor}}}}\n" for entry in entries)


@pytest.mark.parametrize(
    ("entries", "text", "told"),
    [
        pytest.param(
            ['image: "ghcr.io/**"', "image: ghcr.io/acme/api"],
            "image: ghcr.io/acme/api:1.0\n",
            "policy:4: error: the entry ghcr.io/acme/api governs nothing: line 3 (ghcr.io/**) comes first",
            id="an earlier one has all of it",
        ),
        pytest.param(
            ["image: nginx", "image: redis", 'name: rest, image: "*"'],
            "image: nginx:1\n---\nimage: redis:1\n",
            "policy:5: error: the entry rest governs nothing: lines 3, 4 come first",
            id="two earlier ones",
        ),
        pytest.param(
            ["image: nginx", "image: redis"],
            "image: nginx:1\n",
            "policy:4: error: the entry redis governs nothing: no image that can be edited matches redis",
            id="no image",
        ),
        pytest.param(
            ['image: "*", files: [b/]', "image: nginx"],
            "image: nginx:1\n",
            "policy:3: error: the entry * governs nothing: "
            "its files are others than those that name such images, as a.yaml:1 does",
            id="other files",
        ),
        pytest.param(
            ['name: all, image: "*"', "name: web, image: nginx"],
            "image: nginx:1 # imagebot: web\n",
            "policy:3: error: the entry all governs nothing: markers bind all that it matches to other entries",
            id="markers",
        ),
    ],
)
def test_an_entry_that_governs_nothing_is_an_error_and_says_why(entries, text, told):
    assert _tell(_find(_make_images(*entries), {"a.yaml": text})) == [told]


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        pytest.param(["image: nginx", 'image: "*"'], "image: nginx:1\n---\nimage: redis:1\n", id="each has its own"),
        pytest.param(
            ['image: "*", files: [b/]', "image: nginx"],
            "a: {image: nginx:1}\nb: {image: redis:1} # imagebot\n",
            id="not those of other files",
        ),
        pytest.param(
            ['image: "*"', "name: web, image: nginx"],
            "image: nginx:1 # imagebot: web\n---\nimage: x:1\n",
            id="one has a marker",
        ),
    ],
)
def test_entries_that_govern_something_are_not_told(entries, text):
    found = _find(_make_images(*entries), {"a.yaml": text, "b/b.yaml": "image: x:1\n"})

    assert [each for each in found if each.kind.value == "entry"] == []


def test_an_entry_governs_what_it_cannot_move_for_want_of_a_tag():
    found = _find(_make_images("image: nginx", 'image: "*"'), {"a.yaml": f"image: nginx@{A}\n---\nimage: x:1\n"})

    assert [(each.kind.value, each.line) for each in found] == [("left_alone", 1)]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param({"a.yaml": "version: 1\n"}, ["the site tags/{app} matches no file"], id="no file"),
        pytest.param({"tags/b": "u: 1\n"}, ["the site tags/{app} finds nothing in tags/b"], id="another key"),
        pytest.param(
            {"tags/b": "u: 1\n", "tags/c": "{}\n"}, ["the site tags/{app} finds nothing in tags/b and 1 more"], id="two"
        ),
        pytest.param({"tags/b": "u: 1\n", "tags/c": "v: 1\n"}, [], id="one file is enough"),
        pytest.param({"tags/b": "v: [\n"}, [], id="a file that cannot be read may have it"),
    ],
)
def test_a_site_that_finds_nothing_in_any_file_is_an_error(files, told):
    policy = f'{_make_images("image: x")}sites:\n- {{files: "tags/{{app}}", image: "acme/{{app}}", tag: v}}\n'

    sites = [each for each in _find(policy, files) if each.kind.value == "site"]

    assert _tell(sites) == [f"policy:5: error: {text}" for text in told]


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        pytest.param(
            "image: nginx:1 # imagebot: api\n", (1, 16), "api names no entry of the policy file", id="names nothing"
        ),
        pytest.param("image: nginx:1 # imagebot: the web\n", (1, 16), "it is no marker", id="malformed"),
        pytest.param("# imagebot: web\n\n", (1, 1), "stands", id="at nothing"),
        pytest.param(
            "image: redis:1 # imagebot: web\n",
            (1, 8),
            "its marker names the entry web, which is about nginx",
            id="other",
        ),
    ],
)
def test_a_marker_that_binds_nothing_is_an_error(text, place, told):
    found = _find(_make_images("name: web, image: nginx"), {"a.yaml": text, "b.yaml": "image: nginx:1\n"})

    (marker,) = found
    assert (marker.severity.value, marker.kind.value, (marker.line, marker.column)) == ("error", "marker", place)
    assert told in marker.text


def test_errors_come_first_and_those_of_one_kind_stand_together():
    found = _find(
        _make_images("image: nginx", "image: redis"),
        {"b.yaml": "image: [", "a.yaml": "image: x:1\n---\nimage: nginx:1\n---\nimage: nginx:$T\n"},
    )

    assert [(each.severity.value, each.kind.value) for each in found] == [
        ("error", "entry"),
        ("error", "unreadable"),
        ("notice", "left_alone"),
        ("notice", "ungoverned"),
    ]


def test_flux_policies_that_a_marker_names_are_not_told():
    assert _find("flux: true\n", {"flux.yaml": f"{WEB}---\n{POLICY}", "web.yaml": MARKED}) == ()


def test_a_flux_policy_that_no_marker_names_is_a_notice():
    (found,) = _find("flux: true\n", {"flux.yaml": f"{WEB}---\n{POLICY}"})

    assert (found.severity.value, found.kind.value, found.path, found.line) == ("notice", "flux", "flux.yaml", 10)
    assert found.text.startswith("ImagePolicy ns:web: it governs nothing")


def test_a_flux_policy_that_cannot_be_an_entry_is_a_notice_and_so_are_its_markers():
    suspended = POLICY.replace("spec: {", "spec: {suspend: true, ")

    found = _find("flux: true\n", {"flux.yaml": f"{WEB}---\n{suspended}", "web.yaml": MARKED})

    assert [(each.severity.value, each.kind.value, each.path) for each in found] == [
        ("notice", "marker", "web.yaml"),
        ("notice", "flux", "flux.yaml"),
    ]


def test_a_flux_marker_that_names_no_policy_is_an_error():
    (found,) = _find("flux: true\n", {"web.yaml": MARKED})

    assert (found.severity.value, found.kind.value) == ("error", "marker")
