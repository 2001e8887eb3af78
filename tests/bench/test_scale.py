"""The measurement of scale, in miniature, so that it goes on working."""

from contextlib import ExitStack

import pytest

from tests.bench.scale.database import open_database
from tests.bench.scale.run import run
from tests.bench.scale.world import Size

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("replicas", "targets"),
    [pytest.param(1, 5, id="one process on a file"), pytest.param(2, 2, id="two processes on PostgreSQL")],
)
def test_every_target_and_every_repository_is_looked_after(replicas: int, targets: int):
    size = Size(targets=targets, images=10, files=12, tags=10, interval_s=10, replicas=replicas)

    with ExitStack() as stack:
        database = stack.enter_context(open_database()) if replicas > 1 else None
        report = run(size, settled_s=0.0, measured_s=1.0, database=database)

    assert report.failures == 0
    assert report.start.requests["registry"] >= size.repositories
    assert report.start.cpu_s > 0
    assert len(report.memory_bytes) == replicas
    assert report.store_bytes > 0
