"""A marker in a file names the entry that governs the image before it."""

import pytest

from imagebot.proposal.survey import Survey, survey
from imagebot.settings.policy_file import parse_policy_file

A = f"sha256:{64 * 'a'}"

POLICY = b"""
version: 1
images:
- {name: all, image: "*", policy: {semver: patch}}
- {name: web, image: nginx, policy: {semver: minor}, files: [prod/]}
- {name: acme, image: ghcr.io/acme/*, policy: {semver: major}}
- {name: pinned, image: redis, policy: {digest: "7"}}
- {image: nameless, policy: {semver: patch}}
"""


def _survey(text: str) -> Survey:
    return survey({"a.yaml": text.encode()}, parse_policy_file(POLICY, file="policy").entries)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        pytest.param("image: ghcr.io/acme/api:1.0.0\n", "all", id="without a marker the first that matches"),
        pytest.param("image: ghcr.io/acme/api:1.0.0 # imagebot: acme\n", "acme", id="not the first that matches"),
        pytest.param(
            "image: docker.io/library/nginx:1.0.0 # imagebot: web\n", "web", id="in a file outside of its files"
        ),
        pytest.param("x: nginx:1.0.0 # imagebot: web\n", "web", id="in a file that names no image otherwise"),
        pytest.param("version: 1.0.0 # imagebot: web:tag\n", "web", id="a tag alone"),
        pytest.param(
            "r: ghcr.io/acme/api # imagebot: acme:name\nv: 1.0.0 # imagebot: acme:tag\n", "acme", id="of many images"
        ),
        pytest.param(
            f"v: {A} # imagebot: pinned:digest\n", "pinned", id="a digest alone, of an entry that follows a tag"
        ),
    ],
)
def test_the_entry_of_a_name_governs_what_a_marker_binds_to_it(text, entry):
    found = _survey(text)

    assert [governed.entry.name for governed in found.governed] == [entry]
    assert (found.ungoverned, found.left_alone, found.unreadable) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "image: redis:7.0.0 # imagebot: web\n",
            "a.yaml:1:8: redis:7.0.0: its marker names the entry web, which is about nginx",
            id="another image",
        ),
        pytest.param(
            "image: redis:7.0.0 # imagebot: acme\n",
            "a.yaml:1:8: redis:7.0.0: its marker names the entry acme, which is about ghcr.io/acme/*",
            id="none of its images",
        ),
        pytest.param(
            f"v: {A} # imagebot: web:digest\n",
            f"a.yaml:1:4: nginx@{A}: it has only a digest, and no tag to choose by; "
            "the policy `digest` says which tag to follow",
            id="a digest alone",
        ),
        pytest.param(
            "image: redis:7.0.0 # imagebot: nameless\n",
            "a.yaml:1:20: # imagebot: nameless: nameless names no entry of the policy file; "
            "entries are: acme, all, pinned, web",
            id="an entry without a name",
        ),
    ],
)
def test_what_the_entry_of_a_marker_cannot_move_is_left_alone_though_another_matches(text, reason):
    found = _survey(text)

    assert [str(left) for left in found.left_alone] == [reason]
    assert (found.governed, found.ungoverned, found.unreadable) == ((), (), ())


def test_the_markers_of_flux_are_no_concern_of_a_policy_file_without_flux():
    found = _survey('image: redis:7.0.0 # {"$imagepolicy": "ns:redis"}\n')

    assert [governed.entry.name for governed in found.governed] == ["all"]
    assert found.left_alone == ()
