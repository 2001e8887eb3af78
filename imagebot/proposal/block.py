"""What a merge request says of itself to the next round: a hidden block at the end of its text.

It is imagebot's memory of what was proposed, kept where it cannot get lost: with the merge request. People may edit or
delete it; then the merge request is one that imagebot knows only by its branch.
"""

import json
import re
from dataclasses import dataclass
from hashlib import sha256

from imagebot.proposal.markup import hidden

_BLOCK = re.compile(r"<!-- imagebot (\{[^\n<>]{0,4000}\}) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """One image, the tags proposed for it, and a fingerprint of all that the proposal changes.

    A merge request that was closed unmerged stands for exactly its image and tags; the fingerprint tells whether a text
    still describes its change.
    """

    image: str
    tags: tuple[str, ...]
    fingerprint: str


def make_block(image: str, changes: list[tuple[str, str, str]]) -> Block:
    """Make the block of a proposal from its changes: path, reference before, tag and digest after."""
    tags = tuple(sorted({after for _, _, after in changes}))
    return Block(image, tags, sha256(json.dumps(sorted(changes)).encode()).hexdigest()[:16])


def format_block(block: Block) -> str:
    fields = {"image": block.image, "tags": block.tags, "changes": block.fingerprint}
    # `>` would end the comment and `--` is not allowed in one; both can be spelled otherwise in a JSON string.
    spelled = json.dumps(fields).replace(">", "\\u003e").replace("<", "\\u003c").replace("--", "-\\u002d")
    return hidden(f"imagebot {spelled}")


def remove_block(text: str) -> str:
    """Take the blocks out of a text: what imagebot closes itself must not look as if a person had refused it."""
    return _BLOCK.sub("", text).rstrip() + "\n"


def find_block(text: str) -> Block | None:
    """Find the last block in a merge request's text; None if there is none that can be read."""
    found = _BLOCK.findall(text)
    if not found:
        return None
    try:
        fields = json.loads(found[-1])
    except ValueError:
        return None
    image, tags, fingerprint = fields.get("image"), fields.get("tags"), fields.get("changes")
    if isinstance(image, str) and isinstance(fingerprint, str) and isinstance(tags, list):
        return Block(image, tuple(str(tag) for tag in tags), fingerprint)
    return None
