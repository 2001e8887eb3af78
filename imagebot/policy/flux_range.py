"""Ranges of versions as Flux reads them: those of Masterminds, but for what a version is."""

from dataclasses import dataclass

from imagebot.policy.range import Range, Refusal
from imagebot.policy.version import Version, find_version

_DOTS = 2


@dataclass(frozen=True, slots=True)
class FluxRange:
    """A range whose versions have two dots at least, as only Flux demands: `1.2` and `20240131` are none."""

    range: Range

    def __str__(self) -> str:
        return str(self.range)

    def find_version(self, text: str) -> Version | None:
        return find_version(text) if text.count(".") >= _DOTS else None

    def admits(self, version: Version) -> bool:
        return self.range.admits(version)

    def refusal(self, version: Version) -> Refusal | None:
        return self.range.refusal(version)
