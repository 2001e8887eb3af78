"""What a target's people have to know beside its merge requests: the faults of the policy file, as one issue.

It is updated in place, and closed when the file is mended. The forge knows it by its key; the memory saves asking.
"""

from imagebot.errors import InvalidInput
from imagebot.forge import Forge
from imagebot.life.memory import Memory
from imagebot.log import log
from imagebot.proposal.markup import code
from imagebot.settings.fault import Fault
from imagebot.settings.operator import TargetSettings
from imagebot.settings.policy_file import InvalidPolicyFile
from imagebot.yamledit.kept import hash_facts

_TOPIC = "issue"
_NONE = "none"


def report_fault(error: InvalidInput, target: TargetSettings, *, forge: Forge, memory: Memory) -> None:
    """Let there be an issue that says what is wrong with the policy file, and what is accepted."""
    title = f"{target.policy_file} on {target.branch} cannot be used"
    faults = error.faults if isinstance(error, InvalidPolicyFile) else (str(error),)
    body = _write(faults, limit=forge.body_limit)
    told = hash_facts(title, body)
    if memory.find(_TOPIC) != told:
        url = forge.ensure_issue(key=_make_key(target), title=title, body=body)
        memory.keep(_TOPIC, told)
        log.info("fault_reported", url=url)


def has_reported(memory: Memory) -> bool:
    """Whether an issue may be open: also if it is not known, as after the store was lost."""
    return memory.find(_TOPIC) != _NONE


def withdraw_fault(target: TargetSettings, *, forge: Forge, memory: Memory) -> None:
    """Close the issue, as nothing is wrong any more."""
    forge.close_issue(key=_make_key(target), note=f"{code(target.policy_file)} can be used again.")
    memory.keep(_TOPIC, _NONE)


def _make_key(target: TargetSettings) -> str:
    return f"{target.branch}\n{target.policy_file}"


def _write(faults: "tuple[Fault | str, ...]", *, limit: int) -> str:
    """Write what is wrong, in at most so many characters: what is left out is seen when the rest is mended."""
    head = "Until this is mended, imagebot changes nothing; merge requests that are open stay as they are."
    lines: list[str] = []
    room = limit - len(head) - 1000
    for fault in faults:
        lines.append(f"- {_describe(fault)}")
        room -= len(lines[-1]) + 1
        if room < 0:
            lines[-1:] = ["- and more"]
            break
    return "\n".join([head, "", *lines])


def _describe(fault: Fault | str) -> str:
    if isinstance(fault, str):
        return code(fault)
    where = f"line {fault.line}, column {fault.column}" + (f", {code(fault.path)}" if fault.path else "")
    return f"{code(fault.file)}, {where}: found {code(fault.found)}; accepted is {code(fault.accepted)}"
