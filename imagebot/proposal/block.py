"""What a merge request says of itself to the next round, and which part of its text is imagebot's own.

    what people wrote
    <!-- imagebot's text begins: ... -->
    what imagebot wrote
    <!-- imagebot {"group": ...} -->
    what people wrote

The block at the end is imagebot's memory of what was proposed, kept where it cannot get lost: with the merge request.
People may edit or delete it; then the merge request is one that imagebot knows only by its branch. What they write
above or below stays when the rest is written anew.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from imagebot.proposal.group import GroupKey, GroupKind, Pair
from imagebot.proposal.markup import hidden
from imagebot.proposal.plan import Group, make_fingerprint

_BEGIN = "<!-- imagebot's text begins: what stands from here to its end is written anew when something changes -->"
_BLOCK = re.compile(r"<!-- imagebot (\{[^\n<>]{0,1048576}\}) -->")
_CODE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Block:
    """What is proposed together, in which places, and a fingerprint of what the text tells.

    A merge request that was closed unmerged says no to exactly what it proposed, unless imagebot closed it itself: then
    it is retired. `declined` is what people said no to of the same images before this one was opened or moved. What
    versions before groups wrote has no policy file, no places and no time.
    """

    key: GroupKey
    pairs: tuple[Pair, ...]
    fingerprint: str
    declined: tuple[Pair, ...] = ()
    places: frozenset[str] | None = None
    policy_file: str | None = None
    opened_at: datetime | None = None
    is_retired: bool = False
    is_auto_merged: bool = False
    """Whether the forge was told to merge it when its checks pass: what a person took back is not asked for again."""

    def tells_same(self, other: "Block | None") -> bool:
        """Whether a text with the other block tells what one with this block would."""
        facts = (self.key, self.pairs, self.fingerprint, self.is_retired)
        return other is not None and facts == (other.key, other.pairs, other.fingerprint, other.is_retired)


def make_block(
    group: Group,
    *,
    policy_file: str,
    opened_at: datetime | None,
    declined: Iterable[Pair] = (),
    rest: Iterable[tuple[object, ...]] = (),
) -> Block:
    """Make the block of a merge request that proposes the group.

    Its fingerprint stands for what the text tells and a reviewer relies on: the changes, and the `rest`; not for line
    numbers and counts, which drift.
    """
    told: list[tuple[object, ...]] = [
        (c.path, str(c.before), str(c.after), c.governed.entry.label, str(c.governed.entry.rules))
        for c in group.changes
    ]
    return Block(
        group.key,
        group.pairs,
        make_fingerprint([*told, *rest]),
        tuple(sorted(set(declined))),
        frozenset(make_place(change.path, change.pair) for change in group.changes),
        policy_file,
        opened_at and opened_at.astimezone(UTC).replace(microsecond=0),
    )


def make_place(path: str, pair: Pair) -> str:
    """Stand for a file and what is proposed for an image in it, in as few characters as will do."""
    return sha256(f"{path}\0{pair}".encode(errors="surrogatepass")).hexdigest()[:_CODE_DIGITS]


def fit_block(block: Block, limit: int) -> Block:
    """Let the block have at most so many characters: places alone can say what was proposed, in fewer."""
    if len(format_block(block)) <= limit:
        return block
    places = sorted(block.places or ())[: max(0, limit - 1000) // _CODE_DIGITS]
    return replace(block, pairs=(), declined=(), places=frozenset(places))


def format_block(block: Block) -> str:
    fields: dict[str, object] = {
        "group": [block.key.kind.value, block.key.name],
        "updates": _join(block.pairs),
        "changes": block.fingerprint,
    }
    optional = {
        "declined": _join(block.declined),
        "places": None if block.places is None else "".join(sorted(block.places)),
        "policy": block.policy_file,
        "opened": block.opened_at and block.opened_at.isoformat(),
        "retired": block.is_retired,
        "auto_merge": block.is_auto_merged,
    }
    fields |= {key: value for key, value in optional.items() if value}
    # `>` would end the comment and `--` is not allowed in one; both can be spelled otherwise in a JSON string.
    spelled = json.dumps(fields).replace(">", "\\u003e").replace("<", "\\u003c").replace("--", "-\\u002d")
    return hidden(f"imagebot {spelled}")


def find_block(text: str) -> Block | None:
    """Find the last block in a merge request's text; None if there is none that can be read."""
    found = _BLOCK.findall(text)
    if not found:
        return None
    try:
        fields = json.loads(found[-1])
        return _parse_old(fields) if "image" in fields else _parse(fields)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def replace_block(text: str, block: Block) -> str:
    """Put a block in the place of the last that a text has, or at its end."""
    found = list(_BLOCK.finditer(text))
    if not found:
        return f"{text.rstrip()}\n\n{format_block(block)}\n"
    return text[: found[-1].start()] + format_block(block) + text[found[-1].end() :]


def compose_body(told: str, block: Block, *, old: str = "") -> str:
    """Write a merge request's text: what imagebot tells and the block, between what people wrote in the old one.

    An old text that has a block and does not say where imagebot's part begins, as those of versions before this, is
    given up. To one that has no block imagebot's part is added.
    """
    own = f"{_BEGIN}\n\n{told.strip()}\n\n{format_block(block)}"
    above, below = _find_foreign(old)
    return "\n\n".join(part for part in (above.rstrip(), own, below.strip()) if part) + "\n"


def count_foreign(old: str) -> int:
    """Count the characters of a text that are not for imagebot to write."""
    return sum(map(len, _find_foreign(old))) + 4


def _find_foreign(text: str) -> tuple[str, str]:
    """Find what people wrote above and below imagebot's own part."""
    blocks = list(_BLOCK.finditer(text))
    if not blocks:
        return text.replace(_BEGIN, ""), ""
    begin = text.find(_BEGIN)
    return (text[:begin] if 0 <= begin < blocks[-1].start() else ""), text[blocks[-1].end() :]


def _join(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for pair in pairs:
        tags.setdefault(pair.image, []).append(pair.tag)
    return tags


def _parse(fields: Any) -> Block:
    kind, name = fields["group"]
    places, opened, policy = fields.get("places"), fields.get("opened"), fields.get("policy")
    return Block(
        GroupKey(GroupKind(kind), _take(name)),
        _split(fields["updates"]),
        _take(fields["changes"]),
        _split(fields.get("declined") or {}),
        None if places is None else frozenset(re.findall(f"[0-9a-f]{{{_CODE_DIGITS}}}", places)),
        None if policy is None else _take(policy),
        None if opened is None else datetime.fromisoformat(opened).astimezone(UTC),
        is_retired=fields.get("retired") is True,
        is_auto_merged=fields.get("auto_merge") is True,
    )


def _parse_old(fields: Any) -> Block:
    """Read what was written before there were groups: one image, and tags."""
    image = _take(fields["image"])
    block = Block(GroupKey(GroupKind.IMAGE, image), _split({image: fields["tags"]}), _take(fields["changes"]))
    declined = _split({image: fields.get("declined") or []})
    return replace(block, declined=declined, is_retired=fields.get("retired") is True)


def _split(tags: Any) -> tuple[Pair, ...]:
    if not all(isinstance(listed, list) for listed in tags.values()):
        raise TypeError("tags are in a list")
    return tuple(sorted(Pair(_take(image), str(tag)) for image, listed in tags.items() for tag in listed))


def _take(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value
