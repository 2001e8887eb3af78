"""Image policies of Flux become entries that say what they say, and what cannot be said has its place in a fault."""

import json

import pytest

from imagebot.image.reference import parse_repository
from imagebot.policy.entry import find_entry
from imagebot.policy.reading import Keep
from imagebot.policy.select import Selection, select
from imagebot.proposal.flux import FluxPolicies, find_flux_policies
from imagebot.proposal.flux_survey import survey_with_flux
from tests.policy.test_flux import SAME

REPOSITORY = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: web
  namespace: flux-system
spec:
  image: ghcr.io/acme/web
  interval: 5m
"""
_POLICY = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata:
  name: web
  namespace: flux-system
spec:
  imageRepositoryRef:
    name: web
"""


def make_policy(spec: str = "policy: {semver: {range: 1.x}}", *, head: str = _POLICY) -> str:
    return head + "".join(f"  {line}\n" for line in spec.splitlines())


def find(**files: str) -> FluxPolicies:
    """Find the policies in files, whose `__` stands for a slash."""
    return find_flux_policies({f"{name.replace('__', '/')}.yaml": text.encode() for name, text in files.items()})


def in_namespace(text: str, namespace: str | None) -> str:
    return text.replace("  namespace: flux-system\n", f"  namespace: {namespace}\n" if namespace else "")


def list_faults(found: FluxPolicies) -> list[str]:
    return [str(fault) for fault in found.faults]


def choose(found: FluxPolicies, tags: str, current: str | None = None) -> str | None:
    (entry,) = found.entries
    selection = select(tags.split(), entry.rules, current=current)
    return selection.tag if isinstance(selection, Selection) else None


def test_a_policy_is_an_entry_of_its_namespace_and_name_and_says_where_it_stands():
    found = find(a=REPOSITORY, b=make_policy())

    (entry,) = found.entries
    assert found.faults == ()
    assert (entry.label, entry.file, entry.position) == ("flux-system:web", "b.yaml", 4)
    assert entry.image.matches(parse_repository("ghcr.io/acme/web"))
    assert not entry.image.matches(parse_repository("ghcr.io/acme/web2"))
    assert (str(entry.rules), entry.rules.variant) == ("semver: 1.x", Keep.ANY)
    assert (entry.rules.pins_digest, entry.rules.allows_downgrade) == (False, False)


def test_such_an_entry_governs_nothing_without_a_marker():
    (entry,) = find(a=REPOSITORY, b=make_policy()).entries

    assert find_entry([entry], parse_repository("ghcr.io/acme/web"), path="a.yaml") is None


@pytest.mark.parametrize(
    ("spec", "tags", "chosen"),
    [
        pytest.param("policy: {semver: {range: 1.x}}", "1.2.0 1.10.0 2.0.0", "1.10.0", id="semver"),
        pytest.param("policy: {semver: {range: '>=1'}}", "1.2.0 20240131 7.1", "1.2.0", id="two dots"),
        pytest.param("policy: {semver: {range: ^1-0}}", "1.2.0 1.3.0-rc.1", "1.3.0-rc.1", id="prereleases"),
        pytest.param("policy: {numerical: {order: asc}}", "1 10 9", "10", id="numerical"),
        pytest.param("policy: {numerical: {order: desc}}", "1 10 9", "1", id="numerical descending"),
        pytest.param("policy: {numerical: {order: DESC}}", "1 10 9", "1", id="an order in capitals"),
        pytest.param("policy: {alphabetical: {}}", "a c b", "c", id="the order is ascending by default"),
        pytest.param("policy: {alphabetical: {order: desc}}", "a c b", "a", id="alphabetical"),
        pytest.param(
            "filterTags:\n  pattern: '^main-[a-f0-9]+-(?P<ts>[0-9]+)'\n  extract: '$ts'\npolicy: {numerical: {}}",
            "main-0a1-100 main-9f8-99 dev-1-101",
            "main-0a1-100",
            id="a filter with a template",
        ),
        pytest.param(
            "filterTags: {pattern: '^latest$'}\npolicy: {alphabetical: {}}", "latest main", "latest", id="a filter"
        ),
        pytest.param("filterTags: {extract: ''}\npolicy: {alphabetical: {}}", "a b", "b", id="a filter of nothing"),
        pytest.param("policy: {alphabetical: {}}", "a b z.sig", "b", id="signatures are excluded by default"),
    ],
)
def test_a_policy_chooses_what_flux_chooses(spec, tags, chosen):
    assert choose(find(a=REPOSITORY, b=make_policy(spec)), tags) == chosen


@pytest.mark.parametrize(("policy", "tag_filter", "tags", "chosen"), SAME)
def test_an_object_chooses_what_flux_chooses_of_the_same_policy(policy, tag_filter, tags, chosen):
    kind, argument = policy.split(": ", maxsplit=1)
    spec = {"policy": {kind: {"range" if kind == "semver" else "order": argument}}}
    if tag_filter is not None:
        spec["filterTags"] = dict(zip(("pattern", "extract"), tag_filter, strict=True))
    written = "".join(f"{key}: {json.dumps(value)}\n" for key, value in spec.items())  # JSON is YAML

    assert choose(find(a=REPOSITORY, b=make_policy(written)), tags) == chosen


def test_an_exclusion_list_takes_the_place_of_the_default():
    repository = REPOSITORY + "  exclusionList: ['^b', 'x$']\n"

    assert choose(find(a=repository, b=make_policy("policy: {alphabetical: {}}")), "a b bx a.sig") == "a.sig"


def test_an_empty_exclusion_list_excludes_nothing():
    repository = REPOSITORY + "  exclusionList: []\n"

    assert choose(find(a=repository, b=make_policy("policy: {alphabetical: {}}")), "a b.sig") == "b.sig"


@pytest.mark.parametrize(
    ("reflection", "pins"),
    [
        pytest.param("Never", False, id="never"),
        pytest.param("IfNotPresent", False, id="if there is none"),
        pytest.param("Always", True, id="always"),
    ],
)
def test_only_always_keeps_digests_up_to_date(reflection, pins):
    policy = make_policy(f"digestReflectionPolicy: {reflection}\npolicy: {{alphabetical: {{}}}}")

    (entry,) = find(a=REPOSITORY, b=policy).entries

    assert entry.rules.pins_digest is pins


@pytest.mark.parametrize("version", ["v1", "v1beta2", "v1beta1"])
def test_these_versions_are_read(version):
    files = f"{REPOSITORY}---\n{make_policy()}".replace("io/v1\n", f"io/{version}\n")

    assert len(find(a=files).entries) == 1


def test_objects_may_stand_in_one_file_in_a_list_and_behind_anchors():
    listed = """\
apiVersion: v1
kind: List
items:
- apiVersion: image.toolkit.fluxcd.io/v1
  kind: ImageRepository
  metadata: {name: &name web, namespace: &ns flux-system}
  spec: {image: ghcr.io/acme/web}
- apiVersion: image.toolkit.fluxcd.io/v1
  kind: ImagePolicy
  metadata: {name: *name, namespace: *ns}
  spec: {imageRepositoryRef: {name: *name}, policy: {semver: {range: 1.x}}}
"""

    (entry,) = find(a=listed).entries

    assert (entry.label, entry.position) == ("flux-system:web", 10)


def test_what_only_has_the_name_of_these_kinds_is_nothing():
    other = make_policy().replace("image.toolkit.fluxcd.io/v1", "config.openshift.io/v1 # image.toolkit.fluxcd.io")

    assert find(a=REPOSITORY, b=other) == FluxPolicies()


def test_a_repository_in_another_namespace_is_found_by_both_names():
    here, there = REPOSITORY.replace("/web\n", "/here\n"), in_namespace(REPOSITORY, "apps")
    policy = make_policy().replace("    name: web\n", "    name: web\n    namespace: apps\n")

    (entry,) = find(a=here, b=there, c=policy).entries

    assert str(entry.image) == "ghcr.io/acme/web"


@pytest.mark.parametrize(
    ("repository", "policy", "fault"),
    [
        pytest.param(
            REPOSITORY,
            make_policy("policy:\n  semver:\n    range: ^^1"),
            "b.yaml:11: ImagePolicy flux-system:web: '^^1' is no version range: ",
            id="no range",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("policy:\n  semver: {range: '>=${min}'}"),
            "b.yaml:10: ImagePolicy flux-system:web: '>=${min}' is no version range: ",
            id="a variable",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("policy: {semver: {}}"),
            "b.yaml:4: ImagePolicy flux-system:web: found no range; accepted is a range of versions",
            id="a range that is not there",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("filterTags:\n  pattern: '(?=a)'\npolicy: {alphabetical: {}}"),
            "b.yaml:10: ImagePolicy flux-system:web: '(?=a)' is no pattern of tags: ",
            id="a pattern that RE2 refuses",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("filterTags: {extract: $1}\npolicy: {alphabetical: {}}"),
            "b.yaml:4: ImagePolicy flux-system:web: '$1' extracts nothing: include has no pattern",
            id="a template without a pattern",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("policy: {alphabetical: {order: random}}"),
            "b.yaml:9: ImagePolicy flux-system:web: found the order random; accepted is asc or desc",
            id="an order",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("policy: {alphabetical: {}, numerical: {}}"),
            "b.yaml:4: ImagePolicy flux-system:web: its policy is numerical and alphabetical; accepted is exactly one",
            id="two policies",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("policy: {}"),
            "b.yaml:4: ImagePolicy flux-system:web: its policy is none of them; accepted is exactly one of semver",
            id="no policy",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("digestReflectionPolicy: Maybe\npolicy: {alphabetical: {}}"),
            "b.yaml:9: ImagePolicy flux-system:web: found the policy Maybe; accepted is Never",
            id="a policy of digests",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("suspend: true\npolicy: {alphabetical: {}}"),
            "b.yaml:9: ImagePolicy flux-system:web: it is suspended, so nothing moves",
            id="a suspended policy",
        ),
        pytest.param(
            REPOSITORY + "  suspend: true\n",
            make_policy(),
            "b.yaml:8: ImagePolicy flux-system:web: the ImageRepository flux-system:web that it names is suspended",
            id="a suspended repository",
        ),
        pytest.param(
            in_namespace(REPOSITORY, "apps"),
            make_policy(),
            "b.yaml:8: ImagePolicy flux-system:web: the ImageRepository flux-system:web that it names is in none",
            id="a repository elsewhere",
        ),
        pytest.param(
            REPOSITORY,
            make_policy(head=_POLICY.replace("    name: web\n", "    namespace: flux-system\n")),
            "b.yaml:4: ImagePolicy flux-system:web: it has no spec.imageRepositoryRef.name",
            id="no repository",
        ),
        pytest.param(
            REPOSITORY,
            make_policy().replace("  policy:", "  policy: {}\n  policy:"),
            "b.yaml:4: ImagePolicy flux-system:web: the key policy is written 2 times",
            id="a key given twice",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("<<: {policy: {alphabetical: {}}}"),
            "b.yaml:4: ImagePolicy flux-system:web: a merge key may bring ",
            id="a merge key",
        ),
        pytest.param(
            REPOSITORY,
            make_policy("policy: latest"),
            "b.yaml:9: ImagePolicy flux-system:web: what semver belongs to is no mapping",
            id="a text for a mapping",
        ),
        pytest.param(
            REPOSITORY,
            make_policy().replace("/v1\n", "/v1alpha1\n"),
            "b.yaml:4: a Flux object about images is not read: the version of ImagePolicy is v1alpha1; accepted are v1",
            id="an old version",
        ),
        pytest.param(
            REPOSITORY,
            make_policy().replace("name: web\n  namespace", "name: web-${env}\n  namespace"),
            "b.yaml:4: a Flux object about images is not read: the ImagePolicy has the name or namespace 'web-${env}'",
            id="a variable in the name",
        ),
    ],
)
def test_what_cannot_be_expressed_is_a_fault_with_its_place_and_governs_nothing(repository, policy, fault):
    found = find(a=repository, b=policy)

    assert found.entries == ()
    (text,) = list_faults(found)
    assert text.startswith(fault)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        pytest.param("image: ghcr.io/acme/web:1.0", "'ghcr.io/acme/web:1.0' ", id="a tag"),
        pytest.param("image: https://ghcr.io/acme/web", "'https://ghcr.io/acme/web' ", id="a scheme"),
        pytest.param("image: ghcr.io/acme/*", "'ghcr.io/acme/*' ", id="a pattern"),
        pytest.param("interval: 5m", "it has no spec.image", id="nothing"),
        pytest.param("image: {a: b}", "spec.image is no text", id="a mapping"),
        pytest.param("image: web\n  exclusionList: ['(']", "'(' is no pattern of tags", id="a pattern to exclude"),
        pytest.param("image: web\n  exclusionList: x", "spec.exclusionList is no list", id="no list"),
    ],
)
def test_a_repository_that_cannot_be_used_is_a_fault_and_so_is_a_policy_that_names_it(spec, fault):
    repository = f"{REPOSITORY.partition('spec:')[0]}spec:\n  {spec}\n"

    found = find(a=repository, b=make_policy())

    assert found.entries == ()
    first, second = list_faults(found)
    assert first.partition(": ")[2].startswith(f"ImageRepository flux-system:web: {fault}")
    assert second.endswith("the ImageRepository flux-system:web that it names cannot be used: a.yaml:4")


def test_a_file_that_is_no_yaml_is_a_fault():
    found = find(a=REPOSITORY, b=make_policy() + "  }\n")

    assert list_faults(found)[0].startswith("b.yaml:10:3: its image policies are not read: ")


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        pytest.param(
            "suspend: true\npolicy: {alphabetical: {}}",
            "b.yaml:9: ImagePolicy flux-system:web: it is suspended, so nothing moves",
            id="suspended",
        ),
        pytest.param(
            "policy: {semver: {range: one}}",
            "b.yaml:9: ImagePolicy flux-system:web: 'one' is no version range",
            id="at fault",
        ),
    ],
)
def test_the_marker_of_a_policy_that_is_not_used_points_to_what_is_said_of_that(policy, fault):
    workload = 'image: ghcr.io/acme/web:1.0.0 # {"$imagepolicy": "flux-system:web"}\n'
    texts = {"a.yaml": REPOSITORY, "b.yaml": make_policy(policy), "c.yaml": workload}

    found = survey_with_flux({path: text.encode() for path, text in texts.items()}, ())

    of_policy, of_marker = map(str, found.left_alone)
    assert of_policy.startswith(fault)
    assert of_marker == (
        'c.yaml:1:31: # {"$imagepolicy": "flux-system:web"}: flux-system:web names no entry of the policy file, and no '
        "ImagePolicy that is used: one that is suspended or at fault is reported where it stands; no entry has a name"
    )
