"""Flux's objects about images name repositories to be looked at, and no image that runs."""

import pytest

from imagebot.image.reference import parse_repository
from imagebot.yamledit.captures import parse_file_pattern
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.occurrence import Located
from imagebot.yamledit.sites import make_site
from imagebot.yamledit.yaml_path import parse_yaml_path


def _make_object(kind: str, rest: str, *, api: str = "image.toolkit.fluxcd.io/v1") -> str:
    return f"apiVersion: {api}\nkind: {kind}\n{rest}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_make_object("ImageRepository", "spec: {image: ghcr.io/acme/web}\n"), id="a repository"),
        pytest.param(_make_object("ImageRepository", "spec: {image: r.acme:5000/web}\n"), id="with a port"),
        pytest.param(_make_object("ImageRepository", "spec: {image: '${R}/web'}\n"), id="with a variable"),
        pytest.param(
            _make_object("ImageRepository", "spec: {image: a/b}\n", api="image.toolkit.fluxcd.io/v1beta2"), id="a beta"
        ),
        pytest.param(
            "kind: List\napiVersion: v1\nitems:\n- kind: ImageRepository\n"
            "  apiVersion: image.toolkit.fluxcd.io/v1\n  spec: {image: a/b}\n",
            id="in a list",
        ),
        pytest.param(_make_object("ImagePolicy", "spec: {x: {image: a/b}}\n"), id="a policy"),
        pytest.param(_make_object("ImageUpdateAutomation", "spec: {x: {image: a:1}}\n"), id="an automation"),
    ],
)
def test_objects_about_images_name_none(text):
    assert locate(text.encode()) == Located((), ())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_make_object("ImageRepository", "spec: {image: a/b}\n", api="x.io/v1"), id="another group"),
        pytest.param("kind: ImageRepository\nspec: {image: a/b}\n", id="no group"),
        pytest.param(f"{_make_object('ImagePolicy', '')}---\nimage: a/b\n", id="another document"),
    ],
)
def test_what_else_says_image_is_a_place(text):
    (left_alone,) = locate(text.encode()).left_alone

    assert (left_alone.text, left_alone.reason) == ("a/b", "no tag is written")


def test_a_site_may_name_a_place_in_them_even_so():
    text = _make_object("ImageRepository", "spec: {image: 'a/b:1'}\n")
    site = make_site([parse_file_pattern("a.yaml")], None, {"reference": parse_yaml_path("spec.image")}, position=1)

    (found,) = locate(text.encode(), path="a.yaml", bindings=Bindings((site,))).occurrences

    assert str(found.reference) == "a/b:1"


def test_the_name_in_a_repository_may_have_a_marker():
    text = _make_object("ImageRepository", 'spec:\n  image: ghcr.io/acme/web # {"$imagepolicy": "ns:web:name"}\n')
    bindings = Bindings(images={"ns:web": parse_repository("ghcr.io/acme/web")}, reads_flux=True)

    assert locate(text.encode(), bindings=bindings) == Located((), ())
