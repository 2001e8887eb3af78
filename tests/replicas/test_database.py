"""PostgreSQL goes away and comes back: replicas stay up, say so, and go on by themselves."""

import pytest

from tests.replicas.conftest import Site
from tests.servers.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("postgres")]


def test_replicas_outlive_their_database_and_go_on_when_it_is_back(site: Site, postgres: PostgresServer):
    site.settings["interval"] = "10s"
    site.add_target("fleet", "acme/api")
    leader = site.start()
    leader.wait_for("target_updated")
    other = site.start()
    other.wait_for("clock_found_taken")

    postgres.stop()
    for replica in (leader, other):
        replica.wait_for("jobs_away")
        ready = replica.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "unready")
        assert "cannot be reached" in ready.json()["checks"]["replicas"]["detail"]
        assert replica.get("/healthz").status_code == 200
    site.push("acme/api", "1.2.0")
    updated = site.count("target_updated")
    postgres.start()

    for replica in (leader, other):
        replica.wait_for("jobs_back")
    # The first update may be one that was under way, by the tags of before.
    site.wait_until(
        lambda: site.count("target_updated") > updated and site.read_proposal("fleet", "acme/api") == "1.2.0"
    )
    for replica in (leader, other):
        # Rounds that were under way have lines of their own; of what is not begun there is this one.
        assert len(replica.find("jobs_away")) == 1
        assert not any("exception" in line for line in replica.lines)
        assert replica.get("/readyz").status_code == 200
