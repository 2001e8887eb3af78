"""What docs/policy-file.md says of places is so: its examples are found, and what is no place is not."""

import re
from pathlib import Path

import pytest

from imagebot.image.reference import parse_repository
from imagebot.yamledit.locate import Bindings, locate
from imagebot.yamledit.occurrence import Located

_DOCS = Path(__file__).parents[2] / "docs" / "policy-file.md"
_SECTION = _DOCS.read_text().partition("\n## Where images stand\n")[2].partition("\n## ")[0]
_APPLICATION = "{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: {source: {EXAMPLE}}}"
# Around an example stands what makes its file one of its kind.
_AROUND = {
    "services:": "{EXAMPLE, test: {script: make}}",
    "container:": "{on: push, jobs: {test: {runs-on: x, EXAMPLE}}}",
    "taskRef:": "{apiVersion: tekton.dev/v1, kind: Pipeline, spec: {tasks: [{EXAMPLE}]}}",
    "kustomize:": _APPLICATION,
    "helm:": _APPLICATION,
    "{url:": "{apiVersion: source.toolkit.fluxcd.io/v1, kind: OCIRepository, spec: EXAMPLE}",
    "docker_image:": "[{EXAMPLE}]",
}
_BINDINGS = Bindings(
    images={"api": parse_repository("ghcr.io/acme/api"), "web": parse_repository("ghcr.io/acme/web")}, reads_flux=True
)


def _list_examples() -> list[str]:
    table = _SECTION.partition("| where |")[2].partition("\n\n")[0]
    return [example for row in table.splitlines()[2:] for example in re.findall(r"\| `([^`]+)` \|$", row)]


def _list_blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", _SECTION, re.DOTALL)


def _locate(text: str) -> Located:
    return locate(text.encode(), bindings=_BINDINGS)


@pytest.mark.parametrize("example", _list_examples())
def test_every_example_of_a_place_is_found(example):
    around = _AROUND.get(example.partition(" ")[0], "EXAMPLE")

    located = _locate(around.replace("EXAMPLE", example) + "\n")

    assert located.left_alone == ()
    assert len(located.occurrences) == (2 if example.startswith("services:") else 1)
    assert all(found.reference.tag for found in located.occurrences)


def test_there_are_examples():
    assert len(_list_examples()) > 15


@pytest.mark.parametrize(
    ("number", "found"),
    [
        pytest.param(0, 3 * [("ghcr.io/acme/api:1.4.2", "api")], id="markers"),
        pytest.param(1, [("ghcr.io/acme/web:1.4.2-debug", None), ("ghcr.io/acme/web:1.4.2", None)], id="a template"),
        pytest.param(2, [("ghcr.io/acme/web:1.4.2", "web")], id="YAML in YAML"),
    ],
)
def test_everything_in_the_longer_examples_is_found(number, found):
    located = _locate(_list_blocks()[number])

    assert located.left_alone == ()
    assert [(str(each.reference), each.entry) for each in located.occurrences] == found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("dependencies: [{name: redis, version: 1.4.2, repository: oci://x.io/charts}]", id="dependencies"),
        pytest.param("chart: {spec: {chart: web, version: 1.4.2}}", id="chart"),
        pytest.param("image: {repository: acme/web, tag: ''}", id="empty tag"),
        pytest.param("{image: acme/web, imageTag: ''}", id="empty tag beside a bare image"),
        pytest.param("script: |\n  image: a:1\n", id="script"),
        pytest.param("args: [--image, 'a:1', '--image=a:1']", id="arguments"),
        pytest.param("env: [{name: IMAGE, value: 'a:1'}]", id="environment variables"),
        pytest.param("{kind: ConfigMap, data: {a.yaml: 'image: a:1'}}", id="ConfigMap"),
        pytest.param("# image: a:1\nx: y", id="commented out"),
        pytest.param("imageRepository: registry.k8s.io/x:1.2", id="imageRepository"),
        pytest.param("baseImage: a:1", id="baseImage"),
        pytest.param("runs: {using: docker, image: Dockerfile}", id="Dockerfile"),
    ],
)
def test_what_the_page_calls_no_place_is_none(text):
    assert _locate(text + "\n") == Located((), ())


@pytest.mark.parametrize(
    ("line", "edited"),
    [
        pytest.param("x: ghcr.io/acme/web:{{ .Values.tag }} # imagebot: web", False, id="tag"),
        pytest.param("x: ghcr.io/acme/web:1.4.2{{ .Values.suffix }} # imagebot: web", False, id="suffix"),
        pytest.param('x: "{{ .Values.registry }}/web:1.4.2" # imagebot: web', True, id="registry"),
        pytest.param('image: "{{ .Values.registry }}/web:1.4.2"', False, id="no marker"),
        pytest.param('{repository: "{{ .Values.registry }}/web", tag: 1.4.2} # imagebot: web', True, id="repository"),
        pytest.param('{repository: "{{ .Values.registry }}/web", tag: 1.4.2}', False, id="repository, no marker"),
        *(
            pytest.param(f"image: '{variable}/web:1.4.2' # imagebot: web", True, id=variable)
            for variable in ("{% x %}", "${NAME}", "$NAME", "$(NAME)", "$[[ x ]]", "%NAME%", "<name>")
        ),
    ],
)
def test_what_the_page_says_of_variables(line, edited):
    located = _locate(line + "\n")

    assert (len(located.occurrences), len(located.left_alone)) == ((1, 0) if edited else (0, 1))
