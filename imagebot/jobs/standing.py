"""Who has the clock: for whoever shows it, and needs none of the libraries."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """The replica that has or had the clock `beaten_s` ago, None if none ever had; of so many `replicas`.

    These are of one version; `is_held` is true as well while a replica of another version has the clock.
    """

    replica: str = ""
    beaten_s: float | None = None
    replicas: int = 0
    is_held: bool = False
