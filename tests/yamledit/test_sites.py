"""Images at sites: which parts belong together, what is edited there, and what is left alone."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebot.errors import InvalidInput
from imagebot.yamledit.captures import parse_file_pattern, parse_image_template
from imagebot.yamledit.edit import make_edits
from imagebot.yamledit.locate import Bindings, can_name_image, locate
from imagebot.yamledit.occurrence import Holds, Located, Place
from imagebot.yamledit.rewrite import rewrite
from imagebot.yamledit.scan import NotYaml, scan
from imagebot.yamledit.sites import InvalidSite, Site, find_idle_sites, make_site
from imagebot.yamledit.yaml_path import MAX_VISITS, parse_yaml_path
from tests.yamledit.documents import LINE_ENDS, tags

A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"


def _make_site(files: str = "a.yaml", image: str | None = None, **paths: str) -> Site:
    return make_site(
        [parse_file_pattern(text) for text in files.split()],
        None if image is None else parse_image_template(image),
        {part: parse_yaml_path(text) for part, text in paths.items()},
        position=1,
    )


def _locate(text: str, *sites: Site, path: str = "a.yaml") -> Located:
    return locate(text.encode(), path=path, bindings=Bindings(sites=sites))


def _list_found(text: str, *sites: Site, path: str = "a.yaml") -> list[str]:
    located = _locate(text, *sites, path=path)
    assert located.left_alone == ()
    assert {occurrence.place for occurrence in located.occurrences} <= {Place.SITE}
    return [f"{occurrence.line} {occurrence.reference}" for occurrence in located.occurrences]


def _list_left_alone(text: str, *sites: Site) -> list[str]:
    located = _locate(text, *sites)
    assert located.occurrences == ()
    return [f"{left.line} {left.text}: {left.reason}" for left in located.left_alone]


def _set_tag(data: bytes, tag: str, *sites: Site, path: str = "a.yaml", digest: str | None = None) -> bytes:
    located = locate(data, path=path, bindings=Bindings(sites=sites))
    assert located.left_alone == ()
    return rewrite(data, [edit for each in located.occurrences for edit in make_edits(each, tag=tag, digest=digest)])


@pytest.mark.parametrize(
    ("paths", "key", "found", "accepted"),
    [
        pytest.param({}, "", "none of them", "the path of tag, digest or reference", id="no path"),
        pytest.param(
            {"repository": "r"}, "", "none of them", "the path of tag, digest or reference", id="nothing to edit"
        ),
        pytest.param({"tag": "t"}, "", "no name", "image, or the path of the repository", id="no name"),
        pytest.param(
            {"image": "x", "registry": "r", "tag": "t"},
            "registry",
            "a registry alone",
            "a registry beside a repository",
            id="a registry without a repository",
        ),
        pytest.param(
            {"reference": "r", "tag": "t", "digest": "d"},
            "reference",
            "a reference beside tag, digest",
            "a reference alone, for it is all of them",
            id="a reference beside parts",
        ),
        pytest.param(
            {"image": "x/{app}/{env}", "tag": "t"},
            "image",
            "the capture {app}",
            "captures that all files have; files[0] is a.yaml",
            id="a capture that the files have not",
        ),
        pytest.param(
            {"repository": "a", "tag": "a"},
            "repository",
            "a",
            "a path at which, and below which, no other part stands",
            id="two parts at one path",
        ),
        pytest.param(
            {"image": "x", "tag": ".", "digest": "a"},
            "tag",
            ".",
            "a path at which, and below which, no other part stands",
            id="a part below another",
        ),
        pytest.param(
            {"repository": "a[*].r", "tag": "b[*].t"},
            "tag",
            "b[*].t",
            "a path that begins with a[*], as another part's does, to say what belongs together",
            id="parts of different lists",
        ),
        pytest.param(
            {"repository": "a[*].r", "tag": "a[0].t"},
            "tag",
            "a[0].t",
            "a path that begins with a[*], as another part's does, to say what belongs together",
            id="one tag for many repositories",
        ),
        pytest.param(
            {"image": "x", "tag": "a[*].b[*].t", "digest": "a[*].d"},
            "digest",
            "a[*].d",
            "a path that begins with a[*].b[*], as another part's does, to say what belongs together",
            id="one digest for many tags",
        ),
        pytest.param(
            {"repository": "a[*].b[*].r", "registry": "a[*].c[*].h", "tag": "a[*].b[*].t"},
            "registry",
            "a[*].c[*].h",
            "a path that begins with a[*].b[*], as another part's does, to say what belongs together",
            id="lists that part on the way",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(paths, key, found, accepted):
    with pytest.raises(InvalidSite) as raised:
        _make_site(**paths)

    assert isinstance(raised.value, InvalidInput)
    assert (raised.value.key, raised.value.found, raised.value.accepted) == (key, found, accepted)


def test_the_first_pattern_that_matches_captures():
    site = _make_site("x/{app}.yaml */{app}", "acme/{app}", tag="t")

    assert site.match("x/api.yaml") == {"app": "api"}
    assert site.match("x/api") == {"app": "api"}
    assert site.match("api.yaml") is None


_LIST = """\
registry: ghcr.io
containers:
- {name: web, repository: acme/web, tag: "1.0"}
- {name: api, repository: acme/api, tag: "2.0", registry: quay.io}
- {name: off, repository: acme/off}
"""


@pytest.mark.parametrize(
    ("text", "paths", "found"),
    [
        pytest.param(
            "spec:\n  engine: nginx:1.2\n",
            {"reference": "spec.engine"},
            ["2 nginx:1.2"],
            id="a whole reference in an odd field of a custom resource",
        ),
        pytest.param(
            "spec:\n  versions: {proxy: 1.2, agent: v3}\n",
            {"image": "acme/agent", "tag": "spec.versions.agent"},
            ["2 acme/agent:v3"],
            id="a tag of a known image",
        ),
        pytest.param(
            f"spec:\n  sum: {A}\n",
            {"image": "acme/agent", "digest": "spec.sum"},
            [f"2 acme/agent@{A}"],
            id="a digest of a known image",
        ),
        pytest.param(
            f"t: 1.2@{A}\n", {"image": "acme/agent", "tag": "t"}, [f"1 acme/agent:1.2@{A}"], id="a tag with a digest"
        ),
        pytest.param(
            f"from: {{v: 1.2, path: acme/api, sum: {A}, at: ghcr.io}}\n",
            {"registry": "from.at", "repository": "from.path", "tag": "from.v", "digest": "from.sum"},
            [f"1 ghcr.io/acme/api:1.2@{A}"],
            id="all parts, in any order",
        ),
        pytest.param(
            "host: ghcr.io\nimg: {path: acme/api}\nv: {prod: {n: 1.2}}\n",
            {"registry": "host", "repository": "img.path", "tag": "v.prod.n"},
            ["3 ghcr.io/acme/api:1.2"],
            id="parts in several places",
        ),
        pytest.param(
            f"r: acme/api\nt: ''\nd: {A}\n",
            {"repository": "r", "tag": "t", "digest": "d"},
            [f"3 acme/api@{A}"],
            id="an empty tag beside a digest",
        ),
        pytest.param(
            "h: null\nr: acme/api\nt: 1.2\n",
            {"registry": "h", "repository": "r", "tag": "t"},
            ["3 acme/api:1.2"],
            id="no registry",
        ),
        pytest.param("a: {tag: 1}\nb: {tag: 2}\n", {"image": "x", "tag": "[*].tag"}, ["1 x:1", "2 x:2"], id="all"),
        pytest.param(
            _LIST,
            {"repository": "containers[*].repository", "tag": "containers[*].tag"},
            ["3 acme/web:1.0", "4 acme/api:2.0"],
            id="parts pair within an item, and one without a tag is none",
        ),
        pytest.param(
            _LIST,
            {"registry": "registry", "repository": "containers[*].repository", "tag": "containers[*].tag"},
            ["3 ghcr.io/acme/web:1.0", "4 ghcr.io/acme/api:2.0"],
            id="a registry for all",
        ),
        pytest.param(
            _LIST,
            {
                "registry": "containers[*].registry",
                "repository": "containers[*].repository",
                "tag": "containers[*].tag",
            },
            ["3 acme/web:1.0", "4 quay.io/acme/api:2.0"],
            id="a registry that some items have",
        ),
        pytest.param(
            "x:\n- {name: web, v: 1}\n- {name: api, v: 2}\n",
            {"image": "acme/it", "tag": "x[name=api].v"},
            ["3 acme/it:2"],
            id="an item by its name",
        ),
        pytest.param("x: [[1, 2], [3]]\n", {"image": "x", "tag": "x[0][1]"}, ["1 x:2"], id="an item by its index"),
        pytest.param(
            "env:\n- {name: IMAGE, value: acme/api}\n- {name: TAG, value: '1.2'}\n- {name: X, value: y}\n",
            {"repository": "env[name=IMAGE].value", "tag": "env[name=TAG].value"},
            ["3 acme/api:1.2"],
            id="parts that are items of one list",
        ),
        pytest.param(
            "a:\n- r: acme/a\n  b: [{t: 1}, {t: 2}]\n- r: acme/b\n  b: [{t: 3}]\n",
            {"repository": "a[*].r", "tag": "a[*].b[*].t"},
            ["3 acme/a:1", "3 acme/a:2", "5 acme/b:3"],
            id="lists in lists, and a name for all of the inner one",
        ),
        pytest.param(
            "x:\n- {name: a, r: acme/a, t: 1}\n- {name: a, r: acme/b, t: 2}\n",
            {"repository": "x[name=a].r", "tag": "x[name=a].t"},
            ["2 acme/a:1", "3 acme/b:2"],
            id="items of one name",
        ),
        pytest.param(
            "t: 1\nr: acme/a\n---\nr: acme/b\nt: 2\n---\nx: y\n",
            {"repository": "r", "tag": "t"},
            ["1 acme/a:1", "5 acme/b:2"],
            id="several documents",
        ),
        pytest.param("t: 1\nt: 2\n", {"image": "x", "tag": "t"}, ["1 x:1", "2 x:2"], id="a key written twice"),
        pytest.param(
            "a: &a {r: acme/a}\nb: {<<: *a, t: 1}\nc: {i: *a, t: 2}\n",
            {"repository": "b.r", "tag": "b.t"},
            ["2 acme/a:1"],
            id="a name that a merge key brings is only read",
        ),
        pytest.param(
            "a: &a {r: acme/a}\nb:\n- {i: *a, t: 1}\n- {i: *a, t: 2}\n",
            {"repository": "b[*].i.r", "tag": "b[*].t"},
            ["3 acme/a:1", "4 acme/a:2"],
            id="a name behind an alias is only read",
        ),
        pytest.param(
            "a: &a {t: 1}\nb: *a\nc: {<<: *a}\n", {"image": "x", "tag": "a.t"}, ["1 x:1"], id="below an anchor"
        ),
        pytest.param(
            "a: &a {t: 1}\nb: *a\n", {"image": "x", "tag": "[*].t"}, ["1 x:1"], id="below an anchor and its alias"
        ),
        pytest.param("a: &t 1\nb: *t\n", {"image": "x", "tag": "[*]"}, ["1 x:1"], id="at an anchor and its alias"),
        pytest.param('{\'a.b\': {"c d": "1"}}', {"image": "x", "tag": "'a.b'.'c d'"}, ["1 x:1"], id="quoted keys"),
        pytest.param("x: y\n", {"image": "x", "tag": "t"}, [], id="nothing"),
        pytest.param("t: {x: 1}\n", {"image": "x", "tag": "t"}, [], id="a mapping is nothing to edit"),
        pytest.param("t: [1]\n", {"image": "x", "tag": "t"}, [], id="a list is nothing to edit"),
        pytest.param("r: acme/a\n", {"repository": "r", "tag": "t"}, [], id="a name alone is nothing to edit"),
        pytest.param("", {"image": "x", "tag": "."}, [], id="an empty file"),
    ],
)
def test_sites_find_images(text, paths, found):
    assert _list_found(text, _make_site(**paths)) == found


@pytest.mark.parametrize(
    ("text", "paths", "reason"),
    [
        pytest.param("t: |\n  1.2\n", {"image": "x", "tag": "t"}, "several lines or is a block", id="a block"),
        pytest.param("t: 'a\n b'\n", {"image": "x", "tag": "t"}, "several lines or is a block", id="several lines"),
        pytest.param("t:\n", {"image": "x", "tag": "t"}, "nothing is written there", id="nothing"),
        pytest.param("t: ''\n", {"image": "x", "tag": "t"}, "nothing is written there", id="an empty text"),
        pytest.param("t: ~\nd: ''\n", {"image": "x", "tag": "t", "digest": "d"}, "nothing is written", id="null"),
        pytest.param("t: ${TAG}\n", {"image": "x", "tag": "t"}, "it holds the variable ${TAG}", id="a variable"),
        pytest.param("t: 1 2\n", {"image": "x", "tag": "t"}, "it is no image reference", id="no tag"),
        pytest.param("t: x:1\n", {"image": "x", "tag": "t"}, "it is no image reference", id="a reference for a tag"),
        pytest.param("t: nginx\n", {"reference": "t"}, "no tag is written", id="a reference without a tag"),
        pytest.param("t: !!int 1\n", {"image": "x", "tag": "t"}, "the tag tag:yaml.org,2002:int", id="a YAML tag"),
        pytest.param("t: *x\n", {"image": "x", "tag": "t"}, "the alias *x has no anchor", id="an alias to nothing"),
        pytest.param("t: 1\n", {"repository": "r", "tag": "t"}, "there is no repository at r", id="no repository"),
        pytest.param(
            "t: 1\nr: {}\n", {"repository": "r", "tag": "t"}, "there is no repository at r", id="no scalar for a name"
        ),
        pytest.param(
            "t: 1\nr: $(r)\n", {"repository": "r", "tag": "t"}, "it holds the variable $(r)", id="a variable for a name"
        ),
        pytest.param(
            "t: 1\nr: x:2\n", {"repository": "r", "tag": "t"}, "it is no image reference", id="more than a name"
        ),
        pytest.param(
            "t: 1\nr: acme/api\n",
            {"image": "acme/web", "repository": "r", "tag": "t"},
            "it names docker.io/acme/api, and its site says that the image is docker.io/acme/web",
            id="another repository than the site says",
        ),
        pytest.param(
            "i: acme/api:1\n",
            {"image": "acme/web", "reference": "i"},
            "it names docker.io/acme/api, and its site says that the image is docker.io/acme/web",
            id="another reference than the site says",
        ),
        pytest.param(
            "t: 1\nr: a\nr: b\n",
            {"repository": "r", "tag": "t"},
            "the path r of its repository leads to several places",
            id="a part written twice",
        ),
        pytest.param(
            "x:\n- {name: R, v: acme/a}\n- {name: T, v: 1}\n- {name: T, v: 2}\n",
            {"repository": "x[name=R].v", "tag": "x[name=T].v"},
            "the path x[name=T].v of its tag leads to several places",
            id="several items of the name",
        ),
        pytest.param(
            "a: &a {t: 1}\nb: *a\n",
            {"image": "x", "tag": "b.t"},
            "the path leads through the alias *a to what is shared with its anchor",
            id="behind an alias",
        ),
        pytest.param(
            "a: &a {t: 1}\nb: {<<: *a}\n",
            {"image": "x", "tag": "b.t"},
            "a merge key brings the key t into the mapping",
            id="behind a merge key",
        ),
        pytest.param(
            "a: &t 1\nb: *t\n",
            {"image": "x", "tag": "a"},
            "the text is shared as &t with line 2, where it is no part of an image that imagebot edits",
            id="at an anchor that is used elsewhere",
        ),
    ],
)
def test_what_a_site_finds_and_cannot_be_edited_is_left_alone(text, paths, reason):
    (left_alone,) = _list_left_alone(text, _make_site(**paths))

    assert reason in left_alone


def test_a_name_in_the_file_may_agree_with_the_site():
    text = "r: docker.io/library/nginx\nt: 1.2\ni: nginx:1.3\n"

    found = _list_found(
        text,
        _make_site(image="nginx", repository="r", tag="t"),
        _make_site(image="index.docker.io/nginx", reference="i"),
    )

    assert found == ["2 docker.io/library/nginx:1.2", "3 nginx:1.3"]


def test_the_first_of_two_sites_has_a_scalar():
    assert _list_found("t: 1\n", _make_site(image="a", tag="t"), _make_site(image="b", tag="*")) == ["1 a:1"]


def test_what_is_another_image_behind_an_alias_is_left_alone():
    text = "a: &a {t: 1}\nb: *a\n"
    first, second = _make_site(image="x", tag="a.t"), _make_site(image="y", tag="b.t")

    for sites in ((first, second), (second, first)):
        assert _list_left_alone(text, *sites) == ["1 x:1: by an alias or a merge key it is a part of y too"]


def test_a_site_comes_before_what_the_file_says_itself():
    located = _locate("image: nginx:1.2\nx: {image: nginx:1.3}\n", _make_site(reference="image"))

    assert [each.place for each in located.occurrences] == [Place.SITE, Place.IMAGE]


def test_sites_of_other_files_find_nothing():
    site = _make_site("tags/{app}", "acme/{app}", tag=".")

    assert _list_found("1.2\n", site, path="tags/api") == ["1 acme/api:1.2"]
    assert _list_found("1.2\n", site, path="tags/x/api") == []
    assert _list_found("1.2\n", site, path="a.yaml") == []


def test_a_capture_in_the_middle_of_a_segment_names_the_image():
    site = _make_site("apps/{team}/{app}-prod.yaml", "ghcr.io/{team}/{app}", tag="spec.tag")

    found = _list_found("spec: {tag: v1.2}\n", site, path="apps/acme/web-api-prod.yaml")

    assert found == ["1 ghcr.io/acme/web-api:v1.2"]


def test_a_capture_that_makes_no_image_is_told():
    located = _locate("1.2\n", _make_site("tags/{app}", "acme/{app}", tag="."), path="tags/README")

    (left_alone,) = located.left_alone
    assert left_alone.text == "acme/README:1.2"
    assert left_alone.reason.startswith(
        "its site says that the image is acme/README, which is none: its path has upper"
    )


@pytest.mark.parametrize(
    ("before", "tag", "after"),
    [
        pytest.param(b"1.4.2\n", "1.4.3", b"1.4.3\n", id="with a line end"),
        pytest.param(b"1.4.2", "1.4.3", b"1.4.3", id="without a line end"),
        pytest.param(b"1.9\n", "1.10", b"1.10\n", id="what looks like a number gets no quotes"),
        pytest.param(b"1.10\n", "1.11", b"1.11\n", id="what looked like a number neither"),
        pytest.param(b"a1b2c3d\n", "5e12345\n"[:7], b"5e12345\n", id="a commit hash that looks like a number"),
        pytest.param(b"v1.2.3 # c\n", "v1.2.4", b"v1.2.4 # c\n", id="before a comment"),
        pytest.param(b"# c\r\n\r\n  1.2  \r\n\r\n", "1.3", b"# c\r\n\r\n  1.3  \r\n\r\n", id="with CRLF and blanks"),
        pytest.param(b"\xef\xbb\xbf1.2\n", "1.3", b"\xef\xbb\xbf1.3\n", id="after a byte order mark"),
        pytest.param(b'"1.2"\n', "1.10", b'"1.10"\n', id="in double quotes"),
        pytest.param(b"'1.2'\r", "1.10", b"'1.10'\r", id="in single quotes, with CR"),
        pytest.param(b"--- 1.2\n...\n", "1.3", b"--- 1.3\n...\n", id="as a document"),
        pytest.param(b"1.2\n---\n1.3\n", "1.10", b"1.10\n---\n1.10\n", id="in several documents"),
        pytest.param(b"&a !!str 1.2\n", "1.3", b"&a !!str 1.3\n", id="with an anchor and a tag"),
    ],
)
def test_a_file_that_is_nothing_but_a_tag_stays_so(before, tag, after):
    site = _make_site("image-tags/{app}", "ghcr.io/acme/{app}", tag=".")

    assert _set_tag(before, tag, site, path="image-tags/api") == after


def test_a_file_that_is_nothing_but_a_reference_stays_so():
    site = _make_site("image", reference=".")

    assert _set_tag(b"nginx:1.2\n", "1.3", site, path="image", digest=A) == f"nginx:1.3@{A}\n".encode()


@pytest.mark.parametrize("text", ["1.2\n1.3\n", "|\n 1.2\n", "1.2 beta\n", "${TAG}\n", "''\n"])
def test_a_file_that_is_another_text_is_left_alone(text):
    (left_alone,) = _locate(text, _make_site("x", "acme/x", tag="."), path="x").left_alone

    assert left_alone.line == 1


def test_parts_are_changed_together():
    data = f"at: {{sum: '{A}', v: 1.2}} # x\r\nrepo: acme/api\r\n".encode()
    site = _make_site(repository="repo", tag="at.v", digest="at.sum")

    result = _set_tag(data, "1.10", site, digest=B)

    assert result == f"at: {{sum: '{B}', v: '1.10'}} # x\r\nrepo: acme/api\r\n".encode()


@pytest.mark.parametrize(
    ("text", "paths", "holds"),
    [
        pytest.param("i: nginx:1.2\n", {"reference": "i"}, Holds.REFERENCE, id="a whole reference"),
        pytest.param("t: 1\nd: ''\n", {"image": "x", "tag": "t", "digest": "d"}, Holds.DIGEST, id="an empty digest"),
        pytest.param("t: 1\nd:\n", {"image": "x", "tag": "t", "digest": "d"}, None, id="no bytes for a digest"),
        pytest.param("t: 1\n", {"image": "x", "tag": "t"}, None, id="a tag alone"),
        pytest.param(
            "a: &a {t: 1, d: ''}\nb: {<<: *a, t: 2}\n",
            {"image": "x", "tag": "a.t", "digest": "a.d"},
            None,
            id="an empty digest that a merge key takes over",
        ),
    ],
)
def test_where_a_digest_can_be_added(text, paths, holds):
    (occurrence,) = _locate(text, _make_site(**paths)).occurrences

    assert (occurrence.room.holds if occurrence.room else None) == holds


def test_a_site_does_not_part_a_tag_from_the_digest_beside_it():
    data = f"image: {{repository: nginx, tag: 1.2, digest: '{A}'}}\n".encode()

    located = locate(data, path="a.yaml", bindings=Bindings(sites=(_make_site("a.yaml", "nginx", tag="image.tag"),)))

    assert located.occurrences == ()
    assert [one.reason for one in located.left_alone] == [
        "the digest beside it, under the key digest, would stay that of another image"
    ]


def test_files_of_sites_are_not_left_out_by_the_quick_search():
    bindings = Bindings(sites=(_make_site("tags/{app}", "acme/{app}", tag="."),))

    assert can_name_image(b"1.2\n", path="tags/api", bindings=bindings)
    assert not can_name_image(b"1.2\n", path="tags.yaml", bindings=bindings)
    assert not can_name_image(b"1.2\n")


def test_sites_that_find_nothing_in_a_file_are_told():
    finds, empty, idle, other = (
        _make_site(image="x", tag="t"),
        _make_site(image="x", tag="e"),
        _make_site(image="x", tag="no.such.key"),
        _make_site("b.yaml", image="x", tag="t"),
    )

    found = find_idle_sites(scan(b"t: 1\ne: ''\n"), "a.yaml", [finds, empty, idle, other])

    assert found == (idle,)


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param({"repository": "r[name=x].v", "tag": "t[*].v"}, id="a name that is looked up for each tag"),
        pytest.param({"repository": "t[*].l[name=x].v", "tag": "t[*].v"}, id="a name behind an alias in each item"),
        pytest.param({"image": "x", "tag": "t[*].l[*].v"}, id="an alias in each item"),
    ],
)
@pytest.mark.timeout(10)
def test_the_time_for_a_site_is_linear(paths):
    names = "".join(f"- {{name: {'x' if n == 0 else 'y'}, v: acme/api}}\n" for n in range(2000))
    text = f"r: &r\n{names}t:\n" + 2000 * "- {l: *r, v: 1}\n"

    located = _locate(text, _make_site(**paths))

    assert len(located.occurrences) + len(located.left_alone) == 2000


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        pytest.param(
            "[" + 330 * f"[{330 * '1,'}]," + "]", [{"image": "a", "tag": "[*][*]"}], id="all items of all lists"
        ),
        pytest.param(
            "[" + 6000 * "{a: 1}," + "]", 20 * [{"image": "a", "tag": "[*].b"}], id="many sites that find nothing"
        ),
        pytest.param(
            "[" + 6000 * "{a: 1}," + "]",
            [{"image": "a", "tag": f"[a={number}].b"} for number in range(20)],
            id="many comparisons",
        ),
        pytest.param(6000 * "---\na: 1\n", 20 * [{"image": "a", "tag": "b"}], id="many documents"),
    ],
)
@pytest.mark.timeout(20)
def test_sites_that_lead_to_more_nodes_than_anybody_means_are_not_followed_to_the_end(text, sites):
    with pytest.raises(NotYaml, match=f"the paths of sites lead to more than {MAX_VISITS} nodes"):
        _locate(text, *(_make_site(**paths) for paths in sites))


_ITEMS = ("- {{t: {tag}, r: acme/a}} # c\n", "-  r: 'b'\n   # ü: x\n   t: &x {tag}\n", "- r: c\n- {{}}\n- x\n")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    items=st.lists(st.sampled_from(_ITEMS), min_size=1, max_size=5),
    end=st.sampled_from(LINE_ENDS),
    mark=st.sampled_from(["", "\ufeff"]),
    quote=st.sampled_from(["'", '"']),
    texts=st.tuples(tags, tags),
)
def test_all_items_of_a_list_get_the_new_tag_and_nothing_else_changes(items, end, mark, quote, texts):
    template = (mark + "x: # ü🐳\n" + "".join(items)).replace("\n", end)
    before, after = (template.format(tag=f"{quote}{tag}{quote}").encode() for tag in texts)
    site = _make_site(repository="x[*].r", tag="x[*].t")

    result = _set_tag(before, texts[1], site)

    assert result == after
    assert _set_tag(result, texts[1], site) == result
