"""What a merge request says of itself to the next round: a hidden block at the end of its text.

It is imagebot's memory of what was proposed, kept where it cannot get lost: with the merge request. People may edit or
delete it; then the merge request is one that imagebot knows only by its branch.
"""

import json
import re
from dataclasses import dataclass

from imagebot.proposal.markup import hidden

_BLOCK = re.compile(r"<!-- imagebot (\{[^\n<>]{0,65536}\}) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """One image, what is proposed for it (see `Change.proposed`), and a fingerprint of what the text tells.

    A merge request that was closed unmerged says no to exactly what it proposed, unless imagebot closed it itself: then
    it is retired. `declined` is what people said no to before this one was opened.
    """

    image: str
    proposed: tuple[str, ...]
    fingerprint: str
    declined: tuple[str, ...] = ()
    is_retired: bool = False


def format_block(block: Block) -> str:
    fields: dict[str, object] = {"image": block.image, "tags": block.proposed, "changes": block.fingerprint}
    if block.declined:
        fields["declined"] = block.declined
    if block.is_retired:
        fields["retired"] = True
    # `>` would end the comment and `--` is not allowed in one; both can be spelled otherwise in a JSON string.
    spelled = json.dumps(fields).replace(">", "\\u003e").replace("<", "\\u003c").replace("--", "-\\u002d")
    return hidden(f"imagebot {spelled}")


def replace_block(text: str, block: Block) -> str:
    """Put a block in the place of all that a text has."""
    return f"{_BLOCK.sub('', text).rstrip()}\n\n{format_block(block)}\n"


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
    if not (isinstance(image, str) and isinstance(fingerprint, str) and isinstance(tags, list)):
        return None
    declined = fields.get("declined")
    declined = tuple(map(str, declined)) if isinstance(declined, list) else ()
    return Block(image, tuple(map(str, tags)), fingerprint, declined, is_retired=fields.get("retired") is True)
