"""Ansible tasks about an image itself; those about containers say `image:` like everyone.

https://docs.ansible.com/ansible/latest/collections/community/docker/docker_image_module.html
https://docs.ansible.com/ansible/latest/collections/containers/podman/podman_image_module.html
"""

from collections.abc import Iterator

from imagebot.yamledit.candidate import Candidate, find_scalar, is_collection, is_nothing, text_of
from imagebot.yamledit.merges import find_inherited
from imagebot.yamledit.occurrence import Place
from imagebot.yamledit.scan import MappingNode, Node, YamlFile
from imagebot.yamledit.search import make_need
from imagebot.yamledit.tree import find_text, resolve

_MODULES = tuple(
    collection + module
    for module, collections in {
        "docker_image": ("", "community.docker.", "community.general."),
        "docker_image_pull": ("", "community.docker."),
        "podman_image": ("", "containers.podman."),
    }.items()
    for collection in collections
)
NEEDS = tuple(map(make_need, _MODULES))
# With these the image is made here or named anew, and the tag says what it will be called.
_MAKING_KEYS = ("build", "path", "load_path", "repository", "push")
_MAKING = {"source": ("build", "load", "local"), "state": ("absent", "build", "quadlet")}
# Cut, as any number of aliases may stand for one text.
_LONGEST_ARGUMENTS = 1000
_FREE_FORM = "the arguments of the task are one text, and only those of a mapping are read"


def find_in_tasks(file: YamlFile) -> Iterator[Candidate]:
    """Yield the images that tasks pull by `name`, with the tag in it or under `tag`."""
    seen: set[MappingNode] = set()
    for task in file.mappings:
        if not isinstance(task.path.step, int) or not task.may_have(_MODULES):
            continue
        for module in _MODULES:
            for node in task.values.get(module, ()):
                arguments = resolve(node)
                if isinstance(arguments, MappingNode) and arguments not in seen:
                    seen.add(arguments)
                    yield from _find_in_arguments(arguments)
                elif find_scalar(node) is not None and "name=" in text_of(node)[:_LONGEST_ARGUMENTS]:
                    yield Candidate(Place.ANSIBLE, arguments.path, whole=node, problem=_FREE_FORM)


def _find_in_arguments(arguments: MappingNode) -> Iterator[Candidate]:
    name, tag = _find(arguments, "name"), _find(arguments, "tag")
    if name is None:
        return
    problem = _find_making(arguments) or _find_repeated(arguments) or find_inherited(arguments, ("tag", *_MAKING_KEYS))
    if tag is not None:
        yield Candidate(Place.ANSIBLE, arguments.path, name=(name,), tag=tag, problem=problem)
    else:
        yield Candidate(Place.ANSIBLE, arguments.path, whole=name, problem=problem)


def _find(arguments: MappingNode, key: str) -> Node | None:
    nodes = arguments.values.get(key, ())
    return nodes[0] if nodes and not is_collection(nodes[0]) and not is_nothing(nodes[0]) else None


def _find_making(arguments: MappingNode) -> str | None:
    """Say why the task does not simply pull the image."""
    for key in _MAKING_KEYS:
        if key in arguments.values:
            return f"the task has {key}, and may make the image or name it anew"
    for key, texts in _MAKING.items():
        text = find_text(arguments, key)
        if text in texts:
            return f"the task has {key}: {text}, and pulls no image"
    return None


def _find_repeated(arguments: MappingNode) -> str | None:
    for key in ("name", "tag"):
        count = len(arguments.values.get(key, ()))
        if count > 1:
            return f"the task has the key {key} {count} times, and readers differ in which one they take"
    return None
