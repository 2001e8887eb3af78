"""What pages and the API say, of a stock of every state; nothing from outside is more than text."""

import time
from collections.abc import Mapping
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from imagebot.agenda.values import HostTiming, Phase, Timing, View
from imagebot.image.reference import Repository, parse_repository
from imagebot.proposal.image_state import State
from imagebot.web.views import PAGE_SIZE
from tests.web.conftest import NOW, Site
from tests.web.stock import HOSTILE, RULES, list_tags, stock

PATHS = ("/", "/images", "/waiting", "/registries", "/events")
APIS = ("targets", "images", "waiting", "registries", "events")


class Text(HTMLParser):
    """The text of a page, its links, and what it would load or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given["href"]] if tag == "a" else []
        self.loads += [given.get("src") or given.get("href", "")] if tag in ("img", "link", "script", "iframe") else []
        assert not any(name.startswith("on") or name == "style" for name in given)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(site: Site, path: str) -> Text:
    answer = site.get(path)
    assert answer.status_code == 200, answer.text
    return Text(answer.text)


def read_json(site: Site, path: str) -> Any:
    answer = site.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.json()


@pytest.fixture
def stocked(site: Site) -> Site:
    """Six targets with 30 images each, one of them with a list of tags."""
    settings = stock(site.store, targets=6, images=30, now=NOW.wall)
    site.configure(targets=settings)
    return site


def find_image(site: Site, state: State) -> Mapping[str, Any]:
    """Find an image of the first target in this state."""
    name = str(site.settings.targets[0].name)
    items = read_json(site, f"images?state={state.value}&target={name}")["items"]
    return dict(items[0])


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_nothing_is_a_page(site: Site, path: str):
    assert read(site, path).text.strip()


@pytest.mark.parametrize("api", APIS)
def test_the_api_has_nothing_to_say_of_nothing(site: Site, api: str):
    found = read_json(site, api)

    assert (found["total"], found["items"], found["pages"]) == (0, [], 1)


def test_targets_are_listed_with_their_health_and_those_in_trouble_come_first(stocked: Site):
    timing = Timing(Phase.WAITING, 90.0)
    stocked.view = View({target.name: timing for target in stocked.settings.targets})

    found = read_json(stocked, "targets")

    conditions = [item["condition"] for item in found["items"]]
    assert conditions[:2] == ["faulty", "failing"]
    assert conditions[-1] in ("new", "well")
    assert found["items"][0]["due"] == {"phase": "waiting", "due_in_s": 90.0, "failures": 0, "at": None}
    page = read(stocked, "/")
    assert "policy file is wrong" in page.text
    assert "in 1 min" in page.text
    assert '.imagebot.yaml:7:15: images[2].policy.semver: found "^1.x.y"' in page.text


def test_totals_are_those_of_all_targets(stocked: Site):
    totals = read_json(stocked, "targets")["totals"]
    images = read_json(stocked, "images")

    assert (totals["targets"], totals["images"]) == (6, images["total"])
    assert totals["behind"] == read_json(stocked, "images?behind=1")["total"]
    assert totals["open_requests"] == read_json(stocked, "images?state=proposed")["total"]
    assert totals["waiting_requests"] == 1


@pytest.mark.parametrize("state", State)
def test_images_are_chosen_by_their_state(stocked: Site, state: State):
    found = read_json(stocked, f"images?state={state.value}")

    assert {item["state"] for item in found["items"]} <= {state.value}
    assert found["total"] == read_json(stocked, "targets")["totals"]["states"][state.value]


def test_images_are_chosen_by_words_target_and_registry(stocked: Site):
    target = stocked.settings.targets[0].name

    by_word = read_json(stocked, "images?q=GHCR.io+shop")["items"]
    by_target = read_json(stocked, f"images?target={target}")["items"]
    by_host = read_json(stocked, "images?host=docker.io")["items"]

    assert by_word
    assert all("ghcr.io" in f"{item['image']}" and "shop" in f"{item['image']} {item['target']}" for item in by_word)
    assert {item["target"] for item in by_target} == {target}
    assert all(item["image"].startswith("docker.io/") for item in by_host)


def test_pages_follow_one_another_and_hold_each_image_once(stocked: Site):
    first = read_json(stocked, "images")
    pages = [read_json(stocked, f"images?page={number}")["items"] for number in range(1, first["pages"] + 1)]

    rows = [(item["target"], item["image"], item.get("tag")) for page in pages for item in page]
    assert len(pages[0]) == PAGE_SIZE
    assert len(rows) == len(set(rows)) == first["total"]
    assert f"Page 1 of {first['pages']}" in read(stocked, "/images").text
    assert "?page=2" in read(stocked, "/images").links


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=99999999999", "state=none", "condition=1", "page=²"]
)
def test_what_makes_no_sense_in_an_address_is_as_if_it_were_not_there(stocked: Site, query: str):
    assert read_json(stocked, f"images?{query}")["total"] == read_json(stocked, "images")["total"]


def test_a_target_is_shown_with_its_images_and_merge_requests(stocked: Site):
    name = stocked.settings.targets[0].name

    page = read(stocked, f"/targets/{name}")

    assert "5badb8c0ff" in page.text
    assert "https://gitlab.example.com/infra/fleet/-/merge_requests/" in " ".join(page.links)
    assert "10 are open, and max_open is 10" in page.text
    assert "charts/broken.yaml:3:1: a tab where blanks belong" in page.text


def test_a_target_that_is_none_is_not_found(stocked: Site):
    assert stocked.get("/targets/none").status_code == 404
    assert stocked.get("/api/v1/targets/none").status_code == 404
    assert stocked.get("/image?target=none&image=nginx").status_code == 404


def test_an_image_leads_to_the_reason_for_every_tag_with_one_click(stocked: Site):
    image = find_image(stocked, State.PROPOSED)
    list_tags(stocked.store, parse_repository(image["image"]), now=NOW.wall)
    stocked.rules = {(image["target"], image["entry"], image["line"]): RULES}
    (link,) = [
        link
        for link in read(stocked, f"/images?q={image['image']}&target={image['target']}").links
        if link.startswith("/image?")
    ]

    page = read(stocked, link)
    found = read_json(stocked, link.removeprefix("/"))

    reasons = {each["tag"]: each["reason"] for each in found["tags"]}
    assert found["tags"][0]["tag"] == "1.9.99"
    assert reasons["1.9.99"] == "younger than min_age"
    assert reasons["1.9.0"] == "chosen"
    assert reasons["1.8.3"] == "not the newest candidate"
    (other,) = read_json(stocked, f"{link.removeprefix('/')}&q=2.0.0")["tags"]
    assert other["reason"] == "outside the range"
    assert "Why this tag, and not another" in page.text
    assert "semver: ^1.4" in page.text
    outside = read_json(stocked, f"{link.removeprefix('/')}&q=outside")["tags"]
    assert {each["reason"] for each in outside} == {"outside the range"}


def test_reasons_that_are_not_at_hand_are_said_to_be_so(stocked: Site):
    image = find_image(stocked, State.CURRENT)
    link = f"image?target={image['target']}&image={image['image']}"

    assert read_json(stocked, link)["unknown"] == "its policy is known again after the next update of the target"
    stocked.rules = {(image["target"], image["entry"], image["line"]): RULES}
    assert read_json(stocked, link)["unknown"] == "its tags were not listed yet"


def test_what_waits_is_listed_with_until_when(stocked: Site):
    found = read_json(stocked, "waiting")

    assert found["items"][0]["until"] == (NOW.wall + timedelta(days=2)).isoformat()
    last = read_json(stocked, f"waiting?page={found['pages']}")["items"][-1]
    assert (last["what"], last["until"]) == ("Update 3 images of web", None)
    assert "in 2 d" in read(stocked, "/waiting").text


def test_registries_are_listed_with_their_limits_and_what_they_do_not_list(stocked: Site):
    api = Repository("docker.io", "acme/api")
    stocked.view = View(
        {},
        {api: Timing(Phase.WAITING, 5.0)},
        {"docker.io": HostTiming(2, 0, 3, 240.0), "ghcr.io": HostTiming(0, 1, 0, 0.0)},
    )
    stocked.store.history.keep_failure(api, "docker.io is limiting our requests (429)", at=NOW.wall)
    stocked.store.pauses.keep("docker.io", "pulls", until=NOW.wall + timedelta(hours=2))
    stocked.configure(registries={"docker.io": {"requests_in_flight": 2, "requests_per_second": 1.5}})

    first, second = read_json(stocked, "registries")["items"]

    assert (first["host"], first["repositories"], first["in_flight"], first["per_second"]) == ("docker.io", 1, 2, 1.5)
    assert first["failing"][0][1]["reason"] == "docker.io is limiting our requests (429)"
    assert list(first["pauses"]) == ["pulls"]
    assert second["host"] == "ghcr.io"
    page = read(stocked, "/registries")
    assert "for 4 min" in page.text
    assert "2 at once, 1.5 a second" in page.text


def test_events_are_listed_the_latest_first_and_found_by_words(stocked: Site):
    for number in range(3):
        fields = {"event": "merge_request_opened", "url": "https://forge/1", "branch": f"b{number}", "round_id": "abc"}
        stocked.events(None, "info", fields)
    stocked.events(None, "debug", {"event": "unseen"})
    stocked.events(None, "error", {"event": "target_failed", "error": HOSTILE})

    found = read_json(stocked, "events")["items"]

    assert [event["name"] for event in found] == ["target failed", *["merge request opened"] * 3]
    assert dict(found[1]["fields"])["branch"] == "b2"
    assert read_json(stocked, "events?q=abc+b1")["total"] == 1
    assert "https://forge/1" in read(stocked, "/events").links


def test_nothing_from_outside_is_more_than_text_and_nothing_is_loaded_from_elsewhere(stocked: Site):
    stocked.fault = HOSTILE
    stocked.events(None, "error", {"event": "target_failed", "url": "javascript:alert(1)", "error": HOSTILE})
    names = [target.name for target in stocked.settings.targets]

    for path in (*PATHS, f"/targets/{names[0]}", f"/images?q={HOSTILE}", f"/targets/{names[2]}"):
        answer = stocked.get(path)
        page = Text(answer.text)
        assert "<script" not in answer.text
        assert HOSTILE in page.text
        assert all(link.startswith(("/", "?", "#", "https://")) for link in page.links), page.links
        assert all(each.startswith("/static/") for each in page.loads)


def test_faults_of_the_settings_file_are_shown_on_every_page(site: Site):
    site.fault = "imagebot.yaml:1:1: intervall: found an unknown key"

    assert all("intervall: found an unknown key" in read(site, path).text for path in PATHS)


def test_no_secret_is_on_any_page(stocked: Site):
    target = {"url": "https://git.example.com/x.git", "name": "x", "username": "bot", "password": {"env": "GIT"}}
    web = {"listen": "127.0.0.1:0", "username": "ops", "password": {"env": "PASSWORD"}}
    hooks = {"hub": {"kind": "docker-hub", "secret": {"env": "SECRET"}}}
    stocked.configure(targets=[target], web=web, webhooks=hooks)

    for path in (*PATHS, "/targets/x", "/metrics", "/readyz", *(f"/api/v1/{api}" for api in APIS)):
        text = stocked.get(path, auth=("ops", "pa55word")).text
        assert not any(secret in text for secret in ("g1t-password", "pa55word", "s3cret"))


def test_a_store_that_is_gone_is_said_and_not_a_bug(stocked: Site):
    stocked.store.close()
    for file in stocked.folder.glob("store.sqlite*"):
        file.unlink()
    (stocked.folder / "store.sqlite").mkdir()

    answer = stocked.get("/")

    assert answer.status_code == 503
    assert "cannot be used" in answer.text


def test_metrics_tell_how_far_behind_each_target_is(stocked: Site):
    name = stocked.settings.targets[0].name
    (target,) = [item for item in read_json(stocked, "targets")["items"] if item["name"] == name]

    lines = stocked.get("/metrics").text.splitlines()

    assert f'imagebot_images_behind{{target="{name}"}} {float(target["behind"])}' in lines
    assert f'imagebot_merge_requests{{state="open",target="{name}"}} {float(target["open"])}' in lines
    assert f'imagebot_merge_requests{{state="waiting",target="{name}"}} 1.0' in lines
    (oldest,) = [line for line in lines if line.startswith(f'imagebot_oldest_unmerged_seconds{{target="{name}"}}')]
    assert float(oldest.split()[-1]) >= 86400


@pytest.mark.slow
def test_every_page_takes_less_than_200_ms_with_100_targets_and_5000_images(site: Site):
    site.configure(targets=stock(site.store, targets=100, images=50, now=NOW.wall))
    name = site.settings.targets[0].name
    for path in (*PATHS, "/images?q=ghcr.io+shop&state=proposed", "/images?page=90", f"/targets/{name}", "/metrics"):
        assert site.get(path).status_code == 200  # what is kept is read once for each round that ends
        # Of this process, server and client: the machine's other work does not count. What the process itself does
        # beside it, as collecting the garbage of all tests before, comes to one turn and not to each.
        assert min(_time_get(site, path) for _ in range(3)) < 0.2, path


def _time_get(site: Site, path: str) -> float:
    begins_s = time.process_time()
    site.get(path)
    return time.process_time() - begins_s
