"""What processes use, as Linux counts it below /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process since its start: its CPU time, that of children that have ended, and what it wrote to disk."""

    cpu_s: float = 0.0
    children_s: float = 0.0
    written_bytes: int = 0

    def __sub__(self, before: "Usage") -> "Usage":
        return Usage(
            self.cpu_s - before.cpu_s,
            self.children_s - before.children_s,
            self.written_bytes - before.written_bytes,
        )

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.cpu_s + other.cpu_s, self.children_s + other.children_s, self.written_bytes + other.written_bytes
        )


def read_usage(pid: int) -> Usage:
    user, system, children_user, children_system = map(int, _read_stat(pid)[11:15])
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    written = next(line for line in lines if line.startswith("write_bytes:"))
    return Usage((user + system) * _TICK_S, (children_user + children_system) * _TICK_S, int(written.partition(":")[2]))


def read_memory_bytes(pid: int) -> int:
    """Read how much memory a process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def list_family(pid: int) -> list[int]:
    """List a process and its children."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int(_read_stat(int(folder.name))[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [pid, *(child for child, parent in parents.items() if parent == pid)]


def _read_stat(pid: int) -> list[str]:
    """Read the fields after the name of the program, which may hold anything: the first is the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
