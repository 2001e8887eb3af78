"""How values read on a page: instants as people say them, states as words, addresses only where they are ones."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from flask import Flask
from markupsafe import Markup

from imagebot.proposal.image_state import State
from imagebot.web.board import Condition

STATES: Mapping[State, str] = {
    State.CURRENT: "up to date",
    State.PROPOSED: "proposed",
    State.WAITING: "waiting",
    State.DECLINED: "declined",
    State.FOREIGN: "someone else's commits",
    State.HELD: "held",
    State.STUCK: "no candidate",
    State.UNDECIDED: "not decided",
    State.FAILED: "failed",
}
CONDITIONS: Mapping[Condition, str] = {
    Condition.WELL: "well",
    Condition.TROUBLED: "needs a look",
    Condition.NEW: "not updated yet",
    Condition.FAULTY: "policy file is wrong",
    Condition.FAILING: "failing",
}
# Which of four colours a word has; it always stands beside the word.
_TONES: Mapping[State | Condition, str] = {
    State.CURRENT: "good",
    State.PROPOSED: "info",
    State.WAITING: "quiet",
    State.DECLINED: "quiet",
    State.FOREIGN: "warn",
    State.HELD: "warn",
    State.STUCK: "warn",
    State.UNDECIDED: "warn",
    State.FAILED: "bad",
    Condition.WELL: "good",
    Condition.TROUBLED: "warn",
    Condition.NEW: "quiet",
    Condition.FAULTY: "bad",
    Condition.FAILING: "bad",
}
_UNITS = ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "min"))


def say_duration(seconds: float) -> str:
    """Say a duration by its greatest unit: `3 d`, `5 min`, `12 s`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def say_instant(instant: datetime | None, now: datetime) -> Markup | str:
    """Say how far away an instant is, with the instant itself for programs and for whoever points at it."""
    if instant is None:
        return ""
    distance = (instant - now).total_seconds()
    words = say_duration(abs(distance))
    said = f"in {words}" if distance > 0 else f"{words} ago"
    exact = f"{instant:%Y-%m-%d %H:%M} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(instant.isoformat(), exact, said)


def say_age(instant: datetime | None, now: datetime) -> Markup | str:
    """Say for how long something has been so, with the instant since when."""
    if instant is None:
        return ""
    exact = f"{instant:%Y-%m-%d %H:%M} UTC"
    said = say_duration(max(0.0, (now - instant).total_seconds()))
    return Markup('<time datetime="{}" title="since {}">{}</time>').format(instant.isoformat(), exact, said)


def keep_web_address(text: str | None) -> str | None:
    """Return the text if it is a web address that may be linked to."""
    return text if text is not None and text.startswith(("https://", "http://")) else None


def make_query(given: Mapping[str, str], **changes: object) -> str:
    """Make the query of an address: what was given, with changes, without what is empty."""
    merged = {**given, **{name: str(value) for name, value in changes.items()}}
    return urlencode({name: value for name, value in merged.items() if value not in ("", "None")})


def add_words(app: Flask) -> None:
    """Let templates use these."""
    app.jinja_env.filters.update(
        duration=say_duration,
        web_address=keep_web_address,
        word=lambda value: STATES.get(value) or CONDITIONS.get(value) or str(value),
        tone=lambda value: _TONES.get(value, "quiet"),
    )
    app.jinja_env.globals.update(
        instant=say_instant, age=say_age, make_query=make_query, STATES=STATES, CONDITIONS=CONDITIONS
    )
