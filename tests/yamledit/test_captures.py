import pytest

from imagebot.errors import InvalidInput
from imagebot.yamledit.captures import (
    InvalidFilePattern,
    InvalidImageTemplate,
    parse_file_pattern,
    parse_image_template,
)


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        pytest.param("a/b.yaml", "a/b.yaml", {}, id="a path"),
        pytest.param("/a/b.yaml", "a/b.yaml", {}, id="a path with a slash before it"),
        pytest.param("b.yaml", "a/b.yaml", None, id="bound to the root"),
        pytest.param("a", "a/b.yaml", None, id="a folder is not its files"),
        pytest.param("a/*.yaml", "a/b.yaml", {}, id="a star"),
        pytest.param("a/*.yaml", "a/.yaml", {}, id="a star is nothing too"),
        pytest.param("a/*", "a/b/c", None, id="a star stays in a segment"),
        pytest.param("a/?.yaml", "a/ü.yaml", {}, id="a question mark is any character"),
        pytest.param("a?b", "a/b", None, id="a question mark is no slash"),
        pytest.param("**/b", "b", {}, id="no folders"),
        pytest.param("**/b", "x/y/b", {}, id="folders"),
        pytest.param("a/**/b", "a/b", {}, id="no folders between"),
        pytest.param("a/**/b", "a/x/y/b", {}, id="folders between"),
        pytest.param("a/**", "a/x/y", {}, id="all in a folder"),
        pytest.param("a/**", "a", None, id="all in a folder is not the folder"),
        pytest.param("**", "a/b", {}, id="all files"),
        pytest.param("a.b+c(d)|e^$", "a.b+c(d)|e^$", {}, id="what has no meaning stands for itself"),
        pytest.param("a.b", "aXb", None, id="a dot is a dot"),
        pytest.param("tags/{app}", "tags/api", {"app": "api"}, id="a segment"),
        pytest.param("tags/{app}", "tags/a/b", None, id="not two segments"),
        pytest.param("tags/{app}", "tags/", None, id="not nothing"),
        pytest.param("{app}-prod.yaml", "web-api-prod.yaml", {"app": "web-api"}, id="a part of a segment"),
        pytest.param("v-{app}-prod", "v--prod", None, id="not nothing of a segment"),
        pytest.param("{env}/x/{app}.yaml", "prod/x/a.b.yaml", {"env": "prod", "app": "a.b"}, id="two segments"),
        pytest.param("{app}-{env}", "a-b-c", {"app": "a-b", "env": "c"}, id="the first takes as much as it can"),
        pytest.param("**/{app}/*.yaml", "x/y/api/z.yaml", {"app": "api"}, id="after folders"),
        pytest.param("{app}", "漢字 🐳\n", {"app": "漢字 🐳\n"}, id="any characters"),
        pytest.param("{app}.yaml", "\udcff.yaml", {"app": "?"}, id="a byte that is no UTF-8 is a question mark"),
    ],
)
def test_a_pattern_matches_paths_and_captures_parts(pattern, path, captures):
    assert parse_file_pattern(pattern).match(path) == captures


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "it is blank", id="nothing"),
        pytest.param(" ", "it is blank", id="a blank"),
        pytest.param("/", "it is blank", id="a slash"),
        pytest.param("!a", "! takes no files out here", id="an exclamation mark"),
        pytest.param("a/", "a slash ends it", id="a folder"),
        pytest.param("a//b", "no path has the segment ''", id="an empty segment"),
        pytest.param("./a", "no path has the segment '.'", id="a dot"),
        pytest.param("a/../b", "no path has the segment '..'", id="two dots"),
        pytest.param("a/b**", "** stands beside other characters", id="two stars beside characters"),
        pytest.param("a[bc]", "'[' stands there", id="brackets"),
        pytest.param("a\\*", "'\\\\' stands there", id="a backslash"),
        pytest.param("a{b", "'{' stands there", id="an open brace"),
        pytest.param("a}b", "'}' stands there", id="a brace that was not open"),
        pytest.param("a/{}", "'{' stands there", id="a capture without a name"),
        pytest.param("{a-b}", "'{' stands there", id="a capture with an odd name"),
        pytest.param("{a,b}", "'{' stands there", id="alternatives"),
        pytest.param("{a/b}", "'{' stands there", id="a slash in a capture"),
        pytest.param("{" + 33 * "a" + "}", "'{' stands there", id="a capture with a long name"),
        pytest.param("{a}{b}", "between two captures there is nothing", id="captures side by side"),
        pytest.param("{a}/{a}", "it has the capture {a} more than once", id="a capture twice"),
        pytest.param("a\ud800", "'\\ud800' stands there", id="half a character"),
        pytest.param(513 * "a", "it has 513 characters", id="too long"),
    ],
)
def test_what_is_no_pattern_is_refused(text, reason):
    with pytest.raises(InvalidFilePattern) as raised:
        parse_file_pattern(text)

    assert isinstance(raised.value, InvalidInput)
    assert raised.value.reason.startswith(reason)
    str(raised.value).encode()


def test_the_longest_patterns_are_matched_in_no_time():
    for pattern in ("*a" * 256, "?" * 512, "**/" * 170 + "a", "{a}" + "*/?" * 169):
        assert parse_file_pattern(pattern).match("a/" * 2000) is None


def test_a_template_is_filled_with_what_was_captured():
    template = parse_image_template("ghcr.io/{team}/{app}-{team}")

    assert template.names == {"team", "app"}
    assert template.fill({"team": "acme", "app": "api", "env": "prod"}) == "ghcr.io/acme/api-acme"
    assert template.fill({"team": "{app}", "app": "api"}) == "ghcr.io/{app}/api-{app}"


@pytest.mark.parametrize("text", ["nginx", "ghcr.io/acme/api", "{app}", "localhost:5000/{app}", "{host}/{a}/b_{c}"])
def test_a_template_is_written_like_a_repository(text):
    assert str(parse_image_template(text)) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "its name is empty", id="nothing"),
        pytest.param("{app", "a brace begins or ends no {name}", id="an open brace"),
        pytest.param("{}", "a brace begins or ends no {name}", id="no name"),
        pytest.param("nginx:1.2", "it names a tag or a digest", id="a tag"),
        pytest.param("{app}:{tag}", "it names a tag or a digest", id="a captured tag"),
        pytest.param("{app}@{digest}", "it names a tag or a digest", id="a digest"),
        pytest.param("ghcr.io/Acme/{app}", "its path has upper-case letters", id="an upper-case letter"),
        pytest.param("ghcr.io/acme-/{app}", "its path breaks the grammar", id="no path"),
        pytest.param("ghcr.io/*/{app}", "its path breaks the grammar", id="a star"),
        pytest.param(513 * "a", "it has 513 characters", id="too long"),
    ],
)
def test_what_is_no_template_is_refused(text, reason):
    with pytest.raises(InvalidImageTemplate) as raised:
        parse_image_template(text)

    assert isinstance(raised.value, InvalidInput)
    assert raised.value.reason.startswith(reason)
