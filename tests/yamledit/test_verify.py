import pytest

from imagebot.yamledit.verify import Change, find_difference, read_events, read_events_independently

_OLD = "a: &x !y 1.2 # c\nb: {c: 'd', e: *x}\n"
_CHANGE = {1: Change("1.2", "1.3")}


@pytest.mark.parametrize(
    ("new", "difference"),
    [
        pytest.param("a: &x !y 1.3 # c\nb: {c: 'd', e: *x}\n", None, id="as intended"),
        pytest.param("a: &x !y '1.3'\nb: {c: 'd', e: *x}\n", None, id="quoted, a comment lost"),
        pytest.param(_OLD, "the text becomes '1.2', and was to become '1.3'", id="not changed"),
        pytest.param("a: &x !y 1.4\nb: {c: 'd', e: *x}\n", "the text becomes '1.4', and was to", id="another text"),
        pytest.param("a: &x !y [1.3]\nb: {c: 'd', e: *x}\n", "the text becomes SequenceStart,", id="another kind"),
        pytest.param("a: &z !y 1.3\nb: {c: 'd', e: *x}\n", "its anchor, tag or style", id="another anchor"),
        pytest.param("a: &x !z 1.3\nb: {c: 'd', e: *x}\n", "its anchor, tag or style", id="another tag"),
        pytest.param("a: &x !y |-\n  1.3\nb: {c: 'd', e: *x}\n", "its anchor, tag or style", id="a block"),
        pytest.param("a: &x !y 1.3\nb: {c: 'f', e: *x}\n", "'d', which was not to change, becomes 'f'", id="elsewhere"),
        pytest.param("a: &x !y 1.3\nb: {c: d, e: *x}\n", "'d', which was not to change", id="another style elsewhere"),
        pytest.param("a: &x !y 1.3\nb: {c: 'd', e: *z}\n", "Alias, which was not to change", id="another alias"),
        pytest.param("a: &x !y 1.3\nb:\n  c: 'd'\n  e: *x\n", "MappingStart, which was not to", id="block for flow"),
        pytest.param("--- \na: &x !y 1.3\nb: {c: 'd', e: *x}\n", "DocumentStart, which was", id="a document mark"),
        pytest.param("a: &x !y 1.3\nb: {c: 'd', e: *x}\n---\n", "StreamEnd, which was", id="one more document"),
    ],
)
@pytest.mark.parametrize("read", [read_events, read_events_independently])
def test_difference_of_two_texts(new, difference, read):
    found = find_difference(read(_OLD), read(new), _CHANGE)

    assert found == difference or (difference is not None and str(found).startswith(difference))


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        pytest.param({1: Change("1.1", "1.3")}, "the text reads '1.2', where '1.1' was to be changed", id="other text"),
        pytest.param({9: Change("1.2", "1.3")}, "a scalar to be changed is not there", id="no such scalar"),
    ],
)
def test_changes_that_do_not_fit_the_text(changes, difference):
    assert find_difference(read_events(_OLD), read_events(_OLD), changes) == difference


def test_a_sentence_about_a_long_text_quotes_its_beginning():
    old, new = f"- |\n  {500 * 'x'}\n", f"- |\n  {500 * 'y'}\n"

    difference = find_difference(read_events(old), read_events(new), {0: Change(f"{500 * 'x'}\n", 500 * "z")})

    assert difference == f"the text becomes '{80 * 'y'}', and was to become '{80 * 'z'}'"


def test_a_text_that_ends_early_is_a_difference():
    events = list(read_events(_OLD))

    assert find_difference(events, events[:-1], {}) == "the result has more or fewer nodes"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a:\tb\n", id="a tab after a colon"),
        pytest.param("%YAML 1.3\n---\na\n", id="a version to come"),
        pytest.param('"\\U00110000"\n', id="an escape beyond Unicode"),
        pytest.param("a: \x07\n", id="a control character"),
        pytest.param("[", id="no YAML"),
    ],
)
def test_what_the_independent_parser_cannot_read_has_no_events(text):
    assert read_events_independently(text) is None
