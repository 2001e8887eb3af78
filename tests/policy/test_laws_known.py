"""What holds of every choice that depends on more than names: on times, digests, platforms, and what is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from imagebot.image.platform import Platform
from imagebot.image.snapshot import Sighting, Snapshot
from imagebot.policy.known import Unknown
from imagebot.policy.policies import Alphabetical, Level, Moment, Newest, Numeric, Order, SemverLevel, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Keep, Key, Rule, Rules, make_reader
from imagebot.policy.select import NoCandidate, Previous, Selection, select
from tests.policy.test_laws import filters, tags_of_any_kind
from tests.policy.worlds import AMD64, API, ARM64, NOW, Asked, World, ago, choose

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
DIGESTS = ("sha256:a", "sha256:b", "sha256:c", "sha256:d")
MAJOR = SemverLevel(Level.MAJOR)
NEWEST = tuple(Newest(moment) for moment in Moment)
FOR_BOTH = frozenset([AMD64, ARM64])

days = st.integers(0, 12).map(lambda halves: halves / 2)
some_tags = st.sampled_from(["1", "1.0", "01", "2", "2.0", "3", "4", "5", "6.0.0", "7.0.0", "8.0.0", "9.0.0", "a", "b"])
rules_with_gates = st.builds(
    Rules,
    st.sampled_from(
        [*NEWEST, *NEWEST, *map(Numeric, Order), *map(Alphabetical, Order), SemverRange(parse_range("*")), MAJOR]
    ),
    filter=st.none() | filters,
    variant=st.sampled_from(Keep),
    allows_downgrade=st.booleans(),
    min_age=st.sampled_from([None, DAY, 3 * DAY, 5 * DAY]),
    platforms=st.sampled_from([frozenset(), frozenset(), frozenset([ARM64]), FOR_BOTH]),
    pins_digest=st.booleans(),
)


@dataclass(frozen=True)
class Past:
    """What happened to a tag, in days ago; `changed` is when it was seen to be pushed again; `is_changing` says now."""

    seen: float
    pushed: float | None
    digest: str | None
    changed: float | None
    now: str | None


pasts = st.builds(
    Past,
    seen=days,
    pushed=st.none() | days.map(lambda number: number - 1),
    digest=st.none() | st.sampled_from(DIGESTS),
    changed=st.none() | days,
    now=st.sampled_from(["same", "same", None, *DIGESTS]),
)
# Whatever is asked, what was known is found.
quiet_pasts = pasts.map(lambda past: replace(past, now="same"))
contents = st.fixed_dictionaries(
    {digest: st.sampled_from([FOR_BOTH, FOR_BOTH, frozenset([AMD64]), frozenset(), None]) for digest in DIGESTS}
)
builds = st.fixed_dictionaries(
    {f"{digest} {platform}": st.none() | days for digest in DIGESTS for platform in FOR_BOTH}
)


def make_past_world(
    tags: Mapping[str, Past],
    images: Mapping[str, frozenset[Platform] | None],
    built: Mapping[str, float | None],
    has_history: bool,
) -> World:
    kept: dict[str, Sighting] = {}
    now: dict[str, Sighting | None] = {}
    for tag, past in tags.items():
        if past.digest and has_history:
            at = past.seen if past.changed is None else min(past.changed, past.seen)
            kept[tag] = Sighting(past.digest, ago(at), is_repushed=past.changed is not None)
        before = kept.get(tag)
        digest = (before.digest if before else DIGESTS[0]) if past.now == "same" else past.now
        is_same = before is not None and before.digest == digest
        found = None if digest is None else Sighting(digest, NOW, is_repushed=before is not None)
        now[tag] = before if is_same else found
    # The listing's times are older than what changes now.
    pushed = {tag: past.pushed if kept.get(tag) == now[tag] else 0.5 for tag, past in tags.items() if past.pushed}
    snapshot = Snapshot(
        API,
        NOW,
        {tag: ago(past.seen) for tag, past in tags.items()},
        {tag: ago(number) for tag, number in pushed.items()},
        kept,
        has_history,
    )
    return World(
        snapshot,
        now,
        {digest: {each: f"{digest} {each}" for each in has} for digest, has in images.items() if has is not None},
        {digest: ago(number) for digest, number in built.items() if number is not None},
    )


def make_worlds(tags: st.SearchStrategy[Past], has: st.SearchStrategy) -> st.SearchStrategy[World]:
    listings = st.dictionaries(some_tags | some_tags | tags_of_any_kind, tags, min_size=2, max_size=9)
    return st.builds(make_past_world, listings, has, builds, st.sampled_from([True, True, True, False]))


worlds = make_worlds(pasts, contents)
quiet_worlds = make_worlds(quiet_pasts, st.just(dict.fromkeys(DIGESTS, FOR_BOTH)))


@dataclass(frozen=True)
class Case:
    """An occurrence under its rules, in a world."""

    world: World
    rules: Rules
    current: str | None
    written: str | None

    def choose(self, now: datetime = NOW, previous: Previous | None = None) -> tuple[Selection | NoCandidate, Asked]:
        current, written = self.current, self.written
        return choose(self.world, self.rules, current=current, written=written, now=now, previous=previous)

    def find_choice(self, now: datetime) -> str | None:
        selection, _ = self.choose(now)
        return selection.tag if isinstance(selection, Selection) else None


@st.composite
def make_cases(draw: st.DrawFn, of: st.SearchStrategy[World]) -> Case:
    world = draw(of)
    listed = sorted(world.snapshot.first_seen)
    current = draw(st.none() | st.sampled_from(listed) | st.sampled_from(listed[:2]) | some_tags)
    written = draw(st.sampled_from([None, None, "gone", *DIGESTS[:2]]))
    return Case(world, draw(rules_with_gates), current, written)


cases = make_cases(worlds)
quiet_cases = make_cases(quiet_worlds)


def find_since(sighting: Sighting | None, tag: str, snapshot: Snapshot) -> datetime | None:
    pushed = snapshot.pushed_at.get(tag)
    if sighting and sighting.is_repushed:
        return max(sighting.first_seen, pushed) if pushed else sighting.first_seen
    return pushed or (snapshot.first_seen.get(tag) if snapshot.has_history else None)


def find_time(sighting: Sighting | None, tag: str, case: Case) -> datetime | None:
    if case.rules.policy == Newest(Moment.PUSHED):
        return find_since(sighting or case.world.snapshot.sightings.get(tag), tag, case.world.snapshot)
    manifests = case.world.images.get(sighting.digest) if sighting else None
    if not manifests:
        return None
    named = sorted(case.rules.platforms & manifests.keys()) or [AMD64] * (AMD64 in manifests) or sorted(manifests)
    return case.world.built.get(manifests[named[0]])


def list_candidates(case: Case, sightings: Mapping[str, Sighting | None]) -> dict[str, Key]:
    """List what the names or times alone make candidates of, best first.

    To `newest: pushed` times that a registry tells do not compare with first sights, and the current tag needs one.
    """
    current, rules, tags = case.current, case.rules, case.world.snapshot.first_seen
    by_push, told = rules.policy == Newest(Moment.PUSHED), case.world.snapshot.pushed_at
    timed = told if by_push and told else tags
    times = {tag: at for tag in timed if (at := find_time(sightings.get(tag), tag, case)) is not None}
    reader = make_reader(rules, current=current, times=times)
    if by_push and current in tags and reader.written is Rule.NO_TIME:
        return {}
    is_descending = isinstance(rules.policy, Numeric | Alphabetical) and rules.policy.order is Order.DESC
    judged = {tag: reader.judge(tag) for tag in {*tags, current} if tag is not None}
    keys: dict[str, Key] = {tag: key for tag, key in judged.items() if not isinstance(key, Rule)}
    if not rules.allows_downgrade and not isinstance(reader.written, Rule | None):
        bound = reader.written
        keys = {
            tag: key for tag, key in keys.items() if tag == current or (key <= bound if is_descending else key >= bound)
        }
    ties_in_order = sorted(keys, key=lambda tag: (tag == current, tag), reverse=True)
    return {tag: keys[tag] for tag in sorted(ties_in_order, key=keys.__getitem__, reverse=not is_descending)}


def is_old_enough(tag: str, sighting: Sighting | None, case: Case, now: datetime) -> bool:
    snapshot, min_age = case.world.snapshot, case.rules.min_age
    since = find_since(sighting or snapshot.sightings.get(tag), tag, snapshot)
    return min_age is None or (since is not None and since + min_age <= now)


def has_all_platforms(sighting: Sighting | None, before: Sighting | None, case: Case) -> bool:
    written = case.written or (before.digest if before else None)
    if sighting is None or (written is not None and sighting.digest not in case.world.images):
        return False
    lost = case.world.images.get(written or "", {}).keys() - case.world.images.get(sighting.digest, {}).keys()
    return not (lost & case.rules.platforms if case.rules.platforms else lost)


def find_expected(case: Case, asked: Asked, now: datetime) -> str | None:
    """Take the first that passes all gates; fewer tags are made up than are looked at."""
    sightings = {**case.world.snapshot.sightings, **asked.answers.sightings}
    before = sightings.get(case.current) if case.current else None
    for tag in list_candidates(case, sightings):
        sighting = sightings.get(tag)
        if tag == case.current:
            return tag
        if is_old_enough(tag, sighting, case, now) and has_all_platforms(sighting, before, case):
            return tag
    return None


@given(cases)
def test_a_decision_comes_soon(case):
    _, asked = case.choose()

    # What is asked of all at once, and then of each that is the best or waits: its digest, its platforms, its time.
    assert len(asked.rounds) <= 3 + 3 * len(case.world.tags)


@given(quiet_cases)
def test_a_decision_comes_at_once_where_nothing_changed(case):
    _, asked = case.choose()

    assert len(asked.rounds) <= 5


@given(cases)
def test_the_choice_is_the_best_that_passes_the_gates(case):
    selection, asked = case.choose()

    assert (selection.tag if isinstance(selection, Selection) else None) == find_expected(case, asked, NOW)


@given(cases)
def test_what_is_chosen_was_asked_anew_and_so_was_what_it_replaces(case):
    selection, asked = case.choose()
    now = case.world.tags

    if isinstance(selection, Selection) and selection.tag != case.current:
        assert asked.answers.sightings[selection.tag] == now[selection.tag]
        assert case.written or case.current is None or asked.answers.sightings[case.current] == now.get(case.current)


@given(cases, st.randoms())
def test_a_choice_with_gates_ignores_the_order_of_the_listing(case, random):
    snapshot = case.world.snapshot
    listed = random.sample(sorted(snapshot.first_seen), len(snapshot.first_seen))
    shuffled = replace(snapshot, first_seen={tag: snapshot.first_seen[tag] for tag in listed})

    assert replace(case, world=replace(case.world, snapshot=shuffled)).choose()[0] == case.choose()[0]


@given(cases)
def test_every_tag_that_is_not_chosen_has_one_reason(case):
    selection, _ = case.choose()
    listed = case.world.snapshot.first_seen.keys()

    assert all(isinstance(rule, Rule) for rule in selection.refused.values())
    if isinstance(selection, Selection):
        assert selection.refused.keys() == listed - {selection.tag}
    else:
        assert selection.refused.keys() in (listed, set())


@given(cases, worlds, st.booleans())
def test_what_was_chosen_in_another_world_changes_nothing(case, other, was_known):
    tags = other.snapshot.first_seen
    before = replace(case, world=other).choose(NOW - DAY)[0]
    before = before if was_known else select(tags, case.rules, current=case.current)
    assert not isinstance(before, Unknown)
    previous = Previous(case.rules, case.current, before)

    assert case.choose(previous=previous)[0] == case.choose()[0]


@given(quiet_cases)
def test_where_no_gate_closes_the_choice_is_one_of_names(case):
    assume(not isinstance(case.rules.policy, Newest))
    case = replace(case, rules=replace(case.rules, min_age=None))
    selection, _ = case.choose()

    by_name = select(case.world.snapshot.first_seen, case.rules, current=case.current)

    if isinstance(selection, Selection):
        selection = replace(selection, since=None)
    assert selection == by_name


@given(cases)
def test_each_that_waits_would_be_chosen_before_what_is(case):
    selection, asked = case.choose()
    order = list(list_candidates(case, {**case.world.snapshot.sightings, **asked.answers.sightings}))
    chosen = order.index(selection.tag) if isinstance(selection, Selection) else len(order)
    young = [tag for tag in order[:chosen] if selection.refused[tag] in (Rule.TOO_YOUNG, Rule.AGE_UNKNOWN)]

    assert [each.tag for each in selection.waiting] == young[:3]


def list_instants(case: Case) -> list[datetime]:
    """List when anything could change by the passing of time, with the instants around."""
    snapshot, min_age = case.world.snapshot, case.rules.min_age or DAY
    sightings = [snapshot.sightings, case.world.tags]
    since = [find_since(kept.get(tag), tag, snapshot) for kept in sightings for tag in snapshot.first_seen]
    instants = {at + min_age for at in since if at is not None} | {NOW + 1000 * DAY}
    return sorted(at for each in instants for at in (each - INSTANT, each, each + INSTANT) if at > NOW)


@given(cases)
def test_the_choice_changes_at_no_instant_before_the_one_that_is_due(case):
    selection, asked = case.choose()
    before = selection.tag if isinstance(selection, Selection) else None
    later = replace(case, world=case.world.remember(asked.answers))
    instants = [at for at in list_instants(case) if selection.due_at is None or at < selection.due_at]

    assert [later.find_choice(at) for at in instants] == [before] * len(instants)


@given(quiet_cases)
def test_at_the_instant_that_is_due_a_tag_that_waited_for_it_is_chosen(case):
    selection, asked = case.choose()
    snapshot, due_at = case.world.snapshot, selection.due_at
    since = {tag: find_since(case.world.tags[tag], tag, snapshot) for tag in snapshot.first_seen}

    if due_at is not None:
        later = replace(case, world=case.world.remember(asked.answers))
        assert due_at > NOW
        assert later.find_choice(due_at) in [
            tag for tag, at in since.items() if at and at + later.rules.min_age == due_at
        ]
