"""The web application behind its real server, on a service whose time and whose agenda a test has in its hand."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from imagebot.agenda.values import Now, View
from imagebot.image.reference import Repository
from imagebot.policy.reading import Rules
from imagebot.settings.operator import Settings, load_settings
from imagebot.store.store import Store
from imagebot.web.app import make_app
from imagebot.web.board import Board
from imagebot.web.events import Events
from imagebot.web.metrics import Metrics
from imagebot.web.server import WebServer
from imagebot.web.source import Source

NOW = Now(datetime(2026, 9, 1, 12, tzinfo=UTC), 1000.0)
SECRETS = {"SECRET": "s3cret", "PASSWORD": "pa55word", "TOKEN": "t0ken", "GIT": "g1t-password"}


@dataclass
class Site:
    """A served application. `settings` are written by `configure`; what was made due is in `due`."""

    folder: Path
    store: Store
    view: View = field(default_factory=View)
    now: Now = NOW
    beaten_at: Now | None = NOW
    known: set[Repository | str] = field(default_factory=set)
    due: list[tuple[set[str], set[Repository]]] = field(default_factory=list)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    rules: dict[tuple[str, str, int], Rules] = field(default_factory=dict)
    events: Events = field(default_factory=Events)
    is_stopping: bool = False
    fault: str = ""
    metrics: Metrics = field(default_factory=Metrics)
    url: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def configure(self, **keys: Any) -> Settings:
        file = self.folder / "imagebot.yaml"
        file.write_text(json.dumps({"data_dir": str(self.folder), "docker_config": None, **keys}))
        self.settings = load_settings(file, SECRETS)
        return self.settings

    def make_due(self, targets: Collection[str], repositories: Collection[Repository]) -> int:
        self.due.append((set(targets), set(repositories)))
        return len(self.known & {*targets, *repositories})

    def find_prefix(self, target: str) -> str | None:
        return self.prefixes.get(target)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=30, **more)

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> requests.Response:
        return self.session.post(f"{self.url}{path}", data=body, headers=headers, timeout=30)

    def make_source(self) -> Source:
        return Source(
            store=self.store,
            board=Board(self.store),
            clock=lambda: self.now,
            settings=lambda: self.settings,
            view=lambda: self.view,
            beaten_at=lambda: self.beaten_at,
            make_due=lambda targets, repositories: self.make_due(targets, repositories),  # noqa: PLW0108 - a test may replace it
            find_prefix=self.find_prefix,
            find_rules=lambda target, entry, line: self.rules.get((target, entry, line)),
            find_left=self.metrics.find_left,
            events=self.events,
            find_fault=lambda: self.fault,
            is_stopping=lambda: self.is_stopping,
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(tmp_path / "store.sqlite"))
        site = Site(tmp_path, store)
        stack.enter_context(site.session)
        settings = site.configure(web={"listen": "127.0.0.1:0"})
        assert settings.web is not None
        source = site.make_source()
        site.metrics.watch(source)
        server = stack.enter_context(WebServer(make_app(source, site.metrics), settings.web.listen))
        site.url = server.url
        yield site
