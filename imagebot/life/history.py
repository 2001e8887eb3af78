"""Which merge requests of a target there are and were: what is open, what people said no to, what was opened of late.

All of it is told by the forge. What ended is remembered, and of it only what ended since is asked for; and it is asked
for only when something may depend on it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from imagebot.forge import MergeRequest, MergeRequestState
from imagebot.life.round import Round
from imagebot.look import Look
from imagebot.proposal.block import Block, find_block, format_block
from imagebot.proposal.choose import Choice
from imagebot.proposal.refusal import Past, Refusals

_TOPIC = "ended"
_MOST_KEPT = 1000
# Of so many a forge may not have listed all: it looks through the thousand that were updated last.
_MANY = 500


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is remembered of those that ended, by their numbers, each with when it was updated last."""

    past: Mapping[int, tuple[datetime, Past]] = field(default_factory=dict)
    cursor: datetime | None = None
    has_many: bool = False


class History:
    """The merge requests of one target, as one round sees them."""

    def __init__(self, round_: Round, choices: Sequence[Choice]) -> None:
        """Ask for what is open: one request.

        `requests` are those from branches with the prefix, by these, the oldest first.
        """
        self._round = round_
        self._choices = choices
        self._open = round_.forge.list_open(branch_prefix="", target=round_.look.base)
        self._blocks = {request.number: find_block(request.body) for request in self._open}
        self.requests = self._list_requests()
        self._kept: _Kept | None = None
        self._refusals: Refusals | None = None

    def _list_requests(self) -> Mapping[str, Sequence[MergeRequest]]:
        found: dict[str, list[MergeRequest]] = {}
        for request in self._open:
            if request.branch.startswith(self._round.look.prefix):
                found.setdefault(request.branch, []).append(request)
        return found

    @property
    def strays(self) -> Sequence[MergeRequest]:
        """The open merge requests that say to be imagebot's, from branches that have not the prefix any more."""
        prefix = self._round.look.prefix
        return [each for each in self._open if not each.branch.startswith(prefix) and self._is_own(each)]

    def get_refusals(self) -> Refusals:
        """Ask for what ended since it was asked last: one request where little did."""
        if self._refusals is None:
            self._learn(self._load())
            self._refusals = self._make_refusals()
        return self._refusals

    def look_back(self, branch: str) -> Refusals:
        """Ask for all that ended of one branch as well, if what ended may not have been listed as a whole."""
        refusals = self.get_refusals()
        kept = self._load()
        if not kept.has_many or refusals.has_branch(branch):
            return refusals
        ended = self._round.forge.find_ended(branch=branch, target=self._round.look.base)
        self._keep(_Kept({**kept.past, **self._make_past(ended)}, kept.cursor, kept.has_many))
        self._refusals = self._make_refusals()
        return self._refusals

    def list_opened_at(self) -> Sequence[datetime]:
        """List when the merge requests were opened of which that is known."""
        self.get_refusals()
        blocks: list[Block | None] = [self._blocks[each.number] for each in self._open if self._is_own(each)]
        blocks += [past.block for _, past in self._load().past.values()]
        return [block.opened_at for block in blocks if block is not None and block.opened_at is not None]

    def _make_refusals(self) -> Refusals:
        now_open = (self._blocks[each.number] for each in self._open if self._is_own(each))
        past = (past for _, past in self._load().past.values())
        return Refusals(past, now_open=(block for block in now_open if block), choices=self._choices)

    def _is_own(self, request: MergeRequest) -> bool:
        return _is_own(self._round.look, request.branch, self._blocks[request.number])

    def _load(self) -> _Kept:
        if self._kept is None:
            text = self._round.memory.find(_TOPIC, self._round.look.base)
            kept = _parse(text) if text is not None else _Kept()
            # What was closed and is open again has not ended.
            past = {number: each for number, each in kept.past.items() if number not in self._blocks}
            self._kept = _Kept(past, kept.cursor, kept.has_many)
        return self._kept

    def _learn(self, kept: _Kept) -> None:
        if not self._round.forge.has_merge_requests:
            return
        ended = self._round.forge.list_ended(branch_prefix="", target=self._round.look.base, since=kept.cursor)
        instants = [each.updated_at for each in ended if each.updated_at is not None]
        has_many = kept.has_many if kept.cursor is not None else len(ended) >= _MANY
        cursor = max([*instants, *([kept.cursor] if kept.cursor else [])], default=None)
        past = {**kept.past, **self._make_past(ended)}
        newest = sorted(past, key=lambda number: (past[number][0], number), reverse=True)[:_MOST_KEPT]
        learned = _Kept({number: past[number] for number in newest}, cursor, has_many)
        if learned != kept:
            self._keep(learned)

    def _keep(self, kept: _Kept) -> None:
        self._kept = kept
        self._round.memory.keep(_TOPIC, _format(kept), self._round.look.base)

    def _make_past(self, ended: Iterable[MergeRequest]) -> Mapping[int, tuple[datetime, Past]]:
        made = {}
        for each in ended:
            block = find_block(each.body)
            if each.number is not None and _is_own(self._round.look, each.branch, block):
                is_merged = each.state is MergeRequestState.MERGED
                past = Past(each.number, each.url, each.branch, each.head, is_merged, block)
                made[each.number] = each.updated_at or datetime.min.replace(tzinfo=UTC), past
        return made


def _is_own(look: Look, branch: str, block: Block | None) -> bool:
    """Whether a merge request is one of this target's; what another policy file asked for in the same branch is not."""
    if block is None or block.policy_file is None:
        return branch.startswith(look.prefix)
    return block.policy_file == look.target.policy_file


def _format(kept: _Kept) -> str:
    rows = [
        [at.isoformat(), p.number, p.url, p.branch, p.head, p.is_merged, p.block and format_block(p.block)]
        for at, p in kept.past.values()
    ]
    return json.dumps([kept.cursor and kept.cursor.isoformat(), kept.has_many, rows])


def _parse(text: str) -> _Kept:
    """Read what was kept; nothing of it if it has no form that this version writes."""
    try:
        cursor, has_many, rows = json.loads(text)
        past = dict(map(_parse_row, rows))
        return _Kept(past, None if cursor is None else datetime.fromisoformat(cursor), has_many is True)
    except (ValueError, TypeError):
        return _Kept()


def _parse_row(row: Any) -> tuple[int, tuple[datetime, Past]]:
    at, number, url, branch, head, is_merged, text = row
    block = None if text is None else find_block(text)
    if text is not None and block is None:
        raise ValueError("a block that cannot be read")
    return int(number), (datetime.fromisoformat(at), Past(number, url, branch, head, is_merged, block))
