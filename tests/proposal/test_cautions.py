"""What reviewers are warned of, and what not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from imagebot.image.description import Description
from imagebot.image.reference import parse_repository
from imagebot.policy.entry import Entry, parse_file_globs
from imagebot.proposal.cautions import find_left, list_cautions
from imagebot.proposal.moves import make_moves
from imagebot.proposal.plan import make_changes, make_groups
from imagebot.proposal.request_rules import GroupBy
from imagebot.proposal.survey import survey
from tests.proposal.builders import (
    DIGEST_1,
    DIGEST_2,
    choose_all,
    make_choices,
    make_entry,
    make_follower,
    make_group,
    make_listings,
    see,
)
from tests.proposal.examples import describe

_AMD64, _ARM64 = "linux/amd64", "linux/arm64"
_SOURCE = "https://github.com/acme/api"


def _warn(
    old: str,
    new: str,
    *,
    entry: Entry | None = None,
    described: tuple[Description, Description] | None = None,
    is_repushed: bool = False,
) -> Sequence[str]:
    """List the kinds of cautions about an image that moves from one tag to another."""
    sightings = {new: see(DIGEST_2, is_repushed=is_repushed)}
    files = {"a.yaml": f"image: acme/api:{old}\n".encode()}
    choices = make_choices(files, {"acme/api": [old, new]}, [entry or make_entry("*", ">=0")], sightings=sightings)
    known = dict(zip((old, new), described or (), strict=False))
    moves = make_moves(make_group(choices), {parse_repository("acme/api"): known})
    return [each.split("**")[1] for each in list_cautions(moves, (), lambda path, line: None)]


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        pytest.param("1.4.2", "1.5.0", [], id="a minor version"),
        pytest.param("1.4.2", "1.4.3", [], id="a patch"),
        pytest.param("1.4.2", "2.0.0", ["Major jump"], id="a major version"),
        pytest.param("v1", "v2", ["Major jump"], id="of one number"),
        pytest.param("1.4.2-alpine", "2.0.0-alpine", ["Major jump"], id="with a suffix"),
    ],
)
def test_a_major_jump_is_warned_of(old, new, kinds):
    assert _warn(old, new) == kinds


def test_a_step_back_is_one_and_no_jump():
    entry = make_entry("*", "<2")
    backwards = replace(entry, rules=replace(entry.rules, allows_downgrade=True))

    assert _warn("2.1.0", "1.9.0", entry=backwards) == ["A step back"]


@pytest.mark.parametrize(
    ("old", "new", "entry", "kinds"),
    [
        pytest.param("1.4.2", "1.4.3", make_entry("*", ">=0"), ["Pushed again:"], id="a version of three numbers"),
        pytest.param("1.4", "1.5", make_entry("*", ">=0"), [], id="a version that moves by custom"),
        pytest.param("latest", "latest", make_follower("latest"), [], id="a tag that is followed for that"),
        pytest.param("1.4.2", "1.4.2", make_entry("*", ">=0", pins_digest=True), ["Pushed again:"], id="only a digest"),
    ],
)
def test_a_version_that_was_pushed_again_is_warned_of(old, new, entry, kinds):
    assert _warn(old, new, entry=entry, is_repushed=True) == kinds


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        pytest.param([_AMD64, _ARM64], [_AMD64], ["Fewer platforms:"], id="one is lost"),
        pytest.param([_AMD64], [_AMD64, _ARM64], [], id="one is new"),
        pytest.param([_AMD64], [], [], id="it is not known for which it is"),
        pytest.param([], [_AMD64], [], id="it is not known for which it was"),
    ],
)
def test_lost_platforms_are_warned_of(old, new, kinds):
    described = describe(DIGEST_1, 1, platforms=old), describe(DIGEST_2, 1, platforms=new)

    assert _warn("1.4.2", "1.4.3", described=described) == kinds


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        pytest.param(_SOURCE, "https://github.com/evil/api", ["Another source:"], id="another owner"),
        pytest.param(_SOURCE, f"{_SOURCE}.git", [], id="the same, written otherwise"),
        pytest.param(_SOURCE, "", [], id="no source any more"),
        pytest.param("", _SOURCE, [], id="a source for the first time"),
        pytest.param(_SOURCE, "javascript:alert(1)", [], id="what is no source"),
    ],
)
def test_another_source_is_warned_of(old, new, kinds):
    described = describe(DIGEST_1, 1, source=old), describe(DIGEST_2, 1, source=new)

    assert _warn("1.4.2", "1.4.3", described=described) == kinds


_FILES = {
    "prod/a.yaml": b"image: nginx:1.0.0\n---\nimage: nginx:1.1.0\n",
    "dev/b.yaml": b"image: nginx:1.0.0\n",
    "dev/c.yaml": b"image: redis:1.0.0\n",
}


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        pytest.param([make_entry("*", ">=0")], [], id="everything moves"),
        pytest.param(
            [replace(make_entry("*", ">=0"), files=parse_file_globs(["prod/"]))], ["dev/b.yaml:1"], id="ungoverned"
        ),
        pytest.param(
            [replace(make_entry("*", "1.0.x"), files=parse_file_globs(["dev/"])), make_entry("*", ">=0")],
            ["dev/b.yaml:1"],
            id="governed by an entry that lets it stay",
        ),
        pytest.param([make_entry("redis", ">=0")], [], id="of an image that does not move"),
    ],
)
def test_places_that_stay_at_a_version_that_others_leave_are_named(entries: Sequence[Entry], left: Sequence[str]):
    found = survey(_FILES, entries)
    tags = {"nginx": ["1.0.0", "1.1.0", "1.2.0"], "redis": ["1.0.0", "1.1.0"]}
    changes = make_changes(choose_all(found, make_listings(tags), sightings={}))

    assert [f"{each.path}:{each.line}" for each in find_left(found, changes)] == left


def test_a_caution_about_places_leads_to_them():
    files = {f"{n}.yaml": b"image: nginx:1.0.0\n" for n in range(9)}
    entry = replace(make_entry("*", ">=0"), files=parse_file_globs(["0.yaml"]))
    found = survey(files, [entry])
    choices = choose_all(found, make_listings({"nginx": ["1.0.0", "1.1.0"]}), sightings={})
    group = make_group(choices)

    (caution,) = list_cautions(
        make_moves(group, {}), find_left(found, group.changes), lambda path, line: f"https://x/{path}"
    )

    assert "`nginx:1.0.0` stays in [`1.yaml:1`](https://x/1.yaml), " in caution
    assert caution.endswith("[`5.yaml:1`](https://x/5.yaml) and 3 more.")


def test_the_gravest_come_first_and_each_once():
    files = {"a.yaml": b"image: acme/a:1.0.0\n---\nimage: acme/b:1.0.0\n---\nimage: acme/b:1.0.0\n"}
    tags: Mapping[str, Sequence[str]] = {"acme/a": ["1.0.0", "1.1.0"], "acme/b": ["1.0.0", "2.0.0"]}
    choices = make_choices(files, tags, sightings={"1.1.0": see(DIGEST_2, is_repushed=True)})
    (group,) = make_groups(make_changes(choices), branch_prefix="x/", group_by=GroupBy.ALL)

    cautions = list_cautions(make_moves(group, {}), (), lambda path, line: None)

    assert [each.split("**")[1] for each in cautions] == ["Major jump", "Pushed again:"]
