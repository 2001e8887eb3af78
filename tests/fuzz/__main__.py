"""`make fuzz`: damaged files, to find what no one thought of; what it finds becomes a test.

Files of `tests/golden`, generated ones, dense ones, and those of a directory if one is named, are damaged at random,
located and edited. What breaks is made shorter and kept; run again with the seed to meet the same files.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.checks import Broken, Tally, check
from tests.fuzz.dense import make_dense
from tests.fuzz.mutation import MAX_BYTES, mutate
from tests.yamledit.documents import Sample, samples

_GOLDEN = Path(__file__).parent.parent / "golden"
_GENERATED = 400
_SHORTENS_S = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=Random().randrange(10**9))
    parser.add_argument("--corpus", type=Path, help="a directory of more files to damage")
    parser.add_argument("--found", type=Path, default=Path(".hypothesis/fuzz"), help="where what breaks is kept")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    arguments.found.mkdir(parents=True, exist_ok=True)
    corpus = _collect(arguments.corpus, arguments.seed)
    sys.exit(_run(corpus, Random(arguments.seed), arguments.minutes, arguments.found))


def _collect(directory: Path | None, number: int) -> list[Sample]:
    folders = [_GOLDEN, *([directory] if directory else [])]
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())
    corpus = [Sample(file.read_bytes()[:MAX_BYTES], "web.yaml") for file in files]
    corpus += [Sample(data, "web.yaml") for data in make_dense().values()]

    @seed(number)
    @settings(
        max_examples=_GENERATED,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(samples())
    def _draw(sample: Sample) -> None:
        corpus.append(sample)

    _draw()
    print(f"{len(files)} files, {len(corpus) - len(files)} generated")
    return corpus


def _run(corpus: Sequence[Sample], random: Random, minutes: float, found: Path) -> int:
    """Return the exit code: 1 if something broke."""
    tally, defects = Tally(), dict[str, Path]()
    others = [sample.data for sample in corpus]
    current = found / "current"
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        sample = random.choice(corpus)
        data = mutate(sample.data, others, random)
        # A call that crashes or hangs ends this program: then this file says at what.
        current.write_bytes(data)
        defect = _find_defect(data, sample.path, tally)
        tally.counts["files"] += 1
        if defect is not None and defect not in defects:
            defects[defect] = found / f"broken-{len(defects) + 1}.yaml"
            defects[defect].write_bytes(_shorten(data, sample.path, defect))
            print(f"BROKEN {defect}\n  in {defects[defect]} (path {sample.path})", flush=True)
    current.unlink()
    _report(tally)
    return 1 if defects else 0


def _find_defect(data: bytes, path: str, tally: Tally) -> str | None:
    """Say what breaks, in the same words for the same defect."""
    try:
        # The same file is edited in the same way, also while it is made shorter.
        check(data, path, Random(len(data)), tally)
    except Broken as error:
        return str(error).partition(":")[0] if str(error).startswith("an accepted") else str(error)
    except Exception as error:  # noqa: BLE001 - any other exception is what this program looks for
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        place = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}" if traceback else "nowhere"
        return f"{type(error).__name__} at {place}"
    return None


def _shorten(data: bytes, path: str, defect: str) -> bytes:
    """Leave out what the defect does not need, in smaller and smaller pieces, for some seconds."""
    end, size = time.monotonic() + _SHORTENS_S, len(data) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(data) and time.monotonic() < end:
            shorter = data[:at] + data[at + size :]
            if _find_defect(shorter, path, Tally()) == defect:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def _report(tally: Tally) -> None:
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9} {name}")
    for name, (spent, size_bytes) in tally.slowest.items():
        print(f"slowest {name}: {spent * 1000:.0f} ms of processor time for {size_bytes} bytes")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
