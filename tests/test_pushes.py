"""Times of pushes that another than the registry tells: asked for where a decision needs them, and never counted on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot.demo.image import make_image
from imagebot.demo.push import push
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Since, Source
from imagebot.inquire import Inquiry
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.policies import Follow, Moment, Newest, Policy, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.policy.select import NoCandidate, Selection
from imagebot.poll import Doubt, poll
from imagebot.proposal.choose import Choice
from imagebot.proposal.survey import Survey, survey
from imagebot.registry.client import Registries
from imagebot.registry.host import RegistryHost
from imagebot.registry.lanes import Lanes
from imagebot.registry.pacing import Pacing
from imagebot.store.store import Store
from tests.servers.docker_hub import HubApi, Tag
from tests.servers.internet import Internet

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PATH = "acme/api"
API = Repository("docker.io", PATH)
ANY = SemverRange(parse_range(">=0"))
LATEST = "/v2/namespaces/acme/repositories/api/tags?page_size=100&page=1&ordering=last_updated"


class Hub:
    """Docker Hub on loopback: its registry, and its own API, which knows what was pushed with a time."""

    def __init__(self) -> None:
        self.registry = LoopbackRegistry()
        self.api = HubApi({PATH: {}})

    def push(self, tag: str, at: datetime | None, *, build: int = 1) -> str:
        digest = push(self.registry.address, PATH, tag, image=make_image({"tag": tag, "build": str(build)}))
        if at is not None:
            self.api.repositories[PATH][tag] = (at, digest)
        return digest

    def list_heads(self) -> list[str]:
        return [each.target.rpartition("/")[2] for each in self.registry.requests if each.method == "HEAD"]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    hosts = {"registry-1.docker.io": hub.registry._answer, "hub.docker.com": hub.api.answer}
    with hub.registry, Internet(tmp_path, hosts) as internet:
        internet.connect(monkeypatch)
        yield hub


Choose = Callable[..., Choice]


@pytest.fixture
def choose(hub: Hub, tmp_path: Path) -> Iterator[Choose]:
    """Poll and choose for one image, in a run of its own."""
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(tmp_path / "store.sqlite"))

        def choose(found: Survey, at: datetime = NOW, *, hub_api: str | None = "hub.docker.com") -> Choice:
            hosts = {"docker.io": RegistryHost("docker.io", hub_api=hub_api)}
            pacing = Pacing(wait=lambda _: None)
            with Registries(hosts, timeout_s=5, user_agent="test", pacing=pacing) as registries, Lanes(4) as pool:
                doubt = Doubt(max_shrink=1, patience=DAY)
                listing = poll(API, registries=registries, store=store, doubt=doubt, now=at)
                (choice,) = Inquiry(registries, store, pool=pool, now=at).choose(found, {API: listing})
                return choice

        yield choose


def make_survey(image: str, policy: Policy = ANY, *, min_age: timedelta | None = None) -> Survey:
    rules = Rules(policy, min_age=min_age, pins_digest=isinstance(policy, Follow))
    return survey({"a.yaml": f"image: {image}".encode()}, [Entry(None, parse_image_pattern("*"), None, rules, 1)])


def test_a_tag_that_was_pushed_long_ago_need_not_wait_when_it_is_seen_for_the_first_time(hub: Hub, choose: Choose):
    for days, tag in ((30, "1.0.0"), (9, "1.1.0"), (1, "1.2.0")):
        hub.push(tag, NOW - days * DAY)

    choice = choose(make_survey("acme/api:1.0.0", min_age=7 * DAY))

    assert choice.new_tag == "1.1.0"
    assert isinstance(choice.verdict, Selection)
    assert choice.verdict.since == Since(NOW - 9 * DAY, Source.PUSHED)
    assert [waiting.until for waiting in choice.verdict.waiting] == [NOW + 6 * DAY]


def test_without_times_a_tag_waits_from_when_it_was_seen(hub: Hub, choose: Choose):
    for tag in ("1.0.0", "1.1.0"):
        hub.push(tag, NOW - 9 * DAY)
    hub.api.left = 0
    found = make_survey("acme/api:1.0.0", min_age=7 * DAY)

    chosen = [choose(found, NOW + days * DAY).new_tag for days in (0, 6, 7)]

    assert chosen == [None, None, "1.1.0"]


def test_the_newest_is_what_was_pushed_last(hub: Hub, choose: Choose):
    for days, tag in ((3, "bbb"), (1, "aaa"), (2, "ccc")):
        hub.push(tag, NOW - days * DAY)

    assert choose(make_survey("acme/api:bbb", Newest(Moment.PUSHED))).new_tag == "aaa"


def test_the_tag_now_written_is_asked_for_by_itself_if_it_is_not_among_the_last(hub: Hub, choose: Choose):
    others: dict[str, Tag] = {f"other{number}": (NOW - DAY, "") for number in range(500)}
    hub.push("old", NOW - 99 * DAY)
    hub.push("new", NOW)
    hub.api.repositories[PATH] |= others

    choice = choose(make_survey("acme/api:old", Newest(Moment.PUSHED)))

    assert choice.new_tag == "new"
    assert hub.api.asked[-1] == "/v2/namespaces/acme/repositories/api/tags/old"


def test_a_tag_of_which_nobody_tells_keeps_nothing_from_the_others(hub: Hub, choose: Choose):
    hub.push("old", None)
    hub.push("new", NOW - DAY)

    choice = choose(make_survey("acme/api:old", Newest(Moment.PUSHED)))

    assert isinstance(choice.verdict, NoCandidate)
    assert choice.verdict.reason.startswith("it is not known when old was pushed, which is written")


def test_what_was_told_is_forgotten_where_nobody_is_asked_any_more(hub: Hub, choose: Choose):
    hub.push("old", NOW - 9 * DAY)
    found = make_survey("acme/api:old", Newest(Moment.PUSHED))
    choose(found)
    hub.push("new", NOW + DAY)

    choice = choose(found, NOW + DAY, hub_api=None)

    assert choice.new_tag == "new"
    assert isinstance(choice.verdict, Selection)
    assert choice.verdict.since == Since(NOW + DAY, Source.FIRST_SEEN)


def test_what_needs_no_times_asks_for_none(hub: Hub, choose: Choose):
    for tag in ("1.0.0", "1.1.0"):
        hub.push(tag, NOW)

    assert choose(make_survey("acme/api:1.0.0")).new_tag == "1.1.0"
    assert hub.api.asked == []


def test_a_round_with_nothing_new_costs_one_request_for_times(hub: Hub, choose: Choose):
    for tag in ("1.0.0", "1.1.0"):
        digest = hub.push(tag, NOW)
    for number in range(250):
        hub.registry._stored[PATH].tags[f"0.0.{number}"] = digest
        hub.api.repositories[PATH][f"0.0.{number}"] = (NOW - (300 - number) * DAY, digest)
    found = make_survey("acme/api:1.0.0", min_age=DAY)
    choose(found)
    first = len(hub.api.asked)

    choice = choose(found, NOW + 2 * DAY)

    assert choice.new_tag == "1.1.0"
    assert (first, hub.api.asked[first:]) == (3, [LATEST])


def test_a_digest_that_is_told_to_be_what_it_was_is_not_asked_for(hub: Hub, choose: Choose):
    old = hub.push("latest", NOW - DAY)
    found = make_survey(f"acme/api:latest@{old}", Follow("latest"))
    choose(found)
    hub.registry.requests.clear()

    same = choose(found, NOW + DAY).new_digest
    heads = hub.list_heads()
    new = hub.push("latest", NOW + 2 * DAY, build=2)
    moved = choose(found, NOW + 2 * DAY).new_digest

    assert (same, heads) == (None, [])
    # What is written is what the registry says.
    assert (moved, hub.list_heads()) == (new, ["latest"])


def test_who_tells_the_wrong_digest_changes_nothing(hub: Hub, choose: Choose):
    old = hub.push("latest", NOW - DAY)
    found = make_survey(f"acme/api:latest@{old}", Follow("latest"))
    choose(found)
    hub.api.repositories[PATH]["latest"] = (NOW - DAY, f"sha256:{64 * '0'}")

    choice = choose(found, NOW + DAY)

    assert choice.new_digest is None
    assert isinstance(choice.verdict, Selection)
    assert choice.verdict.since == Since(NOW - DAY, Source.PUSHED)
