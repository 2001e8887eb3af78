"""Helm charts and other artifacts in a real registry: they are listed, chosen and described as images are."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebot.demo.image import IMAGE, TinyImage, make_digest
from imagebot.demo.push import push
from imagebot.image.description import Description
from imagebot.image.manifest import Manifest
from imagebot.image.reference import Repository
from imagebot.inquire import Inquiry
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.policies import SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.policy.tag_filter import TagFilter, parse_tag_filter
from imagebot.poll import list_tags
from imagebot.proposal.choose import Choice
from imagebot.proposal.survey import survey
from imagebot.registry.client import Registries
from imagebot.registry.host import RegistryHost
from imagebot.registry.lanes import Lanes
from tests.servers.docker_registry import DockerRegistry

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EMPTY = "application/vnd.oci.empty.v1+json"
HELM = "application/vnd.cncf.helm.config.v1+json"
HELM_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def make_chart(version: str) -> TinyImage:
    """Make what `helm push` pushes: the metadata as config, the packed chart as its only layer, some annotations."""
    chart = {
        "apiVersion": "v2", "name": "api", "version": version, "appVersion": "2.1", "type": "application",
        "home": "https://api.example.com", "sources": ["https://git.example.com/acme/api"],
    }  # fmt: skip
    annotations = {
        "org.opencontainers.image.created": "2026-02-01T10:00:00+01:00",
        "org.opencontainers.image.title": "api",
        "org.opencontainers.image.version": version,
    }
    return make_artifact(json.dumps(chart).encode(), HELM, f"packed {version}".encode(), HELM_LAYER, annotations)


def make_artifact(
    config: bytes, config_type: str, layer: bytes, layer_type: str, annotations: dict[str, str], **more: str
) -> TinyImage:
    parts = ((config, config_type), (layer, layer_type))
    described, layer_described = (
        {"mediaType": media_type, "digest": make_digest(blob), "size": len(blob)} for blob, media_type in parts
    )
    fields = {"config": described, "layers": [layer_described], "annotations": annotations, **more}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": IMAGE, **fields}).encode()
    return TinyImage((config, layer), manifest)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    with DockerRegistry(tmp_path / "registry") as registry:
        yield registry


@pytest.fixture
def registries(registry: DockerRegistry) -> Iterator[Registries]:
    hosts = {registry.address: RegistryHost(registry.address, plain_http=True)}
    with Registries(hosts, timeout_s=5, user_agent="test") as registries:
        yield registries


def choose(
    repository: Repository, tag: str, registries: Registries, *, tag_filter: TagFilter | None = None
) -> tuple[Choice, Inquiry]:
    rules = Rules(SemverRange(parse_range(">=0")), tag_filter)
    entries = [Entry(None, parse_image_pattern("*"), None, rules, 1)]
    found = survey({"a.yaml": f"image: {repository}:{tag}".encode()}, entries)
    with Lanes(2) as pool:
        inquiry = Inquiry(registries, None, pool=pool, now=NOW)
        listings = {repository: list_tags(repository, registries=registries, now=NOW)}
        (choice,) = inquiry.choose(found, listings)
    return choice, inquiry


def test_a_newer_chart_is_chosen_and_no_platform_is_missed(registry: DockerRegistry, registries: Registries):
    digests = {tag: push(registry.address, "charts/api", tag, image=make_chart(tag)) for tag in ("1.4.0", "1.5.0")}
    api = Repository(registry.address, "charts/api")
    before = len(registry.read_requests(1))

    choice, _ = choose(api, "1.4.0", registries)

    assert choice.new_tag == "1.5.0"
    asked = [(each.method, each.target.partition("/charts/api/")[2]) for each in registry.read_requests(before + 5)]
    assert sorted(asked[before:]) == sorted(
        [
            ("GET", "tags/list?n=1000"),
            *[("HEAD", f"manifests/{tag}") for tag in digests],
            *[("GET", f"manifests/{digest}") for digest in digests.values()],
        ]
    )


def test_what_a_chart_says_of_itself(registry: DockerRegistry, registries: Registries):
    chart = make_chart("1.5.0+build.7")
    digest = push(registry.address, "charts/api", "1.5.0_build.7", image=chart)
    with Lanes(2) as pool:
        inquiry = Inquiry(registries, None, pool=pool, now=NOW)

        described = inquiry.describe(Repository(registry.address, "charts/api"), ["1.5.0_build.7"])

    assert described["1.5.0_build.7"] == Description(
        digest,
        platforms=frozenset(),
        size_bytes=sum(map(len, chart.blobs)),
        built_at=datetime(2026, 2, 1, 9, tzinfo=UTC),
        labels={
            "appVersion": "2.1",
            "org.opencontainers.image.created": "2026-02-01T10:00:00+01:00",
            "org.opencontainers.image.source": "https://git.example.com/acme/api",
            "org.opencontainers.image.title": "api",
            "org.opencontainers.image.url": "https://api.example.com",
            "org.opencontainers.image.version": "1.5.0+build.7",
        },
    )


# Helm writes a plus, which no tag may have, as an underscore.
BEFORE_THE_BUILD = parse_tag_filter(["^(?P<version>[^_]+)(_.*)?$"], [], extract="$version")


@pytest.mark.parametrize(
    ("tag_filter", "new_tag"),
    [
        pytest.param(None, None, id="a build is no version"),
        pytest.param(BEFORE_THE_BUILD, "1.5.0_build.2", id="ordered by what stands before it"),
    ],
)
def test_charts_with_builds_in_their_versions(
    registry: DockerRegistry, registries: Registries, tag_filter: TagFilter | None, new_tag: str | None
):
    for tag in ("1.4.0_build.1", "1.5.0_build.2"):
        push(registry.address, "charts/api", tag, image=make_chart(tag.replace("_", "+")))

    choice, _ = choose(Repository(registry.address, "charts/api"), "1.4.0_build.1", registries, tag_filter=tag_filter)

    assert choice.new_tag == new_tag


def test_an_artifact_of_any_kind_is_listed_and_chosen(registry: DockerRegistry, registries: Registries):
    for tag in ("1.4.0", "1.5.0"):
        kind = "application/vnd.acme.bundle"
        artifact = make_artifact(b"{}", EMPTY, tag.encode(), f"{kind}.v1.tar", {}, artifactType=kind)
        digest = push(registry.address, "bundles/api", tag, image=artifact)
    bundles = Repository(registry.address, "bundles/api")

    choice, _ = choose(bundles, "1.4.0", registries)

    assert choice.new_tag == "1.5.0"
    assert registries.fetch_manifest(bundles, digest) == Manifest(None, size_bytes=len(b"{}1.5.0"))
