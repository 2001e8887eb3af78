"""A holding of the clock, in a time that only tests move."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagebot.agenda.values import DueRound, Now, Phase, Poll, Polled, Update, Updated
from imagebot.jobs.database import Database
from imagebot.jobs.messages import format_due, format_ended
from imagebot.secret import Secret
from imagebot.settings.operator import load_settings
from imagebot.worker.crew import Room
from imagebot.worker.term import Term
from tests.jobs.conftest import API, NOW, Bench

pytestmark = pytest.mark.slow


@pytest.fixture
def bench(database: str) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(database, Database.prepare(Secret(database)), stack)


@dataclass
class Scene:
    """A term of one target, `fleet`, that has just begun; `turn` lets so much time pass before."""

    bench: Bench
    steady_s: float = 1000.0

    def begin(self, folder: Path) -> None:
        file = folder / "imagebot.yaml"
        file.write_text(json.dumps({"targets": [{"name": "fleet", "url": f"file://{folder}/fleet.git"}]}))
        settings, lead = load_settings(file, {}), self.bench.take_clock()
        self.term = Term(settings, lead, clock=lambda: Now(NOW, self.steady_s), room=Room(1, 1))
        self.term.begin()

    def turn(self, seconds: float = 0.0) -> None:
        self.steady_s += seconds
        self.term.turn()

    def list_jobs(self) -> list[tuple[str, str]]:
        jobs = self.bench.execute("SELECT lock, status::text FROM procrastinate_jobs ORDER BY id")
        return [(lock, status) for lock, status in jobs]

    def end(self, due: DueRound, ended: Polled | Updated, *, token: str | None = None) -> None:
        """Write how a round ended as the replica that did it would; without a token as the one that is deferred."""
        if token is None:
            ((token,),) = self.bench.execute("DELETE FROM procrastinate_jobs RETURNING args ->> 'token'")
        texts = (token, json.dumps(format_due(due)), json.dumps(format_ended(ended)))
        values = ", ".join(f"'{text}'" for text in texts)
        self.bench.execute(f"INSERT INTO endings (token, due, ended) VALUES ({values})")  # noqa: S608 - our own texts


@pytest.fixture
def scene(bench: Bench, tmp_path: Path) -> Scene:
    scene = Scene(bench)
    scene.begin(tmp_path)
    return scene


def test_a_round_that_is_due_is_deferred_once_and_what_came_of_it_is_heard(scene: Scene):
    scene.turn()
    scene.turn(3)
    assert scene.list_jobs() == [("update:fleet", "todo")]

    scene.end(Update("fleet"), Updated({API: frozenset()}, was_full=True))
    scene.turn()

    assert list(scene.term.conductor.view().repositories) == [API]
    assert scene.list_jobs() == []


def test_a_round_that_was_lost_has_failed_and_is_tried_again(scene: Scene):
    scene.turn()
    scene.bench.execute("DELETE FROM procrastinate_jobs")

    scene.turn(3)

    timing = scene.term.conductor.view().targets["fleet"]
    assert (timing.phase, timing.failures) == (Phase.WAITING, 1)
    scene.turn(600)
    assert scene.list_jobs() == [("update:fleet", "todo")]


def test_news_of_a_poll_that_was_begun_under_another_agenda_is_not_lost(scene: Scene):
    scene.turn()
    scene.end(Update("fleet"), Updated({API: frozenset()}, was_full=True))
    scene.turn(10)

    scene.end(Poll(API), Polled(moved=True), token="of-before:1")
    scene.turn()

    assert scene.list_jobs() == [("update:fleet", "todo")]


def test_who_lives_has_time_to_show_it_before_their_jobs_are_given_to_others(scene: Scene):
    scene.turn()
    scene.bench.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')")
    scene.bench.execute("SELECT procrastinate_fetch_job_v2(NULL, (SELECT max(id) FROM procrastinate_workers))")

    scene.turn(7)
    assert scene.list_jobs() == [("update:fleet", "doing")]

    scene.turn(3)
    assert scene.list_jobs() == [("update:fleet", "todo")]


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
