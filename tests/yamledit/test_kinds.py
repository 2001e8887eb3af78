"""Places that only documents of a certain kind have."""

import pytest

from imagebot.yamledit.candidate import MAX_PLACES
from imagebot.yamledit.locate import locate
from imagebot.yamledit.occurrence import Place

A = f"sha256:{64 * 'a'}"
B = f"sha256:{64 * 'b'}"

_APPLICATION = "{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: {source: %s}}"
_PARAMETERS = _APPLICATION % "{helm: {parameters: [%s]}}"
_OVERRIDE = _APPLICATION % "{kustomize: {images: [%s]}}"
_ARTIFACT = "{apiVersion: source.toolkit.fluxcd.io/v1, kind: OCIRepository, spec: %s}"
_TASK = "{apiVersion: tekton.dev/v1, kind: PipelineRun, spec: {pipelineRef: %s}}"
_WORKFLOW = "{'on': push, jobs: {a: {runs-on: x, %s}}}"


def _find(text: str) -> list[str]:
    located = locate(text.encode())
    assert located.left_alone == ()
    return [str(one.reference) for one in located.occurrences]


@pytest.mark.parametrize(
    ("text", "references"),
    [
        pytest.param("{a: {script: x}, services: [a:1]}", ["a:1"], id="at the top"),
        pytest.param("{default: {services: [a:1]}, a: {script: x}}", ["a:1"], id="under default"),
        pytest.param("{a: {script: x, services: [a:1, b:2]}}", ["a:1", "b:2"], id="in a job"),
        pytest.param("{.a: {services: [a:1]}, b: {script: x}}", ["a:1"], id="in a hidden job"),
        pytest.param("{a: {script: x, services: [{name: a:1, alias: b}]}}", ["a:1"], id="a mapping with a name"),
        pytest.param("{a: {trigger: x}, services: [a:1]}", ["a:1"], id="a job that triggers"),
        pytest.param("{.x: [y], .z: 1, a: {script: x, services: [a:1]}}", ["a:1"], id="hidden keys hold anything"),
        pytest.param("{spec: {inputs: {}}}\n---\n{a: {script: x, services: [a:1]}}", ["a:1"], id="after a header"),
        pytest.param("{.s: &s [a:1], a: {script: x, services: *s}}", ["a:1"], id="a list by an alias"),
        pytest.param("{.s: &s {services: [a:1]}, a: {<<: *s, script: x}}", ["a:1"], id="a list by a merge key"),
        pytest.param("{.n: &n a:1, a: {script: x, services: [*n]}}", [], id="an anchor that is used elsewhere"),
        pytest.param("{a: {script: x, services: !reference [.b, services]}}", [], id="a reference to another list"),
        pytest.param("a:\n  script: x\n  services: !reference\n  - .b\n  - services\n", [], id="such a one as a block"),
        pytest.param("{a: {script: x, services: [!reference [.b, services], a:1]}}", ["a:1"], id="and as an item"),
        pytest.param("{services: [a:1]}", [], id="no job"),
        pytest.param("{services: [a:1], a: {stage: x}}", [], id="nothing that only a job has"),
        pytest.param("{language: x, services: [a:1], deploy: {script: x}}", [], id="Travis"),
        pytest.param("{services: [a:1], script: [x], deploy: {script: x}}", [], id="a script that is no job's"),
        pytest.param("{a: {script: x, services: {db: a:1}}}", [], id="services in a mapping"),
        pytest.param("{a: {b: {script: x, services: [a:1]}}}", [], id="deeper than jobs are"),
        pytest.param("[{a: {script: x, services: [a:1]}}]", [], id="in a sequence"),
    ],
)
def test_the_services_of_gitlab_ci(text, references):
    located = locate(text.encode())

    assert [str(one.reference) for one in located.occurrences] == references
    assert [left.text for left in located.left_alone] == (["a:1"] if "*n" in text else [])


@pytest.mark.parametrize(
    ("text", "references"),
    [
        pytest.param(_WORKFLOW % "container: a:1", ["a:1"], id="container as a text"),
        pytest.param(_WORKFLOW % "container: 'docker://a:1'", ["a:1"], id="container with its scheme"),
        pytest.param(_WORKFLOW % "container: {image: a:1}", ["a:1"], id="container as a mapping"),
        pytest.param(_WORKFLOW % "services: {db: {image: a:1}}", ["a:1"], id="services"),
        pytest.param(_WORKFLOW % "container: ''", [], id="no container"),
        pytest.param(_WORKFLOW % "steps: [{uses: 'docker://a:1'}]", ["a:1"], id="a step that uses an image"),
        pytest.param(_WORKFLOW % "steps: [{uses: actions/checkout@v4}]", [], id="a step that uses an action"),
        pytest.param(_WORKFLOW % "strategy: {matrix: {container: [a:1]}}", [], id="a matrix"),
        pytest.param("{jobs: {a: {runs-on: x, container: a:1}}}", [], id="no workflow, which says on what"),
        pytest.param("{'on': push, jobs: {a: {container: a:1}}}", [], id="no job, which runs on something"),
        pytest.param("{runs: {using: docker, image: 'docker://a:1'}}", ["a:1"], id="an action's image"),
        pytest.param("{runs: {using: docker, image: Dockerfile}}", [], id="an action that builds its image"),
        pytest.param("{runs: {using: docker, image: a/b}}", [], id="and does so from a file of another name"),
        pytest.param("{runs: {using: composite, steps: [{uses: 'docker://a:1'}]}}", ["a:1"], id="a composite action"),
    ],
)
def test_what_github_actions_run_in(text, references):
    assert _find(text) == references


@pytest.mark.parametrize(
    ("item", "reference"),
    [
        pytest.param("a:1", "a:1", id="name and tag"),
        pytest.param("a=b.c/d:1", "b.c/d:1", id="a new name"),
        pytest.param("b.c:5000/a=b.c:5001/a:1", "b.c:5001/a:1", id="ports"),
        pytest.param(f"a=b:1@{A}", f"b:1@{A}", id="tag and digest"),
        pytest.param(f"a=b@{A}", f"b@{A}", id="a digest alone"),
    ],
)
def test_an_override_for_kustomize_names_an_image_behind_the_old_name(item, reference):
    (occurrence,) = locate((_OVERRIDE % f"'{item}'").encode()).occurrences

    assert str(occurrence.reference) == reference
    assert occurrence.place is Place.IMAGE
    assert [part.before for part in occurrence.parts] == [item.removesuffix(reference)]


@pytest.mark.parametrize(
    ("parameters", "references"),
    [
        pytest.param("{name: tag, value: 1}, {name: repository, value: a}", ["a:1"], id="no prefix"),
        pytest.param("{name: x.tag, value: 1}, {name: x.repository, value: a}", ["a:1"], id="any prefix"),
        pytest.param("{name: x.tag, value: 1}, {name: y.repository, value: a}", [], id="two prefixes"),
        pytest.param(
            "{name: image.registry, value: b.c}, {name: image.repository, value: a}, {name: image.tag, value: v1}",
            ["b.c/a:v1"],
            id="registry",
        ),
        pytest.param(
            f"{{name: image.repository, value: a}}, {{name: image.digest, value: '{A}'}}", [f"a@{A}"], id="digest"
        ),
        pytest.param("{name: image.name, value: a}, {name: image.tag, value: 1}", ["a:1"], id="a name of an image"),
        pytest.param("{name: x.name, value: a}, {name: x.tag, value: 1}", [], id="a name of something"),
        pytest.param("{name: image, value: a:1}", ["a:1"], id="a whole reference"),
        pytest.param("{name: x.image, value: a}, {name: x.imageTag, value: 1}", ["a:1"], id="image and imageTag"),
        pytest.param(
            "{name: 'a[0].image.repository', value: a}, {name: 'a[0].image.tag', value: 1}", ["a:1"], id="an index"
        ),
        pytest.param("{name: image.tag, value: ''}", [], id="an empty tag"),
        pytest.param("{name: image.repository, value: a}, {name: image.tag, value: ''}", [], id="an empty tag of a"),
        pytest.param("{name: git.tag, value: v1}", [], id="a tag of something"),
        pytest.param("{name: chart.version, value: 1.2.3}", [], id="a version"),
        pytest.param("{name: x.repository, value: a}, {name: x.version, value: 1}", [], id="version of something"),
    ],
)
def test_parameters_for_helm_belong_together_by_their_prefix(parameters, references):
    assert _find(_PARAMETERS % parameters) == references


def test_the_path_of_a_parameter_is_that_of_its_value():
    parameters = _PARAMETERS % "{name: image.tag, value: 1}, {name: image.repository, value: a}"

    (occurrence,) = locate(parameters.encode()).occurrences

    assert occurrence.yaml_path == "spec.source.helm.parameters[0].value"


@pytest.mark.parametrize(
    ("parameters", "text", "reason"),
    [
        pytest.param(
            "{name: web.image.tag, value: 1}",
            "1",
            "no parameter web.image.repository says which image the tag is of",
            id="no name",
        ),
        pytest.param(
            "{name: imageTag, value: 1}", "1", "no parameter repository says which image", id="no name or prefix"
        ),
        pytest.param(
            "{name: tag, value: 1}, {name: repository, value: a}, {name: tag, value: 2}",
            "a:1",
            "the parameter tag is given more than once",
            id="a tag twice",
        ),
        pytest.param(
            "{name: tag, value: $ARGOCD_APP_REVISION}, {name: repository, value: a}",
            "a:$ARGOCD_APP_REVISION",
            "it holds the variable $ARGOCD_APP_REVISION",
            id="a variable",
        ),
        pytest.param("{name: image, value: a}", "a", "no tag is written", id="no tag"),
    ],
)
def test_parameters_for_helm_are_left_alone_with_their_reason(parameters, text, reason):
    located = locate((_PARAMETERS % parameters).encode())

    assert located.occurrences == ()
    assert [left.text for left in located.left_alone] == [text]
    assert located.left_alone[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("text", "references"),
    [
        pytest.param(_OVERRIDE % "a:1", ["a:1"], id="source"),
        pytest.param(
            "{apiVersion: argoproj.io/v1alpha1, kind: Application,"
            " spec: {sources: [{}, {kustomize: {images: [a:1]}}]}}",
            ["a:1"],
            id="sources",
        ),
        pytest.param(
            "{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, spec: {generators: [{list: {template:"
            " {spec: {source: {kustomize: {images: [a:1]}}}}}}]}}",
            ["a:1"],
            id="a template of a generator",
        ),
        pytest.param(
            "{apiVersion: argoproj.io/v1alpha1, kind: Application, x: &s {kustomize: {images: [a:1]}},"
            " spec: {sources: [*s, *s]}}",
            ["a:1"],
            id="a source by aliases",
        ),
        pytest.param(f"[{{x: {_OVERRIDE % 'a:1'}}}]", ["a:1"], id="an application inside something"),
        pytest.param((_OVERRIDE % "a:1").replace("spec", "status"), [], id="a status"),
        pytest.param((_OVERRIDE % "a:1").replace("argoproj.io", "example.com"), [], id="another group"),
        pytest.param((_OVERRIDE % "a:1").replace("Application", "Rollout"), [], id="another kind"),
        pytest.param((_OVERRIDE % "a:1").replace("source", "target"), [], id="another field"),
        pytest.param(
            "{apiVersion: argoproj.io/v1alpha1, kind: Application, x: "
            "{apiVersion: v1, kind: ConfigMap, source: {kustomize: {images: [a:1]}}}}",
            [],
            id="an object of another kind inside one",
        ),
        pytest.param("{source: {kustomize: {images: [a:1]}}}", [], id="no kind"),
    ],
)
def test_where_the_sources_of_applications_are(text, references):
    assert _find(text) == references


@pytest.mark.parametrize(
    ("spec", "references"),
    [
        pytest.param("{url: 'oci://b.c/a', ref: {tag: v1}}", ["b.c/a:v1"], id="tag"),
        pytest.param(f"{{ref: {{digest: '{A}'}}, url: 'oci://b.c/a'}}", [f"b.c/a@{A}"], id="digest"),
        pytest.param(f"{{url: 'oci://b.c/a', ref: {{tag: v1, digest: '{A}'}}}}", [f"b.c/a:v1@{A}"], id="both"),
        pytest.param(f"{{url: 'oci://b.c/a', ref: {{semver: x, digest: '{A}'}}}}", [f"b.c/a@{A}"], id="over a range"),
        pytest.param("{url: 'oci://b.c:5000/a', ref: {tag: v1}}", ["b.c:5000/a:v1"], id="a port"),
        pytest.param("{url: 'oci://b.c/a', ref: {semver: '>=1'}}", [], id="a range"),
        pytest.param("{url: 'oci://b.c/a', ref: {tag: ''}}", [], id="an empty tag"),
        pytest.param("{url: 'oci://b.c/a'}", [], id="no ref"),
        pytest.param("{url: 'https://b.c/a', ref: {tag: v1}}", [], id="another scheme"),
        pytest.param("{x: {url: 'oci://b.c/a', ref: {tag: v1}}}", [], id="deeper"),
    ],
)
def test_the_artifact_of_an_oci_repository(spec, references):
    assert _find(_ARTIFACT % spec) == references


def test_a_git_repository_has_tags_of_its_own():
    assert _find((_ARTIFACT % "{url: 'oci://b.c/a', ref: {tag: v1}}").replace("OCI", "Git")) == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param("{url: 'oci://b.c/a', ref: {tag: v1, semver: '>=1'}}", "a semver range stands beside", id="range"),
        pytest.param("{url: 'oci://b.c/$X', ref: {tag: v1}}", "it holds the variable $X", id="a variable in the name"),
        pytest.param("{url: 'oci://b.c/a:v0', ref: {tag: v1}}", "it is no image reference", id="a tag in the name"),
        pytest.param("{url: 'oci://b.c/a', ref: {<<: {digest: x}, tag: v1}}", "a merge key brings", id="a merge key"),
    ],
)
def test_an_artifact_is_left_alone_with_its_reason(spec, reason):
    located = locate((_ARTIFACT % spec).encode())

    assert located.occurrences == ()
    assert [left.reason.startswith(reason) for left in located.left_alone] == [True]


@pytest.mark.parametrize(
    ("reference", "references"),
    [
        pytest.param("{resolver: bundles, params: [{name: bundle, value: a:1}]}", ["a:1"], id="a bundle"),
        pytest.param("{resolver: git, params: [{name: bundle, value: a:1}]}", [], id="another resolver"),
        pytest.param("{resolver: bundles, params: [{name: name, value: a:1}]}", [], id="another parameter"),
        pytest.param("{name: bundle, params: [{name: bundle, value: a:1}]}", [], id="no resolver"),
    ],
)
def test_the_bundles_of_tekton(reference, references):
    assert _find(_TASK % reference) == references


@pytest.mark.parametrize(
    ("task", "reference"),
    [
        pytest.param("{community.docker.docker_image: {name: a, tag: 1}}", "a:1", id="docker_image"),
        pytest.param("{docker_image: {tag: 1, name: b.c/a, source: pull}}", "b.c/a:1", id="by its short name"),
        pytest.param("{docker_image: {name: 'a:1'}}", "a:1", id="a name with a tag"),
        pytest.param("{docker_image: {name: a:1, state: present}}", "a:1", id="a state"),
        pytest.param("{community.docker.docker_image_pull: {name: a, tag: 1}}", "a:1", id="docker_image_pull"),
        pytest.param(f"{{docker_image_pull: {{name: 'a@{A}'}}}}", f"a@{A}", id="a name with a digest"),
        pytest.param("{containers.podman.podman_image: {name: a, tag: 1}}", "a:1", id="podman_image"),
        pytest.param("{podman_image: {name: a:1, tag: ''}}", "a:1", id="an empty tag beside"),
    ],
)
def test_ansible_tasks_about_an_image(task, reference):
    (occurrence,) = locate(f"[{{tasks: [{task}]}}]".encode()).occurrences

    assert (occurrence.place, str(occurrence.reference)) == (Place.ANSIBLE, reference)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        pytest.param("{docker_image: {name: '{{ x }}', tag: 1}}", "it holds the variable {{ x }}", id="a variable"),
        pytest.param("{docker_image: {name: a}}", "no tag is written", id="no tag"),
        pytest.param("{docker_image: {name: a:1, tag: 2}}", "it is no image reference", id="two tags"),
        pytest.param("{docker_image: {name: a, tag: 1, source: build}}", "the task has source: build", id="build"),
        pytest.param("{docker_image: {name: a, tag: 1, state: absent}}", "the task has state: absent", id="absent"),
        pytest.param("{docker_image: {name: a, tag: 1, push: yes}}", "the task has push", id="push"),
        pytest.param("{docker_image: {name: a, tag: 1, repository: b}}", "the task has repository", id="another name"),
        pytest.param("{podman_image: {name: a, tag: 1, path: x}}", "the task has path", id="a path to build"),
        pytest.param("{podman_image: {name: a, tag: 1, tag: 2}}", "the task has the key tag 2 times", id="tag twice"),
        pytest.param("{docker_image: name=a tag=1}", "the arguments of the task are one text", id="free form"),
        pytest.param("{docker_image: {<<: {push: yes}, name: a, tag: 1}}", "a merge key brings the key push", id="<<"),
    ],
)
def test_ansible_tasks_are_left_alone_with_their_reason(task, reason):
    located = locate(f"[{task}]".encode())

    assert located.occurrences == ()
    assert [left.reason[: len(reason)] for left in located.left_alone] == [reason]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[{docker_image_info: {name: a:1}}]", id="a question"),
        pytest.param("[{docker_image_tag: {name: a:1, repository: [b:2]}}]", id="another name"),
        pytest.param("[{docker_image: {tag: 1}}]", id="no name"),
        pytest.param("[{docker_image: [a]}]", id="a list"),
    ],
)
def test_what_pulls_no_image_is_passed_over_silently(text):
    assert _find(text) == []


@pytest.mark.parametrize(
    ("media_type", "found"),
    [
        pytest.param("application/vnd.cncf.helm.chart.content.v1.tar+gzip", [], id="a chart"),
        pytest.param("application/deployment.content.v1.tar+gzip", ["b.c/a:1.2"], id="something else"),
    ],
)
def test_an_artifact_that_holds_a_chart_is_no_place_as_no_chart_is(media_type, found):
    spec = f"{{url: 'oci://b.c/a', ref: {{tag: 1.2}}, layerSelector: {{mediaType: {media_type}, operation: copy}}}}"

    assert _find(_ARTIFACT % spec) == found


def test_many_aliases_of_a_long_list_take_linear_time():
    images = ",".join(["a:1"] * MAX_PLACES)
    sources = ",".join(["*s"] * 20_000)
    text = (
        f"{{apiVersion: argoproj.io/v1alpha1, kind: Application, x: &s {{kustomize: {{images: [{images}]}}}},"
        f" spec: {{sources: [{sources}]}}}}"
    )

    assert len(_find(text)) == MAX_PLACES
