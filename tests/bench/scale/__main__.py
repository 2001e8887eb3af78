"""Measure one size, or how the cost grows with each part of it."""

import argparse
from contextlib import ExitStack
from dataclasses import fields

from tests.bench.scale.run import run
from tests.bench.scale.table import print_report
from tests.bench.scale.world import Size
from tests.servers.postgres import PostgresServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    for field in fields(Size):
        name = field.name.removesuffix("_s")
        parser.add_argument(f"--{name}", dest=field.name, type=int, default=field.default)
    parser.add_argument("--intervals", type=int, default=1, help="how many of them are measured")
    parser.add_argument("--postgresql", action="store_true", help="the store is on a PostgreSQL of its own")
    given = parser.parse_args()
    size = Size(**{field.name: getattr(given, field.name) for field in fields(Size)})
    with ExitStack() as stack:
        database = server_pid = None
        if given.postgresql:
            server = stack.enter_context(PostgresServer())
            database = stack.enter_context(server.make_database())
            server_pid = server.pid
        print_report(run(size, intervals=given.intervals, database=database, server_pid=server_pid))


if __name__ == "__main__":
    main()
