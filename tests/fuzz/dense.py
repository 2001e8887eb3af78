"""Files that are nothing but one thing, as often as it fits: what takes longest for its size."""

from collections.abc import Mapping

from tests.fuzz.mutation import MAX_BYTES

_APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n source:\n  helm:\n   parameters:\n"
# What comes before, what comes again and again, and what comes behind.
_FORMS = {
    "images": ("", "- image: a:1\n", ""),
    "images and comments": ("", "- image: a:1  # of the\n", ""),
    "images in double quotes": ("", '- image: "a:1" # ü\n', ""),
    "images in one mapping": ("", "image: a:1\n", ""),
    "images on one line": ("[", "{image: a:1},", "]"),
    "images and as many blanks": ("[", "{image: a:1},         ", "]"),
    "images of a kustomization": ("images:\n", "- {name: a, newTag: 1}\n", ""),
    "images in parts": ("", "- {repository: a, tag: 1}\n", ""),
    "images in parts on lines": ("", "- repository: a\n  tag: 1\n", ""),
    "services": ("a: {script: x, services: [", "a:1,", "]}\n"),
    "parameters": (_APPLICATION, "   - {name: image.tag, value: v1}\n   - {name: image.repository, value: a}\n", ""),
    "aliases": ("- image: &a a:1\n", "- image: *a\n", ""),
    "merge keys": ("- &a {tag: 1}\n", "- <<: *a\n", ""),
    "variables": ("", "- image: $a\n", ""),
    "actions": ("", "- image: {{ x }}:1\n", ""),
    "actions on lines": ("", "- image: a:{{x}}\n{{ if x }}\n", ""),
    "markers": ("", "- image: a:1 # imagebot: any\n", ""),
    "markers above": ("", "# imagebot: any\n- image: a:1\n", ""),
    "Flux's markers": ("", '- image: a:1 # {"$imagepolicy": "ns:p"}\n', ""),
    "documents": ("", "---\n", ""),
    "documents with an image": ("", "---\nimage: a:1\n", ""),
    "keys": ("image: a:1\n", "a:\n", ""),
    "items": ("- image: a:1\n", "-\n", ""),
    "lists in a list": ("- image: a:1\n- [", "[],", "]"),
    "digests": ("", f"- {{repository: a, digest: 'sha256:{64 * 'a'}'}}\n", ""),
    "sites": ("sites:\n", "- release: 1\n", ""),
    "nested YAML": (_APPLICATION.replace("parameters:", "values: |"), "    - image: a:1\n", ""),
}


def make_dense() -> Mapping[str, bytes]:
    """Make a file of each form, with what it is called."""
    return {name: _fill(*form) for name, form in _FORMS.items()}


def _fill(head: str, piece: str, tail: str) -> bytes:
    room = MAX_BYTES - len((head + tail).encode())
    return (head + piece * (room // len(piece.encode())) + tail).encode()
