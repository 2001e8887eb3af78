"""A secret shows itself to nobody who does not ask for it by name."""

import pickle

import pytest

from imagebot.secret import Secret


@pytest.mark.parametrize("shown", [str, repr, "{}".format, "{:>30}".format, "%s".__mod__, lambda s: f"{[s]}"])
def test_however_it_is_printed_a_secret_is_masked(shown):
    assert "hunter2" not in shown(Secret("hunter2"))


def test_it_is_revealed_to_who_asks():
    assert Secret("hunter2").reveal() == "hunter2"


def test_it_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("hunter2"))


def test_equal_texts_are_equal_secrets():
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
