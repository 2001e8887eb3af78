"""One holding of the clock: an agenda whose rounds are deferred as jobs, and which hears of their endings.

It may go on where it was after the session broke that holds the clock, unless another replica had it meanwhile.
"""

from collections.abc import Callable
from itertools import count

from procrastinate.exceptions import AlreadyEnqueued

from imagebot.agenda.values import Cause, DueRound, Now, Poll, Polled, Trouble, Updated
from imagebot.jobs.lead import MOST, Deferral, Ending, Lead
from imagebot.log import log
from imagebot.settings.operator import Settings
from imagebot.worker.conductor import Conductor
from imagebot.worker.crew import Room

_TENDED_S = 3.0
# The view is written so often, and so rarely that this is no more than a fiftieth of the thread's time.
_PUBLISHED_S = 1.0
_PUBLISHED_COSTS = 50
# By then all who live have shown up since the database was last away, those of other versions too.
_DROPS_AFTER_S = 60.0
# After the database was away those who live have to show it before they are taken for dead.
_LIVING_SHOW_S = 8.0
_LOST = Trouble(Cause.PASSING)


class Term:
    """For the one thread that has the session; only its `conductor` is for any."""

    def __init__(self, settings: Settings, lead: Lead, *, clock: Callable[[], Now], room: Room) -> None:
        if lead.term is None:
            raise RuntimeError("a term begins when the clock was taken")
        self.name = lead.term
        self._lead = lead
        self._clock = clock
        self._room = room
        self._numbers = count(1)
        self._outbox: dict[str, DueRound] = {}
        self._started: dict[str, DueRound] = {}
        self._tends_s = self._publishes_s = self._revives_s = float("-inf")
        self._drops_s = float("inf")
        self.conductor = Conductor(settings, clock=clock, start=self._put, room=room)

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way, of which it may be said at any time that it ended."""
        return bool(self._started or self._outbox)

    def begin(self) -> None:
        """Take back what others deferred, and what it is not known whether it was."""
        self._lead.clear(self._started.__contains__)
        self._tends_s = self._publishes_s = float("-inf")
        self._drops_s = self._clock().steady_s + _DROPS_AFTER_S
        self._revives_s = self._clock().steady_s + _LIVING_SHOW_S

    def turn(self) -> None:
        """Hear what happened, and defer what is due; raises JobsAway."""
        now_s = self._clock().steady_s
        is_tended = now_s >= self._tends_s
        if is_tended:
            self._tends_s = now_s + _TENDED_S
            self._tend()
        # Of a job that is gone the ending was written before: what is not there after this is lost.
        alive = self._lead.list_tokens() if is_tended else None
        endings = self._lead.take_endings()
        for ending in endings:
            self._hear(ending)
        if alive is not None and len(endings) < MOST:
            for token in self._started.keys() - alive:
                self._lose(token)
        for asked in self._lead.take_asks():
            self.conductor.make_due(asked.targets, asked.repositories)
        self.conductor.beat()
        self._defer()
        if now_s >= self._publishes_s:
            self._publish()
        if now_s >= self._drops_s:
            self._drop_others()

    def _publish(self) -> None:
        began_s = self._clock().steady_s
        self._lead.publish(self.conductor.view())
        ended_s = self._clock().steady_s
        self._publishes_s = ended_s + max(_PUBLISHED_S, _PUBLISHED_COSTS * (ended_s - began_s))

    def _drop_others(self) -> None:
        for schema in self._lead.drop_abandoned():
            log.info("jobs_of_another_version_dropped", schema=schema)
        self._drops_s = float("inf")

    def _put(self, due: DueRound) -> None:
        self._outbox[f"{self.name}:{next(self._numbers)}"] = due

    def _tend(self) -> None:
        """Look after the room that all replicas have together, and after the jobs of those that died."""
        polls, updates = self._lead.count_room()
        self.conductor.make_room(Room(max(polls, self._room.polls), max(updates, self._room.updates)))
        if self._clock().steady_s >= self._revives_s:
            for repository in self._lead.revive(lambda token: token in self._started or token in self._outbox):
                self.conductor.hear_moved(repository)

    def _hear(self, ending: Ending) -> None:
        due = self._started.pop(ending.token, None) or self._outbox.pop(ending.token, None)
        if due is not None:
            self.conductor.end(due, ending.ended)
        elif isinstance(ending.due, Poll) and isinstance(ending.ended, Polled) and ending.ended.moved:
            # Begun under another agenda; all else of it is done anew under this one.
            self.conductor.hear_moved(ending.due.repository)

    def _lose(self, token: str) -> None:
        due = self._started.pop(token)
        log.warning("round_lost", due=str(due))
        self.conductor.end(due, Polled(moved=True, trouble=_LOST) if isinstance(due, Poll) else Updated(trouble=_LOST))

    def _defer(self) -> None:
        batch = dict(self._outbox)
        if not batch:
            return
        since = self.conductor.since
        try:
            self._lead.defer([Deferral(token, due, since) for token, due in batch.items()])
        except AlreadyEnqueued:
            # Somebody put back a job of an agenda that is no more: it goes, and these come at the next turn.
            self._lead.clear(self._started.__contains__)
            return
        self._started |= batch
        for token in batch:
            del self._outbox[token]
