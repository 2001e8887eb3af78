"""What stands nearest to a file is in the smallest folder that holds both."""

import pytest

from imagebot.proposal.nearest import Nearest


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("clusters/a/x.yaml", ("a",), id="the same folder"),
        pytest.param("clusters/a/deep/x.yaml", ("a",), id="a folder above"),
        pytest.param("clusters/b/x.yaml", ("b",), id="a folder below"),
        pytest.param("clusters/c/x.yaml", ("a", "b"), id="two that are as near"),
        pytest.param("x.yaml", ("a", "b"), id="at the root"),
    ],
)
def test_what_is_nearest(path, found):
    nearest: Nearest[str, str] = Nearest()
    nearest.add("k", "clusters/a/p.yaml", "a")
    nearest.add("k", "clusters/b/deep/p.yaml", "b")

    assert nearest.find("k", path) == found
    assert nearest.find("other", path) == ()


def test_what_is_equal_is_one():
    nearest: Nearest[str, str] = Nearest()
    for name in ("a", "b"):
        nearest.add("k", f"{name}/p.yaml", "same")

    assert nearest.find("k", "x.yaml") == ("same",)


def test_a_path_may_be_very_deep():
    nearest: Nearest[str, str] = Nearest()
    deep = "/".join(["d"] * 2000)
    for number in range(1000):
        nearest.add("k", f"{deep}/{number}.yaml", f"{number}")

    assert nearest.find("k", f"{deep}/x.yaml") == ("0", "1")
