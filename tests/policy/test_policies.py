"""What each policy makes of tags, alone and behind a filter, and what a variant binds."""

import pytest

from imagebot.policy.calver import parse_calver
from imagebot.policy.npm_range import parse_npm_range
from imagebot.policy.policies import Alphabetical, Calver, Level, Numeric, Order, SemverLevel, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Keep, Rule, Rules
from imagebot.policy.select import NoCandidate, Selection, select
from imagebot.policy.tag_filter import parse_tag_filter

ANY, MINOR = SemverRange(parse_range("*")), SemverLevel(Level.MINOR)
PRERELEASES = SemverRange(parse_range(">=0-0"))
NPM, LOOSE = SemverRange(parse_npm_range("*")), SemverRange(parse_npm_range("*", is_loose=True))
MONTHS = Calver(parse_calver("YYYY.0M.MICRO"))
UP, DOWN = Numeric(Order.ASC), Numeric(Order.DESC)
LAST, FIRST = Alphabetical(Order.ASC), Alphabetical(Order.DESC)
HEX = 64 * "a"


def choose(tags: str, rules: Rules, current: str | None) -> str | None:
    selection = select(tags.split(), rules, current=current)
    return selection.tag if isinstance(selection, Selection) else None


def extracting(pattern: str, template: str | None, *exclude: str):
    return parse_tag_filter([pattern], exclude, extract=template)


@pytest.mark.parametrize(
    ("policy", "current", "tags", "chosen"),
    [
        pytest.param(NPM, "1.2.3", "1.3.0 1.10.0 2.0.0-rc.1", "1.10.0", id="npm"),
        pytest.param(NPM, "1.2.3", "1.3.0 01.4.0 1.5", "1.3.0", id="npm, strict"),
        pytest.param(LOOSE, "1.2.3", "1.3.0 01.4.0 1.5", "01.4.0", id="npm, loose"),
        pytest.param(MONTHS, "2024.01.3", "2024.01.10 2024.02.1 2023.12.99", "2024.02.1", id="the latest date"),
        pytest.param(MONTHS, "2024.01.3", "2024.1.10 2024.01.4-rc1 2024.13.1", "2024.01.3", id="other formats"),
        pytest.param(UP, "7", "8 10 9", "10", id="the greatest number"),
        pytest.param(DOWN, "7", "6 5 10", "5", id="the least number"),
        pytest.param(UP, "7", "8 latest 9-1 1e3", "8", id="no number"),
        pytest.param(UP, "20240131", "20240131 20240201", "20240201", id="dates are numbers"),
        pytest.param(LAST, "b", "c d a", "d", id="the last text"),
        pytest.param(FIRST, "d", "c b e", "b", id="the first text"),
    ],
)
def test_what_a_policy_chooses(policy, current, tags, chosen):
    assert choose(tags, Rules(policy), current) == chosen


@pytest.mark.parametrize(
    ("policy", "current", "tags", "chosen"),
    [
        pytest.param(UP, "7", "7.0 007 7", "7", id="the current one stays"),
        pytest.param(UP, "7.0", "7 007", "7.0", id="whichever it is, listed or not"),
        pytest.param(UP, "6", "7.0 007 7", "7.0", id="of other numbers the greatest text wins"),
        pytest.param(DOWN, "8", "7.0 007 7", "7.0", id="even of the least"),
        pytest.param(ANY, "1.1.0", "1.02.0 1.2.0", "1.2.0", id="of versions"),
        pytest.param(Calver(parse_calver("YY.0M")), "5.01", "06.01 6.01", "6.01", id="what only one format reads"),
    ],
)
def test_equal_keys(policy, current, tags, chosen):
    assert choose(tags, Rules(policy), current) == chosen


@pytest.mark.parametrize("current", [pytest.param("latest", id="a word"), pytest.param(None, id="none")])
@pytest.mark.parametrize(
    ("policy", "tags", "chosen"),
    [
        pytest.param(ANY, "1.0.0 0.9.0", "1.0.0", id="range"),
        pytest.param(NPM, "1.0.0 0.9.0", "1.0.0", id="npm"),
        pytest.param(MONTHS, "2024.01.1 2023.12.1", "2024.01.1", id="calver"),
        pytest.param(UP, "1 2", "2", id="numeric asc"),
        pytest.param(DOWN, "1 2", "1", id="numeric desc"),
    ],
)
def test_a_current_tag_without_meaning_is_not_in_the_way(policy, tags, chosen, current):
    assert choose(tags, Rules(policy), current) == chosen


@pytest.mark.parametrize(
    ("policy", "current", "tags", "chosen", "back"),
    [
        pytest.param(SemverRange(parse_range("^1")), "2.0.0", "1.9.0 2.0.0", None, "1.9.0", id="into a range"),
        pytest.param(SemverRange(parse_npm_range("^1")), "2.0.0", "1.9.0 2.0.0", None, "1.9.0", id="into npm's"),
        pytest.param(MINOR, "1.2.3-rc.1", "1.2.2", "1.2.3-rc.1", "1.2.3-rc.1", id="not if the current one is admitted"),
        pytest.param(MONTHS, "2024.02.1", "2024.01.1", "2024.02.1", "2024.02.1", id="not if the latest date is gone"),
        pytest.param(UP, "9", "8", "9", "9", id="not if the greatest number is gone"),
        pytest.param(DOWN, "8", "9", "8", "8", id="not if the least number is gone"),
    ],
)
def test_only_who_allows_downgrades_steps_back(policy, current, tags, chosen, back):
    assert choose(tags, Rules(policy), current) == chosen
    assert choose(tags, Rules(policy, allows_downgrade=True), current) == back


@pytest.mark.parametrize(
    ("policy", "tag_filter", "current", "tags", "chosen"),
    [
        pytest.param(ANY, extracting("^api-(.*)", "$1"), "api-1.0.0", "api-1.1.0 1.2.0", "api-1.1.0", id="range"),
        pytest.param(MINOR, extracting("^r(.*)", "$1"), "r1.0.0", "r1.1.0 r2.0.0", "r1.1.0", id="level"),
        pytest.param(NPM, extracting("^r(.*)", "$1"), "r1.0.0", "r1.1.0 r1.2", "r1.1.0", id="npm"),
        pytest.param(
            MONTHS, extracting("^r(.*)", "$1"), "r2024.01.1", "r2024.01.2 2024.01.3", "r2024.01.2", id="calver"
        ),
        pytest.param(UP, extracting("-(?P<n>.+)$", "$n"), "a-9", "b-10 c-11x", "b-10", id="numeric asc"),
        pytest.param(DOWN, extracting("-(?P<n>.+)$", "${n}"), "a-9", "b-8 c-10", "b-8", id="numeric desc"),
        pytest.param(LAST, extracting("^[a-z](.*)", "$1"), "b1", "a2 c1", "a2", id="alphabetical asc"),
        pytest.param(FIRST, extracting("^[a-z](.*)", "$1"), "b1", "c0 a2", "c0", id="alphabetical desc"),
        pytest.param(LAST, extracting("^v", None), "va", "vb x vc", "vc", id="without a template"),
    ],
)
def test_a_policy_orders_by_what_is_extracted(policy, tag_filter, current, tags, chosen):
    assert choose(tags, Rules(policy, tag_filter), current) == chosen


@pytest.mark.parametrize(
    ("current", "chosen"),
    [
        pytest.param("a-6", "c-7", id="the greatest text of two tags"),
        pytest.param("b-7", "b-7", id="the current one"),
    ],
)
def test_tags_of_which_the_same_is_extracted(current, chosen):
    rules = Rules(UP, extracting("-(.*)", "$1"))

    assert choose("c-7 b-7 a-7", rules, current) == chosen


@pytest.mark.parametrize(
    ("policy", "exclude", "current", "tags", "chosen"),
    [
        pytest.param(ANY, r"^1\.3\.0$", "1.3.0", "1.2.0 1.3.0 1.3.1", "1.3.1", id="a later one"),
        pytest.param(ANY, r"^1\.3\.0$", "1.3.0", "1.2.0 1.3.0", None, id="no earlier one"),
        pytest.param(MINOR, r"^1\.3\.0$", "1.3.0", "1.2.0 1.4.0 2.0.0", "1.4.0", id="within the level"),
        pytest.param(ANY, "bad", "1.3.0-bad", "1.3.1-bad 1.4.0", None, id="of its variant"),
        pytest.param(UP, "^9$", "9", "8 9", None, id="a number"),
    ],
)
def test_what_follows_a_current_tag_that_is_excluded(policy, exclude, current, tags, chosen):
    assert choose(tags, Rules(policy, parse_tag_filter([], [exclude], extract=None)), current) == chosen


def test_a_current_tag_that_is_not_included_means_nothing():
    rules = Rules(LAST, extracting("^prod-", None))

    assert choose("prod-1 prod-2 zeta", rules, "zeta") == "prod-2"


def test_a_level_has_nothing_to_start_from_if_the_current_tag_is_not_included():
    selection = select(["v1.0.0"], Rules(MINOR, extracting("^v", None)), current="1.0.0")

    assert selection == NoCandidate("the tag 1.0.0 is not included, so semver: minor has nothing to start from", {})


@pytest.mark.parametrize(
    ("variant", "current", "tags", "chosen"),
    [
        pytest.param(
            Keep.KEEP, "1.0.0-alpine", "1.1.0 1.1.0-alpine v1.2.0-alpine 1.3-alpine", "1.1.0-alpine", id="keep"
        ),
        pytest.param(Keep.KEEP, "latest", "1.0.0 1.1.0-alpine", "1.0.0", id="keep what a word has"),
        pytest.param(Keep.ANY, "1.0.0-alpine", "1.0.0 v1.2 1.1.0-alpine", "v1.2", id="any, a suffix is a prerelease"),
        pytest.param(Keep.ANY, "1.0.0", "1.1.0-alpine 1.0.0", "1.0.0", id="any, which the range does not admit"),
        pytest.param("alpine", "1.0.0-alpine", "1.1.0-alpine v1.2.0-alpine 1.3-alpine 2.0.0", "1.1.0-alpine", id="had"),
        pytest.param("alpine", "1.0.0", "v1.2.0-alpine 1.1.0-alpine 2.0.0", "v1.2.0-alpine", id="new, with a v"),
        pytest.param("alpine", "1.0.0", "1.2.0-alpine 1.3-alpine 2.0.0", "1.3-alpine", id="new, of any parts"),
        pytest.param("alpine", "1.4.0-slim", "1.3.0-alpine 1.4.0-alpine", "1.4.0-alpine", id="new, not a step back"),
        pytest.param("alpine", "latest", "1.3-alpine 1.4.0", "1.3-alpine", id="after a word"),
        pytest.param("alpine", "1.0.0", "1.1.0-alpine3.19 1.1.0-slim", None, id="to the letter"),
        pytest.param("", "1.0.0-alpine", "1.1.0 1.2.0-alpine", "1.1.0", id="none"),
        pytest.param("rc.1", "1.0.0", "1.1.0-rc.1", None, id="a prerelease is no suffix"),
    ],
)
def test_what_a_variant_binds(variant, current, tags, chosen):
    assert choose(tags, Rules(ANY, variant=variant), current) == chosen


@pytest.mark.parametrize(
    ("policy", "variant", "tag", "rule"),
    [
        pytest.param(NPM, "alpine", "1.25-alpine", Rule.NOT_A_VERSION, id="npm, two parts"),
        pytest.param(NPM, "alpine", "1.25-slim", Rule.OTHER_VARIANT, id="npm, two parts of another variant"),
        pytest.param(NPM, "alpine", "01.2.3-alpine", Rule.NOT_A_VERSION, id="npm, a leading zero"),
        pytest.param(LOOSE, "alpine", "01.2.3-alpine", Rule.LOWER_PRECEDENCE, id="npm, loose"),
        pytest.param(LOOSE, "", "1.2.3beta", Rule.NOT_A_VERSION, id="npm, loose, what does not split"),
        pytest.param(LOOSE, Keep.ANY, "1.2.3beta", Rule.PRERELEASE, id="npm, loose, whole"),
        pytest.param(PRERELEASES, Keep.ANY, "1.2.3-alpine", Rule.LOWER_PRECEDENCE, id="a suffix as a prerelease"),
        pytest.param(ANY, "", "1.2.3-rc.01", Rule.NOT_A_VERSION, id="no version of the right variant"),
        pytest.param(ANY, "", "1.2.3-rc.01-slim", Rule.OTHER_VARIANT, id="no version of another variant"),
    ],
)
def test_how_a_dialect_reads_a_tag_of_a_variant(policy, variant, tag, rule):
    better = "999.0.0" if variant in ("", Keep.ANY) else f"999.0.0-{variant}"

    selection = select([tag, better], Rules(policy, variant=variant), current=None)

    assert isinstance(selection, Selection)
    assert selection.refused == {tag: rule}


@pytest.mark.parametrize("policy", [ANY, MINOR, NPM, MONTHS, UP, DOWN, LAST, FIRST], ids=str)
@pytest.mark.parametrize(
    "tag",
    [
        pytest.param(f"sha256-{HEX}.sig", id="a signature"),
        pytest.param(f"sha256-{HEX}.att", id="an attestation"),
        pytest.param(f"sha256-{HEX}.sbom", id="an SBOM"),
        pytest.param(f"sha256-{HEX}", id="a list of referrers"),
    ],
)
def test_attachments_are_no_candidates(policy, tag):
    selection = select([tag, "1.0.0"], Rules(policy, extracting("(.*)", "$1")), current="1.0.0")

    assert isinstance(selection, Selection | NoCandidate)
    assert selection.refused[tag] is Rule.ATTACHMENT


def test_an_attachment_does_not_stay():
    assert choose("a", Rules(LAST), f"sha256-{HEX}.sig") == "a"


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        pytest.param(ANY, "semver: *", id="range"),
        pytest.param(NPM, "semver: *, dialect: npm", id="npm"),
        pytest.param(MINOR, "semver: minor", id="level"),
        pytest.param(MONTHS, "calver: YYYY.0M.MICRO", id="calver"),
        pytest.param(DOWN, "numeric: desc", id="numeric"),
        pytest.param(LAST, "alphabetical: asc", id="alphabetical"),
    ],
)
def test_rules_are_named_by_their_policy(policy, text):
    assert str(Rules(policy)) == text
