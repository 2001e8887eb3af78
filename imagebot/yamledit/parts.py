"""Mappings that hold an image in parts: which keys together say beyond doubt that they are the parts of one.

A `repository` with a `tag` or a digest does anywhere. Other keys mean an image only in company, or under a key that
ends in `image`: a chart has a `name` and a `version` too, and none of these ever moves.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from imagebot.yamledit.candidate import Candidate, is_collection, is_nothing, text_of
from imagebot.yamledit.merges import find_inherited
from imagebot.yamledit.occurrence import Place
from imagebot.yamledit.scan import MappingNode, Node, Path, Scalar, Style
from imagebot.yamledit.search import make_need

_QUOTED = (Style.SINGLE, Style.DOUBLE)
# What Kustomize does not know: with one of these, `name` and `digest` may be parts of another image than they spell.
_FOREIGN_KEYS = ("registry", "repository", "tag")
_TAG_KEYS = ("tag", "imageTag")
_DIGEST_KEYS = ("digest", "sha")
# All forms without a repository have `image` in a key, or stand under one that has.
NEEDS = (make_need("image"), *(make_need("repository", key) for key in (*_TAG_KEYS, *_DIGEST_KEYS)))
_BARE_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNSURE = "the key {} may say a part of its name too; a site in the policy file can say what it is"
_UNCERTAIN = (
    "a name with a version need not be a container image; repository and tag say it, or a site in the policy file"
)
# Charts that have one of these put it before the name, as Istio's do with `hub`.
_HOST_KEYS = ("hub", "imageRegistry", "organization")
# Texts are cut before they are searched, as any number of aliases may stand for one.
_LONGEST_IDENTIFIER = 300
_LONGEST_HOST = 300
_TWO_DIGESTS = "digest and sha stand side by side, and readers differ in which one they take"
_FOREIGN_SHA = "what stands under the key sha is no digest, which has 64 lower-case hexadecimal digits"


@dataclass(frozen=True, slots=True)
class _Form:
    """The keys that hold the parts of one image."""

    names: tuple[str, ...]
    tag: str
    problem: str | None = None


def find_kustomize(mapping: MappingNode) -> Candidate | None:
    """Find the image of an item of `images:` in a kustomization."""
    parts, problem = _pick(mapping.values, ("name", "newName", "newTag", "digest"))
    if "name" not in parts or len(parts) == 1:
        return None
    is_foreign = any(key in mapping.values for key in _FOREIGN_KEYS)
    if is_foreign and "newName" not in parts and "newTag" not in parts:
        return None
    return Candidate(
        Place.KUSTOMIZE,
        mapping.path,
        name=(parts.get("newName", parts["name"]),),
        tag=parts.get("newTag"),
        digest=parts.get("digest"),
        empty_digest=_find_empty_digest(mapping.values, "digest"),
        problem=problem or find_inherited(mapping, ("newName", "newTag", "digest")),
    )


def find_split(mapping: MappingNode) -> Candidate | None:
    """Find the image whose parts the mapping holds."""
    step = mapping.path.step
    is_image = isinstance(step, str) and is_image_key(step)
    form = _find_form(mapping.values, is_image=is_image)
    if form is None:
        return None
    candidate = _make_split(mapping.values, form, mapping.path)
    if candidate is None:
        return None
    inherited = find_inherited(mapping, ("registry", *_TAG_KEYS, form.tag, *_DIGEST_KEYS))
    problem = candidate.problem or inherited or _find_host(mapping.values)
    if problem is None and is_image and form.names[-1] in ("repository", "repo"):
        problem = _find_other_name(mapping.values, text_of(candidate.name[-1]))
    return candidate if problem is None else replace(candidate, problem=problem)


def find_split_fields(fields: Mapping[str, tuple[Node, ...]], path: Path, *, is_image: bool) -> Candidate | None:
    """Find the image whose parts are among fields that are no mapping in the file."""
    form = _find_form(fields, is_image=is_image)
    return None if form is None else _make_split(fields, form, path)


def is_image_key(key: str) -> bool:
    return key.lower().endswith("image")


def leaves_tag_open(fields: Mapping[str, tuple[Node, ...]]) -> bool:
    """Whether there is a key for a tag with nothing under it, which means that others choose the tag."""
    return any(key in fields and any(map(is_nothing, fields[key])) for key in _TAG_KEYS)


def has_identifier(text: str) -> bool:
    """Whether a text that names an image has a tag or a digest, whatever that is."""
    end = text[-_LONGEST_IDENTIFIER:]
    return "@" in end or ":" in end.rpartition("/")[2]


def _find_form(fields: Mapping[str, tuple[Node, ...]], *, is_image: bool) -> _Form | None:
    has_name = "name" in fields or "repo" in fields
    if "repository" not in fields and "image" not in fields and not (is_image and has_name):
        return None
    registry = ("registry",) if "registry" in fields else ()
    tag = next((key for key in _TAG_KEYS if key in fields), None)
    image = _find_bare_image(fields)
    repository = _find_repository_key(fields, is_image=is_image)
    if repository is not None and image is not None and (tag or "version" in fields):
        # As in NVIDIA's operators: nvcr.io/nvidia, driver and 550.127.08.
        return _Form((*registry, repository, "image"), tag or "version", _find_rivalry(image))
    if repository is not None:
        return _Form((*registry, repository), tag or ("version" if is_image else "tag"))
    if image is not None:
        return _Form((*registry, "image"), tag or "tag")
    if "name" in fields and is_image:
        problem = _UNCERTAIN if tag is None and not registry and "version" in fields else None
        return _Form((*registry, "name"), tag or "version", problem)
    return None


def _find_repository_key(fields: Mapping[str, tuple[Node, ...]], *, is_image: bool) -> str | None:
    """Return the key of a repository; `repo` is one only in what is called an image, for elsewhere it may be of git."""
    for key in ("repository", "repo") if is_image else ("repository",):
        if any(not is_nothing(node) for node in fields.get(key, ())):
            return key
    return None


def _find_bare_image(fields: Mapping[str, tuple[Node, ...]]) -> Node | None:
    """Return the scalar under `image` if it is a name alone."""
    for node in fields.get("image", ()):
        if not is_collection(node) and not is_nothing(node) and not has_identifier(text_of(node)):
            return node
    return None


def _find_rivalry(image: Node) -> str | None:
    host, slash, _ = text_of(image)[:_LONGEST_HOST].partition("/")
    is_whole = slash and ("." in host or ":" in host)
    return "repository and image name it both, each with a host or one that others add" if is_whole else None


def _find_host(fields: Mapping[str, tuple[Node, ...]]) -> str | None:
    """Say which other key may hold a part of the name."""
    for key in _HOST_KEYS:
        if key in fields and any(not is_collection(node) and not is_nothing(node) for node in fields[key]):
            return _UNSURE.format(key)
    return None


def _find_other_name(fields: Mapping[str, tuple[Node, ...]], repository: str) -> str | None:
    """Say if `name` is another one than the repository ends in: then it may be the last part of the image's name."""
    last = repository.rpartition("/")[2]
    if "name" not in fields or all(is_nothing(node) or text_of(node) == last for node in fields.get("name", ())):
        return None
    return _UNSURE.format("name")


def _make_split(fields: Mapping[str, tuple[Node, ...]], form: _Form, path: Path) -> Candidate | None:
    digest_key = "sha" if "sha" in fields and "digest" not in fields else "digest"
    parts, problem = _pick(fields, (*form.names, form.tag, *_DIGEST_KEYS))
    if any(key not in parts for key in form.names if key != "registry"):
        return None
    problem = problem or form.problem or _find_sha_problem(fields, parts)
    tag, digest = parts.get(form.tag), None if problem == _FOREIGN_SHA else parts.get(digest_key)
    if tag is None and digest is None:
        return None
    return Candidate(
        Place.SPLIT,
        path,
        name=tuple(parts[key] for key in form.names if key in parts),
        tag=tag,
        digest=digest,
        is_sha256=digest_key == "sha",
        empty_digest=_find_empty_digest(fields, digest_key),
        problem=problem,
    )


def _find_sha_problem(fields: Mapping[str, tuple[Node, ...]], parts: Mapping[str, Node]) -> str | None:
    """Say why `sha` is not what it is in Grafana's charts: the digits of a digest, which come behind `sha256:`."""
    if "sha" not in parts:
        return None
    if "digest" in fields:
        return _TWO_DIGESTS
    return None if _BARE_SHA256.fullmatch(text_of(parts["sha"])) else _FOREIGN_SHA


def _find_empty_digest(fields: Mapping[str, tuple[Node, ...]], key: str) -> Scalar | None:
    """Return the scalar under the key if it is a pair of quotes; what is empty without quotes has no bytes to edit."""
    for node in fields.get(key, ()):
        if isinstance(node, Scalar) and node.style in _QUOTED and not node.value and node.is_string:
            return node
    return None


def _pick(fields: Mapping[str, tuple[Node, ...]], keys: Iterable[str]) -> tuple[Mapping[str, Node], str | None]:
    """Return the scalars under the keys, without those that are empty or null, and what makes the keys ambiguous."""
    parts: dict[str, Node] = {}
    problem = None
    for key in keys:
        nodes = fields.get(key, ())
        if len(nodes) > 1:
            problem = f"the mapping has the key {key} {len(nodes)} times, and readers differ in which one they take"
        if any(is_collection(node) for node in nodes):
            problem = f"what stands under the key {key} is no scalar"
        elif nodes and not is_nothing(nodes[0]):
            parts[key] = nodes[0]
    return parts, problem
