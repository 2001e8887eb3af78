"""Which entry governs an occurrence."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.image.reference import Repository, parse_repository
from imagebot.policy.entry import (
    Entry,
    InvalidFileGlob,
    InvalidImagePattern,
    find_entry,
    parse_file_globs,
    parse_image_pattern,
)
from imagebot.policy.policies import Level, SemverLevel
from imagebot.policy.reading import Rules


def an_entry(image: str, *, name: str | None = None, files: tuple[str, ...] | None = None, position: int = 1) -> Entry:
    globs = None if files is None else parse_file_globs(files)
    return Entry(name, parse_image_pattern(image), globs, Rules(SemverLevel(Level.MINOR)), position)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        pytest.param("nginx", "nginx docker.io/library/nginx", "nginx2 acme/nginx ghcr.io/nginx", id="a familiar name"),
        pytest.param("docker.io/library/nginx", "nginx", "acme/nginx", id="a full name"),
        pytest.param("index.docker.io/nginx", "nginx", "acme/nginx", id="the old name of Docker Hub"),
        pytest.param("ghcr.io/acme/api", "ghcr.io/acme/api", "acme/api ghcr.io/acme/api/v2", id="another registry"),
        pytest.param("nginx*", "nginx nginx-ingress", "acme/nginx ghcr.io/nginx", id="a glob of official images"),
        pytest.param("docker.io/*", "nginx", "acme/nginx", id="one part on Docker Hub is an official image"),
        pytest.param("grafana/*", "grafana/grafana", "grafana/a/b ghcr.io/grafana/grafana nginx", id="a star"),
        pytest.param("ghcr.io/acme/*-api", "ghcr.io/acme/my-api", "ghcr.io/acme/my-api-v2", id="a star inside a part"),
        pytest.param("ghcr.io/*/api", "ghcr.io/acme/api", "ghcr.io/api ghcr.io/a/b/api", id="a star for one part"),
        pytest.param("acme/app?", "acme/app1", "acme/app acme/app12 ghcr.io/acme/app1", id="a question mark"),
        pytest.param("acme?app", "acme.app", "acme/app", id="a question mark is no slash"),
        pytest.param("*/api", "acme/api", "ghcr.io/api ghcr.io/acme/api", id="a star is no registry"),
        pytest.param("*.example.com/api", "eu.example.com/api", "example.com/api", id="a star in a registry"),
        pytest.param("localhost:*/api", "localhost:5000/api", "localhost/api", id="a star for a port"),
        pytest.param("[::1]:5000/*", "[::1]:5000/api", "[::1]/api", id="an IPv6 registry"),
        pytest.param("Acme/*", "Acme/api", "acme/api", id="upper case makes a registry"),
        pytest.param("ghcr.io/**", "ghcr.io/api ghcr.io/a/b/c", "api ghcr.io.evil/api", id="all of a registry"),
        pytest.param("docker.io/**", "nginx acme/api", "ghcr.io/api", id="all of Docker Hub"),
        pytest.param("library/**", "nginx", "acme/api", id="all official images"),
        pytest.param("ghcr.io/**/api", "ghcr.io/api ghcr.io/a/b/api", "ghcr.io/a/b/my-api", id="any parts, or none"),
        pytest.param("ghcr.io/acme/**", "ghcr.io/acme/a/b", "ghcr.io/acme", id="at the end one part at least"),
        pytest.param("**/api", "api acme/api ghcr.io/a/b/api", "my-api ghcr.io/api/v2", id="any registry"),
        pytest.param("**/acme/**", "acme/api ghcr.io/acme/a/b", "ghcr.io/api", id="any registry and any end"),
        pytest.param("*", "nginx acme/api ghcr.io/a/b/c localhost:5000/api", "", id="a star alone is everything"),
        pytest.param("**", "nginx acme/api ghcr.io/a/b/c localhost:5000/api", "", id="two stars alone are everything"),
        pytest.param("a.b/c", "a.b/c", "axb/c", id="a dot is a dot"),
    ],
)
def test_which_repositories_a_pattern_matches(pattern, matching, others):
    parsed = parse_image_pattern(pattern)

    names = f"{matching} {others}".split()
    assert [name for name in names if parsed.matches(parse_repository(name))] == matching.split()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "its name is empty", id="nothing"),
        pytest.param("nginx:1.25", "it names a tag or a digest", id="a tag"),
        pytest.param("ghcr.io/acme/*:*", "it names a tag or a digest", id="a glob with a tag"),
        pytest.param("nginx@sha256:*", "it names a tag or a digest", id="a digest"),
        pytest.param("localhost:5000", "it names a tag or a digest", id="a registry only"),
        pytest.param("ghcr.io/Acme/*", "its path has upper-case letters", id="upper case"),
        pytest.param("acme//api", "its path breaks the grammar", id="an empty part"),
        pytest.param("acme/", "its path breaks the grammar", id="a slash at the end"),
        pytest.param("[ab]*", "its path breaks the grammar", id="a bracket"),
        pytest.param("acme/api ", "its path breaks the grammar", id="a blank"),
        pytest.param("acme/**api", "** stands beside other characters", id="two stars inside a part"),
        pytest.param("acme/***", "** stands beside other characters", id="three stars"),
        pytest.param("https://ghcr.io/acme", "no registry host", id="a URL"),
        pytest.param("0a" * 32, "64 hexadecimal digits are an image id", id="an image id"),
        pytest.param("a/" * 300, "it has 600 characters, the most is 512", id="too long"),
    ],
)
def test_what_is_no_image_pattern(text, reason):
    with pytest.raises(InvalidImagePattern) as caught:
        parse_image_pattern(text)

    assert reason in caught.value.reason
    assert "is no image pattern: " in str(caught.value)
    assert "accepted is a repository" in str(caught.value)


def test_an_image_pattern_is_written_as_it_was():
    assert str(parse_image_pattern("index.docker.io/nginx*")) == "index.docker.io/nginx*"


def test_a_pattern_of_many_stars_costs_no_more_than_its_length():
    pattern = parse_image_pattern("ghcr.io/" + "*a" * 120 + "b")

    assert not pattern.matches(Repository("ghcr.io", "a" * 255))


@pytest.mark.parametrize(
    ("patterns", "matching", "others"),
    [
        pytest.param(["clusters/prod/**"], "clusters/prod/a/b.yaml", "clusters/dev/a.yaml", id="all below a directory"),
        pytest.param(["clusters/prod"], "clusters/prod/a.yaml", "x/clusters/prod/a.yaml", id="a directory"),
        pytest.param(["*.yaml"], "a.yaml x/y/b.yaml", "a.yml", id="a name anywhere"),
        pytest.param(["/*.yaml"], "a.yaml", "x/b.yaml", id="a name at the root"),
        pytest.param(["apps/*/values.yaml"], "apps/a/values.yaml", "apps/a/b/values.yaml", id="one part"),
        pytest.param(["apps/**/values.yaml"], "apps/values.yaml apps/a/b/values.yaml", "values.yaml", id="any parts"),
        pytest.param(["*.yaml", "!test/**"], "a.yaml", "test/a.yaml", id="left out again"),
        pytest.param(
            ["*.yaml", "!test/**", "test/a.yaml"], "test/a.yaml", "test/b.yaml", id="the last pattern decides"
        ),
        pytest.param(["env-[a-c0].yaml"], "env-b.yaml env-0.yaml", "env-d.yaml", id="a bracket"),
        pytest.param(["env-[!a-c].yaml"], "env-d.yaml", "env-b.yaml", id="a bracket turned round"),
        pytest.param([r"\!a\[b"], "!a[b", "a[b", id="escaped characters"),
        pytest.param(["é?.yaml"], "éé.yaml", "é.yaml", id="characters, not bytes"),
        pytest.param(["*.yaml"], "\udcff.yaml", "\udcff.yml", id="a path that is no UTF-8"),
        pytest.param([], "", "a.yaml", id="no patterns"),
    ],
)
def test_which_files_patterns_match(patterns, matching, others):
    globs = parse_file_globs(patterns)

    assert [path for path in f"{matching} {others}".split() if globs.matches(path)] == matching.split()


def test_line_breaks_in_a_path_are_matched_as_other_characters_are():
    globs = parse_file_globs(["**/*.yaml"])

    assert globs.matches("a\nb/c\nd.yaml")
    assert not globs.matches("a\nb/c\nd.yml")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        pytest.param("", "it is blank", id="nothing"),
        pytest.param("  ", "it is blank", id="blanks"),
        pytest.param("# all", "a comment or a slash", id="a comment"),
        pytest.param("/", "a comment or a slash", id="a slash"),
        pytest.param("!", "nothing is left to match", id="an exclamation mark"),
        pytest.param("a\\", "a backslash ends it", id="a backslash at the end"),
        pytest.param("a[b", "a bracket is open", id="an open bracket"),
        pytest.param("[[:alpha:]]", "holds more than letters", id="a class in a bracket"),
        pytest.param("[a--b]", "holds more than letters", id="what Python may read as a difference some day"),
        pytest.param("[z-a]", "a range runs backwards", id="a range that runs backwards"),
        pytest.param("\ud800", "holds more than letters", id="half a character"),
        pytest.param("a" * 4097, "more than 4096 characters", id="too long"),
    ],
)
def test_what_is_no_file_pattern(pattern, reason):
    with pytest.raises(InvalidFileGlob) as caught:
        parse_file_globs(["*.yaml", pattern])

    assert reason in caught.value.reason
    assert "is no file pattern: " in str(caught.value)


def test_there_are_at_most_a_hundred_file_patterns():
    with pytest.raises(InvalidFileGlob, match="'z' is no file pattern: it is one too many, the most is 100"):
        parse_file_globs([*["a"] * 100, "z"])


def test_the_largest_file_patterns_still_compile():
    globs = parse_file_globs(["[!a]" * 10] * 90 + ["?" * 496])

    assert globs.matches("b" * 10)
    assert not globs.matches("a" * 10)


def test_the_first_entry_that_matches_governs():
    entries = [
        an_entry("ghcr.io/acme/api", files=("clusters/prod/**",), position=1),
        an_entry("ghcr.io/acme/*", position=2),
        an_entry("*", position=3),
    ]
    api, web = Repository("ghcr.io", "acme/api"), Repository("ghcr.io", "acme/web")

    assert find_entry(entries, api, path="clusters/prod/api.yaml") is entries[0]
    assert find_entry(entries, api, path="clusters/dev/api.yaml") is entries[1]
    assert find_entry(entries, web, path="clusters/prod/web.yaml") is entries[1]
    assert find_entry(entries, parse_repository("nginx"), path="a.yaml") is entries[2]


def test_an_image_without_an_entry_is_not_governed():
    assert find_entry([an_entry("grafana/*")], parse_repository("nginx"), path="a.yaml") is None


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        pytest.param(an_entry("ghcr.io/acme/*", name="backend"), "backend", id="its name"),
        pytest.param(an_entry("ghcr.io/acme/*"), "ghcr.io/acme/*", id="its pattern"),
    ],
)
def test_what_an_entry_is_called(entry, label):
    assert entry.label == label


@given(st.text("ab.:/*?@A[]", max_size=12) | st.text())
def test_whatever_the_text_an_image_pattern_is_parsed_or_refused(text):
    with contextlib.suppress(InvalidImagePattern):
        assert parse_image_pattern(text).text == text


@given(st.lists(st.text("ab.*?/!#[]-\\ ^", max_size=8) | st.text(max_size=8), max_size=3), st.text())
def test_whatever_the_texts_file_patterns_are_parsed_or_refused(patterns, path):
    with contextlib.suppress(InvalidFileGlob):
        assert parse_file_globs(patterns).matches(path) in (True, False)
