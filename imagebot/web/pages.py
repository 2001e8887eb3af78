"""The status page: what each address shows, to people as HTML and to programs, under `/api/v1`, as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from flask import Flask, Response, abort, render_template, request

import imagebot
from imagebot.image.reference import parse_repository
from imagebot.proposal.image_state import ImageState
from imagebot.registry.host import find_limits
from imagebot.web.answer import make_json
from imagebot.web.board import TargetState
from imagebot.web.reasons import TagReason, explain
from imagebot.web.source import Source
from imagebot.web.views import (
    Page,
    Query,
    RegistryRow,
    count_all,
    list_registries,
    list_waiting,
    paginate,
    parse_query,
    select_images,
    select_targets,
)
from imagebot.web.words import add_words

API = "/api/v1"
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class _Shown:
    """What one address shows: the values of its template, and what the API gives of them."""

    template: str
    values: Mapping[str, Any]
    data: object


def add_pages(app: Flask, source: Source) -> None:
    """Add each page, and its like under the API."""
    add_words(app)
    pages = _Pages(source)
    routes: tuple[tuple[str, str, Callable[..., _Shown]], ...] = (
        ("/", "/targets", pages.show_targets),
        ("/targets/<path:name>", "/targets/<path:name>", pages.show_target),
        ("/images", "/images", pages.show_images),
        ("/image", "/image", pages.show_image),
        ("/waiting", "/waiting", pages.show_waiting),
        ("/registries", "/registries", pages.show_registries),
        ("/events", "/events", pages.show_events),
    )
    for path, api_path, show in routes:
        app.add_url_rule(path, f"html {path}", _as_html(source, show))
        app.add_url_rule(f"{API}{api_path}", f"json {path}", _as_json(show))


def _as_html(source: Source, show: Callable[..., _Shown]) -> Callable[..., str]:
    def answer(**parts: str) -> str:
        query = parse_query(request.args)
        shown = show(query, **parts)
        common = {
            "version": imagebot.__version__,
            "now": source.clock().wall,
            "query": query,
            "given": request.args.to_dict(),
            "fault": source.find_fault(),
            "path": request.path,
        }
        return render_template(shown.template, **common, **shown.values)

    return answer


def _as_json(show: Callable[..., _Shown]) -> Callable[..., Response]:
    def answer(**parts: str) -> Response:
        return make_json(to_json(show(parse_query(request.args), **parts).data))

    return answer


class _Pages:
    """Reads what pages show, each time anew."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def show_targets(self, query: Query) -> _Shown:
        board, view = self._source.list_targets(), self._source.view()
        page, totals = select_targets(board, query), count_all(board)
        problems = [target for target in board if target.error][:_MOST_PROBLEMS]
        rows = [{**_summarize(target), "due": view.targets.get(target.name)} for target in page.items]
        values = {"page": page, "totals": totals, "problems": problems, "timings": view.targets}
        return _Shown("targets.html", values, {"totals": totals, **_number(page), "items": rows})

    def show_target(self, query: Query, name: str) -> _Shown:
        target = self._find_target(name)
        settings = next(each for each in self._source.settings().targets if each.name == name)
        page = select_images([target], query)
        timing = self._source.view().targets.get(name)
        values = {"target": target, "page": page, "timing": timing, "branch": settings.branch}
        data = {**_summarize(target), "due": timing, "proposals": target.proposals}
        data |= {"unread": target.unread, "left_alone": target.left_alone, "images": _list_rows(page)}
        return _Shown("target.html", values, data)

    def show_images(self, query: Query) -> _Shown:
        board = self._source.list_targets()
        page = select_images(board, query)
        return _Shown("images.html", {"page": page, "names": [each.name for each in board]}, _list_rows(page))

    def show_image(self, query: Query) -> _Shown:
        """Show one image of a target, and what was decided about each tag of it."""
        target = self._find_target(query.target)
        image = self._find_image(target)
        listing = self._source.store.find_snapshot(parse_repository(image.image))
        rules = self._source.find_rules(target.name, image.entry, image.line)
        reasons = explain(image, rules, listing, now=self._source.clock().wall)
        chosen = [each for each in reasons.tags if all(word in _say(each) for word in query.words)]
        page = paginate(chosen, query.page)
        values = {"target": target, "image": image, "reasons": reasons, "page": page, "rules": rules}
        data = {"target": target.name, **image.summarize(), "state": image.state, "unknown": reasons.unknown}
        return _Shown("image.html", values, {**data, **_number(page), "tags": [_tell(each) for each in page.items]})

    def show_waiting(self, query: Query) -> _Shown:
        page = paginate(list_waiting(self._source.list_targets()), query.page)
        return _Shown("waiting.html", {"page": page}, {**_number(page), "items": page.items})

    def show_registries(self, query: Query) -> _Shown:
        failing = self._source.store.history.list_failing()
        rows = [self._add_limits(row) for row in list_registries(self._source.view(), failing)]
        page = paginate([row for row in rows if query.host in ("", row.host)], query.page)
        return _Shown("registries.html", {"page": page}, {**_number(page), "items": page.items})

    def show_events(self, query: Query) -> _Shown:
        page = paginate(self._source.events.list_last(query.words), query.page)
        values = {"page": page, "is_shared": self._source.find_standing is not None}
        return _Shown("events.html", values, {**_number(page), "items": page.items})

    def _find_target(self, name: str) -> TargetState:
        found = next((target for target in self._source.list_targets() if target.name == name), None)
        return found or abort(404)

    def _find_image(self, target: TargetState) -> ImageState:
        """Find the image that the address means; one that has moved on meanwhile is found by its entry."""
        given = request.args
        alike = [each for each in target.images if each.image == given.get("image")]
        alike.sort(key=lambda each: (each.tag != given.get("tag"), str(each.line) != given.get("line")))
        return alike[0] if alike else abort(404)

    def _add_limits(self, row: RegistryRow) -> RegistryRow:
        settings = self._source.settings().registries.get(row.host)
        usual = find_limits(row.host)
        in_flight = (settings.requests_in_flight if settings else None) or usual.in_flight
        per_second = (settings.requests_per_second if settings else None) or usual.per_second
        now = self._source.clock().wall
        pauses = self._source.store.pauses.find(row.host, at=now)
        left = self._source.find_left(row.host)
        return replace(row, in_flight=in_flight, per_second=per_second, pauses=pauses, left=left)


def _summarize(target: TargetState) -> dict[str, object]:
    """Make what a list of targets says of one."""
    return {
        "name": target.name,
        "condition": target.condition,
        "error": target.error,
        "warnings": target.warnings,
        "head": target.head,
        "finished_at": target.finished_at,
        "updated_at": target.updated_at,
        "images": len(target.images),
        "states": target.counts,
        "behind": len(target.behind),
        "behind_since": target.behind_since,
        "open": target.open_count,
        "waiting": target.waiting_count,
    }


def _list_rows(page: Page[Any]) -> dict[str, object]:
    return {**_number(page), "items": [row.summarize() for row in page.items]}


def _number(page: Page[Any]) -> dict[str, object]:
    return {"page": page.number, "pages": page.last, "total": page.total}


def _tell(reason: TagReason) -> dict[str, object]:
    since = None if reason.since is None else {"at": reason.since.at, "source": reason.since.source}
    return {"tag": reason.tag, "reason": reason.reason, "since": since, "until": reason.until}


def _say(reason: TagReason) -> str:
    return f"{reason.tag} {reason.reason}".lower()


def to_json(value: Any) -> Any:
    """Make values of ours what JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key.value if isinstance(key, Enum) else key): to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return value if isinstance(value, str | int | float | bool | None) else str(value)
