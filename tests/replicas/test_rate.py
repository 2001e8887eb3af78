"""How often a registry is asked holds for all replicas together."""

import time

import pytest

from tests.replicas.conftest import Site

pytestmark = pytest.mark.slow

_PER_SECOND = 20


def test_requests_a_second_are_those_of_all_replicas(site: Site):
    site.settings["registries"][site.registry.address]["requests_per_second"] = _PER_SECOND
    for number in range(4):
        site.add_target(f"fleet-{number}", *(f"acme/api-{number}-{part}" for part in range(3)))
    asked: list[float] = []
    site.registry.fault = lambda _method, _target: asked.append(time.monotonic())
    site.start(parallel_updates=1), site.start(parallel_updates=1)

    site.wait_until(lambda: site.count("target_updated") >= 4)

    asked.sort()
    assert all(len({done.what for done in replica.list_done()}) > 1 for replica in site.replicas)
    # Nothing is sent before its turn; the first may have been on its way for a while when it was logged.
    assert asked[-1] - asked[0] > 0.75 * (len(asked) - 1) / _PER_SECOND
    assert len(asked) > 2 * _PER_SECOND
