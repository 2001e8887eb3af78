"""One of several workers that share the rounds on a PostgreSQL: it takes jobs, and may have the clock.

It does what a `Worker` does, as far as whoever runs it can see. What is due is known to the replica that has the clock,
by its `Term`; all of them do rounds.
"""

import secrets
import socket
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from datetime import datetime
from threading import Event, Thread
from types import TracebackType
from typing import Self

from imagebot.agenda.values import DueRound, Finished, Now, Polled, Update, Updated, View
from imagebot.errors import ImagebotError
from imagebot.image.reference import Repository
from imagebot.jobs.database import Database, JobsAway
from imagebot.jobs.lead import POLL, UPDATE, Lead
from imagebot.jobs.notices import Notices
from imagebot.jobs.standing import Standing
from imagebot.jobs.takers import Takers
from imagebot.log import log
from imagebot.policy.reading import Rules
from imagebot.registry.pacing import Pacing
from imagebot.secret import Secret
from imagebot.settings.operator import Settings
from imagebot.store.store import Store
from imagebot.worker.crew import Crew
from imagebot.worker.term import Term

_SHOWN_S = 3.0
_VIEW_COUNTS_S = 2.0
# Between looks at what has ended, while anything is under way; else each beat is one.
_LOOK_S = 0.1
_LONGEST_LOOK_S = 5.0
_GOODBYE_S = 10.0


class Replica:
    """Does rounds in threads, as many at once as the settings say when it is made; lives inside `with`."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        url: Secret,
        *,
        clock: Callable[[], Now],
        observe: Callable[[Finished], None],
    ) -> None:
        """Share the work with all that use the database at the URL; raises JobsAway and JobsRefused."""
        database = Database.prepare(url)
        self.name = f"{socket.gethostname()}-{secrets.token_hex(3)}"
        self._clock = clock
        self._notices = Notices(database)
        self._crew = Crew(settings, store, clock=clock, observe=observe, pacing=Pacing(turns=self._notices.take_turn))
        self._lead = Lead(database, replica=self.name)
        room = self._crew.room
        self._takers = Takers(database, do=self._do, room={POLL: room.polls, UPDATE: room.updates})
        self._term: Term | None = None
        self._heeded = settings
        self._wake, self._is_stopping = Event(), Event()
        self._keeper = Thread(target=self._keep, name="keeper", daemon=True)
        self._is_away = self._is_waiting = False
        self._shows_s = float("-inf")
        self._view: tuple[float, View] = (float("-inf"), View())
        self.beaten_at: Now | None = None
        """When it last looked for what is due, or for who has the clock; None if it never did."""

    @property
    def settings(self) -> Settings:
        """Those that count now."""
        return self._crew.settings

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._notices)
            stack.enter_context(self._crew)
            self._takers.start()
            self._keeper.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what still runs."""
        self.stop()
        self._keeper.join(_GOODBYE_S)
        self._takers.wait(_GOODBYE_S)
        self._stack.__exit__(kind, error, trace)

    def beat(self) -> None:
        """Let it be seen what is due, or who has the clock."""
        self._wake.set()

    def make_due(self, targets: Collection[str], repositories: Collection[Repository]) -> int:
        """Let these be updated and polled as soon as possible; return how many of them there are."""
        term = self._find_term()
        if term is not None:
            known = term.conductor.make_due(targets, repositories)
            self._wake.set()
            return known
        self._notices.ask(targets, repositories)
        view = self._notices.read_view()
        return sum(name in view.targets for name in targets) + sum(each in view.repositories for each in repositories)

    def view(self) -> View:
        """Show when everything is due, as whoever has the clock has said within some seconds."""
        term = self._find_term()
        if term is not None:
            return term.conductor.view()
        now_s = self._clock().steady_s
        read_s, view = self._view
        if now_s - read_s >= _VIEW_COUNTS_S:
            # What is known from before is still the best there is.
            with suppress(JobsAway):
                view = self._notices.read_view()
            self._view = (now_s, view)
        return view

    def find_standing(self) -> Standing:
        """Find who has the clock; raises JobsAway."""
        return self._notices.read_standing()

    def find_prefix(self, target: str) -> str | None:
        return self._crew.find_prefix(target)

    def find_rules(self, target: str, entry: str, line: int) -> Rules | None:
        return self._crew.find_rules(target, entry, line)

    def reconfigure(self, settings: Settings) -> tuple[str, ...]:
        """Go by other settings from now on, as `Worker.reconfigure`; those of who has the clock say what is due."""
        unheeded = self._crew.reconfigure(settings)
        self._wake.set()
        return unheeded

    def stop(self) -> None:
        """Take no more jobs, and let another replica have the clock at once."""
        self._is_stopping.set()
        self._wake.set()
        self._takers.stop()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long for the end of what runs, once it was stopped."""
        return self._takers.wait(timeout_s)

    def _find_term(self) -> Term | None:
        """Find the term if this replica has the clock, as far as it knows."""
        return self._term if self._lead.term is not None else None

    def _do(self, due: DueRound, since: datetime) -> Future[Polled | Updated] | None:
        if isinstance(due, Update) and not self._crew.knows(due.target):
            return None
        return self._crew.submit(due, since=since)

    def _keep(self) -> None:
        """Look after the clock, in a thread of its own, until it is to stop."""
        while not self._is_stopping.is_set():
            self.beaten_at = self._clock()
            try:
                self._turn()
                self._tell_away(None)
            except ImagebotError as error:
                self._tell_away(error)
            except Exception:  # noqa: BLE001 - a bug ends the turn; without a session another replica has the clock
                log.exception("turn_ended_by_a_bug")
                self._lead.give_up()
            term = self._find_term()
            self._wake.wait(_LOOK_S if term is not None and term.is_busy else _LONGEST_LOOK_S)
            self._wake.clear()
        with suppress(ImagebotError):
            self._lead.leave()
        self._lead.give_up()

    def _turn(self) -> None:
        now_s, room = self._clock().steady_s, self._crew.room
        if now_s >= self._shows_s:
            self._lead.show_up(polls=room.polls, updates=room.updates)
            self._shows_s = now_s + _SHOWN_S
        if self._lead.term is None:
            before = self._term
            if not self._lead.try_take(before=before.name if before else None):
                self._term = None
                self._tell_waiting()
                return
            if before is None or before.name != self._lead.term:
                self._heeded = self.settings
                self._term = Term(self._heeded, self._lead, clock=self._clock, room=room)
                self._is_waiting = False
                log.info("clock_taken", replica=self.name, term=self._lead.term)
            if self._term is not None:
                self._term.begin()
        if self._term is not None:
            self._lead.beat()
            if self._heeded is not self.settings:
                self._heeded = self.settings
                self._term.conductor.reconfigure(self._heeded)
            self._term.turn()

    def _tell_waiting(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            log.info("clock_found_taken", replica=self.name)

    def _tell_away(self, error: ImagebotError | None) -> None:
        """Log once that the database went away, and that it is back."""
        if error is not None and not self._is_away:
            log.warning("jobs_away", error=str(error))
        elif error is None and self._is_away:
            log.info("jobs_back")
        self._is_away = error is not None
