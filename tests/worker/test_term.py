"""A holding of the clock, in a time that only tests move."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebot.agenda.values import Now
from imagebot.jobs.database import Database
from imagebot.secret import Secret
from imagebot.settings.operator import load_settings
from imagebot.worker.crew import Room
from imagebot.worker.term import Term
from tests.jobs.conftest import NOW, Bench

pytestmark = pytest.mark.slow


@pytest.fixture
def bench(database: str) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(database, Database.prepare(Secret(database)), stack)


def test_what_belongs_to_another_version_is_dropped_when_all_who_live_could_show_up(bench: Bench, tmp_path: Path):
    file = tmp_path / "imagebot.yaml"
    file.write_text(json.dumps({"targets": [{"name": "fleet", "url": f"file://{tmp_path}/fleet.git"}]}))
    bench.execute("CREATE SCHEMA imagebot_jobs_other")
    for table in ("lead", "replicas"):
        bench.execute(f"CREATE TABLE imagebot_jobs_other.{table} (beaten_at timestamptz)")
    steady_s = began_s = 1000.0
    term = Term(load_settings(file, {}), bench.take_clock(), clock=lambda: Now(NOW, steady_s), room=Room(1, 1))
    term.begin()

    found = []
    for steady_s in (began_s, began_s + 59, began_s + 60):  # noqa: B007 - the clock reads it
        term.turn()
        found += bench.execute("SELECT to_regnamespace('imagebot_jobs_other') IS NOT NULL")

    assert found == [(True,), (True,), (False,)]
