"""What teams write themselves: the texts that come of the templates of a policy file.

Each template sees the values of `make_values`; docs/policy-file.md has them in a table. Values that come from outside
are shown as text: in a description in code spans, in titles and commits without what forges would read there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from imagebot.policy.version import Jump
from imagebot.proposal.commit import describe_changes
from imagebot.proposal.group import GroupKind
from imagebot.proposal.markup import code, plain
from imagebot.proposal.moves import Move, make_moves
from imagebot.proposal.plan import Change, Group
from imagebot.proposal.template import InvalidTemplate, Safe, Template, Values
from imagebot.proposal.text import Backdrop, Sections, make_sections, make_title

_GRAVEST_FIRST = (Jump.MAJOR.value, Jump.MINOR.value, Jump.PATCH.value, Jump.PRERELEASE.value, "newer", "digest")
# A line that begins with it is a quick action; with a backslash before it, it is shown alike.
_QUICK_ACTION = re.compile(r"^([ \t]*)/", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def write_title(template: Template, group: Group, *, policy_file: str) -> str:
    """Write the title, on one line. Raises InvalidTemplate."""
    values = make_values(group, make_moves(group, {}), policy_file=policy_file)
    written = template.render({**values, "text": Safe(make_title(group))}, show=plain)
    return _require_some(template, " ".join(_clean(written).split()))


def write_commit_text(template: Template, group: Group, *, policy_file: str) -> str:
    """Write what people read of a commit message. Raises InvalidTemplate."""
    values = make_values(group, make_moves(group, {}), policy_file=policy_file)
    written = template.render({**values, "text": Safe(describe_changes(group))}, show=plain)
    return _require_some(template, _clean(written))


def write_description(template: Template, group: Group, backdrop: Backdrop, *, limit: int) -> str:
    """Write the description, of at most `limit` characters: what is built in gives way to what the team wrote.

    Raises InvalidTemplate.
    """
    moves = make_moves(group, backdrop.descriptions)
    values = make_values(group, moves, policy_file=backdrop.policy_file)
    room = limit
    for _ in range(2):
        sections = make_sections(moves, backdrop, limit=room)
        if sections is None:
            break
        written = template.render({**values, **_name_sections(sections)}, show=code)
        body = _QUICK_ACTION.sub(r"\1\\/", _clean(written).replace("<!--", "&lt;!--"))
        if len(body) <= limit:
            return _require_some(template, body)
        room -= len(body) - limit
    raise InvalidTemplate(template.text, f"what it writes has more than {limit} characters", line=None)


def make_values(group: Group, moves: Sequence[Move], *, policy_file: str) -> Values:
    """Make what every template sees; `text` comes to it, which differs."""
    is_one, jumps = len(group.images) == 1, {move.jump for move in moves}
    return {
        "title": make_title(group),
        "image": moves[0].name if is_one else "",
        "old": moves[0].was if is_one and len({move.was for move in moves}) == 1 else "",
        "new": moves[0].becomes if is_one and len({move.becomes for move in moves}) == 1 else "",
        "jump": next((each for each in _GRAVEST_FIRST if each in jumps), "newer"),
        "group": group.key.name if group.key.kind is GroupKind.NAMED else "",
        "branch": group.branch,
        "images": tuple(_make_image(move, policy_file) for move in moves),
    }


def _make_image(move: Move, policy_file: str) -> Mapping[str, object]:
    links, since = move.links, move.changes[0].selection.since
    source = links.source.url if links.source else None
    return {
        "name": move.name,
        "old": move.was,
        "new": move.becomes,
        "jump": move.jump,
        "since": f"{since.at:%Y-%m-%d}" if since else "",
        "source": Safe(source or ""),
        "changes": Safe(links.changes or ""),
        "release": Safe(links.release or ""),
        "places": tuple(_make_place(change, policy_file) for change in move.changes),
    }


def _make_place(change: Change, policy_file: str) -> Mapping[str, object]:
    entry = change.governed.entry
    return {
        "file": change.path,
        "line": change.line,
        "entry": entry.label,
        "policy": str(entry.rules),
        "entry_file": entry.file or policy_file,
        "entry_line": entry.position,
    }


def _name_sections(sections: Sections) -> Values:
    """Name the parts of the built-in description; put together in this order they are the whole, which is `text`."""
    named = {f"text_{each.name}": Safe(getattr(sections, each.name)) for each in fields(sections)}
    return {**named, "text": Safe(str(sections))}


def _clean(text: str) -> str:
    """Keep of what controls a terminal nothing but the ends of lines, and let no line end in blanks."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4))
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _require_some(template: Template, written: str) -> str:
    if not written:
        raise InvalidTemplate(template.text, "it writes nothing", line=None)
    return written


def make_samples(*, is_description: bool) -> Iterator[Values]:
    """Make values as there may be, for one image and for two: what a template asks for has to be in them."""
    place = {"file": "a.yaml", "line": 1, "entry": "e", "policy": "p", "entry_file": "f", "entry_line": 1}
    texts = ("name", "old", "new", "jump", "since", "source", "changes", "release")
    image = {**dict.fromkeys(texts, "x"), "places": (place, place)}
    names = ["text", *(f"text_{each.name}" for each in fields(Sections) if is_description)]
    common = dict.fromkeys(("title", "image", "old", "new", "jump", "group", "branch", *names), "x")
    yield {**common, "images": (image,)}
    yield {**common, "image": "", "old": "", "new": "", "images": (image, image)}
