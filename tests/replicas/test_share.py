"""Two replicas share polls and updates, and never do two of one target or repository at once."""

import pytest

from tests.replicas.conftest import Site, list_overlaps

pytestmark = pytest.mark.slow


def test_two_replicas_share_the_rounds_and_never_do_two_of_the_same_at_once(site: Site):
    for number in range(6):
        site.add_target(f"fleet-{number}", f"acme/api-{number}", "acme/web")
    one, other = site.start(parallel_updates=1), site.start(parallel_updates=1)

    site.wait_until(lambda: site.count("target_updated") >= 6)

    assert [site.count_proposals(name) for name in site.bares] == [2] * 6
    for replica in (one, other):
        assert {done.what.split("(")[0] for done in replica.list_done()} == {"Poll", "Update"}
    assert list_overlaps(site.list_done()) == []
    assert (one.end(), other.end()) == (0, 0)


def test_a_replica_without_the_clock_shows_what_is_due_and_heeds_webhooks_at_once(site: Site):
    site.settings["interval"] = "1h"
    site.add_target("fleet", "acme/api")
    leader = site.start()
    leader.wait_for("target_updated")
    other = site.start()
    other.wait_for("clock_found_taken")

    pages = [replica.get("/readyz").json() for replica in (leader, other)]
    assert [page["status"] for page in pages] == ["ready", "ready"]
    details = {page["checks"]["replicas"]["detail"] for page in pages}
    assert details == {f"{leader.find('clock_taken')[0]['replica']} has the clock, of 2 replicas"}
    metrics = other.get("/metrics").text
    assert 'imagebot_target_due_seconds{target="fleet"}' in metrics
    assert 'imagebot_repositories{phase="waiting"} 1.0' in metrics
    assert "imagebot_replicas 2.0" in metrics
    assert "Other replicas have events of their own" in other.get("/events").text
    # Only the other one has updated the target.
    image = other.get(f"/api/v1/image?target=fleet&image={site.registry.address}/acme/api").json()
    assert {each["tag"] for each in image["tags"]} == {"1.0.0", "1.1.0"}

    site.push("acme/api", "1.2.0")
    answer = other.send_push(site.registry.address, "acme/api", "1.2.0")

    assert (answer.status_code, answer.json()) == (202, {"due": 1})
    site.wait_until(lambda: site.count("target_updated") >= 2)
    assert site.read_proposal("fleet", "acme/api") == "1.2.0"
