"""How a fault reads."""

import pytest

from imagebot.settings.fault import MAX_FAULTS, Fault, FaultyFile, format_path, quote


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param((), "", id="the whole file"),
        pytest.param(("images", 2, "policy", "semver"), "images[2].policy.semver", id="keys and an index"),
        pytest.param(("registries", "ghcr.io", "ca_file"), 'registries["ghcr.io"].ca_file', id="a key with a dot"),
        pytest.param(("a", 'x"\n', "b"), 'a["x\\"\\n"].b', id="a key with signs that need an escape"),
        pytest.param(("a", 100 * "b"), f'a["{60 * "b"}"]', id="a long key is cut"),
    ],
)
def test_a_path_reads_as_one_would_write_it(path, text):
    assert format_path(path) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a b", "'a b'", id="plain"),
        pytest.param("a\n\x1b[31m\u202e", r"'a\n\x1b[31m\u202e'", id="controls and marks of direction are escaped"),
        pytest.param("https://a.b:80", "'https://a.b:80'", id="a host"),
        pytest.param("https://me:pass@a.b/c?d#e", "'https://a.b/…'", id="of a URL scheme and host"),
        pytest.param("https://me:pa/ss@a.b", "'https://…'", id="not a host that may be half a password"),
        pytest.param("https://me:pass", "'https://…'", id="not a port that is none"),
        pytest.param("see https://me:pass@a.b", "'…://…'", id="a URL within a text"),
        pytest.param("ü" * 61, f"'{60 * 'ü'}…'", id="a long text is cut"),
    ],
)
def test_a_text_is_shown_on_one_line(text, shown):
    assert quote(text) == shown


def test_a_fault_reads_as_a_sentence_after_its_place():
    fault = Fault("f.yaml", 3, 7, "images[0].image", "'A'", "a name")

    assert str(fault) == "f.yaml:3:7: images[0].image: found 'A'; accepted is a name"


def test_a_fault_of_the_whole_file_has_no_path():
    assert str(Fault("f.yaml", 1, 1, "", "nothing", "a mapping")) == "f.yaml:1:1: found nothing; accepted is a mapping"


def test_faults_stand_in_the_order_of_their_lines_and_once():
    faults = [Fault("f", line, 1, "", "x", "y") for line in (10, 9, 10)]

    assert [fault.line for fault in FaultyFile(faults).faults] == [9, 10]


def test_a_file_full_of_faults_shows_the_first_hundred():
    error = FaultyFile(Fault("f", line, 1, "", "x", "y") for line in range(1, 1000))

    assert len(error.faults) == MAX_FAULTS
    assert str(error).splitlines()[-1] == "there may be more: the first 100 faults are shown"
