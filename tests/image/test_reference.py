"""The grammar and the normal form of references are those of distribution/reference."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebot.image.reference import (
    InvalidReference,
    Reference,
    Repository,
    is_tag,
    keep_tags,
    parse_digest,
    parse_reference,
    parse_repository,
    parse_tag,
)

HEX = "0123456789abcdef" * 4

_alphanumeric = st.text("ab09", min_size=1, max_size=4)
_components = st.builds(
    lambda first, rest: first + "".join(separator + part for separator, part in rest),
    _alphanumeric,
    st.lists(st.tuples(st.sampled_from([".", "_", "__", "-", "---"]), _alphanumeric), max_size=2),
) | st.sampled_from(["library", "localhost", "docker.io", "index.docker.io", HEX])
_labels = st.from_regex(r"\A[a-zA-Z0-9]([a-zA-Z0-9-]{0,3}[a-zA-Z0-9])?\Z")
_hosts = st.builds(
    lambda host, port: host + port,
    st.lists(_labels, min_size=2, max_size=3).map(".".join)
    | st.sampled_from(["localhost", "[::1]", "127.0.0.1", "docker.io", "index.docker.io", "REGISTRY"]),
    st.sampled_from(["", ":0", ":5000"]),
)


def _stands_for_a_repository(name: str) -> bool:
    first, slash, _ = name.partition("/")
    # A dot makes the first component a host, in which no underscore may be.
    return name != HEX and not (slash and "." in first and "_" in first)


_names = st.builds(
    lambda host, path: "/".join([*host, *path]),
    st.lists(_hosts, max_size=1),
    st.lists(_components, min_size=1, max_size=3),
).filter(_stands_for_a_repository)
_tags = st.from_regex(r"\A[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}\Z")
_digests = st.sampled_from([f"sha256:{HEX}", f"sha384:{HEX}{HEX[:32]}", f"sha512:{HEX}{HEX}"])
references = st.builds(
    lambda name, tag, digest: name + "".join(f":{t}" for t in tag) + "".join(f"@{d}" for d in digest),
    _names,
    st.lists(_tags, max_size=1),
    st.lists(_digests, max_size=1),
)


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        pytest.param("nginx", "docker.io", "library/nginx", None, None, id="no tag is not latest"),
        pytest.param("nginx:1.25", "docker.io", "library/nginx", "1.25", None, id="an official image"),
        pytest.param(
            "docker.io/nginx", "docker.io", "library/nginx", None, None, id="library is added beside the host"
        ),
        pytest.param(
            "index.docker.io/nginx", "docker.io", "library/nginx", None, None, id="the old name of Docker Hub"
        ),
        pytest.param("library/nginx", "docker.io", "library/nginx", None, None, id="library is not doubled"),
        pytest.param("grafana/grafana", "docker.io", "grafana/grafana", None, None, id="a namespace is no host"),
        pytest.param("ghcr.io/api", "ghcr.io", "api", None, None, id="library is for Docker Hub only"),
        pytest.param("a/b/c/d:e", "docker.io", "a/b/c/d", "e", None, id="a path of many components"),
        pytest.param("localhost/api", "localhost", "api", None, None, id="localhost is a host"),
        pytest.param("localhost", "docker.io", "library/localhost", None, None, id="no slash, so no host"),
        pytest.param("ghcr.io", "docker.io", "library/ghcr.io", None, None, id="no slash, so no host, dot or not"),
        pytest.param("localhost:5000", "docker.io", "library/localhost", "5000", None, id="no slash, so no port"),
        pytest.param("localhost:5000/api", "localhost:5000", "api", None, None, id="a port is not a tag"),
        pytest.param("acme:80/api:80", "acme:80", "api", "80", None, id="a port makes a host"),
        pytest.param("Acme/api", "Acme", "api", None, None, id="upper case makes a host"),
        pytest.param("Docker.io/api", "docker.io", "library/api", None, None, id="a host has no case"),
        pytest.param("LOCALHOST:5000/api", "localhost:5000", "api", None, None, id="nor has localhost with a port"),
        pytest.param("[::1]:5000/api:1", "[::1]:5000", "api", "1", None, id="an IPv6 host with a port"),
        pytest.param("[2001:db8::1]/api", "[2001:db8::1]", "api", None, None, id="an IPv6 host"),
        pytest.param("10.0.0.1/api", "10.0.0.1", "api", None, None, id="an IPv4 host"),
        pytest.param("x.io/a--b/c__d/e.f", "x.io", "a--b/c__d/e.f", None, None, id="separators in components"),
        pytest.param(
            f"api:1.4@sha256:{HEX}", "docker.io", "library/api", "1.4", f"sha256:{HEX}", id="a tag beside a digest"
        ),
        pytest.param(f"x.io/api@sha512:{HEX}{HEX}", "x.io", "api", None, f"sha512:{HEX}{HEX}", id="a sha512 digest"),
        pytest.param(f"{HEX}:1", "docker.io", f"library/{HEX}", "1", None, id="64 hex digits with a tag are a name"),
        pytest.param(f"library/{HEX}", "docker.io", f"library/{HEX}", None, None, id="64 hex digits in a path"),
        pytest.param(f"x.io/{'a' * 255}", "x.io", "a" * 255, None, None, id="255 characters without the host"),
        pytest.param("a" * 247, "docker.io", f"library/{'a' * 247}", None, None, id="255 characters with library"),
    ],
)
def test_what_a_reference_stands_for(text, registry, path, tag, digest):
    assert parse_reference(text) == Reference(
        text.split("@")[0].removesuffix(f":{tag}"), Repository(registry, path), tag, digest
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "its name is empty", id="nothing"),
        pytest.param(f"@sha256:{HEX}", "its name is empty", id="a digest only"),
        pytest.param(":1.25", "its name is empty", id="a tag only"),
        pytest.param(HEX, "64 hexadecimal digits are an image id", id="an image id"),
        pytest.param("Nginx", "its path has upper-case letters", id="upper case in the path"),
        pytest.param("ghcr.io/Acme/api", "its path has upper-case letters", id="upper case after the host"),
        pytest.param("nginx:", "a tag has", id="an empty tag"),
        pytest.param("nginx:.1", "a tag has", id="a tag that begins with a dot"),
        pytest.param(f"nginx:{'a' * 129}", "a tag has", id="a tag of 129 characters"),
        pytest.param("nginx:1\n", "a tag has", id="a newline after the tag"),
        pytest.param("nginx:é", "a tag has", id="a letter beyond ASCII in a tag"),
        pytest.param("nginx\n", "its path breaks the grammar", id="a newline after the name"),
        pytest.param(" nginx", "its path breaks the grammar", id="a blank"),
        pytest.param("a//b", "its path breaks the grammar", id="an empty component"),
        pytest.param("a/b/", "its path breaks the grammar", id="a slash at the end"),
        pytest.param("a___b", "its path breaks the grammar", id="three underscores"),
        pytest.param("a..b", "its path breaks the grammar", id="two dots"),
        pytest.param("a-", "its path breaks the grammar", id="a separator at the end"),
        pytest.param("x.io/" + "a" * 256, "256 characters, the most is 255", id="a path of 256 characters"),
        pytest.param("a" * 248, "256 characters, the most is 255", id="256 characters with library"),
        pytest.param("https://ghcr.io/api", "no registry host", id="a URL"),
        pytest.param("-x.io/api", "no registry host", id="a host that begins with a hyphen"),
        pytest.param("foo_bar.io/api", "no registry host", id="an underscore in a host"),
        pytest.param("x.io:port/api", "no registry host", id="a port that is no number"),
        pytest.param("[fe80::1%eth0]/api", "no registry host", id="an IPv6 zone"),
        pytest.param("::1/api", "no registry host", id="IPv6 without brackets"),
        pytest.param("nginx@", "a digest begins with", id="an empty digest"),
        pytest.param(f"nginx@md5:{HEX[:32]}", "a digest begins with", id="an algorithm nobody registered"),
        pytest.param(f"nginx@SHA256:{HEX}", "a digest begins with", id="an algorithm in upper case"),
        pytest.param(f"nginx@sha256:{HEX[1:]}", "64 lower-case hexadecimal digits", id="a digest too short"),
        pytest.param(f"nginx@sha512:{HEX}", "128 lower-case hexadecimal digits", id="a sha512 digest too short"),
        pytest.param(f"nginx@sha256:{HEX.upper()}", "64 lower-case hexadecimal digits", id="a digest in upper case"),
        pytest.param(f"nginx@sha256:{HEX}\n", "64 lower-case hexadecimal digits", id="a newline after the digest"),
        pytest.param(f"nginx@sha256:{HEX}:1", "64 lower-case hexadecimal digits", id="a tag after the digest"),
        pytest.param(f"nginx@sha256:{HEX}@sha256:{HEX}", "64 lower-case hexadecimal digits", id="two digests"),
    ],
)
def test_what_is_no_reference(text, reason):
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)

    assert reason in caught.value.reason
    assert "accepted is [HOST[:PORT]/]PATH[:TAG][@DIGEST]" in str(caught.value)


@pytest.mark.parametrize(
    ("repository", "familiar"),
    [
        pytest.param(Repository("docker.io", "library/nginx"), "nginx", id="an official image"),
        pytest.param(Repository("docker.io", "grafana/grafana"), "grafana/grafana", id="a namespace"),
        pytest.param(Repository("docker.io", "library/a/b"), "library/a/b", id="library with more than one component"),
        pytest.param(Repository("ghcr.io", "library/api"), "ghcr.io/library/api", id="another registry"),
        pytest.param(Repository("docker.io", "library/localhost"), "localhost", id="a host's name without a slash"),
        pytest.param(
            Repository("docker.io", "localhost/api"), "docker.io/localhost/api", id="it would be on localhost"
        ),
        pytest.param(Repository("docker.io", "a.b/api"), "docker.io/a.b/api", id="it would be on another registry"),
        pytest.param(
            Repository("docker.io", f"library/{HEX}"), f"docker.io/library/{HEX}", id="it would be an image id"
        ),
    ],
)
def test_the_familiar_form_is_the_shortest_that_is_not_something_else(repository, familiar):
    assert repository.familiar == familiar


def test_a_name_with_a_tag_is_no_repository():
    with pytest.raises(InvalidReference):
        parse_repository("nginx:1.25")


def test_an_image_id_is_no_repository():
    with pytest.raises(InvalidReference, match="image id"):
        parse_repository(HEX)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        pytest.param("_", True, id="an underscore first"),
        pytest.param("A.b-c_d", True, id="all separators"),
        pytest.param("a" * 128, True, id="128 characters"),
        pytest.param("a" * 129, False, id="129 characters"),
        pytest.param("", False, id="nothing"),
        pytest.param("-a", False, id="a hyphen first"),
        pytest.param("a+b", False, id="build metadata"),
    ],
)
def test_what_is_a_tag(text, accepted):
    assert is_tag(text) is accepted


def test_parts_are_returned_as_they_were():
    assert parse_tag("1.25") == "1.25"
    assert parse_digest(f"sha256:{HEX}") == f"sha256:{HEX}"


@given(references)
def test_parsing_and_writing_are_inverse(text):
    assert str(parse_reference(text)) == text


@given(references)
def test_the_familiar_form_parses_to_the_same_repository(text):
    repository = parse_reference(text).repository

    assert parse_repository(repository.familiar) == repository
    assert parse_repository(str(repository)) == repository


@given(st.text("aB0./:@_-[]\n é", max_size=20) | st.text())
def test_whatever_the_text_it_is_written_back_or_refused(text):
    with contextlib.suppress(InvalidReference):
        assert str(parse_reference(text)) == text


_TEXTS = st.text(st.sampled_from("aZ0_.-\n \x00é\ud800"), max_size=4) | st.sampled_from(
    [127 * "a", 128 * "a", 129 * "a"]
)


@given(st.lists(_TEXTS, max_size=5))
@example([])
@example([""])
@example(["a", ".b"])
@example(["a\nb"])
@example(["a\n", "b"])
def test_the_tags_kept_of_a_list_are_those_that_are_tags_each_for_itself(texts):
    assert list(keep_tags(texts)) == [text for text in texts if is_tag(text)]
