"""Namespaces that kustomizations give to the objects in files, and what they patch; seen at Flux's image policies."""

import pytest

from imagebot.proposal import kustomize
from imagebot.proposal.flux import FluxPolicies, find_flux_policies

_OBJECTS = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web}
spec: {image: ghcr.io/acme/web}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web}
spec: {imageRepositoryRef: {name: web}, policy: {semver: {range: 1.x}}}
"""
_OWN = _OBJECTS.replace("name: web}\nspec", "name: web, namespace: own}\nspec")


def apply_folder(path: str, *, spec: str = "", name: str = "apps") -> str:
    """Write Flux's object that applies a folder."""
    head = f"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}}}\n"
    return head + f"spec:\n  path: {path}\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n{spec}"


def find(files: dict[str, str]) -> FluxPolicies:
    return find_flux_policies({path: text.encode() for path, text in files.items()})


def list_labels(files: dict[str, str]) -> list[str]:
    found = find(files)
    assert found.faults == ()
    return [entry.label for entry in found.entries]


MARKED_OWN = {"x.yaml": '# {"$imagepolicy": "marked:web"}'}


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        pytest.param({"a/p.yaml": _OWN}, ["own:web"], id="none"),
        pytest.param(
            {"a/kustomization.yaml": "namespace: set\nresources: [p.yaml]", "a/p.yaml": _OBJECTS},
            ["set:web"],
            id="a file of its folder",
        ),
        pytest.param(
            {"a/kustomization.yaml": "namespace: set\nresources: [p.yaml]", "a/p.yaml": _OWN},
            ["set:web"],
            id="it comes before the object's own",
        ),
        pytest.param(
            {"a/kustomization.yml": "namespace: set\nresources: [./b/../b/p.yaml]", "a/b/p.yaml": _OBJECTS},
            ["set:web"],
            id="a file of a folder below",
        ),
        pytest.param(
            {
                "a/Kustomization": "namespace: set\nbases: [../b]",
                "b/kustomization.yaml": "resources: [c/]",
                "b/c/kustomization.yaml": "components: [p.yaml]",
                "b/c/p.yaml": _OBJECTS,
            },
            ["set:web"],
            id="through folders",
        ),
        pytest.param(
            {
                "a/kustomization.yaml": "namespace: outer\nresources: [../b]",
                "b/kustomization.yaml": "namespace: inner\nresources: [p.yaml]",
                "b/p.yaml": _OBJECTS,
            },
            ["outer:web"],
            id="the outermost wins",
        ),
        pytest.param(
            {
                "production/kustomization.yaml": "namespace: production\nresources: [../base]",
                "staging/kustomization.yaml": "namespace: staging\nresources: [../base]",
                "base/kustomization.yaml": "resources: [p.yaml]",
                "base/p.yaml": _OBJECTS,
            },
            ["production:web", "staging:web"],
            id="two overlays",
        ),
        pytest.param(
            {"a/kustomization.yaml": "namespace: set\nresources: [q.yaml, https://x.example/p.yaml]", "a/p.yaml": _OWN},
            ["own:web"],
            id="a file that it does not reach",
        ),
        pytest.param(
            {
                "a/kustomization.yaml": "namespace: set\nresources: [../b]",
                "b/kustomization.yaml": "resources: [../a, p.yaml]",
                "b/p.yaml": _OWN,
            },
            ["own:web"],
            id="two that reach each other, which Kustomize refuses",
        ),
        pytest.param(
            {
                "k.yaml": apply_folder("./a", spec="  targetNamespace: target\n"),
                "a/kustomization.yaml": "namespace: set\nresources: [p.yaml]",
                "a/p.yaml": _OBJECTS,
            },
            ["set:web", "target:web"],
            id="what Flux applies has its target, unless it is of another repository",
        ),
        pytest.param(
            {
                "k/kustomization.yaml": apply_folder("k", spec="  targetNamespace: target\n"),
                "k/p.yaml": _OBJECTS,
            },
            ["target:web"],
            id="an object of Flux in a file that has the name of Kustomize's",
        ),
        pytest.param(
            {"a/kustomization.yaml": "---\nnamespace: set\nresources: [p.yaml]\n---\n", "a/p.yaml": _OBJECTS},
            ["set:web"],
            id="a document that is empty beside it",
        ),
        pytest.param(
            {"k.yaml": apply_folder("a", spec="  targetNamespace: target\n"), "a/b/p.yaml": _OBJECTS},
            ["target:web"],
            id="what Flux applies without a kustomization",
        ),
        pytest.param(
            {
                "k.yaml": apply_folder("./", spec="  targetNamespace: target\n"),
                "a/b/kustomization.yaml": "resources: [c]",
                "a/b/c/kustomization.yaml": "resources: [p.yaml]",
                "a/b/c/p.yaml": _OBJECTS,
            },
            ["target:web"],
            id="what Flux applies through a folder with one",
        ),
        pytest.param(
            {"k.yaml": apply_folder("./b", spec="  targetNamespace: target\n"), "a/p.yaml": _OWN},
            ["own:web"],
            id="what Flux does not apply",
        ),
        pytest.param(
            {"p.yaml": _OBJECTS, **MARKED_OWN}, ["marked:web"], id="the one that markers name, if no file names one"
        ),
        pytest.param(
            {"p.yaml": _OBJECTS, "q.yaml": '# {"$imagepolicy":"other:api:tag"}'}, [], id="no marker names the policy"
        ),
        pytest.param(
            {"p.yaml": _OBJECTS, "o.yaml": _OWN, "x.yaml": '# {"$imagepolicy": "own:web"}'},
            ["own:web"],
            id="markers that name another of its name",
        ),
    ],
)
def test_the_namespace_of_a_policy(files, labels):
    found = find(files)

    assert [entry.label for entry in found.entries] == labels
    assert found.faults == ()


def test_markers_that_disagree_name_no_namespace():
    found = find({"p.yaml": _OBJECTS, **MARKED_OWN, "y.yaml": '# {"$imagepolicy": "other:web:tag"}'})

    assert found.entries == ()
    assert [str(fault) for fault in found.faults] == [
        "p.yaml:8: ImagePolicy web: no file says its namespace, and markers name it in marked and other"
    ]


_RANGE = "{apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, metadata: {name: web}, spec: {policy: {}}}"
_LABELS = "{apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, metadata: {name: web, labels: {a: b}}}"


@pytest.mark.parametrize(
    ("kustomization", "is_patched"),
    [
        pytest.param("patches: [{path: patch.yaml}]", True, id="a file"),
        pytest.param("patchesStrategicMerge: [patch.yaml]", True, id="a file, in the old way"),
        pytest.param(f"patches:\n- patch: |\n    {_RANGE}", True, id="a text"),
        pytest.param(f"patchesStrategicMerge:\n- |\n  {_RANGE}", True, id="a text, in the old way"),
        pytest.param(f"patches:\n- patch: |\n    {_LABELS}", False, id="no rules"),
        pytest.param(f"patches:\n- patch: |\n    {_RANGE.replace('web', 'api')}", False, id="another policy"),
        pytest.param(
            "patches: [{target: {kind: ImagePolicy}, patch: '[{path: /spec/policy/semver/range}]'}]",
            True,
            id="all of the kind",
        ),
        pytest.param(
            "patches: [{target: {kind: ImagePolicy, name: w.*}, patch: '[{path: /spec/policy}]'}]", True, id="a pattern"
        ),
        pytest.param(
            "patchesJson6902: [{target: {kind: ImageRepository, name: web}, patch: '[{path: /spec/image}]'}]",
            True,
            id="the repository",
        ),
        pytest.param(
            "patches: [{target: {kind: ImagePolicy, name: api}, patch: '[{path: /spec/policy}]'}]",
            False,
            id="another by its name",
        ),
        pytest.param(
            "patches: [{target: {kind: Deployment}, patch: '[{path: /spec/replicas}]'}]", False, id="another kind"
        ),
        pytest.param(
            "patches: [{target: {labelSelector: a=b}, patch: '[{path: /metadata/labels/x}]'}]", False, id="labels"
        ),
    ],
)
def test_a_policy_that_is_patched_is_a_fault(kustomization, is_patched):
    files = {
        "a/kustomization.yaml": f"resources: [../base]\n{kustomization}\n",
        "base/kustomization.yaml": "resources: [p.yaml]\n",
        "base/p.yaml": _OWN,
        "a/patch.yaml": _RANGE if "patch.yaml" in kustomization else "",
    }

    found = find(files)

    assert (len(found.entries), len(found.faults) > 0) == ((0, True) if is_patched else (1, False))
    assert all("a kustomization patches it, and patches are not followed" in str(f) for f in found.faults[:1])


def test_what_flux_patches_is_a_fault():
    patches = f"  patches:\n  - patch: |\n      {_RANGE}\n"
    found = find({"k.yaml": apply_folder("a", spec=patches), "a/p.yaml": _OWN})

    assert [str(fault) for fault in found.faults] == [
        "a/p.yaml:8: ImagePolicy own:web: a kustomization patches it, and patches are not followed"
    ]


def test_a_kustomization_that_cannot_be_read_is_a_fault():
    found = find({"a/kustomization.yaml": "resources: p.yaml\n", "a/p.yaml": _OWN})

    assert [str(fault) for fault in found.faults] == [
        "a/kustomization.yaml:1: its kustomization is not followed: resources is no list"
    ]


def test_without_image_policies_no_kustomization_is_read():
    assert find({"a/kustomization.yaml": "resources: p.yaml\n"}) == FluxPolicies()


def test_kustomizations_that_reach_each_other_in_too_many_ways_are_a_fault():
    count = 110
    every = ", ".join(f"../k{number}" for number in range(count))
    files = {
        f"k{number}/kustomization.yaml": f"namespace: n{number}\nresources: [{every}]\n" for number in range(count)
    }
    files |= {f"r{number}/kustomization.yaml": f"namespace: r{number}\nresources: [../k0]\n" for number in range(count)}

    found = find({**files, "p.yaml": _OWN})

    assert found.entries == ()
    assert [str(fault) for fault in found.faults] == [f"p.yaml:3: {kustomize.TooManyKustomizations()}"]


def test_too_many_policies_are_a_fault():
    files = {f"n{number}/kustomization.yaml": f"namespace: n{number}\nresources: [../b]\n" for number in range(60)}
    files["b/kustomization.yaml"] = "resources: [p.yaml]\n"
    files["b/p.yaml"] = "---\n".join(_OBJECTS.replace("web", f"web{number}") for number in range(50))

    found = find(files)

    assert found.entries == ()
    (fault,) = map(str, found.faults)
    assert fault.endswith("it is one too many, the most are 5000; image policies are not read")


AUTOMATION = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: flux-system, namespace: own}
spec: {update: {path: %s}}
"""


def make_clusters(**paths: str) -> dict[str, str]:
    """Write a folder for each cluster, whose policy has a range of its own."""
    files = {}
    for index, (cluster, path) in enumerate(paths.items()):
        files[f"clusters/{cluster}/p.yaml"] = _OWN.replace("1.x", f"{index}.x")
        files[f"clusters/{cluster}/a.yaml"] = AUTOMATION % path
    return files


def test_policies_of_one_name_are_each_about_the_folder_that_their_cluster_updates():
    found = find(make_clusters(production="./apps/production", staging="./apps/staging"))

    assert found.faults == ()
    assert found.entries == ()
    assert [(folder, entry.label, str(entry.rules)) for folder, (entry,) in found.in_folders.items()] == [
        ("apps/production", "own:web", "semver: 0.x"),
        ("apps/staging", "own:web", "semver: 1.x"),
    ]


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(make_clusters(production="./apps", staging="./apps/staging"), id="one folder in the other"),
        pytest.param(make_clusters(production="./", staging="./apps/staging"), id="the whole repository"),
        pytest.param(
            {path: text for path, text in make_clusters(one="a", two="b").items() if "p.yaml" in path},
            id="no automation",
        ),
        pytest.param({**make_clusters(one="a", two="b"), "clusters/one/b.yaml": AUTOMATION % "c"}, id="two folders"),
    ],
)
def test_policies_of_one_name_that_nothing_parts_are_faults(files):
    found = find(files)

    assert (found.entries, found.in_folders) == ((), {})
    assert len(found.faults) == 2
    assert "several of this name differ, and no ImageUpdateAutomation parts them by folders: " in str(found.faults[0])


def test_policies_of_one_name_that_say_the_same_are_one():
    found = find({"a/p.yaml": _OWN, "b/p.yaml": _OWN})

    assert [(entry.label, entry.file) for entry in found.entries] == [("own:web", "a/p.yaml")]
    assert found.faults == ()


def test_a_suspended_policy_is_not_replaced_by_another_of_its_name():
    suspended = _OWN.replace("spec: {imageR", "spec: {suspend: true, imageR")

    assert find({"a/p.yaml": _OWN, "b/p.yaml": suspended}).entries == ()


def test_each_policy_takes_the_repository_that_stands_nearest():
    files = make_clusters(production="./apps/production", staging="./apps/staging")
    files["clusters/staging/p.yaml"] = files["clusters/staging/p.yaml"].replace("acme/web", "acme/staging")

    (production,), (staging,) = find(files).in_folders.values()
    assert (str(production.image), str(staging.image)) == ("ghcr.io/acme/web", "ghcr.io/acme/staging")
