"""Flux's image policies as rules: what an `ImagePolicy` and the `ImageRepository` it names say about tags.

The documents themselves are for others to read; these are their fields, as texts. What of it is not as in Flux:

- Nothing moves backwards, equal tags have a fixed order, numbers are exact, and what is no number is no candidate.
- Flux never writes a digest with `Never`, and drops one that stands there; it adds one with `IfNotPresent`. Here a
  digest that stands there moves with its tag in both, and none is added. With `Always` it is added and kept up to date.
- A template that names no group, or one that the pattern does not have, is a fault: see `tag_filter`.
"""

from collections.abc import Sequence
from enum import Enum

from imagebot.errors import InvalidInput
from imagebot.policy.flux_range import FluxRange
from imagebot.policy.policies import Alphabetical, Numeric, Order, Policy, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Keep, Rules
from imagebot.policy.tag_filter import TagFilter, parse_tag_filter

# What the API sets where an ImageRepository has no list of its own.
DEFAULT_EXCLUSIONS = (r"^.*\.sig$",)


class InvalidFluxField(InvalidInput):
    """A field of a Flux object has no value that it may have."""

    def __init__(self, found: str, accepted: str) -> None:
        super().__init__(f"found {found}; accepted is {accepted}")


class Reflection(Enum):
    """What Flux writes of digests: `digestReflectionPolicy`."""

    NEVER = "Never"
    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"


def make_flux_policy(kind: str, argument: str | None) -> Policy:
    """Make the policy of a field of `spec.policy`: `semver` with its range, or one of the others with its order.

    Raises InvalidFluxField, and InvalidRange.
    """
    if kind == "semver":
        if argument is None:
            raise InvalidFluxField("no range", "a range of versions, as in 1.x")
        return SemverRange(FluxRange(parse_range(argument)))
    make = Numeric if kind == "numerical" else Alphabetical
    order = next((order for order in Order if order.value == (argument or "asc").lower()), None)
    if order is None:
        raise InvalidFluxField(f"the order {argument}", "asc or desc")
    return make(order)


def make_flux_filter(pattern: str | None, extract: str | None, exclusions: Sequence[str]) -> TagFilter | None:
    """Make the filter of `filterTags` and the repository's `exclusionList`; None if there is nothing to filter.

    Raises InvalidPattern and InvalidTemplate.
    """
    if not (pattern or extract or exclusions):
        return None
    return parse_tag_filter([pattern] if pattern else [], exclusions, extract=extract)


def parse_reflection(text: str) -> Reflection:
    """Read a `digestReflectionPolicy`. Raises InvalidFluxField."""
    found = next((each for each in Reflection if each.value == text), None)
    if found is None:
        raise InvalidFluxField(f"the policy {text}", "Never, IfNotPresent or Always")
    return found


def make_flux_rules(policy: Policy, tag_filter: TagFilter | None, reflection: Reflection) -> Rules:
    """Put together what an entry has to know; Flux knows no variants, so a suffix is a prerelease."""
    return Rules(policy, tag_filter, Keep.ANY, pins_digest=reflection is Reflection.ALWAYS)
