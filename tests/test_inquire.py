"""What decisions have to know is asked once, of the store first; what a digest stands for is known for ever."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from imagebot.demo.image import TinyImage, make_digest, make_image, make_index
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.description import Description
from imagebot.image.platform import Platform
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Since, Snapshot, Source
from imagebot.inquire import Inquiry
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.policies import Follow, Moment, Newest, Policy, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.policy.select import Selection
from imagebot.poll import Doubt, list_tags, poll
from imagebot.proposal.choose import Choice, Unlisted
from imagebot.proposal.survey import Survey, survey
from imagebot.registry.client import Registries
from imagebot.registry.host import RegistryHost
from imagebot.registry.lanes import Lanes
from imagebot.store.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ANY = SemverRange(parse_range(">=0"))

Choose = Callable[..., tuple[Choice, ...]]


@pytest.fixture
def registry() -> Iterator[LoopbackRegistry]:
    configure_logging(LogLevel.WARNING, LogFormat.JSON)
    with LoopbackRegistry() as registry:
        yield registry
    structlog.reset_defaults()


@pytest.fixture
def registries(registry: LoopbackRegistry) -> Iterator[Registries]:
    host = RegistryHost(registry.address, plain_http=True)
    with Registries({registry.address: host}, timeout_s=5, user_agent="test") as registries:
        yield registries


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite") as store:
        yield store


@pytest.fixture
def pool() -> Iterator[Lanes]:
    with Lanes(4) as pool:
        yield pool


@pytest.fixture
def choose(registries: Registries, store: Store, pool: Lanes) -> Choose:
    """Poll what the survey names and choose, in a run of its own."""

    def choose(found: Survey, at: datetime = NOW) -> tuple[Choice, ...]:
        doubt = Doubt(max_shrink=1, patience=DAY)
        listings = {
            each: poll(each, registries=registries, store=store, doubt=doubt, now=at) for each in found.repositories
        }
        return Inquiry(registries, store, pool=pool, now=at).choose(found, listings)

    return choose


def _push(registry: LoopbackRegistry, tag: str, *, path: str = "acme/api", image: TinyImage | None = None) -> str:
    return push(registry.address, path, tag, image=image or make_image({"tag": tag}))


def _survey(registry: LoopbackRegistry, *images: str, policy: Policy = ANY, min_age: timedelta | None = None) -> Survey:
    """Survey one file that names the images; a policy that follows a tag also pins its digest."""
    rules = Rules(policy, min_age=min_age, pins_digest=isinstance(policy, Follow))
    text = "".join(f"---\nimage: {registry.address}/{image}\n" for image in images)
    return survey({"a.yaml": text.encode()}, [Entry(None, parse_image_pattern("*"), None, rules, 1)])


def _list_asked(registry: LoopbackRegistry) -> list[tuple[str, str]]:
    """List what was asked beside tags: method, and the manifest or blob."""
    asked = [(each.method, each.target.rpartition("/")[2]) for each in registry.requests if "tags/list" not in each[1]]
    return [(method, what) for method, what in asked if method in ("GET", "HEAD")]


def _list_logged(capsys: pytest.CaptureFixture[str]) -> list[Mapping[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_better_tag_is_chosen_when_its_platforms_are_known(registry: LoopbackRegistry, choose: Choose):
    old, new = _push(registry, "1.0.0"), _push(registry, "1.1.0")
    config = {tag: json.loads(make_image({"tag": tag}).manifest)["config"]["digest"] for tag in ("1.0.0", "1.1.0")}
    registry.requests.clear()

    (choice,) = choose(_survey(registry, "acme/api:1.0.0"))

    assert choice.new_tag == "1.1.0"
    assert sorted(_list_asked(registry)) == sorted(
        [
            *[("HEAD", "1.0.0"), ("HEAD", "1.1.0"), ("GET", old), ("GET", new)],
            *[("GET", config["1.0.0"]), ("GET", config["1.1.0"])],
        ]
    )


def test_the_platforms_of_an_index_need_no_configs(registry: LoopbackRegistry, choose: Choose):
    digests = [
        _push(registry, tag, image=make_index({"linux/amd64": {"tag": tag}, "linux/arm64": {}}))
        for tag in ("1.0.0", "1.1.0")
    ]
    registry.requests.clear()

    (choice,) = choose(_survey(registry, "acme/api:1.0.0"))

    assert choice.new_tag == "1.1.0"
    assert {what for method, what in _list_asked(registry) if method == "GET"} == set(digests)


def test_what_a_digest_stands_for_is_asked_for_once_and_for_ever(registry: LoopbackRegistry, choose: Choose):
    for tag in ("1.0.0", "1.1.0"):
        _push(registry, tag)
    found = _survey(registry, "acme/api:1.0.0")
    choose(found)
    registry.requests.clear()

    (choice,) = choose(found, NOW + DAY)

    assert choice.new_tag == "1.1.0"
    assert sorted(_list_asked(registry)) == [("HEAD", "1.0.0"), ("HEAD", "1.1.0")]


def test_what_a_tag_points_to_is_asked_anew_in_each_run_where_digests_are_pinned(
    registry: LoopbackRegistry, choose: Choose
):
    old = _push(registry, "latest", image=make_image({"build": "1"}))
    found = _survey(registry, f"acme/api:latest@{old}", policy=Follow("latest"))
    choose(found)
    new = _push(registry, "latest", image=make_image({"build": "2"}))

    (choice,) = choose(found, NOW + DAY)

    assert choice.new_digest == new
    assert isinstance(choice.verdict, Selection)
    assert choice.verdict.since == Since(NOW + DAY, Source.PUSHED_AGAIN)


def test_a_digest_that_the_listing_tells_to_be_what_it_was_is_not_asked_for(registry: LoopbackRegistry, choose: Choose):
    registry.upload_clock = lambda: NOW - DAY
    old = _push(registry, "latest", image=make_image({"build": "1"}))
    found = _survey(registry, f"acme/api:latest@{old}", policy=Follow("latest"))
    choose(found)
    registry.requests.clear()

    same, asked = choose(found, NOW + DAY), _list_asked(registry)
    new = _push(registry, "latest", image=make_image({"build": "2"}))
    (moved,) = choose(found, NOW + 2 * DAY)

    assert (same[0].new_digest, asked) == (None, [])
    assert moved.new_digest == new
    assert ("HEAD", "latest") in _list_asked(registry)


def test_a_tag_that_is_seen_to_be_pushed_again_is_logged_once(
    registry: LoopbackRegistry, choose: Choose, capsys: pytest.CaptureFixture[str]
):
    old = _push(registry, "latest", image=make_image({"build": "1"}))
    found = _survey(registry, f"acme/api:latest@{old}", policy=Follow("latest"))
    choose(found)
    new = _push(registry, "latest", image=make_image({"build": "2"}))

    for days in (1, 2):
        choose(found, NOW + days * DAY)

    (line,) = _list_logged(capsys)
    assert (line["event"], line["level"]) == ("tag_pushed_again", "warning")
    assert (line["repository"], line["tag"], line["digest"]) == (f"{registry.address}/acme/api", "latest", new)


def test_each_question_is_asked_once_in_a_run_however_many_threads_ask(
    registry: LoopbackRegistry, registries: Registries, store: Store, pool: Lanes
):
    for path in ("acme/api", "acme/web"):
        for tag in ("1.0.0", "1.1.0"):
            _push(registry, tag, path=path, image=make_image({"of": f"{path}:{tag}"}))
    found = _survey(registry, "acme/api:1.0.0", "acme/web:1.0.0")
    listings = {each: list_tags(each, registries=registries, now=NOW) for each in found.repositories}
    inquiry = Inquiry(registries, store, pool=pool, now=NOW)
    registry.requests.clear()

    with ThreadPoolExecutor(6) as targets:
        chosen = list(targets.map(lambda _: inquiry.choose(found, listings), range(6)))

    assert [[each.new_tag for each in choices] for choices in chosen] == 6 * [["1.1.0", "1.1.0"]]
    asked = _list_asked(registry)
    assert len(asked) == len(registry.requests) == 12  # two HEADs, two manifests and two configs of each repository
    assert len({each.target for each in registry.requests}) == 12


def test_a_tag_that_is_listed_without_an_image_is_passed_over(registry: LoopbackRegistry, choose: Choose):
    for tag in ("1.0.0", "1.1.0", "1.2.0"):
        _push(registry, tag)
    registry.fault = lambda _method, target: Reply(404) if target.endswith("manifests/1.2.0") else None

    (choice,) = choose(_survey(registry, "acme/api:1.0.0"))

    assert choice.new_tag == "1.1.0"


def test_an_image_now_written_that_has_gone_from_the_registry_keeps_nothing_from_moving(
    registry: LoopbackRegistry, choose: Choose
):
    for tag in ("1.0.0", "1.1.0"):
        _push(registry, tag)

    (choice,) = choose(_survey(registry, f"acme/api:1.0.0@sha256:{64 * '0'}"))

    assert choice.new_tag == "1.1.0"


def test_images_are_ordered_by_the_time_at_which_they_were_built(registry: LoopbackRegistry, choose: Choose):
    for days, tag in enumerate(["bbb", "ccc", "aaa"]):
        _push(registry, tag, image=make_index({"linux/amd64": {}, "linux/arm64": {}}, built_at=NOW - (9 - days) * DAY))
    _push(registry, "ddd", image=make_image({}))  # does not say when

    (choice,) = choose(_survey(registry, "acme/api:bbb", policy=Newest(Moment.BUILT)))

    assert choice.new_tag == "aaa"


@pytest.mark.parametrize(
    ("status", "level", "needs_operator"),
    [
        pytest.param(206, "warning", False, id="an answer that may pass"),
        pytest.param(403, "error", True, id="a permission that is missing"),
    ],
)
def test_what_cannot_be_had_leaves_its_image_undecided_with_the_reason(
    registry: LoopbackRegistry,
    choose: Choose,
    capsys: pytest.CaptureFixture[str],
    status: int,
    level: str,
    needs_operator: bool,
):
    for path in ("acme/api", "acme/web"):
        for tag in ("1.0.0", "1.1.0"):
            _push(registry, tag, path=path)
    registry.fault = lambda _, target: Reply(status) if target.startswith("/v2/acme/api/manifests/") else None

    api, web = choose(_survey(registry, "acme/api:1.0.0", "acme/web:1.0.0"))

    assert isinstance(api.verdict, Unlisted)
    assert api.verdict.reason.startswith("what has to be known of its images could not be had: ")
    assert api.verdict.needs_operator is needs_operator
    assert web.new_tag == "1.1.0"
    (line,) = _list_logged(capsys)
    assert (line["event"], line["level"]) == ("inquiry_failed", level)
    assert line["repository"] == f"{registry.address}/acme/api"
    assert api.verdict.reason.endswith(line["error"])


def test_what_was_answered_before_a_failure_is_not_asked_again_in_the_run(
    registry: LoopbackRegistry, registries: Registries, store: Store, pool: Lanes
):
    for tag in ("1.0.0", "1.1.0"):
        _push(registry, tag)
    found = _survey(registry, "acme/api:1.0.0")
    listings = {each: list_tags(each, registries=registries, now=NOW) for each in found.repositories}
    inquiry = Inquiry(registries, store, pool=pool, now=NOW)
    registry.fault = lambda _, target: Reply(400) if "/blobs/" in target else None
    (failed,) = inquiry.choose(found, listings)
    registry.fault = None
    registry.requests.clear()

    (choice,) = inquiry.choose(found, listings)

    assert isinstance(failed.verdict, Unlisted)
    assert choice.new_tag == "1.1.0"
    assert "HEAD" not in {each.method for each in registry.requests}


def test_without_a_store_all_is_asked_and_nothing_is_known_to_be_pushed_again(
    registry: LoopbackRegistry, registries: Registries, pool: Lanes
):
    old = _push(registry, "latest", image=make_image({"build": "1"}))
    new = _push(registry, "latest", image=make_image({"build": "2"}))
    found = _survey(registry, f"acme/api:latest@{old}", policy=Follow("latest"))
    (repository,) = found.repositories
    listings = {repository: list_tags(repository, registries=registries, now=NOW)}

    (choice,) = Inquiry(registries, None, pool=pool, now=NOW).choose(found, listings)

    assert choice.new_digest == new
    assert isinstance(choice.verdict, Selection)
    assert choice.verdict.since is None


@pytest.mark.parametrize("status", [412, 206, 403], ids=["an image refused", "an answer that may pass", "no access"])
def test_without_a_store_nothing_is_logged_of_what_cannot_be_had(
    registry: LoopbackRegistry,
    registries: Registries,
    pool: Lanes,
    capsys: pytest.CaptureFixture[str],
    status: int,
):
    for tag in ("1.0.0", "1.1.0"):
        _push(registry, tag)
    found = _survey(registry, "acme/api:1.0.0")
    listings = {each: list_tags(each, registries=registries, now=NOW) for each in found.repositories}
    registry.fault = lambda _, target: Reply(status) if "/manifests/" in target else None

    (choice,) = Inquiry(registries, None, pool=pool, now=NOW).choose(found, listings)

    assert choice.new_tag is None
    assert _list_logged(capsys) == []


def test_a_tag_that_waits_is_watched_so_that_its_age_begins_anew_when_it_is_pushed_again(
    registry: LoopbackRegistry, choose: Choose
):
    _push(registry, "1.0.0")
    found = _survey(registry, "acme/api:1.0.0", min_age=3 * DAY)
    choose(found, NOW - 9 * DAY)
    _push(registry, "1.1.0", image=make_image({"build": "1"}))
    choose(found, NOW)
    _push(registry, "1.1.0", image=make_image({"build": "2"}))
    choose(found, NOW + DAY)

    chosen = {days: choose(found, NOW + days * DAY)[0].new_tag for days in (2, 3, 4)}

    assert chosen == {2: None, 3: None, 4: "1.1.0"}


def test_a_repository_that_could_not_be_listed_is_not_asked_about(
    registry: LoopbackRegistry, registries: Registries, pool: Lanes
):
    found = _survey(registry, "acme/api:1.0.0")
    image = Repository(registry.address, "acme/api")
    unlisted: Mapping[Repository, Snapshot | Unlisted] = {image: Unlisted(image, "it is down")}

    (choice,) = Inquiry(registries, None, pool=pool, now=NOW).choose(found, unlisted)

    assert choice.verdict == Unlisted(image, "it is down")
    assert registry.requests == []


@pytest.fixture
def inquiry(registries: Registries, store: Store, pool: Lanes) -> Inquiry:
    return Inquiry(registries, store, pool=pool, now=NOW)


def test_a_description_costs_the_requests_that_choosing_has_not_made_and_none_the_next_time(
    registry: LoopbackRegistry, registries: Registries, store: Store, pool: Lanes, choose: Choose
):
    labels = {"org.opencontainers.image.source": "https://git.example.com/acme/api"}
    old = _push(registry, "1.0.0", image=make_image({"tag": "1.0.0"}))
    images = {platform: {**labels, "on": platform} for platform in ("linux/amd64", "linux/arm64")}
    index = make_index(images, built_at=NOW - DAY)
    new = _push(registry, "1.1.0", image=index)
    repository = Repository(registry.address, "acme/api")
    amd64 = index.images[0]
    registry.requests.clear()

    found = Inquiry(registries, store, pool=pool, now=NOW).describe(repository, ["1.1.0", new, old, "1.1.0"])
    asked = _list_asked(registry)
    registry.requests.clear()
    again = Inquiry(registries, store, pool=pool, now=NOW).describe(repository, [new, old])

    assert found["1.1.0"] == found[new] == again[new]
    assert found[old] == again[old]
    assert found[new] == Description(
        new,
        frozenset([Platform("linux", "amd64"), Platform("linux", "arm64")]),
        sum(map(len, amd64.blobs)),
        NOW - DAY,
        {**labels, "on": "linux/amd64"},
    )
    assert sorted(asked) == sorted(
        [
            ("HEAD", "1.1.0"),
            *[("GET", what) for what in (new, amd64.digest, make_digest(amd64.blobs[0]))],
            *[("GET", what) for what in (old, make_digest(make_image({"tag": "1.0.0"}).blobs[0]))],
        ]
    )
    assert registry.requests == []


def test_a_description_is_of_the_digest_that_was_chosen(
    registry: LoopbackRegistry, registries: Registries, store: Store, pool: Lanes
):
    for tag in ("1.0.0", "1.1.0"):
        _push(registry, tag)
    found = _survey(registry, "acme/api:1.0.0")
    (repository,) = found.repositories
    inquiry = Inquiry(registries, store, pool=pool, now=NOW)
    inquiry.choose(found, {repository: list_tags(repository, registries=registries, now=NOW)})
    registry.requests.clear()

    described = inquiry.describe(repository, ["1.1.0"])

    assert described["1.1.0"].labels == {"tag": "1.1.0"}
    assert registry.requests == []


@pytest.mark.parametrize(
    ("fault", "described"),
    [
        pytest.param(
            lambda target: Reply(404) if target.endswith("1.0.0") else None, {"1.1.0"}, id="a tag that is gone"
        ),
        pytest.param(
            lambda target: Reply(412) if target.endswith("1.0.0") else None, {"1.1.0"}, id="an image that is refused"
        ),
        pytest.param(lambda _: Reply(403), set(), id="no access"),
        pytest.param(lambda _: Reply(206), set(), id="a registry that is in trouble"),
    ],
)
def test_an_image_that_cannot_be_had_is_not_described(registry: LoopbackRegistry, inquiry: Inquiry, fault, described):
    for tag in ("1.0.0", "1.1.0"):
        _push(registry, tag)
    registry.fault = lambda _, target: fault(target)

    found = inquiry.describe(Repository(registry.address, "acme/api"), ["1.0.0", "1.1.0"])

    assert set(found) == described


def test_a_config_that_cannot_be_had_leaves_what_the_manifest_says(
    registry: LoopbackRegistry, inquiry: Inquiry, capsys: pytest.CaptureFixture[str]
):
    images = [make_image({"tag": tag}) for tag in ("1.0.0", "1.1.0")]
    one, two = (_push(registry, tag, image=image) for tag, image in zip(("1.0.0", "1.1.0"), images, strict=True))
    registry.fault = lambda _, target: Reply(206) if "/blobs/" in target else None

    found = inquiry.describe(Repository(registry.address, "acme/api"), ["1.0.0", "1.1.0"])

    sizes = [sum(map(len, image.blobs)) for image in images]
    assert found == {
        "1.0.0": Description(one, frozenset(), sizes[0], None, {}),
        "1.1.0": Description(two, frozenset(), sizes[1], None, {}),
    }
    assert [line["event"] for line in _list_logged(capsys)] == 2 * ["description_failed"]


def test_a_registry_that_is_down_is_asked_for_one_description_only(registry: LoopbackRegistry, inquiry: Inquiry):
    digests = [f"sha256:{64 * digit}" for digit in "abc"]
    registry.fault = lambda *_: Reply(500)

    assert inquiry.describe(Repository(registry.address, "acme/api"), digests) == {}
    assert len(registry.requests) == 1
