"""The worker of one process: what its agenda says is due is done by its own threads.

It lives from `with` to its end. Where several share the work, each is a `Replica` instead.
"""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from imagebot.agenda.values import DueRound, Finished, Now, View
from imagebot.image.reference import Repository
from imagebot.policy.reading import Rules
from imagebot.registry.pacing import Pacing
from imagebot.settings.operator import Settings
from imagebot.store.store import Store
from imagebot.worker.conductor import Conductor
from imagebot.worker.crew import Crew


class Worker:
    """Does rounds in threads: as many polls and updates at once as the settings say when it is made."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        clock: Callable[[], Now],
        observe: Callable[[Finished], None],
        pacing: Pacing | None = None,
    ) -> None:
        """Let `observe` hear of every round; `pacing` is by what registries are paced, None is this machine's clock."""
        self._clock = clock
        self._crew = Crew(settings, store, clock=clock, observe=observe, pacing=pacing)
        self.beaten_at: Now | None = None
        """When it last saw what is due; None if it never did."""

    @property
    def settings(self) -> Settings:
        """Those that count now."""
        return self._crew.settings

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._crew)
            self._conductor = Conductor(self.settings, clock=self._clock, start=self._start, room=self._crew.room)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what still runs."""
        self.stop()
        self._stack.__exit__(kind, error, trace)

    def beat(self) -> None:
        """Begin what is due and may begin."""
        self.beaten_at = self._clock()
        self._conductor.beat()

    def make_due(self, targets: Collection[str], repositories: Collection[Repository]) -> int:
        """Let these be updated and polled as soon as possible; return how many of them there are here."""
        return self._conductor.make_due(targets, repositories)

    def view(self) -> View:
        """Show when everything is due."""
        return self._conductor.view()

    def find_prefix(self, target: str) -> str | None:
        return self._crew.find_prefix(target)

    def find_rules(self, target: str, entry: str, line: int) -> Rules | None:
        return self._crew.find_rules(target, entry, line)

    def reconfigure(self, settings: Settings) -> tuple[str, ...]:
        """Go by other settings from now on; return the keys of which the new values count only after another start.

        Rounds that run end by the settings that they began with. What failed before is tried again at once.
        """
        unheeded = self._crew.reconfigure(settings)
        self._conductor.reconfigure(self.settings)
        return unheeded

    def stop(self) -> None:
        """Begin nothing any more."""
        self._conductor.stop()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long until nothing runs, and nothing is due that may begin; tell whether it came to that."""
        return self._conductor.wait(timeout_s)

    def _start(self, due: DueRound) -> None:
        ended = self._crew.submit(due, since=self._conductor.since)
        ended.add_done_callback(lambda future: self._conductor.end(due, future.result()))
