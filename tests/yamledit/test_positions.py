import pytest

from imagebot.yamledit.positions import make_positions


@pytest.mark.parametrize(
    ("text", "line_and_column"),
    [
        pytest.param("X", (1, 1), id="the first character is column 1 of line 1"),
        pytest.param("a\nbX", (2, 2), id="LF ends a line"),
        pytest.param("a\r\nbX", (2, 2), id="CRLF ends one line"),
        pytest.param("a\rbX", (2, 2), id="a lone CR ends a line"),
        pytest.param("a\r\r\n\nX", (4, 1), id="line ends of three kinds"),
        pytest.param("\ufeffX", (1, 1), id="a byte order mark is no column"),
        pytest.param("\ufeffa\nX", (2, 1), id="a byte order mark does not shift other lines"),
        pytest.param("ü漢🐳X", (1, 4), id="columns count characters, not bytes"),
        pytest.param("🐳\nü X", (2, 3), id="wide characters before and on the line"),
        pytest.param("a\x85b\u2028c\u2029X", (1, 7), id="line ends that only YAML 1.1 knows end no line"),
    ],
)
def test_line_and_column_of_a_mark(text, line_and_column):
    data = text.encode()

    positions = make_positions(text, data)

    assert positions.to_line_and_column(data.index(b"X")) == line_and_column


@pytest.mark.parametrize("text", ["abc", "ü", "\ufeffa🐳b", "漢\r\n字 ü"])
def test_every_character_is_found_at_its_byte(text):
    positions = make_positions(text, text.encode())

    offsets = [positions.to_byte(char) for char in range(len(text) + 1)]

    assert offsets == [len(text[:char].encode()) for char in range(len(text) + 1)]


@pytest.mark.parametrize(
    ("data", "starts"),
    [
        pytest.param(b"", [0], id="nothing"),
        pytest.param(b"a", [0], id="no line end"),
        pytest.param(b"a\nb", [0, 2], id="no line end at the end"),
        pytest.param(b"a\n\r\nb\rc\r\r\n", [0, 2, 4, 6, 8, 10], id="line ends of three kinds"),
        pytest.param("\ufeffa\nb".encode(), [3, 5], id="byte order mark"),
        pytest.param("a\v\f\x1c\x85\u2028b\n".encode(), [0, 11], id="what is a line end to others"),
    ],
)
def test_lines_start_behind_line_ends(data, starts):
    assert list(make_positions(data.decode(), data).line_starts) == starts
