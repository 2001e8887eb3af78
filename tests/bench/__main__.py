"""`make bench`: what imagebot costs, each figure beside something that is run in turns with it on the same machine.

Absolute times say more about the machine than about imagebot: quote the ratios, which are medians over the turns.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from imagebot.yamledit.locate import locate
from tests.bench.choosing import choose, make_listings, make_rules, parse_and_sort
from tests.bench.folder import make_folder
from tests.bench.plan_cost import run_bare, run_plan

_TURNS = 7


def main() -> None:
    """Print one line for each pair: both medians, and the median of the ratios."""
    print(f"{'measured':<46} {'seconds':>9}   {'beside it':<52} {'seconds':>9} {'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder, make_folder(Path(folder)) as checkout:
        _show(
            ("imagebot plan, 300 files, 30 images, 60 change", lambda: run_plan(checkout)),
            ("its libraries, its requests, bare libyaml events", lambda: run_bare(checkout)),
        )
        texts = list(checkout.files.values())
    _show(
        ("locate the images of these 300 files", lambda: [locate(text) for text in texts]),
        ("bare libyaml events over the same bytes", lambda: _read_events(texts)),
    )
    one, two = make_listings(100_000)
    rules = make_rules()
    previous = choose(json.loads(one), rules)
    _show(
        ("choose of 100,000 tags, with all reasons", lambda: choose(json.loads(one), rules)),
        ("the semver package: parse and sort them", lambda: parse_and_sort(json.loads(one))),
    )
    _show(
        ("the same with ten tags new since the last time", lambda: choose(json.loads(two), rules, previous=previous)),
        ("the semver package: parse and sort them", lambda: parse_and_sort(json.loads(two))),
    )
    _show(
        ("choose of 100,000 tags, with all reasons", lambda: choose(json.loads(one), rules)),
        ("json.loads of the listing", lambda: json.loads(one)),
    )


def _read_events(texts: list[bytes]) -> None:
    for text in texts:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass


def _show(measured: tuple[str, Callable[[], object]], beside: tuple[str, Callable[[], object]]) -> None:
    pairs = [(_time(measured[1]), _time(beside[1])) for _ in range(_TURNS)]
    ours, theirs = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{measured[0]:<46} {ours:>9.3f}   {beside[0]:<52} {theirs:>9.3f} {ratio:>7.2f}")
    sys.stdout.flush()


def _time(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
