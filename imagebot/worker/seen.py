"""What a target's last update went by, as the store has it: whoever looks next need not have made it.

What fails there costs an update that was not needed, and nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from imagebot.errors import ImagebotError
from imagebot.git import Oid
from imagebot.log import log
from imagebot.policy.reading import Rules
from imagebot.proposal.kept_head import parse_policy
from imagebot.settings.operator import TargetSettings
from imagebot.settings.policy_file import parse_policy_file
from imagebot.store.store import Store

_TOPIC = "seen"
_NOTHING = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The branches that an update went by: its own, that of its files, and all that begin with the prefix."""

    base: str
    prefix: str
    branches: Mapping[str, Oid]


def find_seen(store: Store, target: TargetSettings) -> Seen | None:
    """Find what the target's last update went by; None if there was none, or if it ended in the middle."""
    try:
        text = store.memos.find(target.name, _TOPIC, facts=_state_facts(target))
    except ImagebotError as error:
        log.warning("seen_not_found", target=target.name, error=str(error))
        return None
    return parse_seen(text) if text else None


def keep_seen(store: Store, target: TargetSettings, seen: Seen, *, at: datetime) -> None:
    _keep(store, target, json.dumps([seen.base, seen.prefix, dict(seen.branches)]), at=at)


def forget_seen(store: Store, target: TargetSettings, *, at: datetime) -> None:
    """Let the next round be a full one, whatever comes of this one."""
    _keep(store, target, _NOTHING, at=at)


def find_entry_rules(store: Store, target: TargetSettings, entry: str, line: int) -> Rules | None:
    """Find what an entry of the target's policy file said when its files were last surveyed."""
    try:
        text = store.located.find_last_head(target.name)
        source = parse_policy(text) if text is not None else None
        if source is None:
            return None
        entries = parse_policy_file(source, file=target.policy_file).entries
    except ImagebotError as error:
        log.warning("rules_not_found", target=target.name, error=str(error))
        return None
    return next((each.rules for each in entries if (each.label, each.position) == (entry, line)), None)


def parse_seen(text: str) -> Seen | None:
    """Read what was kept; None if it has no form that this version writes."""
    try:
        match json.loads(text):
            case [str() as base, str() as prefix, dict() as branches] if all(map(_is_text, branches.values())):
                return Seen(base, prefix, cast("Mapping[str, Oid]", branches))
    except ValueError:
        return None
    return None


def _keep(store: Store, target: TargetSettings, text: str, *, at: datetime) -> None:
    try:
        store.memos.keep(target.name, _TOPIC, text, facts=_state_facts(target), at=at)
    except ImagebotError as error:
        log.warning("seen_not_kept", target=target.name, error=str(error))


def _state_facts(target: TargetSettings) -> str:
    return json.dumps([target.url, target.branch, target.policy_file, target.branch_prefix])


def _is_text(value: object) -> bool:
    return isinstance(value, str)
