"""The policy file: what each key becomes, its default, and the faults of its patterns and policies with positions."""

from datetime import timedelta
from pathlib import Path

import pytest

from imagebot.errors import InvalidInput
from imagebot.image.platform import parse_platform
from imagebot.image.reference import parse_repository
from imagebot.policy.calver import parse_calver
from imagebot.policy.entry import find_entry, parse_file_globs, parse_image_pattern
from imagebot.policy.npm_range import parse_npm_range
from imagebot.policy.policies import (
    Alphabetical,
    Calver,
    Follow,
    Level,
    Moment,
    Newest,
    Numeric,
    Order,
    SemverLevel,
    SemverRange,
)
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Keep, Rules
from imagebot.policy.tag_filter import parse_tag_filter
from imagebot.proposal.request_rules import RequestRules
from imagebot.settings.merge_requests_section import MergeRequestsSection
from imagebot.settings.policy_file import (
    FilesSection,
    ImageSection,
    InvalidPolicyFile,
    PolicyFile,
    PolicyFileSection,
    PolicySection,
    TagsSection,
    parse_policy_file,
)

SAMPLE = Path(__file__).parents[2] / "config" / ".imagebot.yaml"


def parse(text: str) -> PolicyFile:
    return parse_policy_file(text.encode(), file=".imagebot.yaml")


def list_faults(text: str) -> list[str]:
    with pytest.raises(InvalidPolicyFile) as raised:
        parse(text)
    return [str(fault).removeprefix(".imagebot.yaml:") for fault in raised.value.faults]


def test_version_and_images_are_all_that_is_needed():
    policy_file = parse("version: 1\nimages: []\n")

    assert policy_file.entries == ()
    assert policy_file.include == parse_file_globs(["**/*.yaml", "**/*.yml"])
    assert policy_file.exclude == parse_file_globs([])
    assert policy_file.merge_requests == RequestRules()


def test_every_key_is_read():
    policy_file = parse("""
        version: 1
        files: {include: ["apps/**"], exclude: ["apps/old/**"]}
        images:
          - name: api
            image: ghcr.io/acme/api
            files: ["apps/prod/**"]
            policy: {semver: "^1.4"}
            group: backend
          - image: "*"
            policy: {semver: minor}
    """)

    api, rest = policy_file.entries
    assert (api.name, api.image, api.label) == ("api", parse_image_pattern("ghcr.io/acme/api"), "api")
    assert api.files == parse_file_globs(["apps/prod/**"])
    assert api.rules == Rules(SemverRange(parse_range("^1.4")))
    assert (rest.name, rest.files, rest.rules) == (None, None, Rules(SemverLevel(Level.MINOR)))
    assert policy_file.include == parse_file_globs(["apps/**"])
    assert policy_file.exclude == parse_file_globs(["apps/old/**"])
    assert (api.group, rest.group) == ("backend", None)


@pytest.mark.parametrize(
    "group",
    [
        pytest.param("'a b'", id="a blank"),
        pytest.param("a..b", id="two dots"),
        pytest.param("a.lock", id="an end that git keeps for itself"),
        pytest.param("a//b", id="an empty part"),
        pytest.param("a/", id="a slash at the end"),
    ],
)
def test_a_group_has_to_make_a_branch(group):
    (fault,) = list_faults(f"version: 1\nimages: [{{image: a, policy: {{semver: major}}, group: {group}}}]")

    assert "images[0].group: found " in fault


def test_an_entry_says_on_which_line_it_begins():
    entries = parse("""version: 1
images:
  - image: a
    policy: {semver: major}

  # the rest
  -
    policy: {semver: minor}
    image: "*"
""").entries

    assert [entry.position for entry in entries] == [3, 8]


def test_the_first_entry_that_matches_governs():
    entries = parse("""
        version: 1
        images:
          - {image: ghcr.io/acme/*, policy: {semver: patch}}
          - {image: ghcr.io/acme/api, policy: {semver: major}}
    """).entries

    entry = find_entry(entries, parse_repository("ghcr.io/acme/api"), path="a.yaml")

    assert entry is entries[0]


@pytest.mark.parametrize(
    ("semver", "policy"),
    [
        pytest.param("patch", SemverLevel(Level.PATCH), id="patch"),
        pytest.param("major", SemverLevel(Level.MAJOR), id="major"),
        pytest.param('"*"', SemverRange(parse_range("*")), id="any version"),
        pytest.param("'>=1.2 <3 || 5.x'", SemverRange(parse_range(">=1.2 <3 || 5.x")), id="a range"),
        pytest.param("1.2.x", SemverRange(parse_range("1.2.x")), id="a range without quotes"),
    ],
)
def test_semver_is_a_level_or_a_range(semver, policy):
    (entry,) = parse(f"version: 1\nimages: [{{image: a, policy: {{semver: {semver}}}}}]").entries

    assert entry.rules == Rules(policy)


@pytest.mark.parametrize(
    ("path", "is_included"),
    [
        pytest.param("a.yaml", True, id="at the root"),
        pytest.param("apps/b.yml", True, id="below"),
        pytest.param("apps/b.json", False, id="not included"),
        pytest.param("apps/old/b.yaml", False, id="excluded"),
    ],
)
def test_a_file_is_read_if_it_is_included_and_not_excluded(path, is_included):
    policy_file = parse("version: 1\nfiles: {exclude: [old/]}\nimages: []")

    assert policy_file.includes(path) is is_included


_IMAGE = "version: 1\nimages:\n  - image: a\n    policy: {semver: major}\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("images: []", "1:1: version: found no such key; accepted is 1", id="no version"),
        pytest.param(
            "version: 2\nimages: []", "1:10: version: found the number 2; accepted is 1", id="another version"
        ),
        pytest.param("version: '1'\nimages: []", "1:10: version: found '1'; accepted is 1", id="a version in quotes"),
        pytest.param("version: true\nimages: []", "1:10: version: found true; accepted is 1", id="a truth for 1"),
        pytest.param("version: 1", "1:1: images: found no such key; accepted is a list", id="no images"),
        pytest.param("version: 1\nimages:", "2:8: images: found nothing; accepted is a list", id="nothing in images"),
        pytest.param(
            "version: 1\nimages: []\nextra: true",
            "3:1: extra: found an unknown key; accepted is one of the keys files, flux, images, merge_requests, sites,"
            " version",
            id="an unknown key",
        ),
        pytest.param(
            _IMAGE + "    polcy: {}",
            "5:5: images[0].polcy: found an unknown key; accepted is one of the keys allow_downgrade, files, group,"
            " image, min_age, name, pin_digest, platforms, policy, tags, variant; the nearest is policy",
            id="a key mistyped",
        ),
        pytest.param(
            _IMAGE + "  - image: b",
            "5:5: images[1].policy: found no such key; accepted is a mapping with the keys alphabetical, calver,"
            " dialect, digest, include_prereleases, loose, newest, numeric, semver",
            id="no policy",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {}",
            "6:13: images[1].policy: found none of them; accepted is exactly one of semver, calver, numeric,"
            " alphabetical, newest, digest",
            id="an empty policy",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {semver: patch, numeric: asc}",
            "6:13: images[1].policy: found semver and numeric; accepted is exactly one of semver, calver, numeric,"
            " alphabetical, newest, digest",
            id="two policies",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {newest: built, digest: latest}",
            "6:13: images[1].policy: found newest and digest; accepted is exactly one of semver, calver, numeric,"
            " alphabetical, newest, digest",
            id="two policies of time and digest",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {newest: asc}",
            "6:22: images[1].policy.newest: found 'asc'; accepted is pushed or built",
            id="a time that is none",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {digest: a:b}",
            "6:22: images[1].policy.digest: found 'a:b' (REASON); accepted is a tag, as in latest",
            id="a tag with a colon",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {digest: 1.20}",
            "6:22: images[1].policy.digest: found the number 1.20; accepted is a tag, as in latest; put it in"
            ' quotes: "1.20"',
            id="a number for a tag",
        ),
        pytest.param(
            _IMAGE + "    min_age: 3",
            "5:14: images[0].min_age: found the number 3; accepted is a duration with its unit, as in 12h or 3d",
            id="an age without a unit",
        ),
        pytest.param(
            _IMAGE + "    min_age: 0s",
            "5:14: images[0].min_age: found '0s'; accepted is a duration of more than 0s and at most 365d",
            id="no age",
        ),
        pytest.param(
            _IMAGE + "    min_age: 366d",
            "5:14: images[0].min_age: found '366d'; accepted is a duration of more than 0s and at most 365d",
            id="a great age",
        ),
        pytest.param(
            _IMAGE + "    pin_digest: yes",
            "5:17: images[0].pin_digest: found 'yes'; accepted is true or false",
            id="pinning with YAML 1.1's yes",
        ),
        pytest.param(
            _IMAGE + "    platforms: []",
            "5:16: images[0].platforms: found an empty list; accepted is at least one platform; without the key all"
            " platforms count",
            id="no platforms",
        ),
        pytest.param(
            _IMAGE + "    platforms: linux/amd64",
            "5:16: images[0].platforms: found a single value; accepted is a list",
            id="a platform for a list",
        ),
        pytest.param(
            _IMAGE + "    platforms: [linux/amd64, x86]",
            "5:30: images[0].platforms[1]: found 'x86' (REASON); accepted is a platform, as in linux/amd64 or"
            " linux/arm/v7",
            id="no platform",
        ),
        pytest.param(
            _IMAGE + "    platforms: [" + "linux/amd64, " * 33 + "]",
            "5:16: images[0].platforms: found 33 items; accepted is at most 32 of them",
            id="many platforms",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {numeric: up}",
            "6:23: images[1].policy.numeric: found 'up'; accepted is asc or desc",
            id="an order that is none",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {calver: YYYY.QQ}",
            "6:22: images[1].policy.calver: found 'YYYY.QQ' (REASON); accepted is a format of calver.org, as in"
            " YYYY.0M.MICRO",
            id="a token that calver has not",
        ),
        pytest.param(
            _IMAGE + '  - image: b\n    policy: {semver: ">=1, <2", dialect: npm}',
            "6:22: images[1].policy.semver: found '>=1, <2' (REASON); accepted is patch, minor, major or a range"
            ' of versions, as in "^1.4" or ">=1.2 <3"',
            id="a comma in the dialect of npm",
        ),
        pytest.param(
            _IMAGE + '  - image: b\n    policy: {semver: "^1", dialect: ruby}',
            "6:37: images[1].policy.dialect: found 'ruby'; accepted is masterminds or npm",
            id="a dialect that is none",
        ),
        pytest.param(
            _IMAGE + '  - image: b\n    policy: {semver: "^1", loose: true}',
            "6:35: images[1].policy.loose: found loose: true; accepted is this key only beside a range of dialect: npm",
            id="a key of the other dialect",
        ),
        pytest.param(
            _IMAGE + "    tags: {include: ['(?=a)']}",
            "5:22: images[0].tags.include[0]: found '(?=a)' (REASON); accepted is a pattern of tags in the syntax of"
            " RE2, as in '^v[0-9]+'",
            id="a pattern that RE2 refuses",
        ),
        pytest.param(
            _IMAGE + "    tags: {include: ['^v(?P<n>.*)'], extract: '$m'}",
            "5:47: images[0].tags.extract: found '$m' (REASON); accepted is a template such as $version, for a"
            " group of include",
            id="a group that no pattern has",
        ),
        pytest.param(
            _IMAGE + "    tags: {extract: 1}",
            "5:21: images[0].tags.extract: found the number 1; accepted is a template such as $version, for a group of"
            " include",
            id="a number for a template",
        ),
        pytest.param(
            _IMAGE + "    tags: {extract: '$1'}",
            "5:21: images[0].tags.extract: found '$1' (REASON); accepted is a template such as $version, for a"
            " group of include",
            id="nothing to extract from",
        ),
        pytest.param(
            _IMAGE + "    variant: '-alpine'",
            "5:14: images[0].variant: found '-alpine'; accepted is keep, any, or the suffix that tags have, as in"
            " alpine",
            id="a suffix with its hyphen",
        ),
        pytest.param(
            _IMAGE + "  - image: ghcr.io/Acme/*\n    policy: {semver: patch}",
            "5:12: images[1].image: found 'ghcr.io/Acme/*' (REASON); accepted is a repository, as in nginx or"
            " ghcr.io/acme/api, or a pattern of repositories, as in ghcr.io/acme/* or *",
            id="a pattern that can match no image",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {semver: '^1.x.y'}",
            "6:22: images[1].policy.semver: found '^1.x.y' (REASON); accepted is patch, minor, major or a range of"
            ' versions, as in "^1.4" or ">=1.2 <3"',
            id="no range",
        ),
        pytest.param(
            _IMAGE + "  - image: b\n    policy: {semver: 1.10}",
            "6:22: images[1].policy.semver: found the number 1.10; accepted is patch, minor, major or a range of"
            ' versions, as in "^1.4" or ">=1.2 <3"; put it in quotes: "1.10"',
            id="a number for a range",
        ),
        pytest.param(
            _IMAGE + "    files: ['a', '[']",
            "5:18: images[0].files[1]: found '[' (REASON); accepted is a pattern of files as in .gitignore:"
            ' "apps/**/*.yaml"',
            id="no pattern of files",
        ),
        pytest.param(
            _IMAGE + "    files: a",
            "5:12: images[0].files: found a single value; accepted is a list",
            id="a text for a list",
        ),
        pytest.param(
            _IMAGE
            + "  - {name: b, image: b, policy: {semver: major}}\n  - {image: c, name: b, policy: {semver: major}}",
            "6:22: images[2].name: found the name 'b' again, after line 5; accepted is a name of its own for each"
            " entry",
            id="a name twice",
        ),
        pytest.param(
            _IMAGE + "    name: 'a\n\n      b'",
            "5:11: images[0].name: found 'a\\nb'; accepted is a name of letters, digits and . _ / -",
            id="a name on two lines",
        ),
        pytest.param(
            _IMAGE + "merge_requests: {branch_prefix: ''}",
            "5:33: merge_requests.branch_prefix: found ''; accepted is the beginning of a branch's name"
            " (git-check-ref-format), as in imagebot/",
            id="an empty prefix",
        ),
        pytest.param(
            "version: 1\nimages: [" + "{image: a, policy: {semver: major}}, " * 1001 + "]",
            "2:9: images: found 1001 items; accepted is at most 1000 of them",
            id="many entries",
        ),
        pytest.param(
            _IMAGE + "    files: [" + "a, " * 101 + "]",
            "5:12: images[0].files: found 'a' (REASON); accepted is fewer or shorter patterns",
            id="many patterns",
        ),
        pytest.param(
            _IMAGE + f"  - {{image: {'a' * 5000}, policy: {{semver: major}}}}",
            f"5:13: images[1].image: found '{'a' * 60}…' (REASON); accepted is a repository, as in nginx or"
            " ghcr.io/acme/api, or a pattern of repositories, as in ghcr.io/acme/* or *",
            id="a long pattern",
        ),
    ],
)
def test_a_fault_has_its_position_and_says_what_is_accepted(text, fault):
    (found,) = list_faults(text)

    # The words between are those of the grammar that refused the text.
    beginning, has_reason, end = fault.partition("REASON")
    assert found.startswith(beginning)
    assert found.endswith(end)
    assert has_reason or found == fault


def test_all_faults_are_reported_at_once_in_the_order_of_their_lines():
    faults = list_faults("version: 2\nimages:\n  - image: A\n  - policy: {semver: x.y}\nimages: []\nfiles: []\n")

    assert [fault.split(":")[0] for fault in faults] == ["1", "3", "3", "4", "4", "5", "6"]


def test_a_file_that_is_no_yaml_has_one_fault():
    assert list_faults("version: 1\nimages: [\n") == [
        "3:1: found no YAML (did not find expected node content); accepted is one YAML 1.2 document"
    ]


def test_an_empty_file_has_one_fault():
    assert list_faults("") == [
        "1:1: found nothing; accepted is a mapping with the keys files, flux, images, merge_requests, sites, version"
    ]


def test_the_text_of_the_error_has_a_line_for_each_fault():
    with pytest.raises(InvalidPolicyFile) as raised:
        parse("version: 2")

    assert isinstance(raised.value, InvalidInput)
    assert str(raised.value).splitlines() == [str(fault) for fault in raised.value.faults]
    assert len(raised.value.faults) == 2


@pytest.mark.parametrize(
    ("keys", "rules"),
    [
        pytest.param("policy: {calver: YYYY.0M}", Rules(Calver(parse_calver("YYYY.0M"))), id="calver"),
        pytest.param("policy: {numeric: desc}", Rules(Numeric(Order.DESC)), id="numeric"),
        pytest.param("policy: {alphabetical: asc}", Rules(Alphabetical(Order.ASC)), id="alphabetical"),
        pytest.param(
            "policy: {semver: ^1.2, dialect: npm}", Rules(SemverRange(parse_npm_range("^1.2"))), id="the dialect of npm"
        ),
        pytest.param(
            "policy: {semver: ^1, dialect: npm, include_prereleases: true, loose: true}",
            Rules(SemverRange(parse_npm_range("^1", includes_prereleases=True, is_loose=True))),
            id="loosely, with prereleases",
        ),
        pytest.param(
            "policy: {numeric: asc}\n    tags: {include: ['^b-(\\d+)$'], exclude: [x], extract: $1}",
            Rules(Numeric(Order.ASC), parse_tag_filter([r"^b-(\d+)$"], ["x"], extract="$1"), Keep.ANY),
            id="a filter, which makes variants a matter of its patterns",
        ),
        pytest.param(
            "policy: {semver: minor}\n    tags: {include: [a]}\n    variant: keep",
            Rules(SemverLevel(Level.MINOR), parse_tag_filter(["a"], [], extract=None), Keep.KEEP),
            id="unless it is said otherwise",
        ),
        pytest.param(
            "policy: {semver: minor}\n    variant: alpine\n    allow_downgrade: true",
            Rules(SemverLevel(Level.MINOR), None, "alpine", allows_downgrade=True),
            id="a suffix of one's own, and steps back",
        ),
        pytest.param("policy: {newest: pushed}", Rules(Newest(Moment.PUSHED)), id="the last pushed"),
        pytest.param("policy: {newest: built}", Rules(Newest(Moment.BUILT)), id="the last built"),
        pytest.param(
            "policy: {newest: pushed}\n    tags: {include: ['^[0-9a-f]{7}$']}",
            Rules(Newest(Moment.PUSHED), parse_tag_filter(["^[0-9a-f]{7}$"], [], extract=None), Keep.ANY),
            id="the last pushed of some tags",
        ),
        pytest.param(
            "policy: {digest: latest}", Rules(Follow("latest"), pins_digest=True), id="a tag to follow, by its digest"
        ),
        pytest.param(
            "policy: {digest: '1.20'}\n    pin_digest: true",
            Rules(Follow("1.20"), pins_digest=True),
            id="a tag to follow, with the default spelled out",
        ),
        pytest.param(
            "policy: {semver: major}\n    min_age: 1.5d",
            Rules(SemverLevel(Level.MAJOR), min_age=timedelta(hours=36)),
            id="an age",
        ),
        pytest.param(
            "policy: {digest: latest}\n    min_age: 365d",
            Rules(Follow("latest"), min_age=timedelta(days=365), pins_digest=True),
            id="the greatest age, of a digest",
        ),
        pytest.param(
            "policy: {semver: major}\n    pin_digest: true",
            Rules(SemverLevel(Level.MAJOR), pins_digest=True),
            id="a digest beside the tag",
        ),
        pytest.param(
            "policy: {semver: major}\n    platforms: [linux/amd64, linux/arm/v7]",
            Rules(
                SemverLevel(Level.MAJOR),
                platforms=frozenset({parse_platform("linux/amd64"), parse_platform("linux/arm/v7")}),
            ),
            id="platforms",
        ),
        pytest.param(
            "policy: {semver: major}\n    platforms: [linux/amd64, linux/amd64]",
            Rules(SemverLevel(Level.MAJOR), platforms=frozenset({parse_platform("linux/amd64")})),
            id="a platform said twice",
        ),
    ],
)
def test_what_an_entry_says_about_tags(keys, rules):
    (entry,) = parse(f"version: 1\nimages:\n  - image: a\n    {keys}\n").entries

    assert entry.rules == rules


def test_the_sample_shows_every_key_and_is_accepted():
    text = SAMPLE.read_text()

    policy_file = parse(text)

    assert len(policy_file.entries) > 1
    sections = (PolicyFileSection, FilesSection, ImageSection, PolicySection, TagsSection, MergeRequestsSection)
    for section in sections:
        assert [key for key in section.fields_by_key() if f"{key}:" not in text] == []


def test_with_flux_there_may_be_no_images():
    policy_file = parse("version: 1\nflux: true")

    assert (policy_file.entries, policy_file.flux) == ((), True)


@pytest.mark.parametrize("text", ["version: 1", "version: 1\nflux: false"])
def test_without_flux_there_have_to_be_images(text):
    assert list_faults(text) == ["1:1: images: found no such key; accepted is a list"]
