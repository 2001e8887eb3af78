"""To locate what the worst of files name takes no longer than the fuzz program lets it."""

import pytest

from imagebot.yamledit.locate import locate
from tests.fuzz.checks import LOCATE_S
from tests.fuzz.dense import make_dense
from tests.fuzz.pace import is_slow
from tests.yamledit.documents import BINDINGS

DENSE = make_dense()


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in DENSE.items()])
def test_a_file_that_is_nothing_but_one_thing_is_located_in_time(data):
    assert not is_slow(lambda: locate(data, path="web.yaml", bindings=BINDINGS), LOCATE_S)
