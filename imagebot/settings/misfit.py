"""Which keys of an entry of a policy file do not go together: what would mean nothing beside the policy is a fault.

The document itself is asked, so that these faults are found all at once, and beside all others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from imagebot.settings.fault import Path
from imagebot.settings.section import Refused
from imagebot.settings.yaml_source import Data, Node

POLICIES = ("semver", "calver", "numeric", "alphabetical", "newest", "digest")


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A key of an entry that is at fault beside some policies, unless its value is harmless there."""

    path: Path
    policies: tuple[str, ...]
    accepted: str
    harmless: Data = None


_MISFITS = (
    _Misfit(("tags",), ("digest",), "no tags beside policy.digest, which names the tag"),
    _Misfit(("variant",), ("digest",), "no variant beside policy.digest, which names the tag"),
    _Misfit(("allow_downgrade",), ("digest",), "false beside policy.digest, which names the tag", harmless=False),
    _Misfit(("pin_digest",), ("digest",), "true beside policy.digest, which writes nothing but digests", harmless=True),
    _Misfit(("tags", "extract"), ("newest",), "no extract beside policy.newest, which orders by time"),
    _Misfit(
        ("variant",),
        ("calver", "numeric", "alphabetical", "newest"),
        "any, or no variant, unless the policy is semver: tags.include says which tags are meant",
        harmless="any",
    ),
)


def refuse_misfits(root: Node) -> Iterator[Refused]:
    """Find what does not go together in the entries that have one policy."""
    images = root.children.get("images")
    for index, image in images.children.items() if images else ():
        policies = [name for name in POLICIES if _find(image, ("policy", name)) is not None]
        for misfit in _MISFITS if len(policies) == 1 else ():
            if policies[0] in misfit.policies and _find(image, misfit.path) not in (None, misfit.harmless):
                yield Refused(misfit.accepted, at=("images", index, *misfit.path))


def _find(node: Node, path: Path) -> Data:
    for part in path:
        if part not in node.children:
            return None
        node = node.children[part]
    return node.value
