"""A config repository as people write it: 60 files that name 30 images, in every formatting that real files have.

Each file is a template in which `<07>` is the tag of image 7, `<07?>` the same where it is a plain scalar of its own,
`<07@>` its digest, `<07/>` its path and `REG` the registry. The files before and after any set of updates come from the
same templates by plain substitution, so what a test expects owes nothing to the code that it tests.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

IMAGES = 30
POLICY_FILE = """\
version: 1
images:
  - name: services
    image: REG/team/**
    policy: {semver: "^1.2"}
  - name: everything-else
    image: REG/**
    policy: {semver: minor}
merge_requests:
  labels: [image-update]
  reviewers: [alice]
  max_open: null
"""

# For each image the tag now written, the tag to move to (None if there is none), and what else the registry lists.
_NOISE = ("latest", "main", "sha-5badb8c", "0.9.0", "v9", "1.2.0-rc.1", "99.0.0-alpha", "20240131-nightly")
_PLAIN, _WITH_V, _ALPINE, _TWO_PARTS, _NUMBER = 0, 1, 2, 3, 28
_FORMS = {
    _PLAIN: ("1.4.1", "1.10.0"),
    _WITH_V: ("v1.4.1", "v1.5.0"),
    _ALPINE: ("1.4.1-alpine", "1.4.7-alpine"),
    _TWO_PARTS: ("1.4", "1.5"),
}


@dataclass(frozen=True, slots=True)
class Image:
    """One image of the fleet, and what is going to happen to it."""

    number: int
    path: str
    old: str
    new: str | None

    @property
    def tags(self) -> tuple[str, ...]:
        return (*_NOISE, self.old, *([self.new] if self.new else []))


def _make_image(number: int) -> Image:
    path = f"team/service-{number:02}" if number % 3 else f"base/image_{number:02}"
    if number == _NUMBER:
        return Image(number, path, "1.9", "1.10")
    old, new = _FORMS[number % 4]
    return Image(number, path, old, None if number % 5 == 4 else new)


FLEET = tuple(_make_image(number) for number in range(IMAGES))

# `<A>` and `<B>` are replaced by the numbers of two images, file by file.
_TEMPLATES: Mapping[str, bytes] = {
    "deployment": b"""\
apiVersion: apps/v1
kind: Deployment
metadata:
    name:  web      # four spaces, two blanks
spec:
    template:
        spec:
            initContainers:
            -   image: REG/<A/>:<A>   # trailing comment, and blanks behind it   \n\
                name: init
            containers:
            - name: web
              args: ["image: REG/<A/>:not-one", 'it''s']

              image: "REG/<B/>:<B>"
""",
    "crlf": b"""\
kind: Pod\r
spec:\r
  containers:\r
  - {name: a, image: 'REG/<A/>:<A>'}\r
\r
  - image: REG/<B/>:<B>\r
    name: b   \r
""",
    "bom": b"""\
\xef\xbb\xbfkind: Pod
spec:
  containers:
  - &first {image: REG/<A/>:<A>, name: a}
  - <<: *first
    name: "gr\xc3\xbc\xc3\x9fe \xf0\x9f\x9a\x80"
    env: [{name: X, value: "\xf0\x9f\x9a\x80"}, {image: REG/<B/>:<B>}]
""",
    "no-newline": b"""\
services:
  one:
    image:      REG/<A/>:<A>
  two: {"image":"REG/<B/>:<B>"}
# the last line has no newline
  # image: REG/<A/>:0.0.1 is commented out""",
    "multi-document": b"""\
%YAML 1.1
---
kind: Job
spec: {template: {spec: {containers: [{image: REG/<A/>:<A>}]}}}
...
---
kind: Job
spec: {template: {spec: {containers: [{image: REG/<B/>:<B>}]}}}
--- # nothing in this one
---
kind: Job
spec: {template: {spec: {containers: [{image: REG/<A/>:<A>}]}}}
""",
    "kustomization": b"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- ../base
images:
# by name
- name: REG/<A/>
  newTag: <A?>
-   newTag: "<B>"
    name: placeholder
    newName: REG/<B/>
""",
    "values": b"""\
# Default values. image.tag overrides the chart's appVersion.
image:
  pullPolicy: IfNotPresent
  tag: <A?>
  repository: REG/<A/>
sidecar: {image: {registry: REG, repository: <B/>, tag: '<B>'}}
empty:
  image: {repository: REG/<A/>, tag: ""}
""",
    "helmrelease": b"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  values:
    main:
      image:
        repository: REG/<A/>
        tag: <A?>
        digest: <A@>
    pinned: {image: "REG/<B/>:<B>@<B@>"}
""",
    "block-scalars": b"""\
kind: ConfigMap
data:
  script: |
    # image: REG/<A/>:1.0.0
    echo "image: REG/<B/>:1.0.0"


  folded: >-
    image:
    REG/<A/>:1.0.0
---
kind: Pod
spec:
  containers:
  - image: REG/<A/>:<A>
    command:
    - sh
    - -c
    - |
      image: no


  - image: REG/<B/>:<B>
""",
    "anchors": b"""\
x-image: &unrelated {a: 1}
spec:
  one:
    image: &img REG/<A/>:<A>
  two:
    image: *img
  three:
    "image": !!str REG/<B/>:<B>
""",
}

_KINDS = tuple(_TEMPLATES)


def list_templates() -> Mapping[str, bytes]:
    """Return the 60 files as templates, by their paths; the one that is about numbers is the last."""
    files = {}
    for index in range(IMAGES * 2 - 1):
        kind = _KINDS[index % len(_KINDS)]
        first, second = index % IMAGES, (index * 7 + 3) % IMAGES
        if _NUMBER in (first, second) or first == second:
            first, second = 0, 1
        template = _TEMPLATES[kind].replace(b"<A", b"<%02d" % first).replace(b"<B", b"<%02d" % second)
        files[f"clusters/c{index % 4}/{kind}-{index:02}.yaml"] = template
    # A tag that reads like a number gets quotes when it has to.
    files["apps/number/values.yaml"] = b"image: {repository: REG/<28/>, tag: <28?>}\n"
    return files


def render(registry: str, digests: Mapping[str, str], *, updated: Collection[int] = ()) -> dict[str, bytes]:
    """Return all files with the old tags, but the new ones for the images in `updated`.

    `digests` are by `PATH:TAG`.
    """

    def substitute(match: re.Match[bytes]) -> bytes:
        image = FLEET[int(match[1])]
        tag = image.new if image.number in updated and image.new else image.old
        if match[2] == b"/":
            return image.path.encode()
        if match[2] == b"@":
            return digests[f"{image.path}:{tag}"].encode()
        # As a plain scalar `1.5` would be a number: it gets quotes when it is written, what stands there stays.
        is_number = match[2] == b"?" and tag != image.old and tag.replace(".", "", 1).isdigit()
        return f'"{tag}"'.encode() if is_number else tag.encode()

    files = {
        path: re.sub(rb"<([0-9]{2})([/@?]?)>", substitute, template).replace(b"REG", registry.encode())
        for path, template in list_templates().items()
    }
    return {**files, ".imagebot.yaml": POLICY_FILE.replace("REG", registry).encode()}
