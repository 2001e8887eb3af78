"""Flux' image policies in our words choose what Flux chooses.

An `ImagePolicy` becomes rules with `variant: any`, because Flux knows no variants, and `allow_downgrade: true`, because
Flux does not ask what is written; `pattern` and `extract` of its `filterTags` are `include` and `extract`. The first
table holds what is the same. The second holds what is not, and why:

- A choice between equals does not depend on the order of the listing, nor, behind a filter, on chance.
- Numbers are exact; there they are floating point numbers.
- A text that is no number is no candidate; there it stops the policy.
- Only digits and a point make a number; there signs, exponents, hexadecimals, `inf` and `nan` do as well.
- `1.2` is a version, as to Helm and Argo CD; there a tag needs two dots. `include: ['\\..*\\.']` says that here.
- A tag of which nothing is extracted is no candidate; there it is ordered by the empty text.
- Signatures and attestations are never candidates, nor are lists of referrers; there `.sig` is excluded by default.
- Nothing steps back from the tag that is written unless the entry allows it.

Templates that Flux takes and that are faults here are in `test_tag_filter`.
"""

import pytest

from imagebot.policy.policies import Alphabetical, Numeric, Order, Policy, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Keep, Rules
from imagebot.policy.select import Selection, select
from imagebot.policy.tag_filter import TagFilter, parse_tag_filter

ALL = None
_RELEASES = r"^v?\d+\.\d+\.\d+$"
_STAMPED = (r"^main-[0-9a-f]+-(?P<ts>\d+)$", "$ts")
_HEX = 64 * "a"


def make_rules(policy: str, tag_filter: tuple[str, str] | None, *, allows_downgrade: bool = True) -> Rules:
    return Rules(_make_policy(policy), _make_filter(tag_filter), Keep.ANY, allows_downgrade)


def _make_policy(text: str) -> Policy:
    kind, argument = text.split(": ", maxsplit=1)
    match kind:
        case "semver":
            return SemverRange(parse_range(argument))
        case "numerical":
            return Numeric(Order(argument))
        case "alphabetical":
            return Alphabetical(Order(argument))
    raise AssertionError(text)


def _make_filter(tag_filter: tuple[str, str] | None) -> TagFilter | None:
    if tag_filter is None:
        return None
    pattern, extract = tag_filter
    return parse_tag_filter([pattern], [], extract=extract or None)


def choose(tags: str, rules: Rules, current: str | None = None) -> str | None:
    selection = select(tags.split(), rules, current=current)
    return selection.tag if isinstance(selection, Selection) else None


SAME = [
    pytest.param("semver: 1.0.x", ALL, "1.0.0 1.0.1 1.1.0", "1.0.1", id="a wildcard"),
    pytest.param("semver: *", ALL, "0.1.0 1.0.0 1.0.0-rc.1", "1.0.0", id="anything"),
    pytest.param("semver: ^1.2.3", ALL, "1.2.2 1.2.3 1.9.0 2.0.0", "1.9.0", id="a caret"),
    pytest.param("semver: ^0.2.3", ALL, "0.2.2 0.2.9 0.3.0", "0.2.9", id="a caret below 1"),
    pytest.param("semver: ^0.0.3", ALL, "0.0.3 0.0.4", "0.0.3", id="a caret below 0.1"),
    pytest.param("semver: ~1.2", ALL, "1.2.0 1.2.7 1.3.0", "1.2.7", id="a tilde"),
    pytest.param("semver: ~1", ALL, "1.2.0 1.9.7 2.0.0", "1.9.7", id="a tilde and one number"),
    pytest.param("semver: ~0.0.0", ALL, "0.0.1 3.2.1", "3.2.1", id="a tilde and zeros admit anything"),
    pytest.param("semver: ^*", ALL, "0.0.0 1.0.0", "0.0.0", id="a caret and a star admit 0.0.0"),
    pytest.param("semver: >=1.0.0 <2.0.0", ALL, "0.9.0 1.5.0 2.0.0", "1.5.0", id="two ends with a blank"),
    pytest.param("semver: >=1.0.0, <2.0.0", ALL, "0.9.0 1.5.0 2.0.0", "1.5.0", id="two ends with a comma"),
    pytest.param("semver: 1.0.0 - 1.4.0", ALL, "1.3.9 1.4.0 1.4.1", "1.4.0", id="a hyphen range"),
    pytest.param("semver: 1 - 1.4", ALL, "1.3.9 1.4.7 1.5.0", "1.4.7", id="a hyphen range up to a partial"),
    pytest.param("semver: 1.2.x || >=3.0.0", ALL, "1.2.9 2.0.0 3.1.0", "3.1.0", id="alternatives"),
    pytest.param("semver: 1.2.x || >=9.0.0", ALL, "1.2.9 2.0.0 3.1.0", "1.2.9", id="the first alternative"),
    pytest.param("semver: >=1.0.0 !=1.5.0", ALL, "1.4.0 1.5.0", "1.4.0", id="without one"),
    pytest.param("semver: =>1.0.0 =<1.4.0", ALL, "1.4.0 1.5.0", "1.4.0", id="operators the other way round"),
    pytest.param("semver: ^1", ALL, "1.9.0 1.10.0", "1.10.0", id="numbers and not texts"),
    pytest.param("semver: ^1", ALL, "v1.0.0 v1.1.0", "v1.1.0", id="a v is kept"),
    pytest.param("semver: ^v1", ALL, "1.0.0 1.1.0", "1.1.0", id="a v in the range only"),
    pytest.param("semver: ^1", ALL, "v1.2.0 1.3.0 v1.1.0", "1.3.0", id="with a v and without"),
    pytest.param("semver: ^1", ALL, "v1.2.3 1.2.3", "v1.2.3", id="the v wins among equals"),
    pytest.param("semver: ^1", ALL, "V1.2.3 1.0.0", "1.0.0", id="an upper-case V"),
    pytest.param("semver: ^1", ALL, "latest 1.0.0 main 1.2.3.4 1.2.3_x", "1.0.0", id="what is no version"),
    pytest.param("semver: ^1", ALL, "1.0.1rc1 1.0.0", "1.0.0", id="letters without a hyphen"),
    pytest.param("semver: ^1", ALL, "1.0.0 1.0.1-01", "1.0.0", id="a leading zero in a prerelease"),
    pytest.param("semver: >=2023", ALL, "2023.12.31 2024.01.31", "2024.01.31", id="dates with leading zeros"),
    pytest.param("semver: ^1", ALL, "1.0.0 1.1.0-rc.1", "1.0.0", id="no prerelease"),
    pytest.param("semver: ^1-0", ALL, "1.0.0 1.1.0-rc.1", "1.1.0-rc.1", id="a prerelease by -0"),
    pytest.param("semver: ^1.x-0", ALL, "1.0.0 1.1.0-rc.1", "1.1.0-rc.1", id="a prerelease by x-0"),
    pytest.param("semver: >=1.0.0-0", ALL, "1.1.0-rc.1 1.1.0", "1.1.0", id="a release after its prereleases"),
    pytest.param("semver: >=1.0.0-0", ALL, "1.1.0-rc.9 1.1.0-rc.10", "1.1.0-rc.10", id="numbers in a prerelease"),
    pytest.param("semver: >=1.0.0-0", ALL, "1.1.0-rc9 1.1.0-rc10", "1.1.0-rc9", id="words in a prerelease"),
    pytest.param("semver: >=1.0.0-0", ALL, "1.1.0-1 1.1.0-alpha", "1.1.0-alpha", id="a word after a number"),
    pytest.param("semver: >=1.0.0-0", ALL, "1.1.0-rc 1.1.0-RC", "1.1.0-rc", id="lower case after upper case"),
    pytest.param("semver: >=1.0.0-0", ALL, "1.1.0-rc 1.1.0-rc.0", "1.1.0-rc.0", id="more words"),
    pytest.param("semver: >=1.0.0-0 <2", ALL, "1.5.0 2.0.0-rc.1", "2.0.0-rc.1", id="a prerelease below the end"),
    pytest.param("semver: >=1.0.0-0 <2.0.0-0", ALL, "1.5.0 2.0.0-rc.1", "1.5.0", id="an end with -0"),
    pytest.param(
        "semver: >=1.0.0 <=2.0.0-beta", ALL, "1.0.1 1.4.0-beta", "1.4.0-beta", id="one prerelease lets in others"
    ),
    pytest.param(
        "semver: >=1.0.0-0", ALL, "1.5.0-alpine 1.4.9", "1.5.0-alpine", id="a variant is a prerelease, if those are in"
    ),
    pytest.param("semver: >=1.0.0", ALL, "1.5.0-alpine 1.4.9", "1.4.9", id="a variant is a prerelease, if not"),
    pytest.param("semver: ^1-0", ALL, "1.0.0 1-rc.1.2", "1.0.0", id="two dots in a prerelease"),
    pytest.param("semver: ^2", ALL, "1.0.0", None, id="nothing in the range"),
    pytest.param("semver: *", ALL, "", None, id="no tags"),
    pytest.param("semver: ^1", (_RELEASES, ""), "v1.0.0 1.2.0 1.3.0-x", "1.2.0", id="a filter before a range"),
    pytest.param(
        "semver: ^1-0", (r"-alpine$", ""), "1.2.0-alpine 1.3.0 1.1.0-alpine", "1.2.0-alpine", id="a filter by suffix"
    ),
    pytest.param(
        "semver: ^1",
        (r"^(?P<version>.*)-alpine$", "$version"),
        "1.2.0-alpine 1.3.0 1.10.0-alpine",
        "1.10.0-alpine",
        id="a suffix cut off",
    ),
    pytest.param("semver: ^1", (r"^api-(.*)$", "$1"), "api-1.2.0 web-1.3.0", "api-1.2.0", id="a prefix cut off"),
    pytest.param("semver: ^1", (r"(\d+)_(\d+)", "$1.$2.0"), "r1_2 r1_10", "r1_10", id="a version put together"),
    pytest.param("semver: ^1", ("^nothing", ""), "1.0.0", None, id="a filter that no tag passes"),
    pytest.param("semver: ^1", ("1", ""), "2.0.1 1.0.0", "1.0.0", id="a filter without anchors"),
    pytest.param("semver: ^1", (r"\..*\.", ""), "1.0.0 1.2", "1.0.0", id="the rule of two dots, written"),
    pytest.param("numerical: asc", ALL, "1 2 10", "10", id="the greatest number"),
    pytest.param("numerical: desc", ALL, "1 2 10", "1", id="the least number"),
    pytest.param("numerical: asc", ALL, "1.5 1.25", "1.5", id="decimals"),
    pytest.param("numerical: asc", ALL, "1.10 1.9", "1.9", id="a point is no separator"),
    pytest.param("numerical: asc", ALL, "007 6", "007", id="leading zeros"),
    pytest.param("numerical: asc", ALL, "20240131 20231231", "20240131", id="dates"),
    pytest.param("numerical: desc", ALL, "0 0.5", "0", id="zero"),
    pytest.param("numerical: asc", ALL, "", None, id="no number"),
    pytest.param(
        "numerical: asc", _STAMPED, "main-0a1b2c3-100 main-9f8e7d6-99 dev-1-101", "main-0a1b2c3-100", id="a timestamp"
    ),
    pytest.param(
        "numerical: desc", _STAMPED, "main-0a1b2c3-100 main-9f8e7d6-99 latest", "main-9f8e7d6-99", id="the first one"
    ),
    pytest.param("numerical: asc", (r"build-(\d+)$", "${1}"), "build-9 build-10 x", "build-10", id="a group in braces"),
    pytest.param("numerical: asc", (r"^(\d+)-(\d+)$", "$2"), "9-1 1-9", "1-9", id="the second group"),
    pytest.param("numerical: asc", (r"^(\d+)-(\d+)$", "$1.$2"), "9-1 1-9", "9-1", id="two groups"),
    pytest.param("alphabetical: asc", ALL, "a c b", "c", id="the last text"),
    pytest.param("alphabetical: desc", ALL, "a c b", "a", id="the first text"),
    pytest.param("alphabetical: asc", ALL, "a B", "a", id="lower case after upper case in texts"),
    pytest.param("alphabetical: asc", ALL, "10 9", "9", id="numbers are texts"),
    pytest.param("alphabetical: asc", ALL, "a a-b a.b a_b", "a_b", id="an underscore after a point and a hyphen"),
    pytest.param("alphabetical: asc", ALL, "rc rc1", "rc1", id="a longer text"),
    pytest.param("alphabetical: asc", ALL, "", None, id="no text"),
    pytest.param(
        "alphabetical: asc",
        ("^RELEASE", ""),
        "RELEASE.2024-01-31T20-20-33Z RELEASE.2023-12-31T00-00-00Z latest",
        "RELEASE.2024-01-31T20-20-33Z",
        id="instants",
    ),
    pytest.param(
        "alphabetical: desc",
        (r"^[a-z]+-(\d{4}-\d\d-\d\d)", "$1"),
        "a-2024-01-31 b-2023-12-31",
        "b-2023-12-31",
        id="days",
    ),
    pytest.param("alphabetical: asc", (r"^(?P<x>\w)(?P<y>\w)$", "$y$x"), "ab ba ac", "ac", id="groups turned round"),
    pytest.param("alphabetical: asc", (r"^(\w)(\w)?$", "${1}$2"), "b ac", "b", id="a group that took no part"),
    pytest.param("alphabetical: asc", (r"^(\w)(\w)$", "$$$2$1"), "ab ba", "ab", id="a dollar sign"),
]


@pytest.mark.parametrize(("policy", "tag_filter", "tags", "chosen"), SAME)
def test_an_image_policy_chooses_what_flux_chooses(policy, tag_filter, tags, chosen):
    assert choose(tags, make_rules(policy, tag_filter)) == chosen


# What Flux chooses is the last but one: None if it chooses nothing or fails, and all that it may choose if by chance.
DIFFERENT = [
    pytest.param("numerical: asc", ALL, "1 1.0", "1", "1.0", id="equal numbers"),
    pytest.param("numerical: asc", ALL, "7 007", "007", "7", id="equal numbers with zeros"),
    pytest.param("semver: ^1", (r"^v?1", ""), "v1.2.3 1.2.3", "v1.2.3|1.2.3", "v1.2.3", id="equals behind a filter"),
    pytest.param(
        "numerical: asc", _STAMPED, "main-a-7 main-b-7", "main-a-7", "main-b-7", id="the same is extracted of two tags"
    ),
    pytest.param(
        "numerical: asc",
        ALL,
        "9007199254740992 9007199254740993",
        "9007199254740992",
        "9007199254740993",
        id="numbers beyond floats",
    ),
    pytest.param(
        "numerical: asc",
        (r"-(\d+)$", "$1"),
        "a-20260821180038001 b-20260821180038000",
        "a-20260821180038001|b-20260821180038000",
        "a-20260821180038001",
        id="timestamps beyond floats",
    ),
    pytest.param("numerical: asc", ALL, "1 2 latest", None, "2", id="a text among numbers"),
    pytest.param("numerical: asc", ALL, "1e3 999", "1e3", "999", id="an exponent"),
    pytest.param("numerical: asc", ALL, "0x1p-2 0.1", "0x1p-2", "0.1", id="a hexadecimal"),
    pytest.param("numerical: asc", ALL, "inf 1", "inf", "1", id="infinity"),
    pytest.param("numerical: asc", ALL, "2. 1", "2.", "1", id="nothing behind the point"),
    pytest.param("numerical: desc", (r"(-?\d+)$", "$1"), "r-7 r1", "r-7", "r1", id="a sign"),
    pytest.param("semver: ^1", ALL, "1.0.0 1.2", "1.0.0", "1.2", id="a version of two parts"),
    pytest.param("semver: >=1", ALL, "1.0.0 20240131", "1.0.0", "20240131", id="a version of one part"),
    pytest.param("alphabetical: desc", ("^a(.*)", "$1"), "a ab", "a", "ab", id="nothing is extracted"),
    pytest.param("alphabetical: asc", ALL, f"sha256-{_HEX} a", f"sha256-{_HEX}", "a", id="a list of referrers"),
    pytest.param("alphabetical: asc", ALL, f"sha256-{_HEX}.att a", f"sha256-{_HEX}.att", "a", id="an attestation"),
]


@pytest.mark.parametrize(("policy", "tag_filter", "tags", "by_flux", "chosen"), DIFFERENT)
def test_where_flux_chooses_otherwise(policy, tag_filter, tags, by_flux, chosen):
    assert choose(tags, make_rules(policy, tag_filter)) == chosen
    assert by_flux is None or set(by_flux.split("|")) <= set(tags.split())


@pytest.mark.parametrize(
    ("policy", "tags", "current", "by_flux"),
    [
        pytest.param("semver: ^1", "1.2.0 1.1.0", "1.3.0", "1.2.0", id="the current version vanished"),
        pytest.param("semver: ^1", "1.2.0 2.0.0", "2.0.0", "1.2.0", id="the current version is beyond the range"),
        pytest.param("numerical: asc", "7 8", "9", "8", id="the current number vanished"),
        pytest.param("numerical: desc", "7 8", "6", "7", id="the current least number vanished"),
        pytest.param("alphabetical: asc", "a b", "c", "b", id="the current text vanished"),
    ],
)
def test_where_flux_steps_back(policy, tags, current, by_flux):
    stays = choose(tags, make_rules(policy, ALL, allows_downgrade=False), current)

    assert stays in (current, None)
    assert choose(tags, make_rules(policy, ALL), None) == by_flux
