"""Three merge requests as reviewers meet them: one image, a major jump that asks for care, and a group of twelve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from imagebot.image.description import Description
from imagebot.image.platform import parse_platform
from imagebot.image.reference import Repository, parse_repository
from imagebot.image.snapshot import Snapshot
from imagebot.proposal.cautions import find_left
from imagebot.proposal.choose import Listings
from imagebot.proposal.plan import Group, make_changes, make_groups
from imagebot.proposal.survey import survey
from imagebot.proposal.text import Backdrop
from imagebot.settings.policy_file import parse_policy_file
from tests.proposal.builders import DIGEST_1, DIGEST_2, NOW, Sightings, choose_all, see

_OID = "8c1f3a5be0d9427c86a1f07d5e4b93c2a6d8e710"
_MANY = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/s390x")
_TWO = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True, slots=True)
class Example:
    """A merge request to be written, and what the reader sees of it by its name."""

    name: str
    group: Group
    backdrop: Backdrop


def find_url(path: str, line: int) -> str:
    return f"https://gitlab.example.com/acme/infra/-/blob/{_OID}/{path}#L{line}"


def describe(
    digest: str,
    size_mb: float,
    *,
    source: str = "",
    revision: str = "",
    version: str = "",
    platforms: Sequence[str] = _TWO,
    built: str = "2026-02-25 09:41",
) -> Description:
    labels = {"source": source, "revision": revision, "version": version}
    return Description(
        digest,
        frozenset(map(parse_platform, platforms)),
        int(size_mb * 1_000_000),
        datetime.fromisoformat(f"{built}+00:00"),
        {f"org.opencontainers.image.{key}": text for key, text in labels.items() if text},
    )


def _make(
    name: str,
    policy: str,
    files: Mapping[str, str],
    *,
    listings: Listings,
    described: Mapping[str, Mapping[str, Description]],
    sightings: Sightings | None = None,
) -> Example:
    """Make the example of the first group that comes of the files."""
    policy_file = parse_policy_file(policy.encode(), file=".imagebot.yaml")
    found = survey({path: text.encode() for path, text in files.items()}, policy_file.entries)
    changes = make_changes(choose_all(found, listings, sightings=sightings or {}))
    rules = policy_file.merge_requests
    group, *_ = make_groups(changes, branch_prefix=rules.branch_prefix, group_by=rules.group_by)
    backdrop = Backdrop(
        ".imagebot.yaml",
        find_url,
        {parse_repository(image): found for image, found in described.items()},
        find_left(found, changes),
    )
    return Example(name, group, backdrop)


def _list(
    image: str, *tags: str, pushed: Mapping[str, str] | None = None, seen: datetime = NOW - timedelta(days=9)
) -> tuple[Repository, Snapshot]:
    repository = parse_repository(image)
    times = {tag: datetime.fromisoformat(f"{at}+00:00") for tag, at in (pushed or {}).items()}
    return repository, Snapshot(repository, NOW, dict.fromkeys(tags, seen), times)


def make_minor() -> Example:
    """One image, one minor version, in three places."""
    source = "https://github.com/acme/api"
    policy = """version: 1
images:
  - name: api
    image: ghcr.io/acme/api
    policy: {semver: minor}
    min_age: 3d
"""
    image = "image: ghcr.io/acme/api:1.4.2\n"
    tags = [
        "latest",
        "main",
        "1.6.0-rc.1",
        "1.5.0",
        "1.5.1",
        *(f"1.{minor}.{n}" for minor in range(5) for n in range(7)),
    ]
    files = {
        "clusters/production/api/deployment.yaml": f"kind: Deployment\nspec:\n  {image}",
        "clusters/production/api/migrate-job.yaml": f"kind: Job\nspec:\n  {image}",
        "clusters/staging/api/deployment.yaml": f"kind: Deployment\nspec:\n  {image}",
    }
    pushed = {"1.5.0": "2026-02-25 09:44", "1.5.1": "2026-02-27 16:02", **dict.fromkeys(tags[5:], "2025-11-02 08:00")}
    return _make(
        "minor",
        policy,
        files,
        listings=dict([_list("ghcr.io/acme/api", *tags, pushed=pushed)]),
        described={
            "ghcr.io/acme/api": {
                "1.4.2": describe(DIGEST_1, 46.9, source=source, revision=5 * "3b0c7d21", version="1.4.2"),
                "1.5.0": describe(DIGEST_2, 48.2, source=source, revision=5 * "a91f03e7", version="1.5.0"),
            }
        },
    )


def make_major() -> Example:
    """A major version, of a tag that was pushed again, for fewer platforms, of another source, and not everywhere."""
    policy = """version: 1
images:
  - image: quay.io/acme/ledger
    files: ["clusters/**"]
    policy: {semver: major}
    platforms: [linux/amd64]
"""
    old = describe(
        DIGEST_1,
        212.4,
        source="https://gitlab.com/acme/finance/ledger",
        revision=5 * "11aa22bb",
        version="v3.9.4",
        platforms=_TWO,
        built="2025-12-01 10:00",
    )
    new = describe(
        DIGEST_2,
        187.0,
        source="https://github.com/acme-labs/ledger",
        revision=5 * "77ee88ff",
        version="v4.0.0",
        platforms=_TWO[:1],
        built="2026-02-20 17:30",
    )
    image = "image: quay.io/acme/ledger:v3.9.4\n"
    return _make(
        "major",
        policy,
        {
            "clusters/eu-1/ledger.yaml": f"kind: StatefulSet\nspec:\n  {image}",
            "clusters/us-1/ledger.yaml": f"kind: StatefulSet\nspec:\n  {image}",
            "compose/dev.yaml": f"services:\n  ledger:\n    {image}",
            "charts/ledger/values.yaml": f"web: {{}}\nledger:\n  {image}",
        },
        listings=dict([_list("quay.io/acme/ledger", "v3.9.4", "v3.9.3", "v4.0.0", "v4.1.0-beta.2", "latest")]),
        described={"quay.io/acme/ledger": {"v3.9.4": old, "v4.0.0": new}},
        sightings={
            "v3.9.4": see(DIGEST_1),
            "v4.0.0": see(DIGEST_2, at=datetime(2026, 2, 27, 4, 12, tzinfo=UTC), is_repushed=True),
        },
    )


_STACK = {
    # image: (now, next, size now, size next, source)
    "ghcr.io/acme/shop": ("2.31.0", "2.33.1", 88.1, 88.9, "https://github.com/acme/shop"),
    "ghcr.io/acme/cart": ("1.9.3", "1.9.4", 41.0, 41.0, "https://github.com/acme/cart"),
    "ghcr.io/acme/search": ("0.14.0", "0.15.2", 120.3, 124.7, "https://github.com/acme/search"),
    "nginx": ("1.27.2-alpine", "1.27.4-alpine", 20.5, 20.6, ""),
    "redis": ("7.2.5", "7.4.2", 41.1, 45.2, ""),
    "postgres": ("16.4", "16.8", 149.7, 150.1, ""),
    "grafana/grafana": ("11.3.0", "11.5.2", 168.4, 172.0, "https://github.com/grafana/grafana"),
    "quay.io/prometheus/prometheus": ("v2.55.0", "v3.2.1", 109.8, 113.3, "https://github.com/prometheus/prometheus"),
    "registry.gitlab.com/acme/tools/backup": ("4.0.1", "4.0.9", 30.2, 30.2, "https://gitlab.com/acme/tools/backup"),
    "codeberg.org/forgejo/runner": ("6.1.0", "6.2.2", 22.7, 22.9, "https://codeberg.org/forgejo/runner"),
    "bitnami/kubectl": ("1.31.2", "1.31.6", 90.0, 90.4, "https://bitbucket.org/acme/kubectl"),
    "busybox": ("latest", "", 2.1, 2.1, ""),
}


def make_stack() -> Example:
    """A group of twelve images, of which one jumps to a new major version and one has a new digest."""
    policy = """version: 1
images:
  - image: busybox
    group: platform
    policy: {digest: latest}
  - image: quay.io/prometheus/*
    group: platform
    policy: {semver: major}
  - image: "*"
    group: platform
    policy: {semver: minor}
"""
    files: dict[str, str] = {}
    listings: dict[Repository, Snapshot] = {}
    described: dict[str, Mapping[str, Description]] = {}
    for number, (image, (now, later, size, new_size, source)) in enumerate(_STACK.items()):
        name = image.rpartition("/")[2]
        written = f"{image}:{now}" if later else f"{image}:{now}@{DIGEST_1}"
        files[f"apps/{name}/deployment.yaml"] = f"kind: Deployment\nspec:\n  image: {written}\n"
        if number % 3 == 0:
            files[f"apps/{name}/overlays/staging/patch.yaml"] = f"kind: Deployment\nspec:\n  image: {written}\n"
        listings |= dict([_list(image, now, *([later] if later else ["1.36"]), seen=NOW - timedelta(days=number))])
        old = describe(DIGEST_1, size, source=source, revision=5 * f"{number:x}5f6e7d8" if source else "")
        new = describe(
            DIGEST_2, new_size, source=source, revision=5 * f"{number:x}9a8b7c6" if source else "", version=later
        )
        described[image] = {now if later else DIGEST_1: old, later or DIGEST_2: new}
    return _make(
        "group",
        policy,
        files,
        listings=listings,
        described=described,
        sightings={"latest": see(DIGEST_2, is_repushed=True)},
    )


def make_examples() -> tuple[Example, ...]:
    return make_minor(), make_major(), make_stack()
