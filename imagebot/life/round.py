"""What every step of one update needs."""

from dataclasses import dataclass
from datetime import datetime

from imagebot.forge import Forge
from imagebot.git import GitRepo
from imagebot.life.memory import Memory
from imagebot.look import Look
from imagebot.wording import Wording


@dataclass(frozen=True, slots=True)
class Round:
    """One update of one target. A dry round reads everything, and pushes and proposes nothing."""

    look: Look
    git: GitRepo
    forge: Forge
    now: datetime
    memory: Memory
    wording: Wording
    is_dry: bool = False
