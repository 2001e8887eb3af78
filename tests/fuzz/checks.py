"""What holds for any bytes: locating and rewriting end soon, refuse in their own words, and never edit wrongly."""

import faulthandler
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from imagebot.image.reference import InvalidReference
from imagebot.yamledit.edit import Edit, make_edits
from imagebot.yamledit.locate import can_name_image, locate
from imagebot.yamledit.occurrence import Located, Occurrence
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite
from imagebot.yamledit.scan import NotYaml
from tests.fuzz.pace import is_slow
from tests.fuzz.witness import find_fault
from tests.yamledit.documents import BINDINGS

# What one call may take, on the machine that `pace` speaks of. A second parser makes a rewrite slower: it reads little
# around one edit, but all of a file that is one list in flow style, or in which everything is edited.
LOCATE_S = 0.1
_REWRITE_S = 0.1
_REWRITE_BYTE_S = 25e-6
# By the clock on the wall, however loaded the machine is.
_HANGS_AFTER_S = 60
# Each costs the time of two parsers in Python twice.
_EDITED_ALONE = 4
_TAGS = ("9", "1.10", "v2.3.4-rc.1", "0x1f", "on", "2024-01-01", "5e12345", "null", "_", "012", "x" * 128)
_DIGESTS = tuple(f"sha256:{digit * 64}" for digit in "0af")
_T = TypeVar("_T")


class Broken(Exception):
    """Something that has to hold does not; the text says what, for the same defect in the same words."""


@dataclass(slots=True)
class Tally:
    """What was met: how often what happened, and the slowest call of each function, with the size of its input."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)

    def time(self, name: str, data: bytes, call: Callable[[], _T], *, bound_s: float) -> _T:
        """Call it. Raises Broken if that takes longer than the bound, and what the call raises."""
        faulthandler.dump_traceback_later(_HANGS_AFTER_S, exit=True)
        start = time.process_time()
        try:
            return call()
        finally:
            spent = time.process_time() - start
            faulthandler.cancel_dump_traceback_later()
            self.slowest[name] = max(self.slowest.get(name, (0.0, 0)), (spent, len(data)))
            if spent > bound_s:
                self.counts[f"{name} was measured again"] += 1
                _require_pace(name, call, bound_s)


def _require_pace(name: str, call: Callable[[], object], bound_s: float) -> None:
    if is_slow(call, bound_s):
        raise Broken(f"{name} takes longer than it may")


def check(data: bytes, path: str, random: Random, tally: Tally) -> None:
    """Locate everything in the file, and edit the first occurrences alone and all together; raises Broken.

    Whatever else is raised is a defect as well.
    """
    try:
        located = tally.time("locate", data, lambda: _locate(data, path), bound_s=LOCATE_S)
    except NotYaml:
        tally.counts["no YAML"] += 1
        return
    tally.counts["read"] += 1
    tally.counts["occurrences"] += len(located.occurrences)
    tally.counts["left alone"] += len(located.left_alone)
    _check_quick_search(data, path, located)
    everything: list[Edit] = []
    for number, occurrence in enumerate(located.occurrences):
        edits = _make_edits(occurrence, random)
        everything += edits
        if number < _EDITED_ALONE:
            _check_edits(data, path, edits, tally)
    if len(located.occurrences) > 1:
        _check_edits(data, path, everything, tally)


def _locate(data: bytes, path: str) -> Located:
    return locate(data, path=path, bindings=BINDINGS)


def _check_quick_search(data: bytes, path: str, located: Located) -> None:
    is_passed = can_name_image(data, path=path, bindings=BINDINGS)
    if located != Located((), ()) and not is_passed:
        raise Broken("the quick search misses what locate finds")


def _make_edits(occurrence: Occurrence, random: Random) -> tuple[Edit, ...]:
    tag = None if occurrence.reference.tag is None else random.choice(_TAGS)
    is_pinned = occurrence.has_digest or (occurrence.can_hold_digest and random.random() < 0.5)
    try:
        return make_edits(occurrence, tag=tag, digest=random.choice(_DIGESTS) if is_pinned else None)
    except InvalidReference:
        return ()


def _check_edits(data: bytes, path: str, edits: Sequence[Edit], tally: Tally) -> None:
    """Apply the edits; what is accepted has to be right to the witness, and be found where it was written."""
    edits = sorted(set(edits), key=lambda edit: edit.start)
    if not edits:
        return
    try:
        bound_s = _REWRITE_S + _REWRITE_BYTE_S * len(data)
        result = tally.time("rewrite", data, lambda: rewrite(data, edits), bound_s=bound_s)
    except UnsafeRewrite as error:
        tally.counts["refused"] += 1
        tally.counts[f"  refused: {error.reason.split(chr(39))[0][:60]}"] += 1
        return
    tally.counts["rewritten"] += 1
    fault = find_fault(data, result, edits)
    if fault is not None:
        raise Broken(f"an accepted edit is wrong: {fault}")
    texts = {part.text for one in _locate(result, path).occurrences for part in one.parts}
    missing = [edit.new for edit in edits if edit.new not in texts]
    if missing:
        raise Broken("what was written is not found there again")
    if rewrite(result, []) != result:
        raise Broken("no edits change something")
