"""Measure one size."""

import argparse
from contextlib import ExitStack
from dataclasses import fields

from tests.bench.scale.database import open_database
from tests.bench.scale.run import run
from tests.bench.scale.table import print_report, print_statements
from tests.bench.scale.world import Size


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    for field in fields(Size):
        name = field.name.removesuffix("_s").replace("_", "-")
        parser.add_argument(f"--{name}", dest=field.name, type=int, default=field.default)
    parser.add_argument("--intervals", type=int, default=1, help="how many of them are measured")
    parser.add_argument("--postgresql", action="store_true", help="the store is on a PostgreSQL of its own")
    given = parser.parse_args()
    size = Size(**{field.name: getattr(given, field.name) for field in fields(Size)})
    with ExitStack() as stack:
        database = stack.enter_context(open_database()) if given.postgresql else None
        measured_s = given.intervals * size.interval_s
        print_report(run(size, settled_s=size.interval_s, measured_s=measured_s, database=database))
        if database is not None:
            print_statements(database)


if __name__ == "__main__":
    main()
