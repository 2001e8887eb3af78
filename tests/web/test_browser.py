"""The status page in a real browser, without JavaScript: its main paths, its looks, its keys, and whom it serves.

axe (https://github.com/dequelabs/axe-core) finds what would shut people out; it is the one script that runs, in the
tests alone.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from imagebot.agenda.values import HostTiming, Phase, Timing, View
from imagebot.image.reference import parse_repository
from imagebot.proposal.image_state import ImageState, State
from tests.programs import require_program
from tests.web.conftest import NOW, Site
from tests.web.stock import RULES, list_tags, stock

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

WIDE, NARROW = 1360, 390
# It may run as root, as in a container, and asks nothing of its makers.
_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = require_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def image(site: Site) -> ImageState:
    """Fill the site, and return an image of its first target that is proposed."""
    site.configure(targets=stock(site.store, targets=5, images=30, now=NOW.wall))
    board = site.make_source().list_targets()
    timings = {target.name: Timing(Phase.WAITING, 90.0, failures=int(bool(target.error))) for target in board}
    images = [image for target in board for image in target.images]
    repositories = {parse_repository(image.image): Timing(Phase.WAITING, 5.0) for image in images}
    site.view = View(timings, repositories, {"docker.io": HostTiming(2, 0, 3, 240.0)})
    hub = next(each for each in sorted(repositories) if each.registry == "docker.io")
    site.store.history.keep_failure(hub, "docker.io is limiting our requests (429)", at=NOW.wall - timedelta(hours=1))
    site.events(None, "warning", {"event": "poll_failed", "repository": str(hub), "error": "429", "round_id": "ab12"})
    proposed = next(image for image in board[0].images if image.state is State.PROPOSED)
    list_tags(site.store, parse_repository(proposed.image), now=NOW.wall)
    site.rules = {(board[0].name, proposed.entry, proposed.line): RULES}
    return proposed


def open_page(context: BrowserContext, site: Site, complaints: list[str]) -> Page:
    """Open a page that notes whatever the browser complains of, and whatever it asks of others."""
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda asked: None if asked.url.startswith(site.url) else complaints.append(asked.url))
    page.goto(f"{site.url}/")
    return page


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    noted: list[str] = []
    yield noted
    assert noted == []


@pytest.fixture
def page(browser: Browser, site: Site, image: ImageState, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": WIDE, "height": 900}, java_script_enabled=False)
    yield open_page(context, site, complaints)
    context.close()


def test_from_the_targets_to_the_reason_for_a_tag_with_three_clicks(page: Page, image: ImageState):
    page.get_by_role("link", name="shop/clusters-00@main").first.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("shop/clusters-00@main")

    page.get_by_role("link", name=image.image).first.click()

    assert page.get_by_role("heading", level=1).inner_text().startswith(image.image)
    row = page.get_by_role("row", name="1.9.99")
    assert "younger than min_age" in row.inner_text()
    assert "may move in 2 d" in row.inner_text()


def test_images_are_found_by_their_form_and_the_address_says_so(page: Page):
    page.get_by_role("link", name="Images", exact=True).click()
    page.get_by_label("Words").fill("ghcr.io")
    page.get_by_label("State").select_option("proposed")
    page.get_by_role("button", name="Show").click()

    assert "q=ghcr.io&state=proposed" in page.url
    rows = page.get_by_role("row").all()[1:]
    assert rows
    assert all("ghcr.io/" in row.inner_text() and "proposed" in row.inner_text() for row in rows)
    page.reload()
    assert page.get_by_label("State").input_value() == "proposed"


def test_pages_are_turned(page: Page):
    page.get_by_role("link", name="Images", exact=True).click()
    page.get_by_role("link", name="Next").click()

    assert page.get_by_text("Page 2 of").is_visible()
    page.get_by_role("link", name="Previous").click()
    assert page.get_by_text("Page 1 of").is_visible()


def test_every_page_is_reached_and_knows_that_it_is_here(page: Page):
    for name in ("Images", "Waiting", "Registries", "Events", "Targets"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        assert page.locator("nav a[aria-current=page]").inner_text() == name
        assert page.get_by_role("heading", level=1).inner_text() == name


def test_what_is_folded_opens(page: Page):
    page.get_by_role("link", name="Registries").click()
    reason = page.get_by_text("docker.io is limiting our requests (429)")
    assert not reason.is_visible()

    page.locator("summary").first.click()

    assert reason.is_visible()


def test_it_is_used_by_keys_alone(page: Page):
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    assert page.locator(":focus").bounding_box() is not None
    for _ in range(3):  # the name, then Targets and Images
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.wait_for_url("**/waiting")


@pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_wide_and_narrow_shut_nobody_out(
    browser: Browser, site: Site, image: ImageState, complaints: list[str], scheme: str, width: int
):
    # What axe is put in by has to run, which our own policy forbids.
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 900}, bypass_csp=True
    )
    page = open_page(context, site, complaints)
    name, query = site.settings.targets[0].name, f"image={image.image}&tag={image.tag}&line={image.line}"
    for path in (
        "/",
        f"/targets/{name}",
        "/images",
        f"/image?target={name}&{query}",
        "/waiting",
        "/registries",
        "/events",
    ):
        page.goto(site.url + path)
        found = Axe().run(page).response["violations"]

        assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (ground == "rgb(20, 23, 27)") is (scheme == "dark")
    context.close()
