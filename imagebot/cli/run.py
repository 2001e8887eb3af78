"""`imagebot run`: the worker with its web server, until a signal ends it.

The first SIGTERM or SIGINT lets what runs end, for as long as the settings say; the second ends at once. SIGHUP, or
another settings file in the place of the one that was read, changes what can be changed.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

from imagebot import traffic
from imagebot.agenda.values import Finished
from imagebot.connect import find_store
from imagebot.errors import ImagebotError, NeedsOperator
from imagebot.log import LogFormat, LogLevel, Repeats, configure_logging, forward_library_logs, log
from imagebot.settings.operator import Settings, load_settings
from imagebot.store.store import Store
from imagebot.web.app import make_app
from imagebot.web.board import Board
from imagebot.web.events import Events
from imagebot.web.metrics import Metrics
from imagebot.web.server import WebServer
from imagebot.web.source import Source
from imagebot.worker.clock import BEAT_S, Clock, read_clocks
from imagebot.worker.worker import Worker

if TYPE_CHECKING:
    from imagebot.jobs.standing import Standing
    from imagebot.worker.replica import Replica

EXIT_AT_ONCE = 130
_ENDING = (signal.SIGTERM, signal.SIGINT)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run_service(settings_file: Path, *, log_level: LogLevel, log_format: LogFormat) -> int:
    """Run until a signal comes, and return the exit code."""
    events = Events()
    configure_logging(log_level, log_format, processors=[Repeats(monotonic), events])
    forward_library_logs()
    settings = load_settings(settings_file, os.environ)
    if not settings.targets:
        raise NeedsOperator(f"{settings_file} names no targets: add the git repo to keep up to date under `targets`")
    with _catch_signals() as signals, Store.open(find_store(settings), history=settings.history) as store:
        if store.set_aside:
            log.warning("store_set_aside", store=store.name, moved_to=str(store.set_aside))
        service = _Service(settings_file, settings, store, events=events)
        with service:
            service.live(signals)
            return service.end(signals)


@contextmanager
def _catch_signals() -> Iterator["SimpleQueue[int]"]:
    signals: SimpleQueue[int] = SimpleQueue()
    numbers = (*_ENDING, signal.SIGHUP)
    before = [signal.signal(number, lambda caught, _: signals.put(caught)) for number in numbers]
    try:
        yield signals
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class _Service:
    """Worker, clock and web server of one process."""

    def __init__(self, file: Path, settings: Settings, store: Store, *, events: Events) -> None:
        self._file = file
        self._stamp = _find_stamp(file)
        self._fault = ""
        self._is_stopping = False
        self._events = events
        self._metrics = Metrics()
        self._worker, self._find_standing = _make_worker(settings, store, observe=self._metrics.observe)
        self._clock = Clock(self._worker.beat)
        self._web = self._make_web(settings, store)

    def _make_web(self, settings: Settings, store: Store) -> WebServer | None:
        if settings.web is None:
            return None
        source = Source(
            store=store,
            board=Board(store),
            clock=read_clocks,
            settings=lambda: self._worker.settings,
            view=self._worker.view,
            beaten_at=lambda: self._worker.beaten_at,
            make_due=self._worker.make_due,
            find_prefix=self._worker.find_prefix,
            find_rules=self._worker.find_rules,
            find_left=self._metrics.find_left,
            events=self._events,
            find_fault=lambda: self._fault,
            is_stopping=lambda: self._is_stopping,
            find_standing=self._find_standing,
        )
        self._metrics.watch(source)
        return WebServer(make_app(source, self._metrics), settings.web.listen)

    def __enter__(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(self._worker)
            if self._web is not None:
                stack.enter_context(self._web)
            stack.enter_context(traffic.watched(self._metrics.count))
            self._clock.start()
            stack.callback(self._clock.stop)
            self._stack = stack.pop_all()
        settings = self._worker.settings
        log.info("service_started", targets=len(settings.targets), url=self._web.url if self._web else None)
        web = settings.web
        if web is not None and web.listen.host not in _LOOPBACK and not web.is_protected:
            log.warning("web_unprotected", listen=str(web.listen))

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def live(self, signals: "SimpleQueue[int]") -> None:
        """Go on until a signal says that this is the end."""
        while True:
            try:
                number = signals.get(timeout=BEAT_S)
            except Empty:
                self._clock.look_after(read_clocks().wall)
                if _find_stamp(self._file) != self._stamp:
                    self._reload()
                continue
            if number != signal.SIGHUP:
                log.info("service_stopping", signal=signal.Signals(number).name)
                return
            self._reload()

    def end(self, signals: "SimpleQueue[int]") -> int:
        """Begin nothing any more, and wait for what runs; what takes too long is left to the next start."""
        self._is_stopping = True
        self._worker.stop()
        left_s = self._worker.settings.shutdown_timeout_s
        ends_s = read_clocks().steady_s + left_s
        while not self._worker.wait(min(0.2, max(0.0, left_s))):
            left_s = ends_s - read_clocks().steady_s
            while not signals.empty():
                if signals.get() in _ENDING:
                    os._exit(EXIT_AT_ONCE)
            if left_s <= 0:
                # Every effect may happen twice: whoever starts next finishes it.
                log.warning("rounds_cut_short", after_s=self._worker.settings.shutdown_timeout_s)
                os._exit(0)
        log.info("service_stopped")
        return 0

    def _reload(self) -> None:
        """Read the settings again; with faults in them, those that count go on to."""
        self._stamp = _find_stamp(self._file)
        before = self._worker.settings
        try:
            settings = load_settings(self._file, os.environ)
        except ImagebotError as error:
            self._fault = str(error)
            log.error("settings_refused", error=str(error))
            return
        self._fault = ""
        unheeded = [*self._worker.reconfigure(settings), *_list_unheeded(before, settings)]
        log.info("settings_reloaded", targets=len(settings.targets))
        if unheeded:
            log.warning("settings_need_a_restart", keys=unheeded)


def _make_worker(
    settings: Settings, store: Store, *, observe: Callable[[Finished], None]
) -> "tuple[Worker | Replica, Callable[[], Standing] | None]":
    """Make what does the rounds, and what tells who has the clock where several share them."""
    place = find_store(settings)
    if isinstance(place, Path):
        return Worker(settings, store, clock=read_clocks, observe=observe), None
    from imagebot.worker.replica import Replica  # procrastinate and psycopg are slow to load

    replica = Replica(settings, store, place, clock=read_clocks, observe=observe)
    return replica, replica.find_standing


def _list_unheeded(before: Settings, after: Settings) -> list[str]:
    """List what of the web server changed that is fixed once it listens."""
    old, new = (settings.web.listen if settings.web else None for settings in (before, after))
    return [] if old == new else ["web.listen" if old and new else "web"]


def _find_stamp(file: Path) -> tuple[int, int, int] | None:
    """Find what changes when other content takes the place of a file's; None while it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
