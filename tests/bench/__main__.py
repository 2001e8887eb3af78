"""`make bench`: what imagebot costs, each figure beside something that is run in turns with it on the same machine.

Absolute times say more about the machine than about imagebot: quote the ratios, which are medians over the turns.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import yaml

from imagebot.image.reference import Repository, parse_repository
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.proposal.assign import locate_wanted
from imagebot.proposal.survey import locate_files
from imagebot.yamledit.locate import Bindings, can_name_image, locate
from imagebot.yamledit.occurrence import Located
from tests.bench.choosing import choose, make_listings, make_rules, parse_and_sort
from tests.bench.folder import make_folder
from tests.bench.listing import (
    REPOSITORIES,
    load_pages,
    make_fleet,
    make_pages,
    measure_bytes,
    open_again,
    read_pages,
)
from tests.bench.looking import open_target
from tests.bench.plan_cost import run_bare, run_plan
from tests.bench.repository import WANTED, make_files

_TURNS = 7
# Of what takes seconds, and of what takes milliseconds.
_FEW_TURNS = 3
_MANY_TURNS = 41


def main() -> None:
    """Print one line for each pair: both medians, and the median of the ratios."""
    configure_logging(LogLevel.WARNING, LogFormat.JSON)
    print(f"{'measured':<46} {'seconds':>9}   {'beside it':<52} {'seconds':>9} {'ratio':>8}")
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
    _show_locating()
    _show_looking()
    _show_listing()
    one, two = make_listings(100_000)
    rules = make_rules()
    before, after = json.loads(one), json.loads(two)
    previous = choose(before, rules)
    _show(
        ("choose of 100,000 tags, with all reasons", lambda: choose(before, rules)),
        ("the semver package: parse and sort them", lambda: parse_and_sort(before)),
    )
    _show(
        ("the same with ten tags new since the last time", lambda: choose(after, rules, previous=previous)),
        ("the semver package: parse and sort them", lambda: parse_and_sort(after)),
    )
    _show(
        ("choose of 100,000 tags, with all reasons", lambda: choose(before, rules)),
        ("json.loads of the listing", lambda: json.loads(one)),
    )


def _show_locating() -> None:
    files = dict(make_files())
    naming = [text for path, text in files.items() if can_name_image(text)]
    wanted = frozenset(map(parse_repository, WANTED))
    _show(
        (f"locate the images of {len(naming)} files that name some", lambda: [locate(text) for text in naming]),
        ("bare libyaml events over the same bytes", lambda: _read_events(naming)),
        turns=_FEW_TURNS,
    )
    beside = ("bare libyaml events over the same bytes", lambda: _read_events(files.values()))
    _show(
        (f"locate the images of {len(files)} files", lambda: locate_files(files, Bindings())),
        beside,
        turns=_FEW_TURNS,
    )
    _show(
        ("the same as imagebot set does for 10 images", lambda: _locate_wanted(files, wanted)),
        beside,
        turns=_FEW_TURNS,
    )


def _locate_wanted(files: Mapping[str, bytes], images: Collection[Repository]) -> list[Located]:
    return [locate_wanted(path, text, images) for path, text in files.items()]


def _show_looking() -> None:
    with tempfile.TemporaryDirectory() as folder, open_target(Path(folder)) as looking:
        again = "look at 10,000 files again, one in three named"
        asked = "git ls-remote, git ls-tree -r"
        _show((again, looking.look_again), ("git ls-tree -r", looking.list_tree), turns=_MANY_TURNS)
        _show((again, looking.look_again), (asked, looking.ask_and_list_tree), turns=_MANY_TURNS)
        _show(
            ("the same, and all places made", looking.look_again_at_all),
            (asked, looking.ask_and_list_tree),
            turns=_MANY_TURNS,
        )
        _show(
            ("the same after a commit to one of the files", looking.change_and_look),
            (asked, looking.ask_and_list_tree),
        )
        _show(
            ("the same with nothing remembered", looking.look_without_memory),
            (asked, looking.ask_and_list_tree),
            turns=_FEW_TURNS,
        )


def _show_listing() -> None:
    with tempfile.TemporaryDirectory() as folder, make_fleet(Path(folder)) as fleet:
        turns = [(fleet.list_tags(), fleet.fetch()) for _ in range(_TURNS)]
    beside = "urllib3 and a thread pool, the same URLs"
    for kind, name in (("wall_s", ""), ("cpu_s", ", in CPU time")):
        pairs = [(getattr(ours, kind), getattr(theirs, kind)) for ours, theirs in turns]
        _print(f"tag lists of {REPOSITORIES} repositories{name}", beside, pairs)
    pages = make_pages()
    beside = "json.loads of its pages"
    _show(("a list of 200,000 tags from its pages", lambda: read_pages(pages)), (beside, lambda: load_pages(pages)))
    sizes = measure_bytes(lambda: read_pages(pages)), measure_bytes(lambda: load_pages(pages))
    _print("the most memory for that, in MB", beside, [(sizes[0] / 1e6, sizes[1] / 1e6)])
    with tempfile.TemporaryDirectory() as folder, open_again(Path(folder), pages) as again:
        _show(("keep it when nothing is new", again.keep_listing), (beside, lambda: load_pages(pages)))
        _show(("keep it, and read all that is known", again.keep_snapshot), (beside, lambda: load_pages(pages)))


def _read_events(texts: Iterable[bytes]) -> None:
    for text in texts:
        with suppress(yaml.YAMLError):
            for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
                pass


def _show(
    measured: tuple[str, Callable[[], object]], beside: tuple[str, Callable[[], object]], *, turns: int = _TURNS
) -> None:
    _print(measured[0], beside[0], [(_time(measured[1]), _time(beside[1])) for _ in range(turns)])


def _print(measured: str, beside: str, pairs: Sequence[tuple[float, float]]) -> None:
    ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{measured:<46} {ours:>9.3f}   {beside:<52} {theirs:>9.3f} {ratio:>8.3f}")
    sys.stdout.flush()


def _time(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
