"""Takes jobs while there is room, does them, and says how they ended; by procrastinate, in a thread of its own.

A job is done when its ending is written. Where that fails, or the process dies before, it is done again by whoever
takes it: every effect of a round may happen twice.
"""

import asyncio
from collections.abc import Callable, Mapping, Set
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from threading import Thread
from typing import Any

from procrastinate import App, JobContext, RetryStrategy
from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker

from imagebot.agenda.values import DueRound, Polled, Updated
from imagebot.jobs.database import Database
from imagebot.jobs.lead import POLL, UPDATE
from imagebot.jobs.messages import format_ended, parse_due
from imagebot.log import log

_HEARTBEAT_S = 3.0
_LOOK_S = 2.0
"""How long a job may wait that nobody was told of: one whose lock was held when it came."""
_AGAIN_S = 1.0
_ATTEMPTS = 5
_LONG_DEAD_S = 600.0
_CONNECTIONS = 4
_HELD = "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = %(worker_id)s"
# A job of no worker is given to others, or dropped, by whoever has the clock.
_LET_GO = "UPDATE procrastinate_jobs SET worker_id = NULL WHERE status = 'doing' AND id = ANY(%(ids)s)"
_END = "INSERT INTO endings (token, due, ended) VALUES (%(token)s, %(due)s, %(ended)s)"


class UnknownTarget(Exception):
    """A round is about a target that the settings here do not name, or not yet: another replica may know it."""


class Takers:
    """Does each job by `do`, whose future never has an error; `room` is how many of each kind at once."""

    def __init__(
        self,
        database: Database,
        *,
        do: Callable[[DueRound, datetime], Future[Polled | Updated] | None],
        room: Mapping[str, int],
    ) -> None:
        """Let `do` return None for a round of a target that is not known here."""
        self._do = do
        self._room = room
        self._app = App(connector=database.make_connector(_CONNECTIONS))
        for kind in (POLL, UPDATE):
            self._app.task(
                name=kind, queue=kind, pass_context=True, retry=RetryStrategy(max_attempts=_ATTEMPTS, wait=1)
            )(self._take)
        self._loop = asyncio.new_event_loop()
        self._workers: dict[str, Worker] = {}
        self._doing: set[int | None] = set()
        self._is_stopping = False
        self._thread = Thread(target=self._live, name="takers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more jobs; those that run end."""
        self._is_stopping = True
        for worker in list(self._workers.values()):
            worker.stop()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long for the end of what runs once it was stopped."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _live(self) -> None:
        # What procrastinate leaves behind when its database goes away is told by whoever notices that.
        self._loop.set_exception_handler(lambda _, context: log.debug("job_not_ended", error=str(context)))
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._take_all())

    async def _take_all(self) -> None:
        async with self._app.open_async():
            await asyncio.gather(*(self._take_kind(kind) for kind in (POLL, UPDATE)))

    async def _take_kind(self, kind: str) -> None:
        while not self._is_stopping:
            worker = self._workers[kind] = Worker(
                self._app,
                queues=[kind],
                name=kind,
                concurrency=self._room[kind],
                fetch_job_polling_interval=_LOOK_S,
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                update_heartbeat_interval=_HEARTBEAT_S,
                stalled_worker_timeout=_LONG_DEAD_S,
            )
            alive = asyncio.create_task(self._keep_alive(worker))
            try:
                await worker.run()
            except Exception as error:  # noqa: BLE001 - the database went away, which the clock's thread tells
                log.debug("jobs_not_taken", kind=kind, error=str(error))
            finally:
                alive.cancel()
            if not self._is_stopping:
                await asyncio.sleep(_AGAIN_S)

    async def _keep_alive(self, worker: Worker) -> None:
        """Show that the worker lives while it only ends what it began, too: it does not do so itself then."""
        idle: set[int] = set()
        while True:
            await asyncio.sleep(_HEARTBEAT_S)
            if self._is_stopping:
                worker.stop()  # again: it forgets what it was told in the moment before it began
            if worker.worker_id is not None:
                try:
                    await self._app.job_manager.update_heartbeat(worker.worker_id)
                    idle = await self._let_go(worker.worker_id, idle)
                except Exception as error:  # noqa: BLE001 - as above; it is tried again
                    log.debug("heartbeat_not_kept", error=str(error))

    async def _let_go(self, worker_id: int, before: Set[int]) -> set[int]:
        """Let go of jobs that were done and of which that could not be written: their locks would be held for ever.

        Returns those that the worker holds and does not do; what was among them before is no job that just begins or
        is just being written.
        """
        rows = await self._app.connector.execute_query_all_async(_HELD, worker_id=worker_id)
        idle = {int(row["id"]) for row in rows} - self._doing
        if ids := sorted(idle & before):
            log.info("jobs_let_go", jobs=len(ids))
            await self._app.connector.execute_query_async(_LET_GO, ids=ids)
        return idle.difference(ids)

    async def _take(self, context: JobContext, *, token: str, due: Mapping[str, Any], since: str) -> None:
        doing = self._do(parse_due(due), datetime.fromisoformat(since))
        if doing is None:
            raise UnknownTarget
        self._doing.add(context.job.id)
        try:
            ended = await asyncio.wrap_future(doing)
        finally:
            self._doing.discard(context.job.id)
        if isinstance(ended, Polled) and context.job.attempts:
            # What it was before is not known: somebody may have kept what they found, and died before they said so.
            ended = replace(ended, moved=True)
        arguments = {"token": token, "due": dict(due), "ended": format_ended(ended)}
        await self._app.connector.execute_query_async(_END, **arguments)
